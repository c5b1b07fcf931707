"""Which tables there are, what they need, and how one of their trials is run."""

from __future__ import annotations

import time
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from lethe.core import instruction_set
from lethe.experiments.records import Record
from lethe.experiments.table import Table, Task
from lethe.trials.progress import OnProgress
from lethe.version import __version__

if TYPE_CHECKING:
    from lethe.experiments.tables import (
        baselines,
        cerg,
        cnto,
        credit,
        erg,
        improvements,
        long_lags,
        nto,
        record,
        sections,
        temporal_credit,
        timing,
    )

    # `table_module` cannot be checked; this is.
    _CHECKED: tuple[Table, ...] = (
        baselines,
        cerg,
        cnto,
        credit,
        erg,
        improvements,
        long_lags,
        nto,
        record,
        sections,
        temporal_credit,
        timing,
    )

__all__ = ["EXTRAS", "TABLES", "missing", "run_task", "table_module"]

#: The tables that ``lethe reproduce`` knows, with one line about each.
TABLES: dict[str, str] = {
    "erg": "the embedded Reber grammar with resets, Table 1's LSTM",
    "cerg": "the continual embedded Reber grammar, Table 2",
    "nto": "noisy temporal order, section 4.6",
    "cnto": "continual noisy temporal order, Table 3",
    "long-lags": "the experiments of 1997, with standard LSTM and with forget gates",
    "improvements": "ideas for better rows in Tables 2 and 3: what works and what does not",
    "record": "six tasks of the papers, learned by one learner of ours in fewer sequences",
    "baselines": "the other systems in the papers compared with both LSTMs, all of Table 1",
    "credit": "one LSTM with forget gates, five ways for errors to reach its weights",
    "temporal-credit": "how far immediate derivatives reach: shifts, copies, chains of steps",
    "timing": "rhythm and timing, with and without peepholes (Gers et al. 2002)",
    "sections": "other claims of sections 2 to 4: penalties, decays, biases, restarts, lesions",
}

#: The tables whose trials need an extra: its name, and the packages that it installs.
EXTRAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "baselines": ("baselines", ("jax", "optax")),
    "credit": ("baselines", ("jax", "optax")),
    "temporal-credit": ("baselines", ("jax", "optax")),
}


def missing(name: str) -> str:
    """What is not installed that a table needs, with the command that installs it; or empty."""
    extra, packages = EXTRAS.get(name, ("", ()))
    absent = [package for package in packages if find_spec(package) is None]
    if not absent:
        return ""
    return f'{name} needs {" and ".join(absent)}: pip install "lethe-ml[{extra}]"'


def table_module(name: str) -> Table:
    """Import the module of one of `TABLES`."""
    module = import_module(f"lethe.experiments.tables.{name.replace('-', '_')}")
    return cast(Table, module)


def run_task(task: Task, on_progress: OnProgress | None = None) -> Record:
    """Run one trial.

    Parameters
    ----------
    task : Task
        The trial.
    on_progress : callable, optional
        Told how far it is, see `lethe.trials.progress`.

    Returns
    -------
    Record
        The trial, its result, wall-clock and processor seconds, and what it ran on.
    """
    began, worked = time.perf_counter(), time.process_time()
    result = task.trial.run(task.seed, on_progress)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
    trial = {"experiment": task.experiment, "row": task.row, "seed": task.seed}
    ran = {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "version": __version__,
        "dtype": task.trial.dtype,
        "instruction_set": instruction_set(),
        "configuration": task.trial.configuration(),
    }
    return cast(Record, trial | asdict(result) | ran)
