"""Predicting numbers: naive predictors, linear ones, networks that learn what these leave, mixed.

What is said here of targets, features and predictors is computed by kernels/stream/forecast.hpp, on
one block of memory; this file owns the block and the networks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lethe.core._views import kernel
from lethe.core.topology import Topology
from lethe.model.intervals import Past
from lethe.model.racing import Racers
from lethe.model.scaling import Values
from lethe.storage.state import part

__all__ = ["PREDICTORS", "NumberHeads", "OwedNumbers", "network_topology"]

#: The predictors that are mixed, before the networks: the first seven are naive.
PREDICTORS = (
    "last value",
    "mean",
    "smoothed fast",
    "smoothed slowly",
    "median",
    "same time last period",
    "same time last long period",
    "linear, slow",
    "linear, fast",
)

_SEASONAL = ("distance", "next step", "far step")
_TURNS = ("day", "half day", "week", "year", "half year")

#: Past changes of each target that are features, where there are few targets.
LAGS = 8


@part
@dataclass(slots=True)
class OwedNumbers:
    """An event whose targets are not there yet: all that learning from it will need.

    Parameters
    ----------
    record : ndarray
        Its features, gains, predictions and targets, one after the other.
    x : ndarray
        The networks' input.
    """

    LIFE: ClassVar = ("id", "seconds", "stepped", "x", "record", "value", "known")

    id: Any
    seconds: float
    stepped: bool
    x: NDArray[np.float32]
    record: Values
    value: Values | None = None
    known: bool = False


def network_topology(inputs: int, outputs: int, cells: int, layers: int) -> Topology:
    """The network for numbers: it adds to what is linear, so it needs no shortcuts."""
    return Topology(
        inputs=inputs,
        outputs=outputs,
        blocks=cells,
        layers=layers,
        shortcuts=False,
        output_units="linear",
        cell_input="tanh",
        cell_output="tanh",
        input_gate_bias=0.0,
        forget_gate_bias=1.0,
        output_gate_bias=0.0,
        initial_range=0.1,
    )


Place = tuple[slice, tuple[int, ...]]


def _view(block: Values, part: tuple[int, tuple[int, ...]]) -> Values:
    at, shape = part
    return block[at : at + math.prod(shape)].reshape(shape)


@part
class NumberHeads:
    """One head for each target and each number of events ahead of the last known.

    Heads lie target by target: those of the first target for 1, 2, … events ahead, then the next.

    Parameters
    ----------
    targets : int
        Numbers that each event has.
    horizon : int
        Events ahead that are predicted.
    timed : bool
        Whether events have times.
    places : int
        Room for columns.
    period : int, optional
        Events after which a season repeats; without it days, weeks and years are looked up by time.
    cells, layers, rates, generator
        Of the networks.
    """

    LIFE: ClassVar = ("sizes", "places", "networks", "block", "racers")

    _compiled: Any = None  # holds the block; a copy or a pickle makes its own
    _places: Any = None

    def __init__(
        self,
        targets: int,
        horizon: int,
        *,
        timed: bool,
        places: int,
        period: int | None,
        cells: int,
        layers: int,
        rates: tuple[float, ...],
        generator: np.random.Generator,
    ) -> None:
        lags = max(1, min(LAGS, 64 // targets))
        self.sizes = [targets, horizon, lags, period or 0, timed]
        self.networks = len(rates)
        self._make_block(places)
        self._forecast.start()
        topology = network_topology(self._features - 1, targets * horizon, cells, layers)
        self.racers = Racers(topology, rates, generator)

    def _make_block(self, places: int) -> None:
        self.places = places
        self.block = np.zeros(kernel().Forecast.size(*self.sizes, places, self.networks))
        self._compiled = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.LIFE}

    def _make(self) -> Any:
        """The compiled functions on the block, with the places and views that follow from it."""
        if self._compiled is None:
            self._compiled = kernel().Forecast(*self.sizes, self.places, self.networks, self.block)
            self._places = {
                name: (slice(at, at + math.prod(shape)), shape)
                for name, (at, shape) in self._compiled.parts(True).items()
            }
            heads = self.sizes[0] * self.sizes[1]
            self._left, self._useful = np.empty(heads, np.float32), np.empty(heads, np.bool_)
            # What every prediction takes along.
            self._answered = tuple(self._places[n][0] for n in ("mixed", "usual", "seen"))
            self._residuals = _view(self.block, self._compiled.parts(False)["residuals"])
            self._counts = _view(self.block, self._compiled.parts(False)["residual_counts"])
        return self._compiled

    @property
    def _forecast(self) -> Any:
        return self._make()

    @property
    def _features(self) -> int:
        _, (features,) = self._of_record["features"]
        return features

    @property
    def _of_record(self) -> dict[str, Place]:
        self._make()
        places: dict[str, Place] = self._places
        return places

    def input_names(self, targets: tuple[str, ...]) -> list[str]:
        """What the networks' inputs are, in order: of the targets' past, then of the columns."""
        lags, period, timed = self.sizes[2:]
        names = [f"level of {target}" for target in targets]
        names += [f"change {lag + 1} of {target}" for lag in range(lags) for target in targets]
        if timed or period:
            for season in ("period", "long period"):
                for target in targets:
                    names += [f"{what} of {target}, last {season}" for what in _SEASONAL]
        if timed:
            names += [f"{wave} of {turns}" for turns in _TURNS for wave in ("sine", "cosine")]
        return [*names, *(f"column place {place}" for place in range(self.places))]

    @property
    def record_size(self) -> int:
        """Numbers that an event's record has."""
        _, (size,) = self._of_record["record"]
        return size

    def part(self, name: str) -> Values:
        """A part of the block, as a view; kernels/stream/forecast.hpp names them."""
        return _view(self.block, self._forecast.parts(False)[name])

    def of_record(self, record: Values, name: str) -> Values:
        """A part of an event's record, as a view."""
        place, shape = self._of_record[name]
        return record[place].reshape(shape)

    # ---- predicting: nothing changes ----

    def look(self, columns: Values, seconds: float) -> OwedNumbers:
        """An event's features, and the networks' input."""
        forecast = self._forecast
        record = np.empty(self._places["record"][0].stop)
        x = np.empty(self._places["features"][0].stop - 1, np.float32)
        forecast.look(columns, seconds, record, x)
        return OwedNumbers(None, seconds, False, x, record)

    def answer(self, owed: OwedNumbers, outputs: NDArray[np.float32]) -> None:
        """Mix what all predictors say, the networks included, for an event that was looked at."""
        self._forecast.answer(owed.seconds, outputs, owed.record)

    def mixed(self, owed: OwedNumbers) -> Values:
        """What was answered: one number for each head."""
        self._make()
        mixed: Values = owed.record[self._answered[0]]
        return mixed

    def past(self, owed: OwedNumbers) -> Past:
        """What intervals around an answer follow from."""
        self._make()
        return Past(owed.record, self._answered, self._residuals, self._counts)

    # ---- learning ----

    def owe(self, owed: OwedNumbers) -> None:
        """An answer was given: the linear predictors take the event's features in."""
        self._forecast.owe(owed.record)

    def bring(self, owed: OwedNumbers, value: Values, ahead: int) -> None:
        """The targets of an event are there: those of so many events ahead."""
        owed.value = value
        self._forecast.bring(value, ahead, owed.record)

    def note(self, value: Values, seconds: float) -> None:
        """Targets become part of the past."""
        self._forecast.note(value, seconds)

    def follow(self, value: Values, seconds: float) -> None:
        """Targets become part of the past, for a model that does not learn."""
        self._forecast.note(value, seconds)

    def settle(self, owed: OwedNumbers) -> None:
        """Learn from an event whose targets are there, or missing for good (NaN)."""
        count = self._forecast.settle(owed.record, self._left, self._useful)
        self._learn(owed, count)

    def conclude(self, owed: OwedNumbers, value: Values) -> None:
        """`owe`, `bring`, `note` and `settle` at once, for an event that came with its target."""
        forecast = self._forecast
        count = forecast.conclude(value, owed.seconds, owed.record, self._left, self._useful)
        self._learn(owed, count)

    def _learn(self, owed: OwedNumbers, count: int) -> None:
        """Let the networks learn what is left of so many heads' targets."""
        if count == len(self._left):
            self.racers.learn(owed.x, owed.stepped, self._left)
        elif count:
            self.racers.learn(owed.x, owed.stepped, self._left, self._useful)
        else:
            self.racers.learn(owed.x, owed.stepped)

    # ---- columns that come and go ----

    def forget(self, place: int) -> None:
        """A column's place gets another meaning."""
        feature = self._features - self.places + place
        self.racers.forget_input(feature - 1)
        self._forecast.forget(feature)

    def grow(self, places: int, owed: Iterable[OwedNumbers]) -> None:
        """Make room for more columns, in the events that wait for their targets too."""
        before = NumberHeads.__new__(NumberHeads)
        before.__setstate__(self.__getstate__())
        self._make_block(places)
        self._forecast.start()
        for name in self._forecast.parts(False):
            old, new = before.part(name), self.part(name)
            new[tuple(slice(n) for n in old.shape)] = old
        for event in owed:
            record = np.zeros(self.record_size)
            for name in self._of_record:
                if name != "record":
                    old = before.of_record(event.record, name)
                    self.of_record(record, name)[tuple(slice(n) for n in old.shape)] = old
            event.record = record
            more = np.zeros(places - before.places, np.float32)
            event.x = np.concatenate((event.x, more))
        self.racers.grow(self._features - 1, self.sizes[0] * self.sizes[1])

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
