"""Running means and spreads: every number comes in units of what its column has been so far."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lethe.core._views import kernel
from lethe.storage.state import part

__all__ = ["Places", "RunningScale", "Values"]

Values = NDArray[np.float64]
Places = NDArray[np.int64]


@part
class RunningScale:
    """Mean and spread of each of so many columns, so far and robustly.

    The first events count equally; later the mean follows with a rate of `slowest` at least, so
    that a stream which moves is followed. A value counts as at most ten spreads from the mean:
    one absurd value moves neither by much, and a lasting step is taken over within some events,
    each of which lets the spread grow.

    Parameters
    ----------
    columns : int
        How many.
    slowest : float
        The least rate of both averages: 0.002 looks back over about 500 events.

    Examples
    --------
    >>> scale = RunningScale(1)
    >>> for value in (1.0, 3.0, 1.0, 3.0):
    ...     scale.observe(np.array([value]))
    >>> out = np.zeros(3)
    >>> scale.place(np.array([4.0]), np.array([1]), np.array([2]), out)
    >>> out
    array([0., 2., 0.])
    """

    LIFE: ClassVar = ("mean", "variance", "count", "slowest")

    def __init__(self, columns: int, slowest: float = 0.002) -> None:
        self.mean = np.zeros(columns)
        self.variance = np.zeros(columns)
        self.count = np.zeros(columns)
        self.slowest = slowest

    def observe(self, values: Values) -> None:
        """Take one event's values in; NaN is missing and changes nothing."""
        kernel().observe(values, self.mean, self.variance, self.count, self.slowest)

    def place(self, values: Values, places: Places, missing: Places, out: Values) -> None:
        """Write (value - mean) / spread, within ±5, to each value's place in `out`.

        0 where it is missing or where nothing has varied. Where `missing` is not -1 it is a place
        for 1 if the value is missing.
        """
        kernel().place(values, self.mean, self.variance, places, missing, out)

    def grow(self, columns: int) -> None:
        """Make room for more columns; those that are there stay as they are."""
        more = np.zeros(columns - len(self.mean))
        self.mean = np.concatenate((self.mean, more))
        self.variance = np.concatenate((self.variance, more))
        self.count = np.concatenate((self.count, more))
