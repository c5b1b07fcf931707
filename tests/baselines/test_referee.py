"""The referee for credit: five credits on one LSTM, and the table that compares them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import lethe
from lethe import Adam
from lethe.core.topology import Topology
from lethe.experiments import Task, run_task
from lethe.experiments.analyses.cost import CostedTrial
from lethe.experiments.tables import credit
from lethe.tasks import Adding, ReberStream, Steps
from lethe.trials.learner import Learner as AnyLearner
from lethe.trials.learner import NetworkRecipe

jax = pytest.importorskip("jax", reason='JAX is not installed: pip install "lethe-ml[baselines]"')
pytest.importorskip("optax", reason='optax is not installed: pip install "lethe-ml[baselines]"')

from lethe.baselines.credits.rtrl import Rtrl  # noqa: E402
from lethe.baselines.engine import Learner  # noqa: E402
from lethe.baselines.rule import Descent  # noqa: E402
from lethe.baselines.systems.lstm import Lstm  # noqa: E402
from lethe.baselines.systems.referee import make, numbers_kept  # noqa: E402

Array = np.ndarray[Any, Any]

TOPOLOGIES: tuple[Mapping[str, Any], ...] = (
    {"blocks": 4, "cells_per_block": 2},
    {"blocks": 2, "cells_per_block": 3, "gates_are_sources": True, "shortcuts": False},
    {"blocks": 2, "input_gate": False},
    {"blocks": 2, "cells_per_block": 2, "output_gate": False, "cell_output": "tanh"},
    {"blocks": 2, "forget_gate": False, "state_decay": 0.9},
)
_STREAM = ReberStream(np.random.SeedSequence(1))
_REBER = _STREAM.look(200)


def learner(rule: str = "sgd", **options: Any) -> Learner:
    """For the embedded Reber grammar, at rates that change much in a few steps."""
    rate = {"sgd": 0.1, "adam": 0.01}[rule]
    cell, how = make(7, 7, "logistic_cross_entropy", optimizer=rule, rate=rate, **options)  # type: ignore[arg-type]
    return Learner(cell, how, seed=3, dtype="float64")


def answers(net: AnyLearner, steps: Steps = _REBER, ends: bool = False) -> Array:
    """What it answers while it learns."""
    table = _STREAM.target_table if steps is _REBER else None
    starts = steps.starts if ends else None
    run = net.run(
        steps.inputs,
        steps.targets,
        target_table=table,
        has_target=steps.has_target,
        starts=starts,
        reset_at_starts=ends,
    )
    return run["output"]


@pytest.mark.parametrize("parts", TOPOLOGIES, ids=str)
def test_truncated_is_the_network(parts: Mapping[str, Any]) -> None:
    rule = "adam" if "gates_are_sources" in parts else "sgd"
    ours = learner(rule, topology=parts)
    update = lethe.SGD(0.1) if rule == "sgd" else lethe.Adam(0.01)
    whole = Topology(inputs=7, outputs=7, output_units="logistic_cross_entropy", **parts)
    net = lethe.Network(whole, update=update, seed=3, dtype="float64")
    np.testing.assert_allclose(answers(ours), answers(net), rtol=0, atol=1e-12)
    gates = [gate for gate in whole.gates if gate != "output_gate"]
    kept = [net.partials(gate).size for gate in gates] + [net.partials("cell").size]
    assert numbers_kept(ours) == 2 * sum(kept)  # before and after the step


def test_truncated_is_exact_learning_of_the_truncated_cell() -> None:
    ours = learner()
    assert isinstance(ours.cell, Lstm)
    dense = Learner(ours.cell, Descent(Rtrl(), 0.1), seed=3, dtype="float64")
    np.testing.assert_allclose(answers(ours), answers(dense), rtol=0, atol=1e-13)


def test_exact_learning_is_another() -> None:
    difference = np.abs(answers(learner(credit="rtrl")) - answers(learner()))
    assert difference[0].max() == 0
    assert difference.max() > 1e-6


def adding(**options: Any) -> Learner:
    parts = {"blocks": 2, "cells_per_block": 2, "forget_gate_bias": 3.0}
    cell, rule = make(2, 1, "linear", topology=parts, rate=0.1, **options)
    return Learner(cell, rule, seed=5, dtype="float64")


def test_where_a_target_ends_each_sequence_exact_credits_are_one() -> None:
    steps = Adding(20).sequences(np.random.default_rng(0), 30)
    exact = answers(adding(credit="rtrl"), steps, ends=True)
    for options in ({"credit": "bptt", "h": 32}, {"credit": "window", "h": 32}):
        np.testing.assert_allclose(answers(adding(**options), steps, True), exact, atol=1e-12)
    truncated = answers(adding(), steps, ends=True)
    assert np.abs(truncated - exact).max() > 1e-6


def test_a_window_sees_its_steps_alone() -> None:
    """On two steps of a new stream a window of two is exact, and a window of one is not."""
    steps = _REBER.piece(0, 2)._replace(has_target=np.array([False, True]))
    changed = {}
    credits: dict[str, dict[str, Any]] = {
        "exact": {"credit": "rtrl"},
        "one_step": {"credit": "window", "h": 2},
        "immediate": {"credit": "window", "h": 1},
    }
    for name, options in credits.items():
        net = learner(**options)
        net.run(
            steps.inputs,
            steps.targets,
            target_table=_STREAM.target_table,
            has_target=steps.has_target,
        )
        changed[name] = np.asarray(net.weights["state"]["cell"])
    np.testing.assert_allclose(changed["one_step"], changed["exact"], rtol=0, atol=1e-14)
    assert np.abs(changed["immediate"] - changed["exact"]).max() > 1e-9


def test_numbers_kept() -> None:
    """As docs/credit.md says: 8 cells, 7 inputs, 312 weights of gates and cells."""
    state, weights = 2 * 8, 12 * (7 + 8 + 1) + 8 * (7 + 8)
    eight: dict[str, Any] = {"topology": {"cells_per_block": 2}}
    assert numbers_kept(learner(credit="rtrl", **eight)) == state * weights
    assert numbers_kept(learner(credit="window", h=50, **eight)) == 50 * (state + 7) + 1
    assert numbers_kept(learner(credit="bptt", h=128, **eight)) == 128 * (state + 7 + 7) + 2


def test_unknown_credit() -> None:
    with pytest.raises(ValueError, match="credit must be one of truncated, fading, rtrl, bptt, window"):
        make(7, 7, credit="blame")  # type: ignore[arg-type]


SMALL: dict[str, dict[str, Any]] = {
    "cerg": {"training_streams": 3, "test_streams": 1},
    "nto": {"sequences": 100, "test_sequences": 8},
    "adding": {"sequences": 100, "test_sequences": 8},
}


@pytest.mark.parametrize("row", ["cerg_network", "adding_network", "nto_bptt", "text_immediate"])
def test_a_row_runs(row: str) -> None:
    whole: Any = credit.ROWS[row].trial.trial
    if row.startswith("text"):
        parts = dict(whole.learner.options) | {"topology": {"blocks": 2}}
        recipe = replace(whole.learner, inputs=9, outputs=9, options=tuple(parts.items()))
        small: Any = replace(whole, learner=recipe, text=b"to forget, or not to forget " * 9)
    else:
        small = replace(whole, **SMALL[row.split("_")[0]])
    record = run_task(Task("credit", row, 1000, CostedTrial(small)))
    json.dumps(record, allow_nan=False)
    kinds: dict[str, Any] = credit.RESULT
    assert all(isinstance(record[name], kind) for name, kind in kinds.items())
    assert record["microseconds"] > 0
    assert record["score"] is not None
    table = credit.compare([record], [row])
    assert all(len(line) <= 100 for line in table.splitlines())
    assert credit.ROWS[row].title in table


def test_all_rows_differ_only_in_credit_and_rate() -> None:
    for key in ("cerg", "nto", "adding", "text"):
        rows = {name: row for name, row in credit.ROWS.items() if name.startswith(f"{key}_")}
        trials: list[Any] = [row.trial.trial for row in rows.values()]
        learners = [trial.learner for trial in trials]
        recipes = [made for made in learners if not isinstance(made, NetworkRecipe)]
        whole = [made.topology for made in learners if isinstance(made, NetworkRecipe)]
        assert len(set(whole)) == 1
        made = {make(r.inputs, r.outputs, r.output_units, **dict(r.options))[0] for r in recipes}
        assert {cell.topology for cell in made} == set(whole)
        assert (
            len({replace(trial, learner=NetworkRecipe(whole[0], Adam(1.0))) for trial in trials})
            == 1
        )


def test_the_table_needs_no_jax() -> None:
    code = (
        "import sys\nfrom lethe.experiments.tables import credit\n"
        "tasks = credit.FULL.tasks('credit', credit.ROWS)\n"
        "print(len(tasks) > 0, credit.compare([], credit.FULL.rows) != '', 'jax' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["True", "True", "False"]
