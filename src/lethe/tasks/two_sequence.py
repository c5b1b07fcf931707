"""One bit and noise on the same line: 1997, experiments 3a, 3b, 3c; Bengio's latch problem.

The first elements of a sequence of real numbers tell its class, 1.0 or -1.0; the others are noise.
The target comes with the last element.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import check_bool, check_choice, check_int
from lethe.tasks.checks import MOST_STEPS, check_sequences
from lethe.tasks.layout import Layout, laid_out, random_lengths
from lethe.tasks.steps import Steps

__all__ = ["Latch", "TwoSequence"]

_VARIANCE = 0.2  # Of the noise in the elements.
_TARGET_VARIANCE = 0.1  # Of the noise in the targets of 3c.
# By kind: the targets of class 1 and class 2.
_TARGETS = {"a": (1.0, 0.0), "b": (1.0, 0.0), "c": (0.2, 0.8)}
# Bengio's 0.8 and -0.8 in the range of a logistic output, as 1 and -1 become 1 and 0.
_LATCH_TARGETS = (0.9, 0.1)


@dataclass(frozen=True)
class TwoSequence:
    """The two-sequence problem of Bengio et al. (1994) as 1997 poses it: experiments 3a, 3b, 3c.

    A sequence has from `T` to `T` + `T` // 10 elements, each length equally likely. Its first `N`
    elements are 1.0 in class 1 and -1.0 in class 2, equally likely; all others are Gaussian with
    mean 0 and variance 0.2. The target comes with the last element, `T` - 1 steps or more after
    the first element and `T` - `N` or more after the last one that tells the class.

    Parameters
    ----------
    T : int
        At least 2: the shortest length.
    N : int
        From 1 to below `T`: how many elements tell the class.
    kind : {"a", "b", "c"}
        "a": targets 1.0 (class 1) and 0.0 (class 2). "b": as "a", and noise of the same variance
        is added to the elements that tell the class, too. "c": as "b", with targets 0.2 (class 1)
        and 0.8 (class 2), to which Gaussian noise with mean 0 and variance 0.1 is added.
    target_noise : bool, optional
        Whether the targets have that noise; by default they do for kind "c". `noise_free` is the
        same task without it.

    Raises
    ------
    ValueError
        If a parameter is out of range, or noise is asked for in the targets of kinds "a" or "b".

    Notes
    -----
    Noisy targets are not clipped: some lie outside the range of a logistic output (our reading).

    Examples
    --------
    >>> steps = TwoSequence(T=10, N=3).sequences(np.random.default_rng(1), 1)
    >>> np.round(steps.inputs.ravel(), 2)
    array([-1.  , -1.  , -1.  ,  0.4 ,  0.2 , -0.24,  0.26,  0.16,  0.13,
            0.01])
    >>> steps.targets[steps.has_target]
    array([[0.]])
    >>> TwoSequence(kind="c").noise_free
    TwoSequence(T=100, N=3, kind='c', target_noise=False)
    """

    T: int = 100
    N: int = 3
    kind: Literal["a", "b", "c"] = "a"
    target_noise: bool | None = None

    inputs: ClassVar[int] = 1
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the parameters, and settle whether targets are noisy."""
        object.__setattr__(self, "T", check_int("T", self.T, 2, MOST_STEPS))
        object.__setattr__(self, "N", check_int("N", self.N, 1))
        if self.N >= self.T:
            raise ValueError(f"N must be below T = {self.T}, got {self.N}")
        object.__setattr__(self, "kind", check_choice("kind", self.kind, tuple(_TARGETS)))
        noisy = self.kind == "c"
        if self.target_noise is not None:
            noisy = check_bool("target_noise", self.target_noise)
        object.__setattr__(self, "target_noise", noisy)
        if noisy and self.kind != "c":
            raise ValueError(f'target_noise must be False for kind "{self.kind}", got True')

    @property
    def noise_free(self) -> TwoSequence:
        """The same task without noise in its targets: what tests compare with.

        From one state of the generator both draw the same inputs.
        """
        return replace(self, target_noise=False)

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.T)
        layout = laid_out(random_lengths(generator, self.T, self.T + self.T // 10, n))
        which = generator.integers(2, size=n)
        elements = _noise(generator, len(layout.starts), _VARIANCE)
        telling = layout.first[:, None] + np.arange(self.N)
        if self.kind == "a":
            elements[telling] = 0.0
        elements[telling] += _signs(which)[:, None]
        targets = np.array(_TARGETS[self.kind])[which]
        if self.target_noise:
            targets += _noise(generator, n, _TARGET_VARIANCE)
        return _steps(elements, targets, layout)


@dataclass(frozen=True)
class Latch:
    """The latch problem of Bengio et al. (1994): hold one bit for `T` steps and more of noise.

    The first element of a sequence is 1.0 in class 1 and -1.0 in class 2, equally likely; all
    others are Gaussian with mean 0 and variance 0.2. The target, 0.9 (class 1) or 0.1 (class 2),
    comes with the last element, from `T` to `T` + `T` // 10 steps after the first, each lag
    equally likely.

    Parameters
    ----------
    T : int
        At least 1: the shortest lag from the class to the target.

    Raises
    ------
    ValueError
        If `T` is no whole number from 1 to a million.

    Notes
    -----
    Our reading. In Bengio et al. (1994) the first inputs of a sequence are free parameters, one set
    for each class, that are learned as weights are; the targets are 0.8 and -0.8 for a tanh unit.
    Schmidhuber, Hochreiter and Bengio ("Evaluating benchmark problems by random guessing", 2001)
    describe that problem and a variant II with 1.0 and -1.0 as fixed first inputs. We take the
    inputs of variant II, since input weights can scale them, and Bengio's targets, as a logistic
    output can reach them: (1 + 0.8) / 2 and (1 - 0.8) / 2. That the lag is at least 100, and not
    the same in all sequences, is 1997's ("very similar to problem 3a with minimal time lag 100").

    Examples
    --------
    >>> steps = Latch(T=6).sequences(np.random.default_rng(1), 1)
    >>> np.round(steps.inputs.ravel(), 2)
    array([ 1.  ,  0.15, -0.58,  0.4 ,  0.2 , -0.24,  0.26])
    >>> steps.targets[steps.has_target]
    array([[0.9]])
    """

    T: int = 100

    inputs: ClassVar[int] = 1
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the lag."""
        object.__setattr__(self, "T", check_int("T", self.T, 1, MOST_STEPS))

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.T)
        layout = laid_out(1 + random_lengths(generator, self.T, self.T + self.T // 10, n))
        which = generator.integers(2, size=n)
        elements = _noise(generator, len(layout.starts), _VARIANCE)
        elements[layout.first] = _signs(which)
        return _steps(elements, np.array(_LATCH_TARGETS)[which], layout)


def _noise(generator: np.random.Generator, n: int, variance: float) -> NDArray[np.float64]:
    noise = generator.standard_normal(n)
    noise *= variance**0.5
    return noise


def _signs(which: NDArray[np.int64]) -> NDArray[np.float64]:
    """What tells the class: 1.0 for class 1, which is number 0, and -1.0 for class 2."""
    return np.array((1.0, -1.0))[which]


def _steps(
    elements: NDArray[np.float64], targets_at_ends: NDArray[np.float64], layout: Layout
) -> Steps:
    targets = np.zeros((len(elements), 1))
    targets[layout.last, 0] = targets_at_ends
    return Steps(elements[:, None], targets, layout.starts, layout.ends)
