"""One bit, recalled later: at the end of a chain of steps, or in a stream without resets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lethe.core._checks import check_int
from lethe.tasks.checks import MOST_STEPS, check_sequences
from lethe.tasks.layout import laid_out
from lethe.tasks.steps import Steps

__all__ = ["DelayedCopy", "MemoryChain"]

_NOISE = 0.1  # Half the range of what the line has between two bits.


@dataclass(frozen=True)
class MemoryChain:
    """Recall, at the end of a chain of `n` steps, the bit that its first step showed.

    The inputs are the context, 1 or -1 at the first step and 0 later; the query, 1 at the last
    step and 0 before; and the time that is left, from 1 at the first step to 0 at the last. The
    target, 1 or 0, comes with the last step, `n` steps after the first.

    Parameters
    ----------
    n : int
        At least 1: steps from the bit to the query.

    Raises
    ------
    ValueError
        If `n` is no whole number from 1 to a million.

    Notes
    -----
    The environment of the behaviour suite for reinforcement learning (Osband et al. 2020, "memory
    length" with one bit), with a target in place of a reward. Farr et al. (arXiv 2605.24709) have a
    MemoryChain of lengths 2 to 128; we know its name and lengths, not its observations.

    Examples
    --------
    >>> steps = MemoryChain(n=2).sequences(np.random.default_rng(1), 1)
    >>> steps.inputs
    array([[-1. ,  0. ,  1. ],
           [ 0. ,  0. ,  0.5],
           [ 0. ,  1. ,  0. ]])
    >>> steps.targets[steps.has_target]
    array([[0.]])
    """

    n: int = 16

    inputs: ClassVar[int] = 3
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the length."""
        object.__setattr__(self, "n", check_int("n", self.n, 1, MOST_STEPS))

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.n + 1)
        layout = laid_out(np.full(n, self.n + 1))
        bits = generator.integers(2, size=n)
        inputs, targets = np.zeros((len(layout.starts), 3)), np.zeros((len(layout.starts), 1))
        inputs[layout.first, 0] = 2 * bits - 1
        inputs[layout.last, 1] = 1.0
        inputs[:, 2] = np.tile(1 - np.arange(self.n + 1) / self.n, n)
        targets[layout.last, 0] = bits
        return Steps(inputs, targets, layout.starts, layout.ends)


@dataclass(frozen=True)
class DelayedCopy:
    """Copy each bit of a stream `lag` steps after it came.

    Bits, 1 or -1 and equally likely, come on one line, each from `lag` + 1 to 2 `lag` steps after
    the one before; between them the line has noise, uniform within ±0.1. The target is the bit, and
    comes `lag` steps after it; other steps have none. Nothing is reset between bits.

    Parameters
    ----------
    T : int
        At least 2 `lag`: steps of a sequence.
    lag : int
        At least 1.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Notes
    -----
    Shalev Merin ("Temporal credit is free", arXiv 2603.28750) has a task "delayed (t+50)"; what is
    delayed in it we do not know. This one is ours, and so is `Sine` with ``ahead=50``.

    Examples
    --------
    >>> steps = DelayedCopy(T=8, lag=2).sequences(np.random.default_rng(1), 1)
    >>> bits = np.flatnonzero(np.abs(steps.inputs[:-2, 0]) == 1.0)
    >>> bool((steps.inputs[bits] == steps.targets[bits + 2]).all())
    True
    """

    T: int = 100_000
    lag: int = 50

    inputs: ClassVar[int] = 1
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "lag", check_int("lag", self.lag, 1, MOST_STEPS // 2))
        object.__setattr__(self, "T", check_int("T", self.T, 2 * self.lag, MOST_STEPS))

    @property
    def change(self) -> None:
        """Nothing changes."""
        return

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.T)
        lag, starts = self.lag, laid_out(np.full(n, self.T)).starts
        line = generator.uniform(-_NOISE, _NOISE, (n, self.T))
        targets, has = np.zeros((n, self.T)), np.zeros((n, self.T), bool)
        for row in range(n):
            gaps = generator.integers(lag + 1, 2 * lag + 1, self.T // lag)
            at = np.cumsum(gaps) - gaps[0]
            at = at[at < self.T - lag]
            bits = 2.0 * generator.integers(2, size=len(at)) - 1
            line[row, at] = bits
            targets[row, at + lag], has[row, at + lag] = bits, True
        return Steps(line.reshape(-1, 1), targets.reshape(-1, 1), starts, has.reshape(-1))
