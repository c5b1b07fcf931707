"""What a network is apart from its numbers: topology, update rule and dtype, as JSON and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lethe.core._checks import Dtype, floating_dtype
from lethe.core._objects import shown
from lethe.core.topology import Topology
from lethe.core.updates import Update, update_of

__all__ = ["Parts", "checked_state"]

# A cell's activations, weights and partials take more than that, with their snapshot.
_CELL_BYTES = 64


class Parts(NamedTuple):
    """What the layout of a network's block follows from."""

    topology: Topology
    update: Update
    dtype: Dtype

    @classmethod
    def checked(cls, topology: object, update: object, dtype: DTypeLike) -> Parts:
        """The parts, if they are a network's.

        Raises
        ------
        ValueError
            If one of them is not.
        """
        if not isinstance(topology, Topology):
            raise ValueError(f"topology must be a lethe.Topology, got {shown(topology)}")
        if not isinstance(update, Update):
            raise ValueError(f"update must be a lethe.SGD, RMSprop or Adam, got {shown(update)}")
        return cls(topology, update, floating_dtype(dtype))

    def __str__(self) -> str:
        t = self.topology
        cells = "1 cell" if t.cells_per_block == 1 else f"{t.cells_per_block} cells"
        layers = f"{t.layers} layers of " if t.layers > 1 else ""
        return (
            f"{t.inputs} inputs, {layers}{t.blocks} blocks of {cells}, {t.outputs} outputs, "
            f"{t.weights:,} weights, {self.update!r}, {self.dtype}"
        )

    def configuration(self) -> dict[str, object]:
        """The parts as plain JSON values."""
        return {
            "topology": self.topology.configuration(),
            "update": self.update.configuration(),
            "dtype": self.dtype.name,
        }


def checked_state(
    arrays: Mapping[str, NDArray[np.generic]], metadata: Mapping[str, object]
) -> tuple[Parts, NDArray[np.uint8]]:
    """The parts and the block in a network's checkpoint.

    Raises
    ------
    ValueError
        If they are not a network's, or the block is too small for it.
    """
    block, configuration = arrays.get("block"), _named(metadata.get("configuration"))
    if block is None or block.dtype != np.uint8 or block.ndim != 1:
        raise ValueError("block must be an array of bytes")
    if configuration is None:
        raise ValueError("configuration must be a mapping")
    topology, update = (_named(configuration.get(part)) for part in ("topology", "update"))
    dtype = configuration.get("dtype")
    if topology is None or update is None or not isinstance(dtype, str):
        raise ValueError(
            f"configuration must have a topology, an update and a dtype, got {configuration!r:.200}"
        )
    if _least_bytes(topology) > block.nbytes:
        raise ValueError(f"block must have more bytes for this topology, got {block.nbytes:,}")
    parts = Parts(Topology.of_configuration(topology), update_of(update), floating_dtype(dtype))
    return parts, block.view(np.uint8)


def _named(value: object) -> dict[str, object] | None:
    """A dict whose keys are all strings, or None."""
    return value if isinstance(value, dict) and all(type(key) is str for key in value) else None


def _least_bytes(topology: Mapping[str, object]) -> int:
    """A lower bound of a block's size, before a topology's own tuples take memory."""
    sizes = {
        name: size
        for name in ("inputs", "outputs", "blocks", "cells_per_block", "layers")
        if isinstance(size := topology.get(name, 1), int)
    }
    cells = math.prod(sizes.get(name, 1) for name in ("blocks", "cells_per_block", "layers"))
    return max(_CELL_BYTES * cells, sizes.get("inputs", 1), sizes.get("outputs", 1))
