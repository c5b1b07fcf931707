"""A network's units and connections, as figures 1, 2 and 6 of the report draw theirs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lethe.core.topology import Topology
from lethe.figures.memory_block import (
    GATE_COLOUR,
    STATE_COLOUR,
    arrow,
    box,
    circle,
    draw_memory_block,
)

__all__ = ["Connections", "connections", "draw", "figure"]

# Okabe and Ito's colours, which colour-blind readers can distinguish.
_COLOURS = {
    "inputs": "#0072B2",
    "recurrent": "#D55E00",
    "gates": "#CC79A7",
    "peepholes": "#8C6BB1",
    "below": "#56B4E9",
    "outputs": "#009E73",
    "shortcuts": "#B8860B",
    "biases": "#222222",
}
_GATES = {"input_gate": "in", "forget_gate": r"$\varphi$", "output_gate": "out"}
_HEIGHT = 3.3  # From one row of units to the next.
_BLOCK = (1.3, 1.0)  # Half a block's width and height.
_SIDE = 6.4  # Where connections pass rows by.


class Connections(NamedTuple):
    """One kind of connection.

    Attributes
    ----------
    kind : str
        "inputs", "recurrent", "gates", "below", "outputs", "shortcuts" or "biases".
    what : str
        From which units to which.
    product : str
        Its number of weights as a product.
    weights : int
        Its number of weights.
    """

    kind: str
    what: str
    product: str
    weights: int


def connections(topology: Topology) -> list[Connections]:
    """The kinds of connection that a network has; their weights add up to `Topology.weights`.

    Parameters
    ----------
    topology : Topology
        The network.

    Returns
    -------
    list of Connections

    Examples
    --------
    >>> for kind in connections(Topology(inputs=7, outputs=7, cells_per_block=2)):
    ...     print(kind.what, kind.weights)
    inputs to hidden units 140
    cells to hidden units, one step later 160
    cells to output units 56
    inputs to output units (shortcuts) 49
    biases of gates and output units 19
    """
    t = topology
    gates = t.blocks * len(t.gates)
    hidden = t.cells + gates
    layers = (t.layers,) if t.layers > 1 else ()
    below = (t.layers - 1, t.cells, hidden)
    kinds = (
        (True, "inputs", "inputs to hidden units", (*layers, t.inputs, hidden)),
        (t.recurrent, "recurrent", "cells to hidden units, one step later",
         (*layers, t.cells, hidden)),
        (t.gates_are_sources and gates > 0, "gates", "gates to hidden units, one step later",
         (*layers, gates, hidden)),
        (t.peepholes and gates > 0, "peepholes", "cell states to the gates of their block",
         (*layers, t.cells, len(t.gates))),
        (t.layers > 1, "below", "cells to hidden units of the next layer", below),
        (True, "outputs", "cells to output units", (t.layers * t.cells, t.outputs)),
        (t.shortcuts, "shortcuts", "inputs to output units (shortcuts)", (t.inputs, t.outputs)),
    )  # fmt: skip
    found = [
        Connections(kind, what, _product(factors, kind), math.prod(factors))
        for there, kind, what, factors in kinds
        if there
    ]
    return found + _biases(t)


def _product(factors: Sequence[int], kind: str) -> str:
    named = [f"{factor:,}" for factor in factors]
    if len(named) == 3 and kind != "below":
        named[0] += " layers"
    return " × ".join(named)


def _biases(t: Topology) -> list[Connections]:
    """The biases as a kind of connection, where there are any."""
    numbers = {kind: t.layers * t.blocks for kind in t.gates} | {"cell": t.layers * t.cells}
    counts = [numbers[kind] for kind in t.biased if kind != "output"]
    gates = [kind for kind in t.biased if kind in t.gates]
    names = ["gates"] if len(gates) > 1 and len(gates) == len(t.gates) else []
    names += [] if names else [kind.replace("_", " ") + "s" for kind in gates]
    names += ["cells"] if "cell" in t.biased else []
    if "output" in t.biased:
        counts.append(t.outputs)
        names.append("output units")
    if not counts:
        return []
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return [
        Connections(
            "biases", f"biases of {listed}", " + ".join(f"{n:,}" for n in counts), sum(counts)
        )
    ]


def figure(seed: int | None = None) -> Figure:
    """Draw the network of the report's section 4.2.

    Parameters
    ----------
    seed : int, optional
        Of no meaning here: nothing is drawn by lot.

    Returns
    -------
    matplotlib.figure.Figure
    """
    return draw(Topology(inputs=7, outputs=7, blocks=4, cells_per_block=2))


def draw(topology: Topology) -> Figure:
    """Draw a network: left a memory block in detail, right its layers and connections.

    Parameters
    ----------
    topology : Topology
        The network. Of many units, blocks or layers the first and the last are shown.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no memory blocks.
    """
    if topology.blocks == 0:
        raise ValueError("topology must have at least one memory block to be drawn, got blocks=0")
    rows = min(topology.layers, 3)
    drawn = Figure(figsize=(13, 6.1 + 1.1 * rows), layout="constrained")
    grid = drawn.add_gridspec(2, 2, width_ratios=(5.4, 7.6), height_ratios=(3.6 + 1.1 * rows, 2.5))
    draw_memory_block(drawn.add_subplot(grid[:, 0]), topology)
    _draw_layers(drawn.add_subplot(grid[0, 1]), topology)
    _draw_table(drawn.add_subplot(grid[1, 1]), topology)
    return drawn


class _Row(NamedTuple):
    """A row of units: which are shown (None: those left out), where, and at what height."""

    shown: list[int | None]
    places: list[float]
    y: float

    def places_shown(self) -> list[float]:
        """Positions of the units, without the dots between them."""
        return [x for x, unit in zip(self.places, self.shown, strict=True) if unit is not None]


def _row(number: int, most: int, gap: float, y: float) -> _Row:
    """A row of at most `most` units; the others are left out before the last."""
    shown: list[int | None] = [*range(number)]
    if number > most:
        shown = [*range(most - 2), None, number - 1]
    return _Row(shown, [gap * (n - (len(shown) - 1) / 2) for n in range(len(shown))], y)


def _draw_layers(axes: Axes, t: Topology) -> None:
    """The layers from below, and bundles of connections between them."""
    layers = _row(t.layers, 3, 1.0, 0.0).shown
    inputs = _row(t.inputs, 9, 1.15, 0.0)
    hidden = [_row(t.blocks, 4, 2.9, _HEIGHT * (n + 1)) for n in range(len(layers))]
    outputs = _row(t.outputs, 9, 1.15, _HEIGHT * (len(layers) + 1))
    axes.set_xlim(-_SIDE - 4.4, _SIDE + 2.2)
    axes.set_ylim(-0.8, outputs.y + 0.8)
    axes.set_aspect("equal")
    axes.axis("off")
    _draw_bundles(axes, t, inputs, [(r, n) for r, n in zip(hidden, layers, strict=True)], outputs)
    _draw_units(axes, inputs, _many(t.inputs, "input"))
    for row, layer in zip(hidden, layers, strict=True):
        if layer is None:
            axes.text(0, row.y, "⋮", fontsize=22, ha="center", va="center")
            continue
        for x, block in zip(row.places, row.shown, strict=True):
            _draw_block(axes, t, (x, row.y), elided=block is None)
        name = f"{_many(t.blocks, 'memory block')}\nof {_many(t.cells_per_block, 'cell')}"
        _name(axes, row.y, f"layer {layer + 1}: {name}" if t.layers > 1 else name)
    _draw_units(axes, outputs, _many(t.outputs, "output unit"), biased="output" in t.biased)


def _draw_bundles(
    axes: Axes, t: Topology, inputs: _Row, hidden: list[tuple[_Row, int | None]], outputs: _Row
) -> None:
    """Connections between rows as fans of lines, and those that pass a row by along the sides."""
    first, last = hidden[0][0], hidden[-1][0]
    _fan(axes, inputs, first, (0.4, _BLOCK[1]), "inputs")
    for (row, layer), (above, next_layer) in pairwise(hidden):
        if layer is None or next_layer is None:
            ends = (row.y + _BLOCK[1], above.y - _BLOCK[1])
            arrow(axes, (0, ends[0]), (0, ends[1]), _COLOURS["below"], width=2)
        else:
            _fan(axes, row, above, (_BLOCK[1], _BLOCK[1]), "below")
    _fan(axes, last, outputs, (_BLOCK[1], 0.4), "outputs")
    edge = max(first.places) + _BLOCK[0]
    for row, layer in hidden:
        if layer is None:
            continue
        if row is not first:
            _way(axes, -inputs.places[-1] - 0.4, inputs.y, -edge, row.y, -_SIDE, "inputs")
        if row is not last:
            end = outputs.places[-1] + 0.4
            _way(axes, edge, row.y + 0.75, end, outputs.y, _SIDE + 1.6, "outputs")
        if t.recurrent:
            _loop(axes, edge, row.y, 0.42, 1.0, "recurrent")
        if t.gates_are_sources and t.gates:
            _loop(axes, edge, row.y, 0.2, 0.6, "gates")
    if t.shortcuts:
        start, end = inputs.places[0] - 0.4, outputs.places[0] - 0.4
        _way(axes, start, inputs.y, end, outputs.y, -_SIDE - 0.5, "shortcuts")


def _fan(axes: Axes, below: _Row, above: _Row, margins: tuple[float, float], kind: str) -> None:
    for x in below.places_shown():
        for to in above.places_shown():
            axes.plot(
                (x, to),
                (below.y + margins[0], above.y - margins[1]),
                color=_COLOURS[kind],
                lw=0.8,
                alpha=0.45,
                zorder=0,
            )


def _way(axes: Axes, x: float, y: float, end: float, its_y: float, by: float, kind: str) -> None:
    """From (x, y) along the side x = `by` to (end, its_y)."""
    axes.plot((x, by, by), (y, y, its_y), color=_COLOURS[kind], lw=2, solid_joinstyle="round")
    arrow(axes, (by, its_y), (end, its_y), _COLOURS[kind], width=2)


def _loop(axes: Axes, x: float, y: float, up: float, out: float, kind: str) -> None:
    """From a layer's right edge back to it."""
    colour = _COLOURS[kind]
    axes.plot((x, x + out, x + out), (y + up, y + up, y - up), color=colour, lw=2)
    arrow(axes, (x + out, y - up), (x, y - up), colour, width=2)
    if kind == "recurrent":
        axes.text(x + out + 0.15, y, "$t-1$", fontsize=9, color=colour, va="center")


def _draw_units(axes: Axes, row: _Row, name: str, *, biased: bool = False) -> None:
    for x, unit in zip(row.places, row.shown, strict=True):
        if unit is None:
            axes.text(x, row.y, "…", fontsize=14, ha="center", va="center")
            continue
        circle(axes, (x, row.y), 0.4, "")
        _mark(axes, (x, row.y), 0.4, biased)
    _name(axes, row.y, name)


def _draw_block(axes: Axes, t: Topology, centre: tuple[float, float], *, elided: bool) -> None:
    """A block with its gates on the left and its cells on the right."""
    x, y = centre
    if elided:
        axes.text(x, y, "…", fontsize=18, ha="center", va="center")
        return
    width, height = _BLOCK
    box(axes, (x - width, y - height), 2 * width, 2 * height)
    left = x - 0.72 if t.gates else x
    for number, gate in enumerate(t.gates):
        at = (left, y + 0.62 * (number - (len(t.gates) - 1) / 2))
        circle(axes, at, 0.27, _GATES[gate], GATE_COLOUR, 7.5)
        _mark(axes, at, 0.27, gate in t.biased)
    middle = x + 0.42 if t.gates else x
    cells = _row(t.cells_per_block, 2, 0.8, y)
    if t.cells_per_block > 2:
        cells = _Row([0, None, t.cells_per_block - 1], [-0.47, 0.0, 0.47], y)
    for shift, cell in zip(cells.places, cells.shown, strict=True):
        if cell is None:
            axes.text(middle, y, "…", fontsize=9, ha="center", va="center")
            continue
        radius = 0.36 if len(cells.shown) < 3 else 0.3
        circle(axes, (middle + shift, y), radius, "$s$", STATE_COLOUR, 9)
        _mark(axes, (middle + shift, y), radius, "cell" in t.biased)


def _mark(axes: Axes, centre: tuple[float, float], radius: float, biased: bool) -> None:
    """Mark a unit that has a bias by a dot on its rim."""
    if biased:
        x, y = centre
        axes.plot(x + 0.71 * radius, y - 0.71 * radius, "o", ms=3.6, color="#222222", zorder=5)


def _name(axes: Axes, y: float, text: str) -> None:
    axes.text(-_SIDE - 0.9, y, text, fontsize=9, ha="right", va="center")


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("s" if number > 1 else "")


def _draw_table(axes: Axes, t: Topology) -> None:
    """What each colour stands for, how many weights there are, and where the gates start."""
    axes.set_xlim(0, 1)
    axes.axis("off")
    found = connections(t)
    y = 0.0
    for kind in found:
        if kind.kind == "biases":
            axes.plot(0.045, y, "o", ms=4, color=_COLOURS["biases"])
        else:
            axes.plot((0.02, 0.07), (y, y), color=_COLOURS[kind.kind], lw=2.5)
        _line(axes, y, kind.what, kind.product, kind.weights)
        y -= 1
    axes.plot((0.1, 0.92), (y + 0.5, y + 0.5), color="0.6", lw=0.8)
    _line(axes, y, "weights", "", t.weights, weight="bold")
    y -= 1.3
    for gate in t.gates:
        if gate in t.biased:
            name = f"initial biases of {gate.replace('_', ' ')}s"
            axes.text(0.1, y, name, fontsize=9, va="center")
            axes.text(0.92, y, _listed(t.initial_bias(gate)), fontsize=9, va="center", ha="right")
            y -= 1
    axes.set_ylim(min(y, -9.5) + 0.4, 0.6)


def _line(axes: Axes, y: float, what: str, product: str, number: int, **style: Any) -> None:
    axes.text(0.1, y, what, fontsize=9, va="center", **style)
    axes.text(0.78, y, product, fontsize=9, va="center", ha="right", color="0.35")
    axes.text(0.92, y, f"{number:,}", fontsize=9, va="center", ha="right", **style)


def _listed(values: Sequence[float] | None) -> str:
    """Initial biases in a few words."""
    if values is None:
        return "drawn like other weights"
    if len(set(values)) == 1:
        return f"{values[0]:g}".replace("-", "−") + (" in every block" if len(values) > 1 else "")
    some = [f"{value:g}" for value in values[:4]] + ["…"] * (len(values) > 4)
    return ", ".join(some).replace("-", "−")
