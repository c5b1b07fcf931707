"""A model that follows a stream without learning from it."""

import copy
import math
from typing import Any

import numpy as np
import pytest
from support.models import TASKS, bits_of, of_task, small, stream_of, symbols

from lethe import Model

#: Parts of the block that hold what came, or count: following changes no other.
REMEMBERED = {
    "short run", "long run", "neighbourhood", "quiet run", "repeats", "missing in a row",
    "watched event", "alarm", "disarmed", "told", "held", "held value", "held count",
    "held values", "deviations in a row", "off level",
    "forked", "events", "following", "pending first", "pending count",
    "pending sequence", "records", "remembered", "gap", "values", "times", "level mean",
    "level variance", "level count", "mean change", "changes", "total", "counted", "fast", "slow",
    "median", "last class", "heard", "innovations", "autocorrelation", "deviation", "deviations",
    "deviation square", "deviation product", "usual innovation", "periods", "profile length",
    "profile", "folded", "season error", "drift", "profile level", "season fast", "season slow",
    "surprise", "delayed columns", "delay newest", "delay power",
    "range", "range reached", "range count",
}  # fmt: skip


def trained(task: str, count: int = 60) -> tuple[Model, list[Any]]:
    model, events = of_task(task)
    stream = events(count + 40)
    for event in stream[:count]:
        model.learn(event)
    return model, stream[count:]


@pytest.mark.parametrize("task", sorted(TASKS))
def test_nothing_that_was_learned_changes(task: str) -> None:
    model, stream = trained(task)
    networks, stream_parts = model.networks, stream_of(model)
    parts = [name for name in stream_parts.parts() if name not in REMEMBERED]
    assert {"column mean", "errors so far"} < set(parts)
    before = {name: stream_parts.view(name).copy() for name in parts}
    for event in stream:
        report = model.follow(event)
        assert report.prediction is not None
        assert 0 <= report.anomaly <= 1 or math.isnan(report.anomaly)
    for net, then in zip(model.networks, networks, strict=True):
        for kind in ("input_gate", "forget_gate", "output_gate", "cell", "output"):
            assert np.array_equal(net.weights(kind), then.weights(kind))
    for name, then_ in before.items():
        assert np.array_equal(then_, stream_parts.view(name), equal_nan=True), name
    assert model.events == 100


@pytest.mark.parametrize("task", sorted({*TASKS} - {"mixed columns", "one ahead", "three ahead"}))
def test_it_answers_as_the_model_does_at_first(task: str) -> None:
    """But for values that are met for the first time: to learn gives them places of their own."""
    ours, stream = trained(task)
    theirs = copy.deepcopy(ours)
    report, other = ours.follow(stream[0]), theirs.learn(stream[0])
    assert report.prediction is not None
    assert other.prediction is not None
    assert report.prediction.value == other.prediction.value
    assert report.prediction.probabilities == other.prediction.probabilities
    assert report.anomaly == other.anomaly
    if ours.horizon:
        assert len(ours.predict().forecast) == len(theirs.predict().forecast)


def test_what_came_is_remembered() -> None:
    model = small("y")
    for n in range(600):
        model.learn({"y": 10 * math.sin(n / 10)})
    errors = []
    for n in range(600, 900):
        y = 10 * math.sin(n / 10)
        report = model.follow({"y": y})
        assert report.prediction is not None
        errors.append(abs(report.prediction.value - y))
    assert np.mean(errors) < 0.3


def test_a_text_is_followed() -> None:
    model = small(task="symbols")
    text = symbols(3000)
    for symbol in text[:2500]:
        model.learn(symbol)
    bits = []
    for symbol in text[2500:]:
        prediction = model.follow(symbol).prediction
        assert prediction is not None
        bits.append(-math.log2(prediction.probabilities[symbol]))
    assert np.mean(bits) < 1.2


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="must have learned"):
        small("y").follow({"y": 1.0})
    model, stream = trained("number")
    before = bits_of(model)
    for wrong in (5, {"a": "text"}, {"c": 1.0}, stream[0] | {"y": "text"}):
        with pytest.raises(ValueError, match=r"^[^\n]*$"):
            model.follow(wrong)
    assert bits_of(model) == before
    model.follow(stream[0])
    with pytest.raises(RuntimeError, match="followed"):
        model.learn(stream[1])
    with pytest.raises(ValueError, match="waits"):
        model.learn_target(1, 2.0)
    assert model.predict(stream[1]).value == model.follow(stream[1]).prediction.value  # type: ignore[union-attr]


def test_bad_events_are_skipped_by_policy() -> None:
    model = small("y", bad="skip")
    for n in range(30):
        model.learn({"a": 1.0, "y": float(n % 3)})
    assert model.follow({"a": math.inf}).skipped
    assert model.follow({"a": "text"}).skipped
    assert not model.follow({"a": 1.0, "y": None}).skipped
    assert (model.skipped, model.events) == (2, 31)


@pytest.mark.parametrize("task", ["one ahead", "three ahead", "next class", "symbols"])
def test_what_would_be_answered_after_an_event(task: str) -> None:
    model, stream = trained(task)
    model.follow(stream[0])
    before = bits_of(model)
    foreseen = model.predict(stream[1])
    assert bits_of(model) == before
    model.follow(stream[1])
    assert model.predict().forecast == foreseen.forecast


def test_values_that_are_met_for_the_first_time() -> None:
    model = small("y", new_columns="grow")
    for n in range(30):
        model.learn({"a": 1.0, "word": "xy"[n % 2], "y": float(n % 2)})
    size = stream_of(model).slots
    for n in range(30):
        model.follow({"a": None, "word": f"new {n}", "more": 1.0, "y": 1.0})
    assert stream_of(model).slots == size
    assert math.isfinite(model.predict({"a": 1.0}).value)
