"""Whatever happens to a log and whenever a reader stops, every row arrives once and in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rotations import Daemon, Stop, Waits

from lethe.data import RecordStream

OPS = st.sampled_from(
    [
        lambda daemon: daemon.rows(1),
        lambda daemon: daemon.rows(3),
        Daemon.half,
        Daemon.rename,
        Daemon.create,
        Daemon.reopen,
        Daemon.copy_and_cut,
    ]
)
#: What happens between two looks.
INTERVALS = st.lists(st.lists(OPS, max_size=6), min_size=1, max_size=8)


def all_of(ops: list[Callable[[Daemon], None]], daemon: Daemon) -> Callable[[], None]:
    def happen() -> None:
        for op in ops:
            op(daemon)

    return happen


def finish(daemon: Daemon) -> Callable[[], None]:
    def happen() -> None:
        daemon.reopen()
        daemon.rows(1)

    return happen


@settings(max_examples=60, deadline=None)
@given(intervals=INTERVALS)
def test_every_row_arrives_once(
    tmp_path_factory: pytest.TempPathFactory, intervals: list[list[Any]]
) -> None:
    path = tmp_path_factory.mktemp("rotation") / "log.csv"
    notices: list[str] = []
    seen: list[object] = []
    with closing(Daemon(path)) as daemon:
        daemon.rows(2)
        waits = Waits([*(all_of(ops, daemon) for ops in intervals), finish(daemon)], idle=12)
        stream = RecordStream(path, follow=True, wait=waits, notice=notices.append)
        with pytest.raises(Stop):
            seen.extend(record.event["n"] for record in stream)
    assert seen == list(range(daemon.written)), notices
    assert not any("lost" in notice for notice in notices), notices


@settings(max_examples=60, deadline=None)
@given(
    lives=st.lists(st.tuples(INTERVALS, st.lists(OPS, max_size=6), st.integers(0, 5)), max_size=5),
    patient=st.booleans(),
)
def test_every_row_arrives_once_however_often_reading_stops(
    tmp_path_factory: pytest.TempPathFactory, lives: list[Any], patient: bool
) -> None:
    path = tmp_path_factory.mktemp("rotation") / "log.csv"
    notices: list[str] = []
    seen: list[object] = []

    def opened(waits: Waits, position: object, follow: bool) -> RecordStream:
        options: Any = {"position": position, "notice": notices.append}
        return RecordStream(path, follow=follow, wait=waits, **options)

    with closing(Daemon(path)) as daemon:
        daemon.rows(2)
        position = None
        for intervals, meanwhile, records in lives:
            waits = Waits(all_of(ops, daemon) for ops in intervals)
            with closing(opened(waits, position, True)) as stream, suppress(Stop):
                for record in stream:
                    seen.append(record.event["n"])
                    if len(waits.things) <= 1 and len(seen) % 6 == records:
                        break
            position = json.loads(json.dumps(stream.position))
            all_of(meanwhile, daemon)()
        finish(daemon)()
        with closing(opened(Waits(idle=12), position, patient)) as stream, suppress(Stop):
            seen.extend(record.event["n"] for record in stream)
    assert seen == list(range(daemon.written)), notices
