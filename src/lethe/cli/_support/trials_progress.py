"""Bars for trials that run for minutes or hours: one for all, and one for each that runs now."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lethe.cli._support.log import LOG
from lethe.cli._support.printable import console
from lethe.cli._support.status_line import plain_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from lethe.experiments import Task
    from lethe.experiments.watched import AtWork

__all__ = ["LOG_SECONDS", "TrialsProgress", "trials_progress"]

#: Seconds from one line to the next at least, where there is no terminal.
LOG_SECONDS = 30.0


class TrialsProgress(NamedTuple):
    """What the trials of a run tell.

    Attributes
    ----------
    finished : callable
        Is told of each trial that has ended.
    folder : pathlib.Path or None
        Where trials say how far they are (`lethe.experiments.watched`); None: nobody looks.
    """

    finished: Callable[[Task], None]
    folder: Path | None = None


class _Display:
    """What is shown: counts the trials that have ended, and takes those that run now."""

    def __init__(self, name: str, trials: int, done: int) -> None:
        self.words, self.trials, self.done = name, trials, done
        self.running: Sequence[AtWork] = ()
        # Trials end in one thread, and another looks how far the others are.
        self._lock = threading.Lock()

    def finished(self, task: Task) -> None:
        """A trial has ended."""
        with self._lock:
            self.done += 1
            self.words = f"{task.experiment} {task.row}"
            self.running = [
                one for one in self.running if (one.row, one.seed) != (task.row, task.seed)
            ]
            self.show()

    def look(self, folder: Path) -> None:
        """See how far the trials are that run now."""
        from lethe.experiments.watched import at_work

        with self._lock:
            with suppress(OSError):  # temporary files may be cleared
                self.running = at_work(folder)
            self.show()

    def show(self) -> None:
        """Show it."""
        raise NotImplementedError


class _Line(_Display):
    """In words, where rich is not installed."""

    def __init__(self, show: Callable[[str], None], name: str, trials: int, done: int) -> None:
        super().__init__(name, trials, done)
        self._show = show
        self.show()

    def show(self) -> None:
        running = (f"; {_name(one)}: {_counted(one)}" for one in self.running)
        self._show(f"{self.words}: {self.done} of {self.trials} trials{''.join(running)}")


class _Log(_Display):
    """In lines of a log, where there is no terminal: one where a trial ends, but not too many."""

    def __init__(self, name: str, trials: int, done: int) -> None:
        super().__init__(name, trials, done)
        self._told = time.monotonic()

    def show(self) -> None:
        now = time.monotonic()
        if now - self._told >= LOG_SECONDS:
            self._told = now
            LOG.info("%s: %s of %s trials", self.words, self.done, self.trials)


class _Bars(_Display):
    """As bars."""

    def __init__(self, bars: Progress, name: str, trials: int, done: int) -> None:
        super().__init__(name, trials, done)
        self._bars = bars
        self._all = bars.add_task(name, total=trials, completed=done, counted="", left="to go")
        self._of: dict[str, TaskID] = {}
        self.show()

    def show(self) -> None:
        counted = f"{self.done}/{self.trials} trials,"
        self._bars.update(self._all, completed=self.done, description=self.words, counted=counted)
        names = {_name(one): one for one in self.running}
        for gone in self._of.keys() - names.keys():
            self._bars.remove_task(self._of.pop(gone))
        for name, one in names.items():
            if name not in self._of:
                self._of[name] = self._bars.add_task(
                    f"  {name}", total=None, counted="", left="at most"
                )
            self._bars.update(
                self._of[name],
                total=one.most or None,
                completed=one.done,
                counted=f"{_counted(one)},",
            )


def _name(one: AtWork) -> str:
    return f"{one.row} seed {one.seed}"


def _counted(one: AtWork) -> str:
    return f"{one.done:,}/{one.most:,} {one.unit}" if one.most else "begun"


@contextmanager
def trials_progress(
    name: str, trials: int, done: int, *, here: bool = True
) -> Iterator[TrialsProgress]:
    """Show how far a run is, on a terminal; elsewhere log it now and then.

    Parameters
    ----------
    name : str
        Of the table.
    trials, done : int
        How many trials there are, and how many of them have ended before.
    here : bool
        Whether they run on this machine; how far others are is not shown.
    """
    if not sys.stderr.isatty():
        yield TrialsProgress(_Log(name, trials, done).finished)
        return
    with (
        _display(name, trials, done) as display,
        # Processes that are ended may still write.
        tempfile.TemporaryDirectory(prefix="lethe-", ignore_cleanup_errors=True)
        if here
        else nullcontext() as made,
    ):
        if made is None:
            yield TrialsProgress(display.finished)
            return
        folder = Path(made)
        with _again_and_again(lambda: display.look(folder)):
            yield TrialsProgress(display.finished, folder)


@contextmanager
def _display(name: str, trials: int, done: int) -> Iterator[_Display]:
    try:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as Remaining
        from rich.table import Column
    except ImportError:
        with plain_line() as show:
            yield _Line(show, name, trials, done)
        return

    def whole(width: int) -> Column:
        return Column(no_wrap=True, min_width=width)

    bars = Progress(
        # Where a line is too long, names are cut, and the bar is short.
        TextColumn("{task.description}", markup=False, table_column=Column(ratio=3, no_wrap=True)),
        BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=2)),
        TextColumn("{task.fields[counted]}", markup=False, table_column=whole(0)),
        TimeElapsedColumn(table_column=whole(7)),
        TextColumn("elapsed,", table_column=whole(8)),
        Remaining(table_column=whole(7)),
        TextColumn("{task.fields[left]}", table_column=whole(7)),
        console=console(),
        transient=True,
        expand=True,
        # Else what is printed meanwhile would go where the bars are, and not into a file.
        redirect_stdout=sys.stdout.isatty(),
    )
    with bars:
        yield _Bars(bars, name, trials, done)


@contextmanager
def _again_and_again(look: Callable[[], None]) -> Iterator[None]:
    """Look twice a second, in a thread."""
    from lethe.experiments.watched import SECONDS

    ended = threading.Event()

    def until_the_end() -> None:
        while not ended.wait(SECONDS):
            look()

    thread = threading.Thread(target=until_the_end, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
