"""The networks that the figures show, trained as the rows of Table 2."""

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
        Seed of its trial.
    net : Network
        The network; clone it before use.
    lengths : (streams,) int64
        Correct predictions of each training stream.
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
        How the networks are trained. If none can become perfect, this never returns.
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
