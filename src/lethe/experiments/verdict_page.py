"""The verdict as text for a terminal, and as a page in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from posixpath import relpath

from lethe.experiments.readings import Readings, WholeReading, whole_readings
from lethe.experiments.twins import Kind, Twins, summary
from lethe.experiments.verdict import RULE, VERDICTS, Judged

__all__ = [
    "READINGS_RULE",
    "TWINS_RULE",
    "WHOLE_HEADS",
    "as_markdown",
    "as_text",
    "bounds",
    "counts",
    "number",
    "readings_lines",
    "solved",
    "taken",
    "twins_lines",
    "verdict_lines",
    "whole_cells",
    "whole_lines",
    "with_bounds",
]

#: What the columns of the twins mean.
TWINS_RULE = (
    "Networks that differ in their forget gates alone, whose partials decay as derived. Often: the "
    "95 % interval of the difference of both shares (Newcombe); soon: that of the ratio of both "
    "means until the solution (bootstrap). Only differences that are shown are named."
)

#: What the tables of readings mean.
READINGS_RULE = (
    "Where a text leaves something open, what was tried: the reading that is judged above first, "
    "then the others that have trials. Intervals are of 95 %; ✓: it fits."
)

WHOLE_HEADS = ("reading of a table", "rows", "percentages that fit", "figures that fit")

_WIDTH = 100


def counts(judged: Sequence[Judged]) -> str:
    """How many figures have which verdict.

    Examples
    --------
    >>> counts([])
    'Of 0 figures 0 fit.'
    """
    found = Counter(one.verdict for one in judged)
    plural = {
        "lies above": "lie above",
        "lies below": "lie below",
        "does not fit": "do not fit",
        "no such network": "without such networks",
        "not run": "not run",
    }
    singular = {verdict: verdict for verdict in VERDICTS} | {
        "no such network": "without such networks"
    }
    others = [
        f"{found[verdict]} {(singular if found[verdict] == 1 else plural)[verdict]}"
        for verdict in VERDICTS
        if verdict != "fits" and found[verdict]
    ]
    fit = "fits" if found["fits"] == 1 else "fit"
    said = ", ".join([f"{found['fits']} {fit}", *others])
    return f"Of {len(judged)} figures {said}."


def number(value: float | None, kind: str) -> str:
    """A figure for readers.

    Examples
    --------
    >>> number(18.0, "percent"), number(9876.4, "mean"), number(4.61, "mean"), number(3.0, "times")
    ('18 %', '9,876', '4.6', '3.0')
    >>> number(None, "mean")
    '–'
    """
    if value is None:
        return "–"
    if kind == "percent":
        return f"{value:.0f} %"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def bounds(low: float | None, high: float | None, kind: str) -> str:
    """An interval for readers, or a dash.

    Examples
    --------
    >>> bounds(65.2, 82.0, "percent"), bounds(None, None, "mean")
    ('65 to 82', '–')
    """
    if low is None or high is None:
        return "–"
    return " to ".join(number(bound, kind).removesuffix(" %") for bound in (low, high))


def solved(kind: Kind) -> str:
    """The networks that solved a task, and their share with its interval."""
    if not kind.networks:
        return "not run"
    interval = bounds(100 * kind.low, 100 * kind.high, "percent")
    return f"{kind.solved} of {kind.networks} [{interval} %]"


def taken(kind: Kind) -> str:
    """The mean until the solution, and its interval."""
    if kind.taken is None or kind.taken_low is None:
        return number(kind.taken, "mean")
    return f"{number(kind.taken, 'mean')} [{bounds(kind.taken_low, kind.taken_high, 'mean')}]"


def as_text(judged: Sequence[Judged], twins: Sequence[Twins]) -> str:
    """Both tables as text of at most 100 characters a line."""
    lines = [
        counts(judged),
        "",
        f"{'':37}{'reported':>10}{'here':>11}{'95 % interval':>23}{'':>4}verdict",
    ]
    for (place, title), figures in groupby(judged, key=lambda one: (one.place, one.title)):
        lines.append(f"{place}: {title}"[:_WIDTH])
        lines += [
            f"  {_short(one.what):35}{number(one.reported, one.kind):>10}"
            f"{number(one.ours, one.kind):>11}{bounds(one.low, one.high, one.kind):>23}"
            f"    {one.verdict}"
            for one in figures
        ]
    lines += [
        "",
        *_wrapped(RULE),
        "",
        "With forget gates and without",
        "",
        *_wrapped(summary(twins)),
    ]
    lines.append("")
    for one in twins:
        lines.append(one.experiment[:_WIDTH])
        lines.append(f"  {'standard LSTM':19}{solved(one.standard):>24}  {taken(one.standard)}")
        extended = f"{solved(one.forget_gates):>24}  {taken(one.forget_gates):33}"
        lines.append(f"  {'with forget gates':19}{extended} {one.outcome}")
    return "\n".join([*lines, "", *_wrapped(TWINS_RULE)])


def as_markdown(
    judged: Sequence[Judged], twins: Sequence[Twins], readings: Sequence[Readings], folder: str
) -> str:
    """All tables as a page in Markdown.

    Parameters
    ----------
    judged, twins, readings
        What they show.
    folder : str
        The folder of the page, within the repository; links are from there.
    """
    lines = [
        "# The verdict: the papers' figures and ours",
        "",
        "Made by `lethe verdict --out results/verdict.md`.",
        "",
        *verdict_lines(judged, folder),
        "",
        "## With forget gates and without",
        "",
        "“We have not yet encountered a problem that LSTM solves while extended LSTM does not” "
        "(section 4.6).",
        "",
        *twins_lines(twins),
        "",
        "## Readings",
        "",
        READINGS_RULE,
        *whole_lines(whole_readings(judged, readings)),
        *readings_lines(readings),
    ]
    return "\n".join(lines) + "\n"


def verdict_lines(judged: Sequence[Judged], folder: str) -> Iterator[str]:
    """The verdict in Markdown: what it comes to, the table, the rule."""
    yield f"**{counts(judged)}**"
    yield ""
    yield "| row | figure | reported | here | 95 % | networks | verdict |"
    yield "|---|---|---:|---:|---:|---:|---|"
    for (place, title), figures in groupby(judged, key=lambda one: (one.place, one.title)):
        name = f"{place}: {title}"
        for one in figures:
            yield _row(
                name,
                one.what,
                number(one.reported, one.kind),
                number(one.ours, one.kind),
                bounds(one.low, one.high, one.kind),
                f"{one.networks:,}",
                _linked(one, folder),
            )
            name = ""
    yield ""
    yield RULE


def twins_lines(twins: Sequence[Twins]) -> Iterator[str]:
    """The twins in Markdown."""
    yield f"**{summary(twins)}**"
    yield ""
    yield "| | standard LSTM: solved | after | with forget gates: solved | after | forget gates |"
    yield "|---|---:|---:|---:|---:|---|"
    for one in twins:
        kinds = (one.standard, one.forget_gates)
        cells = [cell for kind in kinds for cell in (solved(kind), taken(kind))]
        yield _row(one.experiment, *cells, one.outcome)
    yield ""
    yield TWINS_RULE


def whole_lines(readings: Sequence[WholeReading]) -> Iterator[str]:
    """The readings of whole tables in Markdown."""
    if readings:
        yield ""
        yield f"| {' | '.join(WHOLE_HEADS)} |"
        yield "|---|---:|---:|---:|"
        yield from (_row(*whole_cells(one)) for one in readings)


def whole_cells(one: WholeReading) -> tuple[str, str, str, str]:
    """The cells of a reading of a whole table."""
    return (
        f"{one.place}: {one.name.replace('_', ' ') or 'as judged above'}",
        f"{one.rows:,}" if one.name else "",
        f"{one.percentages_fit} of {one.percentages}",
        f"{one.figures_fit} of {one.figures}",
    )


def readings_lines(readings: Sequence[Readings]) -> Iterator[str]:
    """The readings in Markdown: a table for each row."""
    for row in readings:
        figures = row.readings[0].figures
        yield ""
        yield f"### {row.place}: {row.title}"
        yield ""
        yield _row("reading", "networks", "fit", *(one.what for one in figures))
        yield f"|---|---:|---:|{'---:|' * len(figures)}"
        reported = (number(one.reported, one.kind) for one in figures)
        yield _row("as reported", "", "", *reported)
        for place, reading in enumerate(row.readings):
            title = f"{reading.title} (`{reading.row}`)"
            yield _row(
                title if place else f"**{title}**",
                f"{reading.networks:,}",
                f"{reading.fits} of {len(reading.figures)}",
                *map(with_bounds, reading.figures),
            )


def with_bounds(one: Judged) -> str:
    """Our figure with its interval, and a tick where it fits."""
    shown = number(one.ours, one.kind)
    if one.low is not None:
        shown += f" [{bounds(one.low, one.high, one.kind)}]"
    return f"{shown} ✓" if one.verdict == "fits" else shown


def _linked(one: Judged, folder: str) -> str:
    if one.verdict in ("fits", "not run"):
        return one.verdict
    return f"**{one.verdict}** ([readings]({relpath(one.readings, folder)}))"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _short(what: str) -> str:
    return what if len(what) <= 34 else f"{what[:33]}…"


def _wrapped(text: str) -> Iterable[str]:
    from textwrap import wrap

    return wrap(text, _WIDTH)
