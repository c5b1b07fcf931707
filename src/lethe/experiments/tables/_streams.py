"""Tables of trials on streams without an end: how many networks become perfect, and the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from lethe.experiments.records import Fields, Record, by_row, whole_number
from lethe.experiments.table import Row
from lethe.trials.continual import Trial

__all__ = ["RESULT", "Outcomes", "compare_streams", "outcomes"]

#: What is read of a record.
RESULT: Fields = {"perfect": bool, "training_streams": int, "best_mean_stream": (int, float)}


class Outcomes(NamedTuple):
    """The outcomes of a row.

    Attributes
    ----------
    perfect : list of int
        For each perfect network, its number of training streams.
    rest : list of float
        For each other network, its best mean test stream.
    """

    perfect: list[int]
    rest: list[float]


def outcomes(records: Sequence[Record]) -> Outcomes:
    """The outcomes of these trials."""
    return Outcomes(
        [record["training_streams"] for record in records if record["perfect"]],
        [record["best_mean_stream"] for record in records if not record["perfect"]],
    )


def compare_streams(
    records: Sequence[Record],
    rows: Mapping[str, Row[Trial]],
    shown: Sequence[str],
    *,
    lines: Callable[[object, Sequence[Record]], Sequence[str]],
    note: str,
    limit: int,
) -> str:
    """A table with the paper's figures and ours, row by row, without its header.

    Parameters
    ----------
    records : sequence of Record
        Records of this table.
    rows : dict of str to Row
        All rows of the table.
    shown : sequence of str
        Names of the rows to show.
    lines : callable
        The lines below the title of a row, from the paper's figures, or None, and its records.
    note : str
        What the columns mean, with a place for the ``limit`` of a test stream.
    limit : int
        The limit where there are no records.
    """
    groups = by_row(records, (name for name in rows if name in shown))
    parts: list[str] = []
    for name, trials in groups.items():
        row = rows[name]
        # A reading has the paper's figures beside it where the row that it reads is not shown.
        report = row.report or (rows[row.reading_of].report if row.reading_of else None)
        figures = None if row.reading_of in shown else report
        parts += [_title(name, row), *lines(figures, trials)]
    longest = whole_number(chain(*groups.values()), "stream_length", limit)
    return "\n".join([*parts, "", note.format(limit=longest)])


def _title(name: str, row: Row[Trial]) -> str:
    """The title of a row, with its name for `--row` where it is none of the paper's."""
    if row.report is not None or name == "improved":
        return row.title
    line = f"{row.title} ({name})"
    return line if len(line) <= 100 else f"{row.title}\n    ({name})"
