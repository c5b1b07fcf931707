"""Bytes and text as symbols."""

from __future__ import annotations

import hashlib
import io
import os
import time
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lethe.data.lines import POLL

__all__ = ["TextStream", "topics"]


class TextStream:
    """The bytes of a text, a file or a pipe, one after the other, as symbols from 0 to 255.

    Parameters
    ----------
    source : bytes, str, os.PathLike or binary file object
        The bytes; or a text, which becomes its UTF-8 bytes; or the path of a file; or an open
        binary file such as ``sys.stdin.buffer``.
    position : int
        How many bytes to skip: the `position` of a stream that stopped there.
    follow : bool
        Wait at the end of a file, given by its path, for more. The file must only grow.

    Raises
    ------
    ValueError
        If the source is of no such kind or cannot be read, or ends before `position`; while
        reading, if a followed file was cut or replaced.

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
        source: bytes | str | os.PathLike[str] | BinaryIO,
        position: int = 0,
        *,
        follow: bool = False,
    ) -> None:
        self._name = "the text"
        self._follow = False  # until `position`
        self._hash = hashlib.sha256()
        if isinstance(source, str):
            source = source.encode()
        if isinstance(source, bytes | bytearray | memoryview):
            self._file: BinaryIO = io.BytesIO(source)
        elif isinstance(source, os.PathLike):
            self._name = os.fspath(source)
            try:
                self._file = open(source, "rb", buffering=0)  # noqa: SIM115 (closed by close)
            except OSError as error:
                raise self._unreadable(error) from None
        elif not hasattr(source, "read") or hasattr(source, "encoding"):
            raise ValueError(
                f"source must be bytes, text, a path or a binary file, got {type(source).__name__}"
            )
        else:
            self._name = str(getattr(source, "name", source))
            self._file = source
        self.position = 0
        try:
            self._skip(position)
        except ValueError:
            if isinstance(source, os.PathLike):
                self._file.close()
            raise
        self._follow = follow and isinstance(source, os.PathLike)

    @property
    def digest(self) -> str:
        """The SHA-256 of the bytes so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def _unreadable(self, error: OSError) -> ValueError:
        return ValueError(f"source must be readable, got {self._name}: {error.strerror or error}")

    def _skip(self, position: int) -> None:
        if position < 0:
            raise ValueError(f"position must be at least 0, got {position!r}")
        while self.position < position:
            if not self.take(min(position - self.position, 1 << 20)).size:
                raise ValueError(
                    f"position must be at most the {self.position} bytes of {self._name}, "
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
        data = self._read(n)
        while self._follow and not data:
            self._expect_growth()
            time.sleep(POLL)
            data = self._read(n)
        symbols = np.frombuffer(data, np.uint8)
        self._hash.update(data)
        self.position += symbols.size
        return symbols

    def _read(self, n: int) -> bytes:
        read = getattr(self._file, "read1", self._file.read)
        try:
            return read(n) or b""
        except OSError as error:
            raise self._unreadable(error) from None

    def _expect_growth(self) -> None:
        try:
            there, ours = os.stat(self._name), os.fstat(self._file.fileno())
        except OSError as error:
            raise self._unreadable(error) from None
        if (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            raise ValueError(f"{self._name} must only grow while it is followed: it was rotated")
        if ours.st_size < self.position:
            raise ValueError(f"{self._name} must only grow while it is followed: it was cut")

    def close(self) -> None:
        """Close the file, whoever opened it."""
        self._file.close()


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
