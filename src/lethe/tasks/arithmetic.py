"""Arithmetic over long lags: 1997, experiments 4 (`Adding`) and 5 (`Multiplication`).

A sequence is made of pairs, a random value and a marker. Two values are marked, and the target, at
the end, is their sum or their product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import check_int
from lethe.tasks.checks import MOST_STEPS, check_sequences
from lethe.tasks.layout import Layout, laid_out, random_lengths
from lethe.tasks.steps import Steps

__all__ = ["Adding", "Multiplication"]

_FIRST_MARK_WITHIN = 10  # pairs from the start of the sequence, where they lie in its first half
_SHORTEST = 4  # so that the first half has room for two marks


@dataclass(frozen=True)
class Adding:
    """The adding problem, experiment 4: the sum of two marked numbers among many.

    A sequence has from `T` to `T` + `T` // 10 pairs, each length equally likely. The first number
    of a pair is its value, uniform in [-1, 1); the second is its marker: 1.0 at the two marked
    pairs, -1.0 at the first and the last pair of the sequence, 0.0 elsewhere. One mark falls on one
    of the first ten pairs, the other on one of the first `T` // 2 - 1 pairs that are then still
    unmarked, each equally likely. With values X1 and X2 there the target, with the last pair, is
    0.5 + (X1 + X2) / 4, which lies in [0, 1].

    In the rare case that the first pair of the sequence gets marked its marker stays -1.0, and its
    value counts as 0.0 in the sum.

    Parameters
    ----------
    T : int
        At least 4: the shortest length. Below 20 the first mark falls in the first half, too.

    Raises
    ------
    ValueError
        If `T` is no whole number from 4 to a million.

    Notes
    -----
    Our reading of what the papers leave open. "The first T/2 - 1 still unmarked pairs" are the
    first T/2 - 1 of the unmarked ones: all of the first T/2 pairs but the marked one. Then the
    target comes at least T/2 steps after both marks. The rule for the first pair of the sequence
    holds for either mark, and changes what counts in the sum, not the value that is read.

    Examples
    --------
    >>> task = Adding(T=20)
    >>> steps = task.sequences(np.random.default_rng(0), 1)
    >>> marked = steps.inputs[steps.inputs[:, 1] == 1, 0]
    >>> np.round(marked, 4), np.round(steps.targets[steps.has_target], 4)
    (array([0.2133, 0.0872]), array([[0.5751]]))
    """

    T: int = 100

    inputs: ClassVar[int] = 2
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the length."""
        object.__setattr__(self, "T", check_int("T", self.T, _SHORTEST, MOST_STEPS))

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.T)
        layout, marks = _marked(generator, self.T, n)
        values = generator.random(len(layout.starts))
        values *= 2.0
        values -= 1.0
        x1, x2 = _counted(values, marks, layout, at_the_start=0.0)
        return _steps(values, marks, 0.5 + (x1 + x2) / 4.0, layout)


@dataclass(frozen=True)
class Multiplication:
    """The multiplication problem, experiment 5: the product of two marked numbers among many.

    As `Adding`, with values uniform in [0, 1) and the target X1 · X2. In the rare case that the
    first pair of the sequence gets marked its value counts as 1.0 in the product.

    Parameters
    ----------
    T : int
        At least 4: the shortest length. Below 20 the first mark falls in the first half, too.

    Raises
    ------
    ValueError
        If `T` is no whole number from 4 to a million.

    Notes
    -----
    Our readings are those of `Adding`.

    Examples
    --------
    >>> task = Multiplication(T=20)
    >>> steps = task.sequences(np.random.default_rng(0), 1)
    >>> marked = steps.inputs[steps.inputs[:, 1] == 1, 0]
    >>> np.round(marked, 4), np.round(steps.targets[steps.has_target], 4)
    (array([0.6066, 0.5436]), array([[0.3298]]))
    """

    T: int = 100

    inputs: ClassVar[int] = 2
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the length."""
        object.__setattr__(self, "T", check_int("T", self.T, _SHORTEST, MOST_STEPS))

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.T)
        layout, marks = _marked(generator, self.T, n)
        values = generator.random(len(layout.starts))
        x1, x2 = _counted(values, marks, layout, at_the_start=1.0)
        return _steps(values, marks, x1 * x2, layout)


def _marked(
    generator: np.random.Generator, shortest: int, n: int
) -> tuple[Layout, NDArray[np.int64]]:
    """Where `n` sequences lie, and which two steps (2, n) of each are marked."""
    layout = laid_out(random_lengths(generator, shortest, shortest + shortest // 10, n))
    first = generator.integers(min(_FIRST_MARK_WITHIN, shortest // 2), size=n)
    second = generator.integers(shortest // 2 - 1, size=n)
    second += second >= first  # Counted among the pairs that are still unmarked.
    return layout, layout.first + np.stack((first, second))


def _counted(
    values: NDArray[np.float64], marks: NDArray[np.int64], layout: Layout, at_the_start: float
) -> NDArray[np.float64]:
    """The marked values (2, n), with another in place of one at the start of its sequence."""
    return np.where(marks == layout.first, at_the_start, values[marks])


def _steps(
    values: NDArray[np.float64],
    marks: NDArray[np.int64],
    targets_at_ends: NDArray[np.float64],
    layout: Layout,
) -> Steps:
    inputs = np.zeros((len(values), 2))
    inputs[:, 0] = values
    inputs[marks, 1] = 1.0
    inputs[layout.first, 1] = inputs[layout.last, 1] = -1.0
    targets = np.zeros((len(values), 1))
    targets[layout.last, 0] = targets_at_ends
    return Steps(inputs, targets, layout.starts, layout.ends)
