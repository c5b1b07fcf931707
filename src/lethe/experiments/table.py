"""What a table is made of: its rows, how much of them to run, and the trials that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

__all__ = ["Plan", "Row", "RowTrial", "Task"]


class RowTrial(Protocol):
    """What a row tries with each seed: a frozen dataclass, such as `lethe.trials.Trial`."""

    @property
    def dtype(self) -> str:
        """Of the networks."""

    def configuration(self) -> dict[str, Any]:
        """All that a reader needs to run this again, as plain JSON values."""

    def run(self, seed: int) -> Any:
        """Run it; the result is a dataclass of plain JSON values."""


_Tried = TypeVar("_Tried", bound=RowTrial, covariant=True)


@dataclass(frozen=True)
class Row(Generic[_Tried]):
    """A row of a table: what is tried, and what the paper found (None for what is ours alone).

    The paper's figures are in the form that the table's ``compare`` reads.
    """

    title: str
    trial: _Tried
    report: Any = None


class Task(NamedTuple):
    """One trial of a table."""

    experiment: str
    row: str
    seed: int
    trial: RowTrial

    def key(self) -> dict[str, Any]:
        """The part of the record that says which trial it is."""
        return {
            "experiment": self.experiment,
            "row": self.row,
            "seed": self.seed,
            "configuration": self.trial.configuration(),
        }


@dataclass(frozen=True)
class Plan:
    """How much of a table to run.

    Attributes
    ----------
    rows : tuple of str
        Their trials run in turn: the first seed of every row, then the second.
    trials : int
        Trials of each row.
    fewer : dict of str to int
        Rows with another number of trials, because each takes long.
    limits : dict of str to int
        Limits to put in place of those of the rows' trials, where they have greater ones.
    first_seed : int
        The seed of the first trial of each row.
    fillers : tuple of str
        Rows whose trials are short. They run last, so that a trial that takes long does not run
        alone at the end.
    """

    rows: tuple[str, ...]
    trials: int
    fewer: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    limits: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    first_seed: int = 0
    fillers: tuple[str, ...] = ()

    def tasks(
        self, experiment: str, rows: Mapping[str, Row[RowTrial]], seed: int | None = None
    ) -> list[Task]:
        """All trials, from this seed or the plan's on, in the order in which they start."""
        first = self.first_seed if seed is None else seed
        groups = (
            [name for name in self.rows if name not in self.fillers],
            [name for name in self.rows if name in self.fillers],
        )
        return [
            Task(experiment, name, first + number, self._limited(rows[name].trial))
            for group in groups
            for number in range(self.trials)
            for name in group
            if number < self.fewer.get(name, self.trials)
        ]

    def _limited(self, trial: Any) -> RowTrial:
        own = {field.name: getattr(trial, field.name) for field in fields(trial)}
        limits = {k: min(v, own[k]) for k, v in self.limits.items() if k in own}
        limited: RowTrial = replace(trial, **limits)
        return limited
