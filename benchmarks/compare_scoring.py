"""How compare.py scores: every method by the same 19 quantiles at the same origins."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
LEVELS: Values = np.arange(1, 20) / 20
STEP = 0.05  # between two levels
LAST = 256  # errors that a method without a distribution of its own gets one from
LEAST_PROBABILITY = 1e-6  # what counts as this much in the log score


@dataclass(frozen=True)
class Answers:
    """What a method says at some origins, one row each.

    `events`: how many events were known. `microseconds`: processor time of one event, learned and
    answered with 19 quantiles.
    """

    events: NDArray[np.int64]
    point: Values
    mean: Values
    quantiles: Values
    microseconds: float


def crps(quantiles: Values, values: Values) -> Values:
    """The continuous ranked probability score, from quantiles at `LEVELS`.

    It is the integral of twice the pinball loss over all levels, here by the trapezoidal rule; the
    loss at levels 0 and 1 is taken for 0.

    Examples
    --------
    >>> crps(np.zeros((1, 19)), np.array([1.0])).round(3)  # the absolute error, but for both ends
    array([0.95])
    """
    errors = values[..., np.newaxis] - quantiles
    loss = np.maximum(LEVELS * errors, (LEVELS - 1) * errors)
    found: Values = 2 * STEP * loss.sum(axis=-1)
    return found


def grain(values: Values) -> float:
    """The resolution of a series: the step of its lattice, or a thousandth of its usual change."""
    known = values[~np.isnan(values)]
    steps = np.diff(np.unique(known))
    usual = float(np.std(np.diff(known))) if len(known) > 1 else 0.0
    return max(float(steps.min()) if len(steps) else 0.0, 1e-3 * usual, 1e-12)


def cdf(quantiles: Values, at: Values, least: float) -> Values:
    """Of the distribution that is flat between its quantiles, with exponential tails."""
    middle = len(LEVELS) // 2
    out = np.empty(len(at))
    for row, (q, x) in enumerate(zip(quantiles, at, strict=True)):
        low = max((q[middle] - q[0]) / math.log(10), least)
        high = max((q[-1] - q[middle]) / math.log(10), least)
        if x < q[0]:
            out[row] = STEP * math.exp(max((x - q[0]) / low, -700.0))
        elif x > q[-1]:
            out[row] = 1 - STEP * math.exp(max((q[-1] - x) / high, -700.0))
        else:
            out[row] = np.interp(x, q, LEVELS)
    return out


def log_scores(quantiles: Values, values: Values, resolution: float) -> Values:
    """Minus the log of the density within half a `resolution` of each value."""
    half = resolution / 2
    found = cdf(quantiles, values + half, half) - cdf(quantiles, values - half, half)
    scores: Values = -np.log(np.maximum(found, LEAST_PROBABILITY) / resolution)
    return scores


def scores(answers: Answers, ahead: int, values: Values) -> dict[str, float]:
    """The means over the origins whose target is known.

    `ahead` is 0 where the target belongs to the very event whose columns are known, else from 1.
    """
    targets = answers.events + max(ahead, 1) - 1
    kept = ~np.isnan(values[targets])
    actual, quantiles = values[targets][kept], np.sort(answers.quantiles[kept], axis=1)
    if not (np.isfinite(quantiles).all() and np.isfinite(answers.point[kept]).all()):
        raise ValueError("an answer is not finite")
    slack = 1e-9 * (1 + np.abs(actual))
    inside = (actual >= quantiles[:, 0] - slack) & (actual <= quantiles[:, -1] + slack)
    return {
        "origins": int(kept.sum()),
        "mae": float(np.abs(answers.point[kept] - actual).mean()),
        "rmse": float(np.sqrt(np.square(answers.mean[kept] - actual).mean())),
        "crps": float(crps(quantiles, actual).mean()),
        "log": float(log_scores(quantiles, actual, grain(values)).mean()),
        "cover": float(inside.mean()),
        "microseconds": answers.microseconds,
    }


def from_errors(
    said: Values, values: Values, events: NDArray[np.int64], ahead: int
) -> tuple[Values, Values]:
    """Points at the origins, and quantiles from the last errors known there.

    `said` has the answer for each event, made `ahead` events before it (0: with its columns);
    NaN where there is none.
    """
    errors = values - said
    known = np.flatnonzero(np.isfinite(errors))
    targets = events + max(ahead, 1) - 1
    points = said[targets]
    quantiles = np.empty((len(events), len(LEVELS)))
    for row, (count, point) in enumerate(zip(events, points, strict=True)):
        end = int(np.searchsorted(known, count))  # targets before event `count` are known
        last = errors[known[max(0, end - LAST) : end]]
        quantiles[row] = point + (np.quantile(last, LEVELS) if len(last) else 0.0)
    return points, quantiles
