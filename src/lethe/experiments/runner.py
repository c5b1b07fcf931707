"""Which tables there are, what they need, and one trial of them run."""

from __future__ import annotations

import time
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from lethe.core import instruction_set
from lethe.experiments.results import Record
from lethe.experiments.table import Task
from lethe.version import __version__

__all__ = ["EXTRAS", "TABLES", "missing", "run_task", "table_module"]

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


def table_module(name: str) -> Any:
    """The module of one of `TABLES`, imported now."""
    return import_module(f"lethe.experiments.tables.{name.replace('-', '_')}")


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
