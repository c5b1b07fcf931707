"""The HTML of the verdict: the papers' figures with ours, and forget gates with their twins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import PurePosixPath

from lethe._printable import html_text
from lethe.experiments import TABLES
from lethe.experiments.readings import Readings, WholeReading, whole_readings
from lethe.experiments.twins import Kind, Twins, summary
from lethe.experiments.verdict import READINGS, RULE, Judged
from lethe.experiments.verdict_page import (
    READINGS_RULE,
    TWINS_RULE,
    WHOLE_HEADS,
    bounds,
    counts,
    number,
    whole_cells,
)

__all__ = ["readings_section", "twins_section", "verdict_section"]

_CLASSES = {"fits": "", "not run": "missing", "lies above": "above"}
_TO_THE_LEFT = (
    "row",
    "figure",
    "verdict",
    "experiment",
    "forget gates solve it",
    "reading",
    WHOLE_HEADS[0],
)
_NUMBER = ' class="number"'


def verdict_section(judged: Sequence[Judged]) -> str:
    """The HTML of the verdict.

    Parameters
    ----------
    judged : sequence of Judged
        All figures, those of a row one after the other.

    Returns
    -------
    str
        A ``section`` element.
    """
    bodies = []
    for (place, title), figures in groupby(judged, key=lambda one: (one.place, one.title)):
        rows = [_figure(one) for one in figures]
        head = (
            f'<th scope="rowgroup" rowspan="{len(rows)}">{html_text(title)}'
            f"<small>{html_text(place)}</small></th>"
        )
        lines = "\n".join(f"<tr>{'' if line else head}{row}</tr>" for line, row in enumerate(rows))
        bodies.append(f"<tbody>\n{lines}\n</tbody>")
    heads = ["row", "figure", "verdict", "reported", "here", "95 % interval", "networks"]
    table = _table("each figure of the papers, and ours", heads, bodies, "judged")
    return (
        '<section id="verdict"><h2>The verdict</h2>\n'
        f"<p><strong>{html_text(counts(judged))}</strong> {html_text(RULE)} Links lead to "
        "the readings that were tried.</p>\n"
        f"{table}</section>"
    )


def twins_section(twins: Sequence[Twins]) -> str:
    """The HTML of networks with and without forget gates.

    Parameters
    ----------
    twins : sequence of Twins
        All experiments.

    Returns
    -------
    str
        A ``section`` element.
    """
    rows = "\n".join(
        f'<tr><th scope="row">{html_text(one.experiment)}</th>'
        + f'<td class="outcome">{html_text(one.outcome)}</td>'
        + "".join(_kind(kind) for kind in (one.standard, one.forget_gates))
        + "</tr>"
        for one in twins
    )
    heads = [
        "experiment",
        "forget gates solve it",
        "standard LSTM: solved",
        "after",
        "forget gates: solved",
        "after",
    ]
    return (
        '<section id="twins"><h2>With forget gates and without</h2>\n'
        "<p><q>We have not yet encountered a problem that LSTM solves while extended LSTM does "
        f"not</q> (section 4.6). <strong>{html_text(summary(twins))}</strong> "
        f"{html_text(TWINS_RULE)}</p>\n"
        + _table("with forget gates and without", heads, [f"<tbody>\n{rows}\n</tbody>"], "twins")
        + "</section>"
    )


def readings_section(judged: Sequence[Judged], readings: Sequence[Readings]) -> str:
    """The HTML of the readings that were tried.

    Parameters
    ----------
    judged : sequence of Judged
        All figures.
    readings : sequence of Readings
        Those of each row that has several.

    Returns
    -------
    str
        A ``section`` element.
    """
    tables = "".join(map(_of_row, readings))
    return (
        f'<section id="readings"><h2>Readings</h2>\n<p>{html_text(READINGS_RULE)}</p>\n'
        f"{_whole(whole_readings(judged, readings))}{tables}</section>"
    )


def _whole(readings: Sequence[WholeReading]) -> str:
    if not readings:
        return ""
    rows = []
    for one in readings:
        title, *cells = whole_cells(one)
        rows.append(
            f'<tr><th scope="row">{html_text(title)}</th>{"".join(map(_number, cells))}</tr>'
        )
    body = "<tbody>\n" + "\n".join(rows) + "\n</tbody>"
    return _table("readings of whole tables", WHOLE_HEADS, [body], "readings")


def _of_row(row: Readings) -> str:
    figures = row.readings[0].figures
    reported = "".join(_number(number(one.reported, one.kind)) for one in figures)
    lines = [f'<tr><th scope="row">as reported</th>{_number("") * 2}{reported}</tr>']
    lines += [
        f'<tr><th scope="row">{html_text(reading.title)} <code>{html_text(reading.row)}</code></th>'
        + _number(f"{reading.networks:,}")
        + _number(f"{reading.fits} of {len(reading.figures)}")
        + "".join(map(_read, reading.figures))
        + "</tr>"
        for reading in row.readings
    ]
    label = html_text(f"{row.place}: {row.title}")
    heads = ["reading", "networks", "fit", *(html_text(one.what) for one in figures)]
    body = "<tbody>\n" + "\n".join(lines) + "\n</tbody>"
    return f"<h3>{label}</h3>\n{_table(f'readings of {label}', heads, [body], 'readings')}"


def _figure(one: Judged) -> str:
    kind = one.kind
    cells = (
        number(one.reported, kind),
        number(one.ours, kind),
        bounds(one.low, one.high, kind),
        f"{one.networks:,}",
    )
    style = _CLASSES.get(one.verdict, "below")
    return (
        f"<td>{html_text(one.what)}</td>"
        f'<td class="verdict {style}">{_with_readings(one)}</td>{"".join(map(_number, cells))}'
    )


def _with_readings(one: Judged) -> str:
    """The verdict, with where the readings are told: on this page, if it is a table's own."""
    word = html_text(one.verdict)
    if not one.readings:
        return word
    table = PurePosixPath(one.readings).stem
    if one.readings == f"results/{table}.md" and table in TABLES:
        return f'<a href="#{table}">{word}</a>'
    if one.readings == READINGS:
        return f'<a href="#readings">{word}</a>'
    return f"{word}<code>{html_text(one.readings)}</code>"


def _kind(kind: Kind) -> str:
    """The two cells of a kind of network, each with its interval."""
    if not kind.networks:
        return _number("not run") + _number("–")
    share = bounds(100 * kind.low, 100 * kind.high, "percent")
    taken = bounds(kind.taken_low, kind.taken_high, "mean")
    return _with_interval(f"{kind.solved} of {kind.networks}", f"{share} %") + _with_interval(
        number(kind.taken, "mean"), taken
    )


def _read(one: Judged) -> str:
    """A figure of a reading, with a tick where it fits."""
    tick = "✓ " if one.verdict == "fits" else ""
    shown = number(one.ours, one.kind)
    return _with_interval(f"{tick}{shown}", bounds(one.low, one.high, one.kind))


def _with_interval(value: str, interval: str) -> str:
    """A cell with an interval below its value, where there is one."""
    below = "" if interval == "–" else f"<small>{html_text(interval)}</small>"
    return f"<td{_NUMBER}>{html_text(value)}{below}</td>"


def _table(label: str, heads: Sequence[str], bodies: Sequence[str], style: str) -> str:
    columns = "".join(
        f'<th scope="col"{"" if head in _TO_THE_LEFT else _NUMBER}>{head}</th>' for head in heads
    )
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{label}">'
        f'<table class="{style}"><thead><tr>{columns}</tr></thead>\n{"".join(bodies)}</table>'
        "</div>\n"
    )


def _number(text: str) -> str:
    return f"<td{_NUMBER}>{html_text(text)}</td>"
