"""Every table of `lethe reproduce`: its rows, its plans and its comparison."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from lethe.experiments import TABLES, Plan, Row, run_task, table_module
from lethe.experiments.tables.cerg import ROWS as CERG

MODULES = {name: table_module(name) for name in TABLES}


@pytest.mark.parametrize("name", TABLES)
def test_plans_are_of_rows_that_there_are(name: str) -> None:
    module = MODULES[name]
    for plan in (module.SHORT, module.FULL):
        assert set(plan.rows) <= set(module.ROWS)
        assert {*plan.fewer, *plan.fillers} <= set(plan.rows)
    keys = [json.dumps(task.key()) for task in module.FULL.tasks(name, module.ROWS)]
    assert len(set(keys)) == len(keys)
    configurations = {json.dumps(row.trial.configuration()) for row in module.ROWS.values()}
    assert len(configurations) == len(module.ROWS)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_without_records_shows_every_row(name: str) -> None:
    module = MODULES[name]
    text = module.compare([], module.FULL.rows)
    for row in module.FULL.rows:
        assert module.ROWS[row].title.strip() in text
    assert max(map(len, text.splitlines())) <= 100


def made_up(name: str, row: str, seed: int) -> dict[str, Any]:
    """A record with every key that some table reads."""
    trial = MODULES[name].ROWS[row].trial
    return {
        "experiment": name, "row": row, "seed": seed, "configuration": trial.configuration(),
        "perfect": seed % 2 == 0, "solved": seed % 2 == 0, "training_streams": 12_345 + seed,
        "training_sequences": 2_345_678 + seed, "best_mean_stream": 98_765.4 * (seed % 4 == 1),
        "final_mean_stream": 3.2, "test_wrong": 0.0123, "test_mean_error": 0.01,
        "strings": [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], "state": [1234.5] * 10,
        "slope": [0.25] * 10, "squashed": [0.5] * 10, "saturated": [0.1] * 10,
        "gate_share": [0.9] * 10, "learned": True, "resets": 4321, "gate_at_resets": 0.031,
        "kept_at_resets": 0.031, "largest_difference": 7e-16, "training_steps": 10**6,
        "diverged": 0, "score": 12.5, "late_score": 3.25, "microseconds": 1.5, "numbers_kept": 999,
        "mean_squared_error": 0.0625, "dtype": "float64",
        "instruction_set": "avx2", "version": "0", "seconds": 1.5,
    }  # fmt: skip


@pytest.mark.parametrize("name", [name for name in TABLES if name != "sections"])
def test_a_table_says_what_its_records_say(name: str) -> None:
    module = MODULES[name]
    row = module.FULL.rows[0]
    records = [made_up(name, row, seed) for seed in range(10)]
    assert all(isinstance(records[0][key], kind) for key, kind in module.RESULT.items())
    text = module.compare(records, [row])
    assert max(map(len, text.splitlines())) <= 100
    assert "50 " in text  # five of ten
    assert "[24, 76]" in text
    half = [record for record in records if record["seed"] % 2]
    assert "[24, 76]" not in module.compare(half, [row])


def test_the_sections_say_what_their_records_say() -> None:
    module = MODULES["sections"]
    records = [made_up("sections", row, seed) for row in module.FULL.rows for seed in range(4)]
    for record in records:
        if record["row"] == "lesions":
            record |= {
                "broken": 3, "direct_broken": 1, "long_lag": [0.5, 0.4, 0.3, 0.0],
                "direct_long_lag": [0.47, 0.0, 0.0, 0.0],
            }  # fmt: skip
    text = module.compare(records, module.FULL.rows)
    assert max(map(len, text.splitlines())) <= 100
    for expected in (
        "1,234.5",
        "7.0e-16",
        "17,284",
        "50 % [15, 85]",
        "<49383>",
        "1: 2; the worst block costs 47 %",
    ):
        assert expected in text
    del records[0]["training_streams"]
    with pytest.raises(ValueError, match="lacks 'training_streams'"):
        module.compare(records, module.FULL.rows)


def test_a_plan_takes_turns_and_ends_with_fillers() -> None:
    rows = {name: Row(name, CERG["standard"].trial) for name in ("a", "b", "c")}
    plan = Plan(("a", "b", "c"), 3, fewer={"b": 1}, fillers=("a",), first_seed=5)
    order = [(task.row, task.seed) for task in plan.tasks("x", rows)]
    assert order == [("b", 5), ("c", 5), ("c", 6), ("c", 7), ("a", 5), ("a", 6), ("a", 7)]
    assert [task.seed for task in plan.tasks("x", rows, seed=0)][:2] == [0, 0]


def test_limits_take_the_place_of_the_rows_own_where_they_have_greater_ones() -> None:
    limits = {"training_streams": 3, "stream_length": 20, "test_streams": 99, "sequences": 7}
    plan = Plan(("standard",), 1, limits=limits)
    (task,) = plan.tasks("cerg", CERG)
    assert task.trial == replace(CERG["standard"].trial, training_streams=3, stream_length=20)
    record = run_task(task)
    assert (record["training_streams"], record["configuration"]["stream_length"]) == (3, 20)
    assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize("name", ["erg", "nto", "long-lags"])
def test_no_title_moves_the_columns(name: str) -> None:
    table = table_module(name)
    solved = {"solved": True, "training_sequences": 5_000_000, "test_wrong": 1.0}
    records: Any = [{"row": row, **solved} for row in table.ROWS]
    lines = table.compare(records, tuple(table.ROWS)).splitlines()
    assert max(map(len, lines)) <= 100
    assert {line.rindex("100.00 %") for line in lines if line.endswith("100.00 %")} == {92}
