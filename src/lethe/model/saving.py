"""A network's or a model's whole life, back from its one file."""

from __future__ import annotations

import json
import os
from typing import Any

from lethe import storage
from lethe.core.network import Network
from lethe.model.checking import check_model
from lethe.model.model import Model
from lethe.storage.file import CheckpointError
from lethe.storage.state import unpack

__all__ = ["from_checkpoint", "load"]

# What comes of parts that are not there, or are something else.
_WRONG = (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError)


def from_checkpoint(arrays: dict[str, Any], metadata: dict[str, Any]) -> Any:
    """The model or network whose arrays and metadata these are.

    Raises
    ------
    CheckpointError
        If they are nobody's.
    """
    kind = metadata.get("kind")
    try:
        if kind == "Network":
            return Network.from_state(arrays["block"], metadata["configuration"])
        if kind != "Model":
            raise ValueError(f"one of {kind!r}")
        made = unpack(json.loads(arrays["life"].tobytes().decode()), arrays)
        if not isinstance(made, Model):
            raise ValueError(f"one of {type(made).__name__!r}")
        check_model(made)
    except _WRONG as error:
        why = " ".join(f"{error}".split())[:200]  # some of them speak in several lines
        raise CheckpointError(
            f"a checkpoint must hold the whole life of a Model or Network, got {why}"
        ) from None
    return made


def load(path: str | os.PathLike[str]) -> Any:
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

    Examples
    --------
    >>> import lethe, tempfile
    >>> net = lethe.Network(lethe.Topology(inputs=2, outputs=1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net.save(f"{folder}/net.safetensors")
    ...     twin = lethe.load(f"{folder}/net.safetensors")
    >>> bool((twin.step([0, 1]) == net.step([0, 1])).all())
    True
    """
    return from_checkpoint(*storage.read(path))
