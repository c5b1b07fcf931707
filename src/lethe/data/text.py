"""Bytes and text as symbols."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from lethe.data.blocks import Blocks, Stored, check_sources, open_blocks
from lethe.data.followed import Followed
from lethe.data.places import Otherwise, begin_in, check_otherwise, check_place, inode_at, place_in
from lethe.data.record import count_at, string_at
from lethe.data.rotation import AnotherFileError
from lethe.data.waiting import Loss, Notice, Wait, no_notice

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

__all__ = ["TextStream", "topics"]


class _Entry(NamedTuple):
    """Where a file stands, with the SHA-256 of all before."""

    name: str
    inode: int
    offset: int
    hash: Hash


class TextStream:
    """The bytes of a text, a file or a pipe, one after the other, as symbols from 0 to 255.

    Parameters
    ----------
    source : bytes, str, os.PathLike, binary file object or sequence of os.PathLike
        The bytes; or a text, which becomes its UTF-8 bytes; or the path of a file; or an open
        binary file such as ``sys.stdin.buffer``; or the paths of files that follow each other.
    position : int or dict
        How many bytes to skip: the `position` of a stream that stopped there. Or its `place`: then
        it goes on in the file that holds the same bytes up to there, whatever name that has now,
        and in those that came after it.
    follow : bool
        Wait at the end of a file for more, through every rotation, as `RecordStream` does; of
        several files, at the end of the last.
    wait : Wait, optional
        Called wherever nothing has arrived yet. It may raise: `take` can be called again.
    notice : callable, optional
        Is told in one sentence what happened to the source.
    otherwise : 'raise', 'start' or 'end'
        Where to begin if no file holds what was read before a place: nowhere, at the start of the
        (last) file, or after all that it holds.

    Attributes
    ----------
    position : int
        The bytes that were skipped or taken. From a place on, they are counted from the start of
        its file.

    Raises
    ------
    ValueError
        If the source is of no such kind or cannot be read, or ends before `position`.
    AnotherFileError
        If no file holds what was read before a place, unless `otherwise` says what to do.

    Examples
    --------
    >>> stream = TextStream("to forget")
    >>> stream.take(2)
    array([116, 111], dtype=uint8)
    >>> stream.position
    2
    >>> bytes(TextStream("to forget", position=stream.position).take(100))
    b' forget'
    """

    def __init__(
        self,
        source: bytes | str | os.PathLike[str] | BinaryIO | Sequence[os.PathLike[str]],
        position: int | Mapping[str, object] = 0,
        *,
        follow: bool = False,
        wait: Wait | None = None,
        notice: Notice | None = None,
        otherwise: Otherwise = "raise",
    ) -> None:
        check_otherwise(otherwise)
        self._wait, self._notice, self._follow = wait, notice, follow
        self._later: list[str] = []  # the files that come next
        # The last of several is opened first if it is followed: it may be rotated meanwhile.
        self._last: Blocks | None = None
        self._several: list[str] = []
        self._is_held = False
        place = None if isinstance(position, int) else check_place(position)
        if isinstance(source, str):
            source = source.encode()
        if isinstance(source, bytes | bytearray | memoryview):
            self._blocks: Blocks = Stored(io.BytesIO(source), "the text")
            self._is_held = True  # all of it, in memory
        elif isinstance(source, list | tuple):
            self._several = check_sources(source, follow)
            self._begin_with(0 if place is None else place_in(place, self._several), place)
        else:
            self._blocks = self._opened(source, follow, place is not None)
        self.position = 0
        self._at = self._entry()
        self._entered: _Entry | None = None  # the file that has begun, until a byte is taken
        try:
            if place is not None:
                self._go_to(place, otherwise)
            elif isinstance(position, int):
                self._skip(position)
        except ValueError:
            if isinstance(source, os.PathLike | list | tuple):
                self.close()
            raise

    def _opened(self, source: object, follow: bool, resume: bool) -> Blocks:
        is_path = isinstance(source, os.PathLike)
        if not is_path and (not hasattr(source, "read") or hasattr(source, "encoding")):
            raise ValueError(
                f"source must be bytes, text, a path or a binary file, got {type(source).__name__}"
            )
        file = cast(os.PathLike[str] | BinaryIO, source)
        return open_blocks(file, follow=follow, resume=resume, wait=self._wait, notice=self._notice)

    def _begin_with(self, n: int, place: Mapping[str, object] | None) -> None:
        """Begin with one of several files."""
        self._later = self._several[n + 1 :]
        if self._later and self._follow and self._last is None:
            self._last = self._opened(Path(self._later[-1]), True, False)
        follow = self._follow and not self._later
        self._blocks = self._opened(Path(self._several[n]), follow, place is not None)

    def _entry(self) -> _Entry:
        """Where the present file begins."""
        blocks = self._blocks
        found = blocks.hash() if isinstance(blocks, Followed) else hashlib.sha256()
        return _Entry(blocks.name, blocks.inode, blocks.offset, found)

    @property
    def name(self) -> str:
        """The path of the present file as it was given, for messages."""
        return self._at.name

    @property
    def digest(self) -> str:
        """The SHA-256 of the bytes so far of the present file, in hexadecimal digits."""
        return self._at.hash.hexdigest()

    @property
    def place(self) -> dict[str, object]:
        """Where the stream stands in the present file: values that JSON can hold."""
        at = self._at
        return {"name": at.name, "inode": at.inode, "offset": at.offset, "sha256": self.digest}

    def _go_to(self, place: Mapping[str, object], otherwise: Otherwise) -> None:
        offset, digest = count_at(place, "offset"), string_at(place, "sha256")
        blocks = self._blocks
        if self._is_held:
            self._skip(offset)
            if self.digest != digest:
                raise ValueError("the text must begin as it did when it was read, got another")
            return
        if not isinstance(blocks, Followed) or not blocks.has_path:
            raise ValueError(
                f"{blocks.name} must be a file for its place to be found again, got a pipe or "
                "stream; say how many bytes to skip instead (none, if only new ones come)"
            )
        try:
            blocks.resume(offset, 0, digest, inode_at(place))
        except AnotherFileError as error:
            if otherwise == "raise":
                raise
            if otherwise == "end":
                blocks.go_to_end(whole_lines=False)
            elif self._several:
                self._blocks.close()
                self._begin_with(begin_in(place, self._several), None)
            where = "its start" if otherwise == "start" else "its end"
            (self._notice or no_notice)(Loss(f"{error}; {self._blocks.name} is read from {where}"))
        self._at = self._entry()
        self.position = self._at.offset

    def _skip(self, position: int) -> None:
        if position < 0:
            raise ValueError(f"position must be at least 0, got {position!r}")
        while self.position < position:
            if not self._take(min(position - self.position, 1 << 20), patient=False).size:
                raise ValueError(
                    f"position must be at most the {self.position} bytes of {self.name}, "
                    f"got {position!r}"
                )

    def take(self, n: int) -> NDArray[np.uint8]:
        """The next symbols: at least one and at most `n`, or none where the source ends.

        A pipe hands out what has arrived.

        Parameters
        ----------
        n : int
            At least 1.

        Returns
        -------
        (T,) uint8

        Raises
        ------
        ValueError
            If the source cannot be read.
        """
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n!r}")
        return self._take(n, patient=True)

    def _take(self, n: int, patient: bool) -> NDArray[np.uint8]:
        while True:
            blocks = self._blocks
            if isinstance(blocks, Followed):
                blocks.be_patient(patient)
            data = blocks.read(n)
            if data:
                break
            ending = blocks.next()
            if ending is None:
                if not self._later:
                    break
                self._blocks = self._next()
                blocks.close()
            # Until a byte of it is taken, the place is the end of the file before, unless
            # something between the two is lost.
            self._entered = self._entry()
            if ending == "lost":
                self._at, self._entered = self._entered, None
        if data:
            at, self._entered = self._entered or self._at, None
            at.hash.update(data)
            self._at = at._replace(offset=at.offset + len(data))
            self.position += len(data)
        return np.frombuffer(data, np.uint8)

    def _next(self) -> Blocks:
        path = self._later.pop(0)
        if self._later or self._last is None:
            return self._opened(Path(path), False, False)
        last, self._last = self._last, None
        return last

    def close(self) -> None:
        """Close the file, whoever opened it."""
        self._blocks.close()
        if self._last is not None:
            self._last.close()


def topics() -> bytes:
    """Real text that every Python carries: the help topics of ``pydoc``, some 460,000 bytes.

    Returns
    -------
    bytes
        For each topic, sorted by key: the key, a new line, the text, a new line, in UTF-8. For
        CPython 3.11.7 these are 466,997 bytes; other versions differ a little.
    """
    from pydoc_data.topics import topics as by_key

    return "".join(f"{key}\n{by_key[key]}\n" for key in sorted(by_key)).encode()
