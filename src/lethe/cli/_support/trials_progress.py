"""A bar for trials that run for minutes or hours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lethe.cli._support.printable import console
from lethe.cli._support.status_line import plain_line

if TYPE_CHECKING:
    from lethe.experiments import Task

__all__ = ["trials_progress"]


@contextmanager
def trials_progress(name: str, trials: int, done: int) -> Iterator[Callable[[Task], None]]:
    """A bar for all trials, on a terminal; what it yields is told of each that has ended."""
    if not sys.stderr.isatty():
        yield lambda task: None
        return
    try:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
    except ImportError:
        with plain_line() as show:
            yield _counted(show, name, trials, done)
        return
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("trials,"),
        TimeElapsedColumn(),
        TextColumn("gone,"),
        TimeRemainingColumn(),
        TextColumn("to go"),
        console=console(),
        transient=True,
    )
    with bar:
        all_trials = bar.add_task(name, total=trials, completed=done)
        yield lambda task: bar.update(all_trials, advance=1, description=_words(task))


def _counted(
    show: Callable[[str], None], name: str, trials: int, done: int
) -> Callable[[Task], None]:
    """The same in words."""
    show(f"{name}: {done} of {trials} trials")

    def finished(task: Task) -> None:
        nonlocal done
        done += 1
        show(f"{_words(task)}: {done} of {trials} trials")

    return finished


def _words(task: Task) -> str:
    return f"{task.experiment} {task.row}"
