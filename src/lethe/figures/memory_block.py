"""A memory block in detail, as figures 1 and 2 of the report: its gates, and one of its cells."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from lethe.core.topology import GateKind, Squashing, Topology

__all__ = ["GATE_COLOUR", "STATE_COLOUR", "arrow", "box", "circle", "draw_memory_block"]

Point = tuple[float, float]

GATE_COLOUR = "#FBE3CF"
STATE_COLOUR = "#D5EEE2"
_SQUASH_COLOUR = "#DCEAF7"
_INK = "#222222"
_PEEPHOLE_COLOUR = "#8C6BB1"

_FUNCTIONS: dict[Squashing, str] = {
    "centred_logistic_2": r"4\sigma(x) - 2",
    "centred_logistic_1": r"2\sigma(x) - 1",
    "logistic": r"\sigma(x)",
    "tanh": r"\tanh x",
    "identity": "x",
}
_SYMBOLS: dict[GateKind, str] = {
    "input_gate": r"\mathrm{in}",
    "forget_gate": r"\varphi",
    "output_gate": r"\mathrm{out}",
}

# Positions. The cell's column runs upwards, with gates to its left and right.
_COLUMN, _LEFT, _RIGHT = 4.9, 1.6, 9.35
_SQUASH_IN, _TIMES_IN, _STATE, _SQUASH_OUT, _TIMES_OUT = 2.9, 4.4, 6.5, 8.5, 10.0
_LOOP = 7.0
_UNIT, _TIMES, _CORE = 0.52, 0.3, 0.68


def arrow(
    axes: Axes,
    start: Point,
    end: Point,
    colour: str = _INK,
    *,
    curve: float = 0.0,
    width: float = 1.2,
) -> None:
    """Draw an arrow; `curve` bends it, as a share of its length."""
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=9 + 2 * width,
            connectionstyle=f"arc3,rad={curve}",
            color=colour,
            lw=width,
            shrinkA=0,
            shrinkB=0,
        )
    )


def circle(
    axes: Axes, centre: Point, radius: float, text: str, colour: str = "white", size: float = 11
) -> None:
    """Draw a unit: a circle with its name in it."""
    axes.add_patch(Circle(centre, radius, facecolor=colour, edgecolor=_INK, lw=1.1, zorder=3))
    axes.text(*centre, text, ha="center", va="center", fontsize=size, color=_INK, zorder=4)


def box(
    axes: Axes,
    corner: Point,
    width: float,
    height: float,
    *,
    colour: str = "white",
    **style: Any,
) -> None:
    """Draw a box with round corners from its lower left corner."""
    look: dict[str, Any] = {"edgecolor": "0.45", "lw": 1.0, "zorder": 1} | style
    axes.add_patch(
        FancyBboxPatch(
            corner,
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.25",
            facecolor=colour,
            **look,
        )
    )


def draw_memory_block(axes: Axes, topology: Topology) -> None:
    """Draw the parts that the blocks of this topology have, and no others.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        What to draw on.
    topology : Topology
        Whose blocks.
    """
    t = topology
    axes.set_xlim(0.0, 10.9)
    axes.set_ylim(-1.1, 13.0)
    axes.set_aspect("equal")
    axes.axis("off")
    box(axes, (0.2, 1.6), 10.5, 9.6, colour="#FAFAFA", ls=(0, (5, 3)))
    for behind in range(min(t.cells_per_block, 3) - 1, -1, -1):
        box(axes, (3.5 + 0.14 * behind, 2.0 + 0.14 * behind), 4.3, 8.6)
    _column(axes, t)
    _self_connection(axes, t)
    for gate, height in (("input_gate", _TIMES_IN), ("output_gate", _TIMES_OUT)):
        if gate in t.gates:
            _gate(axes, t, gate, (_LEFT, height), _COLUMN - _TIMES, side=-1)
    if t.forget_gate:
        _gate(axes, t, "forget_gate", (_RIGHT, _STATE), _LOOP + _TIMES, side=1)
    axes.text(10.4, 10.85, "memory block", fontsize=9, color="0.35", ha="right", va="center")
    others = t.cells_per_block - 1
    axes.text(
        7.65,
        2.3,
        "cell" if not others else f"one cell of {others + 1}",
        fontsize=9,
        color="0.35",
        ha="right",
        va="center",
    )
    axes.text(5.2, -0.65, _equations(t), fontsize=11, ha="center", va="center", linespacing=1.5)


def _column(axes: Axes, t: Topology) -> None:
    """The cell from its net input to its output."""
    x = _COLUMN
    _fan(axes, (x, 1.0), (x, _SQUASH_IN - _UNIT))
    axes.text(x + 0.75, 0.95, r"$net_c$", fontsize=11, va="center")
    stops = [(_SQUASH_IN, _UNIT), (_STATE, _CORE), (_SQUASH_OUT, _UNIT)]
    if t.input_gate:
        stops.insert(1, (_TIMES_IN, _TIMES))
    if t.output_gate:
        stops.append((_TIMES_OUT, _TIMES))
    for (y, radius), (above, its_radius) in pairwise(stops):
        arrow(axes, (x, y + radius), (x, above - its_radius))
    arrow(axes, (x, stops[-1][0] + stops[-1][1]), (x, 12.0))
    axes.text(x, 12.35, "$y^c$", fontsize=12, ha="center", va="center")
    circle(axes, (x, _SQUASH_IN), _UNIT, "$g$", _SQUASH_COLOUR)
    circle(axes, (x, _SQUASH_OUT), _UNIT, "$h$", _SQUASH_COLOUR)
    for name, y, function in (("g", _SQUASH_IN, t.cell_input), ("h", _SQUASH_OUT, t.cell_output)):
        text = f"${name}(x) = {_FUNCTIONS[function]}$"
        axes.text(x + 0.7, y, text, fontsize=8.5, va="center", color="0.25")
    circle(axes, (x, _STATE), _CORE, "$s_c$", STATE_COLOUR, 13)
    if t.input_gate:
        circle(axes, (x, _TIMES_IN), _TIMES, r"$\times$")
    if t.output_gate:
        circle(axes, (x, _TIMES_OUT), _TIMES, r"$\times$")


def _self_connection(axes: Axes, t: Topology) -> None:
    """The constant error carousel, or what has taken the place of its weight 1."""
    start, end = (_COLUMN + 0.48, _STATE + 0.48), (_COLUMN + 0.48, _STATE - 0.48)
    if t.forget_gate:
        arrow(axes, start, (_LOOP - 0.05, _STATE + _TIMES), curve=-0.45)
        arrow(axes, (_LOOP - 0.05, _STATE - _TIMES), end, curve=-0.45)
        circle(axes, (_LOOP, _STATE), _TIMES, r"$\times$")
        return
    far = (_LOOP + 0.55, _STATE)
    curve = Path(
        [start, (far[0], start[1] + 0.9), (far[0], end[1] - 0.9), end],
        [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
    )
    axes.add_patch(
        FancyArrowPatch(path=curve, arrowstyle="-|>", mutation_scale=11, color=_INK, lw=1.2)
    )
    weight = f"{t.state_decay:.1f}" if t.state_decay == 1.0 else f"{t.state_decay:g}"
    axes.text(_LOOP + 0.12, _STATE, weight, fontsize=11, va="center")


def _gate(axes: Axes, t: Topology, gate: GateKind, centre: Point, to: float, *, side: int) -> None:
    """A gate, what it reads, and its arrow to the multiplication at x = `to`."""
    x, y = centre
    symbol = _SYMBOLS[gate]
    arrow(axes, (x - side * _UNIT, y), (to, y))
    axes.text(
        (x - side * _UNIT + (3.5 if side < 0 else 7.95)) / 2,
        y + 0.28,
        f"$y^{{{symbol}}}$",
        fontsize=11,
        ha="center",
    )
    _fan(axes, (x, y - 1.75), (x, y - _UNIT))
    if t.peepholes:
        _peephole(axes, centre, side)
    label_x = x - side * 0.62
    where = "left" if side < 0 else "right"
    axes.text(label_x, y - 1.5, f"$net_{{{symbol}}}$", fontsize=10.5, ha=where, va="center")
    circle(axes, centre, _UNIT, r"$\sigma$", GATE_COLOUR, 12)
    axes.text(x, y + 0.85, gate.replace("_", " "), fontsize=9, ha="center", va="center")


def _peephole(axes: Axes, gate: Point, side: int) -> None:
    """From the cell's state to a gate, past the multiplication between them."""
    x, y = gate
    below = -1 if y <= _STATE else 1
    start = (_COLUMN + side * 0.55 * _CORE, _STATE + below * 0.8 * _CORE)
    end = (x - side * 0.8 * _UNIT, y - below * 0.6 * _UNIT if side < 0 else y - 0.6 * _UNIT)
    arrow(axes, start, end, _PEEPHOLE_COLOUR, curve=0.25 * side, width=0.9)


def _fan(axes: Axes, start: Point, end: Point) -> None:
    """Lines that end in one point: a unit reads many sources."""
    for shift in (-0.45, 0.45):
        axes.plot((start[0] + shift, end[0]), (start[1], end[1]), color=_INK, lw=0.9)
    arrow(axes, start, end, width=0.9)


def _equations(t: Topology) -> str:
    """What the block computes."""
    kept = (
        r"y^{\varphi}\, "
        if t.forget_gate
        else ""
        if t.state_decay == 1
        else f"{t.state_decay:g}\\, "
    )
    written = r"y^{\mathrm{in}} g(net_c)" if t.input_gate else "g(net_c)"
    read = r"y^{\mathrm{out}} h(s_c)" if t.output_gate else "h(s_c)"
    return f"$s_c(t) = {kept}s_c(t-1) + {written}$\n$y^c = {read}$"
