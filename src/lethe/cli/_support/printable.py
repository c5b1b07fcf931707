"""What goes to a terminal or a pipe: text that can be encoded, and that nothing obeys.

Names and values pass `printable` where they are put into a sentence, so that none of them can
forge a line. What is left, such as a message of a library, passes the two streams as `guarded`
leaves them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, cast

from lethe._printable import printable

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "guarded", "printable", "terminal"]


class _Guarded:
    """A text stream through which no control characters go but line feeds and tabs."""

    def __init__(self, stream: TextIO) -> None:
        self.unguarded = stream

    def write(self, text: str) -> int:
        self.unguarded.write(printable(text, keep="\n\t"))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self.unguarded, name)


@contextmanager
def guarded() -> Iterator[None]:
    """Within it, standard output and standard error take any text.

    What cannot be encoded is escaped, such as Chinese where the output is in code page 1252:
    a name in a summary must not end a run that has learned all of it.
    """
    before = sys.stdout, sys.stderr
    for stream in before:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = (cast(TextIO, _Guarded(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def terminal() -> TextIO:
    """Standard error itself, for what draws on it; what it draws must be `printable`."""
    stream: TextIO = getattr(sys.stderr, "unguarded", sys.stderr)
    return stream


def console() -> Console:
    """What rich draws with on standard error; needs rich. It reads no markup in what it shows."""
    from rich.console import Console

    return Console(file=terminal(), markup=False, emoji=False, highlight=False)
