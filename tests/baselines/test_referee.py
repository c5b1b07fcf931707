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
    {"blocks": 2, "cells_per_block": 3, "gates_are_sources": True, "shortcuts": False}
    | {"initial_activation": 0.5},
    {"blocks": 2, "input_gate": False},
    {"blocks": 2, "cells_per_block": 2, "output_gate": False, "cell_output": "tanh"},
    {"blocks": 2, "forget_gate": False, "state_decay": 0.9},
    {"blocks": 2, "cells_per_block": 2, "partial_decay": 0.0},
    {"blocks": 2, "cells_per_block": 2, "partial_decay": 0.9},
    {"blocks": 3, "forget_gate": False, "state_decay": 0.9, "partial_decay": 0.5},
)
_STREAM = ReberStream(np.random.SeedSequence(1))
_REBER = _STREAM.look(200)


def learner(rule: str = "sgd", **options: Any) -> Learner:
    """For the embedded Reber grammar, at rates that change much in a few steps."""
    rate = {"sgd": 0.1, "rmsprop": 0.003, "adam": 0.01}[rule]
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


@pytest.mark.parametrize("smoothing", [0.9, 0.999])
def test_rmsprop_is_the_network_s(smoothing: float) -> None:
    ours = learner("rmsprop", smoothing=smoothing)
    update = lethe.RMSprop(0.003, smoothing=smoothing)
    whole = Topology(inputs=7, outputs=7, output_units="logistic_cross_entropy")
    net = lethe.Network(whole, update=update, seed=3, dtype="float64")
    np.testing.assert_allclose(answers(ours), answers(net), rtol=0, atol=1e-10)


def fading(decay: float) -> Learner:
    """A linear unit on blocks of one cell, without shortcuts."""
    parts = {"blocks": 3, "shortcuts": False, "cell_input": "tanh", "cell_output": "identity"}
    cell, rule = make(2, 1, "linear", topology=parts | {"partial_decay": decay}, rate=0.05)
    return Learner(cell, rule, seed=5, dtype="float64")


def faded_by_hand(weights: Any, x: Array, targets: Array, decay: float, rate: float) -> Array:
    """What such a network answers while it learns, with the recursion of its partials in NumPy."""
    kinds = ("input_gate", "forget_gate", "output_gate")
    w = {kind: np.array(weights["state"][kind]) for kind in kinds}
    w["cell"] = np.array(weights["state"]["cell"])[:, 0]  # the one cell of each block
    out = np.array(weights["output"])
    n = len(w["cell"])
    s, y = np.zeros(n), np.zeros(n)
    partials = {kind: np.zeros_like(w[kind]) for kind in ("input_gate", "forget_gate", "cell")}
    answers = []
    for x_t, target in zip(x, targets, strict=True):
        z = np.concatenate((x_t, y))
        z1 = np.append(z, 1.0)
        i, f, o = (1 / (1 + np.exp(-w[kind] @ z1)) for kind in kinds)
        g, before = np.tanh(w["cell"] @ z), s
        s = f * s + i * g
        y = o * s
        answers.append(out @ np.append(y, 1.0))
        fresh = {
            "input_gate": np.outer(g * i * (1 - i), z1),
            "forget_gate": np.outer(before * f * (1 - f), z1),
            "cell": np.outer(i * (1 - g**2), z),
        }
        partials = {kind: decay * partials[kind] + fresh[kind] for kind in partials}
        delta = target - answers[-1]
        e = out[0, :-1] * delta[0]
        for kind, p in partials.items():
            w[kind] += rate * (e * o)[:, None] * p
        w["output_gate"] += rate * np.outer(e * s * o * (1 - o), z1)
        out += rate * np.outer(delta, np.append(y, 1.0))
    return np.array(answers)


@pytest.mark.parametrize("decay", [0.0, 0.9, 1.0])
def test_fading_partials_are_their_recursion(decay: float) -> None:
    draw = np.random.default_rng(0)
    x, targets = draw.normal(size=(120, 2)), draw.normal(size=(120, 1))
    net = fading(decay)
    by_hand = faded_by_hand(net.weights, x, targets, decay, 0.05)
    np.testing.assert_allclose(net.run(x, targets)["output"], by_hand, rtol=0, atol=1e-12)


def test_fading_partials_are_exact_learning_of_a_cell_that_fades() -> None:
    ours = learner(topology={"cells_per_block": 2, "partial_decay": 0.7})
    dense = Learner(ours.cell, Descent(Rtrl(), 0.1), seed=3, dtype="float64")
    np.testing.assert_allclose(answers(ours), answers(dense), rtol=0, atol=1e-13)


def test_without_a_trace_derivatives_are_immediate() -> None:
    ours, window = learner(topology={"partial_decay": 0.0}), learner(credit="window", h=1)
    np.testing.assert_allclose(answers(ours), answers(window), rtol=0, atol=1e-13)


def test_only_truncated_partials_fade_by_a_constant() -> None:
    with pytest.raises(
        ValueError, match=r'^topology must have a partial_decay of "forget_gate" unless'
    ):
        make(7, 7, credit="rtrl", topology={"partial_decay": 0.5})


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


@pytest.mark.parametrize("part", [{"printed_eq21": True}, {"partial_decay": "eq21"}], ids=str)
def test_partials_that_are_no_gradient_are_refused(part: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^topology must have the partials of eqs\. 18 to 21, or"):
        make(7, 7, topology=part)


def test_unknown_credit() -> None:
    with pytest.raises(ValueError, match="credit must be one of truncated, rtrl, bptt, window"):
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
