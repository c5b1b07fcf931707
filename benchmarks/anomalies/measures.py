"""Areas under curves: how well scores tell the events of anomalies from the others.

The measures that allow for a buffer are those of Paparrizos et al., "Volume Under the Surface: A
New Accuracy Evaluation Measure for Time-Series Anomaly Detection", PVLDB 15(11), 2022. Their
program takes 250 of the scores as thresholds; here every score is one.
"""

from __future__ import annotations

import math

import numpy as np
from common import Flags, Values
from numpy.typing import ArrayLike, NDArray

__all__ = ["pr_area", "range_pr_area", "roc_area", "vus_pr"]

LONGEST = 100


def roc_area(scores: ArrayLike, labels: ArrayLike) -> float:
    """Area under the ROC curve: how often a positive has a higher score than a negative.

    Ties count half. NaN where there are no positives, or nothing else.

    Examples
    --------
    >>> roc_area([0.1, 0.4, 0.4, 0.8], [False, False, True, True])
    0.875
    """
    scores, labels = np.asarray(scores, float), np.asarray(labels, bool)
    _, groups, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[groups]  # from 1; ties share their mean rank
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return math.nan
    above = ranks[labels].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def pr_area(scores: ArrayLike, labels: ArrayLike, *, trapezoids: bool = False) -> float:
    """Area under the curve of precision over recall.

    Parameters
    ----------
    scores, labels : array_like
        A score for each event, and whether it belongs to an anomaly.
    trapezoids : bool
        Precisions are joined by straight lines, from 1 on, which flatters; else each counts as it
        is, for the recall that it adds, which is known as average precision.

    Returns
    -------
    float
        NaN where there are no positives.

    Examples
    --------
    >>> round(pr_area([0.1, 0.4, 0.35, 0.8], [False, False, True, True]), 4)
    0.8333
    """
    scores, labels = np.asarray(scores, float), np.asarray(labels, bool)
    if not labels.any():
        return math.nan
    order, ends = _thresholds(scores)
    hits = np.cumsum(labels[order])[ends]
    return _under(hits / (ends + 1), hits / labels.sum(), trapezoids)


def range_pr_area(scores: ArrayLike, labels: ArrayLike, buffer: int) -> float:
    """Area under precision over recall where events near an anomaly count in part.

    An event at a distance `d` of at most half of `buffer` counts ``sqrt(1 - d / buffer)`` of an
    anomaly's event. Recall is multiplied by the share of the anomalies of which any event is found.

    Parameters
    ----------
    scores, labels : array_like
        A score for each event, and whether it belongs to an anomaly.
    buffer : int
        The length of both sides together; 0 for none.

    Returns
    -------
    float
        NaN where there are no positives.

    Examples
    --------
    >>> range_pr_area([0, 0, 1, 0, 0], [False, False, True, False, False], 0)
    1.0
    """
    scores, labels = np.asarray(scores, float), np.asarray(labels, bool)
    if not labels.any():
        return math.nan
    return _range_pr_area(scores, labels, buffer, *_thresholds(scores))


def vus_pr(scores: ArrayLike, labels: ArrayLike, longest: int = LONGEST) -> float:
    """Volume under the surface of precision over recall and buffer: the mean of `range_pr_area`.

    Parameters
    ----------
    scores, labels : array_like
        A score for each event, and whether it belongs to an anomaly.
    longest : int
        Buffers are of all lengths from 0 to this.

    Returns
    -------
    float
        NaN where there are no positives.

    Examples
    --------
    >>> scores, labels = [0.0, 0.2, 0.9, 0.1], [False, False, True, False]
    >>> vus_pr(scores, labels, 0) == range_pr_area(scores, labels, 0)
    True
    """
    scores, labels = np.asarray(scores, float), np.asarray(labels, bool)
    if not labels.any():
        return math.nan
    order, ends = _thresholds(scores)
    areas = [_range_pr_area(scores, labels, n, order, ends) for n in range(longest + 1)]
    return float(np.mean(areas))


Places = NDArray[np.int64]


def _thresholds(scores: Values) -> tuple[Places, Places]:
    """Events from the highest score to the lowest, and where the last of each score is."""
    order = np.argsort(-scores, kind="stable")
    sorted_ = scores[order]
    return order, np.append(np.flatnonzero(np.diff(sorted_)), len(sorted_) - 1)


def _under(precision: Values, recall: Values, trapezoids: bool) -> float:
    height = precision
    if trapezoids:
        height = (precision + np.concatenate([[1.0], precision[:-1]])) / 2
    return float(np.sum(np.diff(recall, prepend=0.0) * height))


def _range_pr_area(
    scores: Values, labels: Flags, buffer: int, order: Places, ends: Places
) -> float:
    weights = _with_buffer(labels, buffer)
    hits = np.cumsum(weights[order])[ends]
    # The mean of both, because events of the buffer may be found, and need not be.
    wanted = (labels.sum() + weights.sum()) / 2
    edges = np.flatnonzero(np.diff(weights > 0, prepend=False, append=False))
    highest = [scores[first:last].max() for first, last in edges.reshape(-1, 2)]
    missed = np.searchsorted(np.sort(highest), scores[order][ends])
    recall = np.minimum(hits / wanted, 1) * (1 - missed / len(highest))
    return _under(hits / (ends + 1), recall, True)


def _with_buffer(labels: Flags, buffer: int) -> Values:
    """How much each event counts as one of an anomaly."""
    weights = labels.astype(float)
    edges = np.flatnonzero(np.diff(labels, prepend=False, append=False)).reshape(-1, 2)
    away = np.arange(1, buffer // 2 + 1)
    slope = np.sqrt(1 - away / max(buffer, 1))
    for first, after in edges:
        for places in (first - away, after - 1 + away):
            there = (places >= 0) & (places < len(labels))
            weights[places[there]] += slope[there]
    least: Values = np.minimum(weights, 1)
    return least
