"""Which of several distributions to believe, learned from what each gave to what came."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lethe.model.scaling import Values
from lethe.storage.state import part

__all__ = ["ProbabilityMixture"]


@part
class ProbabilityMixture:
    """A weighted mean of distributions, weights by the probability each gave to what came.

    Bayes' rule, with a little of all weight shared out at every event (Herbster & Warmuth, 1998),
    so that the best predictor may change with time.

    Parameters
    ----------
    predictors : int
        How many distributions.
    share : float
        The part that is shared out.
    """

    LIFE: ClassVar = ("weights", "share")

    def __init__(self, predictors: int, share: float = 0.002) -> None:
        self.weights = np.full(predictors, 1.0 / predictors)
        self.share = share

    def mix(self, probabilities: Values) -> Values:
        """The mean (classes,) of distributions (predictors, classes)."""
        mixed: Values = self.weights @ probabilities
        return mixed

    def learn(self, likelihoods: Values) -> None:
        """Weigh each predictor by the probability it gave to what came."""
        weights = self.weights * np.maximum(likelihoods, 1e-12)
        weights /= weights.sum()
        self.weights = (1 - self.share) * weights + self.share / len(weights)
