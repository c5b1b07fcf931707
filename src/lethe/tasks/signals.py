"""Signals that change: a sine and the Lorenz system, to be predicted some steps ahead.

One sequence is a long stream. Half-way the law of the signal changes, and what has been learned by
then must be learned anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import check_int
from lethe.tasks.checks import MOST_STEPS, check_sequences
from lethe.tasks.layout import laid_out
from lethe.tasks.steps import Steps

__all__ = ["Lorenz", "Sine"]

_PERIODS = (30.0, 22.0)  # Steps, before and after the change.
_RHO = (28.0, 40.0)
_DT, _PARTS, _LEFT_OUT = 0.05, 2, 200  # Of the Lorenz system: a step, its parts, steps left out.
_SCALE = 8.0  # About the standard deviation of x at rho = 28.


@dataclass(frozen=True)
class Sine:
    """Predict a sine `ahead` steps from now, whose frequency changes half-way.

    The period is 30 steps, and 22 after the change, at which the phase is continuous. A sequence
    begins at a random phase. The target of each step is the value `ahead` steps later.

    Parameters
    ----------
    T : int
        At least 2: steps of a sequence.
    ahead : int
        At least 1.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Notes
    -----
    After Shalev Merin ("Temporal credit is free", arXiv 2603.28750), who has a sine whose frequency
    shifts; the periods are ours. One value alone does not tell the next, nor the one 50 steps
    later: what came before it must be held.

    Examples
    --------
    >>> steps = Sine(T=4, ahead=1).sequences(np.random.default_rng(1), 1)
    >>> bool((steps.inputs[1:] == steps.targets[:-1]).all())
    True
    """

    T: int = 20_000
    ahead: int = 1

    inputs: ClassVar[int] = 1
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "T", check_int("T", self.T, 2, MOST_STEPS))
        object.__setattr__(self, "ahead", check_int("ahead", self.ahead, 1, MOST_STEPS))

    @property
    def change(self) -> int:
        """The first step with the new period."""
        return self.T // 2

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.T + self.ahead)
        new = np.arange(self.T + self.ahead) >= self.change
        phases = np.cumsum(2 * np.pi / np.array(_PERIODS)[new.astype(int)])
        begins = generator.uniform(0, 2 * np.pi, n)
        return _predicted(np.sin(begins[:, None] + phases), self.T, self.ahead)


@dataclass(frozen=True)
class Lorenz:
    """Predict the x of the Lorenz system `ahead` steps from now, from x alone.

        dx/dt = 10 (y − x)    dy/dt = x (ρ − z) − y    dz/dt = x y − 8/3 z

    A step is 0.05 units of time. ρ is 28, and 40 from half-way on. Each sequence begins at a random
    point of its attractor. Inputs and targets are x / 8.

    Parameters
    ----------
    T : int
        At least 2: steps of a sequence.
    ahead : int
        At least 1.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Notes
    -----
    After Shalev Merin (arXiv 2603.28750), who has a Lorenz system that shifts; ρ, the step and that
    x alone is seen are ours. The method is Runge and Kutta's of fourth order, two parts a step.

    Examples
    --------
    >>> steps = Lorenz(T=4).sequences(np.random.default_rng(1), 1)
    >>> bool((steps.inputs[1:] == steps.targets[:-1]).all())
    True
    """

    T: int = 20_000
    ahead: int = 1

    inputs: ClassVar[int] = 1
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "T", check_int("T", self.T, 2, MOST_STEPS))
        object.__setattr__(self, "ahead", check_int("ahead", self.ahead, 1, MOST_STEPS))

    @property
    def change(self) -> int:
        """The first step with the new ρ."""
        return self.T // 2

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.T + self.ahead)
        x = [self._signal(*generator.normal((1.0, 1.0, 25.0))) for _ in range(n)]
        signals = np.reshape(x, (n, self.T + self.ahead)) / _SCALE
        return _predicted(signals, self.T, self.ahead)

    def _signal(self, x: float, y: float, z: float) -> list[float]:
        """The values of x, from a point that need not lie on the attractor."""
        signal, point = [], (x, y, z)
        for t in range(-_LEFT_OUT, self.T + self.ahead):
            if t >= 0:
                signal.append(point[0])
            for _ in range(_PARTS):
                point = _lorenz(point, _RHO[t >= self.change], _DT / _PARTS)
        return signal


_Point: TypeAlias = tuple[float, float, float]


def _lorenz(point: _Point, rho: float, h: float) -> _Point:
    """The point after a time `h`. Plain numbers: arrays of three take ten times as long."""
    a = _slope(*point, rho)
    b = _slope(*_moved(point, a, h / 2), rho)
    c = _slope(*_moved(point, b, h / 2), rho)
    d = _slope(*_moved(point, c, h), rho)
    mean = [(i + 2 * j + 2 * k + m) / 6 for i, j, k, m in zip(a, b, c, d, strict=True)]
    return _moved(point, (mean[0], mean[1], mean[2]), h)


def _slope(x: float, y: float, z: float, rho: float) -> _Point:
    return 10 * (y - x), x * (rho - z) - y, x * y - 8 / 3 * z


def _moved(point: _Point, slope: _Point, h: float) -> _Point:
    return point[0] + h * slope[0], point[1] + h * slope[1], point[2] + h * slope[2]


def _predicted(signals: NDArray[np.float64], steps: int, ahead: int) -> Steps:
    """Signals (n, steps + ahead) as sequences; a value's target is that `ahead` steps later."""
    starts = laid_out(np.full(len(signals), steps)).starts
    inputs, targets = signals[:, :steps], signals[:, ahead:]
    return Steps(inputs.reshape(-1, 1), targets.reshape(-1, 1), starts)
