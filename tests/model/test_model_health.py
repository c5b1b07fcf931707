"""A model that runs for a year: alarms, blocks and networks that are restarted, flat memory."""

import copy
import math
from typing import Any

import numpy as np
import psutil
import pytest
from support.models import (
    bits_of,
    labelled,
    network_of,
    numbers,
    of_task,
    small,
    stream_of,
    symbols,
)

from lethe import Model, Network, RMSprop
from lethe._kernel import EVENTS_BETWEEN_INSPECTIONS
from lethe.core._surgery import restart_block
from lethe.core._views import weights_view
from lethe.model import Diagnostics
from lethe.model.networks import Ensemble
from lethe.model.number_parts import network_topology

#: Inspections in a row, after which what was always so raises an alarm.
STUCK = 20

EVENTS = numbers(200)


def ready(layers: int = 1) -> Model:
    model = small("y", layers=layers, detect=False)
    for event in EVENTS[:20]:
        model.learn(event)
    inspect(model, 1)  # the gates of a new network are 0 at its first inspection
    assert not stream_of(model).view("stuck").any()
    return model


def inspect(model: Model, times: int) -> None:
    """Has the networks inspected at each of so many events."""
    model.learn(EVENTS[50])  # the gates that are inspected first are those of this event
    for n in range(times):
        stream_of(model).view("events")[...] = EVENTS_BETWEEN_INSPECTIONS
        model.learn(EVENTS[51 + n])


# ---- alarms ----


def test_a_healthy_network_raises_no_alarm() -> None:
    assert small("y").diagnostics() == Diagnostics(0, 0, 0, 0)
    model = ready()
    inspect(model, 2 * STUCK)
    assert model.diagnostics() == Diagnostics(0, 0, 0, 0)


@pytest.mark.parametrize("gate", ["input_gate", "forget_gate", "output_gate"])
@pytest.mark.parametrize("bias", [-50.0, 50.0])
def test_a_saturated_gate_raises_one_alarm(gate: Any, bias: float) -> None:
    model = ready()
    network_of(model, 0).weights(gate)[1, -1] = bias
    inspect(model, STUCK - 1)
    assert model.diagnostics().saturated_gates == 0
    inspect(model, 1)
    assert model.diagnostics().saturated_gates == 1
    inspect(model, STUCK // 2)
    assert model.diagnostics().saturated_gates == 1
    dead = gate != "forget_gate" and bias < 0
    assert model.diagnostics().restarted_blocks == dead


@pytest.mark.parametrize("gate", ["input_gate", "output_gate"])
def test_a_gate_that_opens_in_between_is_not_dead(gate: Any) -> None:
    model = ready()
    for bias in (-50.0, 0.0, -50.0):
        network_of(model, 0).weights(gate)[1, -1] = bias
        inspect(model, STUCK - 2)
    assert model.diagnostics() == Diagnostics(0, 0, 0, 0)


def test_a_state_that_drifts_raises_an_alarm() -> None:
    model = ready()
    net = network_of(model, 1)
    net.weights("forget_gate")[...] = 0
    net.weights("forget_gate")[:, -1] = 50
    net.state("cell_state")[2] = -2000
    inspect(model, 1)
    assert model.diagnostics() == Diagnostics(drifting_states=1)


# ---- dead blocks ----


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("gate", ["input_gate", "output_gate"])
def test_a_dead_block_is_restarted(gate: Any, layer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ready(2)
    healthy = copy.deepcopy(model)
    network_of(model, 0).weights(gate, layer)[2, -1] = -50
    inspect(model, STUCK - 1)
    inspect(healthy, STUCK - 1)
    assert model.diagnostics().restarted_blocks == 0
    others = model.networks[0].weights("cell", layer)[[0, 1, 3]]
    restarted: list[Network] = []
    redraw = Ensemble.redraw

    def note(self: Ensemble, stream: Any, *which: int) -> None:
        redraw(self, stream, *which)
        assert which == (0, layer, 2)
        restarted.append(self.copies(stream)[0])

    monkeypatch.setattr(Ensemble, "redraw", note)
    for one in (model, healthy):
        stream_of(one).view("events")[...] = EVENTS_BETWEEN_INSPECTIONS
        one.learn(EVENTS[100])
    assert model.diagnostics().restarted_blocks == 1
    assert not stream_of(model).view("shut").any()
    (net,) = restarted
    assert net.weights(gate, layer)[2, -1] == 0
    assert 0 < np.abs(net.weights("cell", layer)[2]).max() <= 0.1
    for kind in ("input_gate", "forget_gate", "cell"):
        assert not net.partials(kind, layer)[2].any()  # type: ignore[arg-type]
    assert not net.state("cell_state", layer)[2].any()
    own = [n for n, source in enumerate(net.topology.sources("cell", layer)) if "2." not in source]
    assert np.array_equal(net.weights("cell", layer)[[0, 1, 3]][..., own], others[..., own])
    ours, theirs = model.networks[1], healthy.networks[1]
    assert np.array_equal(ours.weights("output"), theirs.weights("output"))
    inspect(model, 5)
    assert model.diagnostics().restarted_blocks == 1
    assert model.networks[0].state(gate, layer)[2] > 0.01


def network() -> Network:
    topology = network_topology(3, 2, 4, 2)
    net = Network(topology, update=RMSprop(0.01, smoothing=0.999, epsilon=1e-4, bound_step=0.1))
    for _ in range(20):
        step(net)
    return net


X = np.ones(3, np.float32)


def step(net: Network) -> None:
    net.step(X)
    net.learn([0.5, -0.5])


def test_nobody_listens_to_a_restarted_block_at_first() -> None:
    net = network()
    restart_block(net, 0, 1, np.random.default_rng(0))
    for kind in ("input_gate", "forget_gate", "cell"):
        assert not net.partials(kind, 0)[1].any()
    assert not net.state("cell_state", 0)[1].any()
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
        step(net)
    assert net.weights("output")[:, names.index("layer 0 cell 1.0")].any()


def test_a_model_looks_after_its_networks() -> None:
    model = small("y", cells=2, detect=False)
    stream = numbers(100)
    for n in range(EVENTS_BETWEEN_INSPECTIONS * (STUCK + 1) + 1):
        if n == 10:
            network_of(model, 0).weights("output_gate")[0, -1] = -50
        model.learn(stream[n % 100])
    assert model.diagnostics().restarted_blocks == 1
    assert model.networks[0].state("output_gate")[0] > 0.01


# ---- numbers that stop being finite ----


def poison(model: Model, kind: Any) -> None:
    for n in range(2):
        net = network_of(model, n)
        # `Network.weights` would end a step that waits for its target.
        weights_view(net._core, net.topology, "weights", kind, 0)[...] = math.nan


@pytest.mark.parametrize("task", ["number", "one ahead", "three ahead", "class", "symbols"])
@pytest.mark.parametrize("kind", ["output", "cell", "forget_gate"])
def test_networks_with_poisoned_weights_are_restarted(task: str, kind: Any) -> None:
    model, events = of_task(task)
    for event in events(60):
        model.learn(event)
    before = model.networks
    poison(model, kind)
    for event in events(60):
        prediction = model.predict(*(() if model.horizon else (event,)))
        model.learn(event)
        values = [v for v in prediction.forecast if isinstance(v, float)]
        assert all(math.isfinite(value) for value in values)
        assert not any(math.isnan(p) for p in prediction.probabilities.values())
    # Each lost the steps that it had taken until then, and no more.
    waiting = stream_of(model).pending_capacity if model.horizon else 0
    assert 2 * 60 - 2 * waiting <= model.diagnostics().lost_steps <= 2 * 61
    for net, then in zip(model.networks, before, strict=True):
        assert np.isfinite(net.weights(kind)).all()
        assert np.isfinite(net.peek(np.zeros(net.topology.inputs))).all()
        assert net.weights("cell").any()  # new weights
        assert net.weights("output").any()  # that have learned
        assert not np.array_equal(net.weights("cell"), then.weights("cell"))
        assert (net.rate, net.steps > 50) == (then.rate, True)
    Model.from_checkpoint(*model.to_checkpoint())  # whose checks the live states pass, too


@pytest.mark.parametrize("late", [False, True])
def test_a_restarted_network_learns_again(late: bool) -> None:
    model, errors = small("y", rates=(1e-2,), detect=False), []
    random = np.random.default_rng(0)
    for n in range(1700):
        a, b = random.choice([-1.0, 1.0], 2).tolist()
        y = a * b  # no linear predictor says anything about that
        if n in (500, 501, 502):
            for net in (network_of(model, 0), network_of(model, 1)):  # that for memory, too
                weights_view(net._core, net.topology, "weights", "cell", 0)[...] = math.nan
        if not late:
            report = model.learn({"a": a, "b": b}, y)
        else:
            report = model.learn({"a": a, "b": b}, id=n)
            model.learn_target(n, y)
        assert report.prediction is not None
        errors.append(abs(float(report.prediction.value) - y))  # type: ignore[arg-type]
    assert model.diagnostics().lost_steps >= 500
    assert np.mean(errors[510:560]) > 0.5
    assert np.mean(errors[-100:]) < 0.2


def test_asking_while_weights_are_poisoned_makes_no_difference() -> None:
    ours, theirs = small("y"), small("y")
    for n, event in enumerate(numbers(60)):
        x = {"a": event["a"], "b": event["b"]}
        if n in (30, 40):
            for model in (ours, theirs):
                kind: Any = "cell" if n == 30 else "output"
                network_of(model, 1).weights(kind)[0] = math.nan
        assert math.isfinite(ours.predict(x).value)  # type: ignore[arg-type]
        ours.learn(x, event["y"])
        theirs.learn(x, event["y"])
    assert bits_of(ours) == bits_of(theirs)
    assert ours.diagnostics().lost_steps == 31 + 10


def test_poisoned_partials_and_moments_restart_networks() -> None:
    model = small("y")
    stream = numbers(100)
    for event in stream:
        model.learn(event)
    network_of(model, 0).partials("cell")[...] = math.nan
    network_of(model, 1).moments("cell")[...] = math.nan
    for event in stream:
        assert math.isfinite(model.learn(event).prediction.value)  # type: ignore[union-attr,arg-type]
    assert model.diagnostics().lost_steps >= 200
    for net in model.networks:
        for kind in ("cell", "forget_gate"):
            assert np.isfinite(net.partials(kind)).all()  # type: ignore[arg-type]
            assert np.isfinite(net.weights(kind)).all()  # type: ignore[arg-type]


def test_a_poisoned_live_state_recovers() -> None:
    """Live states, which no view shows, step with the poisoned weights before these are found."""
    model = small("y", horizon=3)
    stream = numbers(100)
    for event in stream:
        model.learn(event)
    poison(model, "cell")
    for event in stream:
        values: Any = model.predict().forecast
        assert all(math.isfinite(value) for value in values)
        model.learn(event)
    Model.from_checkpoint(*model.to_checkpoint())  # is only made of what is finite


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

    before = run(3000)  # past what is kept for looking back
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
