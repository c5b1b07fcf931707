"""Model: asking it for a prediction changes nothing."""

import copy
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import (
    TASKS,
    bits_of,
    network_of,
    numbers,
    of_task,
    small,
    stream_of,
)

from lethe import Model, Prediction


def ask(model: Model, event: Any) -> Prediction:
    return model.predict() if model.horizon else model.predict(event)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_predicting_changes_no_bit(task: str, count: int) -> None:
    model, events = of_task(task)
    stream = events(count + 2)
    for event in stream[:count]:
        model.learn(event)
    before = bits_of(model)
    strange: list[Any] = [stream[count], "?"] if task == "symbols" else [stream[count]]
    if task != "symbols":
        strange += [stream[count] | {"a": None}, stream[count] | {"a": math.nan}]
        strange += [stream[count] | {"a": 1e308}, *([{}] if count else [])]
    if "mixed" in task:
        strange += [stream[count] | {"kind": "never seen", "b": None}]
    for event in strange:
        model.predict(event)
        assert bits_of(model) == before
    if model.horizon:
        model.predict()
    wrong: list[Any] = [None if model.horizon == 0 else 3.5, {1: 2.0}, {"a": "text"}, {"a": [1]}]
    wrong = [3.5, ["a", "list"]] if task == "symbols" else [*wrong, {"a": 1j}, 5, "text"]
    for event in wrong if count else ():
        if event is not None or not model.horizon:
            with pytest.raises(ValueError, match=r"^[^\n]+$"):
                model.predict(event)
    assert bits_of(model) == before


def test_a_prediction_of_new_columns_changes_no_bit() -> None:
    model = small("y", new_columns="grow")
    for event in numbers(20):
        model.learn(event)
    before = bits_of(model)
    columns = {f"new {n}": 1.0 for n in range(20)} | {"word": "new"}
    assert model.predict({"a": 1.0, "b": 0.0} | columns) == model.predict({"a": 1.0, "b": 0.0})
    assert bits_of(model) == before


@pytest.mark.parametrize("task", TASKS)
def test_asking_first_makes_no_difference(task: str) -> None:
    ours, events = of_task(task)
    theirs, _ = of_task(task)
    random = np.random.default_rng(0)
    for event in events(80):
        if random.random() < 0.7:
            prediction = ask(ours, event)
            report = ours.learn(event)
            if ours.events > 1 and "mixed" not in task:  # nothing is seen for the first time
                assert report.prediction is not None
                assert report.prediction.value == prediction.value
                assert report.prediction.probabilities == prediction.probabilities
        else:
            ours.learn(event)
        theirs.learn(event)
    assert bits_of(ours) == bits_of(theirs)


def test_asking_first_makes_no_difference_when_networks_are_inspected() -> None:
    ours, theirs = small("y", cells=2), small("y", cells=2)
    for n, event in enumerate(numbers(1001)):
        if n == 999:  # so that blocks are restarted before the event after this one
            for model in (ours, theirs):
                stream_of(model).view("shut")[...] = 100
                for k in range(2):
                    network_of(model, k).weights("input_gate")[:, -1] = -50
        x = {name: event[name] for name in ("a", "b")}
        ours.predict(x)
        ours.learn(x, event["y"])
        theirs.learn(x, event["y"])
    assert theirs.diagnostics().restarted_blocks > 0
    assert bits_of(ours) == bits_of(theirs)


@settings(max_examples=30, deadline=None)
@given(
    script=st.lists(
        st.sampled_from(
            ["learn", "same", "equal", "mutated", "other", "predict", "late", "tell", "copy"]
        ),
        max_size=30,
    )
)
def test_what_was_foreseen_is_used_for_that_event_only(script: list[str]) -> None:
    """Each word is an event: what happens between asking about it and learning from it."""
    ours, theirs = small("y"), small("y")
    waiting: list[tuple[int, float]] = []
    for n, (word, event) in enumerate(zip(script, numbers(len(script)), strict=True)):
        x, y = {"a": event["a"], "b": event["b"]}, event["y"]
        if word != "learn":
            ours.predict(x)
        if word == "predict":
            ours.predict({"a": 5.0, "b": -5.0})
        if word == "mutated":
            x["a"] += 1.0
        if word == "other":
            ours.learn({"a": 9.0, "b": 9.0}, 1.0)
            theirs.learn({"a": 9.0, "b": 9.0}, 1.0)
        if word == "tell" and waiting:
            id, target = waiting.pop()
            ours.learn_target(id, target)
            theirs.learn_target(id, target)
        if word == "copy":
            ours = copy.deepcopy(ours)
        if word == "late":
            ours.learn(x, id=n)
            theirs.learn(dict(x), id=n)
            waiting.append((n, y))
            continue
        ours.learn(dict(x) if word == "equal" else x, y)
        theirs.learn(dict(x), y)
    assert bits_of(ours) == bits_of(theirs)
