"""Other measurements: JSON objects whose lists of objects are shown as tables."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from lethe._printable import html_text
from lethe.storage.reading import read_bytes, strict_json

__all__ = ["MEASURED", "Measured", "measured_section", "read_measured"]

#: The files: what each contains, and the command that measures it again.
MEASURED: dict[str, tuple[str, str]] = {
    "bench": ("What a learning step costs", "lethe bench --json > results/bench.json"),
    "complexity": (
        "Time and memory over the network's size and the stream's length",
        "python benchmarks/complexity.py",
    ),
}

#: The most bytes of one of them; the longest has 4,000.
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Measured:
    """One of these files.

    Attributes
    ----------
    name : str
        A name in `MEASURED`.
    values : dict
        Its content.
    """

    name: str
    values: Mapping[str, object]


def read_measured(name: str, folder: Path) -> Measured | None:
    """Read one of the files; None where it does not exist.

    Parameters
    ----------
    name : str
        A name in `MEASURED`.
    folder : pathlib.Path
        The folder it is in.

    Raises
    ------
    ValueError
        If it cannot be read or is not a JSON object.
    """
    path = folder / f"{name}.json"
    try:
        values = strict_json(read_bytes(path, MOST_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise ValueError(f"{path} is not a JSON object of at most {MOST_BYTES:,} bytes")
    return Measured(name, values)


def measured_section(measured: Measured) -> str:
    """The HTML of one file: its single values, and a table for each of its lists.

    Parameters
    ----------
    measured : Measured
        The file.

    Returns
    -------
    str
        A ``section`` element.
    """
    title, command = MEASURED[measured.name]
    single: list[tuple[str, str]] = []
    tables = []
    for name, value in measured.values.items():
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            tables.append(_table(name, cast("list[Mapping[str, object]]", value)))
        elif isinstance(value, dict):
            parts = cast("Mapping[str, object]", value)
            single += [(f"{name} {part}", _number(entry)) for part, entry in parts.items()]
        else:
            single.append((name, _number(value)))
    terms = "".join(f"<dt>{_words(name)}</dt><dd>{html_text(value)}</dd>" for name, value in single)
    return (
        f'<section id="{measured.name}"><h2>{html_text(title)}</h2>\n'
        f'<dl class="facts">{terms}<dt>again</dt><dd><code>{html_text(command)}</code></dd></dl>\n'
        + "\n".join(tables)
        + "</section>"
    )


def _table(name: str, rows: Sequence[Mapping[str, object]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    head = "".join(f'<th scope="col">{_words(column)}</th>' for column in columns)
    body = "\n".join(
        "<tr>" + "".join(_cell(row.get(column)) for column in columns) + "</tr>" for row in rows
    )
    label = _words(name)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{label}">'
        f"<table><caption>{label}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>\n{body}\n</tbody></table></div>\n"
    )


def _cell(value: object) -> str:
    kind = "" if isinstance(value, str) else ' class="number"'
    return f"<td{kind}>{html_text(_number(value))}</td>"


def _words(name: str) -> str:
    return html_text(name.replace("_", " "))


def _number(value: object) -> str:
    """A value for readers: three significant digits, and thousands separators."""
    if isinstance(value, str):
        return value
    if value is None:
        return "–"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:,.0f}" if abs(value) >= 1000 or value.is_integer() else f"{value:.3g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return json.dumps(value)
