"""The papers' figures, drawn from our own runs: one file per kind, and one list of all.

Every figure is a function ``(seed: int | None) -> matplotlib.figure.Figure`` of the module that
`DRAWN_BY` names. It prints nothing: everything goes into the figure's title and its caption
(`lethe.figures.style.caption`). Only the module of the requested figure is imported, and with it
matplotlib.
"""

from __future__ import annotations

__all__ = ["DRAWN_BY", "FIGURES"]

#: The figures that ``lethe figure`` knows, with one line about each.
FIGURES: dict[str, str] = {
    "4": "string lengths of the embedded Reber grammar, and their exponential fit",
    "5": "the expected longest of N strings",
    "7": "internal states of standard LSTM, growing until it breaks",
    "8": "internal states and forget gate of the block that carries the long lag",
    "9": "internal states and forget gates of the blocks that do not",
    "10": "training curves with constant rate and with alpha decay",
    "topology": "a network's units and connections",
    "error-flow": "how an error decays as it propagates back in time",
}

#: Where each figure is drawn: ``module:function``.
DRAWN_BY: dict[str, str] = {
    "4": "lethe.figures.strings:figure_4",
    "5": "lethe.figures.strings:figure_5",
    "7": "lethe.figures.states:figure_7",
    "8": "lethe.figures.states:figure_8",
    "9": "lethe.figures.states:figure_9",
    "10": "lethe.figures.curves:figure_10",
    "topology": "lethe.figures.topology:figure",
    "error-flow": "lethe.figures.error_flow:figure",
}
