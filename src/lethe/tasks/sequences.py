"""Sequences one after the other: what a task of sequences is, and the endless stream of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lethe.tasks.checks import check_in_sight, check_steps, check_task, stream_generator
from lethe.tasks.steps import Steps

__all__ = ["Continual", "LastTarget", "SequenceStream", "SequenceTask"]

_SEQUENCES = 600  # In a buffer: some 60,000 steps where a sequence has about a hundred.


class SequenceTask(Protocol):
    """A task whose sequences are drawn one by one; the last step of each has a target.

    It is a value: what it draws follows from the generator alone.
    """

    @property
    def inputs(self) -> int:
        """Number of input units."""

    @property
    def outputs(self) -> int:
        """Number of output units."""

    @property
    def target_table(self) -> NDArray[np.float32] | None:
        """The target vectors that integer targets are rows of; None: they are classes."""

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other."""


@dataclass(frozen=True)
class LastTarget:
    """A task's sequences with one target each, at the last step.

    Parameters
    ----------
    task : SequenceTask
        Where the sequences come from.

    Examples
    --------
    >>> from lethe.tasks import LongLag
    >>> steps = LastTarget(LongLag(p=5)).sequences(np.random.default_rng(2), 2)
    >>> steps.targets[steps.has_target], steps.predictions
    (array([5, 4]), 2)
    """

    task: SequenceTask

    def __post_init__(self) -> None:
        """Check the task."""
        check_task("task", self.task)

    @property
    def inputs(self) -> int:
        """Number of input units."""
        return self.task.inputs

    @property
    def outputs(self) -> int:
        """Number of output units."""
        return self.task.outputs

    @property
    def target_table(self) -> NDArray[np.float32] | None:
        """The target vectors that integer targets are rows of; None: they are classes."""
        return self.task.target_table

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        steps = self.task.sequences(generator, n)
        return steps._replace(has_target=np.append(steps.starts[1:], True))


@dataclass(frozen=True)
class Continual:
    """A task of sequences made continual: its sequences follow each other without an end.

    Parameters
    ----------
    task : SequenceTask
        Where the sequences come from.

    Examples
    --------
    >>> from lethe.tasks import TemporalOrder
    >>> stream = Continual(TemporalOrder(marks=3))(seed=1)
    >>> stream.look(2).predictions
    2
    """

    task: SequenceTask

    def __post_init__(self) -> None:
        """Check the task."""
        check_task("task", self.task)

    def __call__(self, seed: int | np.random.SeedSequence) -> SequenceStream:
        """Make the stream that follows from a seed."""
        return SequenceStream(self.task, seed)


class SequenceStream:
    """An endless stream of sequences, handed out in whole sequences.

    Parameters
    ----------
    task : SequenceTask
        Where the sequences come from.
    seed : int or numpy.random.SeedSequence
        Of their generator.
    """

    #: Sequences that a trial looks at first; most of its streams end within them.
    first_look = 4

    def __init__(self, task: SequenceTask, seed: int | np.random.SeedSequence = 0) -> None:
        check_task("task", task)
        self.target_table = task.target_table
        self._task = task
        self._generator = stream_generator(seed)
        self._fill()

    def _fill(self) -> None:
        self._buffer = self._task.sequences(self._generator, _SEQUENCES)
        for array in self._buffer:
            if array is not None:
                array.setflags(write=False)
        steps = len(self._buffer.starts)
        self._bounds: list[int] = np.append(np.flatnonzero(self._buffer.starts), steps).tolist()
        self._at = 0  # The sequence that comes next.

    def look(self, n: int) -> Steps:
        """Show what comes next, without going on: at least one sequence and at most `n`.

        Parameters
        ----------
        n : int
            At least 1.

        Returns
        -------
        Steps
            Views of the stream's buffer.
        """
        n = check_steps(n)
        if self._at == len(self._bounds) - 1:
            self._fill()
        end = min(self._at + n, len(self._bounds) - 1)
        return self._buffer.piece(self._bounds[self._at], self._bounds[end])

    def advance(self, n: int) -> None:
        """Go on by `n` steps of those that the last `look` showed, to the end of their sequence."""
        at = self._bounds[self._at]
        to = at + check_in_sight(n, self._bounds[-1] - at)
        while self._bounds[self._at] < to:
            self._at += 1

    def next_string(self) -> None:
        """Skip nothing: the next step always starts a sequence."""
