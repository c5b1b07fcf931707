"""Replays with the instruction set that a record was made with, in a process that has it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from support.answer_streams import STREAMS
from support.answers import Answers, replay

import lethe

__all__ = ["replayed", "replaying"]

_SET = "LETHE_INSTRUCTION_SET"


def replayed(name: str) -> Answers:
    """What the model answers now, in this process."""
    return replay(STREAMS[name]())


@contextmanager
def replaying(instruction_set: str) -> Iterator[ProcessPoolExecutor | None]:
    """A process with this instruction set to submit `replayed` to; None where there is none.

    Parameters
    ----------
    instruction_set : str
        As `lethe.instruction_set` names it.
    """
    before = os.environ.get(_SET)
    os.environ[_SET] = instruction_set
    executor = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    try:
        # The process starts, and reads its environment, with the first task.
        has = executor.submit(_has, instruction_set).result()
    finally:
        if before is None:
            del os.environ[_SET]
        else:
            os.environ[_SET] = before
    with executor:
        yield executor if has else None


def _has(instruction_set: str) -> bool:
    try:
        return lethe.instruction_set() == instruction_set
    except ValueError:
        return False
