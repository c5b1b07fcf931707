"""Worker processes: independent pieces of work, side by side, that end at once when told to."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

__all__ = ["WorkerError", "run_all"]

Task = TypeVar("Task")
Result = TypeVar("Result")

#: What a piece of work is called with: its task, and where to send news of how it goes.
Work = Callable[[Task, Callable[[Any], None]], Result]


class WorkerError(RuntimeError):
    """A worker process ended without a result, as when it was killed."""


def run_all(
    work: Work[Task, Result],
    tasks: Sequence[Task],
    *,
    jobs: int,
    on_result: Callable[[Task, Result], None],
    on_news: Callable[[Task, Any], None] = lambda task, news: None,
) -> None:
    """Run ``work(task, send_news)`` for each task, some of them at the same time.

    Interrupted (Ctrl-C), or when a piece of work raises, all processes are ended at once.

    Parameters
    ----------
    work : callable
        A function at the top of a module. It should not keep the interpreter's lock for long.
    tasks : sequence
        Started in this order. Tasks, results and news must be picklable.
    jobs : int
        Processes; with 1 everything happens in this one.
    on_result, on_news : callable
        Called here, in this process, as results and news come in.

    Raises
    ------
    WorkerError
        If a process ended without a result, as when it was killed.
    """
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            on_result(task, work(task, lambda news, task=task: on_news(task, news)))  # type: ignore[misc]
        return
    waiting = iter(tasks)
    workers: dict[Connection, SpawnProcess] = {}
    busy: dict[Connection, Task] = {}
    try:
        for task in tasks[:jobs]:
            with _interrupts_held():
                here, process = _start(work)
                workers[here] = process
            busy[here] = next(waiting)
            _send(here, workers[here], task)
        while busy:
            ready: list[Any] = connection.wait(list(busy))
            for here in ready:
                kind, value = _receive(here, workers[here])
                if kind == "news":
                    on_news(busy[here], value)
                    continue
                task = busy.pop(here)
                for following in waiting:
                    busy[here] = following
                    _send(here, workers[here], following)
                    break
                on_result(task, value)
    finally:
        for process in workers.values():
            process.terminate()
        for here, process in workers.items():
            process.join()
            here.close()


def _start(work: Work[Task, Result]) -> tuple[Connection, SpawnProcess]:
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(work, there), daemon=True)
    process.start()
    there.close()
    return here, process


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back; a process that is started meanwhile never sees it: its parent ends it.

    The mask of signals is for the new process, which inherits it. Here it is not enough, since a
    signal goes to any thread of the process that does not mask it, as those of a BLAS.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not hasattr(signal, "pthread_sigmask") or not in_main_thread:
        yield
        return
    # Python starts this helper with the first process, and lets Ctrl-C through when it has.
    resource_tracker.ensure_running()
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def _send(here: Connection, process: SpawnProcess, task: object) -> None:
    try:
        here.send(task)
    except ConnectionError:  # a BrokenPipeError too, which main would take for `| head`
        raise _ended(process) from None


def _receive(here: Connection, process: SpawnProcess) -> tuple[str, Any]:
    try:
        kind, value = here.recv()
    except (EOFError, ConnectionError):
        raise _ended(process) from None
    if kind == "raised":
        raise value
    return kind, value


def _ended(process: SpawnProcess) -> WorkerError:
    process.join()
    return WorkerError(
        f"a worker process ended with exit code {process.exitcode} and without a result"
    )


def _serve(work: Work[Task, Result], there: Connection) -> None:
    """Do the work that comes in, until nobody sends any."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            task = there.recv()
        except EOFError:
            return
        try:
            message = ("result", work(task, lambda news: there.send(("news", news))))
        except Exception as error:
            error.add_note(f"in a worker process:\n{traceback.format_exc()}")
            message = ("raised", error)  # type: ignore[assignment]
        there.send(message)


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers, so they watch it."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
