"""A learner on one long signal: each value predicted, then learned, through a change half-way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lethe.core.network import NotFiniteError
from lethe.tasks import SequenceTask, Steps
from lethe.trials.checks import check_dtype, check_seed, check_units
from lethe.trials.learner import (
    DivergedError,
    FloatingName,
    Learner,
    Recipe,
    configuration_of,
)
from lethe.trials.progress import OnProgress

__all__ = ["SignalResult", "SignalTask", "SignalTrial"]

_PIECE = 1000  # Steps from one call to the next; it changes no numbers.
_WINDOWS = 10  # A window is this part of the signal.


class SignalTask(SequenceTask, Protocol):
    """A task whose every sequence is one long signal."""

    @property
    def T(self) -> int:  # noqa: N802
        """Steps of a sequence."""

    @property
    def change(self) -> int | None:
        """The first step after its change; None: nothing changes."""


@dataclass(frozen=True)
class SignalResult:
    """The result of one trial.

    Errors are mean squared errors over the variance of the targets, each of a tenth of the signal:
    1.0 is as good as the mean. None where numbers did not stay finite, where nothing changes, and
    where all targets are the same.

    Attributes
    ----------
    before, after : float or None
        Of the last steps before the change, and of the first ones after it.
    late : float or None
        Of the last steps.
    frozen : float or None
        Of the last steps, by the network as it was at the change.
    diverged : int
        Pieces that ended because numbers were no longer finite.
    """

    before: float | None
    after: float | None
    late: float | None
    frozen: float | None
    diverged: int


@dataclass(frozen=True, kw_only=True)
class SignalTrial:
    """One learner on one signal, learning at each step: a configuration that any seed can run.

    Parameters
    ----------
    learner : NetworkRecipe or another Recipe
        How to make the learner.
    task : SignalTask
        Where the signal comes from.
    dtype : {"float32", "float64"}
        Of the learner.

    Raises
    ------
    ValueError
        If a part is not what it should be, or parts do not fit.

    Examples
    --------
    >>> from lethe import RMSprop, Topology
    >>> from lethe.tasks import Sine
    >>> from lethe.trials import NetworkRecipe
    >>> topology = Topology(inputs=1, outputs=1, blocks=4, output_units="linear")
    >>> trial = SignalTrial(learner=NetworkRecipe(topology, RMSprop(0.003)), task=Sine(T=5000))
    >>> result = trial.run(seed=1)
    >>> result.before < 0.1, result.late < 0.1
    (True, True)
    """

    learner: Recipe
    task: SignalTask
    dtype: FloatingName = "float64"

    def __post_init__(self) -> None:
        """Check that learner and task fit."""
        check_units(self.learner, self.task, "T", "change")
        object.__setattr__(self, "dtype", check_dtype(self.dtype))

    def configuration(self) -> dict[str, object]:
        """All that a reader needs to run this again, as plain JSON values."""
        return {
            **configuration_of(self.learner),
            "task": repr(self.task),
            "dtype": self.dtype,
        }

    def run(self, seed: int, on_progress: OnProgress | None = None) -> SignalResult:
        """Run the trial.

        Parameters
        ----------
        seed : int
            At least 0. The first weights and the signal have a generator each that follows from it.
        on_progress : callable, optional
            Is told how many of the steps the learner has learned from.

        Returns
        -------
        SignalResult
        """
        for_weights, for_signal = np.random.SeedSequence(check_seed(seed)).spawn(2)
        net = self.learner.learner(np.random.default_rng(for_weights), self.dtype)
        steps = self.task.sequences(np.random.default_rng(for_signal), 1)
        last, window = len(steps.starts), len(steps.starts) // _WINDOWS
        change = self.task.change

        def learned(done: int) -> None:
            if on_progress is not None:
                on_progress(done, last, "steps")

        learned(0)
        try:
            first = np.empty((0, self.task.outputs))
            old = None
            if change is not None:
                first = _predicted(net, steps.piece(0, change), learned)
                old = net.clone()
            rest = _predicted(
                net, steps.piece(len(first), last), lambda done: learned(len(first) + done)
            )
            outputs = np.concatenate((first, rest))
        except (NotFiniteError, DivergedError):
            return SignalResult(None, None, None, None, 1)
        late = _error(steps, outputs, last - window, last)
        if old is None or change is None:
            return SignalResult(None, None, late, None, 0)
        outputs_of_old = np.concatenate((first, _predicted(old, steps.piece(change, last))))
        return SignalResult(
            _error(steps, outputs, change - window, change),
            _error(steps, outputs, change, change + window),
            late,
            _error(steps, outputs_of_old, last - window, last),
            0,
        )


def _predicted(
    net: Learner, steps: Steps, learned: Callable[[int], None] | None = None
) -> NDArray[np.float64]:
    """What the learner predicts at each step; with `learned` it then learns, and says how far."""
    outputs = []
    for start in range(0, len(steps.starts), _PIECE):
        piece = steps.piece(start, start + _PIECE)
        run = net.run(
            piece.inputs, piece.targets, has_target=piece.has_target, learn=learned is not None
        )
        outputs.append(np.asarray(run["output"], np.float64))
        if learned is not None:
            learned(start + len(piece.starts))
    return np.concatenate(outputs)


def _error(steps: Steps, outputs: NDArray[np.float64], start: int, stop: int) -> float | None:
    """Mean squared error over the variance of the targets, from one step up to another."""
    has = slice(None) if steps.has_target is None else steps.has_target[start:stop]
    targets: NDArray[np.float64] = steps.targets[start:stop][has]
    if not len(targets) or not (variance := float(np.var(targets))):
        return None
    return float(np.mean((targets - outputs[start:stop][has]) ** 2)) / variance
