"""The papers' figures in a form that can be judged: shares of networks, means, ratios of means.

What a paper reports of a row (`Row.report`) is an object of the row's table; where it is
`Reported`, `lethe.experiments.verdict` compares it with our records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from lethe.experiments.records import Record, is_solved, units_taken

__all__ = ["Figure", "Mean", "Reported", "Share", "Times", "mean_if_any", "until_solved"]

#: 1: a larger figure is better; -1: a smaller one; 0: neither.
Better: TypeAlias = Literal[1, 0, -1]


@dataclass(frozen=True)
class Share:
    """A percentage of networks.

    Attributes
    ----------
    what : str
        The name of it, such as "solved".
    value : float
        As reported, in per cent.
    counts : callable
        Whether a trial is one of these networks.
    better : {1, 0, -1}
        Whether more of them are better, or fewer.
    """

    what: str
    value: float
    counts: Callable[[Record], bool]
    better: Better = 1


@dataclass(frozen=True)
class Mean:
    """A mean over networks, or over some of them.

    Attributes
    ----------
    what : str
        Of what.
    value : float
        As reported.
    of : callable
        The value of a trial; None where the mean is not over it.
    factor : float
        How far ours may be from it: by this factor.
    better : {1, 0, -1}
        Whether a larger mean is better.
    """

    what: str
    value: float
    of: Callable[[Record], float | None]
    factor: float = 2.0
    better: Better = -1


@dataclass(frozen=True)
class Times:
    """A mean, as a multiple of that of another row.

    Attributes
    ----------
    what, value, of, factor, better
        As in `Mean`.
    row : str
        The other row of the table.
    """

    what: str
    value: float
    of: Callable[[Record], float | None]
    row: str
    factor: float = 2.0
    better: Better = -1


Figure: TypeAlias = Share | Mean | Times


@runtime_checkable
class Reported(Protocol):
    """What a paper reports of a row."""

    @property
    def place(self) -> str:
        """Where, such as "Table 2"."""

    def figures(self) -> Sequence[Figure]:
        """The figures, in the paper's order."""


def until_solved(record: Record) -> float | None:
    """Training streams or sequences until the task was solved; None where it was not."""
    return units_taken(record) if is_solved(record) else None


def mean_if_any(
    what: str,
    value: float | None,
    of: Callable[[Record], float | None],
    *,
    factor: float = 2.0,
    better: Better = -1,
) -> tuple[Mean, ...]:
    """A mean, or nothing where the paper has none."""
    return () if value is None else (Mean(what, value, of, factor, better),)
