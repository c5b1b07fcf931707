"""The side-by-side table: systems by tasks, how many are solved, how soon, and at what cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from lethe.experiments.formatting import percentage
from lethe.experiments.records import Record, first_number, is_solved, mean, units_taken
from lethe.experiments.reported import Figure, Mean, Share, until_solved

__all__ = ["Column", "Table1", "continual", "known_for", "matrix", "table_1"]


@dataclass(frozen=True)
class Table1:
    """A row of the report's Table 1 as printed.

    Attributes
    ----------
    hidden, weights, rate : str
        Hidden units, number of weights (the report calls most of them estimates), learning rate.
    success, after : str
        Per cent of successful trials, and sequence presentations until success.
    judged : bool
        False: another table has the figures too, with more networks.
    """

    hidden: str
    weights: str
    rate: str
    success: str
    after: str
    judged: bool = True
    place: ClassVar[str] = "Table 1"

    def figures(self) -> Sequence[Figure]:
        """Those that are numbers; "some fraction" and ">200,000" are none."""
        found: list[Figure] = []
        if self.judged and self.success.isdecimal():
            found.append(Share("solved", float(self.success), is_solved))
        if self.judged and (after := self.after.replace(",", "")).isdecimal():
            found.append(Mean("sequences until solved", float(after), until_solved))
        return found


@dataclass(frozen=True)
class Column:
    """A task in the matrix: its key in the rows' names, its title, its limit of sequences."""

    key: str
    title: str
    limit: int


def sequences(records: Sequence[Record]) -> float | None:
    """Mean number of sequences (or streams) until then, over the solved."""
    taken = [units_taken(record) for record in records if is_solved(record)]
    return mean(taken) if taken else None


def diverged(records: Sequence[Record]) -> int:
    """Number of trials that ended because numbers were no longer finite."""
    return sum(first_number(r, "diverged") > 0 and not is_solved(r) for r in records)


def microseconds(records: Sequence[Record]) -> float | None:
    """A training step's share of the processor's time, tests and compiling included."""
    steps = sum(first_number(r, "training_steps", "training_symbols") for r in records)
    return (
        1e6 * sum(first_number(r, "cpu_seconds", "seconds") for r in records) / steps
        if steps
        else None
    )


def short(value: float | None) -> str:
    """A number of sequences in four characters or so.

    Examples
    --------
    >>> short(None), short(300), short(8440), short(31_390)
    ('', '300', '8.4k', '31k')
    """
    if value is None:
        return ""
    if value < 1000:
        return f"{value:.0f}"
    return f"{value / 1000:.1f}k" if value < 9950 else f"{value / 1000:.0f}k"


def table_1(rows: Mapping[str, tuple[str, Table1]], trials: Mapping[str, list[Record]]) -> str:
    """Table 1 with the report's figures and ours.

    Parameters
    ----------
    rows : dict of str to (str, Table1)
        Titles and printed figures by row, in the report's order.
    trials : dict of str to list of Record
        Our trials by row.
    """
    lines = [
        f"{'':10}{'hidden':>13}{'weights':>9}{'rate':>6}{'success %':>16}{'after':>9}"
        f"{'networks':>10}{'success %':>15}{'after':>9}",
        f"{'':10}{'as reported':>53}{'measured':>34}",
    ]
    for row, (title, report) in rows.items():
        records = trials.get(row, [])
        line = (
            f"{title:10}{report.hidden:>13}{report.weights:>9}{report.rate:>6}"
            f"{report.success:>16}{report.after:>9}{len(records):10}"
        )
        if records:
            share, interval = percentage(sum(map(is_solved, records)), len(records))
            taken = sequences(records)
            line += f"{share:6.0f} {interval:>8}{f'{taken:,.0f}' if taken else '-':>9}"
        lines.append(line)
    return "\n".join(lines)


def matrix(
    columns: Sequence[Column], lines: Mapping[str, str], trials: Mapping[str, list[Record]]
) -> str:
    """Systems by tasks: solved of the trials and, where any were, the mean thousand sequences.

    Parameters
    ----------
    columns : sequence of Column
        The tasks.
    lines : dict of str to str
        Titles of the systems by key; the row of a cell is the column's key and the system's.
    trials : dict of str to list of Record
        Our trials by row.
    """
    out = [f"{'':25}" + "".join(f"{column.title:>10}" for column in columns) + f"{'µs':>5}"]
    out.append(f"{'at most, sequences':25}" + "".join(f"{short(c.limit):>10}" for c in columns))
    for key, title in lines.items():
        cells, all_records = "", []
        for column in columns:
            records = trials.get(f"{column.key}_{key}", [])
            all_records += records
            cells += f"{_cell(records):>10}"
        cost = microseconds(all_records)
        out.append(f"{title:25}{cells}{'' if cost is None else f'{cost:.1f}':>5}".rstrip())
    gone = [
        f"{lines[key]}, {column.title}: {count} of {len(records)}"
        for key in lines
        for column in columns
        if (count := diverged(records := trials.get(f"{column.key}_{key}", [])))
    ]
    return "\n".join([*out, *(f"! diverged: {line}" for line in gone)])


def _cell(records: Sequence[Record]) -> str:
    if not records:
        return "-"
    count = sum(map(is_solved, records))
    gone = "!" * min(1, diverged(records))
    return f"{count}/{len(records)}{gone} {short(sequences(records))}".rstrip()


def known_for(rows: Mapping[str, tuple[str, str, str]], trials: Mapping[str, list[Record]]) -> str:
    """Each system on its own task.

    Parameters
    ----------
    rows : dict of str to (str, str, str)
        Titles of system and task, and the source's figure, by row.
    trials : dict of str to list of Record
        Our trials by row.
    """
    out = [f"{'':25}{'its own task':25}{'its source':>24}{'solved':>9}{'after':>10}"]
    for row, (title, task, figure) in rows.items():
        records = trials.get(row, [])
        line = f"{title:25}{task:25}{figure:>24}"
        if records:
            taken = sequences(records)
            count = f"{sum(map(is_solved, records))}/{len(records)}"
            line += f"{count:>9}{f'{taken:,.0f}' if taken else '-':>10}"
        out.append(line)
    return "\n".join(out)


def continual(rows: Mapping[str, str], trials: Mapping[str, list[Record]]) -> str:
    """Systems on continual tasks and on the task they are made of.

    Parameters
    ----------
    rows : dict of str to str
        Titles by row.
    trials : dict of str to list of Record
        Our trials by row.
    """
    out = [f"{'':36}{'solved':>9}{'after':>10}{'best network':>30}{'µs':>7}"]
    for row, title in rows.items():
        records = trials.get(row, [])
        line = f"{title:36}"
        if records:
            taken, cost = sequences(records), microseconds(records)
            line += f"{f'{sum(map(is_solved, records))}/{len(records)}':>9}"
            line += f"{f'{taken:,.0f}' if taken else '-':>10}{_best(records):>30}"
            line += f"{'' if cost is None else f'{cost:.1f}':>7}"
        out.append(line)
    return "\n".join(out)


def _best(records: Sequence[Record]) -> str:
    if "test_wrong" in records[0]:
        return f"{100 * min(r['test_wrong'] for r in records):.0f} % of sequences wrong"
    return f"test stream of {max(first_number(r, 'best_mean_stream') for r in records):,.0f}"
