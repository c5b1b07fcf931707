"""Trials of rhythm and timing: the mean squared error at their end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lethe.core.network import Run
from lethe.experiments.tables import timing
from lethe.experiments.tables.timing import ROWS, TimingTrial

WAVE = replace(ROWS["cosine_10_peepholes"].trial, training_streams=3, test_length=40)
DELAYS = replace(ROWS["delays_10"].trial, training_streams=3, test_length=7)


class Apart:
    """Puts out the same number at each step, whatever comes."""

    def __init__(self, output: float) -> None:
        self.output = output

    def reset(self) -> None:
        """Has no state."""

    def run(self, inputs: Any, **options: Any) -> Run:
        assert options["learn"] is False
        return Run(len(inputs), False, {"output": np.full((len(inputs), 1), self.output)})


def error_of(trial: TimingTrial, output: float) -> float:
    learner: Any = Apart(output)
    return trial._mean_squared_error(learner, np.random.SeedSequence(1))


def test_the_error_is_over_the_steps_with_a_target() -> None:
    wave = (1 - np.cos(2 * np.pi * np.arange(1, 41) / 10)) / 2
    assert error_of(WAVE, 0.3) == pytest.approx(np.mean((wave - 0.3) ** 2), rel=1e-12)
    # Delays are 0 or 1, and both are as far from a half.
    assert error_of(DELAYS, 0.5) == 0.25


@pytest.mark.parametrize("trial", [WAVE, DELAYS], ids=["wave", "delays"])
def test_a_trial_ends_with_an_error(trial: TimingTrial) -> None:
    result = trial.run(3)
    assert result == trial.run(3)
    assert result.mean_squared_error is not None
    assert 0 < result.mean_squared_error < 10


def test_an_error_beyond_all_numbers_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    beyond = error_of(WAVE, 1e200)
    assert beyond == np.inf
    monkeypatch.setattr(TimingTrial, "_mean_squared_error", lambda *_: beyond)
    assert WAVE.run(3).mean_squared_error is None


def test_a_solved_trial_without_an_error_has_a_dash() -> None:
    record = {
        "row": "delays_10",
        "perfect": True,
        "training_streams": 9,
        "mean_squared_error": None,
    }
    assert "nan" not in timing.compare([record], ["delays_10"])
