"""Records: one finished trial each, as plain JSON values, and what is asked of many of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NotRequired, TypeAlias, TypedDict

__all__ = [
    "NO_FIELDS",
    "Fields",
    "Record",
    "TrialKey",
    "by_row",
    "first_number",
    "is_solved",
    "key",
    "mean",
    "units_taken",
    "whole_number",
]

#: Fields of a record and their types, as `isinstance` takes them.
Fields: TypeAlias = Mapping[str, "type | tuple[type, ...]"]
NO_FIELDS: Fields = MappingProxyType({})


class TrialKey(TypedDict):
    """What identifies a trial."""

    experiment: str
    row: str
    seed: int
    configuration: dict[str, Any]  # plain JSON values


class Record(TrialKey):
    """One finished trial: what identifies it, what it ran on, and its result.

    Which fields of a result there are follows from the kind of trial; a table names those that it
    reads in its ``RESULT``.
    """

    seconds: float
    version: str
    dtype: str
    instruction_set: str
    cpu_seconds: NotRequired[float]

    # Of `lethe.trials.Trial`.
    perfect: NotRequired[bool]
    training_streams: NotRequired[int]
    training_symbols: NotRequired[int]
    best_mean_stream: NotRequired[float]
    final_mean_stream: NotRequired[float]
    diverged: NotRequired[int]

    # Of `TimingTrial`, besides.
    mean_squared_error: NotRequired[float | None]

    # Of `lethe.trials.sequence.SequenceTrial`.
    solved: NotRequired[bool | None]
    training_sequences: NotRequired[int]
    training_steps: NotRequired[int]
    test_wrong: NotRequired[float]
    test_mean_error: NotRequired[float | None]

    # Of `CostedTrial`.
    score: NotRequired[float | None]
    late_score: NotRequired[float | None]
    microseconds: NotRequired[float]
    numbers_kept: NotRequired[int]

    # Of `lethe.trials.signal.SignalTrial`.
    before: NotRequired[float | None]
    after: NotRequired[float | None]
    late: NotRequired[float | None]
    frozen: NotRequired[float | None]

    # Of `Lesions`, by block.
    intact_long_lag: NotRequired[float]
    intact_short_lag: NotRequired[float]
    long_lag: NotRequired[list[float]]
    short_lag: NotRequired[list[float]]
    first: NotRequired[list[float]]
    broken: NotRequired[int]
    direct_long_lag: NotRequired[list[float]]
    direct_short_lag: NotRequired[list[float]]
    direct_first: NotRequired[list[float]]
    direct_broken: NotRequired[int]

    # Of `StateGrowth`, by string.
    strings: NotRequired[list[int]]
    state: NotRequired[list[float]]
    slope: NotRequired[list[float]]
    squashed: NotRequired[list[float]]
    saturated: NotRequired[list[float]]
    gate_share: NotRequired[list[float]]
    learned: NotRequired[bool]

    # Of `PartialsForgotten`.
    resets: NotRequired[int]
    opened: NotRequired[int]
    gate_at_resets: NotRequired[float]
    gate_when_open: NotRequired[float]
    kept_at_resets: NotRequired[float]
    kept_when_open: NotRequired[float]
    all_at_resets: NotRequired[float]
    state_before: NotRequired[float]
    state_after: NotRequired[float]
    largest_difference: NotRequired[float]


def key(trial: TrialKey) -> str:
    """What makes a trial the trial it is: experiment, row, seed and configuration."""
    parts = [trial["experiment"], trial["row"], trial["seed"], trial["configuration"]]
    return json.dumps(parts, sort_keys=True)


def by_row(records: Iterable[Record], rows: Iterable[str]) -> dict[str, list[Record]]:
    """The records of each of these rows, in their order.

    Examples
    --------
    >>> by_row([], ["standard"])
    {'standard': []}
    """
    groups: dict[str, list[Record]] = {row: [] for row in rows}
    for record in records:
        if record["row"] in groups:
            groups[record["row"]].append(record)
    return groups


def first_number(record: Record, *names: str) -> float:
    """The first of these fields that a record has.

    Raises
    ------
    ValueError
        If it has none of them.
    """
    values: Mapping[str, object] = record
    for name in names:
        if isinstance(value := values.get(name), int | float):
            return value
    raise ValueError(f"a record of {record.get('row')} lacks {names[0]!r}")


def is_solved(record: Record) -> bool:
    """Whether a trial met its criterion."""
    return bool(first_number(record, "solved", "perfect"))


def units_taken(record: Record) -> float:
    """Sequences or streams that a trial learned from, until it was solved or to its limit."""
    return first_number(record, "training_sequences", "training_streams")


def whole_number(records: Iterable[Record], name: str, default: int) -> int:
    """The largest value of a number in the configurations of these records."""
    return max((int(record["configuration"][name]) for record in records), default=default)


def mean(values: Iterable[float]) -> float:
    """The mean, or NaN of no values."""
    known = list(values)
    return sum(known) / len(known) if known else math.nan
