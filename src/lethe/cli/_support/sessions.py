"""Whole lives of `lethe learn` in checkpoints, and what other commands read of them."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from lethe import storage
from lethe.core.network import Network
from lethe.model import Model, from_checkpoint
from lethe.storage.file import CheckpointError
from lethe.storage.folder import Checkpoints
from lethe.storage.state import pack, unpack

__all__ = ["EVERY", "Keeper", "Saved", "agreed", "read_life"]

#: Events between two checkpoints.
EVERY = 10_000

#: Where a life keeps what is not the model's: in the metadata, and its scores in an array.
STORY, SCORES = "learn", "scores"


class Saved(NamedTuple):
    """What a checkpoint holds.

    Attributes
    ----------
    what : Model or Network
    story : dict
        What `lethe learn` noted beside it; empty where another program wrote the checkpoint.
    scores : object
        As it was given to `Keeper.save`; None where there is no story.
    path : Path
    metadata : dict
        Of the file, the story left out.
    """

    what: Model | Network
    story: dict[str, Any]
    scores: Any
    path: Path
    metadata: dict[str, Any]


class Keeper:
    """Keeps the checkpoints of one run, as the only writer of their folder; a context manager.

    Parameters
    ----------
    folder : str or None
        None: nothing is kept.
    every : int or None
        Events between two checkpoints.
    resume : bool
        Whether to go on from the newest.

    Attributes
    ----------
    found : Saved or None
        What to go on from.

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
        self.saved = -1  # the number of the last checkpoint
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
                f"--checkpoint {checkpoints.folder} holds a life of {int(found[2].stem):,} events "
                "already: give --resume to go on with it, or another folder"
            )
        self.found = _saved(*found)
        if not self.found.story:
            raise CheckpointError(f"the checkpoint {found[2]} was not written by lethe learn")
        self.saved = int(self.found.story["events"])

    def due(self, events: int) -> bool:
        """Whether it is time for a checkpoint: at the first event, and then every so many."""
        return self._checkpoints is not None and events // self.every > self.saved // self.every

    def save(self, what: Model | Network, story: Mapping[str, Any], scores: Any) -> Path:
        """Write one checkpoint.

        Parameters
        ----------
        what : Model or Network
        story : mapping
            What JSON can hold; "events" is the checkpoint's number.
        scores : object
            What `lethe.storage.state.pack` can pack.
        """
        assert self._checkpoints is not None
        arrays, metadata = what.to_checkpoint()
        packed = json.dumps(pack(scores, SCORES, arrays))
        arrays[SCORES] = np.frombuffer(packed.encode(), np.uint8)
        events = int(story["events"])
        path = self._checkpoints.save(arrays, {**metadata, STORY: dict(story)}, events)
        self.saved = events
        return path


def read_life(path: str) -> Saved:
    """What the checkpoint `path` holds, or the newest valid one of a folder.

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


def agreed(stored: Mapping[str, Any], given: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The options of a checkpoint, if those that were given now are the same.

    Parameters
    ----------
    stored : mapping
        Every option that the checkpoint fixes.
    given : mapping
        Those of now; None is not given.
    path : Path
        The checkpoint, for the message.

    Raises
    ------
    ValueError
        If one contradicts, or those of the checkpoint are not whole.
    """
    if set(stored) != set(given):
        raise CheckpointError(f"the checkpoint {path} must hold the options of this version")
    for name, value in given.items():
        if value is not None and value != stored.get(name):
            before, now = (_words(v) for v in (stored.get(name), value))
            raise ValueError(f"--{name} must be {before} as in the checkpoint {path}, got {now}")
    return dict(stored)


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "left out"
    if value is None or value is False:
        return "left out"
    return "given" if value is True else str(value)


def _newest(
    checkpoints: Checkpoints,
) -> tuple[dict[str, NDArray[Any]], dict[str, Any], Path] | None:
    with _warnings_as_lines():
        return checkpoints.newest()


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        print(f"lethe: {warning.message}", file=sys.stderr)


def _saved(arrays: dict[str, NDArray[Any]], metadata: dict[str, Any], path: Path) -> Saved:
    story = metadata.pop(STORY, {})
    what = from_checkpoint(arrays, metadata)
    scores = None
    try:
        if story:
            for key, kind in {
                "mode": str,
                "events": int,
                "options": dict,
                "position": dict,
            }.items():
                if not isinstance(story[key], kind):
                    raise ValueError(f"{key} {story[key]!r:.40}")
            scores = unpack(json.loads(arrays[SCORES].tobytes()), arrays)
            if not isinstance(scores, dict):
                raise ValueError("no scores")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, IndexError) as error:
        raise CheckpointError(
            f"the checkpoint {path} must hold a whole life, got {error}"
        ) from None
    return Saved(what, story, scores, path, metadata)
