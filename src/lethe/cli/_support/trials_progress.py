"""A bar for trials that run for minutes or hours."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from lethe.experiments import Task

__all__ = ["TrialsProgress"]


class TrialsProgress(AbstractContextManager["TrialsProgress"]):
    """A bar for all trials, on a terminal."""

    def __init__(self, name: str, trials: int, done: int) -> None:
        self._bar: Progress | None = None
        if not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("trials,"),
            TimeElapsedColumn(),
            TextColumn("gone,"),
            TimeRemainingColumn(),
            TextColumn("to go"),
            console=Console(stderr=True),
            transient=True,
        )
        self._all = self._bar.add_task(name, total=trials, completed=done)

    def __enter__(self) -> TrialsProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def finished(self, task: Task) -> None:
        """A trial has ended."""
        if self._bar is not None:
            self._bar.update(self._all, advance=1, description=f"{task.experiment} {task.row}")
