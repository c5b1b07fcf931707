"""What the oracles of streams take: events that are read, and what they change."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass
class Event:
    """Numbers, slots that are 1, a time, targets; or a symbol."""

    numbers: Values = field(default_factory=lambda: np.empty(0))
    slots: list[int] = field(default_factory=list)
    seconds: float = math.nan
    targets: Values | None = None
    symbol: int = 0


@dataclass
class Change:
    """What an event changes in the meaning of slots."""

    forgotten: list[int] = field(default_factory=list)
    column_slots: list[int] = field(default_factory=list)
    missing_columns: list[int] = field(default_factory=list)
    missing_slots: list[int] = field(default_factory=list)
    used: int = -1
    early: bool = False


@dataclass
class Arrival:
    """A class that came: its place before, and from now on."""

    before: int = 0
    place: int = 0
    slot: int = 0
    evicts: bool = False
    missing: bool = False


def doubled(size: int, needed: int) -> int:
    while size < needed:
        size *= 2
    return size
