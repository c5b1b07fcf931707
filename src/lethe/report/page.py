"""The page: introduction, verdict, origin, all tables, all figures, and other measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from lethe._printable import html_text
from lethe.experiments import TABLES
from lethe.experiments.readings import Readings
from lethe.experiments.twins import Twins
from lethe.experiments.verdict import Judged
from lethe.figures import FIGURES
from lethe.report.loaded import LoadedTable
from lethe.report.measured import MEASURED, Measured, measured_section
from lethe.report.pictures import Picture, figure, title
from lethe.report.tables import duration, progress, table_section
from lethe.report.verdict import readings_section, twins_section, verdict_section
from lethe.version import __version__

__all__ = ["html_page"]

_TITLE = "Lethe: the papers’ tables and figures, run again"

# Nothing may be loaded from elsewhere, and nothing run.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_LEAD = """\
<p>Lethe is a package of recurrent networks that learn at every step of a stream that never ends,
with the forget-gate LSTM at the core. This page repeats the experiments of <cite>Learning to
Forget: Continual Prediction with LSTM</cite> (Gers, Schmidhuber and Cummins 1999; “the report”) and
of <cite>Long Short-Term Memory</cite> (Hochreiter and Schmidhuber 1997), and compares their
figures with ours. Every trial can be repeated by its command, and on the same instruction set it
gives the same numbers.</p>"""


def html_page(
    tables: Sequence[LoadedTable],
    found: Sequence[Picture],
    others: Sequence[Measured],
    judged: Sequence[Judged],
    twins: Sequence[Twins],
    readings: Sequence[Readings],
    *,
    folder: Path,
    about: Mapping[str, str],
    no_figures: str = "",
) -> str:
    """Assemble the page.

    Parameters
    ----------
    tables : sequence of LoadedTable
        The tables, with and without trials.
    found : sequence of Picture
        The available figures.
    others : sequence of Measured
        The other measurements.
    judged : sequence of Judged
        The verdict, which the page begins with.
    twins : sequence of Twins
        Networks with and without forget gates.
    readings : sequence of Readings
        The readings that were tried.
    folder : pathlib.Path
        The folder of the results files, for the commands.
    about : dict of str to str
        Facts about this page, such as the date and the machine.
    no_figures : str
        Why figures are missing, if any are; plain text.

    Returns
    -------
    str
        A complete HTML document, which depends only on the arguments.
    """
    style = files("lethe.report").joinpath("page.css").read_text(encoding="utf-8")
    body = [
        f"<header><h1>{_TITLE}</h1>\n{_LEAD}</header>",
        verdict_section(judged),
        twins_section(twins),
        _contents(tables, found, others),
        _about(about),
        readings_section(judged, readings),
        *(table_section(table, folder) for table in tables),
        _figures(found, no_figures),
        *(measured_section(one) for one in others),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta name="generator" content="lethe {__version__}">\n'
        f'<title>{_TITLE}</title>\n<link rel="icon" href="data:,">\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def _contents(
    tables: Sequence[LoadedTable], found: Sequence[Picture], others: Sequence[Measured]
) -> str:
    """The contents, with links, and the progress of each table."""
    rows = [
        f'<tr><th scope="row"><a href="#{table.name}">{html_text(TABLES[table.name])}</a></th>'
        f"<td>{progress(table)}</td>"
        f'<td class="number">{len(table.records):,}</td>'
        f'<td class="number">'
        f"{duration(sum(record['seconds'] for record in table.records))}</td></tr>"
        for table in tables
    ]
    links = [f'<a href="#figure-{one.name}">{title(one.name)}</a>' for one in found]
    links += [f'<a href="#{one.name}">{html_text(MEASURED[one.name][0])}</a>' for one in others]
    return (
        '<nav aria-label="Contents"><div class="wide" role="region" tabindex="0" '
        'aria-label="All tables"><table><thead><tr><th scope="col">table</th>'
        '<th scope="col">state</th><th scope="col" class="number">trials</th>'
        '<th scope="col" class="number">computing</th></tr></thead>\n'
        "<tbody>\n"
        + "\n".join(rows)
        + "\n</tbody></table></div>\n"
        + (f"<p>{' · '.join(links)}</p>" if links else "")
        + "</nav>"
    )


def _about(about: Mapping[str, str]) -> str:
    facts = "\n".join(
        f"<dt>{html_text(name)}</dt><dd>{html_text(value)}</dd>" for name, value in about.items()
    )
    return (
        '<section id="about"><h2>This page</h2>\n'
        f'<dl class="facts">\n{facts}\n</dl>\n'
        "<p>The environment that wrote this page. Each table names the one that ran it.</p>\n"
        "</section>"
    )


def _figures(found: Sequence[Picture], no_figures: str) -> str:
    names = {picture.name for picture in found}
    missing = [name for name in FIGURES if name not in names]
    parts = [figure(picture) for picture in found]
    if missing:
        items = "".join(
            f"<li>{html_text(f'{title(name)}: {FIGURES[name]}')} "
            f"<code>lethe figure {name}</code></li>"
            for name in missing
        )
        why = f": {html_text(no_figures)}" if no_figures else ""
        parts.append(f'<p class="missing">Left out{why}</p><ul>{items}</ul>')
    return '<section id="figures"><h2>Figures</h2>\n' + "\n".join(parts) + "</section>"
