"""The papers' tables and figures: one file each, with its configurations and its comparison.

A table's file has ``TITLE``, ``ROWS`` (name to `Row`), ``SHORT`` and ``FULL`` (a `Plan` each) and
``compare(records, rows)``, the table with the paper's figures beside ours; ``RESULT`` is what it
reads of a record, by type. ``lethe reproduce`` runs it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from lethe.network import instruction_set
from lethe.results import Record
from lethe.version import __version__

__all__ = ["EXTRAS", "TABLES", "Plan", "Row", "RowTrial", "Task", "missing", "run_task", "table"]

#: The tables that ``lethe reproduce`` knows, and a line about each.
TABLES: dict[str, str] = {
    "erg": "the embedded Reber grammar with resets, Table 1's LSTM",
    "cerg": "the continual embedded Reber grammar, Table 2",
    "nto": "noisy temporal order, section 4.6",
    "cnto": "continual noisy temporal order, Table 3",
    "long-lags": "the experiments of 1997, with standard LSTM and with forget gates",
    "improvements": "ideas for better rows in Tables 2 and 3, what worked and what did not",
    "baselines": "the other systems in the papers beside both LSTMs, Table 1 whole",
    "credit": "one LSTM with forget gates, five ways for errors to reach its weights",
    "sections": "what sections 2 to 4 say besides: penalties, decays, biases, restarts, lesions",
}


#: The tables whose trials need an extra: its name, and the packages that it brings.
EXTRAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "baselines": ("baselines", ("jax", "optax")),
    "credit": ("baselines", ("jax", "optax")),
}


def missing(name: str) -> str:
    """What running a table lacks here, with the command that installs it; empty: nothing."""
    extra, packages = EXTRAS.get(name, ("", ()))
    absent = [package for package in packages if find_spec(package) is None]
    if not absent:
        return ""
    return f'{name} needs {" and ".join(absent)}: pip install "lethe-ml[{extra}]"'


def table(name: str) -> Any:
    """The module of one of `TABLES`, imported now."""
    return import_module(f"lethe.experiments.{name.replace('-', '_')}")


class RowTrial(Protocol):
    """What a row tries with each seed: a frozen dataclass, such as `lethe.trial.Trial`."""

    @property
    def dtype(self) -> str:
        """Of the networks."""

    def configuration(self) -> dict[str, Any]:
        """All that a reader needs to run this again, as plain JSON values."""

    def run(self, seed: int) -> Any:
        """Run it; the result is a dataclass of plain JSON values."""


_Tried = TypeVar("_Tried", bound=RowTrial, covariant=True)


@dataclass(frozen=True)
class Row(Generic[_Tried]):
    """A row of a table: what is tried, and what the paper found (None for what is ours alone).

    The paper's figures are in the form that the table's ``compare`` reads.
    """

    title: str
    trial: _Tried
    report: Any = None


class Task(NamedTuple):
    """One trial of a table."""

    experiment: str
    row: str
    seed: int
    trial: RowTrial

    def key(self) -> dict[str, Any]:
        """The part of the record that says which trial it is."""
        return {
            "experiment": self.experiment,
            "row": self.row,
            "seed": self.seed,
            "configuration": self.trial.configuration(),
        }


@dataclass(frozen=True)
class Plan:
    """How much of a table to run.

    Attributes
    ----------
    rows : tuple of str
        Their trials run in turn: the first seed of every row, then the second.
    trials : int
        Trials of each row.
    fewer : dict of str to int
        Rows with another number of trials, because each takes long.
    limits : dict of str to int
        Limits to put in place of those of the rows' trials, where they have greater ones.
    first_seed : int
        The seed of the first trial of each row.
    fillers : tuple of str
        Rows whose trials are short. They run last, so that a trial that takes long does not run
        alone at the end.
    """

    rows: tuple[str, ...]
    trials: int
    fewer: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    limits: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    first_seed: int = 0
    fillers: tuple[str, ...] = ()

    def tasks(
        self, experiment: str, rows: Mapping[str, Row[RowTrial]], seed: int | None = None
    ) -> list[Task]:
        """All trials, from this seed or the plan's on, in the order in which they start."""
        first = self.first_seed if seed is None else seed
        groups = (
            [name for name in self.rows if name not in self.fillers],
            [name for name in self.rows if name in self.fillers],
        )
        return [
            Task(experiment, name, first + number, self._limited(rows[name].trial))
            for group in groups
            for number in range(self.trials)
            for name in group
            if number < self.fewer.get(name, self.trials)
        ]

    def _limited(self, trial: Any) -> RowTrial:
        own = {field.name: getattr(trial, field.name) for field in fields(trial)}
        limits = {k: min(v, own[k]) for k, v in self.limits.items() if k in own}
        limited: RowTrial = replace(trial, **limits)
        return limited


def run_task(task: Task) -> Record:
    """Run one trial and make its record.

    Parameters
    ----------
    task : Task
        The trial.

    Returns
    -------
    dict
        Plain JSON values: which trial, its result, seconds by the clock and of the processor, and
        what it ran on.
    """
    began, worked = time.perf_counter(), time.process_time()
    result = task.trial.run(task.seed)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
    record = {"experiment": task.experiment, "row": task.row, "seed": task.seed} | asdict(result)
    return record | {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "version": __version__,
        "dtype": task.trial.dtype,
        "instruction_set": instruction_set(),
        "configuration": task.trial.configuration(),
    }
