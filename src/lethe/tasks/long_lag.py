"""Long lags between symbols: 1997, experiments 2a and 2b (`LongLag`) and 2c (`VeryLongLag`).

The first symbol that differs between two classes is needed again after `p` steps (2a, 2b) or after
`q` + 1 and more (2c); what lies between tells nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from lethe.core._checks import check_choice, check_int
from lethe.tasks.checks import MOST_STEPS, check_sequences
from lethe.tasks.layout import laid_out
from lethe.tasks.steps import Steps

__all__ = ["LongLag", "VeryLongLag"]

_END_PROBABILITY = 0.1  # Of e, in place of one more distractor (2c).


@dataclass(frozen=True)
class LongLag:
    """Predict every next symbol of (y, a1, ..., y) and (x, a1, ..., x): experiments 2a and 2b.

    Both classes are equally likely. A sequence has `p` + 1 symbols; the steps are the first `p` of
    them, each with the next one as its target. The last target is the first symbol again: it lies
    `p` symbols after it, and has to be predicted `p` - 1 steps after it was read. Symbols a1 to
    a(p-1) are 0 to p - 2, x is p - 1 and y is p.

    Parameters
    ----------
    p : int
        At least 2; there are `p` + 1 symbols. The paper's delay.
    distractors : {"fixed", "random"}
        What lies between: a1, a2, ..., a(p-1) in this order (2a), or as many letters drawn from
        them, all equally likely (2b). Then the last target is the only one that can be predicted;
        the others are presented all the same.

    Raises
    ------
    ValueError
        If `p` is no whole number from 2 to a million, or `distractors` is something else.

    Examples
    --------
    >>> steps = LongLag(p=5).sequences(np.random.default_rng(2), 2)
    >>> steps.inputs.reshape(2, 5)
    array([[5, 0, 1, 2, 3],
           [4, 0, 1, 2, 3]])
    >>> steps.targets.reshape(2, 5)
    array([[0, 1, 2, 3, 5],
           [0, 1, 2, 3, 4]])
    """

    p: int = 100
    distractors: Literal["fixed", "random"] = "fixed"

    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "p", check_int("p", self.p, 2, MOST_STEPS))
        distractors = check_choice("distractors", self.distractors, ("fixed", "random"))
        object.__setattr__(self, "distractors", distractors)

    @property
    def inputs(self) -> int:
        """Number of symbols."""
        return self.p + 1

    @property
    def outputs(self) -> int:
        """Number of symbols."""
        return self.p + 1

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.p)
        letters = self.p - 1
        symbols = np.empty((n, self.p + 1), np.int64)
        symbols[:, 0] = symbols[:, -1] = letters + generator.integers(2, size=n)
        if self.distractors == "fixed":
            symbols[:, 1:-1] = np.arange(letters)
        else:
            symbols[:, 1:-1] = generator.integers(letters, size=(n, letters))
        starts = np.zeros((n, self.p), bool)
        starts[:, 0] = True
        return Steps(symbols[:, :-1].reshape(-1), symbols[:, 1:].reshape(-1), starts.reshape(-1))


@dataclass(frozen=True)
class VeryLongLag:
    """Remember y or x through random symbols until e asks for it: experiment 2c.

    A sequence is b, then y or x, equally likely, then `q` + k distractors, then e; its class is the
    y (1) or x (0) that the paper puts after e, so the target comes with e. Each distractor is one
    of `p` letters, all equally likely. After `q` of them each next step is e with probability 0.1
    and one more distractor otherwise, so k is 9 on average and has no bound. From the step with y
    or x to that with the target are `q` + k + 1 steps: at least `q` + 1. A sequence has
    `q` + k + 3 steps. Letters are symbols 0 to p - 1, e is p, b is p + 1, x is p + 2, y is p + 3.

    Parameters
    ----------
    q : int
        At least 1: the fewest distractors.
    p : int
        At least 1: how many letters there are. There are `p` + 4 symbols.

    Raises
    ------
    ValueError
        If `q` or `p` is no whole number from 1 to a million.

    Examples
    --------
    >>> steps = VeryLongLag(q=3, p=5).sequences(np.random.default_rng(2), 1)
    >>> steps.inputs
    array([6, 8, 2, 4, 2, 0, 5])
    >>> int(steps.targets[-1]), steps.predictions
    (1, 1)
    """

    q: int = 50
    p: int = 50

    outputs: ClassVar[int] = 2
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "q", check_int("q", self.q, 1, MOST_STEPS))
        object.__setattr__(self, "p", check_int("p", self.p, 1, MOST_STEPS))

    @property
    def inputs(self) -> int:
        """Number of symbols."""
        return self.p + 4

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.q + 3)
        more = generator.geometric(_END_PROBABILITY, n) - 1
        layout = laid_out(self.q + more + 3)
        symbols = generator.integers(self.p, size=len(layout.starts))
        which = generator.integers(2, size=n)
        symbols[layout.first] = self.p + 1
        symbols[layout.first + 1] = self.p + 2 + which
        symbols[layout.last] = self.p
        targets = np.zeros_like(symbols)
        targets[layout.last] = which
        return Steps(symbols, targets, layout.starts, layout.ends)
