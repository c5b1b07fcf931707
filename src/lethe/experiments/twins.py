"""Twins: networks with and without forget gates that are else the same, on every experiment.

The report, section 4.6: "we have not yet encountered a problem that LSTM solves while extended LSTM
does not."
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lethe.experiments.formatting import interval, mean_interval, ratio_interval
from lethe.experiments.records import Record, is_solved, mean
from lethe.experiments.reported import until_solved
from lethe.experiments.runner import TABLES, table_module
from lethe.experiments.table import Table
from lethe.experiments.verdict import judgeable, own_records

__all__ = ["LEAST", "Kind", "Twins", "find_twins", "summary", "twins_of_table"]

#: Of fewer networks of a kind nothing is said.
LEAST = 3


@dataclass(frozen=True)
class Kind:
    """The trials of one kind of network.

    Attributes
    ----------
    row : str
        Name of the row.
    title : str
        Title of the row.
    networks, solved : int
        How many there are, and how many solved the task.
    low, high : float
        The 95 % interval of their share (Wilson), from 0 to 1.
    taken : float or None
        Mean training sequences or streams until then; None where none solved it.
    taken_low, taken_high : float or None
        Its 95 % interval (bootstrap); None of fewer than two networks.
    """

    row: str
    title: str
    networks: int
    solved: int
    low: float
    high: float
    taken: float | None
    taken_low: float | None
    taken_high: float | None

    @property
    def share(self) -> float:
        """The share that solved the task."""
        return self.solved / max(1, self.networks)


@dataclass(frozen=True)
class Twins:
    """An experiment with both kinds of network.

    Attributes
    ----------
    table : str
        Name of the table.
    experiment : str
        What the networks learn, for readers.
    standard, forget_gates : Kind
        Without and with forget gates.
    more : tuple of float
        By how much the share of the solved is larger with forget gates: its 95 % interval
        (Newcombe 1998, method 10), from -1 to 1.
    times : tuple of float or None
        The mean until the solution with forget gates over that without: its 95 % interval
        (bootstrap). None where one of them has fewer than two solutions.
    """

    table: str
    experiment: str
    standard: Kind
    forget_gates: Kind
    more: tuple[float, float]
    times: tuple[float, float] | None

    @property
    def enough(self) -> bool:
        """Whether there are networks enough of both kinds to say something."""
        return min(self.standard.networks, self.forget_gates.networks) >= LEAST

    @property
    def outcome(self) -> str:
        """What the intervals say, in words."""
        if not (self.standard.networks and self.forget_gates.networks):
            return "not run"
        if not self.enough:
            return "too few networks"
        if not (self.standard.solved or self.forget_gates.solved):
            return "neither solves it"
        low, high = self.more
        often = "more often" if low > 0 else "less often" if high < 0 else ""
        low, high = self.times or (1.0, 1.0)
        soon = "sooner" if high < 1 else "later" if low > 1 else ""
        return ", ".join(filter(None, (often, soon))) or "no difference shown"


def find_twins(folder: Path) -> list[Twins]:
    """All twins, by the results files of a folder.

    Parameters
    ----------
    folder : pathlib.Path
        With the files that ``lethe reproduce`` writes.

    Returns
    -------
    list of Twins
        Table by table; of an experiment that is read in several ways, the table's own.

    Raises
    ------
    ValueError
        If a file cannot be read.
    """
    found: list[Twins] = []
    for name in TABLES:
        table = table_module(name)
        if any(row.twin for row in table.ROWS.values()):
            found += twins_of_table(name, table, own_records(name, table, folder))
    return found


def twins_of_table(name: str, table: Table, records: Mapping[str, Sequence[Record]]) -> list[Twins]:
    """The twins of a table, from the trials of each row."""
    found = []
    for row, one in table.ROWS.items():
        if one.twin and not one.reading_of:
            with judgeable(name, row):
                found.append(_twins(name, table, row, records))
    return found


def summary(twins: Sequence[Twins]) -> str:
    """What the twins say of the report's sentence."""
    both = [one for one in twins if one.enough]
    easy = [one for one in both if one.standard.share >= 0.5]
    hard = [
        one.experiment + ("" if one.forget_gates.solved else ", which none of them solves")
        for one in easy
        if one.forget_gates.share < 0.5
    ]
    gained = [one.experiment for one in both if one.standard.share < 0.5 <= one.forget_gates.share]
    parts = [
        f"Of {len(both)} experiments that were run with {LEAST} networks of each kind or more, at "
        f"least half of the standard networks solve {len(easy)}; of these, at least half of the "
        f"networks with forget gates solve {len(easy) - len(hard)}"
        + (f" (not {'; '.join(hard)})" if hard else "")
        + "."
    ]
    if fewer := [one.experiment for one in both if one.outcome.startswith("less often")]:
        parts.append(f"Shown to solve less often: {'; '.join(fewer)}.")
    if gained:
        parts.append(f"Only with forget gates do at least half solve: {'; '.join(gained)}.")
    return " ".join(parts)


def _twins(name: str, table: Table, row: str, records: Mapping[str, Sequence[Record]]) -> Twins:
    one = table.ROWS[row]
    sides = [(key, table.ROWS[key].title, records.get(key, ())) for key in (row, one.twin)]
    standard, forget_gates = (_kind(*side) for side in sides)
    first, second = (_taken(trials) for _, _, trials in sides)
    return Twins(
        name,
        one.experiment or one.title.strip(),
        standard,
        forget_gates,
        _difference(standard, forget_gates),
        ratio_interval(second, first),
    )


def _kind(row: str, title: str, trials: Sequence[Record]) -> Kind:
    taken = _taken(trials)
    solved = sum(map(is_solved, trials))
    low, high = interval(solved, len(trials))
    taken_low, taken_high = mean_interval(taken) or (None, None)
    return Kind(
        row, title.strip(), len(trials), solved, low, high,
        mean(taken) if taken else None, taken_low, taken_high,
    )  # fmt: skip


def _taken(trials: Sequence[Record]) -> list[float]:
    return [taken for trial in trials if (taken := until_solved(trial)) is not None]


def _difference(standard: Kind, forget_gates: Kind) -> tuple[float, float]:
    """The interval of the difference of two shares, from those of both."""
    one, other = forget_gates, standard
    difference = one.share - other.share
    below = math.hypot(one.share - one.low, other.high - other.share)
    above = math.hypot(one.high - one.share, other.share - other.low)
    return difference - below, difference + above
