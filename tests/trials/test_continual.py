"""The trial protocol, against the same protocol written plainly, one symbol at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lethe.core.network import Network
from lethe.core.topology import Topology
from lethe.core.updates import SGD
from lethe.experiments.tables.cerg import ROWS
from lethe.tasks import TARGETS, Continual, ReberStream, TemporalOrder
from lethe.trials.continual import Trial, TrialResult
from lethe.trials.learner import NetworkRecipe
from lethe.trials.penalty import WeightDecay, WeightElimination

SMALL = replace(
    ROWS["forget_gates_decay"].trial, stream_length=150, training_streams=60, test_streams=3
)


def plainly(trial: Trial, seed: int) -> TrialResult:
    """The protocol with `step` and `learn`, no chunks and no early end of a test."""
    weights, training_seed, test_seed = np.random.SeedSequence(seed).spawn(3)
    net = Network(
        trial.network.topology,
        update=trial.network.update,
        seed=np.random.default_rng(weights),
        dtype=trial.dtype,
    )
    training, tests = ReberStream(training_seed), ReberStream(test_seed)

    tested_length = trial.test_length or trial.stream_length

    def present(net: Network, stream: ReberStream, learn: bool) -> tuple[int, bool]:
        stream.next_string()
        if trial.zero_at_stream_start:
            net.reset()
        length = trial.stream_length if learn else tested_length
        for done in range(1, length + 1):
            step = stream.take(1)
            if trial.external_reset and step.starts[0]:
                net.start_sequence(reset=True)
            target = TARGETS[step.targets[0]].astype(net.dtype)
            y = net.step(int(step.inputs[0]), learn=learn)
            wrong = bool((np.abs(target - y) >= trial.bound).any())
            if learn and not (wrong and not trial.learn_from_error):
                net.learn(target)
            if wrong:
                return done, True
        return length, False

    def test(net: Network, whole: bool) -> list[int]:
        lengths = []
        for _ in range(trial.test_streams):
            done, wrong = present(net, tests, learn=False)
            lengths.append(done - wrong)
            if wrong and not whole:
                break
        return lengths

    symbols, longest, best = 0, -1, net
    for streams in range(1, trial.training_streams + 1):
        done, _ = present(net, training, learn=True)
        symbols += done
        lengths = test(net if trial.zero_at_stream_start else net.clone(), whole=False)
        if lengths == [tested_length] * trial.test_streams:
            limit = float(tested_length)
            return TrialResult(True, streams, symbols, limit, limit, 0)
        if lengths[0] > longest:
            longest, best = lengths[0], net.clone()
    means = [float(np.mean(test(chosen, whole=True))) for chosen in (best, net)]
    return TrialResult(False, trial.training_streams, symbols, means[0], means[1], 0)


@pytest.mark.parametrize(
    "trial",
    [
        *(pytest.param(replace(SMALL, learner=row.trial.learner,
                               external_reset=row.trial.external_reset), id=name)
          for name, row in ROWS.items()),
        pytest.param(replace(SMALL, bound=0.7), id="a wide bound, so that some streams end well"),
        pytest.param(replace(SMALL, bound=0.9), id="solved"),
        pytest.param(replace(SMALL, learn_from_error=False), id="error not learned"),
        pytest.param(replace(SMALL, bound=0.9, test_length=400), id="longer tests"),
        pytest.param(
            replace(SMALL, zero_at_stream_start=False, learner=NetworkRecipe(
                replace(SMALL.network.topology, peepholes=True), SGD(0.5))),
            id="states live on, with peepholes",
        ),
        pytest.param(
            replace(SMALL, learner=replace(SMALL.network, update=SGD(0.5)),
                    zero_at_stream_start=False), id="states live on"
        ),
        pytest.param(replace(SMALL, dtype="float64"), id="float64"),
    ],
)  # fmt: skip
def test_the_same_as_plainly(trial: Trial) -> None:
    assert trial.run(seed=5) == plainly(trial, seed=5)


def test_a_repeated_trial_gives_the_same_result() -> None:
    trial = replace(SMALL, training_streams=300, stream_length=2000)
    first = trial.run(seed=1)
    assert trial.run(seed=1) == first
    assert trial.run(seed=2) != first


def test_a_network_that_makes_no_error_is_perfect_at_once() -> None:
    result = replace(SMALL, bound=2.0, stream_length=3000).run(seed=0)
    assert result == TrialResult(True, 1, 3000, 3000.0, 3000.0, 0)


def test_training_takes_effect() -> None:
    """After some thousand streams the errors come later than at the start."""
    trial = replace(SMALL, stream_length=100_000)
    short, longer = (replace(trial, training_streams=n).run(seed=0) for n in (20, 4000))
    assert longer.best_mean_stream > 2 * short.best_mean_stream


def test_numbers_out_of_bounds_end_a_stream_and_are_counted() -> None:
    linear = Topology(
        inputs=7, outputs=7, cells_per_block=2, output_units="linear",
        cell_input="identity", cell_output="identity",
    )  # fmt: skip
    trial = replace(
        SMALL, learner=NetworkRecipe(linear, SGD(1e15)), training_streams=10, dtype="float32"
    )
    result = trial.run(seed=0)
    assert 0 < result.diverged <= 10
    assert not result.perfect


def test_training_gives_the_network_and_the_length_of_every_stream() -> None:
    lengths: list[int] = []
    result, net = SMALL.train_network(3, lengths.append)
    assert result == SMALL.run(3)
    assert len(lengths) == result.training_streams
    # Right predictions, and the wrong one that ended each stream.
    assert sum(lengths) + len(lengths) == result.training_symbols
    assert not np.array_equal(net.weights("cell"), SMALL.train_network(4)[1].weights("cell"))


def test_sequences_count_where_only_their_last_step_has_a_target() -> None:
    """A bound that nothing passes ends each stream in its first sequence, one that all do never."""
    topology = Topology(inputs=8, outputs=8, cells_per_block=2)
    trial = replace(
        SMALL,
        learner=replace(SMALL.network, topology=topology),
        stream=Continual(TemporalOrder(marks=3)),
        stream_length=40,
        training_streams=3,
        test_streams=2,
    )
    hopeless = replace(trial, bound=1e-9).run(seed=0)
    assert 3 * 100 <= hopeless.training_symbols <= 3 * 110
    assert (hopeless.best_mean_stream, hopeless.final_mean_stream) == (0.0, 0.0)
    easy = replace(trial, bound=1.1).run(seed=0)
    assert (easy.perfect, easy.training_streams, easy.best_mean_stream) == (True, 1, 40.0)
    assert 40 * 100 <= easy.training_symbols <= 40 * 110


def test_a_restart_makes_a_new_network() -> None:
    trial = replace(SMALL, training_streams=41)
    kept = trial.train_network(3)[1]
    restarted = replace(trial, restart_after=40).train_network(3)[1]
    assert kept.steps > 10 * restarted.steps
    # After the 40th stream; before it all is the same.
    short = replace(trial, training_streams=40)
    assert short.run(3) != replace(short, restart_after=20).run(3)
    assert short.run(3) == replace(short, restart_after=50).run(3)


@pytest.mark.parametrize("penalty", [WeightDecay(3e-4), WeightElimination(3e-4)])
def test_a_penalty_makes_weights_smaller(penalty: WeightDecay | WeightElimination) -> None:
    def size(trial: Trial) -> float:
        net = trial.train_network(3)[1]
        return sum(float(np.abs(net.weights(kind)).sum()) for kind in ("cell", "output"))

    trial = replace(SMALL, training_streams=200)
    assert size(replace(trial, penalty=penalty)) < 0.95 * size(trial)
    assert repr(penalty) in json.dumps(replace(trial, penalty=penalty).configuration())


def test_penalties_are_what_they_say() -> None:
    net = Network(SMALL.network.topology, seed=1, dtype="float64")
    kinds = ("input_gate", "forget_gate", "output_gate", "cell", "output")
    before = {kind: net.weights(kind).copy() for kind in kinds}
    WeightDecay(0.25).apply(net, steps=3)
    for kind in kinds:
        np.testing.assert_allclose(net.weights(kind), before[kind] * 0.75**3, rtol=1e-15)
        net.weights(kind)[...] = before[kind]
    WeightElimination(0.01).apply(net, steps=2)
    for kind, w in before.items():
        # Against the penalty's own slope, by differences.
        above, below = ((w + step) ** 2 / (1 + (w + step) ** 2) for step in (1e-6, -1e-6))
        slope = (above - below) / 2e-6
        np.testing.assert_allclose(net.weights(kind), w - 0.02 * slope, atol=1e-9)
    WeightElimination(1.0).apply(net, steps=10**6)
    assert all(np.isfinite(net.weights(kind)).all() for kind in kinds)


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan"), "0.1", True])
def test_impossible_penalties_are_refused(rate: Any) -> None:
    for kind in (WeightDecay, WeightElimination):
        with pytest.raises(ValueError, match="rate must be"):
            kind(rate)


def test_the_configuration_is_plain_json_and_tells_trials_apart() -> None:
    configurations = [row.trial.configuration() for row in ROWS.values()]
    texts = {json.dumps(configuration, allow_nan=False) for configuration in configurations}
    assert len(texts) == len(ROWS)
    assert json.loads(json.dumps(configurations)) == configurations
    assert configurations[0]["weights"] == 360


def _change(**parts: object) -> Callable[[], Trial]:
    return lambda: replace(SMALL, **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_change(stream_length=0), "stream_length must be"),
        (_change(training_streams=1.5), "training_streams must be"),
        (_change(test_streams=True), "test_streams must be"),
        (_change(test_length=-1), "test_length must be"),
        (_change(bound=0.0), "bound must be"),
        (_change(bound=float("nan")), "bound must be"),
    ],
)
def test_impossible_limits_are_refused(change: Callable[[], Trial], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        change()
