"""The networks that the figures look into, trained as the rows of Table 2 are."""

from __future__ import annotations

from functools import lru_cache
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lethe.core.network import Network
from lethe.trials.continual import Trial

__all__ = ["Trained", "first_perfect"]


class Trained(NamedTuple):
    """A network that became perfect.

    Attributes
    ----------
    seed : int
        Of its trial.
    net : Network
        To be cloned before anything is done to it.
    lengths : (streams,) int64
        The right predictions of each training stream.
    """

    seed: int
    net: Network
    lengths: NDArray[np.int64]


@lru_cache(maxsize=4)
def first_perfect(trial: Trial, seed: int) -> Trained:
    """Run a trial with this seed, the next, …, until a network is perfect.

    Parameters
    ----------
    trial : Trial
        How the networks are trained. One that no network can pass goes on forever.
    seed : int
        The first seed.

    Returns
    -------
    Trained
    """
    for one in count(seed):
        lengths: list[int] = []
        result, net = trial.train_network(one, lengths.append)
        if result.perfect:
            break
    return Trained(one, net, np.array(lengths, np.int64))
