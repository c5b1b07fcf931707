"""Figures 4 and 5: how long the strings of the embedded Reber grammar are (section 4.1)."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lethe.figures.style import BLUE, DARK, GREY, ORANGE, caption, frame, panels
from lethe.tasks import ReberStream

__all__ = ["REPORT", "Exponential", "figure_4", "figure_5", "fitted", "mean_longest", "sizes"]

_SAMPLES = 1_000_000  # In the report's histogram.
_STRINGS = 80_000  # In the test of a perfect solution.
_TESTS = 125  # Sets of _STRINGS strings that are sampled here.
_LOOK = 1 << 16
_Sizes = NDArray[np.int32]
_Values = NDArray[np.float64]


class Exponential(NamedTuple):
    """The share of strings of size l: b exp(-a (l - o)) from the shortest size o on.

    Attributes
    ----------
    a, b : float
        Slope of its logarithm, and its value at the offset.
    o : int
        The offset, the size of the shortest string.
    """

    a: float
    b: float
    o: int = 9

    def share(self, size: _Values) -> _Values:
        """p(l)."""
        return self.b * np.exp(-self.a * (size - self.o))

    def longest(self, size: _Values, strings: int) -> _Values:
        """P_N(τ): the longest of N strings has size τ; its area is 1 / a."""
        longer = np.exp(-self.a * (size - self.o))
        return np.asarray(strings * (1.0 - longer) ** strings * longer, np.float64)

    def bound(self, strings: _Values) -> _Values:
        """Where P_N(τ) has its maximum: a lower bound of the expected longest of N strings."""
        return self.o + np.log(strings + 1) / self.a


#: The report's constants.
REPORT = Exponential(3 / 11, 3 / 11)


@lru_cache(maxsize=1)
def sizes(seed: int, strings: int) -> _Sizes:
    """Sample the sizes of strings of the grammar.

    Parameters
    ----------
    seed : int
        Seed of the stream.
    strings : int
        Number of strings.

    Returns
    -------
    ndarray of int32, shape (strings,)
        In symbols.
    """
    stream = ReberStream(seed)
    found = np.empty(strings, np.int32)
    number, unfinished = 0, 0  # Complete strings so far, and symbols since the last one.
    while number < strings:
        ahead = stream.look(_LOOK)
        stream.advance(len(ahead.starts))
        ends = np.flatnonzero(ahead.starts)
        complete = np.diff(ends, prepend=-unfinished)
        # The first string starts at the first symbol.
        complete = complete[complete > 0][: strings - number]
        found[number : number + len(complete)] = complete
        number += len(complete)
        seen = len(ahead.starts)
        unfinished = seen - int(ends[-1]) if ends.size else unfinished + seen
    return found


def fitted(found: _Sizes) -> Exponential:
    """Fit an exponential to sampled sizes.

    A straight line through the logarithms of the shares, each weighted with its number of strings.

    Parameters
    ----------
    found : ndarray of int
        Sizes of strings; at least two different ones.

    Returns
    -------
    Exponential
        From the shortest size on.
    """
    numbers = np.bincount(found)
    size = np.flatnonzero(numbers)
    weights = np.sqrt(numbers[size])
    shares = numbers[size] / len(found)
    line: _Values = np.polyfit(size - size[0], np.log(shares), 1, w=weights)
    return Exponential(-float(line[0]), float(np.exp(line[1])), int(size[0]))


def mean_longest(found: _Sizes, strings: int) -> tuple[float, float, float]:
    """The longest of a number of strings: its mean, and the range that contains nine of ten.

    Parameters
    ----------
    found : ndarray of int
        Sizes of strings, divided into sets.
    strings : int
        Strings in a set.

    Returns
    -------
    mean, low, high : float
        In symbols.
    """
    longest = _longest(found, strings)
    low, high = (float(np.quantile(longest, share)) for share in (0.05, 0.95))
    return float(longest.mean()), low, high


def _longest(found: _Sizes, strings: int) -> _Sizes:
    sets = len(found) // strings
    longest: _Sizes = found[: sets * strings].reshape(sets, strings).max(1)
    return longest


def _named(curve: Exponential) -> str:
    return f"$a$ = {curve.a:.3f}, $b$ = {curve.b:.3f}, $o$ = {curve.o}"


def _sampled(seed: int) -> tuple[Figure, _Sizes, Exponential]:
    """An empty figure, the sizes that it shows, and their fit."""
    found = sizes(seed, _TESTS * _STRINGS)
    return Figure(figsize=(10, 4.4), layout="constrained"), found, fitted(found[:_SAMPLES])


def figure_4(seed: int | None = None) -> Figure:
    """Draw the sizes of 10⁶ strings with their fit, and the longest of 80,000.

    Parameters
    ----------
    seed : int, optional
        Seed of the stream (default: 0).

    Returns
    -------
    matplotlib.figure.Figure
    """
    number = 0 if seed is None else seed
    drawn, found, ours = _sampled(number)
    ((left, right),) = panels(drawn, 1, 2)
    _histogram(left, found[:_SAMPLES], ours)
    _longest_of(right, found, ours)
    drawn.suptitle("Figure 4: sizes of embedded Reber strings", fontsize=12)
    mean, largest = found[:_SAMPLES].mean(), found[:_SAMPLES].max()
    caption(
        drawn,
        f"Left: {_SAMPLES:,} strings, mean size {mean:.2f}, the longest {largest}; our fit is a "
        "line through the logarithms, weighted with the strings of each size. Right: the longest "
        f"of {_STRINGS:,} strings, {_TESTS} times; curves are $aP_N$ of the report, whose "
        f"area is 1. Stream of seed {number}.",
    )
    return drawn


def _histogram(axes: Axes, found: _Sizes, ours: Exponential) -> None:
    frame(axes, "(a) a million strings", "string size, symbols", "share of strings")
    numbers = np.bincount(found)
    size = np.flatnonzero(numbers)
    axes.bar(size, numbers[size] / len(found), width=0.85, color="#BFD4E4", label="sampled")
    ends = np.array([ours.o, size[-1]], np.float64)
    axes.plot(ends, REPORT.share(ends), color=ORANGE, lw=1.8, label=f"report: {_named(REPORT)}")
    axes.plot(ends, ours.share(ends), color=BLUE, lw=1.8, ls="--", label=f"our fit: {_named(ours)}")
    axes.set_yscale("log")
    axes.set_ylim(0.5 / len(found), 1)
    axes.legend(frameon=False, fontsize=8.5, loc="upper right")


def _longest_of(axes: Axes, found: _Sizes, ours: Exponential) -> None:
    frame(
        axes,
        f"(b) the longest of {_STRINGS:,} strings",
        "size of the longest string, symbols",
        "probability per symbol",
    )
    longest = _longest(found, _STRINGS)
    low, high = int(longest.min()) - 5, int(longest.max()) + 5
    edges = np.arange(low, high + 2, 2) - 0.5
    axes.hist(longest, bins=edges.tolist(), density=True, color="#BFD4E4", label="sampled")
    size = np.linspace(low, high, 400)
    for curve, name, colour, line in (
        (REPORT, "report's constants", ORANGE, "-"),
        (ours, "our fit", BLUE, "--"),
    ):
        top = float(curve.bound(np.array(_STRINGS)))
        label = f"{name}: maximum at {top:.1f}"
        axes.plot(
            size, curve.a * curve.longest(size, _STRINGS), line, c=colour, lw=1.8, label=label
        )
    mean = float(longest.mean())
    axes.plot(
        [mean, mean], [0, 0.115], color=DARK, lw=1.2, ls=":", label=f"sampled mean {mean:.1f}"
    )
    axes.set_ylim(0, 0.16)
    axes.set_xlim(low, high)
    axes.legend(frameon=False, fontsize=8.5, loc="upper right")


def figure_5(seed: int | None = None) -> Figure:
    """Draw how the expected longest of N strings grows with N, by the report's bound and sampled.

    Parameters
    ----------
    seed : int, optional
        Seed of the stream (default: 0).

    Returns
    -------
    matplotlib.figure.Figure
    """
    number = 0 if seed is None else seed
    drawn, found, ours = _sampled(number)
    ((left, right),) = panels(drawn, 1, 2, sharey=True)
    even = np.arange(5_000, 100_001, 5_000)
    spaced = np.unique(np.geomspace(1, 1_000_000, 25).round().astype(int))
    for axes, numbers, title in (
        (left, even, "(a) linear"),
        (right, spaced, "(b) logarithmic"),
    ):
        frame(axes, title, "number of strings $N$", "")
        sampled: _Values = np.array([mean_longest(found, int(n)) for n in numbers])
        axes.fill_between(
            numbers,
            sampled[:, 1],
            sampled[:, 2],
            color=GREY,
            alpha=0.25,
            lw=0,
            label="nine sets in ten",
        )
        axes.plot(
            numbers, sampled[:, 0], "o", color=DARK, ms=3.2, label="sampled mean of the longest"
        )
        fine = np.geomspace(1, numbers[-1], 400)
        axes.plot(fine, REPORT.bound(fine), color=ORANGE, lw=1.8, label="report's lower bound")
        axes.plot(fine, ours.bound(fine), color=BLUE, lw=1.8, ls="--", label="the same, our fit")
    left.set_ylabel("size of the longest string, symbols")
    left.set_xlim(0, 102_000)
    left.set_ylim(0, None)
    left.set_xticks(range(0, 100_001, 20_000), ["0", "20", "40", "60", "80", "100"])
    left.set_xlabel("number of strings $N$, thousands")
    right.set_xscale("log")
    right.set_xlim(1, 1_000_000)
    right.legend(frameon=False, fontsize=8.5, loc="upper left")
    drawn.suptitle("Figure 5: the expected longest of $N$ embedded Reber strings", fontsize=12)
    caption(
        drawn,
        f"Lower bound: where $P_N$ has its maximum, {REPORT.o} + ln($N$ + 1) / $a$, with "
        f"the report's $a$ = 3/11 and with our fit's $a$ = {ours.a:.3f}. Sampled: {len(found):,} "
        f"strings of the stream of seed {number}, cut into sets of $N$.",
    )
    return drawn
