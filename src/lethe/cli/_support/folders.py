"""Folders that a command is given."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

__all__ = ["check_results", "folder"]


def folder(text: str) -> Path:
    """A type of argument: a folder, which may be missing but has a name.

    Parameters
    ----------
    text : str
        What was given; nothing at all would be the folder that one is in.
    """
    if not text:
        raise argparse.ArgumentTypeError("must name a folder, got ''")
    return Path(text)


def check_results(path: Path, files: Iterable[str]) -> None:
    """See that ``--results`` is a folder with one of these files.

    Parameters
    ----------
    path : pathlib.Path
        What was given.
    files : iterable of str
        Names of results files.

    Raises
    ------
    ValueError
        If it is none.
    """
    if not path.is_dir():
        raise ValueError(f"--results must be a folder, and {path} is none")
    if not any((path / name).exists() for name in files):
        raise ValueError(
            f"--results must be a folder with results files, and {path} has none: "
            "lethe reproduce makes them"
        )
