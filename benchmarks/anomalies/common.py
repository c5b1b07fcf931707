"""What the anomaly benchmarks share: a stream, what a detector says of it, and tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Detector", "Flags", "Scored", "Stream", "Values", "cell", "mean", "table"]

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Stream:
    """A stream of numbers, in the order of time.

    Attributes
    ----------
    name : str
        What tables call it.
    values : ndarray
        A row for each event, a column for each variable; NaN where a value is missing.
    times : list of str, optional
        When the events were.
    """

    name: str
    values: Values
    times: list[str] | None = None


@dataclass(frozen=True)
class Scored:
    """What a detector says of a stream.

    Attributes
    ----------
    scores : ndarray
        A score for each event, made from this event and those before it; the higher, the odder.
    alarms : ndarray, optional
        For each event the score of an alarm that begins there, else 0; None for a detector that
        has scores alone.
    """

    scores: Values
    alarms: Values | None = None


Detector = Callable[[Stream], Scored]


def mean(numbers: Iterable[float]) -> float:
    """Mean of those that are numbers; NaN where there are none.

    Examples
    --------
    >>> mean([1.0, math.nan, 2.0])
    1.5
    """
    known = [number for number in numbers if not math.isnan(number)]
    return sum(known) / len(known) if known else math.nan


def cell(number: float, digits: int = 3) -> str:
    """A number as tables show it; a line where it is none, or infinite.

    Examples
    --------
    >>> cell(0.12345), cell(float("nan"))
    ('0.123', '–')
    """
    return f"{number:.{digits}f}" if math.isfinite(number) else "–"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """A table in Markdown, whose first columns are texts and whose others are numbers.

    Examples
    --------
    >>> print(table(["detector", "score"], [["ours", "1.0"]]))
    | detector | score |
    |---|---:|
    | ours | 1.0 |
    """
    rule = "|" + "---|" * texts + "---:|" * (len(head) - texts)
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], rule, *lines[1:]])
