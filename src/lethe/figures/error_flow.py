"""Error flow: what remains of an error after 1 to 1,000 steps, in five kinds of network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lethe.experiments.analyses.error_flow import NETWORKS, ErrorFlow
from lethe.figures.style import panels

__all__ = ["NETWORKS_OF_EACH_KIND", "draw", "figure"]

NETWORKS_OF_EACH_KIND = 20
_LOWEST, _HIGHEST = -16, 3  # Powers of ten that are shown.


class _Look(NamedTuple):
    """How a kind of network is drawn, in a colour that colour-blind readers can tell apart."""

    name: str
    colour: str
    theory: str = ""
    label_at: float = 0.0  # The power of ten at which theory is labelled, right of its line.


_LOOKS = {
    "standard": _Look("standard LSTM", "#0072B2"),
    "forget_open": _Look("forget gates open (bias 5)", "#009E73"),
    "forget_half": _Look("forget gates half closed (bias 0)", "#D55E00", r"$\sigma(0)^q$", -11),
    "srn_tanh": _Look("simple recurrent: tanh, spectral radius 1", "#CC79A7"),
    "srn_logistic": _Look(
        "simple recurrent: logistic, weights in ±0.2", "#4D4D4D", r"$\rho^{\,q}$", -14
    ),
}

_THEORY = r"theory ($\rho$: spectral radius of the Jacobian at the steepest slope)"
Flows = Mapping[str, Sequence[ErrorFlow]]


def figure(seed: int | None = None) -> Figure:
    """Measure 20 networks of each kind and draw them; it takes some ten seconds.

    Parameters
    ----------
    seed : int, optional
        Of the first network of each kind; by default 0.

    Returns
    -------
    matplotlib.figure.Figure
    """
    first = 0 if seed is None else seed
    numbers = range(first, first + NETWORKS_OF_EACH_KIND)
    return draw({name: [kind.run(n) for n in numbers] for name, kind in NETWORKS.items()})


def draw(flows: Flows) -> Figure:
    """Draw measurements: left through the whole network, right along the cells only.

    Parameters
    ----------
    flows : dict of str to sequence of ErrorFlow
        The networks of each kind, by the names of `lethe.experiments.analyses.error_flow.NETWORKS`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    drawn = Figure(figsize=(10, 5.6), layout="constrained")
    ((left, right),) = panels(drawn, 1, 2, sharey=True)
    for axes, flow, title in (
        (left, "whole", "(a) through the whole network, by every path"),
        (right, "cells", "(b) along the cells: what the learning algorithm carries"),
    ):
        _frame(axes, title)
        for name, networks in flows.items():
            _curve(axes, flow, networks, _LOOKS[name])
    left.set_ylabel("remaining share of an error")
    _label(left, 1.2, 0.3, "1, were the tanh units linear", _LOOKS["srn_tanh"].colour)
    _label(right, 1.2, 0.3, "1, the constant error carousel", _LOOKS["standard"].colour)
    _label(right, 300, -2.6, r"$\sigma(5)^q$", _LOOKS["forget_open"].colour)
    handles = [
        Line2D([], [], color=_LOOKS[name].colour, lw=2, label=_LOOKS[name].name) for name in flows
    ]
    handles.append(Line2D([], [], color="0.2", lw=1.4, ls=(0, (4, 3)), label=_THEORY))
    drawn.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    most = max(map(len, flows.values()))
    drawn.suptitle(
        f"Error flow in networks with initial weights: median and range of {most} of each kind",
        fontsize=12,
    )
    return drawn


def _frame(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xscale("log")
    axes.set_xlim(1, 1000)
    axes.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    axes.set_xlabel("lag $q$, time steps")
    axes.set_ylim(_LOWEST, _HIGHEST)
    powers = range(_LOWEST, _HIGHEST + 1, 4)
    axes.set_yticks(powers, [f"$10^{{{power}}}$" if power else "1" for power in powers])
    axes.grid(color="0.92", lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _curve(axes: Axes, flow: str, networks: Sequence[ErrorFlow], look: _Look) -> None:
    """Median, range and theory of one kind, where it has this flow."""
    of_cells = networks[0].cells is not None
    if flow == "cells" and not of_cells:
        return
    lags = networks[0].lags
    sizes = np.array([getattr(network, flow) for network in networks])
    axes.fill_between(lags, sizes.min(0), sizes.max(0), color=look.colour, alpha=0.18, lw=0)
    axes.plot(lags, np.median(sizes, axis=0), color=look.colour, lw=2)
    if (flow == "cells") != of_cells:
        return  # Theory does not cover this flow.
    theory = np.median([network.theory for network in networks], axis=0)
    axes.plot(lags, theory, color="0.1", lw=1.3, ls=(0, (4, 3)))
    if look.theory and theory[-1] < look.label_at:
        at = np.interp(-look.label_at, -theory, lags)
        _label(axes, 1.08 * at, look.label_at, look.theory, look.colour)


def _label(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    axes.text(x, y, text, color=colour, fontsize=10, ha="left", va="bottom")
