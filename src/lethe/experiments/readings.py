"""Readings: rows that read a paper in another way than the table's own, and how well each fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lethe.experiments.runner import TABLES, table_module
from lethe.experiments.table import Table
from lethe.experiments.verdict import Judged, judged_row, own_records

__all__ = ["Reading", "Readings", "WholeReading", "find_readings", "whole_readings"]


@dataclass(frozen=True)
class Reading:
    """A row, judged by the figures that it is a reading of.

    Attributes
    ----------
    row, title, name : str
        The row's name and title, and what the reading is called (`Row.reading`).
    networks : int
        Its trials.
    figures : list of Judged
        Its figures, in the paper's order.
    """

    row: str
    title: str
    name: str
    networks: int
    figures: list[Judged]

    @property
    def fits(self) -> int:
        """How many figures fit."""
        return _fitting(self.figures)


@dataclass(frozen=True)
class Readings:
    """The readings of a row.

    Attributes
    ----------
    table, row, title, place : str
        The row, and where its figures are reported.
    readings : list of Reading
        The table's own, then the others that have trials.
    """

    table: str
    row: str
    title: str
    place: str
    readings: list[Reading]


@dataclass(frozen=True)
class WholeReading:
    """A reading of a whole table: its rows where it has them, and the table's own elsewhere.

    Attributes
    ----------
    place : str
        The table in the paper.
    name : str
        What it is called; empty for the table's own reading.
    rows : int
        How many rows it reads in another way.
    percentages, percentages_fit, figures, figures_fit : int
        How many there are, and how many of them fit.
    """

    place: str
    name: str
    rows: int
    percentages: int
    percentages_fit: int
    figures: int
    figures_fit: int


def whole_readings(judged: Sequence[Judged], readings: Sequence[Readings]) -> list[WholeReading]:
    """The readings that two rows of a paper's table or more have in common.

    Parameters
    ----------
    judged : sequence of Judged
        All figures.
    readings : sequence of Readings
        The readings of each row.

    Returns
    -------
    list of WholeReading
        For each table that has some, its own reading first.
    """
    found = []
    for place in dict.fromkeys(row.place for row in readings):
        own: dict[str, list[Judged]] = {}
        for one in judged:
            if one.place == place:
                own.setdefault(one.row, []).append(one)
        others: dict[str, dict[str, list[Judged]]] = {}
        for row in readings:
            if row.place == place:
                for reading in row.readings[1:]:
                    if reading.name:
                        others.setdefault(reading.name, {})[row.row] = reading.figures
        shared = {name: rows for name, rows in others.items() if len(rows) > 1}
        if shared:
            found += [_whole(place, name, own, rows) for name, rows in {"": {}, **shared}.items()]
    return found


def _whole(
    place: str, name: str, own: dict[str, list[Judged]], rows: dict[str, list[Judged]]
) -> WholeReading:
    figures = [one for row in (own | rows).values() for one in row]
    percentages = [one for one in figures if one.kind == "percent"]
    return WholeReading(
        place,
        name,
        len(rows),
        len(percentages),
        _fitting(percentages),
        len(figures),
        _fitting(figures),
    )


def _fitting(figures: Sequence[Judged]) -> int:
    return sum(one.verdict == "fits" for one in figures)


def find_readings(folder: Path) -> list[Readings]:
    """The readings of each row that has others than the table's own, by the results of a folder.

    Parameters
    ----------
    folder : pathlib.Path
        With the files that ``lethe reproduce`` writes.

    Returns
    -------
    list of Readings
        Table by table. Rows without trials of another reading are left out.

    Raises
    ------
    ValueError
        If a file cannot be read, or a record lacks what its row reads.
    """
    return [found for name in TABLES for found in _of_table(name, table_module(name), folder)]


def _of_table(name: str, table: Table, folder: Path) -> list[Readings]:
    others: dict[str, list[str]] = {}
    for row, one in table.ROWS.items():
        if one.reading_of:
            others.setdefault(one.reading_of, []).append(row)
    if not others:
        return []
    records = own_records(name, table, folder)
    found = []
    for row, readings in others.items():
        run = [reading for reading in readings if records[reading]]
        own = judged_row(name, table, row, records)
        if run and own:
            judged = [
                Reading(
                    key,
                    table.ROWS[key].title.strip(),
                    table.ROWS[key].reading,
                    len(records[key]),
                    judged_row(name, table, key, records),
                )
                for key in (row, *run)
            ]
            found.append(Readings(name, row, judged[0].title, own[0].place, judged))
    return found
