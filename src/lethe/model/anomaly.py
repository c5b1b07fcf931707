"""How odd an event is: its error among those of the past, by itself and with the events before it.

The score of an event is 1 - p, where p says how often a stream that goes on as it was brings
something as odd. So a threshold of 0.99 means about ten false alarms in 1,000 events, for every
stream and without tuning:

1. The error is |actual - predicted|. Among the errors of the past, a sample of 1,000 of them, a
   part h is at least as large and a part l at most as large (the event itself counts in both).
   What is below a thousandth of the largest 2 % is as small as that.
2. The surprise is -log min(1, 2 min(h, l)): large for an error that is unusually large, and for one
   that is unusually small, as those of a sensor that is stuck.
3. A run of surprises can be odd where none of them is: their mean over about the last 64 events has
   a sample of its own past, in which a part r is at least as large (the whole run counts in it).
4. p = min(h / 0.1, r / 0.9): of all false alarms a tenth is left to single events, nine tenths go
   to runs, and together there are no more than promised (Bonferroni's inequality). With several
   targets, p is the least of theirs times their number.

Among the largest 20 of a full sample, h and r follow the power law that fits these (Hill 1975), so
that a score tells what is larger than all before from what is ten times as large.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from math import exp, log, nan
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lethe.storage.state import part

__all__ = ["AnomalyScorer", "Oddness"]

Values = NDArray[np.float64]

#: Numbers that a sample of the past holds.
KEPT = 1000

#: Events that it looks back over: a full sample takes in one of 16 at least, so that an anomaly of
#: some hundreds hardly changes what is usual.
BACK = 16 * KEPT

#: Events over which surprises are averaged.
RUN = 64

#: The share of all false alarms that single events may raise.
SINGLE = 0.1

#: The largest of a sample, which say how its tail goes on.
TAIL = 20

#: What is less than this part of those largest is as good as nothing.
SMALL = 1e-3

#: Nothing counts as rarer than this.
LEAST = 1e-6

#: The steepest that a tail can fall: Hill's estimate, for values that hardly differ.
STEEPEST = 0.01

#: An error of less than this part of the value is rounding.
ROUNDING = 1e-12

_LARGEST = sys.float_info.max
# The fractions of their multiples cover the square evenly (Roberts's R2 sequence).
_FIRST, _SECOND = 0.7548776662466927, 0.5698402909980532


class Oddness(NamedTuple):
    """How odd an event is.

    Attributes
    ----------
    score : float
        From 0, as usual, to 1, as never before; NaN where every target is missing.
    target : int
        The oddest target, the first of several; 0 where every target is missing.
    scores : tuple of float
        Each target's own score, NaN where it is missing.
    """

    score: float
    target: int
    scores: tuple[float, ...]


class _Sample:
    """A sample of all numbers so far, in order of size; in a long stream, of the last of them.

    Each of the first numbers has the same chance to be in it (reservoir sampling, Vitter 1985);
    later each new one has a constant chance, and old ones fade (Aggarwal 2006). An even
    sequence stands in for chance: nothing is drawn, and a stream gives the same scores every time.
    """

    __slots__ = ("count", "values")

    def __init__(self, values: bytes = b"", count: int = 0) -> None:
        self.values = array("d", values)
        self.count = count

    def __deepcopy__(self, memo: object) -> _Sample:
        return _Sample(self.values.tobytes(), self.count)

    def add(self, value: float) -> None:
        self.count = n = self.count + 1
        if n > KEPT:
            if n * _FIRST % 1.0 * (n if n < BACK else BACK) >= KEPT:
                return
            del self.values[int(n * _SECOND % 1.0 * KEPT)]
        insort(self.values, value)

    def above(self, value: float, run: int = 1) -> float:
        """The part of the past that was at least as large, the value itself included.

        With `run`, so many neighbours are much the same, and all of the value's are included: a
        sample of 1,000 from 16,000 such numbers knows 250 that differ.
        """
        values = self.values
        n = len(values)
        own = 1.0
        if run > 1 and n:
            own = run * n / (self.count if self.count < BACK else BACK)
        if n > 10 * TAIL and value > (start := values[-TAIL - 1]) > 0:
            spread = sum(map(log, values[-TAIL:])) / TAIL - log(start)
            beyond = (log(start) - log(value)) / max(spread, STEEPEST)
            return max(LEAST, (TAIL + own) / (n + own) * exp(beyond))
        return (n - bisect_left(values, value) + own) / (n + own)

    def below(self, value: float) -> float:
        """The part of the past that was at most as large, the value itself included.

        What is small beside the largest few counts as equal: nobody wants to know that errors of
        a millionth have become errors of a billionth.
        """
        values = self.values
        n = len(values)
        if n:
            least = SMALL * values[-(n * TAIL // KEPT) - 1]
            if value < least:
                value = least
        return (bisect_right(values, value) + 1) / (n + 1)


@part
class AnomalyScorer:
    """Scores how odd the values of one or several targets are, beside what was predicted of them.

    Parameters
    ----------
    targets : int
        How many numbers each event has. Where the surprise at an event is known, as that of a
        class, -log of its probability, it is the actual value of one target and 0 the predicted.

    Examples
    --------
    >>> import numpy as np
    >>> scorer = AnomalyScorer(1)
    >>> generator = np.random.default_rng(0)
    >>> scores = [scorer.update([value], [0.0]).score for value in generator.normal(size=5000)]
    >>> sum(score >= 0.95 for score in scores) / 5000
    0.0...
    >>> scorer.score([9.0], [0.0]).score > 0.99
    True
    """

    LIFE: ClassVar = ("arrays",)

    def __init__(self, targets: int) -> None:
        self._errors = [_Sample() for _ in range(targets)]
        self._means = [_Sample() for _ in range(targets)]
        self._mean = [0.0] * targets

    @property
    def targets(self) -> int:
        """How many numbers each event has."""
        return len(self._mean)

    def score(
        self, actual: Sequence[float] | Values, predicted: Sequence[float] | Values
    ) -> Oddness:
        """How odd these values are; nothing changes.

        Parameters
        ----------
        actual, predicted : sequence of float, shape (targets,)
            What came, NaN where it is missing, and what had been expected of it. What is infinite
            counts as the largest number there is.

        Returns
        -------
        Oddness
            The score, the oddest target, and the score of each.

        Raises
        ------
        ValueError
            If there is not one number for each target.
        """
        return self._judge(actual, predicted, run=False, learn=False)

    def update(
        self, actual: Sequence[float] | Values, predicted: Sequence[float] | Values
    ) -> Oddness:
        """The same score, after which the values belong to the past."""
        return self._judge(actual, predicted, run=True, learn=True)

    def follow(
        self, actual: Sequence[float] | Values, predicted: Sequence[float] | Values
    ) -> Oddness:
        """The same score; the run of surprises goes on, and what is usual stays as it was."""
        return self._judge(actual, predicted, run=True, learn=False)

    def _judge(self, actual: Any, predicted: Any, *, run: bool, learn: bool) -> Oddness:
        came, expected = _plain(actual), _plain(predicted)
        targets = len(self._mean)
        if len(came) != targets or len(expected) != targets:
            raise ValueError(
                f"actual and predicted must have a number for each of the {targets} targets, "
                f"got {len(came)} and {len(expected)}"
            )
        scores = []
        least, oddest, known = 2.0, 0, 0
        for target in range(targets):
            rareness, mean = self._rareness(target, came[target], expected[target], learn)
            if run:
                self._mean[target] = mean
            scores.append(1.0 - rareness)
            if rareness == rareness:
                known += 1
                if rareness < least:
                    least, oddest = rareness, target
        least = least * known if known else nan
        return Oddness(0.0 if least > 1.0 else 1.0 - least, oddest, tuple(scores))

    def _rareness(
        self, target: int, value: float, guess: float, learn: bool
    ) -> tuple[float, float]:
        """How often something as odd comes, p of the module's text, and the mean of the run then.

        NaN, and the mean as it was, where a number is missing.
        """
        distance = abs(value - guess)
        if distance != distance:
            return nan, self._mean[target]
        if distance > _LARGEST:
            distance = _LARGEST
        elif distance <= ROUNDING * abs(value):
            distance = 0.0
        errors, means, mean = self._errors[target], self._means[target], self._mean[target]
        above = errors.above(distance)
        # One of the two parts is at least a half, since both count the event itself.
        rarer = above if above < 0.5 else errors.below(distance)
        surprise = -log(2.0 * rarer) if rarer < 0.5 else 0.0
        events = errors.count + 1
        rareness = above / SINGLE
        if events <= RUN:
            mean += (surprise - mean) / events
        else:
            mean += (surprise - mean) / RUN
            run = means.above(mean, RUN) / (1.0 - SINGLE)
            if run < rareness:
                rareness = run
            if learn:
                means.add(mean)
        if learn:
            errors.add(distance)
        return (rareness if rareness < 1.0 else 1.0), mean

    def state(self) -> dict[str, Values]:
        """All that it remembers, as arrays; from them `restore` goes on with the same bits.

        Returns
        -------
        dict of str to ndarray
            ``errors`` and ``means`` (targets, 1000), in order of size, with zeros where nothing is
            yet; ``counts`` (targets, 2), how many each has been given; ``mean`` (targets,).
        """
        samples = (self._errors, self._means)
        errors, means = (np.zeros((self.targets, KEPT)) for _ in samples)
        for rows, group in zip((errors, means), samples, strict=True):
            for row, sample in zip(rows, group, strict=True):
                row[: len(sample.values)] = sample.values
        counts = [[sample.count for sample in pair] for pair in zip(*samples, strict=True)]
        return {
            "errors": errors,
            "means": means,
            "counts": np.array(counts, np.int64).reshape(self.targets, 2),
            "mean": np.array(self._mean),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave.

        Raises
        ------
        ValueError
            If these are no arrays of a scorer.
        """
        try:
            errors, means, counts, mean = (
                np.asarray(state[name]) for name in ("errors", "means", "counts", "mean")
            )
        except KeyError as missing:
            raise ValueError(f"state must have an array {missing}, got none") from None
        n = len(mean) if mean.ndim == 1 else -1
        shapes = {"errors": (n, KEPT), "means": (n, KEPT), "counts": (n, 2), "mean": (n,)}
        for name, shape in shapes.items():
            if np.shape(state[name]) != shape:
                raise ValueError(
                    f"state[{name!r}] must have shape {shape}, got {np.shape(state[name])}"
                )
        self._errors = [_restored(*row) for row in zip(errors, counts[:, 0], strict=True)]
        self._means = [_restored(*row) for row in zip(means, counts[:, 1], strict=True)]
        self._mean = [float(value) for value in mean]

    # So that a model's life holds it.
    arrays = property(state, restore)


def _restored(row: Values, count: np.int64) -> _Sample:
    values = np.ascontiguousarray(row[: min(int(count), KEPT)], np.float64)
    if count < 0 or not (values[1:] >= values[:-1]).all():
        raise ValueError(f"state must hold samples in order of size, got {count} that are not")
    return _Sample(values.tobytes(), int(count))


def _plain(values: Any) -> list[float]:
    """Plain floats are several times as fast as NumPy's, one at a time."""
    return values.tolist() if isinstance(values, np.ndarray) else [float(v) for v in values]
