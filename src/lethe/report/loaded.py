"""A table's results file: which trials belong to the table, row by row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lethe import experiments
from lethe.experiments import results
from lethe.experiments.configurations import differences
from lethe.experiments.records import Fields, Record

__all__ = ["LoadedRow", "LoadedTable", "ranges", "read_table"]

#: What every record must contain, whatever its table, beside what says which trial it was.
_ALWAYS: Fields = {
    "seconds": (int, float),
    "version": str,
    "dtype": str,
    "instruction_set": str,
}


@dataclass(frozen=True)
class LoadedRow:
    """A row of a table and its trials.

    Attributes
    ----------
    name, title : str
        As in the table.
    planned : int
        Its trials in the whole table; 0 for a row that only ``--row`` runs.
    records : list of dict
        Its trials by seed, each once and all with one configuration.
    differs : str
        How their configuration differs from the table's; empty where it does not.
    """

    name: str
    title: str
    planned: int
    records: list[Record]
    differs: str = ""

    @property
    def missing(self) -> int:
        """Number of trials of the whole table that have not been run."""
        return max(0, self.planned - (0 if self.differs else len(self.records)))


@dataclass(frozen=True)
class LoadedTable:
    """A table and its trials.

    Attributes
    ----------
    name, title : str
        Name and title of the table.
    rows : list of LoadedRow
        In the table's order: those of the whole table, and others that have trials.
    comparison : str
        The table's own comparison with the paper; empty where there are no trials.
    left_out : int
        Records in the file that belong to no row: repeated, or with other configurations.
    """

    name: str
    title: str
    rows: list[LoadedRow]
    comparison: str
    left_out: int

    @property
    def records(self) -> list[Record]:
        """All trials, row by row."""
        return [record for row in self.rows for record in row.records]

    @property
    def missing(self) -> int:
        """Number of trials of the whole table that have not been run."""
        return sum(row.missing for row in self.rows)


def read_table(name: str, folder: Path) -> LoadedTable:
    """Read a table's results file.

    Parameters
    ----------
    name : str
        Name of the table, one of `lethe.experiments.TABLES`.
    folder : pathlib.Path
        The folder of its results file. Without a file the table has no trials.

    Returns
    -------
    LoadedTable
        Each row has the trials with the table's configuration or, where there are none, those with
        the configuration that has the most trials.

    Raises
    ------
    ValueError
        If the file cannot be read, or the table cannot read its records.
    """
    table = experiments.table_module(name)
    path = folder / f"{name}.jsonl"
    found = results.read(path, {**_ALWAYS, **table.RESULT})
    every = {results.key(record): record for record in reversed(found)}  # the first of equals
    whole = replace(table.FULL, rows=tuple(table.ROWS), trials=1, fewer={}, fillers=())
    configurations = {
        task.row: task.trial.configuration() for task in whole.tasks(name, table.ROWS)
    }
    rows = [
        _row(
            LoadedRow(row, table.ROWS[row].title, table.FULL.planned(row), []),
            [r for r in every.values() if (r["experiment"], r["row"]) == (name, row)],
            configuration,
        )
        for row, configuration in configurations.items()
    ]
    rows = [row for row in rows if row.records or row.planned]
    records = [record for row in rows for record in row.records]
    try:
        shown = tuple(row.name for row in rows)
        comparison = table.compare(records, shown) if records else ""
    except (LookupError, TypeError, AttributeError, ArithmeticError):
        raise ValueError(f"the results file {path} holds records that {name} cannot read") from None
    return LoadedTable(name, table.TITLE, rows, comparison, len(found) - len(records))


def _row(row: LoadedRow, records: Sequence[Record], configuration: dict[str, Any]) -> LoadedRow:
    """The row with those of its records that have one configuration."""
    groups: dict[str, list[Record]] = {}
    for record in sorted(records, key=results.key):
        groups.setdefault(_text(record["configuration"]), []).append(record)
    if not groups:
        return row
    own = _text(configuration)
    chosen = own if own in groups else max(groups, key=lambda text: len(groups[text]))
    differs = "" if chosen == own else _differs(json.loads(chosen), json.loads(own))
    return replace(
        row, records=sorted(groups[chosen], key=lambda record: record["seed"]), differs=differs
    )


def _text(configuration: Mapping[str, object]) -> str:
    return json.dumps(configuration, sort_keys=True)


def _differs(here: Mapping[str, object], table: Mapping[str, object]) -> str:
    """The entries in which a configuration differs from the table's, in words."""
    return ", ".join(f"{name} {a} instead of {b}" for name, a, b in differences(here, table))


def ranges(numbers: Iterable[int]) -> str:
    """Integers as ranges.

    Examples
    --------
    >>> ranges([3, 0, 1, 2, 7, 9, 10])
    '0–3, 7, 9–10'
    """
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{low}" if low == high else f"{low}–{high}" for low, high in runs)
