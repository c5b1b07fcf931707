"""What kernels/stream/linear.hpp computes, a second time: on whole matrices, in NumPy."""

from __future__ import annotations

import numpy as np
from oracles.events import Values

FORGETTING = (0.9999, 0.995)
PRIOR_COVARIANCE, MOST_COVARIANCE = 0.1, 10.0


def linear_gain(
    covariance: Values,
    phi: Values,
    active: Values,
    forgetting: float,
    most: float = MOST_COVARIANCE,
) -> tuple[Values, Values]:
    """Recursive least squares: the gain of an event, and the covariance after it."""
    toward = covariance @ phi
    inner = forgetting + phi @ toward
    after = (covariance - np.outer(toward, toward) / inner) / forgetting
    visited = (active[:, None] > 0) & (active > 0)
    after = np.where(visited, after, covariance)
    for i in range(len(phi)):
        after = bound_variance(after, i, most)
    return toward / inner, after


def bound_variance(covariance: Values, i: int, most: float) -> Values:
    """Row and column shrink where the variance is above the most."""
    if not covariance[i, i] > most:
        return covariance
    back = np.ones(len(covariance))
    back[i] = np.sqrt(most / covariance[i, i])
    return covariance * np.outer(back, back)


def forget_feature(covariance: Values, feature: int, prior: float = PRIOR_COVARIANCE) -> None:
    covariance[feature] = covariance[:, feature] = 0
    covariance[feature, feature] = prior


def packed(matrix: Values) -> Values:
    """The lower triangle, row by row."""
    return matrix[np.tril_indices(len(matrix))]


def unpacked(triangle: Values) -> Values:
    """The symmetric matrix whose lower triangle this is."""
    n = int((2 * len(triangle)) ** 0.5)
    lower = np.zeros((n, n))
    lower[np.tril_indices(n)] = triangle
    return lower + np.tril(lower, -1).T
