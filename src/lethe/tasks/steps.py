"""Steps of a stream: what a network reads, what it should answer, and where sequences start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Steps", "joined"]


class Steps(NamedTuple):
    """Some steps of a stream, as read-only arrays of one length.

    Attributes
    ----------
    inputs : (T,) int64 or (T, inputs) float64
        Symbols, or input vectors.
    targets : (T,) int64 or (T, outputs) float64
        Rows of the stream's table of targets (classes where it has none), or target vectors.
    starts : (T,) bool
        True at the first step of each string or sequence.
    has_target : (T,) bool or None
        Where there is a target; None: everywhere.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    starts: NDArray[np.bool_]
    has_target: NDArray[np.bool_] | None = None

    def piece(self, start: int, stop: int) -> Steps:
        """The steps from `start` up to and without `stop`, as views."""
        pieces: Any = (None if array is None else array[start:stop] for array in self)
        return Steps(*pieces)

    @property
    def predictions(self) -> int:
        """Number of steps that have a target."""
        if self.has_target is None:
            return len(self.starts)
        return int(np.count_nonzero(self.has_target))


def joined(pieces: Sequence[Steps]) -> Steps:
    """Some pieces of a stream as one."""
    if len(pieces) == 1:
        return pieces[0]
    parts: list[Any] = [
        None if arrays[0] is None else np.concatenate(arrays)
        for arrays in zip(*pieces, strict=True)
    ]
    return Steps(*parts)
