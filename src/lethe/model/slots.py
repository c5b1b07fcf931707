"""The slots of categories, and what an event changes: planned, and made by the compiled call.

So the words and the numbers of a model change together or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from lethe import _kernel
from lethe.model.words import REMOVED, Edit, Key, Value, Words, item_size

__all__ = ["Category", "SlotPlan", "use_slot"]


class SlotPlan:
    """What an event changes: slots, and the words that belong to them.

    Parameters
    ----------
    used : int
        Slots that are used so far.
    """

    def __init__(self, used: int) -> None:
        self.used = used
        self.filled: list[int] = []  # the slots of the event's categories
        self.forgotten: list[int] = []
        self.column_slots: list[int] = []
        self.new_numbers: list[float] = []
        self.missing_columns: list[int] = []
        self.missing_slots: list[int] = []
        self.edits: list[Edit] = []
        self.growth = 0  # of the names in a checkpoint, in bytes
        self.has_new_columns = False
        self.time: str | None = None  # the column of times, where it is new

    def take(self) -> int:
        """A slot that was not used yet."""
        self.used += 1
        return self.used - 1

    def add(self, names: dict[Key, Value], name: Key, value: Value) -> None:
        """Plan an item of a dict of names, which has none of this name."""
        self.growth += item_size(name, value)
        self.edits.append((names, name, value))

    def remove(self, names: dict[Key, Value], name: Key) -> None:
        """Plan that an item is taken out of a dict of names."""
        self.growth -= item_size(name, names[name])
        self.edits.append((names, name, REMOVED))

    def move_to_end(self, names: dict[str, int], name: str) -> None:
        """Plan that an item of a dict becomes its last."""
        self.edits += [(names, name, REMOVED), (names, name, names[name])]

    def changes(self, words: Words, block: int | None) -> _kernel.Changes | None:
        """For the compiled call; None where nothing changes.

        Parameters
        ----------
        words : Words
            What the model's names take.
        block : int, optional
            The size of the block that they are saved with; without it they have no limit.

        Raises
        ------
        TooManyNamesError
            If the names take too much.
        """
        if self.growth > 0 and block is not None:
            words.check(self.growth, block)
        if self.growth:
            self.edits.append((words, "size", words.size + self.growth))
        if not (self.edits or self.forgotten or self.column_slots or self.missing_slots):
            return None
        return _kernel.Changes(
            self.forgotten,
            self.column_slots,
            self.missing_columns,
            self.missing_slots,
            self.used,
            self.has_new_columns,
            self.edits,
        )


@dataclass(slots=True)
class Category:
    """A column of categories: the slot of each known value, the least recently used first."""

    slots: dict[str, int]
    other: int


def use_slot(slots: dict[str, int], key: str, most: int, plan: SlotPlan) -> tuple[int, str | None]:
    """The slot of a value that is used now, and the value that had to give way to it."""
    slot = slots.get(key)
    if slot is not None:
        if next(reversed(slots)) != key:
            plan.move_to_end(slots, key)
        return slot, None
    oldest = None
    if len(slots) < most:
        slot = plan.take()
    else:
        oldest = next(iter(slots))
        slot = slots[oldest]
        plan.remove(slots, oldest)
    plan.add(slots, key, slot)
    return slot, oldest
