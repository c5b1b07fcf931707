"""Targets that come late, in any order, and heads that learn when their own target comes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import bits_of, small

from lethe import Model


def test_late_targets_out_of_order_cost_little() -> None:
    """y = 3 x + noise, each up to 300 events late: nearly as good as the least possible error."""
    random, count = np.random.default_rng(0), 4000
    x, noise = random.normal(size=count), random.normal(size=count)
    y = 3 * x + noise
    due = np.arange(count) + random.integers(0, 301, size=count)
    order = iter(sorted(range(count), key=lambda n: (due[n], n)))
    coming = next(order)
    model, errors = small("y", detect=False, max_delay=400), []
    for n in range(count):
        event = {"x": float(x[n])}
        errors.append(abs(float(model.predict(event).value) - y[n]) if n > 1000 else 0.0)
        model.learn(event, id=n)
        while coming < count and due[coming] <= n:
            model.learn_target(coming, float(y[coming]))
            coming = next(order, count)
    least = np.abs(noise[1001:]).mean()
    assert np.mean(errors[1001:]) < 1.3 * least


def first_steps(horizon: int, values: np.ndarray) -> float:
    """The mean absolute error of the first of so many steps."""
    model, errors = small("y", horizon=horizon, detect=False), []
    for value in values:
        forecast = model.predict().forecast
        errors.append(abs(float(forecast[0]) - value) if forecast else 0.0)
        model.learn({"y": float(value)})
    return float(np.mean(errors[1:]))


def test_the_first_of_24_steps_is_as_good_as_one_step() -> None:
    ratios = []
    for seed in range(4):
        random, value, values = np.random.default_rng(seed), np.zeros(2), []
        for n in range(1200):
            value = np.array([1.6 * value[0] - 0.7 * value[1] + random.normal(), value[0]])
            values.append(value[0] + 5 * np.sin(n / (4 + seed)))
        made = np.array(values)
        ratios.append(first_steps(24, made) / first_steps(1, made))
    assert abs(np.log(ratios).mean()) < 0.01, ratios


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), horizon=st.sampled_from([0, 1, 3]))
def test_to_ask_changes_nothing(seed: int, horizon: int) -> None:
    """Two models of the same events, one of which is asked, copied and saved in between."""
    random = np.random.default_rng(seed)
    ours, theirs = small("y", horizon=horizon), small("y", horizon=horizon)
    late: list[int] = []
    for n in range(60):
        event = {"x": float(random.normal()), "z": float(10 ** random.uniform(-3, 3))}
        y = float(random.normal()) if random.random() < 0.9 else 1e6
        if n and random.random() < 0.5:
            ours.predict(event)
            ours.predict({"x": 99.0, "z": -1.0})
            ours.score({**event, "y": y})
        if n and random.random() < 0.5:
            ours.predict(event) if horizon == 0 else ours.predict()
        if random.random() < 0.1 and n:
            ours = Model.from_checkpoint(*ours.to_checkpoint())
        waits = horizon == 0 and random.random() < 0.4
        for model in (ours, theirs):
            model.learn(event, id=n) if waits else model.learn({**event, "y": y})
        if waits:
            late.append(n)
        if late and random.random() < 0.5:
            which = late.pop(int(random.integers(len(late))))
            for model in (ours, theirs):
                model.learn_target(which, y)
        assert bits_of(ours) == bits_of(theirs), n
