"""The files that the rotation of a log leaves beside it, and which of them holds what."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from io import FileIO
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from hashlib import _Hash as Hash
from lethe.data.waiting import close_quietly

__all__ = [
    "HEAD",
    "AnotherFileError",
    "Known",
    "Opened",
    "Sibling",
    "beginning_of",
    "bytes_at",
    "compressed",
    "counts",
    "find",
    "find_copy",
    "hash_of",
    "is_beginning",
    "key_of",
    "last_line",
    "later",
    "lines_of",
    "modified_at",
    "open_regular",
    "siblings",
    "zeros_of",
]

HEAD = 4096  # bytes by which a file is known again
NOTHING = hashlib.sha256().hexdigest()
BLOCK = 1 << 20  # bytes that are hashed or compared at once

# What rotation adds to a name: a number, a date, or both.
_TURN = re.compile(r"\d[\d._:T-]*|old", re.ASCII).fullmatch
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".Z")


class AnotherFileError(ValueError):
    """The file that a position belongs to is nowhere.

    Parameters
    ----------
    path : str
    offset, line : int
        Bytes and lines that were read of it.
    """

    def __init__(self, path: str, offset: int, line: int) -> None:
        what = "is another file than the one that was read before"
        message = (
            f"{path} {what if os.path.lexists(path) else 'is not there'}, and no file beside it "
            f"begins with the {counts(offset, line)} that were read"
        )
        packed = compressed(path)
        if packed:
            message += f"; {packed[0]} is compressed: decompress it so that it can be read"
        super().__init__(message)


#: An open file, and its path.
Opened: TypeAlias = tuple[FileIO, str]


class Sibling(NamedTuple):
    """A regular file beside another, whose name begins like the other's.

    Attributes
    ----------
    path : str
    key : (int, int)
        The device and the inode.
    size : int
        In bytes.
    modified : int
        When it was last written, in nanoseconds.
    scheme : (str, str)
        What stands before and after the turn in its name.
    turn : str
        What tells it from other rotations of the same file: ``1`` in ``log.csv.1``.
    """

    path: str
    key: tuple[int, int]
    size: int
    modified: int
    scheme: tuple[str, str]
    turn: str

    def age(self) -> tuple[int, tuple[int, ...]]:
        """Greater for what was written later; a number in the name counts backwards, a date not."""
        numbers = tuple(map(int, re.findall(r"\d+", self.turn)))
        if len(numbers) == 1 and len(self.turn) < 6:
            numbers = (-numbers[0],)
        return self.modified, numbers


def counts(offset: int, line: int) -> str:
    """A byte count for a message, with the line count if there is one."""
    return f"{offset:,} bytes" + (f" ({line:,} lines)" if line else "")


def siblings(path: str) -> list[Sibling]:
    """The regular files whose names begin like the path's: ``log.csv.1``, ``log-20240131.csv``.

    Symbolic links do not count. The list is of one moment: while files are renamed, the folder is
    read again.
    """
    found = _siblings(path)
    for _ in range(10):
        again = _siblings(path)
        if [(one.path, one.key) for one in again] == [(one.path, one.key) for one in found]:
            return again
        found = again
    return found


def _siblings(path: str) -> list[Sibling]:
    folder, base = os.path.split(path)
    stem, suffix = os.path.splitext(base)
    found = []
    try:
        with os.scandir(folder or ".") as entries:
            for entry in entries:
                scheme = _scheme(entry.name, base, stem, suffix)
                if scheme is None:
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:  # it has just gone
                    continue
                if stat.S_ISREG(status.st_mode):
                    turn = entry.name[len(scheme[0]) : len(entry.name) - len(scheme[1])]
                    key = (status.st_dev, status.st_ino)
                    found.append(
                        Sibling(
                            os.path.join(folder, entry.name),
                            key,
                            status.st_size,
                            status.st_mtime_ns,
                            scheme,
                            turn,
                        )
                    )
    except OSError:  # a folder that may not be listed
        return []
    return sorted(found)


def _scheme(name: str, base: str, stem: str, suffix: str) -> tuple[str, str] | None:
    if name.startswith(base) and name[len(base) : len(base) + 1] in (".", "-"):
        return name[: len(base) + 1], ""
    begins = suffix and name.startswith(stem) and name.endswith(suffix)
    if begins and len(name) > len(base) and name[len(stem)] in ".-_":
        return name[: len(stem) + 1], suffix
    return None


def compressed(path: str) -> list[str]:
    """The files beside it that rotation has compressed."""
    return [one.path for one in _siblings(path) if one.path.endswith(_COMPRESSED)]


class Known:
    """Files that are known again, whatever names they have by then.

    The number of an inode comes again for another file, so their times and beginnings are kept too.

    Parameters
    ----------
    files : sequence of Sibling
    """

    def __init__(self, files: Sequence[Sibling]) -> None:
        self._files = {one.key: (one.modified, beginning_of(one.path)) for one in files}

    def add(self, key: tuple[int, int], modified: int, head: bytes) -> None:
        """Know another one by its time and its first bytes."""
        self._files[key] = modified, head

    def keep(self, keys: set[tuple[int, int]]) -> None:
        """Forget all others."""
        self._files = {key: known for key, known in self._files.items() if key in keys}

    def forget(self, keys: set[tuple[int, int]]) -> None:
        """Forget these."""
        self.keep(set(self._files) - keys)

    def is_one(self, file: FileIO, key: tuple[int, int]) -> bool:
        """Whether an open file is one of them, even if a late line was added to it."""
        _, head = self._files.get(key, (0, b""))
        return bool(head) and bytes_at(file, 0, len(head)) == head

    def has(self, one: Sibling) -> bool:
        """Whether a file is one of them, unchanged."""
        modified, _ = self._files.get(one.key, (0, b""))
        return modified == one.modified


def later(path: str, key: tuple[int, int], modified: int) -> list[Sibling]:
    """The rotations of a path that were written after a file, from the first to the last.

    Parameters
    ----------
    path : str
        The one that is rotated.
    key : (int, int)
        The file's. If it lies beside the path, only files named in the same way count: with
        ``log-1.csv`` another ``log-2.csv``, else nothing but ``log.csv.2`` and the like.
    modified : int
        When the file was last written, in nanoseconds.
    """
    every = siblings(path)
    ours = next((one for one in every if one.key == key), None)
    base = os.path.basename(path)
    schemes = {(base + ".", ""), (base + "-", "")} if ours is None else {ours.scheme}
    least = (modified, () if ours is None else ours.age()[1])
    found = (
        one
        for one in every
        if one.key != key and one.size and one.scheme in schemes and _TURN(one.turn)
    )
    # A file without a place in the folder has no number that could decide between equal times.
    return sorted(
        (one for one in found if one.age() > least or (ours is None and one.modified == modified)),
        key=Sibling.age,
    )


def open_regular(path: str) -> FileIO:
    """Open a regular file, without waiting for anyone.

    Raises
    ------
    OSError
        If it cannot be opened or is none.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    file = open(path, "rb", buffering=0, opener=opener)  # noqa: SIM115 (handed out)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        close_quietly(file)
        raise OSError(None, "it is no regular file")
    return file


def bytes_at(file: FileIO, offset: int, n: int) -> bytes:
    """At most `n` bytes from a place on, wherever the file was read before."""
    file.seek(offset)
    try:
        data = file.read(n) or b""
        while len(data) < n and (more := file.read(n - len(data))):  # the system may give less
            data += more
        return data
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file.name)) from None


def _blocks(file: FileIO, size: int) -> Iterator[bytes]:
    """The first `size` bytes, or fewer where the file ends before."""
    offset = 0
    while offset < size and (block := bytes_at(file, offset, min(BLOCK, size - offset))):
        offset += len(block)
        yield block


def hash_of(file: FileIO, size: int) -> Hash | None:
    """The SHA-256 of the first `size` bytes; None if there are fewer."""
    found, total = hashlib.sha256(), 0
    for block in _blocks(file, size):
        found.update(block)
        total += len(block)
    return found if total == size else None


def is_beginning(file: FileIO, other: FileIO) -> bool:
    """Whether the other file begins with all that the first one holds."""
    offset = 0
    for block in _blocks(file, os.fstat(file.fileno()).st_size):
        if bytes_at(other, offset, len(block)) != block:
            return False
        offset += len(block)
    return True


def beginning_of(path: str) -> bytes:
    """Some bytes by which a file that is no longer written can be known again."""
    try:
        with open_regular(path) as file:
            return bytes_at(file, 0, 512)
    except OSError:
        return b""


def find(
    files: list[Sibling], offset: int, digest: str = NOTHING, head: bytes = b""
) -> Opened | None:
    """The first of these files whose first bytes have this SHA-256."""
    for one in files:
        if one.size < offset:
            continue
        try:
            file = open_regular(one.path)
        except OSError:
            continue
        try:
            if bytes_at(file, 0, len(head)) == head:
                found = hash_of(file, offset)
                if found is not None and found.hexdigest() == digest:
                    return file, one.path
        except OSError:
            pass
        close_quietly(file)
    return None


def find_copy(files: list[Sibling], offset: int, digest: str, head: bytes) -> Opened | None:
    """What `find` does, but of the copies of one file at different times the last."""
    found = find(files, offset, digest, head)
    for one in files if found is not None else ():
        if found is not None and one.path == found[1]:
            continue
        other = find([one], offset, digest, head)
        if found is None or other is None:
            continue
        if is_beginning(found[0], other[0]):
            found, other = other, found
        close_quietly(other[0])
    return found


def lines_of(file: FileIO, size: int) -> int:
    """The line feeds among the first bytes."""
    return sum(block.count(b"\n") for block in _blocks(file, size))


def zeros_of(file: FileIO) -> int:
    """How many zeros a file begins with."""
    zeros = 0
    for block in _blocks(file, os.fstat(file.fileno()).st_size):
        here = len(block) - len(block.lstrip(b"\0"))
        zeros += here
        if here < len(block):
            break
    return zeros


def last_line(file: FileIO, size: int) -> int:
    """Where the last line feed among the first bytes ends."""
    end = size
    while end:
        begin = max(0, end - (1 << 16))
        found = bytes_at(file, begin, end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def key_of(file: FileIO) -> tuple[int, int]:
    """The device and the inode of an open file."""
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino


def modified_at(path: str) -> int:
    """When a file or folder was changed last, in nanoseconds; 0 if it is not there."""
    try:
        return os.stat(path or ".").st_mtime_ns
    except OSError:
        return 0
