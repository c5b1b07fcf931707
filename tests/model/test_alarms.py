"""Alarms of a model: of each kind one, and what rules make of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lethe
from lethe import Alarm, AlarmRule, Model, Report

Values = NDArray[np.float64]

SMALL: dict[str, Any] = {"horizon": 1, "cells": 1, "rates": (1e-2,)}
AT, EVENTS = 2000, 2200


def reports(values: Values, rule: AlarmRule | None = None) -> list[Report]:
    """What a model tells of each event, those with a column each if there are several."""
    rows = values[:, None] if values.ndim == 1 else values
    names = [f"y{i}" for i in range(rows.shape[1])]
    model = Model(names, alarms=rule, **SMALL)
    return [model.learn(dict(zip(names, row, strict=True))) for row in rows.tolist()]


def alarms(values: Values, rule: AlarmRule | None = None, first: int = AT) -> list[Alarm]:
    """The alarms that begin from an event on, as each was last told."""
    last: dict[tuple[str, int], Alarm] = {}
    for report in reports(values, rule):
        if report.alarm is not None:
            last[report.alarm.column, report.alarm.begin] = report.alarm
    return [alarm for (_, begin), alarm in last.items() if begin > first]


def noise(seed: int = 0) -> Values:
    return 20 + np.random.default_rng(seed).normal(size=EVENTS)


def with_(change: Callable[[Values], None], seed: int = 0) -> Values:
    """Noise of which what comes from AT on is changed."""
    values = noise(seed)
    change(values[AT:])
    return values


def spike(late: Values) -> None:
    late[0] += 15


def dip(late: Values) -> None:
    late[0] -= 15


def level_shift(late: Values) -> None:
    late += 10


def drift(late: Values) -> None:
    late += 0.15 * np.arange(len(late))


def change_of_noise(late: Values) -> None:
    late[:60] = 20 + 8 * (late[:60] - 20)


def too_quiet(late: Values) -> None:
    late[:80] = 20 + 0.02 * (late[:80] - 20)


def stuck(late: Values) -> None:
    late[:30] = late[0]


def missing_data(late: Values) -> None:
    late[:30] = math.nan


KINDS = {
    "spike": spike, "dip": dip, "level shift": level_shift, "drift": drift,
    "change of noise": change_of_noise, "too quiet": too_quiet, "stuck": stuck,
    "missing data": missing_data,
}  # fmt: skip


#: What is told at once, and alone.
SUDDEN = ("spike", "dip", "level shift")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_a_thing_that_happens_is_one_alarm_that_says_what(kind: str, seed: int) -> None:
    found = alarms(with_(KINDS[kind], seed))
    assert [alarm.kind for alarm in found] == [kind]
    assert AT < found[0].begin <= AT + (1 if kind in SUDDEN else 20)
    assert found[0].state == "end"


def test_a_spike_is_over_soon_and_a_new_level_once_it_is_known() -> None:
    for change, most in ((spike, 30), (level_shift, 100)):
        (found,) = alarms(with_(change))
        assert found.end is not None
        assert found.end <= AT + most


def test_a_spike_of_one_season_is_not_expected_in_the_next() -> None:
    wave = 20 + 10 * np.sin(2 * np.pi * np.arange(EVENTS) / 48)
    values = wave + 0.5 * np.random.default_rng(0).normal(size=EVENTS)
    for before in (300, 500, 700, 900):  # it is known by then that such values come back
        values[before] += 5
    values[AT] += 12
    assert [(alarm.kind, alarm.begin) for alarm in alarms(values)] == [("spike", AT + 1)]


# ---- what rules make of it ----


@pytest.mark.parametrize(
    ("rule", "kinds"),
    [
        (AlarmRule(), ["spike", "dip"]),
        (AlarmRule(direction="up"), ["spike"]),
        (AlarmRule(least=17.0), ["dip"]),
        (AlarmRule(least=30.0), []),
        (AlarmRule(least_relative=0.85), ["dip"]),
        (AlarmRule(least_relative=2.0), []),
        (AlarmRule(cooldown=60), ["spike"]),
        (AlarmRule(warm_up=AT + 40), ["dip"]),
        (AlarmRule(warm_up=EVENTS), []),
        (AlarmRule(high=30.0), ["out of range", "dip"]),
        (AlarmRule(low=5.0, warm_up=EVENTS), ["out of range"]),
    ],
)
def test_a_rule_says_which_alarms_are_wanted(rule: AlarmRule, kinds: list[str]) -> None:
    values = noise()
    values[AT] += 15
    values[AT + 60] -= 20
    assert [alarm.kind for alarm in alarms(values, rule)] == kinds


@pytest.mark.parametrize(("direction", "change"), [("down", spike), ("up", dip)])
def test_what_goes_to_the_other_side_wakes_nobody(
    direction: Any, change: Callable[[Values], None]
) -> None:
    """The runs that it is part of have its side, whatever the next value's is."""
    rule = AlarmRule(direction=direction)
    woken = [alarms(with_(change, seed)[: AT + 21], rule) for seed in range(20)]
    assert not any(woken)


def test_what_is_plainly_still_so_goes_on() -> None:
    """Out of range, stuck or missing, and after a cooldown that is for others."""
    values = np.concatenate((noise(), np.full(700, 40.0), noise(1)[:50], np.full(9, 40.0)))
    rule = AlarmRule(high=35.0, cooldown=1000)
    first, second = alarms(values, rule, EVENTS - 1)
    assert (first.kind, first.begin, first.end) == ("out of range", 2201, 2901)
    assert (second.kind, second.begin) == ("out of range", 2951)
    for kind, value in (("stuck", 20.0), ("missing data", math.nan)):
        values = np.concatenate((noise(), np.full(700, value), noise(1)[:50]))
        (only,) = [a for a in alarms(values, None, EVENTS) if a.kind == kind]
        assert only.end == 2901


def test_what_is_missing_has_bounds_of_what_was_expected() -> None:
    (alarm,) = alarms(with_(missing_data))
    assert alarm.low < 20 < alarm.high


def test_a_lower_rate_has_fewer_alarms() -> None:
    values = np.random.default_rng(0).standard_t(4, size=6000)
    counts = [len(alarms(values, AlarmRule(rate=rate), 200)) for rate in (0.1, 0.01, 1e-3)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 2 * counts[1] > 2 * counts[2]
    assert counts[2] < 2 * 6


def test_what_happens_to_all_targets_at_once_is_told_once() -> None:
    values = np.stack([noise(seed) for seed in range(3)], axis=1)
    values[AT] += [15, 30, 15]
    values[AT + 60, 2] -= 30
    found = alarms(values)
    assert [(alarm.begin, alarm.kind) for alarm in found] == [(AT + 1, "spike"), (AT + 61, "dip")]
    assert found[1].column == "y2"


@pytest.mark.parametrize(
    ("word", "kind"), [("never", "unseen category"), ("a", "unlikely category")]
)
def test_kinds_of_classes(word: str, kind: str) -> None:
    words = ["abc"[n % 3] for n in range(1320)]
    words[1300] = word  # where a "b" is expected
    model = Model("y", task="classification", cells=2)
    told = [alarm for word in words if (alarm := model.learn({}, word).alarm) is not None]
    assert {(alarm.kind, alarm.begin) for alarm in told} == {(kind, 1301)}
    assert (told[0].state, told[0].expected, told[0].actual) == ("begin", "b", word)


# ---- what holds of all ----


@pytest.mark.parametrize("seed", range(3))
def test_an_alarm_begins_goes_on_and_ends(seed: int, tmp_path: Path) -> None:
    random = np.random.default_rng(seed)
    rows = random.standard_t(2, size=(600, 2))
    rows[random.random(rows.shape) < 0.1] = math.nan
    rows[300:310] = rows[300]
    model = Model(["a", "b"], alarms=AlarmRule(rate=0.02), **SMALL)
    for n, (a, b) in enumerate(rows.tolist()):
        event, before = {"a": a, "b": b}, {alarm.column: alarm for alarm in model.alarms}
        if n == 400:
            model.save(tmp_path / "half-way")
            model = lethe.load(tmp_path / "half-way")
        assert model.score(event).alarm is None
        assert repr({alarm.column: alarm for alarm in model.alarms}) == repr(before)  # with NaN
        told = (model.learn if n < 500 else model.follow)(event).alarm
        now = {alarm.column: alarm for alarm in model.alarms}
        assert len(now) == len(model.alarms)
        for alarm in model.alarms:
            assert alarm.begin <= alarm.peak <= n + 1
            was = before.get(alarm.column)
            assert alarm.begin == (was.begin if was is not None else n + 1)
        if told is None:
            continue
        assert told.begin <= told.peak <= (told.end or n + 1) == n + 1
        assert (told.column in before, told.column in now) == {
            "begin": (False, True), "going on": (True, True), "end": (True, False),
        }[told.state]  # fmt: skip
