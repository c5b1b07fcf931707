"""One rule for every file that is opened for writing under a name that the user gave.

- It is none of the files that are read: compared by device and inode, so that no link, symbolic or
  hard, hides one, and by its path where it does not exist yet.
- It has one writer. Both ways to write, in place and by replacement, lock what they write and look
  for the other's lock, so that two processes never write one file.
- A file that is replaced keeps its mode and, where that is permitted, its owner.
- What cannot be brought to the disk is an error. After a file is created or renamed, its folder is
  brought to the disk, too.
- A replacement is written under a name that follows from the file's, ``.NAME.lethe.tmp``. One that
  nobody has locked was left by a process that was killed, and is removed.

Symbolic links in the path are followed, since the user wrote the path. Errors are OSError, or
`OutputError` and `InUseError`, whose messages follow "cannot be written: ".
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from lethe.storage.disk import sync, sync_folder, write_all
from lethe.storage.lock import InUseError, is_at
from lethe.storage.opening import (
    Inputs,
    OutputError,
    keep_owner,
    lock_target,
    new_temporary,
    open_existing_or_new,
    refuse_inputs,
    refuse_shared,
    status_of,
    temporary_of,
    unlink_open,
)

__all__ = [
    "InUseError",
    "Inputs",
    "OutputError",
    "OutputFile",
    "check_output",
    "open_device",
    "open_in_place",
    "open_replacement",
    "output_errors",
    "write_file",
]

T = TypeVar("T")

#: Seconds to wait for another process that writes a whole file at once.
_PATIENCE = 5.0


_GONE = "it was removed or replaced while it was being written"


class OutputFile:
    """A file that this process alone writes.

    Parameters
    ----------
    file : io.FileIO
        Locked, and without a buffer, so that what is written survives this process.
    path : str
        Of the file, without symbolic links.
    temporary : str, optional
        Its path until it is complete; None where it is written in place.

    Attributes
    ----------
    target : int or None
        The file that is to be replaced, locked; closed with this one.
    """

    def __init__(self, file: io.FileIO, path: str, temporary: str | None = None) -> None:
        self.file = file
        self.path = path
        self.target: int | None = None
        self._temporary = temporary

    def check(self, size: int) -> None:
        """Check that nobody has moved the file away, or changed its size.

        Parameters
        ----------
        size : int
            The bytes that have been written.

        Raises
        ------
        OutputError
            If somebody has: what is written from now on would be lost.
        """
        self.check_size(size)
        if not is_at(self.file.fileno(), self._temporary or self.path):
            raise OutputError(_GONE)

    def check_size(self, size: int) -> None:
        """Check what can be checked without a look at the folder, in a microsecond; as `check`."""
        status = os.fstat(self.file.fileno())
        if status.st_nlink == 0:
            raise OutputError(_GONE)
        now = status.st_size
        if now != size:
            raise OutputError(
                f"another program has changed it: it must have {size:,} bytes, got {now:,}"
            )

    def finish(self, *, durable: bool = True) -> None:
        """Bring all of the file to the disk, give it its name, and close it.

        Parameters
        ----------
        durable : bool
            Whether it needs to survive a power failure.
        """
        try:
            if durable:
                sync(self.file.fileno())
            self.check(os.fstat(self.file.fileno()).st_size)
            if os.name == "nt":
                self._close()  # Windows renames no open file
            if self._temporary is not None:
                os.replace(self._temporary, self.path)
                self._temporary = None
                if durable:
                    sync_folder(os.path.dirname(self.path))
        except BaseException:
            self.abandon()
            raise
        self._close()

    def abandon(self) -> None:
        """Close the file, and remove it where it has not taken its name."""
        with contextlib.suppress(OSError):
            if self._temporary is not None and self.file.closed:  # before it was renamed
                os.unlink(self._temporary)
            elif self._temporary is not None and is_at(self.file.fileno(), self._temporary):
                unlink_open(self._temporary, self._close)
        self._temporary = None
        with contextlib.suppress(OSError):
            self._close()

    def _close(self) -> None:
        target, self.target = self.target, None
        if target is not None:
            with contextlib.suppress(OSError):  # nothing was written through it
                os.close(target)
        self.file.close()


@contextlib.contextmanager
def output_errors(what: str) -> Iterator[None]:
    """Raise the errors of this module as a ValueError, which says what cannot be written, and why.

    Examples
    --------
    >>> with output_errors("the page"):
    ...     write_file("no such folder/page.html", [b"<html>"])
    Traceback (most recent call last):
    ValueError: the page cannot be written: No such file or directory
    """
    try:
        yield
    except (OSError, OutputError, InUseError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise ValueError(f"{what} cannot be written: {reason or error}") from None


def real_path(path: str | os.PathLike[str], follow: bool) -> str:
    """The path without symbolic links, but for its last part where that is not followed."""
    if follow:
        return os.path.realpath(path)
    folder, name = os.path.split(os.fspath(path))
    return os.path.join(os.path.realpath(folder), name)


def check_output(path: str | os.PathLike[str], inputs: Inputs) -> None:
    """Check that a path is no input, before anything takes long.

    Raises
    ------
    OutputError
        If it is one.
    """
    refuse_shared(path)
    real = os.path.realpath(path)
    refuse_inputs(real, status_of(real), inputs)


def open_in_place(
    path: str | os.PathLike[str],
    inputs: Inputs | None = None,
    *,
    create: bool = True,
    patient: bool = False,
    follow: bool = True,
) -> OutputFile:
    """Open a file to be read and written where it is, as its only writer; nothing in it is changed.

    Parameters
    ----------
    path : str or os.PathLike
        A regular file.
    inputs : mapping, optional
        What it may not be.
    create : bool
        Whether it is created where it is missing.
    patient : bool
        Whether to wait a few seconds for another writer.
    follow : bool
        Whether the last part of the path may be a symbolic link.

    Raises
    ------
    OSError, OutputError, InUseError
        If it cannot be opened, is an input or no regular file, or has another writer.
    """
    refuse_shared(path)
    real = real_path(path, follow)
    descriptor = _patiently(patient, lambda: open_existing_or_new(real, inputs or {}, create))
    return OutputFile(io.FileIO(descriptor, "r+b"), real)


def open_replacement(
    path: str | os.PathLike[str],
    inputs: Inputs | None = None,
    *,
    follow: bool = True,
    patient: bool = False,
) -> OutputFile:
    """Open a new file that takes the place of another one once it is complete.

    Parameters
    ----------
    path, inputs, patient
        As in `open_in_place`.
    follow : bool
        Whether the last part of the path may be a symbolic link to what is replaced; otherwise the
        link itself is replaced.

    Raises
    ------
    OSError, OutputError, InUseError
        As in `open_in_place`.
    """
    refuse_shared(path)
    real = real_path(path, follow)
    return _patiently(patient, lambda: _replacement(real, inputs or {}, follow))


def open_device(path: str, inputs: Inputs) -> OutputFile:
    """Open what is no regular file and is not resumed: a device or a named pipe, not locked."""
    check_output(path, inputs)
    flags = os.O_WRONLY | getattr(os, "O_NOCTTY", 0)
    # Without O_NONBLOCK, whoever opens a named pipe waits for a reader, and signals do not end it.
    try:
        descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OutputError("no process reads the pipe") from None
        raise
    if os.name != "nt":
        os.set_blocking(descriptor, True)
    return OutputFile(io.FileIO(descriptor, "wb"), path)


def write_file(
    path: str | os.PathLike[str],
    pieces: Iterable[bytes | bytearray | memoryview],
    inputs: Inputs | None = None,
    *,
    follow: bool = True,
) -> None:
    """Replace a file; at every moment either the old one or the new one exists, complete.

    Parameters
    ----------
    path, inputs, follow
        As in `open_replacement`.
    pieces : iterable of bytes
        What is in it, one after the other.
    """
    output = open_replacement(path, inputs, follow=follow, patient=True)
    try:
        for piece in pieces:
            write_all(output.file, piece)
    except BaseException:
        output.abandon()
        raise
    output.finish()


def _replacement(path: str, inputs: Inputs, follow: bool) -> OutputFile:
    status = status_of(path)
    if status is not None and stat.S_ISLNK(status.st_mode) and follow:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    refuse_inputs(path, status, inputs)
    temporary = temporary_of(path)
    # What takes the place of a private file is private from its first byte on.
    there = status is not None and stat.S_ISREG(status.st_mode)
    descriptor = new_temporary(temporary, inputs, 0o600 if there else 0o666)
    output = OutputFile(io.FileIO(descriptor, "r+b"), path, temporary)
    try:
        # After its own lock: of two writers that come at once, one sees the other.
        output.target = lock_target(path, inputs)
        if output.target is not None and os.name != "nt":
            mode = keep_owner(descriptor, os.fstat(output.target))
            if mode != stat.S_IMODE(os.fstat(descriptor).st_mode):
                os.fchmod(descriptor, mode)
    except BaseException:
        output.abandon()
        raise
    return output


def _patiently(patient: bool, work: Callable[[], T]) -> T:
    """Call something again while another process has the file, for as long as `patient` says."""
    end = time.monotonic() + (_PATIENCE if patient else 0)
    while True:
        try:
            return work()
        except InUseError:
            if time.monotonic() >= end:
                raise
        time.sleep(0.01)
