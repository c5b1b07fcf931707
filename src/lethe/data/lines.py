"""The lines of a source that may still grow, their places, and a hash of the past."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from lethe.data.blocks import Blocks
from lethe.data.followed import Followed

if TYPE_CHECKING:
    from hashlib import _Hash as Hash
from lethe.data.waiting import system_errors

__all__ = ["LONGEST", "Chunk", "Lines", "Place", "too_long"]

LONGEST = 1 << 20  # bytes of a line
BLOCK = 1 << 16  # bytes that are read at once


class Place(NamedTuple):
    """How far a file was read.

    Attributes
    ----------
    offset, line : int
        Bytes and lines.
    sha256 : str
        Of these bytes, in hexadecimal digits.
    inode : int
        0 for what is no regular file.
    lost : bool
        Whether it is the place of a file that begins after something that is lost.
    """

    offset: int
    line: int
    sha256: str
    inode: int
    lost: bool = False


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
    begins : Place or None
        Where no more lines come from the file before: what was read of that file, or where the
        present one begins if anything between the two is lost. Such a chunk has no lines.
    """

    data: bytes
    lines: list[bytes | None]
    ends: list[int]
    first: int
    begins: Place | None = None

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
    r"""The lines of a source, in chunks, as they arrive.

    The last line counts without a line feed too, unless more may come. A line that is too long is
    read over, in constant memory.

    Parameters
    ----------
    blocks : Blocks
    longest : int
        Bytes of a line.
    strict : bool
        A line that is too long ends with an error, as soon as it is.

    Attributes
    ----------
    here : str
        The file of the last chunk.
    inode : int
        That file's, 0 for what is no regular file.

    Raises
    ------
    ValueError
        While reading: where the file cannot be read, or holds too long a line.

    Examples
    --------
    >>> import io
    >>> from lethe.data.blocks import Stored
    >>> lines = Lines(Stored(io.BytesIO(b"to\nforget\n"), "text"))
    >>> [chunk] = lines
    >>> chunk.lines, chunk.ends
    ([b'to', b'forget'], [3, 10])
    >>> lines.digest(3) == hashlib.sha256(b"to\n").hexdigest()
    True
    """

    def __init__(self, blocks: Blocks, *, longest: int = LONGEST, strict: bool = True) -> None:
        self._blocks = blocks
        self._longest = longest
        self._strict = strict
        self._enter(b"")

    def _enter(self, carried: bytes) -> None:
        """Begin with the present file, and with a line that began in the one before."""
        blocks = self._blocks
        self.here, self.inode = blocks.here, blocks.inode
        # The hash is of all bytes before the chunk that was handed out last, and of no line that
        # was carried over: such a line begins before the file does, at a negative place.
        self._hash: Hash = blocks.hash() if isinstance(blocks, Followed) else hashlib.sha256()
        self._start = blocks.offset - len(carried)
        self._chunk = Chunk(b"", [], [], 1)
        self._carried = 0  # bytes of the last chunk that are of the file before
        self._next_carried = len(carried)
        self._count = blocks.lines if isinstance(blocks, Followed) else 0
        self._cut = False  # whether it begins after a line that had no line feed

    def resume(self, offset: int, line: int, digest: str, inode: int) -> bytes:
        """Go on after so many bytes and lines, where the same were read; some of the first bytes.

        Raises
        ------
        AnotherFileError
            If no file holds them.
        """
        assert isinstance(self._blocks, Followed)
        with system_errors(self._blocks.name):
            head = self._blocks.resume(offset, line, digest, inode)
        self._enter(b"")
        if offset:
            self._cut = not self._blocks.ends_a_line()
            self._count = line - self._cut
        return head

    def go_to_end(self) -> bytes:
        """Pass over all lines that are there; some of the first bytes."""
        assert isinstance(self._blocks, Followed)
        with system_errors(self._blocks.name):
            head, lines = self._blocks.go_to_end(whole_lines=self._blocks.patient)
        self._enter(b"")
        self._cut = self._start > 0 and not self._blocks.ends_a_line()
        self._count = lines
        return head

    def place(self) -> Place:
        """The end of the last chunk."""
        end = self._start + len(self._chunk.data)
        return Place(end, self._count, self.digest(end), self.inode)

    def digest(self, offset: int) -> str:
        """The SHA-256 of the bytes before an offset in the last chunk, in hexadecimal digits."""
        copy = self._hash.copy()
        copy.update(self._chunk.data[self._carried : offset - self._start])
        return copy.hexdigest()

    def start_of(self, number: int) -> int:
        """Where a line of the last chunk starts, by its number."""
        n = number - self._chunk.first
        return self._chunk.ends[n - 1] if n else self._start

    def __iter__(self) -> Iterator[Chunk]:
        pieces: list[bytes] = []
        size = 0
        block = b""
        while True:
            while block := block or self._blocks.read(BLOCK):
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
            ending = self._blocks.next()
            if size and ending in (None, "whole"):
                yield self._next(b"".join(pieces))
            if ending is None:
                return
            place = self.place()
            pieces = pieces if ending == "joined" else []
            size = sum(map(len, pieces))
            self._enter(b"".join(pieces))
            if ending == "lost":
                place = self.place()._replace(lost=True)
            yield self._chunk._replace(begins=place)

    def _advance(self) -> None:
        """Leave the last chunk behind."""
        self._hash.update(self._chunk.data[self._carried :])
        self._start += len(self._chunk.data)
        self._carried, self._next_carried = self._next_carried, 0

    def _next(self, data: bytes) -> Chunk:
        """Make the chunk of these bytes, which follow the last chunk's."""
        self._advance()
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
            raise ValueError(f"{self.here} line {number}: {too_long(self._longest)}")
        # The present chunk stays until the whole line is there: someone may interrupt the wait.
        ahead = self._hash.copy()
        ahead.update(self._chunk.data[self._carried :])
        end = self._start + len(self._chunk.data)
        carried, cut = self._next_carried, 0
        while block and not cut:
            cut = block.find(b"\n") + 1
            length = cut or len(block)
            ahead.update(block[carried:length])
            end += length
            carried = 0
            block = block[length:] if cut else self._blocks.read(BLOCK)
        self._hash, self._start, self._count = ahead, end, number
        self._carried = self._next_carried = 0
        self._chunk = Chunk(b"", [None], [end], number)
        return self._chunk, block

    def _expect_line_feed(self, rest: bytes) -> None:
        """The rest of a line that was read without its line feed."""
        self._cut = False
        if rest not in (b"", b"\r"):
            raise ValueError(
                f"{self.here} line {self._count + 1}: the line must end after byte "
                f"{self._start:,}, where it ended when it was read, got {rest!r:.40} after that"
            )
