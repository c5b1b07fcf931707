"""A trial whose cost is measured too: what a training step takes, and what credit stores."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lethe.core.network import Network, NotFiniteError
from lethe.tasks import Steps
from lethe.trials.continual import Trial, TrialResult
from lethe.trials.learner import DivergedError, Learner
from lethe.trials.progress import OnProgress
from lethe.trials.sequence import SequenceResult, SequenceTrial
from lethe.trials.text import TextResult, TextTrial

__all__ = ["CostedResult", "CostedTrial"]

# Steps per timing, and timings; the fastest counts, and the first only compiles.
_STEPS, _TIMES = 1000, 4


@dataclass(frozen=True)
class CostedResult:
    """The result of one trial, and its cost.

    Attributes
    ----------
    solved : bool or None
        Whether the task's criterion was met; None for a text, which has none.
    training_sequences, training_steps : int
        Streams or sequences, and time steps, that the network had learned from by then. A text is
        one sequence.
    score, late_score : float or None
        Its final quality. Of a stream task: the mean test stream of the best network, and of the
        last. Of a sequence task: the share of new sequences that are wrong, and the mean error. Of
        a text: the bits per byte, and those of its second half. None where numbers did not stay
        finite.
    diverged : int
        Streams or pieces of training that ended because numbers were no longer finite.
    microseconds : float
        Time of one training step, without tests, compilation and calls.
    numbers_kept : int
        Numbers that credit keeps from step to step; weights, moments and the state do not count.
    """

    solved: bool | None
    training_sequences: int
    training_steps: int
    score: float | None
    late_score: float | None
    diverged: int
    microseconds: float
    numbers_kept: int


@dataclass(frozen=True)
class CostedTrial:
    """A trial whose cost is measured as well.

    Parameters
    ----------
    trial : Trial, SequenceTrial or TextTrial
        The trial.
    """

    trial: Trial | SequenceTrial | TextTrial

    @property
    def dtype(self) -> str:
        """Data type of the networks."""
        return self.trial.dtype

    def configuration(self) -> dict[str, Any]:
        """Configuration of the trial."""
        return self.trial.configuration()

    def run(self, seed: int, on_progress: OnProgress | None = None) -> CostedResult:
        """Run the trial, then time some steps of a new learner of its kind."""
        result = self.trial.run(seed, on_progress)
        trial, draw = self.trial, np.random.default_rng(seed)
        learner = trial.learner.learner(draw, trial.dtype)
        return CostedResult(*_figures(result), self._microseconds(learner, seed), _kept(learner))

    def _microseconds(self, learner: Learner, seed: int) -> float:
        """Time of a training step."""
        steps, options = self._steps(seed)
        taken = []
        for _ in range(_TIMES):
            learner = learner.clone()
            began = time.perf_counter()
            with suppress(NotFiniteError, DivergedError):
                learner.run(steps.inputs, steps.targets, record=(), **options._asdict())
            taken.append(time.perf_counter() - began)
        return 1e6 * min(taken) / len(steps.inputs)

    def _steps(self, seed: int) -> tuple[Steps, _Presented]:
        """Some steps of the task, and how they are presented."""
        trial = self.trial
        if isinstance(trial, TextTrial):
            symbols = trial.steps()[: _STEPS + 1]
            return Steps(
                symbols[:-1], symbols[1:], np.zeros(len(symbols) - 1, bool), None
            ), _Presented()
        if isinstance(trial, Trial):
            stream = trial.stream(np.random.SeedSequence(seed))
            return stream.look(_STEPS), _Presented(stream.target_table)
        generator = np.random.default_rng(seed)
        steps = trial.task.sequences(generator, 1)
        steps = trial.task.sequences(generator, -(-_STEPS // len(steps.starts)))
        return steps, _Presented(trial.task.target_table, steps.has_target, steps.starts, True)


class _Presented(NamedTuple):
    """How a learner's `run` presents steps."""

    target_table: NDArray[np.float32] | None = None
    has_target: NDArray[np.bool_] | None = None
    starts: NDArray[np.bool_] | None = None
    reset_at_starts: bool = False


_Figures = tuple[bool | None, int, int, float | None, float | None, int]


def _figures(result: TrialResult | SequenceResult | TextResult) -> _Figures:
    """The fields of `CostedResult` that a trial's result says."""
    if isinstance(result, TrialResult):
        return (
            result.perfect,
            result.training_streams,
            result.training_symbols,
            result.best_mean_stream,
            result.final_mean_stream,
            result.diverged,
        )
    if isinstance(result, SequenceResult):
        return (
            result.solved,
            result.training_sequences,
            result.training_steps,
            result.test_wrong,
            result.test_mean_error,
            result.diverged,
        )
    bits = (result.bits_per_byte, result.late_bits_per_byte)
    return None, 1, result.bytes, *bits, result.diverged


def _kept(learner: Any) -> int:
    """How many numbers credit keeps."""
    if not isinstance(learner, Network):
        from lethe.baselines.systems.referee import numbers_kept

        return numbers_kept(learner)
    gates = [gate for gate in learner.topology.gates if gate != "output_gate"]
    sizes = [learner.partials(gate).size for gate in gates]
    return sum(sizes) + learner.partials("cell").size
