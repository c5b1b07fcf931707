"""Tables of trials that end when a task is solved: how many are, and how soon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lethe.experiments.formatting import percentage
from lethe.experiments.records import Fields, Record, by_row, is_solved, mean
from lethe.experiments.reported import Figure, Mean, Share, Times, until_solved
from lethe.experiments.table import Row, RowTrial

__all__ = ["READINGS_OF_1997", "RESULT", "Compared", "Figures", "compare_solved"]

#: What `compare_solved` reads of a record.
RESULT: Fields = {"solved": bool, "training_sequences": int, "test_wrong": (int, float)}

#: Characters of the column of titles; the others take 56, where all new sequences are wrong.
_TITLE = 42

#: Where the readings are told that were tried for experiments of 1997.
READINGS_OF_1997 = "docs/reproduction.md#readings-that-were-tried"

_NOTE = """\
solved: in per cent, with its 95 % interval (Wilson); sequences: mean number of training sequences
until then, over the solved; wrong: share of 2,560 new sequences that the solved networks get
wrong."""


@dataclass(frozen=True)
class Figures:
    """What a paper reports of a row.

    Attributes
    ----------
    sequences : int
        Mean number of training sequences until it is solved.
    solved : int, optional
        Per cent of the trials.
    place : str
        Where it reports it.
    factor : float
        How far our mean may be from it (`lethe.experiments.verdict`).
    """

    sequences: int
    solved: int | None = None
    place: str = "1997"
    factor: float = 2.0

    def figures(self) -> Sequence[Figure]:
        """The share of solved networks, where it is reported, and their mean."""
        share = () if self.solved is None else (Share("solved", self.solved, is_solved),)
        taken = Mean("sequences until solved", self.sequences, until_solved, self.factor)
        return *share, taken


@dataclass(frozen=True)
class Compared:
    """What a paper reports of a row in terms of another.

    Attributes
    ----------
    row : str
        The other row.
    times : float
        By how much its mean number of training sequences is to be multiplied.
    place : str
        Where it reports it.
    """

    row: str
    times: float
    place: str

    def figures(self) -> Sequence[Figure]:
        """The ratio."""
        what = f"sequences over {self.row} LSTM's"
        return (Times(what, self.times, until_solved, self.row),)


def compare_solved(
    records: Sequence[Record],
    rows: Mapping[str, Row[RowTrial]],
    shown: Sequence[str],
    note: str = "",
) -> str:
    """A table with the paper's figures and ours.

    Parameters
    ----------
    records, shown
        As for `Compare`.
    rows : dict of str to Row
        All rows of the table, with `Figures` where the paper has them.
    note : str
        A note below the table, after the meaning of its columns.
    """
    head = f"{'':{_TITLE}}{'reported':>11}{'networks':>10}{'solved':>16}{'sequences':>11}  wrong"
    groups = by_row(records, (name for name in rows if name in shown))
    lines = [head] + [
        f"{_title(rows[name].title)}{_reported(rows[name].report):>11}{_ours(trials)}"
        for name, trials in groups.items()
    ]
    return "\n".join([*lines, "", _NOTE, *([note] if note else [])])


def _title(title: str) -> str:
    """A title as wide as its column; a longer one has a line of its own."""
    return f"{title:{_TITLE}}" if len(title) < _TITLE else f"{title}\n{'':{_TITLE}}"


def _reported(report: object) -> str:
    if not isinstance(report, Figures):
        return "-"
    return f"{report.sequences:,}"


def _ours(records: Sequence[Record]) -> str:
    solved = [record for record in records if record["solved"]]
    if not records:
        return f"{0:10}"
    share, interval = percentage(len(solved), len(records))
    line = f"{len(records):10}{share:6.0f} {interval:>9}"
    if not solved:
        return line + f"{'-':>11}"
    sequences = mean(record["training_sequences"] for record in solved)
    wrong = mean(record["test_wrong"] for record in solved)
    return line + f"{sequences:11,.0f}  {100 * wrong:.2f} %"
