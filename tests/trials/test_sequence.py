"""The protocol of 1997, against the same protocol written plainly, one step at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytest

from lethe.core._surgery import grown, with_blocks
from lethe.core.network import Network
from lethe.core.topology import Topology
from lethe.core.updates import SGD
from lethe.experiments.tables import erg, long_lags, nto
from lethe.tasks import (
    Adding,
    EmbeddedReber,
    LastTarget,
    LongLag,
    Steps,
    TemporalOrder,
    TwoSequence,
)
from lethe.trials.growth import Construction, Growth
from lethe.trials.learner import NetworkRecipe, network_of
from lethe.trials.sequence import Recent, SequenceResult, SequenceTrial
from lethe.trials.sequence import Tested as OnTests

ADDING = SequenceTrial(
    learner=NetworkRecipe(Topology(inputs=2, outputs=1, blocks=2, shortcuts=False), SGD(0.5)),
    task=Adding(20),
    criterion=Recent(60, 0.45),
    sequences=400,
    check_every=20,
    test_sequences=50,
)
TWO = SequenceTrial(
    learner=NetworkRecipe(
        Topology(inputs=1, outputs=1, blocks=3, biased=("input_gate", "output_gate", "cell"),
                 forget_gate=False),
        SGD(1.0),
    ),
    task=TwoSequence(10, 3, "c"),
    test_task=TwoSequence(10, 3, "c", target_noise=False),
    criterion=OnTests(40, 0.25, wrong=1, mean_error=0.2),
    sequences=3000,
    check_every=50,
    test_sequences=40,
)  # fmt: skip
REBER = SequenceTrial(
    learner=NetworkRecipe(Topology(inputs=7, outputs=7, blocks=3, cells_per_block=2), SGD(0.5)),
    task=EmbeddedReber("next"),
    test_task=EmbeddedReber("possible"),
    criterion=OnTests(30, 0.0, wrong=12, fixed=True),
    scored="ranks",
    training_set=30,
    sequences=1500,
    check_every=50,
    test_sequences=30,
)
LAST = SequenceTrial(
    learner=NetworkRecipe(Topology(inputs=6, outputs=6, blocks=1), SGD(0.3)),
    task=LongLag(5, "random"),
    criterion=OnTests(20, 0.4),
    scored="last",
    sequences=4000,
    check_every=100,
    test_sequences=30,
)
GROWING = SequenceTrial(
    learner=NetworkRecipe(
        Topology(inputs=6, outputs=6, blocks=2, forget_gate=False, cell_input="centred_logistic_1"),
        SGD(1.0),
    ),
    task=LastTarget(LongLag(5)),
    growth=Growth(decrease=0.1, task=LongLag(5)),
    criterion=OnTests(20, 0.4),
    sequences=4000,
    check_every=20,
    test_sequences=30,
)


def errors(net: Network, trial: SequenceTrial, steps: Steps, table: Any, *, learn: bool) -> Any:
    """The greatest (or the margin of ranks) and the mean error of each sequence."""
    found: list[tuple[list[float], list[float]]] = []
    ends = np.append(steps.starts[1:], True)
    for t, start in enumerate(steps.starts):
        if start:
            net.reset()
            found.append(([], []))
        x = steps.inputs[t]
        y = net.step(int(x) if steps.inputs.ndim == 1 else x, learn=learn)
        if steps.has_target is not None and not steps.has_target[t]:
            continue
        target = steps.targets[t]
        if steps.targets.ndim == 1:
            target = (np.eye(trial.learner.outputs) if table is None else table)[target]
        if learn:
            net.learn(target)
        if trial.scored == "last" and not ends[t]:
            continue
        worst = float(np.abs(target - y).max())
        if trial.scored == "ranks":
            worst = max(y[target == 0]) - min(y[target == 1])
        elif trial.scored in ("most_active", "certain"):
            worst = max(y[target == 0]) - max(y[target == 1])
            if trial.scored == "certain" and sum(target) > 1:
                worst = -np.inf
        found[-1][0].append(worst)
        found[-1][1].append(float(np.abs(target - y).mean()))
    net.reset()
    return [max(worst) for worst, _ in found], [float(np.mean(mean)) for _, mean in found]


def pieces(n: int) -> list[int]:
    """The sizes in which tests are drawn."""
    sizes, size = [], 8
    while n:
        sizes.append(min(size, n))
        n -= sizes[-1]
        size = min(4 * size, 128)
    return sizes


def plainly(trial: SequenceTrial, seed: int) -> SequenceResult:
    draws = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4)]
    weights, training, tests, final = draws
    growth, topology = trial.growth, trial.network.topology
    blocks = topology.blocks if growth is None else growth.blocks
    first = NetworkRecipe(with_blocks(topology, blocks), trial.network.update)
    net, before = first.learner(weights, trial.dtype), np.inf
    criterion, test_task = trial.criterion, trial.test_task or trial.task
    kept: list[Steps] = []
    if trial.training_set:
        whole = trial.task.sequences(training, trial.training_set)
        bounds = [*np.flatnonzero(whole.starts).tolist(), len(whole.starts)]
        kept = [whole.piece(a, b) for a, b in pairwise(bounds)]
    fixed: list[Steps] | None = None
    if isinstance(criterion, OnTests) and criterion.fixed:
        fixed = [test_task.sequences(tests, size) for size in pieces(criterion.sequences)]
    recent: tuple[list[float], list[float]] = ([], [])

    def passes(sets: Any) -> bool:
        wrong, means = 0, []
        for piece in sets:
            worst, mean = errors(net, trial, piece, test_task.target_table, learn=False)
            wrong += sum(not value < criterion.bound for value in worst)
            means += mean
            if wrong > criterion.wrong:
                return False
        return float(np.mean(means)) < criterion.mean_error

    done = steps = 0
    solved = False
    while done < trial.sequences and not solved:
        task, grows = trial.task, blocks < topology.blocks
        if grows and growth is not None:
            task = growth.task or task
        means = []
        if kept:
            drawn = training.integers(len(kept), size=trial.check_every)
            chosen = [kept[index] for index in drawn]
        else:
            chosen = [task.sequences(training, trial.check_every)]
        for piece in chosen:
            worst, mean = errors(net, trial, piece, task.target_table, learn=True)
            steps += len(piece.starts)
            means.extend(mean)
            if not grows:
                recent[0].extend(worst)
                recent[1].extend(mean)
        done += trial.check_every
        if grows and growth is not None:
            stalled = np.mean(means) >= (1 - growth.decrease) * before
            before = np.inf if stalled else float(np.mean(means))
            if stalled:
                blocks += 1
                net = grown(net, with_blocks(topology, blocks), weights)
            continue
        if isinstance(criterion, Recent):
            last = [values[-criterion.sequences :] for values in recent]
            solved = (
                len(last[0]) == criterion.sequences
                and sum(not value < criterion.bound for value in last[0]) <= criterion.wrong
                and float(np.mean(last[1])) < criterion.mean_error
            )
        else:
            new = fixed or (
                test_task.sequences(tests, size) for size in pieces(criterion.sequences)
            )
            solved = passes(new) and (not kept or passes(kept))
    worst, mean = [], []
    for size in pieces(trial.test_sequences):
        piece = test_task.sequences(final, size)
        some, means = errors(net, trial, piece, test_task.target_table, learn=False)
        worst += some
        mean += means
    wrong = float(np.mean([not value < criterion.bound for value in worst]))
    return SequenceResult(solved, done, steps, wrong, float(np.mean(mean)), 0)


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param(ADDING, id="recent"),
        pytest.param(replace(ADDING, criterion=Recent(60, 0.3, wrong=40, mean_error=0.21)),
                     id="recent, mean"),
        pytest.param(TWO, id="tested"),
        pytest.param(REBER, id="ranks, training set"),
        pytest.param(replace(REBER, scored="most_active", sequences=500), id="most active"),
        pytest.param(replace(REBER, scored="certain", sequences=500), id="certain"),
        pytest.param(LAST, id="last"),
        pytest.param(GROWING, id="growing"),
        pytest.param(replace(GROWING, task=LongLag(5), growth=Growth(blocks=1),
                             criterion=Recent(40, 0.45)), id="one block more"),
    ],
)  # fmt: skip
def test_the_same_as_plainly(trial: SequenceTrial) -> None:
    for seed in (1, 2):
        found, expected = trial.run(seed), plainly(trial, seed)
        assert found.test_mean_error == pytest.approx(expected.test_mean_error, rel=1e-9)
        assert replace(found, test_mean_error=0.0) == replace(expected, test_mean_error=0.0)


def test_the_plain_trials_are_solved_and_not() -> None:
    """Else the test above would compare little."""
    results = [trial.run(seed) for trial in (ADDING, TWO, REBER, LAST, GROWING) for seed in (1, 2)]
    assert {result.solved for result in results} == {True, False}
    assert any(r.solved and r.training_sequences > 100 for r in results)


@dataclass(frozen=True)
class Exploding:
    """Inputs that no network's numbers survive."""

    inputs: ClassVar[int] = 1
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        size = 1e3 ** generator.integers(0, 12, (5 * n, 1)).astype(float)
        starts = np.arange(5 * n) % 5 == 0
        return Steps(size, size, starts)


def test_numbers_out_of_bounds_are_counted() -> None:
    topology = Topology(
        inputs=1, outputs=1, blocks=1, output_units="linear", cell_input="identity",
        cell_output="identity",
    )  # fmt: skip
    trial = SequenceTrial(
        learner=NetworkRecipe(topology, SGD(1e20)), task=Exploding(), criterion=Recent(10, 0.1),
        sequences=100, check_every=10, test_sequences=50, dtype="float32",
    )  # fmt: skip
    result = trial.run(1)
    assert not result.solved
    assert 0 < result.diverged <= 10


def test_the_configuration_is_plain_json_and_tells_rows_apart() -> None:
    for table in (erg, long_lags, nto):
        texts = {
            json.dumps(row.trial.configuration(), allow_nan=True) for row in table.ROWS.values()
        }
        assert len(texts) == len(table.ROWS)


def test_the_networks_of_1997_have_the_weights_of_the_notes() -> None:
    weights = {name: row.trial.network.topology.weights for name, row in long_lags.ROWS.items()}
    expected = {
        "2a": 10_504, "2b_unbiased": 10_504, "2b": 10_606,
        "2c_50": 6 * 54 + 40, "2c_100": 6 * 104 + 40,
        "2c_1000": 6 * 1004 + 40, "3a_st1": 102, "3a_st2": 102, "3b_st1": 102, "3b_st2": 102,
        "3c": 102, "4_100": 93, "4_1000_linear": 93, "5_140": 93, "6a": 156, "6b": 308,
    }  # fmt: skip
    for name, count in expected.items():
        assert weights[f"{name}_standard"] == count
        assert weights[f"{name}_forget_gates"] > count


def _change(**parts: object) -> Callable[[], SequenceTrial]:
    return lambda: replace(ADDING, **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_change(sequences=0), "sequences must be"),
        (_change(check_every=2.5), "check_every must be"),
        (_change(training_set=-1), "training_set must be"),
        (_change(scored="some"), "scored must be"),
        (_change(growth=Growth(2)), "growth must begin with fewer blocks than the network's 2"),
        (_change(growth=Growth(1), training_set=5), "training_set must be 0 with growth"),
        (_change(growth=Growth(1, task=LongLag(7))), "growth must have a task of"),
        (lambda: Growth(-1), "blocks must be a whole number"),
        (lambda: Growth(decrease=1), "decrease must be a finite number below 1"),
        (_change(task=TemporalOrder(2)), "learner must have the 8 inputs and 4 outputs"),
    ],
)
def test_impossible_trials_are_refused(change: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        change()


def test_passes_present_each_sequence_of_the_training_set_once() -> None:
    trial = replace(ADDING, training_set=20, passes=True)
    seen = []

    class Watched(Network):
        def run(self, inputs: Any, *others: Any, **options: Any) -> Any:
            if options["learn"]:
                seen.append(np.sort(inputs[:, 0]))
            return super().run(inputs, *others, **options)

    net = Watched(trial.network.topology, update=SGD(0.5))
    draw = np.random.default_rng(1)
    drawn = ADDING.task.sequences(draw, 20)
    bounds = np.append(np.flatnonzero(drawn.starts), len(drawn.starts))
    training_set = [drawn.piece(a, b) for a, b in pairwise(bounds.tolist())]
    pieces = [trial._training_piece(trial.task, training_set, draw) for _ in range(2)]
    for piece in pieces:
        trial._present(net, piece, trial.task, learn=True)
        np.testing.assert_array_equal(seen[-1], np.sort(drawn.inputs[:, 0]))
    assert not np.array_equal(pieces[0].inputs, pieces[1].inputs)
    assert trial.configuration()["passes"] is True
    assert "passes" not in ADDING.configuration()
    with pytest.raises(ValueError, match="check_every must be the training set of 30 sequences"):
        replace(ADDING, training_set=30, passes=True)


def test_what_a_trial_does_not_grow_is_not_in_its_configuration() -> None:
    assert "growth" not in LAST.configuration()
    assert GROWING.configuration()["growth"] == repr(GROWING.growth)


def test_a_network_gets_a_block_whenever_its_error_stalls() -> None:
    built = Construction(GROWING.learner, GROWING.growth, np.random.default_rng(1), "float64")
    blocks = []
    for error in (0.5, 0.4, 0.39, 0.6, 0.5, 0.5, 0.9):
        built.look(error)
        blocks.append(network_of(built.learner).topology.blocks)
    assert blocks == [0, 0, 1, 1, 1, 2, 2]
    assert built.complete
    whole = Construction(GROWING.learner, None, np.random.default_rng(1), "float64")
    assert whole.complete
    whole.look(0.5)
    assert network_of(whole.learner).topology == GROWING.network.topology
