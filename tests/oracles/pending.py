"""Events that wait for their targets, and the stream's counters: kernels/stream/pending.hpp."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from oracles.events import Values

EVENTS_BETWEEN_INSPECTIONS = 1000

Record = TypeVar("Record")


class Pending(Generic[Record]):
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.events = self.skipped = self.missed = self.sequence = 0
        self.following = False

    @property
    def newest(self) -> Record | None:
        return self.records[-1] if self.records else None

    def remove_first(self) -> None:
        del self.records[0]
        self.sequence += 1

    def clear(self) -> None:
        self.sequence += len(self.records)
        self.records = []

    @property
    def is_inspection_due(self) -> bool:
        return self.events % EVENTS_BETWEEN_INSPECTIONS == 0

    def parts(self) -> dict[str, Values]:
        return {
            "events": np.array([self.events]),
            "skipped": np.array([self.skipped]),
            "missed": np.array([self.missed]),
            "following": np.array([self.following]),
            "pending count": np.array([len(self.records)]),
            "pending sequence": np.array([self.sequence]),
        }
