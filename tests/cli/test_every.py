"""When a checkpoint is due."""

from __future__ import annotations

import pytest

from lethe.cli._support.every import DEFAULT, Every, Schedule, parse_every


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("1", Every(1, None)),
        ("10000", Every(10_000, None)),
        ("30s", Every(None, 30.0)),
        ("0.5s", Every(None, 0.5)),
        ("5m", Every(None, 300.0)),
        ("2h", Every(None, 7200.0)),
        ("1d", Every(None, 86_400.0)),
    ],
)
def test_numbers_and_times(text: str, every: Every) -> None:
    assert parse_every(text) == every


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "0s", "1.5", "5 m", "5min", "s", "1e3", "٣", "1" * 5000, "inf", "nans"]
)
def test_what_is_neither(text: str) -> None:
    with pytest.raises(ValueError, match="--every must be a number of events, at least 1, or a"):
        parse_every(text)


def schedule(every: Every, saved: int = -1) -> tuple[Schedule, list[float]]:
    now = [100.0]
    return Schedule(every, saved, clock=lambda: now[0]), now


def test_the_first_event_is_due() -> None:
    first, _ = schedule(Every(None, 60.0))
    assert not first.is_due(-1)
    assert first.is_due(1)
    first.restart(1)
    assert not first.is_due(1)
    assert not first.is_due(2)


def test_after_a_number_of_events() -> None:
    by_count, now = schedule(Every(100, None), saved=150)
    now[0] += 1e9
    assert not by_count.is_due(199)
    assert by_count.is_due(200)


def test_after_a_time_if_there_are_new_events() -> None:
    by_time, now = schedule(Every(None, 30.0), saved=5)
    now[0] += 29.9
    assert not by_time.is_due(1_000_000)
    now[0] += 0.1
    assert by_time.is_due(6)
    assert not by_time.is_due(5)
    assert by_time.seconds_since() == pytest.approx(30.0)


def test_by_default_whichever_comes_first() -> None:
    both, now = schedule(DEFAULT, saved=1)
    assert not both.is_due(9_999)
    assert both.is_due(10_000)
    now[0] += 60.0
    assert both.is_due(2)
