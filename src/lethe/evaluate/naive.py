"""How wrong a model has been, beside what anyone could have predicted without one."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from lethe.model.cycles import DAY, WEEK, YEAR
from lethe.model.encoding import ABSURD, category_of
from lethe.storage.state import part

__all__ = ["PREDICTORS", "ClassScores", "NumberScores", "Season", "number_or_nan"]

#: Who predicts numbers, in the order in which errors are kept.
PREDICTORS = ("model", "last value", "mean", "same time last period")

#: Events that the last period is looked up in at most, as in a model's own history.
KEPT = 4096

#: Events with times after which it is settled whether days, weeks or years repeat.
SETTLED = 10

#: Classes that are counted; the least recently used then gives way.
MOST = 1000


def number_or_nan(value: Any) -> float:
    """A number as a model takes it: NaN where it is missing, infinite or absurd.

    Examples
    --------
    >>> [number_or_nan(value) for value in (7, "", None, float("inf"), True)]
    [7.0, nan, nan, nan, 1.0]
    """
    try:
        number = math.nan if value is None or value == "" else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if -ABSURD < number < ABSURD else math.nan


@part
class Season:
    """What came one period before: so many events ago, or a day, week or year by time.

    Parameters
    ----------
    targets : int
        Numbers that each event has.
    period : int, optional
        Events after which a season repeats. Without it the times decide: days where events lie at
        most half a day apart, weeks up to half a week, and else years; without times there is none.

    Examples
    --------
    >>> season = Season(1, period=3)
    >>> for value in (5.0, 6.0, 7.0):
    ...     season.append([value], float("nan"))
    >>> season.guess(1, float("nan")), season.guess(5, float("nan"))
    ([5.0], [6.0])
    """

    LIFE: ClassVar = ("period", "seconds", "values", "times", "kept", "events", "gap", "gaps")

    def __init__(self, targets: int, period: int | None) -> None:
        self.period = period
        self.seconds = 0.0  # the period where the times decide; 0 while it is not settled
        self.values = np.full((period or 0, targets), math.nan)
        self.times = np.zeros(0)
        self.kept = 0
        self.events = 0
        self.gap = 0.0  # usual seconds from one event to the next
        self.gaps = 0

    def guess(self, ahead: int, seconds: float) -> list[float] | None:
        """What each target was a period before the event so many ahead; None where unknown.

        Parameters
        ----------
        ahead : int
            From 1, the event that comes next.
        seconds : float
            The time of the event that comes next.
        """
        if self.period is not None:
            row = self.values[(self.events + ahead - 1) % self.period]
            return row.tolist() if self.events >= self.period else None
        if not self.seconds or not math.isfinite(seconds):
            return None
        wanted = seconds + (ahead - 1) * self.gap
        periods = max(1, math.ceil((wanted - self.times[self.kept - 1]) / self.seconds))
        wanted -= periods * self.seconds
        times = self.times[: self.kept]
        place = int(np.searchsorted(times, wanted - self.gap / 2))
        if place == self.kept or not abs(times[place] - wanted) <= 1.5 * self.gap:
            return None
        found: list[float] = self.values[place].tolist()
        return found

    def append(self, values: Sequence[float], seconds: float) -> None:
        """Take an event in."""
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
        # A long gap moves the mean by as much as a doubled one at most.
        rate = max(1 / self.gaps, 0.05)
        self.gap += rate * (min(gap, 2 * self.gap) - self.gap) if self.gap else gap
        if self.gaps == SETTLED:
            fits = [long for long in (DAY, WEEK) if self.gap <= long / 2]
            self.seconds = fits[0] if fits else YEAR


@part
class NumberScores:
    """Mean absolute errors of a model and of the naive predictors, on the same events.

    Each predicts what is `ahead` events after all that it knows. What counts are events whose
    target is known, from the first on that has one before it. Where the last period is not known
    yet, its predictor says the last value.

    Parameters
    ----------
    targets : sequence of str
        What is predicted.
    horizon : int
        With 2 or more, errors of this many events ahead are kept, too.
    period : int, optional
        As for `Season`.

    Attributes
    ----------
    aheads : tuple of int
        How many events ahead: 1, and the horizon.
    seasonal : bool
        Whether there was a last period to look at.

    Examples
    --------
    >>> scores = NumberScores(["flow"], 1, None)
    >>> for predicted, came in ((0.0, 4.0), (4.5, 5.0), (5.0, 6.0)):
    ...     scores.update((predicted,), [came])
    >>> scores.counts[0][0], scores.mean_errors(0, 0)
    (2, {'model': 0.75, 'last value': 1.0, 'mean': 1.25})
    """

    LIFE: ClassVar = (
        "targets", "aheads", "season", "seasonal", "counts", "sums", "last", "totals", "known",
        "waiting",
    )  # fmt: skip

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
        self.waiting: list[Any] = [deque() for _ in self.aheads]  # predictions, the oldest first

    def update(
        self, forecast: Sequence[Any], came: Sequence[float], seconds: float = math.nan
    ) -> None:
        """Compare what was predicted with what came.

        Parameters
        ----------
        forecast : sequence of float or mapping
            What the model expected before this event of it, of the next, …: numbers, or numbers by
            target.
        came : sequence of float
            The event's targets; NaN is missing.
        seconds : float
            The event's time, or NaN.
        """
        for n, (ahead, waiting) in enumerate(zip(self.aheads, self.waiting, strict=True)):
            waiting.append(self._predictions(forecast[ahead - 1], ahead, seconds))
            if len(waiting) < ahead:
                continue
            for target, (value, row) in enumerate(zip(came, waiting.popleft(), strict=True)):
                if value == value and row[1] == row[1]:  # known, and there was one before
                    self.counts[n][target] += 1
                    sums = self.sums[n][target]
                    for predictor, predicted in enumerate(row):
                        sums[predictor] += abs(predicted - value)
        for target, value in enumerate(came):
            if value == value:
                self.last[target] = value
                self.totals[target] += value
                self.known[target] += 1
        self.season.append(came, seconds)

    def _predictions(self, predicted: Any, ahead: int, seconds: float) -> list[tuple[float, ...]]:
        """What each predictor says of each target, in the order of `PREDICTORS`."""
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
        """Mean absolute error by predictor; NaN before the first.

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


@part
class ClassScores:
    """Accuracy and log-loss (in nats) of a model and of two naive predictors, on the same events.

    The most frequent class so far is one prediction, with the frequencies as probabilities. The
    last class is the other; its probability is how often a class has been the one before it. What
    counts are events with a class, from the second on.

    Attributes
    ----------
    events : int
        That count.

    Examples
    --------
    >>> scores = ClassScores()
    >>> for came in "aab":
    ...     scores.update("a", {"a": 0.9}, 0.1, came)
    >>> scores.accuracies()
    {'model': 0.5, 'most frequent class': 0.5, 'last class': 0.5}
    """

    LIFE: ClassVar = ("events", "right", "losses", "counts", "total", "last", "repeats")

    NAMES: ClassVar = ("model", "most frequent class", "last class")

    def __init__(self) -> None:
        self.events = 0
        self.right = [0] * len(self.NAMES)
        self.losses = [0.0] * len(self.NAMES)
        self.counts: dict[str, int] = {}  # the least recent first
        self.total = 0
        self.last: str | None = None
        self.repeats = 0

    def update(
        self, predicted: Any, probabilities: Mapping[Any, float], new: float, came: Any
    ) -> None:
        """Compare what was predicted with the class that came.

        Parameters
        ----------
        predicted : object
            The model's most probable class.
        probabilities : mapping
            Of each class seen so far.
        new : float
            The probability of one not seen so far.
        came : object
            The class; None is missing and does not count.
        """
        if came is None or came == "":
            return
        key = category_of("class", came)
        if self.last is not None:
            self.events += 1
            frequent = max(self.counts, key=self.counts.__getitem__)
            best = (predicted == came, frequent == key, self.last == key)
            given = (probabilities.get(came, new), self._frequency(key), self._again(key))
            for n, (right, probability) in enumerate(zip(best, given, strict=True)):
                self.right[n] += bool(right)
                self.losses[n] -= math.log(max(probability, 1e-12))
            self.repeats += self.last == key
        count = self.counts.pop(key, 0)
        if not count and len(self.counts) == MOST:
            self.total -= self.counts.pop(next(iter(self.counts)))
        self.counts[key] = count + 1
        self.total += 1
        self.last = key

    def _frequency(self, key: str) -> float:
        """How often a class was there; one that is new has half an event."""
        return (self.counts.get(key, 0) or 0.5) / (self.total + 0.5)

    def _again(self, key: str) -> float:
        """The last class by how often that was right, and the others by their frequencies."""
        assert self.last is not None
        again = (self.repeats + 1) / (self.events + 1)  # this event is counted already
        if key == self.last:
            return again
        others = 1 - self._frequency(self.last)
        return (1 - again) * self._frequency(key) / others

    def accuracies(self) -> dict[str, float]:
        """The part of the classes that each predicted; NaN before the first."""
        return self._means(self.right)

    def log_losses(self) -> dict[str, float]:
        """Mean of -log of the probability that each gave to the class that came, in nats."""
        return self._means(self.losses)

    def _means(self, sums: Sequence[float]) -> dict[str, float]:
        n = self.events
        return {
            name: total / n if n else math.nan for name, total in zip(self.NAMES, sums, strict=True)
        }
