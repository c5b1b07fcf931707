"""How far trials are that run now: each keeps a line in a file of its own, in one folder.

A trial may run in another process, which may be killed, so there is nothing to connect to: whoever
wants to know reads the files. Results do not depend on them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from lethe.experiments.records import Record
from lethe.experiments.runner import run_task
from lethe.experiments.table import Task
from lethe.trials.progress import OnProgress

__all__ = ["SECONDS", "AtWork", "at_work", "run_watched"]

#: Seconds from one line of a trial to the next.
SECONDS = 0.5


class AtWork(NamedTuple):
    """A trial that runs now.

    Attributes
    ----------
    row : str
        Its row.
    seed : int
        Its seed.
    done, most : int
        How much it has learned from, and the most there will be: it ends earlier where it is
        solved. Both 0: it has begun.
    unit : str
        What is counted, such as "streams".
    """

    row: str
    seed: int
    done: int
    most: int
    unit: str


def run_watched(task: Task, folder: Path) -> Record:
    """Run one trial as `run_task` does, and say in this folder how far it is.

    Parameters
    ----------
    task : Task
        The trial.
    folder : pathlib.Path
        A folder of this run's own, on this machine.

    Returns
    -------
    Record
    """
    with _told(task, folder) as on_progress:
        return run_task(task, on_progress)


def at_work(folder: Path) -> list[AtWork]:
    """The trials that run now and have said how far they are, by row and seed."""
    found = []
    for path in folder.iterdir():
        # It may end at this moment, or write.
        with suppress(OSError, ValueError, TypeError):
            found.append(AtWork(*json.loads(path.read_bytes())))
    return sorted(found)


@contextmanager
def _told(task: Task, folder: Path) -> Iterator[OnProgress | None]:
    """What writes a trial's line, which is gone when the trial has ended; it raises nothing."""
    path = folder / f"{task.row}-{task.seed}"
    try:
        file = path.open("wb", buffering=0)
    except OSError:
        yield None
        return

    def tell(done: int, most: int, unit: str) -> None:
        with suppress(OSError):
            file.seek(0)
            file.write(json.dumps(AtWork(task.row, task.seed, done, most, unit)).encode())

    told = time.monotonic()

    def on_progress(done: int, most: int, unit: str) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= SECONDS:
            told = now
            tell(done, most, unit)

    try:
        with file:
            tell(0, 0, "")
            yield on_progress
    finally:
        with suppress(OSError):
            path.unlink()
