"""One file that may still grow: how far it was read, and what was read of it."""

from __future__ import annotations

import hashlib
import os
from io import FileIO
from typing import TYPE_CHECKING

from lethe.data.rotation import HEAD, bytes_at, hash_of, last_line, lines_of, zeros_of

if TYPE_CHECKING:
    from hashlib import _Hash as Hash
from lethe.data.waiting import close_quietly

__all__ = ["Present"]

TAIL = 1024  # bytes before the present place that tell whether the file is still the same
LINES = 8  # that are searched for in another file
SEARCHED = 1 << 24  # bytes of it that are searched


class Present:
    """The file that is read at present.

    Parameters
    ----------
    file : FileIO or None
        None if it is not there yet: then it holds nothing.
    path : str
        Or its name, for messages.
    base : int
        Where in the file to begin.
    watched : bool
        Notice if it is truncated.

    Attributes
    ----------
    file, path
        As given.
    key : (int, int)
        The device and the inode.
    inode : int
        That of the file whose place this one takes.
    modified : int
        When it was last written, as far as it was read, in nanoseconds.
    offset, lines : int
        Bytes that were read, and line feeds among them.
    hash : SHA-256
        Of these bytes if it is watched, else of those before the first read.
    head : bytes
        The first of them.
    """

    def __init__(
        self, file: FileIO | None, path: str, *, base: int = 0, watched: bool = True
    ) -> None:
        self.file = file
        self.path = path
        self.watched = watched
        self.offset = self.lines = 0
        self.hash: Hash = hashlib.sha256()
        self.head = b""
        self._base = base
        self._tail = b""
        self._know(file)
        self.inode = self.key[1]

    def _know(self, file: FileIO | None) -> None:
        self.key, self.modified = (0, 0), 0
        if file is not None:
            status = os.fstat(file.fileno())
            self.key, self.modified = (status.st_dev, status.st_ino), status.st_mtime_ns

    def open_file(self) -> FileIO:
        """The open file; only where there is one."""
        assert self.file is not None
        return self.file

    def exchange(self, file: FileIO, path: str) -> None:
        """Continue at the same place of another file that holds the same so far."""
        self.close()
        self.file, self.path = file, path
        self._know(file)

    def close_unless(self, other: Present) -> None:
        """Close the file if the other one is not the same."""
        if self.file is not other.file:
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self.file is not None:
            close_quietly(self.file)

    def may_be_truncated(self) -> bool:
        """Whether it was written, and yet may have nothing new behind what was read.

        A truncated file that begins again with the same header looks like one that grew.
        """
        if self.file is None or not self.watched:
            return False
        status = os.fstat(self.file.fileno())
        before, self.modified = self.modified, status.st_mtime_ns
        is_short = self.lines < 2 or status.st_size <= self._base + self.offset
        return before != self.modified and self.offset > 0 and is_short

    def read(self, n: int) -> bytes | None:
        """At most `n` bytes; None where the file was truncated, however much has come since."""
        if self.file is None:
            return b""
        known = len(self._tail)
        try:
            data = bytes_at(self.file, self._base + self.offset - known, known + n)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ValueError(f"source must be readable, got {self.path}: {reason}") from None
        if not data.startswith(self._tail):
            return None
        block = data[known:]
        if block:
            if self.watched:
                self.hash.update(block)
                self._tail = (self._tail + block[-TAIL:])[-TAIL:]
            self._count(block)
        return block

    def _count(self, block: bytes) -> None:
        self.offset += len(block)
        self.lines += block.count(b"\n")
        if len(self.head) < HEAD:
            self.head = (self.head + block)[:HEAD]

    def begin_after(self, before: Present | None) -> bool:
        """Treat what is left here of another file's content as read; whether there is any.

        Before anything is read. Zeros are left by a writer that keeps its place when its file is
        truncated. Lines that were read before are left where a file is made shorter: its first
        ones, or those after which nothing was read.
        """
        file = self.open_file()
        end = zeros_of(file) or (0 if before is None else before.again_in(file))
        if end:
            self.go_to(end)
        return end > 0

    def again_in(self, file: FileIO) -> int:
        """Up to where another file holds what was read of this one; 0 where there is nothing."""
        data = bytes_at(file, 0, SEARCHED)
        length = min(len(data), len(self.head))
        if data[:length].count(b"\n") > 1 and data[:length] == self.head[:length]:
            return last_line(file, os.fstat(file.fileno()).st_size)
        lines = self._tail[: self._tail.rfind(b"\n") + 1].splitlines(keepends=True)[-LINES:]
        last = b"".join(lines)
        # They must be different and not come again and again, or they say nothing.
        if len(lines) < LINES or len(set(lines)) < LINES // 2 or self._tail.count(last) > 1:
            return 0
        place = (b"\n" + data).rfind(b"\n" + last)
        return 0 if place < 0 else place + len(last)

    def go_to(self, offset: int, lines: int | None = None) -> None:
        """Treat the first `offset` bytes as read."""
        file = self.open_file()
        if lines is None:
            lines = lines_of(file, offset)
        self.hash = hash_of(file, offset) or hashlib.sha256()
        self.offset, self.lines = offset, lines
        self.head = bytes_at(file, 0, min(HEAD, offset))
        length = min(TAIL, offset) if self.watched else 0
        self._tail = bytes_at(file, offset - length, length)

    def last_byte(self) -> bytes:
        """The last byte that was read."""
        place = self._base + self.offset - 1
        return b"" if place < 0 else bytes_at(self.open_file(), place, 1)

    def go_to_end(self, whole_lines: bool) -> None:
        """Treat all that the file holds as read, up to its last line feed or to its end."""
        file = self.open_file()
        size = os.fstat(file.fileno()).st_size
        self.go_to(last_line(file, size) if whole_lines else size)
