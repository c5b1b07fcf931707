"""Figure 10: training with a constant learning rate and with alpha decay (section 4.5)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lethe.experiments.tables.cerg import ROWS
from lethe.figures.style import BLUE, DARK, ORANGE, caption, frame, panels
from lethe.figures.trained import first_perfect

__all__ = ["figure_10", "running_mean"]

_WINDOW = 100  # Streams.
_PANELS = (
    ("forget_gates", "(a) constant rate, α = 0.5", ORANGE),
    ("forget_gates_decay", "(b) α decays by 0.99 a step", BLUE),
)


def running_mean(lengths: NDArray[np.int64], window: int) -> NDArray[np.float64]:
    """The geometric mean over the last streams, at each stream.

    Parameters
    ----------
    lengths : (streams,) int64
        Correct predictions of each; 0 counts as 1.
    window : int
        Number of streams; the first means are over fewer.

    Returns
    -------
    ndarray, shape (streams,)
    """
    sums = np.concatenate(([0.0], np.cumsum(np.log(np.maximum(lengths, 1)))))
    ends = np.arange(1, len(sums))
    begins = np.maximum(ends - window, 0)
    return np.asarray(np.exp((sums[ends] - sums[begins]) / (ends - begins)), np.float64)


def figure_10(seed: int | None = None) -> Figure:
    """Draw the length of every training stream until a network is perfect, for two rows of Table 2.

    Parameters
    ----------
    seed : int, optional
        Seed of the first network (default: 0). The first of each row that becomes perfect is drawn.

    Returns
    -------
    matplotlib.figure.Figure
    """
    drawn = Figure(figsize=(10, 4.4), layout="constrained")
    (axes_of_rows,) = panels(drawn, 1, 2, sharex=True, sharey=True)
    networks = []
    for axes, (row, title, colour) in zip(axes_of_rows, _PANELS, strict=True):
        trained = first_perfect(ROWS[row].trial, 0 if seed is None else seed)
        frame(axes, title, "training streams", "")
        _curve(axes, trained.lengths, colour)
        networks.append(f"row {row}, seed {trained.seed}, perfect after {len(trained.lengths):,}")
    axes_of_rows[0].set_ylabel("correct predictions in a row")
    axes_of_rows[0].legend(frameon=False, fontsize=8.5, loc="upper left", markerscale=4)
    drawn.suptitle("Figure 10: training with and without decay of the learning rate", fontsize=12)
    caption(
        drawn,
        "Every dot is a training stream, which ends at the first wrong prediction or after 100,000 "
        f"symbols. (a) {networks[0]}; (b) {networks[1]} streams.",
    )
    return drawn


def _curve(axes: Axes, lengths: NDArray[np.int64], colour: str) -> None:
    streams = np.arange(1, len(lengths) + 1)
    shown = np.maximum(lengths, 1)
    axes.plot(
        streams,
        shown,
        ".",
        color=colour,
        ms=2.5,
        alpha=0.45,
        mew=0,
        rasterized=True,
        label="stream",
    )
    mean = running_mean(lengths, _WINDOW)
    axes.plot(streams, mean, color=DARK, lw=1.2, label=f"geometric mean of {_WINDOW}")
    axes.set_yscale("log")
    axes.set_ylim(0.8, 200_000)
    axes.set_xlim(0, None)
    axes.xaxis.set_major_formatter("{x:,.0f}")
