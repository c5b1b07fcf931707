"""What the figures have in common: colours, axes, the line below, and how they are saved."""

from __future__ import annotations

import textwrap
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lethe.version import __version__

__all__ = ["BLUE", "DARK", "GREEN", "GREY", "ORANGE", "PURPLE", "caption", "frame", "save"]

# Okabe and Ito's colours, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
DARK, GREY = "#222222", "#8C8C8C"

_DOTS_PER_INCH = 160


def frame(axes: Axes, title: str, x: str, y: str) -> None:
    """Name a panel and its axes, and leave away what nobody reads.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The panel.
    title, x, y : str
        What it shows, and its axes with their units.
    """
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)


def caption(figure: Figure, text: str) -> None:
    """Say in small print below a figure what was run; the version is added.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        With a constrained layout.
    text : str
        Whole sentences; lines are broken at the figure's width.
    """
    width = round(17 * figure.get_figwidth())
    lines = textwrap.fill(f"{text} Lethe {__version__}.", width)
    figure.supxlabel(lines, x=0.012, ha="left", fontsize=8, color="0.35")


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and as SVG; the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    folder : pathlib.Path
        Where to; it must be there.
    name : str
        Of both files, without a suffix.

    Returns
    -------
    list of pathlib.Path
        The two files.
    """
    files = [folder / f"{name}.png", folder / f"{name}.svg"]
    with matplotlib.rc_context({"svg.hashsalt": "lethe"}):
        figure.savefig(files[0], dpi=_DOTS_PER_INCH)
        figure.savefig(files[1], dpi=_DOTS_PER_INCH, metadata={"Date": None})
    return files
