"""Figures 7, 8 and 9: what memory cells hold while a stream goes by (section 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lethe.core.network import FirstError, Network
from lethe.experiments.analyses.lesions import Errors, Lesions, carrier, lesions
from lethe.experiments.tables.cerg import ROWS
from lethe.figures.style import BLUE, DARK, GREEN, GREY, ORANGE, PURPLE, caption, frame, panels
from lethe.figures.trained import Trained, first_perfect
from lethe.tasks import ReberStream, Steps
from lethe.tasks.reber import SYMBOLS
from lethe.trials.continual import Trial

__all__ = [
    "Broken",
    "Watched",
    "figure_7",
    "figure_8",
    "figure_9",
    "stored",
    "until_it_breaks",
    "watch",
]

_STANDARD = ROWS["standard"].trial
_LEARNED = ROWS["forget_gates_decay"].trial
_NETWORKS = 12  # Of which figure 7 shows the best.
_WINDOW = 100  # Training streams over which "best" is taken.
_TESTS = 1000
_LONGEST = 5000  # Symbols of a test stream that may break.
_SHOWN = 170  # Symbols, as in the report's figure 8.
_BEFORE = 10_000  # Symbols that the network has read by then.
# Of each block's cells.
_COLOURS = ((BLUE, "#00344F"), (ORANGE, "#6E3000"), (GREEN, "#00483A"), (PURPLE, "#6B2F52"))


class Watched(NamedTuple):
    """Steps of a frozen network.

    Attributes
    ----------
    steps : Steps
        Its input.
    states : ndarray, shape (T, blocks, cells_per_block)
        States of its cells.
    forget_gates : ndarray, shape (T, blocks), or None
        Their activations, where it has them.
    """

    steps: Steps
    states: NDArray[Any]
    forget_gates: NDArray[Any] | None


class Broken(NamedTuple):
    """A test stream on which a network broke.

    Attributes
    ----------
    seed, streams : int
        Of the trial, and the training streams that the network had learned from.
    watched : Watched
        The stream, up to the first wrong prediction.
    """

    seed: int
    streams: int
    watched: Watched


def watch(net: Network, steps: Steps) -> Watched:
    """Run a frozen network over some steps and record its cells.

    Parameters
    ----------
    net : Network
        With one hidden layer. Its states advance.
    steps : Steps
        Its input.

    Returns
    -------
    Watched
    """
    gates = net.topology.forget_gate
    run = net.run(
        steps.inputs,
        learn=False,
        record=("cell_state", "forget_gate") if gates else ("cell_state",),
    )
    return Watched(steps, run["cell_state"][:, 0], run["forget_gate"][:, 0] if gates else None)


def stored(steps: Steps) -> list[tuple[int, str]]:
    """Where strings of the embedded Reber grammar start, and what is to be stored in each.

    Parameters
    ----------
    steps : Steps
        Of a `lethe.tasks.ReberStream`.

    Returns
    -------
    list of (int, str)
        The step of the string's first symbol; "T" or "P", or "" where the steps end before it.
    """
    return [
        (int(start), SYMBOLS[steps.inputs[start + 1]] if start + 1 < len(steps.inputs) else "")
        for start in np.flatnonzero(steps.starts)
    ]


@lru_cache(maxsize=1)
def until_it_breaks(trial: Trial, seed: int, networks: int, tests: int) -> Broken:
    """Find a network that is good for a while, and a test stream on which it breaks late.

    Of the networks, the one with the best mean over 100 successive training streams, in its state
    after these. Of its test streams, the one with the most complete strings of the rarer kind,
    those with a T or those with a P; of these the longest. (The longest of all may be luck: strings
    of one kind, and a network that answers with no other.)

    Parameters
    ----------
    trial : Trial
        How networks are trained; with 100 training streams or more.
    seed, networks : int
        The first seed, and how many there are.
    tests : int
        Test streams, new ones to the trial.

    Returns
    -------
    Broken
    """
    best = (-1.0, seed, 0)
    for one in range(seed, seed + networks):
        lengths: list[int] = []
        trial.train(one, lengths.append)
        window = min(_WINDOW, len(lengths))
        sums = np.concatenate(([0], np.cumsum(lengths)))
        means = (sums[window:] - sums[:-window]) / window
        best = max(best, (float(means.max()), one, int(means.argmax()) + window))
    _, one, streams = best
    _, net = replace(trial, training_streams=streams, test_streams=1).train_network(one)
    *_, ours = np.random.SeedSequence(one).spawn(4)
    stream = ReberStream(ours)
    chosen = max((_tested(net, stream, trial.bound) for _ in range(tests)), key=_mixed)
    net.reset()
    return Broken(one, streams, watch(net, chosen))


def _tested(net: Network, stream: ReberStream, bound: float) -> Steps:
    """A new test stream, up to the first wrong prediction."""
    net.reset()
    stream.next_string()
    steps = stream.take(_LONGEST)
    run = net.run(
        steps.inputs,
        steps.targets,
        target_table=stream.target_table,
        learn=False,
        stop=FirstError(bound),
        record=(),
    )
    return steps.piece(0, run.steps)


def _mixed(steps: Steps) -> tuple[int, int]:
    """Whole strings of the rarer kind, and symbols."""
    complete = [symbol for _, symbol in stored(steps)[:-1]]
    return min(complete.count("T"), complete.count("P")), len(steps.starts)


def figure_7(seed: int | None = None) -> Figure:
    """Draw the states of standard LSTM over a test stream that ends at the first wrong prediction.

    Parameters
    ----------
    seed : int, optional
        Of the first of twelve networks, of which the best is drawn; by default 0.

    Returns
    -------
    matplotlib.figure.Figure
    """
    first = 0 if seed is None else seed
    broken = until_it_breaks(_STANDARD, first, _NETWORKS, _TESTS)
    steps, states, _ = broken.watched
    drawn = Figure(figsize=(10, 4.6), layout="constrained")
    axes = drawn.subplots()
    frame(axes, "", "symbols of the test stream", "cell state $s_c$")
    for block in range(states.shape[1]):
        _cells(axes, states[:, block], block, _COLOURS[block % len(_COLOURS)])
    last = len(states) - 1
    axes.axvline(last, color=DARK, lw=1.6)
    axes.set_xlim(0, last * 1.004)
    _mark_strings(axes, steps)
    drawn.legend(loc="outside right center", frameon=False, fontsize=9)
    drawn.suptitle("Figure 7: states of standard LSTM grow until it breaks", fontsize=12)
    caption(
        drawn,
        f"Row standard, seeds {first} to {first + _NETWORKS - 1}: the network with the best "
        f"{_WINDOW} training streams in a row, of seed {broken.seed} after {broken.streams:,}; of "
        f"{_TESTS:,} test streams one with the most strings of the rarer kind, T or P. Its "
        f"{last:,} correct predictions end at the thick line. {_LINES}",
    )
    return drawn


def figure_8(seed: int | None = None) -> Figure:
    """Draw the states and the forget gate of the block that carries the long lag.

    Parameters
    ----------
    seed : int, optional
        Seed of the first network (default: 0). The first that becomes perfect is drawn.

    Returns
    -------
    matplotlib.figure.Figure
    """
    seen = _perfect(0 if seed is None else seed)
    block = carrier(seen.found)
    drawn = _blocks(seen, [block], (10, 5.4))
    drawn.suptitle("Figure 8: the block that carries the long lag", fontsize=12)
    rates = [f"{number}: {100 * one.long_lag:.0f} %" for number, one in enumerate(seen.found)]
    caption(
        drawn,
        f"{seen.text} Block {block} was found by lesions: remembered symbols taken for the other "
        f"one of T and P when a block is silenced towards the output units ({', '.join(rates)}). "
        f"{_LINES}",
    )
    return drawn


def figure_9(seed: int | None = None) -> Figure:
    """Draw the states and the forget gates of the blocks that do not carry the long lag.

    Parameters
    ----------
    seed : int, optional
        As for `figure_8`, which shows the other block of the same network.

    Returns
    -------
    matplotlib.figure.Figure
    """
    seen = _perfect(0 if seed is None else seed)
    blocks = [block for block in range(len(seen.found)) if block != carrier(seen.found)]
    drawn = _blocks(seen, blocks, (10, 5.0))
    drawn.suptitle("Figure 9: the blocks that do not carry the long lag", fontsize=12)
    rates = [f"{block}: {100 * seen.found[block].short_lag:.0f} %" for block in blocks]
    caption(
        drawn,
        f"{seen.text} Predictions that go wrong when a block is silenced towards the output units, "
        f"those of the remembered symbol aside ({', '.join(rates)}). {_LINES}",
    )
    return drawn


_LINES = "Lines: string starts, with the symbol to be stored; strings with a T are shaded."


class _Shown(NamedTuple):
    """A perfect network, its lesions, and some steps deep within a stream."""

    trained: Trained
    found: list[Errors]
    start: int
    watched: Watched

    @property
    def text(self) -> str:
        streams = len(self.trained.lengths)
        return (
            f"Row forget_gates_decay, seed {self.trained.seed}, perfect after {streams:,} training "
            "streams."
        )


@lru_cache(maxsize=1)
def _perfect(seed: int) -> _Shown:
    trained = first_perfect(_LEARNED, seed)
    steps = Lesions(trial=_LEARNED).stream(trained.seed)
    found = lesions(trained.net, steps, _LEARNED.bound, direct=True)
    start = _BEFORE + int(np.argmax(steps.starts[_BEFORE:]))
    net = trained.net.clone()
    net.reset()
    watch(net, steps.piece(0, start))
    return _Shown(trained, found, start, watch(net, steps.piece(start, start + _SHOWN)))


def _blocks(seen: _Shown, blocks: list[int], size: tuple[float, float]) -> Figure:
    """Above the states of each block's cells, below its forget gate."""
    drawn = Figure(figsize=size, layout="constrained")
    share: bool | Literal["row"] = "row" if len(blocks) == 1 else False
    grid = panels(drawn, 2, len(blocks), sharex=True, sharey=share, heights=(2, 1))
    steps, states, gates = seen.watched
    assert gates is not None
    for block, top, bottom in zip(blocks, *grid, strict=True):
        frame(top, "", "", "")
        frame(bottom, "", "", "")
        _cells(top, states[:, block], block, (BLUE, ORANGE))
        bottom.plot(gates[:, block], color=GREEN, lw=1.6)
        bottom.set_ylim(-0.04, 1.04)
        bottom.set_xlim(0, len(states) - 1)
        _mark_strings(top, steps)
        _mark_strings(bottom, steps, named=False)
        top.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1.06),
            ncols=states.shape[2],
            frameon=False,
            fontsize=9,
        )
    grid[0][0].set_ylabel("cell state $s_c$")
    grid[1][0].set_ylabel("forget gate")
    middle = grid[1][len(blocks) // 2]
    middle.set_xlabel(f"symbols, from symbol {seen.start:,} of the stream on")
    return drawn


def _cells(axes: Axes, states: NDArray[Any], block: int, colours: Sequence[str]) -> None:
    """The states (T, cells) of a block: thin and dashed all but the first, which may lie below."""
    for cell in range(states.shape[1]):
        axes.plot(
            states[:, cell],
            color=colours[cell % len(colours)],
            lw=1.1 if cell else 1.8,
            ls=(0, (4, 1.5)) if cell else "-",
            label=f"cell {block}.{cell}",
        )


def _mark_strings(axes: Axes, steps: Steps, *, named: bool = True) -> None:
    """Lines where strings start, the symbol to be stored above them, and shades for T."""
    found = stored(steps)
    ends = [start for start, _ in found[1:]] + [len(steps.starts) - 1]
    for (start, symbol), end in zip(found, ends, strict=True):
        axes.axvline(start, color=GREY, lw=0.7, zorder=0)
        if symbol == "T":
            axes.axvspan(start, end, color="#EFEFEF", lw=0, zorder=-1)
        if named and symbol:
            axes.text(
                start,
                1.01,
                symbol,
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="bottom",
                fontsize=9,
            )
