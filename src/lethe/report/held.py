"""What a results file holds of its table: which trials belong to it, row by row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lethe import experiments
from lethe.experiments import results
from lethe.experiments.records import Record

__all__ = ["Held", "HeldRow", "ranges", "read_table"]

#: What every record must hold, whatever its table.
_ALWAYS = {
    "experiment": str,
    "row": str,
    "seed": int,
    "seconds": (int, float),
    "version": str,
    "dtype": str,
    "instruction_set": str,
    "configuration": dict,
}


@dataclass(frozen=True)
class HeldRow:
    """A row of a table and its trials.

    Attributes
    ----------
    name, title : str
        As in the table.
    planned : int
        Its trials in the whole table; 0 for a row that is run only where it is asked for.
    records : list of dict
        Its trials, each once and all of one configuration, by seed.
    differs : str
        In what their configuration is another than the table's; empty where it is the table's.
    """

    name: str
    title: str
    planned: int
    records: list[Record]
    differs: str = ""

    @property
    def missing(self) -> int:
        """Trials of the whole table that have not been run."""
        return max(0, self.planned - (0 if self.differs else len(self.records)))


@dataclass(frozen=True)
class Held:
    """A table and its trials.

    Attributes
    ----------
    name, title : str
        The table's.
    rows : list of HeldRow
        In the table's order: those of the whole table, and others that have trials.
    comparison : str
        The table's own comparison with the paper; empty where there are no trials.
    left_out : int
        Records in the file that belong to no row here: repeated, or of other configurations.
    """

    name: str
    title: str
    rows: list[HeldRow]
    comparison: str
    left_out: int

    @property
    def records(self) -> list[Record]:
        """All trials, row by row."""
        return [record for row in self.rows for record in row.records]

    @property
    def missing(self) -> int:
        """Trials of the whole table that have not been run."""
        return sum(row.missing for row in self.rows)


def read_table(name: str, folder: Path) -> Held:
    """Read a table's results file.

    Parameters
    ----------
    name : str
        Of the table, one of `lethe.experiments.TABLES`.
    folder : pathlib.Path
        Where its file lies; where it does not, the table has no trials.

    Returns
    -------
    Held
        Of each row, trials of the table's configuration; where a row has none of these, those of
        the configuration with the most trials.

    Raises
    ------
    ValueError
        If the file cannot be read, or its records are not what the table reads.
    """
    table: Any = experiments.table_module(name)
    path = folder / f"{name}.jsonl"
    found = results.read(path, _ALWAYS | table.RESULT)
    every = {results.key(record): record for record in reversed(found)}  # the first of its kind
    whole = replace(table.FULL, rows=tuple(table.ROWS), trials=1, fewer={}, fillers=())
    configurations = {
        task.row: task.trial.configuration() for task in whole.tasks(name, table.ROWS)
    }
    rows = [
        _row(
            HeldRow(row, table.ROWS[row].title, _planned(table, row), []),
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
    return Held(name, table.TITLE, rows, comparison, len(found) - len(records))


def _planned(table: Any, row: str) -> int:
    full = table.FULL
    return int(full.fewer.get(row, full.trials)) if row in full.rows else 0


def _row(row: HeldRow, records: Sequence[Record], configuration: Any) -> HeldRow:
    """The row with those of its records that are of one configuration."""
    groups: dict[str, list[Record]] = {}
    for record in sorted(records, key=results.key):
        groups.setdefault(_text(record["configuration"]), []).append(record)
    if not groups:
        return row
    own = _text(configuration)
    chosen = own if own in groups else max(groups, key=lambda text: len(groups[text]))
    differs = "" if chosen == own else _difference(json.loads(chosen), json.loads(own))
    return replace(
        row, records=sorted(groups[chosen], key=lambda record: record["seed"]), differs=differs
    )


def _text(configuration: Any) -> str:
    return json.dumps(configuration, sort_keys=True)


def _difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    """The entries of a configuration that are not those of another, in words."""
    said = []
    for name in sorted(one.keys() | other.keys()):
        values = [_entry(each.get(name)) for each in (one, other)]
        if values[0] != values[1]:
            said.append(f"{name.replace('_', ' ')} {values[0]} instead of {values[1]}")
    return ", ".join(said)


def _entry(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return value if isinstance(value, str) else json.dumps(value)


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers in the shortest words.

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
