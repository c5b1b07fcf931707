"""Texts as sources, for the commands."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from lethe.cli._support.records import HOW_TO_RESUME, say
from lethe.cli._support.signals import Signals
from lethe.data import AnotherFileError, TextStream, topics
from lethe.data.places import Otherwise

__all__ = ["opened_text"]


def opened_text(
    sources: Sequence[str],
    *,
    skip: int | None,
    follow: bool,
    signals: Signals,
    place: Mapping[str, object] | None = None,
    otherwise: Otherwise = "raise",
) -> TextStream:
    """The bytes of files, one after the other, of standard input, or of the bundled text.

    Raises
    ------
    ValueError
        If they cannot be read, or are not those of `place`.
    """
    if sources == ["-"] and sys.stdin is None:
        raise ValueError("SOURCE - needs standard input, which is closed")
    if sources == ["-"] and place is not None and skip is None:
        raise ValueError(
            "standard input must have --skip, the bytes to skip, got a checkpoint without --skip "
            "(--skip 0 if only new bytes come)"
        )
    begin = place if place is not None and skip is None else skip or 0
    try:
        return TextStream(
            _text(sources),
            begin,
            follow=follow,
            wait=signals.wait,
            notice=say,
            otherwise=otherwise,
        )
    except AnotherFileError as error:
        raise ValueError(f"{error}: {HOW_TO_RESUME}") from None


def _text(sources: Sequence[str]) -> bytes | BinaryIO | Path | list[Path]:
    if not sources:
        return topics()
    if sources == ["-"]:
        return sys.stdin.buffer
    paths = [Path(source) for source in sources]
    return paths[0] if len(paths) == 1 else paths
