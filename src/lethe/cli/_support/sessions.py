"""The checkpoints of `lethe learn`, and what other commands read from them."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lethe import storage
from lethe.cli._support.every import DEFAULT, Schedule, parse_every
from lethe.cli._support.log import LOG
from lethe.cli._support.run_metadata import RunMetadata, parse_run, take_run_arrays
from lethe.core.network import Network
from lethe.model import Model, from_checkpoint
from lethe.storage.file import CheckpointError
from lethe.storage.folder import Checkpoints

__all__ = ["CheckpointSession", "Saved", "agreed", "read_checkpoint"]

Arrays: TypeAlias = dict[str, NDArray[np.generic]]

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

    @property
    def events(self) -> int:
        """Events, or symbols of a text, so far."""
        if self.run is not None:
            return self.run.events
        return self.model.steps if isinstance(self.model, Network) else self.model.events


class CheckpointSession:
    """Saves the checkpoints of one run, as the only writer of their folder; a context manager.

    Parameters
    ----------
    folder : str or None
        None: nothing is saved.
    every : str or None
        Events or time between two checkpoints, as `parse_every` reads it.
    resume : bool
        Whether to continue from the newest.

    Attributes
    ----------
    every : Every
    found : Saved or None
        What to continue from.
    last : Path or None
        The newest checkpoint.
    is_sound : bool
        Whether no checkpoint has failed.

    Raises
    ------
    ValueError
        If the arguments contradict each other; on entering, if the folder cannot be written, has
        another writer, or holds checkpoints that are not to be resumed.
    """

    def __init__(self, folder: str | None, every: str | None, resume: bool) -> None:
        if folder is None and (every is not None or resume):
            option = "--resume" if resume else "--every"
            raise ValueError(f"{option} needs --checkpoint, the folder of the checkpoints")
        if folder == "":
            raise ValueError("--checkpoint must name a folder, got ''")
        if folder is not None and os.path.isfile(folder):
            raise ValueError(
                f"--checkpoint must be a folder, got the file {folder}: to continue a saved "
                "model, put it into a folder of its own, and give --resume"
            )
        self.every = DEFAULT if every is None else parse_every(every)
        self.resume = resume
        self.found: Saved | None = None
        self.last: Path | None = None
        self.is_sound = True
        self._schedule = Schedule(self.every)
        self._thread: ThreadPoolExecutor | None = None
        self._writing: Future[Path] | None = None
        self._warned = False
        self._done = 0, 0.0  # events of the newest checkpoint, and when it was on the disk
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
        if self._checkpoints is None:
            return
        try:
            self.finish()
        except CheckpointError as error:
            LOG.warning("%s", error)
        finally:
            if self._thread is not None:
                self._thread.shutdown()
            self._checkpoints.__exit__()

    def _find(self, checkpoints: Checkpoints) -> None:
        found = _newest(checkpoints)
        if found is not None and not self.resume:
            raise ValueError(
                f"--checkpoint {checkpoints.folder} already holds a run of "
                f"{int(found[2].stem):,} events: give --resume to continue it, or another folder"
            )
        if found is None and self.resume:
            found = _newest_model(checkpoints.folder)
        if found is None:
            return
        self.found = _saved(*found)
        self.last = self.found.path
        self._done = self.found.events, time.monotonic()
        if self.found.run is not None:  # else the first event is due
            self._schedule.restart(self.found.events)

    def is_due(self, events: int) -> bool:
        """Whether it is time for a checkpoint: at the first event, and then as `every` says.

        Raises
        ------
        CheckpointError
            If the last one could not be written.
        """
        if self._writing is not None and self._writing.done():
            self.finish()
        return self._checkpoints is not None and self._schedule.is_due(events)

    def save(
        self, model: Model | Network, run: RunMetadata, first: Callable[[], None] | None = None
    ) -> None:
        """Begin to write one checkpoint; `run.events` is its number.

        The state is copied at once, and written by another thread: the disk takes longer than some
        hundred events. If another checkpoint is still being written, that is waited for.

        Parameters
        ----------
        model : Model or Network
        run : RecordsMetadata or TextMetadata
        first : callable, optional
            Called by that thread before it writes: it brings to the disk what the checkpoint says
            is there.

        Raises
        ------
        CheckpointError
            If the one before could not be written.
        """
        checkpoints = self._checkpoints
        if checkpoints is None:
            raise ValueError("a checkpoint must have a folder, got none")
        self.finish()
        arrays, metadata = model.to_checkpoint()
        more, record = run.to_checkpoint()

        def write() -> Path:
            if first is not None:
                first()
            return checkpoints.save({**arrays, **more}, {**metadata, RUN: record}, run.events)

        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "checkpoints")
        self._writing = self._thread.submit(write)
        is_first = self._schedule.saved < 0
        self._schedule.restart(run.events)
        if is_first:
            self.finish()  # before there is one, nothing says how far an output is

    def begin_again(self) -> None:
        """Let the next event have a checkpoint at once, as the first event of a run has."""
        self.finish()
        self._schedule.restart(-1)

    def finish(self) -> Path | None:
        """Wait for the checkpoint that is being written; the newest one, if there is one.

        Raises
        ------
        CheckpointError
            If it could not be written.
        """
        if self._writing is not None:
            self.is_sound = False
            try:
                self.last = self._writing.result()
            finally:
                if self._writing.done():
                    self._writing = None
            self._done = self._schedule.saved, time.monotonic()
            self.is_sound = True
            self._warn_of_old_ones()
        return self.last

    def _warn_of_old_ones(self) -> None:
        """Say once that old checkpoints cannot be removed, and why."""
        left = {} if self._checkpoints is None else self._checkpoints.left
        if left and not self._warned:
            file, why = next(iter(left.items()))
            LOG.warning("the old checkpoint %s cannot be removed: %s", file, why)
        self._warned = bool(left)

    def status(self) -> dict[str, object] | None:
        """The newest checkpoint, for the status: file, events, and seconds since it was written."""
        if self.last is None or self._checkpoints is None:
            return None
        return {
            "file": str(self.last),
            "events": self._done[0],
            "seconds": round(time.monotonic() - self._done[1], 3),
        }


def _newest_model(folder: Path) -> tuple[Arrays, dict[str, object], Path] | None:
    """The newest model or network that another program saved in a folder, by any name."""
    found = [path for path in folder.glob("*.safetensors") if not path.is_symlink()]
    if not found:
        return None
    newest = max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
    return *storage.read(newest), newest


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


def _newest(checkpoints: Checkpoints) -> tuple[Arrays, dict[str, object], Path] | None:
    with _warnings_as_lines():
        return checkpoints.newest()


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        LOG.warning("%s", warning.message)


def _saved(arrays: Arrays, metadata: dict[str, object], path: Path) -> Saved:
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
