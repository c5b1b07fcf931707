"""Whole files from outside, within limits."""

from __future__ import annotations

import json
import math
import os
import stat
from typing import Final

__all__ = ["open_at_once", "read_bytes", "strict_json"]

MOST_INTEGER: Final = 1 << 63


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """All bytes of a file of no more than `most`.

    Raises
    ------
    ValueError
        If it is larger, or is no regular file, such as a pipe that would be waited for.
    OSError
        If it cannot be read.
    """
    with open(path, "rb", opener=open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(f"{path} must be a regular file, got another kind")
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{path} must be at most {most:,} bytes, got more")
    return data


def open_at_once(path: str, flags: int) -> int:
    """Open a file as `open` does; a named pipe is not waited for."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def strict_json(text: bytes) -> object:
    """JSON whose numbers are finite, and whose integers have 64 bits at most.

    Raises
    ------
    ValueError
        If it is something else, or nested too deeply.

    Examples
    --------
    >>> strict_json(b'{"seed": 7}')
    {'seed': 7}
    """
    try:
        return json.loads(text, parse_float=_finite, parse_int=_integer, parse_constant=_finite)
    except RecursionError:
        raise ValueError("JSON must be flat enough to read, got more levels") from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"a number must be finite, got {text:.40}")
    return number


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= 20 else MOST_INTEGER
    if not -MOST_INTEGER <= number < MOST_INTEGER:
        raise ValueError(f"an integer must have at most 64 bits, got {digits:.40}")
    return number
