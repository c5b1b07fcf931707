"""Predicting classes and symbols: how often, the last again, networks, weighed by Bayes' rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lethe.core.topology import Topology
from lethe.model.cycles import FEATURES, cyclic_features
from lethe.model.mixing import ProbabilityMixture
from lethe.model.racing import Inputs, Outputs, Racers
from lethe.model.scaling import Values
from lethe.storage.state import part

__all__ = ["ClassHeads", "OwedClass"]

#: Room for classes to begin with; it doubles.
ROOM = 8

#: How much a class that came weighs less with each event that follows, in `frequency`.
FADING = 0.999

#: The naive predictors: how often each class came lately, and the last class again.
NAIVE = ("frequency", "last class")


@part
@dataclass
class OwedClass:
    """An event whose class is not there yet."""

    LIFE: ClassVar = (
        "id", "seconds", "stepped", "x", "predictions", "answered", "value", "then", "known",
    )  # fmt: skip

    id: Any
    seconds: float
    stepped: bool
    x: Inputs
    predictions: Values  # (predictors, 1 + classes then); class 0 is any new one
    answered: Values  # their mixture
    value: str | None = None
    then: int = 0  # the class's place when it was predicted; 0 where it was new
    known: bool = False


def network_topology(inputs: int, outputs: int, cells: int, layers: int) -> Topology:
    """The network for classes: shortcuts make it a superset of logistic regression."""
    return Topology(
        inputs=inputs,
        outputs=outputs,
        blocks=cells,
        layers=layers,
        shortcuts=True,
        output_units="softmax",
        cell_input="tanh",
        cell_output="tanh",
        input_gate_bias=0.0,
        forget_gate_bias=1.0,
        output_gate_bias=0.0,
        initial_range=0.1,
    )


@part
class ClassHeads:
    """A distribution over the classes so far, and the chance of one that is new.

    Parameters
    ----------
    timed : bool
        Whether events have times.
    symbols : bool
        Whether an event is nothing but a symbol: then the networks' input is its place.
    places : int
        Room for columns.
    most : int
        Classes at most; then the least recently used is forgotten.
    """

    LIFE: ClassVar = (
        "timed", "symbols", "places", "most", "classes", "keys", "room", "counts", "last",
        "repeats", "fresh", "events", "racers", "mixture",
    )  # fmt: skip

    def __init__(
        self,
        *,
        timed: bool,
        symbols: bool,
        places: int,
        most: int,
        cells: int,
        layers: int,
        rates: tuple[float, ...],
        generator: np.random.Generator,
    ) -> None:
        self.timed = timed and not symbols
        self.symbols = symbols
        self.places = places
        self.most = most
        self.classes: dict[str, int] = {}  # the least recent first
        self.keys: list[str] = [""]  # by place; 0 is any new class
        self.room = ROOM
        self.counts = np.zeros(ROOM)
        self.last = 0
        self.repeats = np.array([1.0, 2.0])  # how often the last class came again, and of how many
        self.fresh = np.array([1.0, 2.0])  # how often a class was new, and of how many
        self.events = 0
        topology = network_topology(self.fixed + places, ROOM, cells, layers)
        self.racers = Racers(topology, rates, generator)
        self.mixture = ProbabilityMixture(len(NAIVE) + len(rates))

    @property
    def fixed(self) -> int:
        """Inputs that come from no column."""
        return FEATURES if self.timed else 0

    @property
    def known(self) -> int:
        """Classes that have been seen."""
        return len(self.classes)

    def input_names(self, targets: tuple[str, ...]) -> list[str]:
        """What the networks' inputs are, in order."""
        names = [f"{wave} {n + 1}" for wave in ("sine", "cosine") for n in range(FEATURES // 2)]
        columns = [f"column place {place}" for place in range(self.places)]
        return [*names, *columns] if self.timed else columns

    # ---- predicting: nothing changes ----

    def look(self, columns: Values, seconds: float) -> OwedClass:
        """An event, and the networks' input."""
        x: Inputs
        if self.symbols:
            x = int(np.argmax(columns))
        elif self.timed:
            x = np.concatenate((cyclic_features(seconds), columns)).astype(np.float32)
        else:
            x = columns.astype(np.float32)
        return OwedClass(None, seconds, False, x, np.empty((0, 0)), np.empty(0))

    def answer(self, owed: OwedClass, outputs: Outputs) -> None:
        """Mix what all predictors say, the networks included, for an event that was looked at."""
        n = 1 + self.known
        predictions = np.zeros((len(NAIVE) + len(outputs), n))
        if n == 1:
            predictions[:, 0] = 1.0
            owed.predictions, owed.answered = predictions, predictions[0].copy()
            return
        frequency = self.counts[1:n] + 0.5
        frequency /= frequency.sum()
        predictions[0, 1:] = frequency
        again = self.repeats[0] / self.repeats[1] if self.last else 0.0
        predictions[1, 1:] = (1 - again) * frequency
        predictions[1, self.last] += again
        for k, output in enumerate(outputs, len(NAIVE)):
            # The new class is no output's business; a little of all keeps each above zero.
            given = output[1:n].astype(np.float64) + 1e-6
            predictions[k, 1:] = given / given.sum()
        new = self.fresh[0] / self.fresh[1]
        predictions *= 1 - new
        predictions[:, 0] = new
        owed.predictions, owed.answered = predictions, self.mixture.mix(predictions)

    def mixed(self, owed: OwedClass) -> Values:
        """What was answered: the probability of a new class, then of each."""
        return owed.answered

    # ---- learning ----

    def owe(self, owed: OwedClass) -> None:
        """An answer was given; nothing is learned from that."""

    def bring(self, owed: OwedClass, value: str | None, ahead: int) -> None:
        """The class of an event is there, or missing for good (None)."""
        owed.value = value
        place = self.classes.get(value, 0) if value is not None else 0
        owed.then = place if place < len(owed.answered) else 0  # it may be newer than the answer

    def probability(self, owed: OwedClass, value: str) -> float:
        """What an answer gave to the class that came."""
        place = self.classes.get(value, 0)
        return float(owed.answered[place if place < len(owed.answered) else 0])

    def forget(self, place: int) -> None:
        """A column's place gets another meaning."""
        self.racers.forget_input(self.fixed + place)

    def note(self, value: str | None, seconds: float) -> None:
        """A class becomes part of the past."""
        if value is None:
            return
        place = self.classes.get(value, 0)
        self.events += 1
        rate = max(1 / (self.events + 2), 1 - FADING)
        again = float(place == self.last and place > 0)
        self.repeats += rate * (np.array([again, 1.0]) - self.repeats)
        self.fresh += [float(place == 0), 1.0]
        place = self._use(value)
        self.counts *= FADING
        self.counts[place] += 1.0
        self.last = place

    def follow(self, value: str | None, seconds: float) -> None:
        """A class becomes part of the past, for a model that does not learn."""
        if value is not None:
            self.last = self.classes.get(value, 0)

    def settle(self, owed: OwedClass) -> None:
        """Learn from an event whose class was brought, and noted."""
        x = owed.x
        if owed.value is None:
            self.racers.learn(x, owed.stepped)
            return
        self.mixture.learn(owed.predictions[:, owed.then])
        # Where many targets come late, a class can have given way again since it was noted.
        place = self.classes.get(owed.value)
        self.racers.learn(x, owed.stepped, place)

    def _use(self, key: str) -> int:
        """The class's place, made now if it is new; it becomes the most recently used."""
        place = self.classes.pop(key, 0)
        if not place and self.known < self.most:
            place = len(self.keys)
            self.keys.append(key)
            if place >= self.room:
                self._grow(2 * self.room)
        elif not place:
            place = self.classes.pop(next(iter(self.classes)))
            self.keys[place] = key
            self.counts[place] = 0.0
            self.racers.forget_output(place)
        self.classes[key] = place
        return place

    def _grow(self, room: int) -> None:
        self.counts = np.concatenate((self.counts, np.zeros(room - self.room)))
        self.racers.grow(self.fixed + self.places, room)
        self.racers.start_outputs_low(self.room)
        self.room = room

    def grow(self, places: int, owed: Iterable[OwedClass]) -> None:
        """Make room for more columns, in the events that wait for their class too."""
        more = np.zeros(places - self.places, np.float32)
        for event in owed:
            if not isinstance(event.x, int):
                event.x = np.concatenate((event.x, more))
        self.places = places
        self.racers.grow(self.fixed + places, self.room)
