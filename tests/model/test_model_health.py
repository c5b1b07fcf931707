"""A model that runs for a year: alarms, blocks that are restarted, roll-back, constant memory."""

import math
from typing import Any

import numpy as np
import psutil
import pytest
from support.models import bits_of, labelled, numbers, of_task, small, symbols

from lethe import Model
from lethe.core._views import weights_view
from lethe.model.health import EVERY, LOOKS, Health, restart_block
from lethe.model.numbers import network_topology
from lethe.model.racing import Racers

X = np.ones(3, np.float32)


def racers(layers: int = 1) -> Racers:
    made = Racers(network_topology(3, 2, 4, layers), (0.01, 0.02), np.random.default_rng(0))
    for _ in range(20):
        step(made)
    return made


def step(made: Racers) -> None:
    made.step(X, owed=False)
    made.learn(X, True, np.array([0.5, -0.5], np.float32))


def look(health: Health, made: Racers, times: int) -> None:
    for _ in range(times):
        step(made)
        health.look(made, np.random.default_rng(1))


# ---- alarms ----


def test_a_healthy_network_raises_no_alarm() -> None:
    health = Health()
    look(health, racers(), 2 * LOOKS)
    assert set(health.alarms.values()) == {0}


@pytest.mark.parametrize("gate", ["input_gate", "forget_gate", "output_gate"])
@pytest.mark.parametrize("bias", [-50.0, 50.0])
def test_a_saturated_gate_raises_one_alarm(gate: Any, bias: float) -> None:
    made, health = racers(), Health()
    made.learners[0].weights(gate)[1, -1] = bias
    look(health, made, LOOKS - 1)
    assert health.alarms["saturated gate"] == 0
    look(health, made, 1)
    assert health.alarms["saturated gate"] == 1
    look(health, made, LOOKS // 2)
    assert health.alarms["saturated gate"] == 1
    dead = gate != "forget_gate" and bias < 0
    assert health.alarms["restarted block"] == dead


@pytest.mark.parametrize("gate", ["input_gate", "output_gate"])
def test_a_gate_that_opens_in_between_is_not_dead(gate: Any) -> None:
    made, health = racers(), Health()
    for bias in (-50.0, 0.0, -50.0):
        made.learners[0].weights(gate)[1, -1] = bias
        look(health, made, LOOKS - 2)
    assert set(health.alarms.values()) == {0}


def test_a_state_that_drifts_raises_an_alarm() -> None:
    made, health = racers(), Health()
    made.learners[1].weights("forget_gate")[...] = 0
    made.learners[1].weights("forget_gate")[:, -1] = 50
    made.learners[1].state("cell_state")[2] = -2000
    look(health, made, 1)
    assert health.alarms == {"saturated gate": 0, "drifting state": 1, "restarted block": 0}


# ---- dead blocks ----


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("gate", ["input_gate", "output_gate"])
def test_a_dead_block_is_restarted(gate: Any, layer: int) -> None:
    made, health = racers(2), Health()
    net = made.learners[0]
    net.weights(gate, layer)[2, -1] = -50
    others = net.weights("cell", layer)[[0, 1, 3]].copy()
    other_network = made.learners[1].clone()
    look(health, made, LOOKS)
    assert health.alarms["restarted block"] == 1
    assert net.weights(gate, layer)[2, -1] == 0
    assert np.abs(net.weights("cell", layer)[2]).max() <= 0.1
    for kind in ("input_gate", "forget_gate", "cell"):
        assert not net.partials(kind, layer)[2].any()
    assert not net.state("cell_state", layer)[2].any()
    assert others.shape == (3, 1, others.shape[-1])
    for _ in range(LOOKS):
        step_of(other_network)
    assert np.array_equal(other_network.weights("output"), made.learners[1].weights("output"))
    look(health, made, 5)
    assert health.alarms["restarted block"] == 1
    assert net.state(gate, layer)[2] > 0.01


def step_of(net: Any) -> None:
    net.step(X)
    net.learn([0.5, -0.5])


def test_nobody_listens_to_a_restarted_block_at_first() -> None:
    made = racers(2)
    net = made.learners[0]
    restart_block(net, 0, 1, np.random.default_rng(0))
    listeners: Any = ((0, ("input_gate", "cell")), (1, ("forget_gate", "output_gate", "cell")))
    for layer, kinds in listeners:
        for kind in kinds:
            names = net.topology.sources(kind, layer)
            heard = "cell 1.0" if layer == 0 else "below 1.0"
            assert not net.weights(kind, layer)[..., names.index(heard)].any()
            assert net.weights(kind, layer)[..., names.index(heard) + 1].any()
    names = net.topology.sources("output")
    assert not net.weights("output")[:, names.index("layer 0 cell 1.0")].any()
    assert net.weights("output")[:, names.index("layer 0 cell 2.0")].any()
    twin = net.clone()
    twin.weights("cell", 0)[1] = 7.0
    assert np.array_equal(net.peek(X), twin.peek(X))
    for _ in range(30):
        step_of(net)
    assert net.weights("output")[:, names.index("layer 0 cell 1.0")].any()


def test_a_model_looks_after_its_networks() -> None:
    model = small("y", cells=2, detect=False)
    stream = numbers(100)
    for n in range(EVERY * (LOOKS + 1) + 1):
        if n == 10:
            model.heads.racers.learners[0].weights("output_gate")[0, -1] = -50
        model.learn(stream[n % 100])
    assert model.health.alarms["restarted block"] == 1
    assert model.heads.racers.learners[0].state("output_gate")[0] > 0.01


# ---- numbers that stop being finite ----


@pytest.mark.parametrize("task", ["number", "one ahead", "three ahead", "class", "symbols"])
@pytest.mark.parametrize("kind", ["output", "cell", "forget_gate"])
def test_poisoned_weights_are_rolled_back(task: str, kind: Any) -> None:
    model, events = of_task(task)
    for event in events(60):
        model.learn(event)
    for net in model.heads.racers.learners:
        # `Network.weights` would end a step that waits for its target.
        weights_view(net._core, net.topology, "weights", kind, 0)[...] = math.nan
    for event in events(60):
        prediction = model.predict(*(() if model.horizon else (event,)))
        model.learn(event)
        values = [v for v in prediction.forecast if isinstance(v, float)]
        assert all(math.isfinite(value) for value in values)
        assert not any(math.isnan(p) for p in prediction.probabilities.values())
    assert model.heads.racers.lost > 0
    for net in model.heads.racers.learners:
        assert np.isfinite(net.weights(kind)).all()
        assert np.isfinite(net.peek(np.zeros(net.topology.inputs))).all()


def test_asking_while_weights_are_poisoned_makes_no_difference() -> None:
    ours, theirs = small("y"), small("y")
    for n, event in enumerate(numbers(60)):
        x = {"a": event["a"], "b": event["b"]}
        if n in (30, 40):
            for model in (ours, theirs):
                kind = "cell" if n == 30 else "output"
                model.heads.racers.learners[1].weights(kind)[0] = math.nan
        assert math.isfinite(ours.predict(x).value)
        ours.learn(x, event["y"])
        theirs.learn(x, event["y"])
    assert bits_of(ours) == bits_of(theirs)
    assert ours.heads.racers.lost > 0


def test_poisoned_partials_and_moments_are_rolled_back() -> None:
    model = small("y")
    stream = numbers(100)
    for event in stream:
        model.learn(event)
    model.heads.racers.learners[0].partials("cell")[...] = math.nan
    model.heads.racers.learners[1].moments("cell")[...] = math.nan
    for n in range(2100):  # the block is looked at every 1,024 passes
        assert math.isfinite(model.learn(stream[n % 100]).prediction.value)  # type: ignore[union-attr]
    for net in model.heads.racers.learners:
        for kind in ("cell", "forget_gate"):
            assert np.isfinite(net.partials(kind)).all()
            assert np.isfinite(net.weights(kind)).all()


def test_a_poisoned_front_recovers() -> None:
    model = small("y", horizon=3)
    stream = numbers(100)
    for event in stream:
        model.learn(event)
    for front in model.heads.racers.fronts:
        front.weights("cell")[...] = math.nan
        front.state("cell_state")[...] = math.nan
    for event in stream:
        assert all(math.isfinite(value) for value in model.predict().forecast)
        model.learn(event)
    for front, net in zip(model.heads.racers.fronts, model.heads.racers.learners, strict=True):
        assert np.array_equal(front.weights("cell"), net.weights("cell"))
        assert np.isfinite(front.state("cell_state")).all()


# ---- memory ----


@pytest.mark.parametrize("task", ["number", "three ahead", "class", "symbols"])
def test_memory_stays_flat(task: str) -> None:
    model, _ = of_task(task, categories=20, detect=True)
    random = np.random.default_rng(0)
    if task == "symbols":
        stream: list[Any] = [f"s{random.integers(40)}" for _ in range(1000)]
    elif task == "class":
        stream = labelled(1000)
    else:
        stream = [event | {"word": f"w{random.integers(60)}"} for event in numbers(1000)]
    if task == "symbols":
        stream += symbols(500)
    process = psutil.Process()

    def run(count: int) -> int:
        for n in range(count):
            event = stream[n % len(stream)]
            model.predict(*(() if model.horizon else (event,)))
            model.learn(event)
        return int(process.memory_info().rss)

    before = run(3000)  # past what is kept for looking back, but for numbers of a fixed room
    assert run(5000) - before < 1_500_000


def test_predictions_that_are_kept_hold_little() -> None:
    """A thousand of them, as when targets come late, share what the model has."""
    model: Model = small("y", horizon=24)
    for event in numbers(300):
        model.learn(event)
    process = psutil.Process()
    before = process.memory_info().rss
    kept = []
    for event in numbers(1000):
        model.learn(event)
        kept.append(model.predict())
    assert process.memory_info().rss - before < 60_000_000
    assert kept[0].interval(ahead=24)[0] < kept[0].forecast[23]
