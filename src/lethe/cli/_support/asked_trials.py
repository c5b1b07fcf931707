"""The trials that ``lethe reproduce`` is asked for, and what a results file holds of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lethe.cli._support.printable import printable

if TYPE_CHECKING:
    from lethe.experiments import Plan, Table, Task
    from lethe.experiments.records import Record

__all__ = ["AskedTrials", "asked_trials", "in_words"]

#: So many differing entries of a configuration are named, and so many characters of each value.
_MOST_ENTRIES, _MOST_VALUE = 4, 60


@dataclass
class AskedTrials:
    """The trials of a table that are asked for, and what its results file holds.

    Attributes
    ----------
    name : str
        Of the table.
    table : Table
        The table.
    plan : Plan
        What is asked for of it.
    tasks : dict of str to Task
        Its trials, by key.
    path : pathlib.Path or None
        Their results file.
    done : dict of str to Record
        Those that are finished, by key.
    changed : list of Record
        The file's records of asked trials that are not done, of another configuration than theirs
        is today.
    gone : dict of str to int
        How many records the file has of each row that the table does not have.
    sets : dict of str to int
        How many records of rows that are not done the file has by their instruction set.
    """

    name: str
    table: Table
    plan: Plan
    tasks: dict[str, Task]
    path: Path | None
    done: dict[str, Record] = field(default_factory=dict)
    changed: list[Record] = field(default_factory=list)
    gone: Counter[str] = field(default_factory=Counter)
    sets: Counter[str] = field(default_factory=Counter)

    def read(self) -> None:
        """Read the results file."""
        from lethe.experiments import results
        from lethe.experiments.configurations import differences

        every: dict[str, Record] = {}
        for record in self._records():
            every.setdefault(results.key(record), record)
        self.done = {key: record for key, record in every.items() if key in self.tasks}
        missing = {(task.row, task.seed) for task in self._missing()}
        own = [record for record in every.values() if record["experiment"] == self.name]
        self.changed = [record for record in own if (record["row"], record["seed"]) in missing]
        self.gone = Counter(record["row"] for record in own if record["row"] not in self.table.ROWS)
        last = {task.row: task.trial for task in self._missing()}
        todo = {row: trial.configuration() for row, trial in last.items()}
        self.sets = Counter(
            record["instruction_set"]
            for record in own
            if "instruction_set" in record
            and record["row"] in todo
            and not differences(record["configuration"], todo[record["row"]])
        )

    def _missing(self) -> list[Task]:
        return [task for key, task in self.tasks.items() if key not in self.done]

    def _records(self) -> list[Record]:
        from lethe.experiments import results

        if self.path is None:
            return []
        return results.read(self.path, {"seconds": (int, float), **self.table.RESULT})

    def what_is_kept(self) -> str:
        """How many trials are safe, and where."""
        if self.path is not None:
            self.read()
        one = len(self.done) == 1
        kept = (
            f"{len(self.done)} of {in_words(len(self.tasks))} {'was' if one else 'were'} finished"
        )
        if self.path is None:
            return kept
        return f"{kept} and {'is' if one else 'are'} in {self.path}; --resume continues"

    def compared(self) -> str:
        """The table of what is done.

        Raises
        ------
        ValueError
            If a record lacks what its row reads.
        """
        try:
            return self.table.compare(list(self.done.values()), self.plan.rows)
        except (LookupError, TypeError, AttributeError, ArithmeticError):
            where = "" if self.path is None else f" of {self.path}"
            raise ValueError(f"records{where} lack what {self.name} reads of them") from None

    def what_has_changed(self) -> str:
        """Which records have another configuration, and in what it differs; empty where none has.

        Of several rows, the entries are those of the one that comes first.
        """
        from lethe.experiments.configurations import differences

        if not self.changed:
            return ""
        first = self.changed[0]
        now = self.table_configuration(first)
        found = differences(first["configuration"], now)
        entries = [f"{name} {_cut(there)} there, {_cut(here)} now" for name, there, here in found]
        more = len(entries) - _MOST_ENTRIES
        named = entries[:_MOST_ENTRIES] + ([f"and {more} more"] if more > 0 else [])
        rows = Counter(record["row"] for record in self.changed)
        of_first = f"{first['row']}: " if len(rows) > 1 else ""
        return f"{_trials(rows)} with another configuration ({of_first}{'; '.join(named)})"

    def table_configuration(self, record: Record) -> dict[str, object]:
        """The configuration that the trial of a record has today."""
        place = (record["row"], record["seed"])
        return next(
            task.trial.configuration()
            for task in self.tasks.values()
            if (task.row, task.seed) == place
        )

    def what_is_rounded(self) -> list[str]:
        """That the file's trials of rows to be run have another instruction set, in a sentence."""
        from lethe.core import instruction_set

        here = instruction_set()
        others = {name: count for name, count in self.sets.items() if name != here}
        if not others:
            return []
        made = ", ".join(f"{printable(name)} ({count})" for name, count in others.items())
        return [
            f"{self.path} holds trials of these rows made with {made}, and here it is {here}: sums "
            "are rounded in another way (LETHE_INSTRUCTION_SET chooses)"
        ]

    def what_is_not_counted(self) -> list[str]:
        """What the file holds beside the asked trials that a reader may miss, in sentences."""
        said = []
        if changed := self.what_has_changed():
            said.append(f"{self.path} holds {changed}; these lines stay there and are not counted")
        if self.gone:
            said.append(
                f"{self.path} holds {_trials(self.gone)}, which {self.name} does not have (any "
                "more); these lines stay there and are not counted"
            )
        return said


def asked_trials(
    name: str, table: Table, plan: Plan, tasks: Iterable[Task], path: Path | None
) -> AskedTrials:
    """What is asked for, with what its file holds."""
    from lethe.experiments import results

    asked = AskedTrials(name, table, plan, {results.key(t.key()): t for t in tasks}, path)
    asked.read()
    return asked


def in_words(trials: int) -> str:
    """So many trials.

    Examples
    --------
    >>> in_words(1), in_words(20)
    ('1 trial', '20 trials')
    """
    return "1 trial" if trials == 1 else f"{trials} trials"


def _trials(rows: Counter[str]) -> str:
    """How many trials of which rows."""
    parts = [f"{count} of {printable(row)}" for row, count in rows.items()]
    total = in_words(rows.total())
    if len(parts) == 1:
        return f"{total} of {printable(next(iter(rows)))}"
    return f"{total}, {', '.join(parts[:-1])} and {parts[-1]},"


def _cut(value: str) -> str:
    text = printable(value)
    return text if len(text) <= _MOST_VALUE else f"{text[:_MOST_VALUE]}..."
