"""What a model expects, in the user's own units."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from lethe import _kernel
from lethe.core._checks import as_float, check_choice, check_int, generator
from lethe.core._objects import items_of, shown
from lethe.model.distribution import Distribution, unknown
from lethe.model.values import Label, label_of

__all__ = ["Classes", "Numbers", "Prediction", "decoded"]

Array = NDArray[np.float64]

_DOUBLE = struct.Struct("=d")
Value = float | dict[str, float] | Label | None


def decoded(answer: bytes) -> list[float]:
    """The float64 that bytes are."""
    return [value for (value,) in _DOUBLE.iter_unpack(answer)]


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was answered about numbers, and what came after such answers before.

    The residuals are those of the model, which goes on: while it has learned from fewer than they
    are since the answer, those that are newer are left out; after that they are all newer.

    Parameters
    ----------
    answer : bytes
        float64: for each head (a target, so many events ahead) the predictions, then how far from
        what came such predictions used to be, how many residuals there had been, how far apart the
        predictors were; for each target its last value, then the ends of its range.
    targets : tuple of str
        The targets; their heads follow each other.
    residuals : ndarray, shape (heads, kept, 5)
        The last ones, in a ring: what came, what had been predicted, the mean absolute error, the
        last value, and how far apart the predictors were.
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
        heads = len(self.counts)
        horizon = heads // len(targets)
        if len(targets) == 1:
            return tuple(answered[:horizon])
        rows = (answered[ahead:heads:horizon] for ahead in range(horizon))
        return tuple(dict(zip(targets, row, strict=True)) for row in rows)

    def distribution(self, head: int) -> Distribution:
        """Of the value of a head."""
        made = _kernel.distribution(
            self.answer, self.residuals, self.counts, len(self.targets), head
        )
        return Distribution.made_of(np.frombuffer(made))


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

    Ask for intervals and the like before the model learns on: a distribution is made of the last
    residuals when it is first asked, and newer ones overwrite them one by one. What was asked once
    stays, and a pickle or a copy keeps all of it.

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
            In (0, 1): as much lies below the interval as above.
        target : str, optional
            Which, where there are several.
        ahead : int
            How many events ahead, from 1.

        Returns
        -------
        tuple of float
            The ends; infinite until the first error has been seen.

        Raises
        ------
        ValueError
            If an argument is not one of these, or there are no numbers.
        """
        found = self._distribution(target, ahead)
        share = as_float(level)
        if not 0 < share < 1:
            raise ValueError(f"level must be a number between 0 and 1, got {shown(level)}")
        tail = (1 - share) / 2
        return found.quantile_at(tail), found.quantile_at(1 - tail)

    @overload
    def quantile(self, q: float, *, target: str | None = None, ahead: int = 1) -> float: ...
    @overload
    def quantile(
        self, q: Sequence[float] | Array, *, target: str | None = None, ahead: int = 1
    ) -> Array: ...
    def quantile(
        self, q: float | Sequence[float] | Array, *, target: str | None = None, ahead: int = 1
    ) -> float | Array:
        """The value that a number stays below with probability `q`.

        Parameters
        ----------
        q : float or array_like
            In (0, 1).
        target, ahead
            As in `interval`.

        Returns
        -------
        float or ndarray
            One for each `q`; a value of the lattice that the data lie on, if they do.

        Raises
        ------
        ValueError
            If an argument is not one of these, or there are no numbers.
        """
        if type(q) is float and 0 < q < 1:
            return self._distribution(target, ahead).quantile_at(q)
        given = numbers_of("q", q)
        if not ((given > 0) & (given < 1)).all():
            raise ValueError(f"q must be between 0 and 1, got {shown(q)}")
        return _as_given(self._distribution(target, ahead).quantile(given), given)

    @overload
    def cdf(self, x: float, *, target: str | None = None, ahead: int = 1) -> float: ...
    @overload
    def cdf(
        self, x: Sequence[float] | Array, *, target: str | None = None, ahead: int = 1
    ) -> Array: ...
    def cdf(
        self, x: float | Sequence[float] | Array, *, target: str | None = None, ahead: int = 1
    ) -> float | Array:
        """The probability that a number is at most `x`; parameters as in `quantile`."""
        if type(x) is float and x == x:
            return self._distribution(target, ahead).cdf_at(x)
        given = numbers_of("x", x)
        return _as_given(self._distribution(target, ahead).cdf(given), given)

    @overload
    def log_density(self, x: float, *, target: str | None = None, ahead: int = 1) -> float: ...
    @overload
    def log_density(
        self, x: Sequence[float] | Array, *, target: str | None = None, ahead: int = 1
    ) -> Array: ...
    def log_density(
        self, x: float | Sequence[float] | Array, *, target: str | None = None, ahead: int = 1
    ) -> float | Array:
        """The logarithm of the probability density at `x`; parameters as in `quantile`.

        Where the data lie on a lattice, such as whole numbers, it is the probability of `x` divided
        by the lattice's step. A value that has a probability of its own, as one that is often
        repeated, has the logarithm of that. Beside a lattice and beyond a range it is low, but
        finite: data may not keep to either for ever.
        """
        if type(x) is float and math.isfinite(x):
            return self._distribution(target, ahead).log_density_at(x)
        given = numbers_of("x", x)
        return _as_given(self._distribution(target, ahead).log_density(given), given)

    def mean(self, *, target: str | None = None, ahead: int = 1) -> float:
        """The best forecast of a number in squared error; parameters as in `interval`.

        It is off the forecast towards the mean of the distribution, by what of that cannot be
        chance, with as few independent errors as there are.
        """
        found = self._distribution(target, ahead)
        value = self.forecast[ahead - 1]
        value = value[target] if isinstance(value, dict) and target is not None else value
        assert isinstance(value, float)
        return value + found.believed * (found.mean - value)

    def median(self, *, target: str | None = None, ahead: int = 1) -> float:
        """What a number is below as often as above; parameters as in `interval`."""
        return self._distribution(target, ahead).quantile_at(0.5)

    def crps(self, x: float, *, target: str | None = None, ahead: int = 1) -> float:
        """The continuous ranked probability score of the distribution, where `x` is what came.

        In the number's own units: the absolute error, were the distribution a single point. The
        less the better (Gneiting & Raftery 2007). Parameters as in `quantile`.
        """
        came = as_float(x)
        if not math.isfinite(came):
            raise ValueError(f"x must be a finite number, got {shown(x)}")
        return self._distribution(target, ahead).crps(came)

    def sample(
        self,
        n: int,
        *,
        target: str | None = None,
        ahead: int = 1,
        seed: int | np.random.Generator = 0,
    ) -> Array:
        """Draw from the distribution of a number.

        Parameters
        ----------
        n : int
            How many.
        target, ahead
            As in `interval`. Several heads are drawn from independently.
        seed : int or numpy.random.Generator
            What they are drawn with.

        Returns
        -------
        ndarray, shape (n,)
        """
        found = self._distribution(target, ahead)
        drawn = generator(seed).random(check_int("n", n, 0, 1 << 40))
        return found.quantile(np.clip(drawn, 2.0**-54, 1 - 2.0**-53))

    def _distribution(self, target: str | None, ahead: int) -> Distribution:
        answer = self._answer
        targets = answer.targets if isinstance(answer, Numbers) else (self._first or ((),))[0]
        if not targets:
            raise ValueError("a distribution must be asked of numbers, got a prediction of classes")
        if target is None and len(targets) == 1:
            target = targets[0]
        elif not isinstance(target, str) or target not in targets:
            target = check_choice("target", target, targets)
        horizon = len(self.forecast)
        if type(ahead) is not int or not 1 <= ahead <= horizon:
            ahead = check_int("ahead", ahead, 1, horizon)
        head = targets.index(target) * horizon + ahead - 1
        if not isinstance(answer, Numbers):
            return unknown(0.0, -math.inf, math.inf)
        found = self._distributions.get(head)
        if found is None:
            found = self._distributions[head] = answer.distribution(head)
        return found

    @cached_property
    def _distributions(self) -> dict[int, Distribution]:
        """Those that were asked for, which then do not change any more."""
        return {}

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


def numbers_of(name: str, value: object) -> Array:
    """A number, or an array of them."""
    one = as_float(value)
    if one == one:
        return np.array(one)
    items = items_of(value) if not isinstance(value, np.ndarray) else value
    try:
        found = np.asarray(value if items is None else items, np.float64)
    except (TypeError, ValueError, OverflowError):
        found = np.array(math.nan)
    if np.isnan(found).any():
        raise ValueError(f"{name} must be a number or numbers, got {shown(value)}")
    return found


def _as_given(found: Array, given: Array) -> float | Array:
    return found if given.ndim else float(found)
