"""The papers' tables and figures: one file each, with its configurations and its comparison.

A table's file has ``TITLE``, ``ROWS`` (name to `Row`), ``SHORT`` (a `Plan`), ``FULL`` (a `Plan`)
and ``compare(records, rows)``, the table with the paper's figures beside ours; ``RESULT`` is what
it reads of a record, by type. ``lethe reproduce`` runs it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from lethe.network import instruction_set
from lethe.results import Record
from lethe.trial import Trial
from lethe.version import __version__

__all__ = ["TABLES", "Plan", "Row", "Task", "run_task"]

#: The tables that ``lethe reproduce`` knows, and a line about each.
TABLES: dict[str, str] = {"cerg": "the continual embedded Reber grammar, Table 2 of the report"}


@dataclass(frozen=True)
class Figures:
    """A row of Table 2 as printed: percentages, and the means that stand beside them.

    Attributes
    ----------
    solutions : int
        Per cent of the trials that were perfect.
    streams : int or None
        Their mean number of training streams.
    good, rest : int
        Per cent of the trials with a mean test stream above 1,000 symbols, and of the others.
    good_mean, rest_mean : int or None
        Their mean test streams.
    """

    solutions: int
    streams: int | None
    good: int
    good_mean: int | None
    rest: int
    rest_mean: int | None


@dataclass(frozen=True)
class Row:
    """A row of a table: what is tried, and what the paper found (None for an ablation of ours)."""

    title: str
    trial: Trial
    report: Figures | None


@dataclass(frozen=True)
class Plan:
    """How much of a table to run.

    Attributes
    ----------
    rows : tuple of str
        Their trials run in turn: the first seed of every row, then the second.
    trials : int
        Trials of each row.
    training_streams, stream_length : int
        The limits of each trial.
    fillers : tuple of str
        Rows whose trials are short. They run last, so that a trial that takes long does not run
        alone at the end.
    """

    rows: tuple[str, ...]
    trials: int
    training_streams: int
    stream_length: int
    fillers: tuple[str, ...] = ()


class Task(NamedTuple):
    """One trial of a table."""

    experiment: str
    row: str
    seed: int
    trial: Trial

    def key(self) -> dict[str, Any]:
        """The part of the record that says which trial it is."""
        return {
            "experiment": self.experiment,
            "row": self.row,
            "seed": self.seed,
            "configuration": self.trial.configuration(),
        }


def run_task(task: Task, on_news: Callable[[tuple[int, int]], None]) -> Record:
    """Run one trial and make its record.

    Parameters
    ----------
    task : Task
        The trial.
    on_news : callable
        As for `Trial.run`.

    Returns
    -------
    dict
        Plain JSON values: which trial, its `TrialResult`, seconds, and what it ran on.
    """
    began = time.perf_counter()
    result = task.trial.run(task.seed, on_news)
    seconds = time.perf_counter() - began
    record = {"experiment": task.experiment, "row": task.row, "seed": task.seed} | asdict(result)
    return record | {
        "seconds": round(seconds, 3),
        "version": __version__,
        "dtype": task.trial.dtype,
        "instruction_set": instruction_set(),
        "configuration": task.trial.configuration(),
    }
