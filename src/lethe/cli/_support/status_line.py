"""One line on standard error that says how far a command is, where that is a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lethe.cli._support.printable import console, printable, terminal

__all__ = ["plain_line", "status_line"]

#: Shows a line in place of the one before.
ShowLine = Callable[[str], None]


@contextmanager
def plain_line() -> Iterator[ShowLine]:
    """A line that is written over, for where rich is not installed, and wiped away in the end.

    The cursor stays at its beginning, so that what is logged meanwhile has a line of its own.
    """
    width = 0

    def show(line: str) -> None:
        nonlocal width
        line = printable(line)[: shutil.get_terminal_size().columns - 1]
        print(f"{line.ljust(width)}\r", end="", file=terminal(), flush=True)
        width = len(line)

    try:
        yield show
    finally:
        if width:
            print(f"{' ' * width}\r", end="", file=terminal(), flush=True)


@contextmanager
def status_line() -> Iterator[ShowLine]:
    """What shows a line on a terminal: with a spinner where rich is installed."""
    if not sys.stderr.isatty():
        yield lambda line: None
        return
    try:
        from rich.text import Text
    except ImportError:
        with plain_line() as show:
            yield show
        return
    with console().status("") as status:
        yield lambda line: status.update(Text(printable(line)))
