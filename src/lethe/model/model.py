"""Model: predicts a stream of events, learns from it and scores anomalies."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from datetime import date
from types import EllipsisType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lethe import storage
from lethe._printable import printable
from lethe.core._checks import check_path, generator
from lethe.core.network import Network
from lethe.model.alarms import Alarm, AlarmRule
from lethe.model.counted import Counted
from lethe.model.description import (
    Configuration,
    alarms_of,
    classes_of,
    configuration_of,
    networks_of,
    weights_of,
)
from lethe.model.engine import ABSENT, Engine
from lethe.model.monitor import Diagnostics, diagnose
from lethe.model.networks import RATES
from lethe.model.parameters import Bad, NewColumns, Parameters, Task
from lethe.model.prediction import Prediction
from lethe.model.report import Report
from lethe.model.values import Label
from lethe.version import __version__

__all__ = ["Model"]

Array = NDArray[np.generic]
Checkpoint = tuple[dict[str, Array], dict[str, object]]
Target = float | str | bool | Sequence[float] | object


class Model(Counted):
    """Predicts each event of a stream, and learns from it, in constant memory and time.

    An event is a mapping of columns to values, a row (of pandas, Polars or Arrow, too), or
    (``task="symbols"``) a symbol. Numbers, strings, booleans, times and missing values (None, "" or
    no such column) are told apart by a column's first value. Nothing needs to be declared or tuned.

    Parameters
    ----------
    target : str or sequence of str, optional
        The column(s) to predict. Without it every column of the first event that holds numbers is
        predicted one event ahead. One that is missing there is waited for, at most 100 events (or
        fewer wide ones): until all such columns have had a value it is not among the targets, then
        the events so far are learned again, in order, with all of them. Where no column has had a
        number yet, a Report is what it is before the first event.
    task : {"regression", "classification", "symbols"}
        What a target is: a number, a class, or the event itself, which is a symbol.
    horizon : int, optional
        0: an event's target from its other columns and all events before. 1 or more: the targets of
        that many events to come, each with output units of its own. By default 0 with a `target`
        and else 1.
    time : str, optional
        The column with the time of an event; by default the first that holds times.
    period : int or (int, int), optional
        Events after which a season repeats, or two. By default days, weeks and years are looked up
        where there are times, and other periods are found.
    cells, layers : int
        Memory cells in each layer of each network, and layers.
    rates : sequence of float
        Learning rates, one for each network.
    categories : int
        The most categories of a column, or classes; then the least recently used gives way.
    max_delay : int
        The longest delay of a target, in events; beyond that it counts as missing.
    detect : bool
        Whether to score how anomalous each event is.
    bad : {"missing", "skip", "raise"}
        What becomes of NaN, infinite and absurd numbers (beyond ±1e150): they are missing, their
        event is skipped (as is each that cannot be read), or a ValueError is raised.
    new_columns : {"raise", "grow"}
        What becomes of columns that the first event did not have.
    bounds : (float or None, float or None), optional
        The least and the most that targets can be; by default a range that they have kept to.
    holidays : str or sequence of date, optional
        A country ("DE", "US-CA", as the package of that name has them) or dates: which days of
        events are holidays, by the zone of their times, or else UTC.
    alarms : AlarmRule or mapping of str to AlarmRule, optional
        Which alarms are wanted, of all targets or of each by its name; see docs/anomalies.md.
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
        period: int | tuple[int, int] | None = None,
        cells: int = 32,
        layers: int = 1,
        rates: Sequence[float] = RATES,
        categories: int = 1000,
        max_delay: int = 1000,
        detect: bool = True,
        bad: Bad = "missing",
        new_columns: NewColumns = "raise",
        bounds: tuple[float | None, float | None] | None = None,
        holidays: str | Sequence[date | np.datetime64 | str] | None = None,
        alarms: AlarmRule | Mapping[str, AlarmRule] | None = None,
        seed: int | np.random.Generator = 0,
    ) -> None:
        parameters = Parameters.checked(
            target,
            task=task,
            horizon=horizon,
            time=time,
            period=period,
            cells=cells,
            layers=layers,
            rates=rates,
            categories=categories,
            max_delay=max_delay,
            detect=detect,
            bad=bad,
            new_columns=new_columns,
            bounds=bounds,
            holidays=holidays,
            alarms=alarms,
        )
        self._engine = Engine(parameters, generator(seed))
        self._lock = threading.RLock()

    def _refuse_nested(self) -> None:
        # A signal handler, a finalizer, or a value's own method, called while this thread is at
        # work in here: it would see a model half-way, or change one.
        if self._lock._is_owned():  # type: ignore[attr-defined]
            raise RuntimeError("a model must not be called from within a call of its own")

    # ---- predicting: nothing changes ----

    def predict(self, event: object = None) -> Prediction:
        """What is expected; this does not change the model.

        Parameters
        ----------
        event : mapping, row or symbol, optional
            With ``horizon=0``: the event whose target is wanted. With a horizon: an event after
            which the answer is wanted, as if it came now; without it, after the last one.

        Returns
        -------
        Prediction
            Before the first event: 0 for numbers, no class.

        Raises
        ------
        ValueError
            If the event cannot be read.
        """
        self._refuse_nested()
        with self._lock:
            return self._engine.predict(event)

    def score(self, event: object, target: Target | EllipsisType = ABSENT) -> Report:
        """What `learn` would report of an event, but for alarms; this does not change the model.

        Parameters, result and errors are those of `learn`.
        """
        self._refuse_nested()
        with self._lock:
            return self._engine.score(event, target)

    # ---- learning ----

    def learn(
        self, event: object, target: Target | EllipsisType = ABSENT, *, id: str | int | None = None
    ) -> Report:
        """Take the next event in, and learn from every target that it brings.

        Parameters
        ----------
        event : mapping, row or symbol
            The event.
        target : float, mapping, sequence or object, optional
            Its target (``horizon=0``; None or NaN: missing); by default the event's own column(s).
        id : str or int, optional
            Names an event whose target comes later, by `learn_target`.

        Returns
        -------
        Report
            The prediction made before, and the anomaly score.

        Raises
        ------
        ValueError
            If the event or its target cannot be read; nothing has changed then.
        RuntimeError
            If the model has followed.
        """
        self._refuse_nested()
        with self._lock:
            return self._engine.learn(event, target, id)

    def learn_target(self, id: str | int, target: Target) -> Report:
        """Take in the target of an event that `learn` was given an id for.

        It is learned from as soon as no earlier event waits for its own.

        Raises
        ------
        ValueError
            If no event with this id waits, or the target cannot be read; nothing has changed then.
        """
        self._refuse_nested()
        with self._lock:
            return self._engine.learn_target(id, target)

    def follow(self, event: object, target: Target | EllipsisType = ABSENT) -> Report:
        """Take the next event in without learning from it: only what is remembered changes.

        Weights, scales and what is usual stay as they are. A model that has followed does not learn
        again; `copy.deepcopy` it before, or load it again. Parameters, result and errors are those
        of `learn`; the model must have learned from an event before.
        """
        self._refuse_nested()
        with self._lock:
            return self._engine.follow(event, target)

    # ---- what it holds ----

    @property
    def bad(self) -> Bad:
        """What becomes of bad values: "missing", "skip" or "raise"; it can be set."""
        return self.parameters.bad

    @bad.setter
    def bad(self, bad: Bad) -> None:
        self._refuse_nested()
        with self._lock:
            self._engine.set_bad(bad)

    @property
    def networks(self) -> list[Network]:
        """Copies of the networks as they answer now, in the order that docs/model.md gives."""
        self._refuse_nested()
        with self._lock:
            return networks_of(self._seeing)

    @property
    def classes(self) -> list[Label]:
        """The classes or symbols seen so far, in the order of the networks' outputs."""
        return classes_of(self._predictor)

    def input_names(self) -> list[str]:
        """The names of the networks' inputs, in order; `configuration` says which slot is whose."""
        return [] if self._seeing is None else self._seeing.input_names

    def predictor_weights(self) -> dict[str, float]:
        """The weight of each predictor, averaged over all targets; they sum to 1."""
        return weights_of(self._seeing)

    def configuration(self) -> Configuration:
        """The options and columns, as plain JSON values."""
        self._refuse_nested()
        with self._lock:
            return configuration_of(self.parameters, self._seeing)

    @property
    def alarms(self) -> list[Alarm]:
        """The alarms that have begun and are not over."""
        self._refuse_nested()
        with self._lock:
            return alarms_of(self._seeing)

    def diagnostics(self) -> Diagnostics:
        """Counts of problems found in the networks so far."""
        return Diagnostics() if self._predictor is None else diagnose(self._predictor.stream)

    def __repr__(self) -> str:
        of = printable(", ".join(self.targets)) or "all numbers"
        ahead = f", {self.horizon} ahead" if self.horizon else ""
        what = "symbols" if self.task == "symbols" else f"{self.task} of {of}"
        return f"<Model: {what}{ahead}, {self.events:,} events>"

    # ---- copies ----

    def __getstate__(self) -> Checkpoint:
        return self.to_checkpoint()

    def __setstate__(self, state: Checkpoint) -> None:
        self.__dict__.update(vars(Model.from_checkpoint(*state)))

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        self._refuse_nested()
        with self._lock:
            twin._engine = self._engine.copy()
        twin._lock = threading.RLock()
        return twin

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self.__copy__()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole state into one file, which `lethe.load` reads.

        The old one is there until the new one is whole (or a CheckpointError is raised).
        """
        storage.write(check_path("path", path), *self.to_checkpoint())

    def to_checkpoint(self) -> Checkpoint:
        """The arrays and metadata of a checkpoint, for `lethe.storage`."""
        self._refuse_nested()
        with self._lock:
            arrays, events = self._engine.to_arrays(), self.events
        return arrays, {"kind": "Model", "version": __version__, "events": events}

    @classmethod
    def from_checkpoint(cls, arrays: Mapping[str, Array], metadata: Mapping[str, object]) -> Self:
        """The model whose `to_checkpoint` these are.

        Raises
        ------
        ValueError
            If they are not those of one model.
        """
        made = cls.__new__(cls)
        made._engine = Engine.from_arrays(arrays)
        made._lock = threading.RLock()
        return made
