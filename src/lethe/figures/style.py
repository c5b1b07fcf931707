"""What the figures share: colours, axes, captions, and how they are saved."""

from __future__ import annotations

import textwrap
from io import BytesIO
from pathlib import Path
from typing import Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lethe.storage.output import output_errors, write_file
from lethe.version import __version__

__all__ = [
    "BLUE",
    "DARK",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "caption",
    "frame",
    "panels",
    "save",
]

# Okabe and Ito's colours, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
DARK, GREY = "#222222", "#8C8C8C"

_DOTS_PER_INCH = 160
_Share = bool | Literal["row"]


def panels(
    figure: Figure,
    rows: int,
    columns: int,
    *,
    sharex: bool = False,
    sharey: _Share = False,
    heights: tuple[float, ...] | None = None,
) -> list[list[Axes]]:
    """Add panels to a figure, row by row.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    rows, columns : int
        Numbers of panels.
    sharex, sharey, heights
        As ``sharex``, ``sharey`` and ``height_ratios`` of matplotlib's ``Figure.subplots``.

    Returns
    -------
    list of list of matplotlib.axes.Axes
    """
    grid: list[list[Axes]] = figure.subplots(
        rows, columns, sharex=sharex, sharey=sharey, height_ratios=heights, squeeze=False
    ).tolist()
    return grid


def frame(axes: Axes, title: str, x: str, y: str) -> None:
    """Label a panel and its axes, and remove the spines at the top and right.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The panel.
    title, x, y : str
        What it shows; labels of the axes with their units.
    """
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)


def caption(figure: Figure, text: str) -> None:
    """Add a caption in small print below a figure; the version is added.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        With a constrained layout.
    text : str
        Whole sentences; lines are wrapped at the figure's width.
    """
    width = round(17 * figure.get_figwidth())
    lines = textwrap.fill(f"{text} Lethe {__version__}.", width)
    figure.supxlabel(lines, x=0.012, ha="left", fontsize=8, color="0.35")


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and as SVG; the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    folder : pathlib.Path
        Where to write; it must exist.
    name : str
        Name of both files, without a suffix.

    Returns
    -------
    list of pathlib.Path
        The two files.
    """
    files = [folder / f"{name}.png", folder / f"{name}.svg"]
    with matplotlib.rc_context({"svg.hashsalt": "lethe"}):
        _write(figure, files[0], None)
        _write(figure, files[1], {"Date": None})
    return files


def _write(figure: Figure, path: Path, metadata: dict[str, None] | None) -> None:
    picture = BytesIO()
    figure.savefig(picture, format=path.suffix[1:], dpi=_DOTS_PER_INCH, metadata=metadata)
    with output_errors(f"the figure {path}"):
        write_file(path, [picture.getbuffer()], follow=False)
