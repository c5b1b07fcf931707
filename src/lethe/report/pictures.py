"""The figures: read from a folder, or drawn."""

from __future__ import annotations

import tempfile
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from lethe._printable import html_text
from lethe.figures import DRAWN_BY, FIGURES
from lethe.storage.reading import read_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Picture", "can_draw", "draw", "figure", "find", "title"]

#: The most bytes of a figure; the longest has 2 MB.
MOST_BYTES = 1 << 24


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes
    ----------
    name : str
        A name in `lethe.figures.FIGURES`.
    svg : bytes
        The picture.
    """

    name: str
    svg: bytes


def title(name: str) -> str:
    """A figure's name in a sentence.

    Examples
    --------
    >>> title("8"), title("error-flow")
    ('Figure 8', 'Error flow')
    """
    return f"Figure {name}" if name.isdecimal() else name.replace("-", " ").capitalize()


def find(name: str, folder: Path) -> Picture | None:
    """A figure that ``lethe figure`` wrote, or None where it does not exist.

    Parameters
    ----------
    name : str
        A name in `lethe.figures.FIGURES`.
    folder : pathlib.Path
        The folder of ``figure-NAME.svg``.

    Raises
    ------
    ValueError
        If the file cannot be read or is not an SVG.
    """
    path = folder / f"figure-{name}.svg"
    try:
        svg = read_bytes(path, MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ValueError(f"the figure {path} cannot be read: {error.strerror}") from None
    if b"<svg" not in svg or b"</svg>" not in svg:
        raise ValueError(f"the figure {path} is not an SVG picture, or is cut off")
    return Picture(name, svg)


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def draw(name: str) -> Picture:
    """Draw a figure with its default seed; this takes up to a minute.

    Parameters
    ----------
    name : str
        A name in `lethe.figures.FIGURES`.
    """
    from lethe.figures.style import save

    module, function = DRAWN_BY[name].split(":")
    draw_it: Callable[[int | None], Figure] = getattr(import_module(module), function)
    drawn = draw_it(None)
    with tempfile.TemporaryDirectory() as folder:
        save(drawn, Path(folder), f"figure-{name}")
        return Picture(name, (Path(folder) / f"figure-{name}.svg").read_bytes())


def figure(picture: Picture) -> str:
    """The HTML of a figure, with the picture as an image, so that ids cannot clash."""
    what = html_text(f"{title(picture.name)}: {FIGURES[picture.name]}")
    data = b64encode(picture.svg).decode()
    return (
        f'<figure id="figure-{picture.name}">'
        f'<img alt="{what}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{what} <code>lethe figure {picture.name}</code></figcaption></figure>"
    )
