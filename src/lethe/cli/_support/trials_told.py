"""What ``lethe reproduce`` tells of the trials of a table before they run, and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

from lethe.cli._support.asked_trials import AskedTrials, in_words
from lethe.cli._support.printable import printable

if TYPE_CHECKING:
    from lethe.experiments import Plan
    from lethe.experiments.table import Row, RowTrial

__all__ = ["duration", "say_what", "spent"]


def say_what(asked: AskedTrials, *, shortened: bool) -> None:
    """Print the title of a table, what is left out of it, and which trials there are.

    Parameters
    ----------
    asked : AskedTrials
        The trials.
    shortened : bool
        Whether it is the table's short form.
    """
    plan, full = asked.plan, asked.table.FULL
    print(asked.table.TITLE)
    if shortened:
        less = [
            f"{got} of {of} {what}"
            for got, of, what in (
                (f"{len(plan.rows)}", f"{len(full.rows)}", "rows"),
                (_networks(plan, plan.rows), _networks(full, plan.rows), "networks a row"),
            )
            if got != of
        ]
        less += _limits(plan, full, asked.table.ROWS)
        if less:
            print(f"Shortened to {', '.join(less)}.\n--full runs all of it.")
    seeds = [task.seed for task in asked.tasks.values()]
    first, last = min(seeds), max(seeds)
    of = f"seed {first}" if first == last else f"seeds {first} to {last}"
    print(f"{in_words(len(seeds))}, {of}", end="")
    if asked.done:
        print(f", {len(asked.done)} of them in {printable(str(asked.path))} already\n", flush=True)
    else:
        print(f", into {printable(str(asked.path))}\n" if asked.path else "\n", flush=True)


def _networks(plan: Plan, rows: Iterable[str]) -> str:
    return _range(plan.fewer.get(row, plan.trials) for row in rows)


def _limits(plan: Plan, full: Plan, rows: Mapping[str, Row[RowTrial]]) -> list[str]:
    """The plan's limits, each compared with the whole table's."""
    trials = [rows[row].trial for row in plan.rows]
    said = []
    for name, limit in plan.limits.items():
        has_it = [t for t in trials if name in {field.name for field in fields(t)}]
        others = {full.limits.get(name, getattr(trial, name)) for trial in has_it} - {limit}
        if others:
            said.append(f"{name.replace('_', ' ')} {limit:,} instead of {_range(others)}")
    return said


def _range(values: Iterable[int]) -> str:
    """One number, or the least and the greatest."""
    ends = sorted(set(values))
    return f"{ends[0]:,}" if len(ends) == 1 else f"{ends[0]:,} to {ends[-1]:,}"


def duration(seconds: Iterable[float]) -> str:
    """The sum of these times, in a suitable unit.

    Examples
    --------
    >>> duration([0.6, 0.5]), duration([100, 30]), duration([36_000])
    ('1 second', '2 minutes', '10.0 hours')
    """
    total = sum(seconds)
    if total < 120:
        return f"{total:.0f} second{'' if round(total) == 1 else 's'}"
    return f"{total / 60:.0f} minutes" if total < 7200 else f"{total / 3600:.1f} hours"


def spent(asked: AskedTrials) -> str:
    """How many trials are finished, and the time that they took."""
    seconds = duration(record["seconds"] for record in asked.done.values())
    return f"{in_words(len(asked.done))}, {seconds} of computing in all"
