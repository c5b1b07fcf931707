"""The table of temporal credit: rows that differ in one thing, and what it says of records."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from lethe.core.updates import SGD
from lethe.experiments import Task, run_task
from lethe.experiments.tables import temporal_credit as table
from lethe.tasks import Sine
from lethe.trials.learner import NetworkRecipe

KINDS = {"": "forget gates", "open": "open gates", "plain": "tanh units"}


def topology(recipe: Any) -> Any:
    """The parts of a row's network besides its sizes."""
    if isinstance(recipe, NetworkRecipe):
        whole = replace(recipe.topology, partial_decay="forget_gate").configuration()
        return {k: v for k, v in whole.items() if k not in ("inputs", "outputs", "output_units")}
    return dict(recipe.options)["topology"]


@pytest.mark.parametrize("task", ["chain_2", "chain_128", "sine_1", "sine_50", "lorenz", "copy"])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_network_differ_only_in_credit_and_update(task: str, kind: str) -> None:
    rows = [name for name in table.ROWS if name.startswith(f"{task}_")]
    others = tuple(f"{task}_{other}" for other in ("open", "plain"))
    if kind:
        rows = [name for name in rows if name.startswith(f"{task}_{kind}")]
    else:
        rows = [name for name in rows if not name.startswith(others)]
    trials: list[Any] = [table.ROWS[name].trial for name in rows]
    assert len(trials) > 3
    parts = [topology(trial.learner) for trial in trials]
    assert all(part == parts[0] for part in parts)
    # A learner of one kind in place of each: all else must be equal.
    assert all(replace(trial, learner=trials[0].learner) == trials[0] for trial in trials)


def test_there_are_ten_trials_of_every_length_and_signal() -> None:
    chains = {name.split("_")[1] for name in table.FULL.rows if name.startswith("chain")}
    assert chains == {"2", "4", "8", "16", "32", "64", "128"}
    assert table.FULL.trials == 10
    assert {"sine_1_exact", "sine_50_immediate", "lorenz_immediate_sgd", "copy_truncated"} <= {
        *table.FULL.rows
    }
    assert not any("_at_" in row for row in table.FULL.rows)
    assert "chain_16_exact_at_0.1" in table.ROWS or "chain_16_exact_at_0.03" in table.ROWS
    update = table.ROWS["sine_1_truncated_sgd"].trial.learner
    assert isinstance(update, NetworkRecipe)
    assert isinstance(update.update, SGD)


def small(row: str) -> Any:
    trial: Any = table.ROWS[row].trial
    if row.startswith("chain"):
        return replace(trial, sequences=100, test_sequences=8)
    return replace(trial, task=replace(trial.task, T=6000))


@pytest.mark.parametrize("row", ["chain_2_truncated", "sine_1_immediate", "copy_decay_0.99"])
def test_a_row_runs_and_is_told(row: str) -> None:
    record = run_task(Task("temporal-credit", row, 1000, small(row)))
    json.dumps(record, allow_nan=False)
    text = table.compare([record], [row])
    assert table.ROWS[row].title in text
    assert max(map(len, text.splitlines())) <= 100
    lacking: Any = {k: v for k, v in record.items() if k not in ("late", "solved")}
    unreadable: Any = {**record, "diverged": "none"}
    with pytest.raises(ValueError, match="cannot be read"):
        table.compare([unreadable], [row])
    with pytest.raises(ValueError, match="lacks"):
        table.compare([lacking], [row])


@pytest.mark.parametrize("row", ["sine_50_exact", "lorenz_plain_exact"])
def test_a_row_of_a_baseline_runs(row: str) -> None:
    pytest.importorskip("jax", reason='JAX is not installed: pip install "lethe-ml[baselines]"')
    pytest.importorskip("optax", reason='optax is not installed: pip install "lethe-ml[baselines]"')
    record = run_task(Task("temporal-credit", row, 1000, small(row)))
    assert record["late"] is not None
    assert table.ROWS[row].title in table.compare([record], [row])


def signal(row: str, **errors: float | None) -> Any:
    none = {"before": None, "after": None, "late": None, "frozen": None}
    return {"row": row, "diverged": int(not errors), **none, **errors}


def test_what_is_recovered_is_a_median_over_what_was_lost() -> None:
    records = [
        signal("sine_1_exact", before=0.1, after=0.9, late=late, frozen=0.6)
        for late in (0.1, 0.35, 0.6)
    ]
    records += [signal("sine_1_exact")]
    lines = table.compare(records, ["sine_1_exact"]).splitlines()
    (line,) = (line for line in lines if line.startswith("  exact RTRL"))
    assert line.split()[-6:] == ["0.1", "0.9", "0.35", "0.6", "0/4", "50%"]
    gone = table.compare([signal("copy_exact")], ["copy_exact"])
    assert "! diverged: 1 of 1" in gone
    assert max(map(len, table.compare(records, ["sine_1_exact"]).splitlines())) <= 100
    assert isinstance(table.ROWS["sine_1_exact"].trial.task, Sine)


def test_the_matrix_counts_what_is_solved() -> None:
    rows = ["chain_2_exact", "chain_64_exact"]
    records: list[Any] = [
        {"row": row, "solved": seed < most, "training_sequences": 100, "test_wrong": 0.5}
        | {"diverged": 0}
        for row, most in zip(rows, (3, 1), strict=True)
        for seed in range(4)
    ]
    text = table.compare(records, rows)
    (line,) = (x for x in text.splitlines() if x.startswith("  exact RTRL") and "/" in x)
    assert line.split() == ["exact", "RTRL", "3/4", "1/4"]


def test_the_table_needs_no_jax() -> None:
    code = (
        "import sys\nfrom lethe.experiments.tables import temporal_credit as t\n"
        "print(t.compare([], t.FULL.rows) != '', 'jax' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["True", "False"]
