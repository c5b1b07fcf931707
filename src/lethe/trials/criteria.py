"""When a trial of sequences is solved, and what counts as an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import check_bool, check_int
from lethe.tasks import Steps
from lethe.trials.checks import check_number

__all__ = ["SCORED", "Criterion", "Errors", "Presented", "Recent", "Scored", "Tested"]

Scored = Literal["all", "last", "ranks", "most_active", "certain"]
SCORED: tuple[Scored, ...] = get_args(Scored)


class Errors(NamedTuple):
    """Of some sequences: the greatest error (or margin, see `SequenceTrial`), and the mean one."""

    greatest: NDArray[np.float64]
    mean: NDArray[np.float64]

    def wrong(self, bound: float) -> int:
        """How many sequences are not below the bound (NaN is not)."""
        return int(np.count_nonzero(~(self.greatest < bound)))


@dataclass(frozen=True)
class Recent:
    """Solved when the most recent training sequences were predicted well while they were learned.

    Parameters
    ----------
    sequences : int
        How many of them.
    bound : float
        A sequence is right if all its errors ``|t_k - y_k|`` are smaller.
    wrong : int
        How many sequences at most may be wrong, fewer than all.
    mean_error : float
        Their mean error must be smaller.

    Raises
    ------
    ValueError
        If a number is out of its range: 1 for `sequences`, 0 for `bound` and `wrong`; and the mean
        error must be above 0. Bounds may be infinite.
    """

    sequences: int = 2000
    bound: float = 0.3
    wrong: int = 0
    mean_error: float = float("inf")

    def __post_init__(self) -> None:
        """Check the numbers."""
        _check(self)


@dataclass(frozen=True)
class Tested:
    """Solved when the frozen network does well on new sequences, after each piece of training.

    Parameters
    ----------
    sequences, bound, wrong, mean_error
        As in `Recent`, of the test sequences.
    fixed : bool
        Whether all tests have the same sequences. Else each draws its own.

    Raises
    ------
    ValueError
        As `Recent`.
    """

    sequences: int = 256
    bound: float = 0.2
    wrong: int = 0
    mean_error: float = float("inf")
    fixed: bool = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        _check(self)
        object.__setattr__(self, "fixed", check_bool("fixed", self.fixed))


Criterion = Recent | Tested


def _check(criterion: Criterion) -> None:
    sequences = check_int("sequences", criterion.sequences, 1)
    checked = {
        "sequences": sequences,
        "bound": check_number("bound", criterion.bound, zero=True),
        "wrong": check_int("wrong", criterion.wrong, 0, sequences - 1),
        "mean_error": check_number("mean_error", criterion.mean_error),
    }
    for name, value in checked.items():
        object.__setattr__(criterion, name, value)


class Presented(NamedTuple):
    """Sequences that a learner was presented with, and its outputs (steps, outputs)."""

    steps: Steps
    outputs: NDArray[np.floating]
    target_table: NDArray[np.float32] | None
    scored: Scored

    def errors(self) -> Errors:
        """The errors of each sequence."""
        steps, table = self.steps, self.target_table
        first = np.flatnonzero(steps.starts)
        counted = np.ones(len(steps.starts), bool)
        if steps.has_target is not None:
            counted &= steps.has_target
        if self.scored == "last":
            counted[:] = False
            counted[np.append(first[1:], len(counted)) - 1] = True
        outputs = self.outputs[counted]
        targets: NDArray[np.floating] = steps.targets[counted]
        if targets.ndim == 1:
            targets = (np.eye(outputs.shape[1]) if table is None else table)[targets]
        errors = np.abs(targets - outputs)
        # Where each sequence's counted steps begin among all counted steps.
        bounds = np.append(0, np.cumsum(counted))[first]
        count = np.diff(np.append(bounds, len(errors)))
        return Errors(
            np.maximum.reduceat(_margins(self.scored, targets, outputs), bounds),
            np.add.reduceat(errors.mean(axis=1), bounds) / count,
        )


def _margins(
    scored: Scored, targets: NDArray[np.floating], outputs: NDArray[np.floating]
) -> NDArray[np.floating]:
    """By how much outputs of steps (T, outputs) are wrong; see `SequenceTrial`'s `scored`."""
    errors: NDArray[np.floating] = np.abs(targets - outputs).max(axis=1)
    if scored in ("all", "last"):
        return errors
    possible = targets > 0
    impossible = np.where(possible, -np.inf, outputs).max(axis=1)
    if scored == "ranks":
        errors = impossible - np.where(possible, outputs, np.inf).min(axis=1)
        return errors
    errors = impossible - np.where(possible, outputs, -np.inf).max(axis=1)
    if scored == "certain":
        errors[possible.sum(axis=1) > 1] = -np.inf
    return errors
