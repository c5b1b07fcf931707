"""Records: one finished trial each, as plain JSON values, and what is asked of many of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, NotRequired, TypeAlias, TypedDict, get_args, get_origin, get_type_hints

__all__ = [
    "NO_FIELDS",
    "Fields",
    "Record",
    "TrialKey",
    "by_row",
    "check_record",
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

#: The largest whole number, and the largest of a field that is none; a network that diverges ends
#: its trial before its errors are as large.
MOST_COUNT, MOST_NUMBER = 2**63 - 1, 1e100
#: What has a limit of its own.
_MOST = {
    "seconds": 1e12,
    "cpu_seconds": 1e12,
    "best_mean_stream": 1e18,
    "final_mean_stream": 1e18,
    "test_wrong": 1.0,
}


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


def check_record(values: Mapping[str, object]) -> None:
    """See that every field of `Record` that there is has a value that a trial can have.

    Counts and seeds are whole numbers, all other numbers are finite, and none is negative or
    beyond all that a trial can measure. Fields that are not of `Record` may hold anything.

    Parameters
    ----------
    values : dict of str to object
        Plain JSON values.

    Raises
    ------
    ValueError
        If what identifies a trial is missing, or a field has a value that it cannot have.

    Examples
    --------
    >>> trial = {"experiment": "nto", "row": "standard", "seed": 0, "configuration": {}}
    >>> check_record(trial | {"solved": True, "training_sequences": 20_000})
    >>> check_record(trial | {"training_sequences": -1})
    Traceback (most recent call last):
    ...
    ValueError: training_sequences must be a whole number from 0 to 9223372036854775807, got -1
    """
    if lacks := [name for name in TrialKey.__annotations__ if name not in values]:
        raise ValueError(f"it lacks {lacks[0]!r}")
    for name, kinds in _fields().items():
        if name in values and not any(_is(values[name], kind, name) for kind in kinds):
            expected = " or ".join(_words(kind, name) for kind in kinds)
            value = values[name]
            plain = isinstance(value, str | int | float | None)
            got = f"{value!r:.40}" if plain else f"a {type(value).__name__}"
            raise ValueError(f"{name} must be {expected}, got {got}")


@cache
def _fields() -> dict[str, tuple[object, ...]]:
    """The fields of a record, each with the kinds of value that it may have."""
    hints = get_type_hints(Record)
    return {
        name: get_args(kind) if isinstance(kind, UnionType) else (kind,)
        for name, kind in hints.items()
    }


def _is(value: object, kind: object, name: str) -> bool:
    if get_origin(kind) is list:
        (inner,) = get_args(kind)
        return isinstance(value, list) and all(_is(one, inner, name) for one in value)
    if kind in (int, float):
        if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
            return False
        return 0 <= value <= _most(kind, name)  # no NaN is
    plain = get_origin(kind) or kind
    return isinstance(plain, type) and isinstance(value, plain)


def _most(kind: object, name: str) -> float:
    return MOST_COUNT if kind is int else _MOST.get(name, MOST_NUMBER)


def _words(kind: object, name: str) -> str:
    if get_origin(kind) is list:
        return f"a list, each {_words(get_args(kind)[0], name)}"
    if kind in (int, float):
        return f"a {'whole ' if kind is int else ''}number from 0 to {_most(kind, name)}"
    words: Mapping[object, str] = {str: "a string", bool: "true or false", NoneType: "null"}
    return words.get(kind, "an object")


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
