"""What kernels/stream/columns.hpp computes, a second time: slowly, in plain Python."""

from __future__ import annotations

import math

import numpy as np
from oracles.events import Change, Event, Values
from oracles.scales import Level


class Columns:
    """Number columns with their slots and running scales."""

    def __init__(self, used: int = 0) -> None:
        self.used = used
        self.levels: list[Level] = []
        self.slot: list[int] = []
        self.missing_slot: list[int] = []  # 0: none; else 1 + slot

    def admit(self, change: Change) -> None:
        for slot in change.column_slots:
            self.levels.append(Level())
            self.slot.append(slot)
            self.missing_slot.append(0)
        for column, slot in zip(change.missing_columns, change.missing_slots, strict=True):
            self.missing_slot[column] = 1 + slot
        if change.used >= 0:
            self.used = change.used

    def encode(self, event: Event, slots: int) -> Values:
        """One number for each slot."""
        out = np.zeros(slots)
        columns = zip(event.numbers, self.levels, self.slot, self.missing_slot, strict=False)
        for value, level, slot, missing in columns:
            out[slot] = level.standardised(float(value))
            if missing:
                out[missing - 1] = math.isnan(value)
        out[event.slots] = 1
        return out

    def observe(self, event: Event) -> None:
        for value, level in zip(event.numbers, self.levels, strict=True):
            level.observe(float(value))

    def parts(self, slots: int) -> dict[str, Values]:
        def row(values: list[float] | list[int]) -> Values:
            return np.array([*values, *[0.0] * (slots - len(values))], float)

        return {
            "slots used": np.array([self.used]),
            "columns": np.array([len(self.slot)]),
            "column mean": row([level.mean for level in self.levels]),
            "column variance": row([level.variance for level in self.levels]),
            "column count": row([level.count for level in self.levels]),
            "column slot": row(self.slot),
            "column missing slot": row(self.missing_slot),
        }
