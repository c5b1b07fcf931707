"""The errors of a model, compared with naive predictors on the same events."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from lethe.model.calendar import DAY, WEEK, YEAR
from lethe.model.values import category_of, is_missing, label_of, number_of

__all__ = ["PREDICTORS", "ClassScores", "NumberScores", "Season", "number_or_nan"]

#: The predictors of numbers, in the order in which errors are stored.
PREDICTORS = ("model", "last value", "mean", "same time last period")

#: Number of past events in which the last period is looked up, as in a model's own history.
KEPT = 4096

#: Number of events with times after which the period (day, week or year) is fixed.
SETTLED = 10

#: Number of classes that are counted; a new one then replaces the least recently used.
MOST = 1000


def number_or_nan(value: object) -> float:
    """A number as a model reads it: NaN where it is missing, infinite or implausibly large.

    Examples
    --------
    >>> [number_or_nan(value) for value in (7, "", None, float("inf"), True)]
    [7.0, nan, nan, nan, 1.0]
    """
    try:
        return number_of("value", value, "missing")
    except ValueError:
        return math.nan


class Season:
    """The value one period ago: a number of events ago, or a day, week or year ago.

    Parameters
    ----------
    targets : int
        Numbers in each event.
    period : int, optional
        Events after which a season repeats. Without it the times decide: a day where events are at
        most half a day apart, a week where they are at most half a week apart, else a year. Without
        times there is no period.

    Examples
    --------
    >>> season = Season(1, period=3)
    >>> for value in (5.0, 6.0, 7.0):
    ...     season.append([value], float("nan"))
    >>> season.guess(1, float("nan")), season.guess(5, float("nan"))
    ([5.0], [6.0])
    """

    def __init__(self, targets: int, period: int | None) -> None:
        self.period = period
        self.seconds = 0.0  # the period where the times decide; 0 until it is fixed
        self.values = np.full((period or 0, targets), math.nan)
        self.times = np.zeros(0)
        self.kept = 0
        self.events = 0
        self.gap = 0.0  # mean seconds from one event to the next
        self.gaps = 0

    def guess(self, ahead: int, seconds: float) -> list[float] | None:
        """The targets one period before a future event; None where unknown.

        Parameters
        ----------
        ahead : int
            How many events ahead; 1 is the next event.
        seconds : float
            The time of the next event.
        """
        if self.period is not None:
            found: list[float] = self.values[(self.events + ahead - 1) % self.period].tolist()
            return found if self.events >= self.period else None
        if not self.seconds or not math.isfinite(seconds):
            return None
        wanted = seconds + (ahead - 1) * self.gap
        last = float(self.times[self.kept - 1])
        periods = max(1, math.ceil((wanted - last) / self.seconds))
        wanted -= periods * self.seconds
        times = self.times[: self.kept]
        index = int(np.searchsorted(times, wanted - self.gap / 2))
        if index == self.kept or not abs(float(times[index]) - wanted) <= 1.5 * self.gap:
            return None
        found = self.values[index].tolist()
        return found

    def append(self, values: Sequence[float], seconds: float) -> None:
        """Add an event."""
        if self.period is not None:
            row = self.values[self.events % self.period]
            row[:] = [new if new == new else old for new, old in zip(values, row, strict=True)]
            self.events += 1
            return
        self.events += 1
        if not math.isfinite(seconds):
            return
        if not len(self.times):
            self.times = np.full(2 * KEPT, math.nan)
            self.values = np.full((2 * KEPT, len(values)), math.nan)
        if self.kept == 2 * KEPT:
            self.values[:KEPT] = self.values[KEPT:]
            self.times[:KEPT] = self.times[KEPT:]
            self.kept = KEPT
        if self.kept:
            self._measure(seconds - float(self.times[self.kept - 1]))
        self.values[self.kept] = values
        self.times[self.kept] = seconds
        self.kept += 1

    def _measure(self, gap: float) -> None:
        if not gap > 0:
            return
        self.gaps += 1
        # A long gap moves the mean at most as far as one of twice the mean.
        rate = max(1 / self.gaps, 0.05)
        self.gap += rate * (min(gap, 2 * self.gap) - self.gap) if self.gap else gap
        if self.gaps == SETTLED:
            fits = [long for long in (DAY, WEEK) if self.gap <= long / 2]
            self.seconds = fits[0] if fits else YEAR


class NumberScores:
    """Mean absolute errors of a model and of the naive predictors, on the same events.

    Each predicts `ahead` events after the last one it has seen. Events count if their target is
    known and so is an earlier one. Where the last period is not known yet, its predictor uses the
    last value.

    Parameters
    ----------
    targets : sequence of str
        Names of the targets.
    horizon : int
        If 2 or more, errors this many events ahead are computed too.
    period : int, optional
        As for `Season`.

    Attributes
    ----------
    aheads : tuple of int
        How many events ahead: 1, and the horizon.
    seasonal : bool
        Whether the last period has been known.

    Examples
    --------
    >>> scores = NumberScores(["flow"], 1, None)
    >>> for predicted, actual in ((0.0, 4.0), (4.5, 5.0), (5.0, 6.0)):
    ...     scores.update((predicted,), [actual])
    >>> scores.counts[0][0], scores.mean_errors(0, 0)
    (2, {'model': 0.75, 'last value': 1.0, 'mean': 1.25})
    """

    def __init__(self, targets: Sequence[str], horizon: int, period: int | None) -> None:
        n = len(targets)
        self.targets = tuple(targets)
        self.aheads = (1,) if horizon <= 1 else (1, horizon)
        self.season = Season(n, period)
        self.seasonal = False
        self.counts = [[0] * n for _ in self.aheads]
        self.sums = [[[0.0] * len(PREDICTORS) for _ in range(n)] for _ in self.aheads]
        self.last = [math.nan] * n
        self.totals = [0.0] * n
        self.known = [0] * n
        # Predictions that wait for their event, the oldest first.
        self.waiting: list[deque[list[tuple[float, ...]]]] = [deque() for _ in self.aheads]

    def update(
        self,
        forecast: Sequence[float | Mapping[str, float]],
        actual: Sequence[float],
        seconds: float = math.nan,
    ) -> None:
        """Compare predictions with the actual values.

        Parameters
        ----------
        forecast : sequence of float or mapping
            The model's predictions before this event, of it, of the next, and so on: numbers, or
            numbers by target.
        actual : sequence of float
            The event's targets; NaN is missing.
        seconds : float
            The event's time, or NaN.
        """
        for n, (ahead, waiting) in enumerate(zip(self.aheads, self.waiting, strict=True)):
            waiting.append(self._predictions(forecast[ahead - 1], ahead, seconds))
            if len(waiting) < ahead:
                continue
            for target, (value, row) in enumerate(zip(actual, waiting.popleft(), strict=True)):
                if value == value and row[1] == row[1]:  # known, and so is an earlier one
                    self.counts[n][target] += 1
                    sums = self.sums[n][target]
                    for predictor, predicted in enumerate(row):
                        sums[predictor] += abs(predicted - value)
        for target, value in enumerate(actual):
            if value == value:
                self.last[target] = value
                self.totals[target] += value
                self.known[target] += 1
        self.season.append(actual, seconds)

    def _predictions(
        self, predicted: float | Mapping[str, float], ahead: int, seconds: float
    ) -> list[tuple[float, ...]]:
        """The predictions of each target, in the order of `PREDICTORS`."""
        guesses = self.season.guess(ahead, seconds)
        self.seasonal = self.seasonal or guesses is not None
        rows: list[tuple[float, ...]] = []
        for target, name in enumerate(self.targets):
            last = self.last[target]
            guess = last if guesses is None else guesses[target]
            rows.append(
                (
                    predicted[name] if isinstance(predicted, Mapping) else predicted,
                    last,
                    self.totals[target] / (self.known[target] or 1),
                    guess if guess == guess else last,
                )
            )
        return rows

    def mean_errors(self, target: int, ahead: int) -> dict[str, float]:
        """Mean absolute error by predictor; NaN before the first event that counts.

        Parameters
        ----------
        target, ahead : int
            Indices into `targets` and `aheads`.
        """
        count = self.counts[ahead][target]
        return {
            name: total / count if count else math.nan
            for name, total in zip(PREDICTORS, self.sums[ahead][target], strict=True)
            if self.seasonal or name != PREDICTORS[-1]
        }


class ClassScores:
    """Accuracy and log-loss (in nats) of a model and of two naive predictors, on the same events.

    One predicts the most frequent class so far, with the frequencies as probabilities. The other
    predicts the last class; its probability is how often a class has repeated. Events with a class
    count, from the second on.

    Attributes
    ----------
    events : int
        Number of events that count.

    Examples
    --------
    >>> scores = ClassScores()
    >>> for actual in "aab":
    ...     scores.update("a", {"a": 0.9}, 0.1, actual)
    >>> scores.accuracies()
    {'model': 0.5, 'most frequent class': 0.5, 'last class': 0.5}
    """

    NAMES: ClassVar = ("model", "most frequent class", "last class")

    def __init__(self) -> None:
        self.events = 0
        self.correct = [0] * len(self.NAMES)
        self.losses = [0.0] * len(self.NAMES)
        self.counts: dict[str, int] = {}  # the least recently used first
        self.total = 0
        self.last: str | None = None
        self.repeats = 0

    def update(
        self,
        predicted: object,
        probabilities: Mapping[Any, float],  # a class is what a user's column holds
        new: float,
        actual: Hashable,
    ) -> None:
        """Compare predictions with the actual class.

        Parameters
        ----------
        predicted : object
            The model's most probable class.
        probabilities : mapping
            The probability of each class seen so far.
        new : float
            The probability of a class not seen so far.
        actual : object
            The class; None is missing and does not count.
        """
        if is_missing("class", actual, "missing"):
            return
        key = category_of("class", actual)
        if self.last is not None:
            label = label_of(key)  # as a model has it: a long text is cut short
            self.events += 1
            frequent = max(self.counts, key=self.counts.__getitem__)
            best = (predicted == label, frequent == key, self.last == key)
            given = (probabilities.get(label, new), self._frequency(key), self._again(key))
            for n, (correct, probability) in enumerate(zip(best, given, strict=True)):
                self.correct[n] += bool(correct)
                self.losses[n] -= math.log(max(probability, 1e-12))
            self.repeats += self.last == key
        count = self.counts.pop(key, 0)
        if not count and len(self.counts) == MOST:
            self.total -= self.counts.pop(next(iter(self.counts)))
        self.counts[key] = count + 1
        self.total += 1
        self.last = key

    def _frequency(self, key: str) -> float:
        """The frequency of a class; a new one counts as half an event."""
        return (self.counts.get(key, 0) or 0.5) / (self.total + 0.5)

    def _again(self, key: str) -> float:
        """The last class by how often classes have repeated, the others by their frequencies."""
        assert self.last is not None
        again = (self.repeats + 1) / (self.events + 1)  # this event has been counted
        if key == self.last:
            return again
        others = 1 - self._frequency(self.last)
        return (1 - again) * self._frequency(key) / others

    def accuracies(self) -> dict[str, float]:
        """The accuracy of each predictor; NaN before the first event that counts."""
        return self._means(self.correct)

    def log_losses(self) -> dict[str, float]:
        """Mean of -log of the probability that each gave to the actual class, in nats."""
        return self._means(self.losses)

    def _means(self, sums: Sequence[float]) -> dict[str, float]:
        n = self.events
        return {
            name: total / n if n else math.nan for name, total in zip(self.NAMES, sums, strict=True)
        }
