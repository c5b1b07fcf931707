"""The lines of a file or pipe that may still grow, their places, and a hash of the past."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from itertools import accumulate
from typing import BinaryIO, NamedTuple

__all__ = ["LONGEST", "Chunk", "Lines", "too_long"]

LONGEST = 1 << 20  # bytes of a line
BLOCK = 1 << 16  # bytes that are read at once
POLL = 0.2  # seconds between two looks at a file that may grow


class Chunk(NamedTuple):
    """Whole lines that follow each other.

    Attributes
    ----------
    data : bytes
        All of them.
    lines : list of bytes
        Each without its line feed; None stands for a line that is too long.
    ends : list of int
        Where each ends in the source, its line feed included.
    first : int
        The number of the first, from 1.
    """

    data: bytes
    lines: list[bytes | None]
    ends: list[int]
    first: int

    def after(self, n: int) -> Chunk:
        """What follows the first `n` lines."""
        if not n:
            return self
        length = self.ends[-1] - self.ends[n - 1]
        return Chunk(
            self.data[len(self.data) - length :], self.lines[n:], self.ends[n:], self.first + n
        )


def too_long(longest: int) -> str:
    """What is wrong with a line of more bytes."""
    return f"a line must be at most {longest:,} bytes, got more"


class Lines:
    r"""The lines of a binary file, in chunks, as they arrive.

    The last line counts without a line feed too, unless the file is followed: then it is taken for
    half written. A line that is too long is read over, in constant memory.

    Parameters
    ----------
    file : binary file object
    name : str
        For messages.
    path : str, optional
        Where the file lies: a followed one must stay there.
    follow : bool
        Wait at the end of a regular file for more. A pipe ends where its writer closes it.
    longest : int
        Bytes of a line.
    strict : bool
        A line that is too long ends with an error, as soon as it is.

    Raises
    ------
    ValueError
        While reading: where the file cannot be read, was cut or replaced while it was followed, or
        holds too long a line.

    Examples
    --------
    >>> import io
    >>> lines = Lines(io.BytesIO(b"to\nforget\n"), "text")
    >>> [chunk] = lines
    >>> chunk.lines, chunk.ends
    ([b'to', b'forget'], [3, 10])
    >>> lines.digest(3) == hashlib.sha256(b"to\n").hexdigest()
    True
    """

    def __init__(
        self,
        file: BinaryIO,
        name: str,
        *,
        path: str | None = None,
        follow: bool = False,
        longest: int = LONGEST,
        strict: bool = True,
    ) -> None:
        self._name = name
        self._path = path
        self._longest = longest
        self._strict = strict
        self._file = file
        self._take = getattr(file, "read1", file.read)
        self._bytes_read = 0
        self._follow = follow and self.is_regular()
        # The hash is of all bytes before the chunk that was handed out last.
        self._hash = hashlib.sha256()
        self._chunk = Chunk(b"", [], [], 1)
        self._start = 0
        self._count = 0
        self._cut = False  # whether it begins after a line that had no line feed

    def is_regular(self) -> bool:
        """Whether this is a file on a disk, no pipe and nothing in memory."""
        try:
            return stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        except (AttributeError, OSError):
            return False

    def resume(self, offset: int, line: int, digest: str) -> None:
        """Go on after so many bytes and lines, if they are the same as then.

        Raises
        ------
        ValueError
            If they are not.
        """
        advice = "it has changed or was rotated; say how many records to skip instead"
        ending = b"\n"
        while self._start < offset:
            block = self._file.read(min(offset - self._start, 1 << 20))
            if not block:
                raise ValueError(
                    f"{self._name} must still hold the {offset:,} bytes that were read of it, "
                    f"got {self._start:,}: {advice}"
                )
            self._hash.update(block)
            self._start += len(block)
            ending = block
        self._bytes_read = offset
        if self._hash.hexdigest() != digest:
            raise ValueError(
                f"the first {offset:,} bytes of {self._name} must have the SHA-256 {digest}, "
                f"got {self._hash.hexdigest()}: {advice}"
            )
        self._cut = not ending.endswith(b"\n")
        self._count = line - self._cut

    def digest(self, offset: int) -> str:
        """The SHA-256 of the bytes before an offset in the last chunk, in hexadecimal digits."""
        copy = self._hash.copy()
        copy.update(self._chunk.data[: offset - self._start])
        return copy.hexdigest()

    def __iter__(self) -> Iterator[Chunk]:
        pieces: list[bytes] = []
        size = 0
        block = b""
        while block := block or self._read():
            cut = block.rfind(b"\n") + 1
            if cut:
                pieces.append(block[:cut])
                yield self._next(b"".join(pieces))
                pieces, size = [], 0
            pieces.append(block[cut:])
            size += len(block) - cut
            block = b""
            if size > self._longest:
                chunk, block = self._read_over(b"".join(pieces))
                yield chunk
                pieces, size = [], 0
        if size:
            yield self._next(b"".join(pieces))

    def _next(self, data: bytes) -> Chunk:
        """Make the chunk of these bytes, which follow the last chunk's."""
        self._hash.update(self._chunk.data)
        self._start += len(self._chunk.data)
        split: list[bytes] = data.split(b"\n")
        if not split[-1]:
            split.pop()
        ends = list(accumulate((len(line) + 1 for line in split), initial=self._start))[1:]
        ends[-1] = self._start + len(data)
        lines: list[bytes | None] = list(split)
        if len(data) > self._longest:
            lines = [None if len(line) > self._longest else line for line in split]
        if self._cut:
            self._expect_line_feed(split[0])
        self._chunk = Chunk(data, lines, ends, self._count + 1)
        self._count += len(lines)
        return self._chunk

    def _read_over(self, block: bytes) -> tuple[Chunk, bytes]:
        """A chunk for a line that is too long and starts like this; what was read after it."""
        if self._cut:
            self._expect_line_feed(block)
        number = self._count + 1
        if self._strict:
            raise ValueError(f"{self._name} line {number}: {too_long(self._longest)}")
        # The present chunk stays until the whole line is there: someone may interrupt the wait.
        ahead = self._hash.copy()
        ahead.update(self._chunk.data)
        end = self._start + len(self._chunk.data)
        cut = 0
        while block and not cut:
            cut = block.find(b"\n") + 1
            length = cut or len(block)
            ahead.update(block[:length])
            end += length
            block = block[length:] if cut else self._read()
        self._hash, self._start, self._count = ahead, end, number
        self._chunk = Chunk(b"", [None], [end], number)
        return self._chunk, block

    def _expect_line_feed(self, rest: bytes) -> None:
        """The rest of a line that was read without its line feed."""
        self._cut = False
        if rest not in (b"", b"\r"):
            raise ValueError(
                f"{self._name} line {self._count + 1}: the line must end after byte "
                f"{self._start:,}, where it ended when it was read, got {rest!r:.40} after that"
            )

    def _read(self) -> bytes:
        """Some bytes; none where the file ends. Waits for them where it is followed."""
        while True:
            block = self._read_some()
            if block or not self._follow:
                return block
            reason = self._moved()
            if reason:
                block = self._read_some()  # what was written before it was moved
                if block:
                    return block
                raise ValueError(f"{self._name} must only grow while it is followed: {reason}")
            time.sleep(POLL)

    def _read_some(self) -> bytes:
        try:
            block: bytes = self._take(BLOCK) or b""
        except OSError as error:
            raise ValueError(
                f"source must be readable, got {self._name}: {error.strerror or error}"
            ) from None
        self._bytes_read += len(block)
        return block

    def _moved(self) -> str:
        """What happened to the followed file, or nothing."""
        now = os.fstat(self._file.fileno())
        if now.st_size < self._bytes_read:
            return f"it was cut to {now.st_size:,} bytes after {self._bytes_read:,} were read"
        if self._path is not None:
            try:
                there = os.stat(self._path)
            except OSError as error:
                return f"it was removed or renamed ({error.strerror})"
            if (there.st_dev, there.st_ino) != (now.st_dev, now.st_ino):
                return "it was rotated: another file has its name"
        return ""
