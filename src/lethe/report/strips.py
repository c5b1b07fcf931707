"""A row's trials as a strip: when each was solved, on a logarithmic axis, and how many were not.

The pictures are SVG elements written by hand, coloured by the page's style sheet.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lethe._printable import html_text
from lethe.experiments.records import Record

__all__ = ["Axis", "Outcomes", "axis", "outcomes", "scale", "strip"]

#: Fields: whether a trial was solved, after how long, and the limit in its configuration.
_KINDS = (
    ("perfect", "training_streams", "training_streams"),
    ("solved", "training_sequences", "sequences"),
)
_WIDTH, _HEIGHT = 320, 26
_LEFT, _RIGHT = 12, 276  # to the right of it, how many were not solved
_DIGITS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Outcomes(NamedTuple):
    """How a row's trials ended.

    Attributes
    ----------
    word, unit : str
        The name of a success, and the unit counted until then.
    taken : list of int
        Units until each solved trial was solved, ascending.
    trials : int
        Number of trials.
    limit : int
        Units after which a trial is stopped.
    """

    word: str
    unit: str
    taken: list[int]
    trials: int
    limit: int


class Axis(NamedTuple):
    """A logarithmic axis: the exponents of its ends."""

    low: float
    high: float

    def x(self, value: float) -> float:
        """Where a value lies in a strip."""
        at = (math.log10(max(1, value)) - self.low) / (self.high - self.low)
        return _LEFT + (_RIGHT - _LEFT) * min(1.0, max(0.0, at))

    def decades(self) -> range:
        """Exponents of the powers of ten on it."""
        return range(math.ceil(self.low), math.floor(self.high) + 1)


def outcomes(records: Sequence[Record]) -> Outcomes | None:
    """How trials ended, or None where they are not of a kind that can be solved."""
    for word, field, limit in _KINDS:
        taken, limits = [], []
        for record in records:
            values: Mapping[str, object] = record
            success, units = values.get(word), values.get(field)
            if not isinstance(success, bool) or not isinstance(units, int):
                break
            most = record["configuration"].get(limit)
            limits.append(most if isinstance(most, int) else units)
            if success:
                taken.append(units)
        else:
            if limits:
                unit = field.replace("_", " ")
                return Outcomes(word, unit, sorted(taken), len(records), max(limits))
    return None


def axis(rows: Sequence[Outcomes]) -> Axis:
    """An axis for all rows of a table, to the greatest limit, with a power of ten on it."""
    high = math.log10(max([10, *(max(row.limit, *row.taken, 1) for row in rows)]))
    least = min((row.taken[0] for row in rows if row.taken), default=0)
    low = math.log10(least) - 0.05 if least > 1 else 0.0
    return Axis(min(low, math.ceil(high) - 1), high)


def scale(on: Axis) -> str:
    """The axis's powers of ten, above the strips."""
    labels = "".join(
        f'<text x="{on.x(10.0**exponent):.1f}" y="12">10{str(exponent).translate(_DIGITS)}</text>'
        for exponent in on.decades()
    )
    return (
        f'<svg class="scale" viewBox="0 0 {_WIDTH} 16" width="{_WIDTH}" height="16" '
        f'aria-hidden="true">{labels}</svg>'
    )


def strip(title: str, row: Outcomes, on: Axis) -> str:
    """A row's trials.

    Parameters
    ----------
    title : str
        The row's, for screen readers and pointers.
    row : Outcomes
        Its trials.
    on : Axis
        That of the table.

    Returns
    -------
    str
        An SVG element: a line for each solved trial, a longer one for their median, and a cross
        behind the limit with the number of the others.
    """
    bottom = _HEIGHT - 3
    grid = "".join(f"M{on.x(10.0**e):.1f} 1V{_HEIGHT - 1}" for e in on.decades())
    ticks = "".join(f"M{on.x(units):.1f} 7V{bottom - 4}" for units in row.taken)
    parts = [f'<path class="grid" d="{grid}"/>']
    if row.taken:
        middle = statistics.median(row.taken)
        parts.append(f'<path class="trials" d="{ticks}"/>')
        parts.append(f'<path class="median" d="M{on.x(middle):.1f} 2V{_HEIGHT - 2}"/>')
    failed = row.trials - len(row.taken)
    if failed:
        at = on.x(row.limit) + 7
        parts.append(f'<path class="failed" d="M{at - 4:.1f} 9l8 8m0 -8l-8 8"/>')
        parts.append(f'<text class="failed" x="{at + 8:.1f}" y="17">{failed}</text>')
    return (
        f'<svg class="strip" role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}"><title>{html_text(_text(title, row))}</title>{"".join(parts)}</svg>'
    )


def _text(title: str, row: Outcomes) -> str:
    if not row.taken:
        return f"{title}: none of {row.trials:,} {row.word} within {row.limit:,} {row.unit}"
    text = f"{title}: {len(row.taken):,} of {row.trials:,} {row.word}, after {row.taken[0]:,}"
    if len(row.taken) > 1:
        text += f" to {row.taken[-1]:,}"
    text += f" {row.unit}"
    if len(row.taken) > 2:
        text += f", the median {statistics.median(row.taken):,.0f}"
    if len(row.taken) < row.trials:
        text += f"; the others not within {row.limit:,}"
    return text
