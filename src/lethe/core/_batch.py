"""Several networks of one topology, called together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lethe import _kernel
from lethe._kernel import Core32
from lethe.core.network import Network

__all__ = ["NetworkBatch"]


class NetworkBatch:
    """Several float32 networks of one topology, each called at once with the same input.

    From Python, calling one costs as much as its work. The outputs that a call returns hold until
    the next call.

    Parameters
    ----------
    networks : sequence of Network
        The networks; they are not copied.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        cores = [net._core for net in networks]
        self._cores = [core for core in cores if isinstance(core, Core32)]
        if len(self._cores) < len(cores):
            raise ValueError("networks must all be of float32")
        # Their outputs, until they are called again.
        self._y = np.empty((len(networks), networks[0].topology.outputs), np.float32)

    def step(
        self, x: NDArray[np.float32] | int, *, learn: bool
    ) -> tuple[NDArray[np.float32], int, int]:
        """`Network.step` of each.

        Returns
        -------
        tuple
            Their outputs (networks, outputs); a bit for each that diverged, which is back at its
            last good snapshot and whose outputs are 0; and the steps that these lost.
        """
        y = self._y
        vector, place = _vector_or_symbol(x)
        diverged, lost = _kernel.step_each(self._cores, vector, place, learn, y)
        return y, diverged, lost

    def learn(self, target: NDArray[np.float32] | int, skipped: int = 0) -> int:
        """`Network.learn` of each whose bit is not set in `skipped`; the steps lost."""
        vector, place = _vector_or_symbol(target)
        return _kernel.learn_each(self._cores, skipped, vector, place)[1]

    def peek(self, x: NDArray[np.float32] | int) -> NDArray[np.float32]:
        """`Network.peek` of each: (networks, outputs)."""
        vector, place = _vector_or_symbol(x)
        _kernel.peek_each(self._cores, vector, place, self._y)
        return self._y


def _vector_or_symbol(given: NDArray[np.float32] | int) -> tuple[NDArray[np.float32] | None, int]:
    return (None, given) if isinstance(given, int) else (given, -1)
