"""The readings of the papers that were tried: rows that are judged by another row's figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lethe.experiments import TABLES, table_module
from lethe.experiments.readings import find_readings, whole_readings
from lethe.experiments.reported import Reported
from lethe.experiments.results import append
from lethe.experiments.tables import cerg
from lethe.experiments.verdict import READINGS, judge
from lethe.experiments.verdict_page import readings_lines, whole_lines

MADE = {"seconds": 1.0, "version": "0", "dtype": "float64", "instruction_set": "avx2"}
OWN, OWN_GATES = "_undecayed_partials", "_eq19_decays"
OTHER = "partials as derived"


def write(folder: Path, row: str, perfect: int, of: int) -> None:
    """Trials of Table 2: some are perfect, the others bad."""
    for seed in range(of):
        found: Any = {
            "experiment": "cerg", "row": row, "seed": seed, **MADE,
            "configuration": cerg.ROWS[row].trial.configuration(), "diverged": 0,
            "perfect": seed < perfect, "training_streams": 14_000,
            "best_mean_stream": 100_000.0 if seed < perfect else 60.0, "final_mean_stream": 1.0,
        }  # fmt: skip
        append(folder / "cerg.jsonl", found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "state_decay", 10, 20)
    write(tmp_path, f"state_decay{OWN}", 0, 20)
    write(tmp_path, "forget_gates", 15, 20)
    write(tmp_path, f"forget_gates{OWN_GATES}", 4, 20)
    write(tmp_path, "forget_gates_printed_eq21", 20, 20)
    return tmp_path


def test_a_reading_is_judged_by_the_figures_of_its_row(folder: Path) -> None:
    found = {row.row: row for row in find_readings(folder)}
    assert set(found) == {f"state_decay{OWN}", f"forget_gates{OWN_GATES}"}
    state_decay = found[f"state_decay{OWN}"]
    assert state_decay.place == "Table 2"
    assert [(one.row, one.networks) for one in state_decay.readings] == [
        (f"state_decay{OWN}", 20), ("state_decay", 20)
    ]  # fmt: skip
    own, other = state_decay.readings
    assert [one.what for one in own.figures] == [one.what for one in other.figures]
    assert (own.fits, other.fits) == (4, 2)
    assert other.figures[0].row == "state_decay"
    assert [one.row for one in found[f"forget_gates{OWN_GATES}"].readings] == [
        f"forget_gates{OWN_GATES}", "forget_gates", "forget_gates_printed_eq21"
    ]  # fmt: skip


def test_the_verdict_counts_the_table_s_own_reading_alone(folder: Path) -> None:
    rows = {one.row for one in judge(folder) if one.table == "cerg"}
    assert rows == {row for row, one in cerg.ROWS.items() if one.report is not None}
    named = f"forget_gates{OWN_GATES}", "good"  # 0 to 16 % of ours, 29 % of the report's
    below = next(one for one in judge(folder) if (one.row, one.what) == named)
    assert below.readings == READINGS


def test_a_reading_of_a_whole_table_takes_its_rows_where_it_has_them(folder: Path) -> None:
    own, other = whole_readings(judge(folder), find_readings(folder))
    assert (own.place, own.name, own.rows) == ("Table 2", "", 0)
    assert (other.place, other.name, other.rows) == ("Table 2", OTHER, 2)
    assert own.percentages == other.percentages == 15
    assert own.figures == other.figures == 26
    # Of state decay the three percentages, of forget gates the solved; not run: the other rows.
    assert own.percentages_fit == 4
    assert other.percentages_fit == 1  # no good ones with state decay
    (line,) = (one for one in whole_lines([other]) if OTHER in one)
    assert line == "| Table 2: partials as derived | 2 | 1 of 15 | 3 of 26 |"


def test_a_page_has_a_table_for_each_row(folder: Path) -> None:
    lines = list(readings_lines(find_readings(folder)))
    assert "### Table 2: LSTM with state decay (0.9)" in lines
    assert "| as reported |  |  | 0 % | 0 % | 100 % | 56.0 |" in lines
    assert (
        "| **LSTM with state decay (0.9) (`state_decay_undecayed_partials`)** | 20 | 4 of 4 | "
        "0 % [0 to 16] ✓ | 0 % [0 to 16] ✓ | 100 % [84 to 100] ✓ | 60.0 [60.0 to 60.0] ✓ |" in lines
    )


def test_readings_are_of_rows_with_figures() -> None:
    readings = 0
    for name in TABLES:
        rows = table_module(name).ROWS
        for row in rows.values():
            if row.reading_of:
                readings += 1
                assert isinstance(rows[row.reading_of].report, Reported)
                assert rows[row.reading_of].reading_of == ""
    assert readings >= 20


def test_where_readings_are_told_there_is_something() -> None:
    root = Path(__file__).parents[2]
    for name in TABLES:
        for row in table_module(name).ROWS.values():
            if row.readings:
                assert (root / row.readings.partition("#")[0]).is_file()
