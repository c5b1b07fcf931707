"""The verdict: each figure of the papers, ours, its 95 % interval, and whether it fits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from lethe.experiments import results
from lethe.experiments.formatting import interval, mean_interval, ratio_interval
from lethe.experiments.records import Record, mean
from lethe.experiments.reported import Figure, Mean, Reported, Share, Times
from lethe.experiments.runner import TABLES, table_module
from lethe.experiments.table import Table

__all__ = [
    "RULE",
    "VERDICTS",
    "Judged",
    "Verdict",
    "judge",
    "judgeable",
    "judged_table",
    "not_counted",
    "own_records",
]

Verdict: TypeAlias = Literal[
    "fits", "lies above", "lies below", "does not fit", "no such network", "not run"
]

#: Verdicts with their meaning, in the order in which they are counted.
VERDICTS: dict[Verdict, str] = {
    "fits": "as reported",
    "lies above": "better than reported: more networks solve the task, or sooner",
    "lies below": "worse than reported",
    "does not fit": "neither better nor worse, but not as reported",
    "no such network": "a mean over networks of which we have none",
    "not run": "no trial yet",
}

#: Where `lethe.experiments.readings` is shown.
READINGS = "results/verdict.md#readings"

#: The rule, for readers.
RULE = (
    "A percentage fits where our 95 % interval (Wilson) holds it, to the half of a per cent that "
    "rounding takes. A mean fits where our 95 % interval (bootstrap over networks) holds it, or "
    "where ours is within a factor of it: 1.5 for LSTM in Tables 1 and 2, 3 for experiments 4 "
    "and 5 of 1997, 2 for all others. A mean until the solution lies below where we have no "
    "solution. Only ours is taken for a sample: that the papers' figures are of 10 to 100 "
    "networks too is left out, so the rule is strict. Above is better: more networks solve the "
    "task, or sooner."
)


@dataclass(frozen=True)
class Judged:
    """A figure of the papers, ours, and the verdict.

    Attributes
    ----------
    table, row : str
        Where ours is.
    title : str
        Title of the row.
    place : str
        Where the figure is reported.
    what : str
        What it is of.
    kind : {"percent", "mean", "times"}
        What sort of number.
    reported : float
        As printed.
    ours : float or None
        Ours; None where there is none.
    low, high : float or None
        Its 95 % interval; None where there are too few networks.
    networks : int
        Our networks: of a percentage all of them, of a mean those that it is over.
    verdict : Verdict
        One of `VERDICTS`.
    readings : str
        Where the readings are told that were tried, if it does not fit: a path in the repository.
    """

    table: str
    row: str
    title: str
    place: str
    what: str
    kind: Literal["percent", "mean", "times"]
    reported: float
    ours: float | None
    low: float | None
    high: float | None
    networks: int
    verdict: Verdict
    readings: str


def judge(folder: Path) -> list[Judged]:
    """Judge all figures of the papers by the results files of a folder.

    Parameters
    ----------
    folder : pathlib.Path
        With the files that ``lethe reproduce`` writes; what is missing has not been run.

    Returns
    -------
    list of Judged
        Those of the report first, its tables before its sentences, then those of 1997.

    Raises
    ------
    ValueError
        If a file cannot be read, or a record lacks what its row reads.
    """
    judged: list[Judged] = []
    for name in TABLES:
        table = table_module(name)
        judged += judged_table(name, table, own_records(name, table, folder))
    return sorted(judged, key=_place)


def _place(judged: Judged) -> tuple[bool, bool, str]:
    """The report before 1997, its tables before its sentences."""
    return judged.place.startswith("1997"), judged.place.startswith("Section"), judged.place


def own_records(name: str, table: Table, folder: Path) -> dict[str, list[Record]]:
    """The records of each row that have the table's configuration, each seed once.

    Parameters
    ----------
    name : str
        The table's name.
    table : Table
        The table.
    folder : pathlib.Path
        The folder of its results file.
    """
    own = {row: _text(one.trial.configuration()) for row, one in table.ROWS.items()}
    found: dict[str, dict[int, Record]] = {row: {} for row in own}
    for record in results.read(folder / f"{name}.jsonl", table.RESULT):
        row = record["row"]
        if record["experiment"] == name and own.get(row) == _text(record["configuration"]):
            found[row].setdefault(record["seed"], record)
    return {row: [by_seed[seed] for seed in sorted(by_seed)] for row, by_seed in found.items()}


def not_counted(folder: Path) -> dict[str, int]:
    """How many trials of each results file have a configuration that their row has not.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the files.

    Returns
    -------
    dict of str to int
        By the file's name; those of seeds of which a trial is counted are left out.
    """
    found = {}
    for name in TABLES:
        table, file = table_module(name), f"{name}.jsonl"
        own = own_records(name, table, folder)
        counted = {(row, record["seed"]) for row, records in own.items() for record in records}
        others = {
            results.key(record)
            for record in results.read(folder / file, table.RESULT)
            if record["experiment"] == name and (record["row"], record["seed"]) not in counted
        }
        if others:
            found[file] = len(others)
    return found


def _text(configuration: object) -> str:
    return json.dumps(configuration, sort_keys=True)


def judged_table(name: str, table: Table, records: Mapping[str, Sequence[Record]]) -> list[Judged]:
    """Judge the figures of one table.

    Parameters
    ----------
    name : str
        The table's name.
    table : Table
        The table.
    records : dict of str to sequence of Record
        The trials of each row.

    Returns
    -------
    list of Judged

    Raises
    ------
    ValueError
        If a record lacks what its row reads.
    """
    return [
        one
        for row, of in table.ROWS.items()
        if not of.reading_of
        for one in judged_row(name, table, row, records)
    ]


def judged_row(
    name: str, table: Table, row: str, records: Mapping[str, Sequence[Record]]
) -> list[Judged]:
    """Judge a row by its own figures or, if it is a reading of another row, by those.

    Parameters
    ----------
    name, table, records
        As in `judged_table`.
    row : str
        Name of the row.
    """
    one = table.ROWS[row]
    report = table.ROWS[one.reading_of].report if one.reading_of else one.report
    if not isinstance(report, Reported):
        return []
    judged = []
    for figure in report.figures():
        with judgeable(name, row):
            ours = _ours(figure, records.get(row, ()), records)
        verdict = _verdict(figure, ours)
        judged.append(
            Judged(
                name, row, one.title.strip(), report.place, figure.what, _kind(figure),
                figure.value, ours.value, ours.low, ours.high, ours.networks, verdict,
                "" if verdict in ("fits", "not run") else _readings(name, table, row),
            )
        )  # fmt: skip
    return judged


def _readings(name: str, table: Table, row: str) -> str:
    if table.ROWS[row].readings:
        return table.ROWS[row].readings
    if any(one.reading_of == row for one in table.ROWS.values()):
        return READINGS
    return f"results/{name}.md"


@contextmanager
def judgeable(name: str, row: str) -> Iterator[None]:
    """Within it, a record that lacks what is read, or has no number there, is a ValueError."""
    try:
        yield
    except KeyError as missing:
        raise ValueError(f"a record of {name} {row} lacks {missing}") from None
    except (TypeError, ArithmeticError):
        raise ValueError(f"the records of {name} {row} cannot be read") from None


@dataclass(frozen=True)
class _Ours:
    """Our figure, its interval, the networks it is over, and how many trials there were."""

    value: float | None
    low: float | None
    high: float | None
    networks: int
    trials: int


def _kind(figure: Figure) -> Literal["percent", "mean", "times"]:
    if isinstance(figure, Share):
        return "percent"
    return "mean" if isinstance(figure, Mean) else "times"


def _ours(
    figure: Figure, trials: Sequence[Record], of_rows: Mapping[str, Sequence[Record]]
) -> _Ours:
    if isinstance(figure, Share):
        if not trials:
            return _Ours(None, None, None, 0, 0)
        count = sum(map(figure.counts, trials))
        low, high = (100 * bound for bound in interval(count, len(trials)))
        return _Ours(100 * count / len(trials), low, high, len(trials), len(trials))
    values = _values(figure, trials)
    if isinstance(figure, Times):
        others = _values(figure, of_rows.get(figure.row, ()))
        value = mean(values) / mean(others) if values and others else None
        return _between(value, ratio_interval(values, others), values, trials)
    return _between(mean(values) if values else None, mean_interval(values), values, trials)


def _values(figure: Mean | Times, trials: Iterable[Record]) -> list[float]:
    return [value for trial in trials if (value := figure.of(trial)) is not None]


def _between(
    value: float | None,
    bounds: tuple[float, float] | None,
    values: Sequence[float],
    trials: Sequence[Record],
) -> _Ours:
    low, high = bounds or (None, None)
    return _Ours(value, low, high, len(values), len(trials))


def _verdict(figure: Figure, ours: _Ours) -> Verdict:
    """By `RULE`."""
    if ours.trials == 0:
        return "not run"
    if ours.value is None:
        return "lies below" if figure.better < 0 else "no such network"
    reported, slack, factor = figure.value, 0.5, 1.0
    if isinstance(figure, Mean | Times):
        slack, factor = 0.0, figure.factor
    within = (
        ours.low is not None
        and ours.high is not None
        and ours.low - slack <= reported <= ours.high + slack
    )
    near = min(ours.value, reported) * factor >= max(ours.value, reported)
    if within or near:
        return "fits"
    if figure.better == 0:
        return "does not fit"
    return "lies above" if (ours.value > reported) == (figure.better > 0) else "lies below"
