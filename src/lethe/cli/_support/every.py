"""How often a checkpoint is written: after a number of events, or after a time."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["DEFAULT", "Every", "Schedule", "parse_every"]

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_TIME = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd])")
_COUNT = re.compile(r"[0-9]{1,12}")


class Every(NamedTuple):
    """After how many events, and after how many seconds, whichever comes first.

    Attributes
    ----------
    events : int or None
    seconds : float or None
    """

    events: int | None
    seconds: float | None


#: The default.
DEFAULT = Every(10_000, 60.0)


def parse_every(text: str) -> Every:
    """Read a number of events, such as ``500``, or a time, such as ``30s``, ``5m``, ``1h``.

    Raises
    ------
    ValueError
        If it is neither, or not above 0.

    Examples
    --------
    >>> parse_every("500"), parse_every("1.5m")
    (Every(events=500, seconds=None), Every(events=None, seconds=90.0))
    """
    found = _TIME.fullmatch(text)
    if found and (seconds := float(found[1]) * _SECONDS[found[2]]) > 0:
        return Every(None, seconds)
    if _COUNT.fullmatch(text) and int(text):
        return Every(int(text), None)
    raise ValueError(
        "--every must be a number of events, at least 1, or a time such as 30s, 5m or 1h, "
        f"got {text!r:.40}"
    )


class Schedule:
    """When the next checkpoint is due.

    Parameters
    ----------
    every : Every
    saved : int
        Events at the last checkpoint; -1 where there is none, so that the first event has one.
    clock : callable
        Seconds, from any beginning.

    Attributes
    ----------
    saved : int
    """

    def __init__(
        self, every: Every, saved: int = -1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._events = every.events
        self._seconds = math.inf if every.seconds is None else every.seconds
        self._clock = clock
        self.restart(saved)

    def restart(self, saved: int) -> None:
        """Record a checkpoint after `saved` events."""
        self.saved = saved
        self._saved_at = self._clock()

    def seconds_since(self) -> float:
        """Seconds since the last checkpoint, or since the start where there is none."""
        return self._clock() - self._saved_at

    def is_due(self, events: int) -> bool:
        """Whether there are new events, and enough of them or enough time since the last."""
        if events <= self.saved:
            return False
        if self.saved < 0:
            return True
        by_count = self._events is not None and events // self._events > self.saved // self._events
        return by_count or self.seconds_since() >= self._seconds
