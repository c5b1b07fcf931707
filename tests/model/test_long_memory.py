"""What happened long ago and is needed now: the network for memory finds it."""

import numpy as np

from lethe import Model


def error_on(model: Model, events: list[dict[str, float]], wanted: np.ndarray, late: int) -> float:
    """The mean absolute error on the events that ask, from some event on."""
    errors = []
    for n, event in enumerate(events):
        report = model.learn(event, float(wanted[n]))
        if event["ask"] and n >= late:
            assert report.prediction is not None
            errors.append(abs(float(report.prediction.value) - wanted[n]))
    return float(np.mean(errors))


def test_a_latch() -> None:
    """Set or reset by rare events, asked about now and then: without memory the error is 1."""
    random, count = np.random.default_rng(0), 60_000
    turn, ask = random.random(count), (random.random(count) < 0.1).astype(float)
    state, held = 1.0, np.zeros(count)
    events = []
    for n in range(count):
        state = 1.0 if turn[n] < 0.01 else -1.0 if turn[n] > 0.99 else state
        held[n] = state
        events.append(
            {"set": float(turn[n] < 0.01), "reset": float(turn[n] > 0.99), "ask": float(ask[n])}
        )
    wanted = ask * held + 0.05 * random.normal(size=count)
    assert error_on(Model("y", detect=False), events, wanted, 50_000) < 0.15


def test_an_order_that_fires_much_later() -> None:
    """One of two kinds of order; 50 to 300 events later something fires, as the kind says."""
    random, count = np.random.default_rng(0), 60_000
    events = [{"a": 0.0, "b": 0.0, "ask": 0.0} for _ in range(count)]
    wanted, n = 0.05 * random.normal(size=count), 5
    while n < count - 400:
        kind, fires = "ab"[random.integers(2)], n + int(random.integers(50, 301))
        events[n][kind] = events[fires]["ask"] = 1.0
        wanted[fires] += 2.0 if kind == "a" else -2.0
        n = fires + int(random.integers(1, 100))
    assert error_on(Model("y", detect=False), events, wanted, 50_000) < 2 * 0.4
