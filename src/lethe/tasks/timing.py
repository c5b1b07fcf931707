"""Time and rhythm: spikes whose delays are measured, and waves that are generated from nothing.

The tasks of Gers, Schraudolph & Schmidhuber, "Learning Precise Timing with LSTM Recurrent Networks"
(JMLR 3:115-143, 2002). How each is read is in docs/timing.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import check_choice, check_int
from lethe.core._objects import items_of, shown
from lethe.tasks.checks import MOST_STEPS, check_in_sight, check_sequences, check_steps
from lethe.tasks.layout import laid_out
from lethe.tasks.steps import Steps

__all__ = ["Periodic", "PeriodicStream", "SpikeDelays", "Wave"]

Wave = Literal["spikes", "cosine", "triangular", "rectangular"]

_BUFFER = 4096  # Steps of a wave that can be looked at at once, at least.


@dataclass(frozen=True)
class SpikeDelays:
    """Measure how much later than usual each spike comes (MSD).

    The input is 1 at a spike and 0 elsewhere. From one spike to the next, and from the start of a
    stream to the first, pass ``interval`` + I steps, where I is one of `delays`, all equally
    likely. The target is I; it comes with the spike, and there is none at the other steps. A
    sequence ends with its spike.

    Parameters
    ----------
    interval : int
        At least 1: F, the shortest time between two spikes.
    delays : sequence of int
        What may be added to it, each at least 0.

    Raises
    ------
    ValueError
        If `interval` is no whole number from 1 to a million, or `delays` are no such numbers.

    Examples
    --------
    >>> steps = SpikeDelays(interval=3).sequences(np.random.default_rng(1), 2)
    >>> steps.inputs.ravel(), steps.targets[steps.has_target].ravel()
    (array([0., 0., 1., 0., 0., 0., 1.]), array([0., 1.]))
    """

    interval: int = 10
    delays: Sequence[int] = (0, 1)

    inputs: ClassVar[int] = 1
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "interval", check_int("interval", self.interval, 1, MOST_STEPS))
        delays = items_of(self.delays)
        if not delays:
            raise ValueError(f"delays must be one whole number or more, got {shown(self.delays)}")
        checked = tuple(check_int("delays", one, 0, MOST_STEPS) for one in delays)
        object.__setattr__(self, "delays", checked)

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.interval + max(self.delays))
        delays = generator.choice(np.array(self.delays, np.int64), n)
        layout = laid_out(self.interval + delays)
        inputs = layout.ends.astype(np.float64)[:, None]
        targets = np.zeros_like(inputs)
        targets[layout.last, 0] = delays
        return Steps(inputs, targets, layout.starts, layout.ends)


@dataclass(frozen=True)
class Periodic:
    """Generate a wave without any input (GTS, PFG): every stream starts with its first step.

    The input is always 0. With t counted from 1, the target is

    - "spikes": 1 where t is a multiple of the period, else 0 (GTS);
    - "cosine": (1 - cos(2πt / period)) / 2 (PFG, as the others below);
    - "triangular": rises from 0 to 1 in half a period, and falls back;
    - "rectangular": 0 for half a period, then 1.

    Parameters
    ----------
    wave : {"spikes", "cosine", "triangular", "rectangular"}
        Its shape.
    period : int
        At least 2: steps in a period.

    Raises
    ------
    ValueError
        If `wave` is something else, or `period` no whole number from 2 to a million.

    Examples
    --------
    >>> Periodic("triangular", 4).targets()
    array([0.5, 1. , 0.5, 0. ])
    >>> stream = Periodic("spikes", 3)()
    >>> stream.look(5).targets.ravel()
    array([0., 0., 1., 0., 0.])
    """

    wave: Wave = "spikes"
    period: int = 10

    inputs: ClassVar[int] = 1
    outputs: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "wave", check_choice("wave", self.wave, get_args(Wave)))
        object.__setattr__(self, "period", check_int("period", self.period, 2, MOST_STEPS))

    def targets(self) -> NDArray[np.float64]:
        """The targets of one period."""
        phase = np.arange(1, self.period + 1) / self.period
        wave: NDArray[np.float64]
        match self.wave:
            case "spikes":
                wave = np.where(phase == 1.0, 1.0, 0.0)
            case "cosine":
                wave = (1.0 - np.cos(2.0 * np.pi * phase)) / 2.0
            case "triangular":
                wave = 1.0 - np.abs(2.0 * phase - 1.0)
            case "rectangular":
                wave = np.where(phase > 0.5, 1.0, 0.0)
        return wave

    def __call__(self, seed: int | np.random.SeedSequence = 0) -> PeriodicStream:
        """Make the stream; it has nothing random, so that all seeds make the same one."""
        return PeriodicStream(self)


class PeriodicStream:
    """An endless stream of one wave.

    Parameters
    ----------
    task : Periodic
        The wave.
    """

    target_table: ClassVar[None] = None

    def __init__(self, task: Periodic) -> None:
        if not isinstance(task, Periodic):
            raise ValueError(f"task must be a lethe.tasks.Periodic, got {shown(task)}")
        #: Steps that a trial looks at first.
        self.first_look = task.period
        self._period = task.period
        periods = -(-_BUFFER // task.period) + 1
        targets = np.tile(task.targets(), periods)[:, None]
        starts = np.arange(len(targets)) % task.period == 0
        self._buffer = Steps(np.zeros_like(targets), targets, starts)
        for array in (targets, starts, self._buffer.inputs):
            array.setflags(write=False)
        self._phase = 0

    def look(self, n: int) -> Steps:
        """Show what comes next, without going on: at least one step and at most `n`.

        Parameters
        ----------
        n : int
            At least 1.

        Returns
        -------
        Steps
            Views of the stream's buffer.
        """
        end = min(self._phase + check_steps(n), len(self._buffer.starts))
        return self._buffer.piece(self._phase, end)

    def advance(self, n: int) -> None:
        """Go on by `n` steps of those that the last `look` showed."""
        n = check_in_sight(n, len(self._buffer.starts) - self._phase)
        self._phase = (self._phase + n) % self._period

    def next_string(self) -> None:
        """Go back to the wave's first step."""
        self._phase = 0
