"""Several networks of one topology, called together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lethe.core._views import kernel
from lethe.core.network import Network

__all__ = ["NetworkBatch"]


class NetworkBatch:
    """Several float32 networks of one topology, each called at once with the same input.

    From Python, calling one costs as much as its work. The outputs that a call returns hold until
    the next call.

    Parameters
    ----------
    networks : sequence of Network
        The networks; they stay who they are.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self._cores = [net._core for net in networks]
        # What they answered, until they are called again.
        self._y = np.empty((len(networks), networks[0].topology.outputs), np.float32)
        self._kernel = kernel()

    def step(
        self, x: NDArray[np.float32] | int, *, learn: bool
    ) -> tuple[NDArray[np.float32], int, int]:
        """`Network.step` of each.

        Returns
        -------
        tuple
            Their outputs (networks, outputs); a bit for each whose numbers stopped being finite,
            which is back at its last good snapshot and answers 0; and the steps that these lost.
        """
        y = self._y
        vector, place = (None, x) if type(x) is int else (x, -1)
        stumbled, lost = self._kernel.step_each(self._cores, vector, place, learn, y)
        return y, stumbled, lost

    def learn(self, target: NDArray[np.float32] | int, skipped: int = 0) -> int:
        """`Network.learn` of each whose bit is not set in `skipped`; the steps lost."""
        vector, place = (None, target) if type(target) is int else (target, -1)
        return int(self._kernel.learn_each(self._cores, skipped, vector, place)[1])

    def peek(self, x: NDArray[np.float32] | int) -> NDArray[np.float32]:
        """`Network.peek` of each: (networks, outputs)."""
        vector, place = (None, x) if type(x) is int else (x, -1)
        self._kernel.peek_each(self._cores, vector, place, self._y)
        return self._y
