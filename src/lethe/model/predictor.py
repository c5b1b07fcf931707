"""Predictors: what belongs to a stream of numbers, or of classes, around its compiled block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lethe import _kernel
from lethe.model.encoder import Encoder, Fields
from lethe.model.networks import Ensemble
from lethe.model.prediction import Prediction
from lethe.model.report import Report
from lethe.model.words import Words

__all__ = ["INITIAL_CAPACITY", "Predictor", "Reading", "Target", "Waiting", "capacity"]

#: What came: a number for each target, NaN where it is missing; the name of a class, or None where
#: it is missing.
Target = NDArray[np.float64] | str | None

#: Slots and classes that there is room for at first; it doubles.
INITIAL_CAPACITY = 8


def capacity(needed: int) -> int:
    """Room for so many slots, or classes."""
    room = INITIAL_CAPACITY
    while room < needed:
        room *= 2
    return room


@dataclass(slots=True)
class Reading:
    """An event and its target, taken apart; nothing has changed yet.

    Parameters
    ----------
    event : EncodedEvent or None
        The event, where it is of floats in columns that are known, as most are; then `fields` is
        None.
    fields : Fields or None
        Its columns.
    target : ndarray or str or None
        What came. An `event` of numbers has it already.
    is_late : bool
        Whether the target comes later.
    """

    event: _kernel.EncodedEvent | None
    fields: Fields | None
    target: Target = None
    is_late: bool = False

    def known_fields(self) -> Fields:
        """The event's columns, of a reading that has no `event`."""
        if self.fields is None:
            raise TypeError("a reading must have an event or its fields, got neither")
        return self.fields


class Waiting:
    """Events that wait for their targets, by the names that the user gave them.

    Parameters
    ----------
    words : Words
        What the model's names take.

    Attributes
    ----------
    ids : dict
        The number of each event that was given an id, in order.
    complete : dict
        Numbers of events whose target is there while an earlier one waits for its own, with the
        class that came.
    """

    def __init__(self, words: Words) -> None:
        self.words = words
        self.ids: dict[str | int, int] = {}
        self.complete: dict[int, str | None] = {}

    def find(self, id: str | int) -> int | None:
        """The number of the event with this id, if it waits for its target."""
        number = self.ids.get(id)
        return None if number in self.complete else number

    def prune(self, first: int) -> None:
        """Forget events before the first that waits: they have been learned from."""
        while self.ids and self.ids[id := next(iter(self.ids))] < first:
            self.words.remove(self.ids, id)
        for number in [number for number in self.complete if number < first]:
            self.words.remove(self.complete, number)


class Predictor(Protocol):
    """What the predictor of numbers and that of classes both are.

    Attributes
    ----------
    encoder : Encoder
        The columns by name.
    waiting : Waiting
        Events that wait for their targets.
    ensemble : Ensemble
        The networks.
    targets : tuple of str
        The columns that are predicted.
    timed : bool
        Whether events have times.
    """

    encoder: Encoder
    waiting: Waiting
    ensemble: Ensemble
    targets: tuple[str, ...]
    timed: bool

    @property
    def stream(self) -> _kernel.NumberStream | _kernel.ClassStream:
        """The compiled block: all that is not words."""
        ...

    @property
    def places(self) -> dict[str, int] | None:
        """The place of each class, the least recently used first; None where there are none."""
        ...

    @property
    def input_names(self) -> list[str]:
        """What the networks' inputs are, in order."""
        ...

    def read(
        self, event: object, target: object, has_target: bool, id: str | int | None
    ) -> Reading:
        """Take an event and its target apart; a ValueError where they cannot be read."""
        ...

    def learn(self, reading: Reading, id: str | int | None) -> Report:
        """Take an event in, and learn from every target that is there."""
        ...

    def learn_target(self, number: int, target: object) -> Report:
        """Take in the target of an event that waits for it."""
        ...

    def settle(self) -> None:
        """Do what an interrupted call has left to do; whatever comes next does it otherwise."""
        ...

    def follow(self, reading: Reading) -> Report:
        """Take an event in without learning from it."""
        ...

    def score(self, reading: Reading) -> Report:
        """What `learn` would report; nothing changes."""
        ...

    def predict(self, event: object = None) -> Prediction:
        """What was answered to the last event, or would be to this one; nothing changes."""
        ...
