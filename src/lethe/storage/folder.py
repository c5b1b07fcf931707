"""A folder of checkpoints: one writer, the newest few kept, the newest valid one read."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray

from lethe.storage.disk import sync_folder
from lethe.storage.file import MOST_BYTES, CheckpointError, checkpoint_errors, read, write
from lethe.storage.lock import InUseError, is_at, lock

__all__ = ["Checkpoints", "is_own_name"]

_DIGITS = 12
_NAME = re.compile(rf"[0-9]{{{_DIGITS}}}\.safetensors")
_TEMPORARY = re.compile(rf"\.{_NAME.pattern}\.(lethe|[0-9a-f]{{8}})\.tmp")
_LOCK = ".lock"
# A process number, or what a power failure leaves of it.
_LOCK_TEXT = re.compile(rb"[0-9\n\0]{0,20}")


def is_own_name(name: str) -> bool:
    """Whether a folder of checkpoints uses this name for a file of its own."""
    return name == _LOCK or bool(_NAME.fullmatch(name) or _TEMPORARY.fullmatch(name))


class Checkpoints:
    """The checkpoints of one run, in a folder of their own: ``000000000500.safetensors``, ….

    As a context manager it is the folder's only writer; when its process dies, however it dies,
    the next one can write. Reading needs no lock, and can happen while another process writes.

    Parameters
    ----------
    folder : str or os.PathLike
        Created by the writer where it is missing.
    keep : int
        How many checkpoints are kept.
    most_bytes : int
        The largest checkpoint, as in `lethe.storage.file.write`.

    Attributes
    ----------
    left : dict of Path to str
        Old checkpoints that the last `save` could not remove, and why; the next one tries again.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Checkpoints(folder.name) as checkpoints:
    ...     for events in range(500, 3000, 500):
    ...         path = checkpoints.save({"w": np.zeros(3)}, {"events": events}, events)
    >>> sorted(path.name for path in Path(folder.name).glob("*.safetensors"))
    ['000000001500.safetensors', '000000002000.safetensors', '000000002500.safetensors']
    >>> arrays, metadata, path = Checkpoints(folder.name).newest()
    >>> metadata
    {'events': 2500}
    >>> folder.cleanup()
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, keep: int = 3, most_bytes: int = MOST_BYTES
    ) -> None:
        if keep < 1:
            raise ValueError(f"keep must be at least 1, got {keep}")
        self.folder = Path(folder)
        self.keep = keep
        self.most_bytes = most_bytes
        self._lock: int | None = None
        self._invalid: set[Path] = set()
        self.left: dict[Path, str] = {}

    def __enter__(self) -> Self:
        """Become the only writer, and remove what a killed one left half-written.

        Raises
        ------
        CheckpointError
            If another process writes here, or the folder cannot be written.
        """
        with checkpoint_errors(f"checkpoints cannot be written in {self.folder}"):
            _make(self.folder)
            self._lock = _locked(self._lock_path)
            for name in filter(_TEMPORARY.fullmatch, os.listdir(self.folder)):
                with contextlib.suppress(OSError):  # one that stays does no harm
                    (self.folder / name).unlink()
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            with contextlib.suppress(OSError):  # the lock is released anyway
                os.close(self._lock)
            self._lock = None

    def save(
        self, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any], number: int
    ) -> Path:
        """Write one checkpoint, and then remove all but the newest.

        Parameters
        ----------
        arrays, metadata
            As in `lethe.storage.file.write`.
        number : int
            Which checkpoint this is, for instance after how many events. It only grows; the same
            number again replaces its checkpoint.

        Returns
        -------
        Path
            Of the file, which is on the disk now.

        Raises
        ------
        CheckpointError
            If it cannot be written. Earlier checkpoints are unchanged.
        ValueError
            If an argument is not one of these, or if the folder holds a later checkpoint (unless
            `newest` found it invalid): it would be mistaken for one that follows this one.
        """
        if self._lock is None:
            raise RuntimeError("checkpoints are saved inside `with Checkpoints(folder):`")
        if not 0 <= number < 10**_DIGITS:
            raise ValueError(f"number must be from 0 to {10**_DIGITS - 1}, got {number}")
        path = self.folder / f"{number:0{_DIGITS}}.safetensors"
        with checkpoint_errors(f"the checkpoint {path} cannot be written"):
            locked = is_at(self._lock, self._lock_path)
        if not locked:
            raise CheckpointError(
                f"checkpoints cannot be written in {self.folder}: its {_LOCK} was removed or "
                "replaced, so that another writer may be at work there"
            )
        files = self._files()
        later = [file for file in files if file > path and file not in self._invalid]
        if later:
            raise ValueError(
                f"number must be at least {int(later[0].stem)}, that of the newest checkpoint in "
                f"{self.folder}, got {number}: resume from it, or use another folder"
            )
        # A checkpoint that is a link is not its writer's, and is replaced, not what it leads to.
        write(path, arrays, metadata, most_bytes=self.most_bytes, follow=False)
        self._invalid.discard(path)
        older = [file for file in files if file < path]
        kept = [file for file in older if file not in self._invalid][: self.keep - 1]
        self.left = {file: error for file in older if file not in kept and (error := _remove(file))}
        return path

    def newest(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any], Path] | None:
        """Read the newest valid checkpoint, with a warning for each newer one that is not valid.

        Returns
        -------
        tuple of (arrays, metadata, path), or None
            As `lethe.storage.file.read` returns them, and the file; None if there is no checkpoint.

        Raises
        ------
        CheckpointError
            If there are checkpoints, and none is valid; or if the folder or a newer one cannot be
            read.
        """
        invalid: dict[Path, CheckpointError] = {}
        for path in self._files():
            try:
                arrays, metadata = read(path, most_bytes=self.most_bytes)
            except CheckpointError as error:
                if not os.path.lexists(path):
                    return self.newest()  # a writer has removed it, because there are newer ones
                why = error.__cause__
                if isinstance(why, OSError) and not isinstance(why, FileNotFoundError):
                    raise  # it may be valid: what came after the older ones would be lost
                invalid[path] = error
            else:
                self._invalid = set(invalid)
                for reason in invalid.values():
                    message = f"{reason}; an older one, {path.name}, is read"
                    warnings.warn(message, RuntimeWarning, stacklevel=2)
                return arrays, metadata, path
        self._invalid = set(invalid)
        if invalid:
            first = next(iter(invalid.values()))
            raise CheckpointError(
                f"no checkpoint in {self.folder} is valid ({len(invalid)} tried): {first}"
            ) from first
        return None

    @property
    def _lock_path(self) -> str:
        return os.path.join(self.folder, _LOCK)

    def _files(self) -> list[Path]:
        """The checkpoints, the newest first."""
        with checkpoint_errors(f"the folder {self.folder} cannot be read"):
            try:
                names = os.listdir(self.folder)
            except FileNotFoundError:
                return []
        return [self.folder / name for name in sorted(names, reverse=True) if _NAME.fullmatch(name)]


def _remove(file: Path) -> str | None:
    """Remove a file; why it cannot be removed, where it cannot."""
    try:
        file.unlink()
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.strerror or str(error)
    return None


def _make(folder: Path) -> None:
    """Make a folder and those above it, on the disk, too."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


def _locked(path: str) -> int:
    """Open the file that is locked for this process, until it is closed or the process dies.

    It holds the process's number and is never removed: someone else may be waiting for it. In a
    folder from outside it may be anything: no link is followed, and no other content is lost.
    """
    flags = os.O_RDWR | os.O_CREAT
    flags |= sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"))
    while True:
        try:
            descriptor = os.open(path, flags, 0o666)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK):  # the latter on BSD
                raise ValueError(_strange("a symbolic link")) from None
            raise
        try:
            _check_lock(descriptor)
            try:
                lock(descriptor)
            except InUseError:
                holder = _check_lock(descriptor) or "unknown"
                raise ValueError(f"another writer, process {holder}, is at work there") from None
            if is_at(descriptor, path):
                os.truncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _check_lock(descriptor: int) -> str:
    """Return the process that has written a lock, if the file can have been made for that."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(_strange("no regular file"))
    if status.st_nlink > 1:
        raise ValueError(_strange("a hard link to another file"))
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, 100)
    if not _LOCK_TEXT.fullmatch(text):
        raise ValueError(_strange("a file with other content"))
    return text.strip(b"\n\0").decode("ascii")


def _strange(what: str) -> str:
    return f"{_LOCK} there must be a file of Lethe's, got {what}: remove it, or use another folder"
