"""Model: what it answers, in which units."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from support.models import (
    TASKS,
    bits_of,
    labelled,
    mixed,
    numbers,
    of_task,
    small,
    symbols,
)

from lethe import Model, Prediction


def expected_of(model: Model, event: Any) -> Prediction:
    """What a model expected of an event that it now learns from."""
    prediction = model.learn(event).prediction
    assert prediction is not None
    return prediction


def ask(model: Model, event: Any) -> Prediction:
    return model.predict() if model.horizon else model.predict(event)


# ---- answers before the first event ----


def test_answers_before_the_first_event() -> None:
    one = Model("y").predict({"a": 1.0})
    assert (one.value, one.forecast, one.interval()) == (0.0, (0.0,), (-math.inf, math.inf))
    two = Model(("y", "z"), horizon=2).predict()
    assert two.value == {"y": 0.0, "z": 0.0}
    assert two.forecast == (two.value, two.value)
    assert two.interval(target="z", ahead=2) == (-math.inf, math.inf)
    unknown = Model().predict()
    assert unknown.value == 0.0
    for task in ("class", "symbols"):
        model, events = of_task(task)
        prediction = ask(model, events(1)[0])
        assert prediction.value is None
        assert prediction.forecast == (None,)
        assert dict(prediction.probabilities) == {}
        assert prediction.new == 1.0
        with pytest.raises(ValueError, match="numbers"):
            prediction.interval()


@pytest.mark.parametrize("task", TASKS)
def test_the_first_events_are_answered(task: str) -> None:
    model, events = of_task(task)
    for event in events(12):
        prediction = ask(model, event)
        values = [value for value in prediction.forecast if isinstance(value, float)]
        assert all(math.isfinite(value) for value in values)
        report = model.learn(event)
        assert not report.anomaly > 1
        assert not report.anomaly < 0
        if prediction.probabilities:
            total = sum(prediction.probabilities.values()) + prediction.new
            assert total == pytest.approx(1)


def test_the_second_answer_of_numbers_is_the_first_value() -> None:
    model = small("y")
    model.learn({"a": 1.0}, 7.0)
    assert model.predict({"a": 1.0}).value == pytest.approx(7.0)


# ---- regression ----


def mean_error(model: Model, stream: list[Any], last: int) -> float:
    errors = []
    for event in stream:
        errors.append(abs(expected_of(model, event).value - event["y"]))
    return float(np.mean(errors[-last:]))


def test_a_number_is_learned() -> None:
    stream = numbers(1500)
    spread = np.std([event["y"] for event in stream])
    assert mean_error(small("y"), stream, 300) < 0.15 * spread


def test_a_row_is_an_event() -> None:
    ours, theirs = small("y"), small("y")
    for event in numbers(30):
        ours.learn([event["a"], event["b"]], event["y"])
        theirs.learn(np.array([event["a"], event["b"]]), event["y"])
    assert bits_of(ours) == bits_of(theirs)
    named = small("2")
    for event in numbers(30):
        named.learn((event["a"], event["b"], event["y"]))
    assert named.predict([0.5, 0.5]).value == ours.predict((0.5, 0.5)).value


@pytest.mark.parametrize("horizon", [0, 1])
def test_targets_come_in_any_form(horizon: int) -> None:
    if horizon:
        with pytest.raises(ValueError, match="horizon"):
            small("y", horizon=1).learn({"a": 1.0}, 2.0)
        return
    models = [small(("y", "z")) for _ in range(6)]
    for event in numbers(20):
        x, y, z = {"a": event["a"]}, event["y"], event["b"]
        models[0].learn(x | {"y": y, "z": z})
        models[1].learn(x, {"z": z, "y": y})
        models[2].learn(x, [y, z])
        models[3].learn(x, (y, z))
        models[4].learn(x, np.array([y, z]))
        models[5].learn(x, np.array([y, z], dtype=object))
    assert len({repr(bits_of(model)) for model in models}) == 1


def test_kinds_of_numbers() -> None:
    models = [small("y") for _ in range(3)]
    for n in range(20):
        models[0].learn({"a": float(n % 3), "b": 1.0}, float(n % 2))
        models[1].learn({"a": n % 3, "b": np.bool_(True)}, n % 2 == 1)
        models[2].learn({"a": np.float32(n % 3), "b": np.int16(1)}, np.uint8(n % 2))
    assert bits_of(models[0]) == bits_of(models[2])


def test_several_targets_are_several_numbers() -> None:
    model = small(("y", "b"))
    for event in numbers(300):
        report = model.learn(event)
    prediction = model.predict({"a": 0.0})
    assert list(prediction.value) == ["y", "b"]
    assert prediction.interval(target="y")[0] < prediction.value["y"]
    assert report.column in ("y", "b")
    assert report.actual == event[report.column]
    with pytest.raises(ValueError, match="target must be one of y, b"):
        prediction.interval()
    with pytest.raises(ValueError, match="ahead must be a whole number from 1 to 1, got 2"):
        prediction.interval(target="y", ahead=2)
    for level in (0.0, 1.0, math.nan, -1):
        with pytest.raises(ValueError, match="level"):
            prediction.interval(level, target="y")


def test_past_targets_are_inputs() -> None:
    """A walk is predicted by its last step, which no column holds."""
    random = np.random.default_rng(0)
    steps = [0.0]
    for _ in range(1500):
        steps.append(0.9 * steps[-1] + random.normal())
    model, errors = small("y"), []
    for value in np.cumsum(steps):
        errors.append(abs(expected_of(model, {"y": float(value)}).value - value))
    assert np.mean(errors[-500:]) < 1.1 * math.sqrt(2 / math.pi)


def test_a_forecast_over_a_horizon() -> None:
    model = small("y", horizon=6)
    for n in range(3000):
        model.learn({"y": 100 + 10 * math.sin(n / 6)})
    forecast = model.predict().forecast
    assert len(forecast) == 6
    for ahead, value in enumerate(forecast, 1):
        assert value == pytest.approx(100 + 10 * math.sin((2999 + ahead) / 6), abs=0.5)
    assert model.predict().value == forecast[0]


def test_what_would_be_answered_after_an_event() -> None:
    model = small("y", horizon=2)
    for event in numbers(50):
        model.learn(event)
    event, *_ = numbers(1, seed=9)
    before = bits_of(model)
    foreseen = model.predict(event)
    assert bits_of(model) == before
    model.learn(event)
    assert model.predict().forecast == foreseen.forecast


def test_without_a_target_all_numbers_are_predicted() -> None:
    model = small()
    for event in mixed(40):
        model.learn(event)
    assert list(model.predict().value) == ["a", "b", "y"]
    assert (model.horizon, model.targets) == (1, ("a", "b", "y"))


@pytest.mark.parametrize(("factor", "shift"), [(1000.0, 0.0), (1.0, 500.0), (-0.02, 3.0)])
def test_units_do_not_matter(factor: float, shift: float) -> None:
    ours, theirs = small("y"), small("y")
    apart, spread = [], []
    for event in numbers(600):
        x, y = {"a": event["a"], "b": event["b"]}, event["y"]
        other = {"a": event["a"] * 1e4, "b": event["b"] - 77}
        ours.learn(x, y)
        theirs.learn(other, factor * y + shift)
        wanted = factor * ours.predict(x).value + shift
        apart.append(abs(theirs.predict(other).value - wanted) / abs(factor))
        spread.append(y)
    assert np.mean(apart[100:]) < 0.1 * np.std(spread)


# ---- intervals ----


@pytest.mark.parametrize("horizon", [0, 3])
def test_intervals_hold_what_they_promise(horizon: int) -> None:
    random = np.random.default_rng(1)
    model = small("y", horizon=horizon)
    levels, inside, asked = (0.5, 0.8, 0.9), np.zeros(3), 0
    late: list[tuple[int, Prediction]] = []
    for n in range(2500):
        y = float(random.exponential()) + math.sin(n / 20)
        prediction = ask(model, {})
        if n > 500:
            late.append((n + max(horizon, 1) - 1, prediction))
        model.learn({"y": y})
        while late and late[0][0] == n:
            _, made = late.pop(0)
            ends = [made.interval(level, ahead=max(horizon, 1)) for level in levels]
            inside += [low <= y <= high for low, high in ends]
            asked += 1
            for (low, high), (lower, higher) in pairwise(ends):
                assert lower <= low <= high <= higher
    np.testing.assert_allclose(inside / asked, levels, atol=0.05)


def test_intervals_are_infinite_until_something_is_known() -> None:
    model = small("y")
    assert model.predict({"a": 0.0}).interval(0.99) == (-math.inf, math.inf)
    for event in numbers(15):
        model.learn(event)
    low, high = model.predict({"a": 0.0}).interval(0.9)
    assert -math.inf < low < high < math.inf


# ---- classes and symbols ----


def test_a_class_is_learned() -> None:
    model, right = small("y", task="classification"), []
    for event in labelled(1500):
        right.append(expected_of(model, event).value == event["y"])
    assert np.mean(right[-500:]) > 0.65  # 0.78 is possible, the last class again has 0.5
    prediction = model.predict({"a": 2.0})
    assert prediction.value == "high"
    assert (
        list(prediction.probabilities) == ["low", "middle", "high"]
        or len(prediction.probabilities) == 3
    )
    assert sum(prediction.probabilities.values()) + prediction.new == pytest.approx(1)
    assert 0 < prediction.new < 0.01


@pytest.mark.parametrize(
    "labels",
    [["a", "b"], [0, 1], [False, True], [b"a", b"b"], [0.0, 1.0], [1, "1"], [1, True], [1, 1.0]],
)
def test_labels_come_back_as_they_were(labels: list[Any]) -> None:
    model = small("y", task="classification")
    for n in range(40):
        model.learn({"a": float(n % 2)}, labels[n % 2])
    found = list(model.predict({"a": 0.0}).probabilities)
    assert len(found) == len(labels) or labels == [1, True] or labels == [1, 1.0]
    for label in labels:
        assert any(type(label) is type(other) and label == other for other in found) or 1 in labels


def test_the_next_symbol() -> None:
    model, bits = small(task="symbols"), []
    for symbol in symbols(3000):
        prediction = expected_of(model, symbol)
        bits.append(-math.log2(prediction.probabilities.get(symbol, prediction.new)))
    assert np.mean(bits[-1000:]) < 1.2  # log2(3) for 6.33 letters, if all were known
    prediction = model.predict()
    assert prediction.value in "lethe styxacheron "


def test_what_is_no_symbol() -> None:
    model = small(task="symbols")
    for wrong in (None, 1.5, ["a"], {"symbol": "a"}):
        with pytest.raises(ValueError, match=r"symbol|category"):
            model.learn(wrong)
    assert model.events == 0


# ---- arguments ----


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"target": 5}, "target"),
        ({"target": ()}, "target"),
        ({"target": ("a", "a")}, "target"),
        ({"target": ("a", 5)}, "target"),
        ({"task": "ranking"}, "task"),
        ({"task": ["symbols"]}, "task"),
        ({"task": "classification"}, "target"),
        ({"task": "classification", "target": ("a", "b")}, "target"),
        ({"task": "symbols", "target": "a"}, "target"),
        ({"task": "symbols", "horizon": 0}, "horizon"),
        ({"task": "symbols", "horizon": 2}, "horizon"),
        ({"horizon": 0}, "horizon"),
        ({"horizon": -1}, "horizon"),
        ({"horizon": 1001}, "horizon"),
        ({"horizon": 1.5}, "horizon"),
        ({"horizon": True}, "horizon"),
        ({"time": 5}, "time"),
        ({"period": 0}, "period"),
        ({"period": 5000}, "period"),
        ({"cells": 0}, "cells"),
        ({"layers": 0}, "layers"),
        ({"rates": ()}, "rates"),
        ({"rates": 0.1}, "rates"),
        ({"rates": None}, "rates"),
        ({"rates": ("x",)}, "rates"),
        ({"rates": (0.0,)}, "rates"),
        ({"rates": (math.nan,)}, "rates"),
        ({"rates": (math.inf,)}, "rates"),
        ({"rates": (0.1,) * 17}, "rates"),
        ({"categories": 0}, "categories"),
        ({"max_delay": 0}, "max_delay"),
        ({"detect": 1}, "detect"),
        ({"bad": "ignore"}, "bad"),
        ({"new_columns": "ignore"}, "new_columns"),
        ({"seed": "x"}, "seed"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must[^\n]*$"):
        Model(**arguments)


def test_a_seed_draws_the_first_weights() -> None:
    def first(seed: Any) -> dict[str, bytes]:
        model = small("y", seed=seed)
        model.learn({"a": 1.0}, 2.0)
        return bits_of(model)

    assert first(1) == first(1) == first(np.random.default_rng(1))
    assert first(1) != first(2)


def test_nothing_is_scored_where_nothing_is_detected() -> None:
    model = small("y", detect=False)
    for event in numbers(30):
        assert math.isnan(model.learn(event).anomaly)
