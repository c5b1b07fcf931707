"""Tasks that other systems in the papers were known for, and that no other file here has.

What of a task is its source's and what is ours is said with each. Where a task is a fixed set of
sequences, they are drawn from it, all equally likely.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import as_float, check_bool, check_int
from lethe.core._objects import shown
from lethe.tasks.checks import MOST_STEPS, check_sequences
from lethe.tasks.layout import laid_out, random_lengths
from lethe.tasks.steps import Steps

__all__ = ["Latching", "Letters", "LowPass", "MackeyGlass", "Trajectories", "Words"]


@dataclass(frozen=True)
class Words:
    """Tell the words DEAR, DEAN, BEAR and BEAN apart, letter by letter (Mozer 1989).

    The first letter and the last one tell the word, which is the target at the last letter. Letters
    are symbols 0 to 5, in the order of the alphabet.

    Notes
    -----
    From memory: a first test of focused back-propagation, with these words.

    Examples
    --------
    >>> steps = Words().sequences(np.random.default_rng(1), 2)
    >>> "".join(Words.letters[symbol] for symbol in steps.inputs)
    'DEANBEAR'
    >>> steps.targets[steps.has_target]
    array([1, 2])
    """

    inputs: ClassVar[int] = 6
    outputs: ClassVar[int] = 4
    target_table: ClassVar[None] = None

    letters: ClassVar[str] = "ABDENR"
    words: ClassVar[tuple[str, ...]] = ("DEAR", "DEAN", "BEAR", "BEAN")

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` words, one after the other; see `Steps`."""
        n = check_sequences(generator, n, len(self.words[0]))
        symbols = np.array([[self.letters.index(letter) for letter in w] for w in self.words])
        which = generator.integers(len(self.words), size=n)
        layout = laid_out(np.full(n, symbols.shape[1]))
        inputs = symbols[which].reshape(-1)
        targets = np.repeat(which, symbols.shape[1])
        return Steps(inputs, targets, layout.starts, layout.ends)


@dataclass(frozen=True)
class Trajectories:
    """Tell four curves in the plane apart, at whatever speeds they are gone (Sun et al. 1993).

    A curve has two lobes about the origin: the class tells which comes first, and which way round
    it goes. It is gone in eight parts, each at a speed of its own, up to `warp` times faster or
    slower than the usual one, all factors equally likely in their logarithms. It is tilted, and
    stretched in either direction. All classes are equally likely; the target comes with the last
    point.

    Parameters
    ----------
    warp : float
        At least 1.
    shortest, longest : int
        At least 8: points of a sequence, all numbers equally likely.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Notes
    -----
    The source tells of trajectories that are warped in time, sampled at variable rates and
    deformed. We do not know its curves: these are ours, and so are the numbers.

    Examples
    --------
    >>> steps = Trajectories(shortest=8, longest=9).sequences(np.random.default_rng(1), 1)
    >>> steps.inputs.shape, steps.targets[steps.has_target]
    ((8, 2), array([2]))
    """

    warp: float = 4.0
    shortest: int = 30
    longest: int = 59

    inputs: ClassVar[int] = 2
    outputs: ClassVar[int] = 4
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the parameters."""
        warp = as_float(self.warp)
        if not 1 <= warp < float("inf"):
            raise ValueError(f"warp must be a number of at least 1, got {shown(self.warp)}")
        object.__setattr__(self, "warp", warp)
        least = _PARTS
        for name in ("shortest", "longest"):
            least = check_int(name, getattr(self, name), least, MOST_STEPS)
            object.__setattr__(self, name, least)

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.longest)
        lengths = random_lengths(generator, self.shortest, self.longest, n)
        which = generator.integers(4, size=n)
        layout = laid_out(lengths)
        points = np.empty((len(layout.starts), 2))
        for kind, length, first in zip(which, lengths, layout.first, strict=True):
            points[first : first + length] = _curve(generator, kind, length, self.warp)
        return Steps(points, np.repeat(which, lengths), layout.starts, layout.ends)


_PARTS = 8  # Of a trajectory, with a speed each.


def _curve(generator: np.random.Generator, kind: int, n: int, warp: float) -> NDArray[np.float64]:
    """The points (n, 2) of one trajectory."""
    first, turn = 1 - 2 * (kind // 2), 1 - 2 * (kind % 2)
    speed = np.repeat(warp ** generator.uniform(-1, 1, _PARTS), -(-n // _PARTS))[:n]
    angle: NDArray[np.float64] = 4 * np.pi * np.cumsum(speed) / speed.sum()
    x: NDArray[np.float64] = np.where(angle > 2 * np.pi, -first, first) * (1 - np.cos(angle)) / 2
    y: NDArray[np.float64] = turn * np.sin(angle) * generator.uniform(0.35, 0.5)
    x *= generator.uniform(0.8, 1.2)
    tilt: float = generator.normal(0, 0.1)
    return np.stack((x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt)), 1)


@dataclass(frozen=True)
class MackeyGlass:
    """Predict the Mackey-Glass series six units of time ahead (Lapedes & Farber 1987).

        dx/dt = 0.2 x(t−17) / (1 + x(t−17)^10) − 0.1 x(t)

    A sequence is x(t−18) to x(t), once per unit of time and less 0.9, which is about its mean; the
    target, x(t+6), comes with the last. There are 1,000 such sequences, t being one of 1,000
    successive times: the first 500 are to learn from.

    Parameters
    ----------
    held_out : bool
        Whether the sequences are of the last 500 times, which are for tests.

    Notes
    -----
    The equation and the six units are the usual ones. Ours: the window, Heun's method with ten
    steps per unit of time, a start at 1.2 with nothing before, and 200 units that are left out. The
    standard deviation of the targets is 0.23; linear prediction at its best leaves an error of
    0.115 standard deviations (root of the mean square).

    Examples
    --------
    >>> steps = MackeyGlass().sequences(np.random.default_rng(1), 1)
    >>> np.round(steps.inputs[-3:, 0], 2), np.round(steps.targets[steps.has_target], 2)
    (array([0.28, 0.29, 0.3 ]), array([[0.4]]))
    """

    held_out: bool = False

    inputs: ClassVar[int] = 1
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check which half it is."""
        object.__setattr__(self, "held_out", check_bool("held_out", self.held_out))

    def windows(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """All sequences (500, 19), and their targets (500,)."""
        x, t = _mackey_glass() - 0.9, np.arange(500) + 500 * self.held_out
        return x[t[:, None] + np.arange(19)], x[t + 24]

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` sequences, one after the other; see `Steps`."""
        x, target = self.windows()
        n = check_sequences(generator, n, x.shape[1])
        which = generator.integers(len(x), size=n)
        layout = laid_out(np.full(n, x.shape[1]))
        targets = np.zeros((len(layout.starts), 1))
        targets[layout.last, 0] = target[which]
        return Steps(x[which].reshape(-1, 1), targets, layout.starts, layout.ends)


@cache
def _mackey_glass(n: int = 1024, left_out: int = 200, parts: int = 10) -> NDArray[np.float64]:
    """The series (n,), read-only."""
    lag, steps = 17 * parts, (n + left_out) * parts
    x = np.zeros(lag + steps + 1)
    x[lag] = 1.2
    for i in range(lag, lag + steps):
        old, new = (0.2 * b / (1 + b**10) for b in map(float, x[i - lag : i - lag + 2]))
        slope = old - 0.1 * x[i]
        x[i + 1] = x[i] + 0.5 / parts * (slope + new - 0.1 * (x[i] + slope / parts))
    series: NDArray[np.float64] = x[lag::parts][left_out : left_out + n].copy()
    series.setflags(write=False)
    return series


@dataclass(frozen=True)
class Latching:
    """Hold a class that learned inputs tell through noise (Bengio et al. 1994; Lin et al. 1995).

    The first three steps of a sequence have an input each that is 1, of the first three in class 1
    and of the next three in class 2, equally likely: their weights are the numbers that drive the
    network, and are for it to learn. The other steps have noise in the seventh input, uniform
    within ±0.0775. The target, 0.9 (class 1) or 0.1 (class 2), comes with the last step.

    Parameters
    ----------
    T : int
        At least 4: steps of a sequence.

    Raises
    ------
    ValueError
        If `T` is no whole number from 4 to a million.

    Notes
    -----
    The source's: first inputs that are learned, noise after them, targets of 0.8 and -0.8 for a
    tanh unit, which are ours in the range of a logistic one. Ours: three such inputs, and how much
    noise: a tanh unit that feeds back 1.25 times its activation has two stable states, which noise
    of less than 0.078 cannot change.

    Examples
    --------
    >>> steps = Latching(T=5).sequences(np.random.default_rng(1), 1)
    >>> np.round(steps.inputs, 3)
    array([[ 1.   ,  0.   ,  0.   ,  0.   ,  0.   ,  0.   ,  0.   ],
           [ 0.   ,  1.   ,  0.   ,  0.   ,  0.   ,  0.   ,  0.   ],
           [ 0.   ,  0.   ,  1.   ,  0.   ,  0.   ,  0.   ,  0.   ],
           [ 0.   ,  0.   ,  0.   ,  0.   ,  0.   ,  0.   ,  0.07 ],
           [ 0.   ,  0.   ,  0.   ,  0.   ,  0.   ,  0.   , -0.055]])
    >>> steps.targets[steps.has_target]
    array([[0.9]])
    """

    T: int = 60

    inputs: ClassVar[int] = 7
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the length."""
        object.__setattr__(self, "T", check_int("T", self.T, 4, MOST_STEPS))

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.T)
        layout = laid_out(np.full(n, self.T))
        which = generator.integers(2, size=n)
        x = np.zeros((n, self.T, 7))
        x[np.arange(n)[:, None], np.arange(3), 3 * which[:, None] + np.arange(3)] = 1.0
        x[:, 3:, 6] = generator.uniform(-0.0775, 0.0775, (n, self.T - 3))
        targets = np.zeros((n * self.T, 1))
        targets[layout.last, 0] = np.where(which == 0, 0.9, 0.1)
        return Steps(x.reshape(-1, 7), targets, layout.starts, layout.ends)


@dataclass(frozen=True)
class Letters:
    """Generate eight sequences of letters, each from its number alone (after Plate 1993).

    A sequence has 20 letters of five, random ones. The first step has its number, as one of eight
    inputs that is 1; nothing comes after that. Each step's target is its letter.

    Parameters
    ----------
    seed : int
        What the letters of the eight sequences follow from, at least 0.

    Raises
    ------
    ValueError
        If `seed` is no whole number of at least 0.

    Notes
    -----
    The source's: that networks learn to generate sequences of discrete outputs, and sooner than
    simple recurrent networks do. The rest is ours.

    Examples
    --------
    >>> steps = Letters(seed=1).sequences(np.random.default_rng(1), 1)
    >>> steps.inputs[:2]
    array([[0., 0., 0., 1., 0., 0., 0., 0.],
           [0., 0., 0., 0., 0., 0., 0., 0.]])
    >>> bool((steps.targets == Letters(seed=1).letters[3]).all())
    True
    """

    seed: int = 0

    inputs: ClassVar[int] = 8
    outputs: ClassVar[int] = 5
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the seed."""
        object.__setattr__(self, "seed", check_int("seed", self.seed, 0))

    @property
    def letters(self) -> NDArray[np.int64]:
        """The eight sequences (8, 20)."""
        return np.random.default_rng(self.seed).integers(5, size=(8, 20))

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` sequences, one after the other; see `Steps`."""
        letters = self.letters
        n = check_sequences(generator, n, letters.shape[1])
        which = generator.integers(len(letters), size=n)
        layout = laid_out(np.full(n, letters.shape[1]))
        numbers = np.zeros((len(layout.starts), 8))
        numbers[layout.first, which] = 1.0
        return Steps(numbers, letters[which].reshape(-1), layout.starts)


@dataclass(frozen=True)
class LowPass:
    """Do what a low-pass filter does to white noise (after Principe et al. 1993).

        53.17 y(t) = u(t),   u(t) = x(t) − 0.8731 x(t−1) − 0.8731 x(t−2) + x(t−3)
                                    + 2.8653 u(t−1) − 2.7505 u(t−2) + 0.8843 u(t−3)

    It is an elliptic filter of third order. Inputs x are Gaussian with mean 0 and variance 1, and
    targets y, at each step, have about that variance too. A sequence begins at rest.

    Parameters
    ----------
    T : int
        At least 1: steps of a sequence.

    Raises
    ------
    ValueError
        If `T` is no whole number from 1 to a million.

    Notes
    -----
    We remember the filter as the gamma memory's example of 1993, without the source's figures; the
    scale is ours. By least squares three taps of a delay line leave 0.99 of the variance, and those
    of a gamma memory with μ = 0.15 leave 0.10.

    Examples
    --------
    >>> steps = LowPass(T=3).sequences(np.random.default_rng(1), 1)
    >>> np.round(steps.targets.ravel(), 4)
    array([0.0065, 0.0284, 0.0505])
    """

    T: int = 1000

    inputs: ClassVar[int] = 1
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the length."""
        object.__setattr__(self, "T", check_int("T", self.T, 1, MOST_STEPS))

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.T)
        noise = generator.standard_normal((n, self.T))
        x: list[NDArray[np.float64]] = [np.zeros(n)] * 3 + list(noise.T)
        u = x[:3]
        for t in range(3, self.T + 3):
            u.append(x[t] - 0.8731 * (x[t - 1] + x[t - 2]) + x[t - 3])
            u[t] += 2.8653 * u[t - 1] - 2.7505 * u[t - 2] + 0.8843 * u[t - 3]
        targets = (np.array(u[3:]).T / 53.17).reshape(-1, 1)
        return Steps(noise.reshape(-1, 1), targets, laid_out(np.full(n, self.T)).starts)
