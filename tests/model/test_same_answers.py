"""A model answers what it answered when the record was made, on streams of every kind.

A change that is not meant to change answers is held to that; one that is makes the record anew
(tests/support/record_answers.py). Those of streams of symbols are still 0.1.0's.

The record was made with one instruction set. With it the answers must be the same, but for what
another order of sums in float64 does. Others round otherwise in float32, and networks that learn
amplify that: after some hundred events a score may differ by percents. So a machine that has the
record's instruction set replays with it, if need be in a process of its own; on any other, numbers
are compared roughly and at the start alone, and outcomes and counters as ever.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support.answer_streams import STREAMS
from support.answers import TOLERANCE, Answers, first_difference
from support.replayed import replayed, replaying

import lethe

FOLDER = Path(__file__).parent / "answers"

#: The instruction set that all records were made with.
RECORDED = "avx2"

_CHAOTIC = "float32 networks amplify a rounding error: 0.1.0 itself differs after a change of 1 ulp"
_TIES = (
    "equal surprises are ties in 0.1.0, and apart by 1 ulp where sums are taken in order: a rank"
)

#: Streams on which rounding decides: the first action that may differ, and why.
ROUNDING: dict[str, tuple[int, str]] = {
    "long_24": (4160, _CHAOTIC),
    "saturated": (5485, _CHAOTIC),
    "classes_1": (154, _TIES),
    "symbols_asked": (308, _TIES),
    "symbols_follow": (217, _TIES),
}

#: Of streams whose sums keep the rounding errors of something large for hundreds of events: those
#: of 1e9 are of 1e-7.
WIDER = {"steps": 1e-8, "spikes_1e9": 1e-7, "spikes_1e9_0": 1e-7, "spikes_1e9_24": 1e-7}

#: With another instruction set: what numbers may differ by, and from which action on at all. Of
#: all streams the first to differ by more (baseline compared with AVX2, 0.1.0) does so at its 30th.
ROUGH, SOON = 1e-3, 30

Replay = Callable[[str], Answers]


@pytest.fixture(scope="module")
def replay_as_recorded() -> Iterator[Replay | None]:
    """How to replay with the record's instruction set; None where the machine has it not."""
    if lethe.instruction_set() == RECORDED:
        yield replayed
        return
    with replaying(RECORDED) as process:
        yield process and (lambda name: process.submit(replayed, name).result())


@pytest.mark.parametrize("name", STREAMS)
def test_answers_are_those_of_the_record(name: str, replay_as_recorded: Replay | None) -> None:
    with np.load(FOLDER / f"{name}.npz") as file:
        record = dict(file)
    assert record["instruction_set"] == RECORDED
    if replay_as_recorded:
        tolerance = WIDER.get(name, TOLERANCE)
        until, _ = ROUNDING.get(name, (math.inf, ""))
        found = first_difference(record, replay_as_recorded(name), tolerance, until)
    else:
        found = first_difference(record, replayed(name), ROUGH, SOON)
    assert found is None, f"at action {found[0]}: {found[1]}"


def test_there_is_a_record_of_every_stream_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.npz")} == set(STREAMS)
