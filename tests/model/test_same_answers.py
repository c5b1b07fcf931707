"""A model answers what that of 0.1.0 answered, on streams of every kind."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import lethe
from support.answer_streams import STREAMS
from support.answers import TOLERANCE, first_difference, replay

FOLDER = Path(__file__).parent / "answers"

#: Streams on which rounding decides: the first action that may differ, and why.
ROUNDING: dict[str, tuple[int, str]] = {}


@pytest.mark.parametrize("name", STREAMS)
def test_answers_are_those_of_0_1_0(name: str) -> None:
    with np.load(FOLDER / f"{name}.npz") as file:
        record = dict(file)
    until, _ = ROUNDING.get(name, (math.inf, ""))
    found = first_difference(record, replay(STREAMS[name]()), TOLERANCE, until)
    assert found is None, f"at action {found[0]}: {found[1]}"
