"""Bytes that arrive in pieces."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any


class Pipe(io.RawIOBase):
    """Hands out what has arrived: these pieces, one at a time."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = [piece for piece in pieces if piece]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.pieces:
            return 0
        piece = self.pieces.pop(0)
        buffer[: len(piece)] = piece
        return len(piece)


def cut(data: bytes, places: list[int]) -> Pipe:
    """These bytes, cut at these places."""
    ends = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return Pipe(*(data[a:b] for a, b in pairwise(ends)))
