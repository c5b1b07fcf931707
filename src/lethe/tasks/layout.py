"""What tasks of sequences share: where sequences lie one after the other, and how long they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Layout", "laid_out", "random_lengths"]


class Layout(NamedTuple):
    """Where some sequences lie that follow one another.

    Attributes
    ----------
    first, last : (n,) int64
        The first and the last step of each sequence.
    starts, ends : (T,) bool
        True at the first and at the last step of each sequence.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    starts: NDArray[np.bool_]
    ends: NDArray[np.bool_]


def laid_out(lengths: NDArray[np.int64]) -> Layout:
    """Sequences of these lengths (n,), each at least 1, one after the other."""
    after = np.cumsum(lengths)
    first, last = after - lengths, after - 1
    starts, ends = np.zeros((2, int(lengths.sum())), bool)
    starts[first] = True
    ends[last] = True
    return Layout(first, last, starts, ends)


def random_lengths(
    generator: np.random.Generator, low: int, high: int, n: int
) -> NDArray[np.int64]:
    """`n` lengths from `low` to `high`, both included, all equally likely."""
    return generator.integers(low, high + 1, n)
