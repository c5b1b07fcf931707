"""The checkpoints of `lethe learn`, and what other commands read from them."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from lethe import storage
from lethe.cli._support.learn_options import EVERY
from lethe.cli._support.run_metadata import RunMetadata, parse_run, take_run_arrays
from lethe.core.network import Network
from lethe.model import Model, from_checkpoint
from lethe.storage.file import CheckpointError
from lethe.storage.folder import Checkpoints

__all__ = ["CheckpointSession", "Saved", "agreed", "read_checkpoint"]

#: The key of the run's metadata among the model's.
RUN = "learn"


class Saved(NamedTuple):
    """What a checkpoint holds.

    Attributes
    ----------
    model : Model or Network
    run : RecordsMetadata, TextMetadata or None
        What `lethe learn` keeps besides; None where another program wrote the checkpoint.
    path : Path
    version : str
        Of the Lethe that wrote it.
    """

    model: Model | Network
    run: RunMetadata | None
    path: Path
    version: str


class CheckpointSession:
    """Saves the checkpoints of one run, as the only writer of their folder; a context manager.

    Parameters
    ----------
    folder : str or None
        None: nothing is saved.
    every : int or None
        Events between two checkpoints.
    resume : bool
        Whether to continue from the newest.

    Attributes
    ----------
    found : Saved or None
        What to continue from.

    Raises
    ------
    ValueError
        If the arguments contradict each other; on entering, if the folder cannot be written, has
        another writer, or holds checkpoints that are not to be resumed.
    """

    def __init__(self, folder: str | None, every: int | None, resume: bool) -> None:
        if folder is None and (every is not None or resume):
            option = "--resume" if resume else "--every"
            raise ValueError(f"{option} needs --checkpoint, the folder of the checkpoints")
        if every is not None and every < 1:
            raise ValueError(f"--every must be at least 1, got {every}")
        self.every = EVERY if every is None else every
        self.resume = resume
        self.found: Saved | None = None
        self._saved = -1  # the number of the last checkpoint
        self._checkpoints = None if folder is None else Checkpoints(folder)

    def __bool__(self) -> bool:
        return self._checkpoints is not None

    def __enter__(self) -> Self:
        if self._checkpoints is None:
            return self
        self._checkpoints.__enter__()
        try:
            self._find(self._checkpoints)
        except BaseException:
            self._checkpoints.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._checkpoints is not None:
            self._checkpoints.__exit__()

    def _find(self, checkpoints: Checkpoints) -> None:
        found = _newest(checkpoints)
        if found is None:
            return
        if not self.resume:
            raise ValueError(
                f"--checkpoint {checkpoints.folder} already holds a run of "
                f"{int(found[2].stem):,} events: give --resume to continue it, or another folder"
            )
        self.found = _saved(*found)
        if self.found.run is None:
            raise CheckpointError(f"the checkpoint {found[2]} was not written by lethe learn")
        self._saved = self.found.run.events

    def due(self, events: int) -> bool:
        """Whether it is time for a checkpoint: at the first event, and then every `every`."""
        return self._checkpoints is not None and events // self.every > self._saved // self.every

    def save(self, model: Model | Network, run: RunMetadata) -> Path:
        """Write one checkpoint; `run.events` is its number."""
        if self._checkpoints is None:
            raise ValueError("a checkpoint must have a folder, got none")
        arrays, metadata = model.to_checkpoint()
        more, record = run.to_checkpoint()
        path = self._checkpoints.save({**arrays, **more}, {**metadata, RUN: record}, run.events)
        self._saved = run.events
        return path


def read_checkpoint(path: str) -> Saved:
    """Read the checkpoint `path`, or the newest valid one of a folder.

    Raises
    ------
    CheckpointError
        If there is none, or it is not valid.
    """
    if not os.path.isdir(path):
        return _saved(*storage.read(path), Path(path))
    found = _newest(Checkpoints(path))
    if found is None:
        raise CheckpointError(f"MODEL must be a checkpoint or a folder of them, got none in {path}")
    return _saved(*found)


def agreed(stored: Mapping[str, object], given: Mapping[str, object], path: Path) -> None:
    """Check that the options given now are those of a checkpoint.

    Parameters
    ----------
    stored : mapping
        Every option that the checkpoint fixes.
    given : mapping
        Those given now; None is not given.
    path : Path
        The checkpoint, for the message.

    Raises
    ------
    ValueError
        If one contradicts.
    """
    for name, value in given.items():
        if value is not None and value != stored[name]:
            before, now = (_words(v) for v in (stored[name], value))
            raise ValueError(f"--{name} must be {before} as in the checkpoint {path}, got {now}")


def _words(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "left out"
    if value is None or value is False:
        return "left out"
    return "given" if value is True else str(value)


def _newest(
    checkpoints: Checkpoints,
) -> tuple[dict[str, NDArray[np.generic]], dict[str, object], Path] | None:
    with _warnings_as_lines():
        return checkpoints.newest()


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        print(f"lethe: {warning.message}", file=sys.stderr)


def _saved(
    arrays: dict[str, NDArray[np.generic]], metadata: dict[str, object], path: Path
) -> Saved:
    record = metadata.pop(RUN, None)
    run_arrays = {} if record is None else take_run_arrays(arrays)
    model = from_checkpoint(arrays, metadata)
    run = None
    if record is not None:
        try:
            run = parse_run(record, run_arrays, model)
        except (ValueError, TypeError, RecursionError, OverflowError) as error:
            why = " ".join(str(error).split())
            raise CheckpointError(
                f"the checkpoint {path} must hold a complete run of lethe learn, got {why:.200}"
            ) from None
    version = metadata.get("version")
    return Saved(model, run, path, version if isinstance(version, str) else "unknown")
