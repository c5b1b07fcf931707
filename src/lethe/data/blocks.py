"""The bytes of files, pipes and terminals, in blocks as they arrive."""

from __future__ import annotations

import io
import math
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO, Literal, Protocol, TypeAlias, cast

from lethe.data.followed import Followed
from lethe.data.waiting import Notice, Wait, close_quietly, no_notice, pause

__all__ = ["Blocks", "Ending", "Stored", "check_sources", "name_of", "open_blocks"]

#: How a file ends where another one goes on. 'whole': its last line is complete. 'joined': the
#: next one goes on within the line. 'lost': something is missing between the two.
Ending: TypeAlias = Literal["whole", "joined", "lost"]

AGAIN = 1.0  # seconds after which a named pipe is looked for again


class Blocks(Protocol):
    """A source of bytes, which may go on in another file.

    Attributes
    ----------
    name : str
        As it was given.
    """

    name: str

    @property
    def here(self) -> str:
        """The present file's name."""
        ...

    @property
    def inode(self) -> int:
        """The present file's, 0 for what is no regular file."""
        ...

    @property
    def offset(self) -> int:
        """How many bytes of the present file have been read."""
        ...

    def read(self, n: int) -> bytes:
        """At least one and at most `n` bytes; none where the present file ends."""
        ...

    def next(self) -> Ending | None:
        """Go on to the next file after the end of one; None where there is none."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class Stored:
    """A file that ends where it ends, or a file object that has no descriptor.

    Parameters
    ----------
    file : binary file object
    name : str
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = self.here = name
        self.inode = 0
        self.offset = 0
        self._file = file
        self._take = getattr(file, "read1", file.read)
        status = _status(file)
        if status is not None and stat.S_ISREG(status.st_mode):
            self.inode = status.st_ino

    def read(self, n: int) -> bytes:
        """At least one and at most `n` bytes; none at the end."""
        with readable(self.name):
            block: bytes = self._take(n) or b""
        self.offset += len(block)
        return block

    def next(self) -> Ending | None:
        """None: nothing follows."""
        return None

    def close(self) -> None:
        """Close the file."""
        close_quietly(self._file)


class Piped:
    """What comes through a descriptor: a pipe, a terminal, or a named pipe that has a path.

    Parameters
    ----------
    file : binary file object
    name : str
    wait : Wait
    path : str, optional
        Of a named pipe that goes on with its next writer.
    """

    def __init__(self, file: BinaryIO, name: str, wait: Wait, path: str | None = None) -> None:
        self.name = self.here = name
        self.inode = 0
        self.offset = 0
        self._file = file
        self._wait = wait
        self._path = path
        self._held = _held(file)

    def read(self, n: int) -> bytes:
        """At least one and at most `n` bytes; none at the end."""
        if self._held:
            block, self._held = self._held[:n], self._held[n:]
        else:
            block = self._arrived(n)
        self.offset += len(block)
        return block

    def _arrived(self, n: int) -> bytes:
        while True:
            with readable(self.name):
                descriptor = self._file.fileno()
            self._wait(descriptor, math.inf if self._path is None else AGAIN)
            with readable(self.name):
                try:
                    block = os.read(descriptor, n)
                except BlockingIOError:
                    continue
            if block or self._path is None:
                return block
            # The writers have gone. A fresh descriptor is quiet until the next one comes; it is
            # opened before the old one is closed, so that nothing in the pipe is lost.
            with suppress(OSError):  # it has been removed; perhaps it comes back
                fresh = open_pipe(self._path)
                close_quietly(self._file)
                self._file = fresh

    def next(self) -> Ending | None:
        """None: nothing follows."""
        return None

    def close(self) -> None:
        """Close the file."""
        close_quietly(self._file)


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Make an error of the system one clear line."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"source must be readable, got {name}: {reason}") from None


def _same_file(path: str, other: str) -> bool:
    try:
        return path == other or os.path.samefile(path, other)
    except OSError:  # a followed one that does not exist yet
        return False


def _status(file: BinaryIO) -> os.stat_result | None:
    try:
        return os.fstat(file.fileno())
    except (AttributeError, OSError):
        return None


def _held(file: BinaryIO) -> bytes:
    """What a buffered file has taken from its descriptor and not handed out yet."""
    if not isinstance(file, io.BufferedReader) or sys.platform == "win32":
        return b""
    descriptor = file.fileno()
    blocking = os.get_blocking(descriptor)
    os.set_blocking(descriptor, False)
    try:
        return file.read1(-1) or b""
    except BlockingIOError:
        return b""
    finally:
        os.set_blocking(descriptor, blocking)


def open_pipe(path: str) -> BinaryIO:
    """Open a named pipe without waiting for a writer."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NONBLOCK)

    return open(path, "rb", buffering=0, opener=opener)


def name_of(file: BinaryIO) -> str:
    """The name of an open file, for messages."""
    name = str(getattr(file, "name", type(file).__name__))
    return "standard input" if name == "<stdin>" else name


def open_blocks(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    follow: bool = False,
    resume: bool = False,
    wait: Wait | None = None,
    notice: Notice | None = None,
) -> Blocks:
    """Open a source of bytes.

    Parameters
    ----------
    source : str, os.PathLike or binary file object
        The path of a file or named pipe, or an open file.
    follow : bool
        Wait for more at the end of a regular file, and wherever its name goes; a named pipe goes
        on with its next writer. Any other pipe ends.
    resume : bool
        Whether `Followed.resume` will be called, which finds a file that has another name now.
    wait : Wait, optional
    notice : Notice, optional

    Raises
    ------
    ValueError
        If it cannot be opened.
    """
    wait, notice = wait or pause, notice or no_notice
    if not isinstance(source, str | os.PathLike):
        return _open_file(source, follow, wait, notice)
    path = os.fspath(source)
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if follow or resume:
            return Followed(path, None, patient=follow, wait=wait, notice=notice)
        mode = 0
    except (OSError, ValueError):
        mode = 0  # opening it says what is wrong
    with readable(path):
        if stat.S_ISFIFO(mode) and sys.platform != "win32":
            lasting = follow and not path.startswith(("/dev/", "/proc/"))
            return Piped(open_pipe(path), path, wait, path if lasting else None)
        file = open(path, "rb", buffering=0)  # noqa: SIM115 (closed by close)
        if stat.S_ISREG(mode) and (follow or resume):
            return Followed(path, file, patient=follow, wait=wait, notice=notice)
        return Stored(file, path) if stat.S_ISREG(mode) else Piped(file, path, wait)


def _open_file(source: object, follow: bool, wait: Wait, notice: Notice) -> Blocks:
    if not hasattr(source, "read") or hasattr(source, "encoding"):
        raise ValueError(f"source must be a path or a binary file, got {type(source).__name__}")
    file = cast(BinaryIO, source)
    name, status = name_of(file), _status(file)
    if status is None:
        return Stored(file, name)
    # Others may change what their descriptor gives, as gzip does.
    raw = getattr(file, "raw", None) if isinstance(file, io.BufferedReader) else file
    if not stat.S_ISREG(status.st_mode):
        return Piped(file, name, wait) if isinstance(raw, io.FileIO) else Stored(file, name)
    if not follow:
        return Stored(file, name)
    if not isinstance(raw, io.FileIO):
        kind = type(file).__name__
        raise ValueError(f"source must be a path or an open file to be followed, got {kind}")
    return Followed(name, raw, at=file.tell(), has_path=False, wait=wait, notice=notice)


def check_sources(sources: Sequence[object], follow: bool) -> list[str]:
    """The paths of several sources, if all can be read; a followed last one may be missing.

    Raises
    ------
    ValueError
        If one cannot be read, or is there twice.
    """
    paths: list[str] = []
    for n, source in enumerate(sources):
        if not isinstance(source, str | os.PathLike):
            kind = type(source).__name__
            raise ValueError(f"sources must be paths, got {kind} as number {n + 1}")
        path = os.fspath(source)
        if any(_same_file(path, other) for other in paths):
            raise ValueError(f"sources must be different files, got {path} twice")
        paths.append(path)
        if follow and n + 1 == len(sources) and not os.path.lexists(path):
            continue
        with readable(path):
            if not stat.S_ISFIFO(os.stat(path).st_mode):
                open(path, "rb").close()
    if not paths:
        raise ValueError("sources must be at least one, got none")
    return paths
