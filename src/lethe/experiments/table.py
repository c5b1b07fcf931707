"""What a table of experiments offers: rows, plans of how much to run, and a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from lethe.experiments.records import Fields, Record, TrialKey
from lethe.trials.progress import OnProgress

if TYPE_CHECKING:
    from dataclasses import Field

__all__ = ["Plan", "Result", "Row", "RowTrial", "Table", "Task"]


class Result(Protocol):
    """What a trial finds: a dataclass of plain JSON values."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


class RowTrial(Protocol):
    """What a row runs with each seed: a frozen dataclass, such as `lethe.trials.Trial`."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def dtype(self) -> str:
        """Data type of the networks."""

    def configuration(self) -> dict[str, Any]:
        """Everything a reader needs to run this again, as plain JSON values."""

    def run(self, seed: int, on_progress: OnProgress | None = None) -> Result:
        """Run the trial, and say how far it is where that is asked for."""


_Tried = TypeVar("_Tried", bound=RowTrial, covariant=True)


@dataclass(frozen=True)
class Row(Generic[_Tried]):
    """A row of a table.

    Attributes
    ----------
    title : str
        Its name for readers.
    trial : RowTrial
        What it runs.
    report : object
        The paper's figures, as the table's ``compare`` reads them; None where it has none. Those
        that can be judged are `lethe.experiments.reported.Reported`.
    twin : str
        The row with the same networks with forget gates; empty where there is none.
    experiment : str
        What a row with a twin learns, where its title does not say so.
    reading_of : str
        The row whose figures these trials read in another way; empty where they are no reading.
    reading : str
        What that other way is called, where several rows of a paper's table are read so.
    readings : str
        Where the readings are told that were tried for this row, if its figures do not come out: a
        path in the repository, such as ``docs/errata.md#erg``. Empty: with the verdict, where
        there are rows that are readings of it, or else in the table's own page.
    """

    title: str
    trial: _Tried
    report: object = None
    twin: str = ""
    experiment: str = ""
    reading_of: str = ""
    reading: str = ""
    readings: str = ""


class Task(NamedTuple):
    """One trial of a table."""

    experiment: str
    row: str
    seed: int
    trial: RowTrial

    def key(self) -> TrialKey:
        """The part of the record that identifies the trial."""
        return {
            "experiment": self.experiment,
            "row": self.row,
            "seed": self.seed,
            "configuration": self.trial.configuration(),
        }


@dataclass(frozen=True)
class Plan:
    """How much of a table is run.

    Attributes
    ----------
    rows : tuple of str
        Names of rows. Their trials run in turn: the first seed of every row, then the second.
    trials : int
        Trials of each row.
    fewer : dict of str to int
        Trials of the rows that have fewer, because each takes long.
    limits : dict of str to int
        Limits that replace larger ones of the rows' trials.
    first_seed : int
        Seed of the first trial of each row.
    fillers : tuple of str
        Rows whose trials are short. They run last, so that no long trial runs alone at the end.
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
        """All trials from this seed on (default: the plan's), in the order in which they start."""
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

    def planned(self, row: str) -> int:
        """Number of trials of a row."""
        return self.fewer.get(row, self.trials) if row in self.rows else 0

    def _limited(self, trial: RowTrial) -> RowTrial:
        own = {field.name for field in fields(trial)}
        limits = {k: min(v, int(getattr(trial, k))) for k, v in self.limits.items() if k in own}
        return replace(trial, **limits)


class Table(Protocol):
    """What every module of `lethe.experiments.tables` offers."""

    # Upper case because they are the constants of a module.
    @property
    def TITLE(self) -> str:  # noqa: N802
        """Title of the table."""

    @property
    def ROWS(self) -> Mapping[str, Row[RowTrial]]:  # noqa: N802
        """All rows by name, those included that only ``--row`` runs."""

    @property
    def FULL(self) -> Plan:  # noqa: N802
        """The whole table."""

    @property
    def SHORT(self) -> Plan:  # noqa: N802
        """A part of it that takes about a minute."""

    @property
    def RESULT(self) -> Fields:  # noqa: N802
        """What `compare` reads of every record, by name; empty where that depends on the row."""

    @property
    def compare(self) -> Compare:
        """The table as text: the paper's figures and ours."""


class Compare(Protocol):
    """How a table is written."""

    def __call__(self, records: Sequence[Record], rows: Sequence[str], /) -> str:
        """The table as text.

        Parameters
        ----------
        records : sequence of Record
            Records of this table.
        rows : sequence of str
            Names of the rows to show.

        Returns
        -------
        str
            Lines of at most 100 characters.

        Raises
        ------
        ValueError
            If a record lacks what its row reads.
        """
