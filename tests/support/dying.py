"""Work for worker processes, some of which it kills."""

import os
import signal
import time
from pathlib import Path


def square(task: int) -> int:
    time.sleep(0.01)
    return task * task


def process(task: object) -> int:
    return os.getpid()


def fail_at_three(task: int) -> int:
    if task == 3:
        raise ValueError("three")
    return task


def die_at_three(task: int) -> int:
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return task


def die_once(task: tuple[str, int]) -> int:
    """Kill the process that is the first to do this task, if it is number 3."""
    folder, number = task
    mark = Path(folder) / "died"
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return number


def note_and_sleep(task: tuple[str, int]) -> None:
    """Leave the process's number in a folder, and be busy."""
    folder, _ = task
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)
