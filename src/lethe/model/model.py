"""Model: one object for a stream of events. It predicts, learns, notices and survives."""

from __future__ import annotations

import copy
import json
import os
import threading
from collections.abc import Sequence
from types import EllipsisType
from typing import Literal, Self

import numpy as np

from lethe import storage
from lethe.core._checks import check_bool, check_int, generator
from lethe.core.network import Network
from lethe.model.classes import SYMBOL, ClassPredictor
from lethe.model.encoder import Encoder
from lethe.model.monitor import Diagnostics, diagnose
from lethe.model.networks import RATES
from lethe.model.numbers import NumberPredictor
from lethe.model.parameters import names_of, one_of, rates_of
from lethe.model.prediction import Prediction
from lethe.model.predictor import Options, Reading
from lethe.model.report import Report
from lethe.model.state import Fields, generator_from, parsed, predictor_from, state_of
from lethe.version import __version__

__all__ = ["Model"]

Task = Literal["regression", "classification", "symbols"]
Target = float | str | bool | Sequence[float] | object

#: A target that was not given.
_ABSENT = ...


class Model:
    """Predicts each event of a stream, and learns from it, in constant memory and time.

    An event is a mapping of columns to values, a row, or (``task="symbols"``) a symbol. Numbers,
    strings, booleans, times and missing values (None, "" or no such column) are told apart by the
    first event. Nothing needs to be scaled, declared or tuned.

    Parameters
    ----------
    target : str or sequence of str, optional
        The column(s) to predict. Without it every column that holds a number in the
        first event is predicted one event ahead.
    task : {"regression", "classification", "symbols"}
        What a target is: a number, a class, or the event itself, which is a symbol.
    horizon : int, optional
        0: an event's target from its other columns and all events before. 1 or more: the targets of
        that many events to come, each with output units of its own. By default 0 with a `target`
        and else 1.
    time : str, optional
        The column with the time of an event; by default the first that holds times.
    period : int, optional
        Events after which a season repeats; with times, days, weeks and years are looked up.
    cells, layers : int
        Memory cells in each layer of each network, and layers.
    rates : sequence of float
        Learning rates, one for each network.
    categories : int
        Values of a column of categories, or classes, that are told apart; the least recently used
        then gives way.
    max_delay : int
        Events that a target may be late by; then it counts as missing.
    detect : bool
        Whether to score how anomalous each event is.
    bad : {"missing", "skip", "raise"}
        What becomes of NaN, of infinite and of absurd numbers (beyond ±1e150): they count as
        missing, their event is skipped and counted, or a ValueError is raised. "skip" skips every
        event that cannot be read.
    new_columns : {"raise", "grow"}
        What becomes of columns that the first event did not have.
    seed : int
        Draws the first weights.

    Attributes
    ----------
    events, skipped, missed : int
        Events taken in; left out by ``bad="skip"``; targets that came too late or not at all.

    Raises
    ------
    ValueError
        If an argument is not one of these.

    Examples
    --------
    >>> import lethe, math
    >>> model = lethe.Model("flow", horizon=1)
    >>> for hour in range(2000):
    ...     report = model.learn({"flow": 5 + math.sin(hour / 4)})
    >>> abs(model.predict().value - (5 + math.sin(2000 / 4))) < 0.01
    True
    >>> model.learn({"flow": 12.0}).anomaly > 0.99
    True
    """

    def __init__(
        self,
        target: str | Sequence[str] | None = None,
        *,
        task: Task = "regression",
        horizon: int | None = None,
        time: str | None = None,
        period: int | None = None,
        cells: int = 32,
        layers: int = 1,
        rates: Sequence[float] = RATES,
        categories: int = 1000,
        max_delay: int = 1000,
        detect: bool = True,
        bad: Literal["missing", "skip", "raise"] = "missing",
        new_columns: Literal["raise", "grow"] = "raise",
        seed: int | np.random.Generator = 0,
    ) -> None:
        self._given_targets = names_of(target)
        self.task = one_of("task", task, ("regression", "classification", "symbols"))
        if self.task == "symbols" and self._given_targets:
            raise ValueError(f"target must be left out for symbols, got {target!r}")
        if self.task == "classification" and len(self._given_targets) != 1:
            raise ValueError(f"target must be one column for classification, got {target!r}")
        if horizon is None:
            horizon = 0 if self._given_targets else 1
        self.horizon = check_int("horizon", horizon, 0, 1000 if self.task == "regression" else 1)
        if self.horizon == 0 and not self._given_targets:
            raise ValueError("horizon must be at least 1 without a target, got 0")
        self.period = None if period is None else check_int("period", period, 1, 4096)
        self.cells = check_int("cells", cells, 1, 1 << 20)
        self.layers = check_int("layers", layers, 1, 1000)
        self.rates = rates_of(rates)
        self.categories = check_int("categories", categories, 1, 100_000)
        self.max_delay = check_int("max_delay", max_delay, 1, 1_000_000)
        self.detect = check_bool("detect", detect)
        self.bad = one_of("bad", bad, ("missing", "skip", "raise"))
        if time is not None and not isinstance(time, str):
            raise ValueError(f"time must be the name of a column, got {time!r}")
        self.time = time
        self.new_columns = one_of("new_columns", new_columns, ("raise", "grow"))
        self._generator = generator(seed)
        self._predictor: NumberPredictor | ClassPredictor | None = None  # from the first event on
        self._skipped_first = 0  # events that were skipped before it
        self._lock = threading.RLock()

    # ---- predicting: nothing changes ----

    def predict(self, event: object = None) -> Prediction:
        """What is expected; this does not change the model.

        Parameters
        ----------
        event : mapping, row or symbol, optional
            With ``horizon=0``: the event whose target is wanted. With a horizon: without it the
            answer is about the events after the last one; with it, what would be answered if this
            event came now.

        Returns
        -------
        Prediction
            Before the first event: 0 for numbers, no class.

        Raises
        ------
        ValueError
            If the event cannot be read.
        """
        with self._lock:
            if self.horizon and event is not None:
                twin = copy.deepcopy(self)
                (twin.follow if twin.following else twin.learn)(event)
                return twin.predict()
            if not self.horizon and event is None:
                raise ValueError("event must be given where horizon is 0, got None")
            if self._predictor is None:
                if event is not None:
                    self._try_first(event, None)
                return self._unknown()
            return self._predictor.predict(event)

    def score(self, event: object, target: Target | EllipsisType = _ABSENT) -> Report:
        """What `learn` would report of an event; this does not change the model.

        Parameters
        ----------
        event, target
            As for `learn`.

        Returns
        -------
        Report
            As from `learn`.

        Raises
        ------
        ValueError
            If the event or its target cannot be read.
        """
        with self._lock:
            if self._predictor is None:
                self._try_first(event, target)
                return Report(self._unknown())
            return self._predictor.score(self._read(self._predictor, event, target, None))

    # ---- learning ----

    def learn(
        self, event: object, target: Target | EllipsisType = _ABSENT, *, id: str | int | None = None
    ) -> Report:
        """Take the next event in, and learn from every target that it brings.

        Parameters
        ----------
        event : mapping, row or symbol
            The event.
        target : float, mapping, sequence or object, optional
            Its target (``horizon=0``); by default what the event has in the target's column(s).
            None or NaN is missing.
        id : str or int, optional
            With it, a target that is not there yet is waited for: `learn_target` brings it.

        Returns
        -------
        Report
            What had been expected, and how anomalous it is that this came.

        Raises
        ------
        ValueError
            If the event or its target cannot be read; nothing has changed then.
        RuntimeError
            If the model has followed.
        """
        with self._lock:
            if self.following:
                raise RuntimeError("a model that has followed does not learn again; load it again")
            before = self._generator.bit_generator.state
            try:
                predictor = self._predictor or self._first(event)
                reading = self._read(predictor, event, target, id)
            except ValueError:
                self._generator.bit_generator.state = before
                if self.bad != "skip":
                    raise
                return self._skip()
            report = predictor.learn(reading, id)
            self._predictor = predictor
            return report

    def learn_target(self, id: str | int, target: Target) -> Report:
        """Take in the target of an event that `learn` was given an id for.

        It is learned from as soon as no earlier event waits for its own.

        Parameters
        ----------
        id : str or int
            The event's.
        target : float, mapping, sequence or object
            As for `learn`.

        Returns
        -------
        Report
            As from `learn`.

        Raises
        ------
        ValueError
            If no event with this id waits, or the target cannot be read; nothing has changed then.
        """
        with self._lock:
            predictor, number = self._predictor, None
            if predictor is not None and isinstance(id, str | int):
                number = predictor.waiting.find(id)
            if predictor is None or number is None:
                raise ValueError(
                    f"id must be that of an event that waits for its target, got {id!r}"
                )
            try:
                return predictor.learn_target(number, target)
            except ValueError:
                if self.bad != "skip":
                    raise
                return self._skip()

    def follow(self, event: object, target: Target | EllipsisType = _ABSENT) -> Report:
        """Take the next event in without learning from it: only what is remembered changes.

        Weights, scales and what is usual stay as they are. A model that has followed does not learn
        again; `copy.deepcopy` it before, or load it again.

        Parameters
        ----------
        event, target
            As for `learn`.

        Returns
        -------
        Report
            As from `learn`.

        Raises
        ------
        ValueError
            If the event or its target cannot be read, or the model has learned from none yet.
        """
        with self._lock:
            predictor = self._predictor
            if predictor is None:
                raise ValueError("a model must have learned from an event before it can follow")
            try:
                reading = self._read(predictor, event, target, None)
            except ValueError:
                if self.bad != "skip":
                    raise
                return self._skip()
            return predictor.follow(reading)

    def _read(
        self,
        predictor: NumberPredictor | ClassPredictor,
        event: object,
        target: object,
        id: str | int | None,
    ) -> Reading:
        """Take an event and its target apart; a ValueError where they cannot be read."""
        if id is not None:
            if self.horizon:
                raise ValueError(f"id must be left out where horizon is not 0, got {id!r}")
            if not isinstance(id, str | int) or id in predictor.waiting.ids:
                raise ValueError(f"id must be a string or whole number that none has, got {id!r}")
        has_target = target is not _ABSENT
        if has_target and self.horizon and self.task != "symbols":
            predictor.read(event, None, True, None)  # a fault of the event comes first
            raise ValueError("target must be left out where horizon is not 0: events bring it")
        return predictor.read(event, target, has_target, id)

    def _skip(self) -> Report:
        if self._predictor is None:
            self._skipped_first += 1
        else:
            self._predictor.stream.skip()
        return Report(None, skipped=True)

    # ---- the first event ----

    def _options(self) -> Options:
        return Options(
            self.horizon,
            self.period or 0,
            self.cells,
            self.layers,
            self.rates,
            self.categories,
            self.max_delay,
            self.detect,
        )

    def _encoder(self) -> Encoder:
        bad: Literal["missing", "raise"] = "missing" if self.bad == "missing" else "raise"
        encoder = Encoder(self.time, self.categories, self.new_columns, bad)
        if self.task == "symbols":
            encoder.declare(SYMBOL)
        elif self.task == "classification":
            encoder.declare(self._given_targets[0])
        return encoder

    def _first(self, event: object) -> NumberPredictor | ClassPredictor:
        """The predictor that an event is the first of: the one choice between tasks."""
        options, encoder = self._options(), self._encoder()
        if self.task == "regression":
            return NumberPredictor.first(
                options, self._given_targets, encoder, self._generator, event
            )
        symbols = self.task == "symbols"
        column = SYMBOL if symbols else self._given_targets[0]
        return ClassPredictor.first(
            options, column, encoder, self._generator, event, symbols=symbols
        )

    def _try_first(self, event: object, target: object) -> None:
        """See whether an event could be the first."""
        before = self._generator.bit_generator.state
        try:
            self._read(self._first(event), event, target, None)
        finally:
            self._generator.bit_generator.state = before

    def _unknown(self) -> Prediction:
        """What is answered before the first event."""
        if self.task == "regression":
            return Prediction(None, (self.targets, max(self.horizon, 1)))
        return Prediction(None)

    # ---- what it holds ----

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns that are predicted; without a `target`, known from the first event on."""
        if self.task == "regression" and self._predictor is not None:
            return self._predictor.targets
        return self._given_targets

    @property
    def events(self) -> int:
        """Events taken in."""
        return 0 if self._predictor is None else self._predictor.stream.events

    @property
    def skipped(self) -> int:
        """Events left out by ``bad="skip"``."""
        later = 0 if self._predictor is None else self._predictor.stream.skipped
        return self._skipped_first + later

    @property
    def missed(self) -> int:
        """Targets that came too late or not at all."""
        return 0 if self._predictor is None else self._predictor.stream.missed

    @property
    def following(self) -> bool:
        """Whether it has followed, and so does not learn again."""
        return self._predictor is not None and self._predictor.stream.is_following

    @property
    def size(self) -> int:
        """Bytes of its numeric state; 0 before the first event."""
        return 0 if self._predictor is None else self._predictor.stream.size

    @property
    def networks(self) -> list[Network]:
        """Copies of its networks as they are now; none before the first event."""
        if self._predictor is None:
            return []
        return self._predictor.ensemble.copies(self._predictor.stream)

    def input_names(self) -> list[str]:
        """What the networks' inputs are, in order; none before the first event."""
        return [] if self._predictor is None else self._predictor.input_names

    def diagnostics(self) -> Diagnostics:
        """How its networks have fared so far."""
        return Diagnostics() if self._predictor is None else diagnose(self._predictor.stream)

    # ---- copies ----

    def __getstate__(self) -> dict[str, object]:
        arrays, metadata = self.to_checkpoint()
        return {"arrays": arrays, "metadata": metadata}

    def __setstate__(self, state: dict[str, dict[str, object]]) -> None:
        self.__dict__.update(vars(Model.from_checkpoint(state["arrays"], state["metadata"])))

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return copy.copy(self)

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        with self._lock:
            twin.__dict__.update(self.__dict__)
            twin._lock = threading.RLock()
            twin._generator = copy.deepcopy(self._generator)
            twin._predictor = copy.deepcopy(self._predictor)
            if twin._predictor is not None:
                twin._predictor.ensemble.generator = twin._generator
        return twin

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole state into one file, which `lethe.load` reads.

        Parameters
        ----------
        path : str or os.PathLike
            The file, made or replaced; the old file or the new one is there at every moment.

        Raises
        ------
        CheckpointError
            If it cannot be written; an old file is as it was.
        """
        storage.write(path, *self.to_checkpoint())

    def to_checkpoint(self) -> tuple[dict[str, object], dict[str, object]]:
        """The arrays and metadata of a checkpoint, for `lethe.storage`."""
        with self._lock:
            options = {name: getattr(self, name) for name in _OPTIONS}
            state: dict[str, object] = {
                "options": options | {"target": list(self._given_targets) or None},
                "generator": self._generator.bit_generator.state,
                "skipped": self._skipped_first,
                "predictor": None if self._predictor is None else state_of(self._predictor),
            }
            text = json.dumps(state, separators=(",", ":")).encode()
            block = b"" if self._predictor is None else self._predictor.stream.save()
            # As an array: a model that knows thousands of categories has a long state.
            arrays: dict[str, object] = {
                "block": np.frombuffer(block, np.uint8),
                "state": np.frombuffer(text, np.uint8),
            }
            return arrays, {"kind": "Model", "version": __version__, "events": self.events}

    @classmethod
    def from_checkpoint(cls, arrays: dict[str, object], metadata: dict[str, object]) -> Self:
        """The model whose `to_checkpoint` these are.

        Raises
        ------
        ValueError
            If they are not those of one model.
        """
        block, text = arrays.get("block"), arrays.get("state")
        if "life" in arrays:
            raise ValueError("it is of Lethe 0.1.0, whose models this version cannot read")
        for array in (block, text):
            if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.ndim != 1:
                raise ValueError("it must have a block and a state, both of bytes")
        state = Fields(
            parsed(text), "model", ("options", "generator", "skipped", "predictor")
        )
        given = Fields(state["options"], "options", (*_OPTIONS, "target"))
        made = cls(**{name: given[name] for name in (*_OPTIONS, "target")})
        for name in _OPTIONS:  # the types, too: 1 is not True
            value = getattr(made, name)
            is_same = list(value) == given[name] if name == "rates" else value == given[name]
            if not is_same or (name != "rates" and type(value) is not type(given[name])):
                raise given.wrong(name)
        made._generator = generator_from(state["generator"])
        made._skipped_first = state.count("skipped")
        if state["predictor"] is not None:
            made._predictor = predictor_from(
                state["predictor"],
                block,
                made.task,
                made._options(),
                made._encoder(),
                made._given_targets,
                made._generator,
            )
        elif len(block):
            raise ValueError("it has a block and no predictor")
        return made


#: The parameters that a checkpoint keeps by name; `target` is another.
_OPTIONS = (
    "task", "horizon", "time", "period", "cells", "layers", "rates", "categories", "max_delay",
    "detect", "bad", "new_columns",
)  # fmt: skip
