"""Model: one object for a stream of events. It predicts, learns, notices and survives."""

from __future__ import annotations

import copy
import json
import math
import os
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from lethe import storage
from lethe.core._checks import check_bool, check_int, generator
from lethe.core.network import Network
from lethe.model.anomaly import AnomalyScorer
from lethe.model.answers import (
    Diagnostics,
    Prediction,
    Report,
    class_prediction,
    number_prediction,
)
from lethe.model.classes import NAIVE, ClassHeads
from lethe.model.encoding import Encoder, Seen, category_of, label_of, plain_event
from lethe.model.health import Health
from lethe.model.numbers import PREDICTORS, NumberHeads
from lethe.model.parameters import names_of, one_of, rates_of
from lethe.model.racing import RATES
from lethe.model.scaling import Values
from lethe.model.targets import own_target, target_of
from lethe.storage.state import pack, part
from lethe.version import __version__

__all__ = ["Model"]

Task = Literal["regression", "classification", "symbols"]

#: Room for columns to begin with; it doubles.
ROOM = 8

#: The column that a symbol stands in.
SYMBOL = "symbol"

_ABSENT: Any = object()


@part
class Model:
    """Predicts each event of a stream, and learns from it, in constant memory and time.

    An event is a mapping of columns to values, a row, or (``task="symbols"``) a symbol. Numbers,
    texts, truth values, times and missing values (None, "" or no such column) are told apart by the
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
        Learning rates that race.
    categories : int
        Values of a column of categories, or classes, that are told apart; the least recently used
        then gives way.
    max_delay : int
        Events that a target may be late by; then it counts as missing.
    detect : bool
        Whether to score how odd each event is; it takes some microseconds.
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

    LIFE: ClassVar = (
        "targets", "task", "horizon", "period", "cells", "layers", "rates", "categories",
        "max_delay", "detect", "bad", "generator", "encoder", "heads", "scorer", "health",
        "owed", "events", "skipped", "missed", "following",
    )  # fmt: skip

    # The event of the last `predict` and its answer, while nothing has changed since: `learn` of
    # the same event need not look at it again. No part of the model's life.
    _foreseen: Any = None

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
        seed: int = 0,
    ) -> None:
        self.targets = names_of(target)
        self.task = one_of("task", task, ("regression", "classification", "symbols"))
        if self.task == "symbols" and self.targets:
            raise ValueError(f"target must be left out for symbols, got {target!r}")
        if self.task == "classification" and len(self.targets) != 1:
            raise ValueError(f"target must be one column for classification, got {target!r}")
        if horizon is None:
            horizon = 0 if self.targets else 1
        most = 1000 if self.task == "regression" else 1
        self.horizon = check_int("horizon", horizon, 0, most)
        if self.horizon == 0 and not self.targets:
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
        growth = one_of("new_columns", new_columns, ("raise", "grow"))
        self.generator = generator(seed)
        self.encoder = Encoder(
            time, self.categories, growth, "missing" if self.bad == "missing" else "raise"
        )
        if self.task == "symbols":
            self.encoder.declare(SYMBOL)
        elif self.task == "classification":
            self.encoder.declare(self.targets[0])
        self.heads: Any = None  # made with the first event, which says what there is
        self.scorer: AnomalyScorer | None = None
        self.health = Health()
        self.owed: deque[Any] = deque()
        self.events = 0
        self.skipped = 0
        self.missed = 0
        self.following = False

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.LIFE}

    # ---- predicting: nothing changes ----

    def predict(self, event: Any = None) -> Prediction:
        """What is expected; not a bit of the model changes.

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
        if self.horizon and event is not None:
            twin = copy.deepcopy(self)
            (twin.follow if self.following else twin.learn)(event)
            return twin.predict()
        if self.horizon:
            return self._prediction(self._last())
        if event is None:
            raise ValueError("event must be given where horizon is 0, got None")
        seen = self._read(event)
        if self.heads is None:
            return self._prediction(None)
        foreseen = self.heads.look(self._columns(seen), seen.seconds)
        self.heads.answer(foreseen, self.heads.racers.peek(foreseen.x))
        prediction = self._prediction(foreseen)
        plain = seen.whole and not seen.new and type(event) is dict
        if plain and not self.health.is_due(self.events):
            self._foreseen = event.copy(), seen, foreseen, prediction
        return prediction

    def _prediction(self, event: Any) -> Prediction:
        if self.task == "regression":
            return number_prediction(self.heads, event, self.targets, max(self.horizon, 1))
        return class_prediction(self.heads, event)

    # ---- learning ----

    def learn(self, event: Any, target: Any = _ABSENT, *, id: str | int | None = None) -> Report:
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
            What had been expected, and how odd it is that this came.

        Raises
        ------
        ValueError
            If the event or its target cannot be read; nothing has changed then.
        """
        if self.following:
            raise RuntimeError("a model that has followed does not learn again; load it again")
        foreseen, self._foreseen = self._foreseen, None
        if foreseen is not None and foreseen[0] != event:
            foreseen = None
        try:
            seen = self._read(event) if foreseen is None else foreseen[1]
            value = self._value(event, target, id)
            if not self.targets and self.task == "regression":
                self._find_targets(seen)
        except ValueError:
            if self.bad != "skip":
                raise
            self.skipped += 1
            return Report(None, skipped=True)
        if self.heads is None or seen.new:
            seen, value = self._discover(event, seen, value)
        if self.horizon:
            report = self._ahead(seen, value)
        else:
            report = self._at_once(seen, value, id, foreseen)
        self.events += 1
        return report

    def learn_target(self, id: str | int, target: Any) -> Report:
        """Bring the target of an event that `learn` was given an id for.

        It is learned from as soon as no earlier event waits for its own.

        Raises
        ------
        ValueError
            If no event with this id waits, or the target cannot be read; nothing has changed then.
        """
        owed = next((owed for owed in self.owed if owed.id == id and not owed.known), None)
        if owed is None:
            raise ValueError(f"id must be that of an event that waits for its target, got {id!r}")
        try:
            value = target_of(target, self.task, self.targets, self.encoder.bad)
        except ValueError:
            if self.bad != "skip":
                raise
            self.skipped += 1
            return Report(None, skipped=True)
        self._foreseen = None
        report = self._notice(self._prediction(owed), owed, value)
        self._bring(owed, value)
        return report

    def follow(self, event: Any, target: Any = _ABSENT) -> Report:
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
        if self.heads is None:
            raise ValueError("a model must have learned from an event before it can follow")
        self._foreseen = None
        try:
            seen = self._read(event)
            value = self._value(event, target, None)
        except ValueError:
            if self.bad != "skip":
                raise
            self.skipped += 1
            return Report(None, skipped=True)
        self.following = True
        self.heads.racers.part_ways()
        before = self._last()
        if self.horizon:
            self.heads.follow(value, seen.seconds)
        now = self.heads.look(self._columns(seen), seen.seconds)
        self.heads.answer(now, self.heads.racers.step(now.x, owed=True))
        asked = before if self.horizon else now
        self.owed = deque([now] if self.horizon else [])
        prediction = self._prediction(asked)
        report = self._notice(prediction, asked, value, "follow")
        if not self.horizon:
            self.heads.follow(value, seen.seconds)
        self.events += 1
        return report

    def score(self, event: Any, target: Any = _ABSENT) -> Report:
        """What `learn` would report of an event; not a bit of the model changes.

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
        seen = self._read(event)
        value = self._value(event, target, None)
        if self.heads is None:
            return Report(self._prediction(None))
        asked = self._last()
        if not self.horizon:
            asked = self.heads.look(self._columns(seen), seen.seconds)
            self.heads.answer(asked, self.heads.racers.peek(asked.x))
        return self._notice(self._prediction(asked), asked, value, "score")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole life into one file, which `lethe.load` reads.

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

    def to_checkpoint(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arrays and metadata of a checkpoint, for `lethe.storage.file`."""
        arrays: dict[str, Any] = {}
        life = json.dumps(pack(self, "model", arrays))
        # As an array: a model that knows thousands of categories has a long life.
        arrays["life"] = np.frombuffer(life.encode(), np.uint8)
        return arrays, {"kind": "Model", "version": __version__, "events": self.events}

    # ---- what it is made of ----

    @property
    def networks(self) -> list[Network]:
        """Those that answer, one for each learning rate."""
        if self.heads is None:
            return []
        racers = self.heads.racers
        found: list[Network] = racers.fronts if racers.apart else racers.learners
        return found

    @property
    def waiting(self) -> int:
        """Events that wait for a target which may come late."""
        return 0 if self.horizon else len(self.owed)

    @property
    def classes(self) -> list[Any]:
        """The classes or symbols seen so far, in the order of the networks' outputs."""
        if self.heads is None or self.task == "regression":
            return []
        return [label_of(key) for key in self.heads.keys[1:]]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(array.nbytes for array in self.to_checkpoint()[0].values())

    def diagnostics(self) -> Diagnostics:
        """What the networks went through."""
        lost = 0 if self.heads is None else self.heads.racers.lost
        found = self.health.alarms
        return Diagnostics(
            found["saturated gate"], found["drifting state"], found["restarted block"], lost
        )

    def input_names(self) -> list[str]:
        """What the networks' inputs are, in order."""
        names: list[str] = [] if self.heads is None else self.heads.input_names(self.targets)
        return names

    def predictor_weights(self) -> dict[str, float]:
        """Weights in the mixture by predictor, averaged over all targets; they sum to 1."""
        if self.heads is None:
            return {}
        networks = [f"network, rate {rate:g}" for rate in self.rates]
        if self.task != "regression":
            weights = np.asarray(self.heads.mixture.weights)
            return dict(zip([*NAIVE, *networks], weights.tolist(), strict=True))
        names = [*PREDICTORS, *networks]
        rows = self.heads.part("mix_weights")
        first, second, both = np.split(rows, [len(names), 2 * len(names)], axis=1)
        weights = both[:, :1] * first + both[:, 1:] * second
        return dict(zip(names, weights.mean(axis=0).tolist(), strict=True))

    def configuration(self) -> dict[str, Any]:
        """The options and columns, as plain JSON values."""
        names = ("task", "horizon", "period", "cells", "layers", "categories",
                 "max_delay", "detect", "bad")  # fmt: skip
        return {
            "targets": list(self.targets),
            "options": {
                **{name: getattr(self, name) for name in names},
                "rates": list(self.rates),
                "new_columns": self.encoder.new_columns,
            },
            **self.encoder.configuration(),
            "never_seen": list(self.encoder.ignored),
        }

    # ---- how an event goes through ----

    def _read(self, event: Any) -> Seen:
        if self.task == "symbols":
            if event is None:
                raise ValueError("event must be a symbol, got None")
            return self.encoder.read({SYMBOL: event})
        return self.encoder.read(plain_event(event), self.targets)

    def _value(self, event: Any, target: Any, id: Any) -> Any:
        """The target that an event brings, or `_ABSENT` where it is to come."""
        if id is not None:
            if self.horizon:
                raise ValueError(f"id must be left out where horizon is not 0, got {id!r}")
            if not isinstance(id, str | int) or any(owed.id == id for owed in self.owed):
                raise ValueError(f"id must be a text or whole number that none has, got {id!r}")
        if self.task == "symbols":
            return category_of(SYMBOL, event)
        if target is not _ABSENT:
            if self.horizon:
                raise ValueError("target must be left out where horizon is not 0: events bring it")
            return target_of(target, self.task, self.targets, self.encoder.bad)
        columns = plain_event(event)
        if id is not None and not any(name in columns for name in self.targets):
            return _ABSENT
        if not self.targets:
            return None  # the first event says what they are
        return own_target(columns, self.task, self.targets, self.encoder.bad)

    def _find_targets(self, seen: Seen) -> None:
        self.targets = self.encoder.number_columns(seen)
        if not self.targets:
            raise ValueError("event must have a column of numbers to predict, got none")

    def _discover(self, event: Any, seen: Seen, value: Any) -> tuple[Seen, Any]:
        """Make room for columns that are new; with the first event, make the heads."""
        if self.heads is None:
            if self.task == "regression" and value is None:  # the event has said what targets are
                seen, value = (
                    self._read(event),
                    own_target(plain_event(event), self.task, self.targets, self.encoder.bad),
                )
            self.encoder.admit(seen)
            self._make_heads()
        else:
            self._make_room(self.encoder.admit(seen))
        return self._read(event), value

    def _make_heads(self) -> None:
        places = ROOM
        while places < self.encoder.used:
            places *= 2
        shared: dict[str, Any] = {
            "timed": self.encoder.time is not None,
            "places": places,
            "cells": self.cells,
            "layers": self.layers,
            "rates": self.rates,
            "generator": self.generator,
        }
        if self.task == "regression":
            horizon = max(self.horizon, 1)
            self.heads = NumberHeads(len(self.targets), horizon, period=self.period, **shared)
        else:
            symbols = self.task == "symbols"
            self.heads = ClassHeads(symbols=symbols, most=self.categories, **shared)
        if self.detect:
            self.scorer = AnomalyScorer(len(self.targets) if self.task == "regression" else 1)

    def _make_room(self, changed: list[int]) -> None:
        places = self.heads.places
        for place in changed:
            self.heads.forget(place)
        while places < self.encoder.used:
            places *= 2
        if places > self.heads.places:
            self.heads.grow(places, self.owed)

    def _columns(self, seen: Seen) -> Values:
        """What the columns, and the last class, say to the networks."""
        columns = np.zeros(self.heads.places)
        self.encoder.places(seen, columns)
        if self.task == "classification" and self.heads.last:
            last = self.heads.keys[self.heads.last]
            category = self.encoder.categories[self.targets[0]]
            columns[category.places.get(last, category.other)] = 1.0
        return columns

    def _front(self, seen: Seen, foreseen: Any = None) -> Any:
        """Let the front take an event."""
        if not seen.whole:
            self._make_room(self.encoder.admit(seen._replace(new=())))
        if self.health.is_due(self.events) and not (self.owed and self.owed[0].stepped):
            self.health.look(self.heads.racers, self.generator)
        event = self.heads.look(self._columns(seen), seen.seconds) if foreseen is None else foreseen
        outputs = self.heads.racers.step(event.x, owed=bool(self.owed))
        if foreseen is None or self.heads.racers.stumbled:
            self.heads.answer(event, outputs)
        event.stepped = not self.owed
        return event

    def _step(self, seen: Seen, id: Any, foreseen: Any = None) -> Any:
        """Let the front take an event, note that it is owed a target, and learn its columns."""
        event = self._front(seen, foreseen)
        self.heads.owe(event)
        event.id = id
        self.owed.append(event)
        self.encoder.observe(seen)
        return event

    def _at_once(self, seen: Seen, value: Any, id: Any, foreseen: Any) -> Report:
        """Horizon 0: the event is owed its own target."""
        # Most targets come with their events: then nothing needs to wait, and one call does it all.
        direct = not self.owed and value is not _ABSENT and self.task == "regression"
        step = foreseen and foreseen[2]
        owed = self._front(seen, step) if direct else self._step(seen, id, step)
        stands = foreseen is not None and not self.heads.racers.stumbled
        prediction = foreseen[3] if stands else self._prediction(owed)
        if direct:
            report = self._notice(prediction, owed, value)
            self.heads.conclude(owed, value)
            self.encoder.observe(seen)
            return report
        if value is _ABSENT:
            report = Report(prediction)
        else:
            report = self._notice(prediction, owed, value)
            self._bring(owed, value)
        if len(self.owed) > self.max_delay:
            self.missed += 1
            missing = target_of(None, self.task, self.targets, self.encoder.bad)
            self._bring(self.owed[0], missing)
        return report

    def _bring(self, owed: Any, value: Any) -> None:
        """A target is there; learn from every event that no earlier one holds up."""
        self.heads.bring(owed, value, 1)
        owed.known = True
        while self.owed and self.owed[0].known:
            first = self.owed[0]  # it is still owed where room for a new class is made
            self._note(first.value, first.seconds)
            self.heads.settle(self.owed.popleft())
        if not self.owed:
            self.heads.racers.rejoin()

    def _ahead(self, seen: Seen, value: Any) -> Report:
        """Horizon 1 or more: the event brings targets that earlier events are owed."""
        prediction = self._prediction(self._last())
        report = self._notice(prediction, self._last(), value)
        for ahead, owed in enumerate(reversed(self.owed), 1):
            self.heads.bring(owed, value, ahead)
        self._note(value, seen.seconds)
        if len(self.owed) == self.horizon:
            self.heads.settle(self.owed.popleft())
            if not self.owed:
                self.heads.racers.rejoin()
        self._step(seen, None)
        return report

    def _last(self) -> Any:
        """The last event, with what was predicted to follow it."""
        return self.owed[-1] if self.owed else None

    def _note(self, value: Any, seconds: float) -> None:
        """A target becomes part of the past, and so of what the next event is predicted from."""
        self.heads.note(value, seconds)
        if self.task == "classification" and value is not None:
            self._make_room(self.encoder.use(self.targets[0], value))

    def _notice(
        self, prediction: Prediction, event: Any, value: Any, how: str = "update"
    ) -> Report:
        """How odd it is that this came."""
        if event is None or self.scorer is None or value is None:
            return Report(prediction)
        judge = getattr(self.scorer, how)
        if self.task != "regression":
            surprise = -math.log(max(self.heads.probability(event, value), 1e-12))
            score, _, _ = judge(np.array([surprise]), np.zeros(1))
            column = SYMBOL if self.task == "symbols" else self.targets[0]
            return Report(prediction, score, column, prediction.value, label_of(value))
        expected = self.heads.mixed(event)[:: max(self.horizon, 1)]
        score, which, _ = judge(value, expected)
        return Report(
            prediction, score, self.targets[which], float(expected[which]), float(value[which])
        )
