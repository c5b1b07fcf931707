"""The HTML of a table: its comparison with the paper, its rows, and how they were run."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from lethe._printable import html_text
from lethe.experiments.formatting import interval
from lethe.experiments.records import Record
from lethe.report.loaded import LoadedRow, LoadedTable, ranges
from lethe.report.strips import Axis, Outcomes, axis, outcomes, scale, strip

__all__ = ["command", "duration", "progress", "table_section"]


def command(table: LoadedTable, folder: Path) -> str:
    """The command that runs the missing trials of a table into this folder.

    Examples
    --------
    >>> command(LoadedTable("nto", "NTO", [], "", 0), Path("results"))
    'lethe reproduce nto --full'
    """
    words = ["lethe", "reproduce", table.name, "--full"]
    if table.records:
        words.append("--resume")
    if folder != Path("results"):
        words += ["--out", str(folder)]
    return shlex.join(words)


def duration(seconds: float) -> str:
    """A time in a suitable unit, or a dash for none.

    Examples
    --------
    >>> duration(0), duration(0.4), duration(100), duration(3000), duration(36000)
    ('–', '0.4 s', '100 s', '50 min', '10.0 h')
    """
    if seconds == 0:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def progress(table: LoadedTable) -> str:
    """How much of the table has been run, in words."""
    if not table.records:
        return "not run yet"
    return f"{table.missing:,} trials to go" if table.missing else "complete"


def table_section(table: LoadedTable, folder: Path) -> str:
    """The HTML of a table.

    Parameters
    ----------
    table : LoadedTable
        The table, with or without trials.
    folder : pathlib.Path
        The folder of its results file.

    Returns
    -------
    str
        A ``section`` element.
    """
    head = f'<section id="{table.name}"><h2>{html_text(table.title)}</h2>\n'
    again = f"<code>{html_text(command(table, folder))}</code>"
    if not table.records:
        return f'{head}<p class="missing">Not run yet: {again}</p>{_left_out(table)}</section>'
    return (
        f"{head}{_pre(table)}\n{_rows(table)}\n"
        f'<dl class="facts">{_facts(table, folder)}</dl>{_left_out(table)}</section>'
    )


def _pre(table: LoadedTable) -> str:
    label = html_text(f"{table.title}: ours and the paper's")
    text = html_text(table.comparison)
    return f'<pre role="region" tabindex="0" aria-label="{label}">{text}</pre>'


def _facts(table: LoadedTable, folder: Path) -> str:
    """How the table was made, as a list of terms."""
    records = table.records
    seconds = sum(record["seconds"] for record in records)
    others = [row.name for row in table.rows if not row.planned]
    facts = [
        ("made by", f"lethe {_values(records, 'version')}"),
        ("dtype", _values(records, "dtype")),
        ("instruction set", _values(records, "instruction_set")),
        ("trials", f"{len(records):,}, {progress(table)}"),
        ("seeds", ranges(record["seed"] for record in records)),
        ("computing", f"{duration(seconds)} in all ({seconds:,.0f} s)"),
    ]
    again = f"lethe reproduce {table.name}"
    commands = [("again", f"{again} --full")]
    if table.missing:
        commands.append(("missing trials", command(table, folder)))
    if others:
        rows = " ".join(f"--row {shlex.quote(name)}" for name in others)
        commands.append(("its other rows", f"{again} --full {rows}"))
    first = records[0]
    one = f"{again} --row {first['row']} --seed {first['seed']} --trials 1 --json"
    commands.append(("one trial again", one))
    facts = [(name, html_text(value)) for name, value in facts]
    facts += [(name, f"<code>{html_text(value)}</code>") for name, value in commands]
    return "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)


def _values(records: Iterable[Record], name: str) -> str:
    values: Iterable[Mapping[str, object]] = records
    return ", ".join(sorted({str(record[name]) for record in values}))


def _left_out(table: LoadedTable) -> str:
    if not table.left_out:
        return ""
    return (
        f"<p>{table.left_out:,} records of the file are left out: repeated, or of "
        "configurations that the table does not have (any more).</p>"
    )


def _rows(table: LoadedTable) -> str:
    """The rows one by one, each with its trials as a strip where they are solved or not."""
    ended = {row.name: outcomes(row.records) for row in table.rows}
    solved = [outcome for outcome in ended.values() if outcome is not None]
    on = axis(solved) if solved else None
    columns = ['<th scope="col">row</th>', *_heads("trials", "seeds")]
    if on is not None:
        word, unit = solved[0].word, solved[0].unit
        columns += _heads(f"{word}, 95 % interval")
        columns.append(f'<th scope="col">{unit} until then{scale(on)}</th>')
    columns += _heads("computing")
    body = "\n".join(_row(row, ended[row.name], on) for row in table.rows)
    note = (
        "<p>A line for each trial, where it was solved; the longer line is their median. A cross "
        "with a number, behind the limit: the number of trials that were not solved.</p>"
    )
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="rows of {table.name}">'
        f"<table><thead><tr>{''.join(columns)}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
        + (note if on is not None else "")
    )


def _heads(*names: str) -> list[str]:
    return [f'<th scope="col" class="number">{name}</th>' for name in names]


def _row(row: LoadedRow, ended: Outcomes | None, on: Axis | None) -> str:
    title = row.title.strip()
    indent = ' class="part"' if row.title != title else ""
    heading = f"{html_text(title)} <code>{html_text(row.name)}</code>"
    if row.differs:
        heading += f"<br><small>not as in the table: {html_text(row.differs)}</small>"
    trials = f"{len(row.records):,}"
    if row.missing and not row.differs:
        trials += f" of {row.planned:,}"
    cells = [_number(trials), _number(ranges(record["seed"] for record in row.records))]
    if on is not None and ended is not None:
        low, high = interval(len(ended.taken), ended.trials)
        share = len(ended.taken) / ended.trials
        cells.append(_number(f"{100 * share:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"))
        cells.append(f"<td>{strip(title, ended, on)}</td>")
    elif on is not None:
        cells += [_number(""), "<td></td>"]
    cells.append(_number(duration(sum(record["seconds"] for record in row.records))))
    return f'<tr><th scope="row"{indent}>{heading}</th>{"".join(cells)}</tr>'


def _number(text: str) -> str:
    return f'<td class="number">{html_text(text or "–")}</td>'
