"""How a source waits, and how it says what happened to it."""

from __future__ import annotations

import math
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TypeAlias

__all__ = ["POLL", "Loss", "Notice", "Wait", "close_quietly", "no_notice", "pause", "system_errors"]

POLL = 0.25  # seconds between two looks at a file that may grow


class Loss(str):
    """A notice of what is, or may be, lost."""


#: Is told in one sentence what happened to a source; a `Loss` where something may be lost.
Notice: TypeAlias = Callable[[str], None]


@contextmanager
def system_errors(name: str) -> Iterator[None]:
    """Make an error of the system one clear line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(f"source must be readable, got {name}: {reason}") from None


class Closeable(Protocol):
    """An open file, or what holds one."""

    def close(self) -> None: ...


class Wait(Protocol):
    """Waits, and may raise: whatever a stream has handed out by then is all that it has taken."""

    def __call__(self, descriptor: int | None, seconds: float, /) -> None:
        """Wait until the descriptor can be read, but no longer than so many seconds.

        Parameters
        ----------
        descriptor : int or None
            None where only time can bring something new.
        seconds : float
            ``math.inf`` where reading would block: then the descriptor must be readable.
        """
        ...


def pause(descriptor: int | None, seconds: float, /) -> None:
    """The plain way to wait."""
    if descriptor is None:
        time.sleep(seconds)
    elif sys.platform != "win32":  # where only sockets can be waited for: reading blocks
        select.select([descriptor], [], [], None if seconds == math.inf else seconds)


def no_notice(_: str) -> None:
    """Say nothing."""


def close_quietly(file: Closeable) -> None:
    """Close what was only read: an error then has cost nothing, and must not end a run."""
    with suppress(OSError):
        file.close()
