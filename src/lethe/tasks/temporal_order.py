"""(Noisy) temporal order: 1997, experiments 6a and 6b; the report's NTO (section 4.6) is 6b.

A sequence starts with E, ends with the trigger B, and otherwise consists of letters a, b, c, d,
but for two or three elements X or Y. Its class is the order of these, X before Y: X, X, X is class
0 and Y, Y, Y class 7 (the report's Q, R, S, U, V, A, B, C). The target comes with the trigger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from lethe.core._checks import check_int
from lethe.tasks.checks import check_sequences
from lethe.tasks.steps import Steps

__all__ = ["LETTERS", "TemporalOrder"]

#: The symbols by number.
LETTERS = "abcdXYEB"
_X, _E, _B = LETTERS.index("X"), LETTERS.index("E"), LETTERS.index("B")

# The positions of the marks, both ends included, counted from E at 0.
_POSITIONS = {2: ((10, 20), (50, 60)), 3: ((10, 20), (33, 43), (66, 76))}
_LENGTHS = (100, 110)


@dataclass(frozen=True)
class TemporalOrder:
    """The order of two (experiment 6a) or three marks (6b, NTO), far apart among random letters.

    Parameters
    ----------
    marks : {2, 3}
        Marks in a sequence; there are 2 ** marks classes. The sequences are 100 to 110 symbols
        long. With two marks they lie at 10 to 20 and 50 to 60, with three at 10 to 20, 33 to 43 and
        66 to 76, counted from the E at 0.

    Examples
    --------
    >>> steps = TemporalOrder(marks=3).sequences(np.random.default_rng(1), 1)
    >>> "".join(LETTERS[symbol] for symbol in steps.inputs)[:40]
    'EddaaddabdbbdbbccaYdddcdbbdababdabbXacba'
    >>> int(steps.targets[-1]), steps.predictions
    (4, 1)
    """

    marks: Literal[2, 3] = 3

    inputs: ClassVar[int] = len(LETTERS)
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the number of marks."""
        object.__setattr__(self, "marks", check_int("marks", self.marks, 2, 3))

    @property
    def outputs(self) -> int:
        """Number of classes."""
        return int(2**self.marks)

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, _LENGTHS[1])
        lengths = generator.integers(_LENGTHS[0], _LENGTHS[1] + 1, n)
        ends = np.cumsum(lengths)
        first = ends - lengths
        symbols = generator.integers(4, size=lengths.sum())
        symbols[first], symbols[ends - 1] = _E, _B
        which = np.zeros(n, np.int64)
        for low, high in _POSITIONS[self.marks]:
            mark = generator.integers(2, size=n)
            symbols[first + generator.integers(low, high + 1, n)] = _X + mark
            which = 2 * which + mark
        targets = np.zeros_like(symbols)
        targets[ends - 1] = which
        starts = np.zeros(len(symbols), bool)
        starts[first] = True
        has_target = np.zeros(len(symbols), bool)
        has_target[ends - 1] = True
        return Steps(symbols, targets, starts, has_target)
