"""What a model expects, in the user's own units."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import as_float, check_choice, check_int
from lethe.core._objects import shown
from lethe.model.values import Label, label_of

__all__ = ["Classes", "Numbers", "Prediction", "decoded", "interval"]

Array = NDArray[np.float64]

_DOUBLE = struct.Struct("=d")
Value = float | dict[str, float] | Label | None


def decoded(answer: bytes) -> list[float]:
    """The float64 that bytes are."""
    return [value for (value,) in _DOUBLE.iter_unpack(answer)]


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was answered about numbers, and how wrong such answers were before.

    The residuals are those of the model, which goes on: while it has learned from fewer than they
    are since the answer, those that are newer are left out; after that they are all newer. An
    answer before all residuals has an infinite interval for ever.

    Parameters
    ----------
    answer : bytes
        Three float64 for each head (a target, so many events ahead): the predictions, how far from
        what came such predictions used to be, and how many residuals there had been.
    targets : tuple of str
        The targets; their heads follow each other.
    residuals : ndarray, shape (heads, kept)
        The last ones, each in units of what was usual, in a ring.
    counts : ndarray, shape (heads,)
        How many there have been by now.
    """

    answer: bytes
    targets: tuple[str, ...]
    residuals: Array
    counts: Array

    def forecast(self) -> tuple[float, ...] | tuple[dict[str, float], ...]:
        """Values for 1, 2, … events ahead."""
        answered, targets = decoded(self.answer), self.targets
        heads = len(answered) // 3
        horizon = heads // len(targets)
        if len(targets) == 1:
            return tuple(answered[:horizon])
        rows = (answered[ahead:heads:horizon] for ahead in range(horizon))
        return tuple(dict(zip(targets, row, strict=True)) for row in rows)

    def interval(self, head: int, level: float) -> tuple[float, float]:
        """Where, with probability `level`, the value of a head will be."""
        numbers = decoded(self.answer)
        answered, usual, seen = numbers[head :: len(numbers) // 3]
        ring = self.residuals[head]
        kept, then, now = len(ring), int(seen), int(self.counts[head])
        if not then:
            return -math.inf, math.inf
        first = max(0, now - kept)
        known = ring[np.arange(first, then) % kept] if first < then else ring
        return interval(known, answered, usual, level)


@dataclass(frozen=True, slots=True)
class Classes:
    """What was answered about classes.

    Parameters
    ----------
    answer : bytes
        A float64 for each place: the probability of a new class, then of each that is known.
    keys : list of str
        The categories at these places, and perhaps later ones.
    """

    answer: bytes
    keys: list[str]

    def best(self) -> Label | None:
        """The most probable class; None before the first."""
        known = decoded(self.answer)[1:]
        return label_of(self.keys[1 + known.index(max(known))]) if known else None

    def probabilities(self) -> dict[Label, float]:
        """Of each class seen so far."""
        found: dict[Label, float] = {}
        answered = decoded(self.answer)
        for key, probability in zip(self.keys[1 : len(answered)], answered[1:], strict=True):
            label = label_of(key)
            found[label] = found.get(label, 0.0) + probability  # True is 1, too
        return found


class Prediction:
    """What a model expects, at the time it was asked.

    Attributes
    ----------
    value : float, dict or object
        Of the next event (or, with ``horizon=0``, of this one): a number, a number by target where
        there are several, or the most probable class (None before the first).
    forecast : tuple
        Values for 1, 2, … events ahead; with ``horizon=0`` the one value.
    probabilities : dict
        Of each class seen so far; empty for numbers.
    new : float
        The probability of a class not seen so far.
    """

    __slots__ = ("__dict__", "_answer", "_first")

    def __init__(
        self, answer: Numbers | Classes | None, first: tuple[tuple[str, ...], int] | None = None
    ) -> None:
        self._answer = answer
        # Before the first event: the targets, where they are numbers, and the horizon.
        self._first = first

    # Worked out when it is asked for: most predictions of a long horizon are never looked at.
    @cached_property
    def forecast(self) -> tuple[Value, ...]:
        """Values for 1, 2, … events ahead; with ``horizon=0`` the one value."""
        if isinstance(self._answer, Numbers):
            return self._answer.forecast()
        if isinstance(self._answer, Classes):
            return (self._answer.best(),)
        if self._first is None:
            return (None,)
        targets, horizon = self._first
        value: Value = 0.0 if len(targets) <= 1 else dict.fromkeys(targets, 0.0)
        return (value,) * horizon

    @property
    def value(self) -> Value:
        """What is expected of the next event, or of this one."""
        return self.forecast[0]

    @cached_property
    def probabilities(self) -> Mapping[Label, float]:
        """The probability of each class seen so far."""
        return self._answer.probabilities() if isinstance(self._answer, Classes) else {}

    @property
    def new(self) -> float:
        """The probability of a class not seen so far."""
        if isinstance(self._answer, Classes):
            return decoded(self._answer.answer)[0]
        return 0.0 if self._answer is not None or self._first is not None else 1.0

    def interval(
        self, level: float = 0.9, *, target: str | None = None, ahead: int = 1
    ) -> tuple[float, float]:
        """Where a number will lie with a given probability, if the stream goes on as it was.

        Parameters
        ----------
        level : float
            In (0, 1).
        target : str, optional
            Which, where there are several.
        ahead : int
            How many events ahead, from 1.

        Returns
        -------
        tuple of float
            The ends; infinite until some errors have been seen.

        Raises
        ------
        ValueError
            If an argument is not one of these, or there are no numbers.
        """
        answer = self._answer
        targets = answer.targets if isinstance(answer, Numbers) else (self._first or ((),))[0]
        if not targets:
            raise ValueError("interval must be asked of numbers, got a prediction of classes")
        share = as_float(level)
        if not 0 < share < 1:
            raise ValueError(f"level must be a number between 0 and 1, got {shown(level)}")
        if target is None and len(targets) == 1:
            target = targets[0]
        target = check_choice("target", target, targets)
        horizon = len(self.forecast)
        ahead = check_int("ahead", ahead, 1, horizon)
        if not isinstance(answer, Numbers):
            return -math.inf, math.inf
        return answer.interval(targets.index(target) * horizon + ahead - 1, share)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Prediction):
            return NotImplemented
        return (self.forecast, self.probabilities, self.new) == (
            other.forecast,
            other.probabilities,
            other.new,
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        probabilities = (
            f", probabilities={dict(self.probabilities)!r}" if self.probabilities else ""
        )
        new = f", new={self.new!r}" if self.new else ""
        return f"Prediction(value={self.value!r}, forecast={self.forecast!r}{probabilities}{new})"


def interval(residuals: Array, predicted: float, usual: float, level: float) -> tuple[float, float]:
    """Where, with probability `level`, a value will be; infinite while too little is known.

    From one quantile of the last residuals to another, times what is usual now: where the stream
    goes on as it was, so many of the events to come lie in it (split conformal prediction, Vovk et
    al. 2005, over a sliding window).

    Parameters
    ----------
    residuals : ndarray
        The last ones, each in units of what was usual when it came.
    predicted, usual : float
        The prediction, and how far from it values usually are.
    level : float
        In (0, 1).

    Returns
    -------
    tuple of float
        The ends.

    Examples
    --------
    >>> interval(np.arange(-50.0, 51.0), 10.0, 0.5, 0.8)
    (-10.5, 30.5)
    """
    n = len(residuals)
    tail = (1 - level) / 2
    if n * tail < 1:
        return -math.inf, math.inf
    ordered = np.sort(residuals)
    # One residual further out than the quantiles: few of them promise no more than they know.
    low = ordered[max(0, math.floor((n - 1) * (tail - 1 / n)))]
    high = ordered[min(n - 1, math.ceil((n - 1) * (1 - tail + 1 / n)))]
    return predicted + usual * float(low), predicted + usual * float(high)
