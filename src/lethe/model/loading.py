"""A network or a model, back from its one file."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from lethe import storage
from lethe.core._checks import check_path
from lethe.core.network import Network
from lethe.model.model import Model
from lethe.storage import CheckpointError

__all__ = ["from_checkpoint", "load"]


def from_checkpoint(
    arrays: dict[str, NDArray[np.generic]], metadata: dict[str, object]
) -> Model | Network:
    """The model or network whose arrays and metadata these are.

    Raises
    ------
    CheckpointError
        If they are not those of one.
    """
    try:
        kind = metadata.get("kind")
        if kind == "Network":
            return Network.from_checkpoint(arrays, metadata)
        if kind == "Model":
            return Model.from_checkpoint(arrays, metadata)
        raise ValueError(f"it is one of {kind!r:.60}")
    except (ValueError, MemoryError, RecursionError) as error:
        why = " ".join(f"{error}".split())[:200]  # some speak in several lines
        raise CheckpointError(
            f"a checkpoint must hold the whole state of a Model or Network, but {why}"
        ) from None


def load(path: str | os.PathLike[str]) -> Model | Network:
    """The model or network whose ``save`` wrote this file; it goes on with the same bits.

    Parameters
    ----------
    path : str or os.PathLike
        The file. Nothing in it is executed.

    Returns
    -------
    Model or Network
        Whichever it is.

    Raises
    ------
    CheckpointError
        If the file is not whole, or none of ours.
    ValueError
        If `path` is no path.

    Examples
    --------
    >>> import lethe, tempfile
    >>> net = lethe.Network(lethe.Topology(inputs=2, outputs=1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net.save(f"{folder}/net.safetensors")
    ...     copy = lethe.load(f"{folder}/net.safetensors")
    >>> bool((copy.step([0, 1]) == net.step([0, 1])).all())
    True
    """
    return from_checkpoint(*storage.read(check_path("path", path)))
