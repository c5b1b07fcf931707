"""Columns that are missing in the first event are watched from their first values on."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import numpy as np
import pytest
from support.models import bits_of

import lethe
from lethe.model.early import MOST_EVENTS


def level(n: int) -> float:
    return 10.0 + n % 3


def flow(n: int) -> float:
    return math.sin(n / 5)


def pump(n: int, empty: int) -> dict[str, Any]:
    """A pump whose pressure is missing in so many events at first."""
    return {"pressure": None if n < empty else level(n), "flow": flow(n)}


def learned(events: list[Any], target: Any = None, **more: Any) -> lethe.Model:
    model = lethe.Model(target, **{"horizon": 1, "cells": 4, **more})
    for event in events:
        model.learn(event)
    return model


@pytest.mark.parametrize("empty", [1, 2, MOST_EVENTS - 1])
@pytest.mark.parametrize("horizon", [1, 3])
def test_it_answers_as_if_the_columns_had_been_named(empty: int, horizon: int) -> None:
    events = [pump(n, empty) for n in range(250)]
    model = learned(events, horizon=horizon)
    named = learned(events, ["pressure", "flow"], horizon=horizon)
    assert model.targets == named.targets == ("pressure", "flow")
    assert model.events == 250
    assert model.predict().forecast == named.predict().forecast
    assert model.score(events[0]).anomaly == named.score(events[0]).anomaly


def test_a_leap_of_such_a_column_is_noticed() -> None:
    model = learned([pump(n, 1) for n in range(2000)])
    report = model.learn({"pressure": 9999.0, "flow": flow(2000)})
    assert report.column == "pressure"
    assert report.anomaly > 0.99
    assert report.alarm is not None
    assert report.alarm.column == "pressure"


def test_until_then_the_others_are_predicted() -> None:
    model = lethe.Model(cells=4)
    for n in range(20):
        report = model.learn(pump(n, 10))
        assert model.targets == (("flow",) if n < 10 else ("pressure", "flow"))
        assert report.prediction is not None
        assert model.events == n + 1


def test_a_column_that_stays_empty_is_no_target() -> None:
    events = [{**pump(n, 5), "spare": None} for n in range(150)]
    model = learned(events)
    assert model.targets == ("pressure", "flow")
    assert model.configuration()["never_seen"] == ["spare"]
    model.learn({**pump(150, 5), "spare": 3.0})
    assert model.targets == ("pressure", "flow")


@pytest.mark.parametrize("value", ["open", True, b"open", "2026-11-30T08:00"])
def test_a_column_of_something_else_is_no_target(value: Any) -> None:
    events = [{"valve": None if n < 3 else value, "flow": flow(n)} for n in range(150)]
    model, named = learned(events), learned(events, "flow")
    assert model.targets == ("flow",)
    assert model.predict().forecast == named.predict().forecast
    assert ("valve" in model.configuration()["categories"]) == (value != "2026-11-30T08:00")


def test_several_columns_come_one_after_the_other() -> None:
    def event(n: int) -> dict[str, Any]:
        first = {name: None if n < at else level(n) for name, at in [("a", 7), ("b", 1), ("d", 30)]}
        valve = None if n < 9 else "open" if n % 2 else "shut"
        return {**first, "valve": valve, "c": flow(n)}

    events = [event(n) for n in range(200)]
    model, named = learned(events), learned(events, ["a", "b", "d", "c"])
    assert model.targets == ("a", "b", "d", "c")
    assert model.predict().forecast == named.predict().forecast


def test_a_stream_without_numbers_at_first() -> None:
    model = lethe.Model(cells=4)
    for n in range(5):
        report = model.learn({"a": None, "b": math.nan})
        assert math.isnan(report.anomaly)
        assert report.column is None
        assert model.events == n + 1
        assert model.targets == ()
    assert model.alarms == []
    assert model.configuration()["targets"] == []
    assert model.predict().value == lethe.Model().predict().value
    with pytest.raises(ValueError, match="event must have a column of numbers to predict"):
        model.learn({"a": "open", "b": True})
    assert model.events == 5
    model.learn({"a": "open", "b": None})
    model.learn({"a": "shut", "b": 4.0})
    assert model.targets == ("b",)
    assert model.events == 7
    assert model.predict().value == 4.0


def test_a_stream_without_numbers_for_long() -> None:
    model = learned([{"a": None}] * (MOST_EVENTS + 20))
    assert model.targets == ("a",)
    model.learn({"a": 4.0})
    assert model.predict().value == 4.0


@pytest.mark.parametrize("at", [1, 3, 20])
def test_it_is_saved_and_copied_meanwhile(at: int) -> None:
    events: list[Any] = [
        {
            "pressure": None if n < 12 else np.float32(level(n)),
            "valve": None if n < 5 else "öffen" * (n % 3),
            "on": n % 2 == 0,
            "at": f"2026-11-30T08:{n % 60:02}:00+01:00",
            "flow": flow(n),
        }
        for n in range(40)
    ]
    whole = learned(events)
    model = learned(events[:at])
    twins = [copy.deepcopy(model), lethe.Model.from_checkpoint(*model.to_checkpoint())]
    for twin in twins:
        for event in events[at:]:
            twin.learn(event)
        assert bits_of(twin) == bits_of(whole)
    assert model.events == at
    assert whole.targets == ("pressure", "flow")


def test_a_prediction_or_score_meanwhile_changes_nothing() -> None:
    model = learned([pump(n, 9) for n in range(5)])
    before = bits_of(model)
    model.predict(pump(20, 9))
    model.score(pump(20, 9))
    assert bits_of(model) == before


def test_a_model_that_follows_meanwhile_keeps_its_targets() -> None:
    model = learned([pump(n, 9) for n in range(5)])
    for n in range(5, 30):
        model.follow(pump(n, 9))
    assert model.targets == ("flow",)
    assert lethe.Model.from_checkpoint(*model.to_checkpoint()).targets == ("flow",)


def test_skipped_events_are_not_kept() -> None:
    model = lethe.Model(cells=4, bad="skip")
    for n in range(20):
        model.learn(pump(n, 9))
        assert model.learn({"pressure": "text", "flow": math.inf}).skipped
    assert model.targets == ("pressure", "flow")
    assert (model.events, model.skipped) == (20, 20)


def test_a_bad_value_that_was_missing_stays_so() -> None:
    model = lethe.Model(cells=4)
    for n in range(5):
        model.learn({"pressure": None, "flow": math.inf if n == 3 else flow(n)})
    model.bad = "raise"
    model.learn(pump(5, 5))
    assert model.targets == ("pressure", "flow")
    with pytest.raises(ValueError, match="'flow' must be a number within"):
        model.learn({"pressure": 1.0, "flow": math.inf})


def test_alarms_may_name_a_column_that_is_empty_at_first() -> None:
    model = lethe.Model(cells=4, alarms={"pressure": lethe.AlarmRule(high=50.0)})
    for n in range(200):
        model.learn(pump(n, 1))
    report = model.learn({"pressure": 60.0, "flow": flow(200)})
    assert report.alarm is not None
    assert report.alarm.kind == "out of range"
    with pytest.raises(ValueError, match=r"alarms must name targets \(flow\), got 'speed'"):
        lethe.Model(alarms={"speed": lethe.AlarmRule()}).learn(pump(0, 1))


def test_wide_events_are_kept_for_a_shorter_time() -> None:
    wide = {f"c{n}": 1.0 for n in range(100)}
    model = learned([{"pressure": None, **wide}] * 90, cells=1)
    assert len(model.to_checkpoint()[0]["state"]) < 200_000
    model.learn({"pressure": 1.0, **wide})
    assert "pressure" not in model.targets


@pytest.mark.parametrize(
    "change",
    [
        {"columns": ["other"]},
        {"rows": []},
        {"rows": [[1.0, 2.0, 3.0]]},
        {"rows": [["?"]]},
        {"rows": [[True]]},
        {"names": ["flow"]},
        {"generator": None},
    ],
)
def test_a_changed_checkpoint_is_refused(change: dict[str, Any]) -> None:
    arrays, metadata = learned([pump(n, 9) for n in range(5)]).to_checkpoint()
    state = json.loads(arrays["state"].tobytes())
    state["early"] |= change
    arrays["state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    with pytest.raises(ValueError, match=r"early|generator|categor"):
        lethe.Model.from_checkpoint(arrays, metadata)


def test_a_changed_checkpoint_whose_events_do_not_fit_goes_on() -> None:
    arrays, metadata = learned([pump(n, 9) for n in range(5)]).to_checkpoint()
    state = json.loads(arrays["state"].tobytes())
    state["early"]["rows"][2] = ["sopen", 1.0]
    arrays["state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    model = lethe.Model.from_checkpoint(arrays, metadata)
    for n in range(5, 20):
        model.learn(pump(n, 9))
    assert (model.targets, model.events) == (("flow",), 20)
