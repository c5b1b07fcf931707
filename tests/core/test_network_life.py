"""Networks as arrays and JSON, networks that grow, and several networks stepped in one call."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lives import assert_same, bits, from_state, to_state

from lethe import SGD, Adam, Network, NotFiniteError, RMSprop, Topology
from lethe.core import _surgery as growth
from lethe.core._batch import NetworkBatch
from lethe.core._surgery import copy_weights_from, forget_input, forget_output
from lethe.core.run import Recordable
from lethe.core.topology import UnitKind
from lethe.core.updates import Update, update_of

UPDATES: tuple[Update, ...] = (
    SGD(0.1, decay=0.999),
    SGD(0.1, momentum=0.5),
    RMSprop(0.01, smoothing=0.9),
    Adam(0.01, bound_step=0.1),
)
TOPOLOGIES = (
    Topology(inputs=3, outputs=2, blocks=5),
    Topology(inputs=3, outputs=2, blocks=5, shortcuts=False, output_units="linear"),
    Topology(inputs=3, outputs=3, blocks=2, cells_per_block=3, layers=3, output_units="softmax"),
    Topology(inputs=3, outputs=2, blocks=3, forget_gate=False, gates_are_sources=True),
)


def trained(
    topology: Topology, update: Update, steps: int = 40, dtype: str = "float32", seed: int = 0
) -> Network:
    net = Network(topology, update=update, seed=seed, dtype=dtype)
    train(net, steps, seed)
    return net


def train(net: Network, steps: int, seed: int, inputs: int = 3, outputs: int = 2) -> None:
    """Some steps with a target and some without, in the first inputs and outputs."""
    t, random = net.topology, np.random.default_rng(seed)
    for _ in range(steps):
        x = np.zeros(t.inputs)
        x[:inputs] = random.normal(size=inputs)
        net.step(x)
        if random.random() < 0.8:
            target = np.zeros(t.outputs)
            target[random.integers(outputs)] = 1
            net.learn(target)


# ---- life ----


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("pending", [False, True])
def test_a_life_comes_back_and_goes_on(topology: Topology, update: Update, pending: bool) -> None:
    net = trained(topology, update)
    if pending:
        net.step(np.ones(3))
    block, configuration = to_state(net)
    twin = from_state(block, json.loads(json.dumps(configuration)))
    assert (twin.topology, twin.update, twin.dtype) == (net.topology, net.update, net.dtype)
    assert bits(twin) == bits(net)
    if pending:
        for one in (net, twin):
            one.learn(np.eye(topology.outputs)[0])
    train(net, 10, 7)
    train(twin, 10, 7)
    assert bits(twin) == bits(net)


def test_a_life_of_doubles() -> None:
    net = trained(TOPOLOGIES[0], UPDATES[2], dtype="float64")
    twin = from_state(*to_state(net))
    assert twin.dtype == np.float64
    assert bits(twin) == bits(net)


def test_a_life_does_not_change_with_the_network() -> None:
    net = trained(TOPOLOGIES[0], UPDATES[0])
    block, _ = to_state(net)
    before = block.copy()
    train(net, 3, 1)
    assert np.array_equal(block, before)


def hostile(**changed: Any) -> dict[str, Any]:
    _, configuration = to_state(Network(TOPOLOGIES[0]))
    return configuration | changed


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        hostile(topology=None),
        hostile(topology=[]),
        hostile(topology={"inputs": 3}),
        hostile(topology={"inputs": 3, "outputs": 2, "unknown": 1}),
        hostile(topology={"inputs": "3", "outputs": 2}),
        hostile(topology={"inputs": 4, "outputs": 2, "blocks": 5}),
        hostile(topology={"inputs": 1 << 20, "outputs": 1 << 20, "blocks": 1 << 20}),
        hostile(topology={"inputs": 3, "outputs": 2, "blocks": 16, "layers": 1 << 20}),
        hostile(update=None),
        hostile(update={}),
        hostile(update={"rule": []}),
        hostile(update={"rule": "SGD"}),
        hostile(update={"rule": "SGD", "rate": 0.1, "unknown": 1}),
        hostile(update={"rule": "SGD", "rate": math.nan}),
        hostile(update={"rule": "Adam", "rate": 0.1}),
        hostile(dtype=None),
        hostile(dtype="float64"),
        hostile(dtype="object"),
        hostile(dtype=5),
    ],
)
def test_what_is_no_life_is_refused(configuration: dict[str, Any]) -> None:
    block, _ = to_state(Network(TOPOLOGIES[0]))
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        from_state(block, configuration)


def test_a_block_of_another_network_is_refused() -> None:
    block, configuration = to_state(Network(TOPOLOGIES[0]))
    for wrong in (block[:-1], block[:0], np.append(block, block[:1])):
        with pytest.raises(ValueError, match="bytes"):
            from_state(wrong, configuration)
    wrong = block.copy()
    wrong[40:48] = 255  # the header's symbol: -1; and then none of this network's
    from_state(wrong, configuration)
    wrong[40] = 100
    with pytest.raises(ValueError, match="saved"):
        from_state(wrong, configuration)


@pytest.mark.parametrize("update", UPDATES)
def test_an_update_comes_back(update: Update) -> None:
    assert update_of(json.loads(json.dumps(update.configuration()))) == update


@pytest.mark.parametrize("wrong", [{}, {"rule": "Momentum"}, {"rule": ["SGD"]}, {"rule": "SGD"}])
def test_what_is_no_update_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="rule must"):
        update_of(wrong)


# ---- taking weights ----


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_weights_are_taken_and_states_stay(topology: Topology) -> None:
    one = trained(topology, UPDATES[2], seed=1)
    other = trained(topology, UPDATES[2], seed=2)
    before = one.clone()
    copy_weights_from(one, other)
    for layer in range(topology.layers):
        kinds: tuple[UnitKind, ...] = (*topology.gates, "cell")
        names: tuple[Recordable, ...] = ("cell_state", "cell_output", *topology.gates)
        for kind in kinds:
            assert np.array_equal(one.weights(kind, layer), other.weights(kind, layer))
        for name in names:
            assert np.array_equal(one.state(name, layer), before.state(name, layer))
    assert np.array_equal(one.weights("output"), other.weights("output"))
    assert one.steps == before.steps


# ---- growing ----


def padded(x: np.ndarray, n: int) -> np.ndarray:
    return np.concatenate((x, np.zeros(n - len(x))))


@pytest.mark.parametrize("topology", [*TOPOLOGIES[:2], TOPOLOGIES[3]])
@pytest.mark.parametrize("update", UPDATES)
def test_a_grown_network_goes_on_as_before(topology: Topology, update: Update) -> None:
    """In float64: other lengths of rows may sum in another order."""
    net = trained(topology, update, dtype="float64")
    grown = growth.grown(net, 8, 5)
    assert (grown.topology.inputs, grown.topology.outputs) == (8, 5)
    assert (grown.steps, grown.rate, grown.dtype) == (net.steps, net.rate, net.dtype)
    random = np.random.default_rng(3)
    for _ in range(30):
        x, target = random.normal(size=3), random.random(2)
        y = net.step(x)
        more = grown.step(padded(x, 8))
        np.testing.assert_allclose(more[:2], y, rtol=1e-9, atol=1e-12)
        if random.random() < 0.7:
            net.learn(target)
            grown.learn(np.concatenate((target, more[2:])))  # the new outputs make no error
    kinds: tuple[UnitKind, ...] = (*topology.gates, "cell")
    for kind in kinds:
        names = grown.topology.sources(kind)
        where = [names.index(name) for name in topology.sources(kind)]
        new = grown.weights(kind)[..., where]
        np.testing.assert_allclose(new, net.weights(kind), rtol=1e-8, atol=1e-11)
        rest = [n for n in range(len(names)) if n not in where]
        assert not grown.weights(kind)[..., rest].any()
        for order in net.update.moments:
            np.testing.assert_allclose(
                grown.moments(kind, order=order)[..., where],
                net.moments(kind, order=order),
                rtol=1e-7,
                atol=1e-11,
            )


def test_a_grown_softmax_shares_with_its_new_classes() -> None:
    net = trained(TOPOLOGIES[2], UPDATES[2], dtype="float64")
    grown = growth.grown(net, 3, 6)
    x = np.array([0.3, -1.0, 2.0])
    y, more = net.step(x), grown.step(x)
    np.testing.assert_allclose(more[:3] / more[:3].sum(), y, rtol=1e-12)


def test_what_a_grown_network_learns_of_its_new_inputs() -> None:
    net = trained(TOPOLOGIES[0], SGD(0.1))
    grown = growth.grown(net, 4, 3)
    for _ in range(20):
        grown.step([0, 0, 0, 1])
        grown.learn([0, 0, 1])
    assert grown.peek([0, 0, 0, 1])[2] > 0.6
    assert grown.weights("cell")[..., 3].any()


@pytest.mark.parametrize("frozen", [False, True])
def test_a_step_that_waits_is_completed_by_growing(frozen: bool) -> None:
    net = trained(TOPOLOGIES[0], UPDATES[2])
    net.step(np.ones(3), learn=not frozen)
    grown = growth.grown(net, 4, 2)
    with pytest.raises(RuntimeError, match="step"):
        grown.learn([0, 1])
    if frozen:
        with pytest.raises(RuntimeError, match="partials"):
            grown.step(np.ones(4))
        assert np.array_equal(grown.step(np.ones(4), learn=False)[:0], [])


def test_a_grown_network_rolls_back_to_what_it_was_when_it_grew() -> None:
    grown = growth.grown(trained(TOPOLOGIES[0], UPDATES[2]), 4, 2)
    before = grown.weights("cell").copy()
    grown.weights("cell")[0] = math.nan
    with pytest.raises(NotFiniteError):
        grown.step(np.ones(4))
    assert np.array_equal(grown.weights("cell"), before)


@pytest.mark.parametrize(("inputs", "outputs"), [(2, 2), (3, 1)])
def test_a_network_does_not_shrink(inputs: int, outputs: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        growth.grown(Network(TOPOLOGIES[0]), inputs, outputs)


# ---- forgetting ----


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("update", UPDATES)
def test_an_input_is_forgotten(topology: Topology, update: Update) -> None:
    net = trained(topology, update)
    net.step(np.ones(3))
    forget_input(net, 1)
    with pytest.raises(RuntimeError, match="step"):
        net.learn(np.eye(topology.outputs)[0])
    kinds: list[Any] = [(k, n) for n in range(topology.layers) for k in (*topology.gates, "cell")]
    kinds += [("output", 0)] if topology.shortcuts else []
    for kind, layer in kinds:
        names = topology.sources(kind, layer)
        place = names.index("input 1")
        views = [net.weights(kind, layer)]
        views += [net.moments(kind, layer, order=order) for order in net.update.moments]
        if kind in ("input_gate", "forget_gate", "cell"):
            views.append(net.partials(kind, layer))
        for view in views:
            assert not view[..., place].any()
            assert view[..., place - 1].any()
            assert view[..., place + 1].any()
    twin = net.clone()
    assert np.array_equal(net.step([0.5, 3.0, 1.0]), twin.step([0.5, -7.0, 1.0]))


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("update", UPDATES)
def test_an_output_is_forgotten(topology: Topology, update: Update) -> None:
    net = trained(topology, update)
    before = net.weights("cell").copy()
    forget_output(net, 1)
    for view in [
        net.weights("output"),
        *(net.moments("output", order=o) for o in net.update.moments),
    ]:
        assert not view[1].any()
        assert view[0].any()
    assert np.array_equal(net.weights("cell"), before)


# ---- several in one call ----


def racers(n: int, topology: Topology = TOPOLOGIES[0]) -> list[Network]:
    return [trained(topology, RMSprop(0.01 / (1 + k)), seed=k) for k in range(n)]


@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(1, 5),
    which=st.sampled_from(TOPOLOGIES),
    script=st.lists(st.sampled_from(["vector", "symbol", "class", "peek"]), max_size=20),
    seed=st.integers(0, 99),
)
def test_each_is_one_by_one(n: int, which: Topology, script: list[str], seed: int) -> None:
    random = np.random.default_rng(seed)
    ours, theirs = racers(n, which), racers(n, which)
    outputs = which.outputs
    for word in script:
        x: Any = int(random.integers(3))
        if word != "symbol":
            x = random.normal(size=3).astype(np.float32)
        if word == "peek":
            y = NetworkBatch(ours).peek(x)
            assert np.array_equal(y, [net.peek(x) for net in theirs])
            continue
        y, stumbled, lost = NetworkBatch(ours).step(x, learn=True)
        assert (stumbled, lost) == (0, 0)
        assert np.array_equal(y, [net.step(x) for net in theirs])
        target: Any = int(random.integers(outputs))
        if word != "class":
            target = random.random(outputs).astype(np.float32)
        skipped = int(random.integers(1 << n))
        assert NetworkBatch(ours).learn(target, skipped) == 0
        for k, net in enumerate(theirs):
            if not skipped >> k & 1:
                net.learn(target)
    for one, other in zip(ours, theirs, strict=True):
        assert bits(one) == bits(other)


def test_frozen_steps_of_each() -> None:
    ours, theirs = racers(2), racers(2)
    x = np.ones(3, np.float32)
    y, _, _ = NetworkBatch(ours).step(x, learn=False)
    assert np.array_equal(y, [net.step(x, learn=False) for net in theirs])
    for one, other in zip(ours, theirs, strict=True):
        assert bits(one) == bits(other)


def test_one_that_stumbles_holds_nobody_up() -> None:
    ours, theirs = racers(3), racers(3)
    x, target = np.ones(3, np.float32), np.array([0, 1], np.float32)
    steps = ours[1].steps
    ours[1].weights("cell")[...] = math.nan
    y, stumbled, lost = NetworkBatch(ours).step(x, learn=True)
    assert stumbled == 0b010
    assert lost == steps + 1  # no snapshot since the network was made
    assert not y[1].any()
    assert np.array_equal(ours[1].weights("cell"), Network(TOPOLOGIES[0], seed=1).weights("cell"))
    for k in (0, 2):
        assert np.array_equal(y[k], theirs[k].step(x))
        theirs[k].learn(target)
    assert NetworkBatch(ours).learn(target, stumbled) == 0
    for k in (0, 2):
        assert_same(ours[k], theirs[k])
    y, stumbled, _ = NetworkBatch(ours).step(x, learn=True)
    assert stumbled == 0
    assert np.isfinite(y).all()


def test_peeking_at_one_that_is_not_finite_changes_nothing() -> None:
    nets = racers(2)
    nets[0].weights("output")[...] = math.nan
    before = [bits(net) for net in nets]
    with pytest.raises(NotFiniteError):
        NetworkBatch(nets).peek(np.ones(3, np.float32))
    assert [bits(net) for net in nets] == before


def test_learning_that_stumbles_is_counted() -> None:
    nets = racers(2)
    NetworkBatch(nets).step(np.ones(3, np.float32), learn=True)
    nets[0].weights("output")[...] = math.nan  # completes the step that waited
    with pytest.raises(RuntimeError, match="step"):
        NetworkBatch(nets).learn(0, 0)


def test_wrong_vectors_are_refused() -> None:
    nets = racers(2)
    before = [bits(net) for net in nets]
    for wrong in (np.ones(2, np.float32), np.array([1, 2, math.nan], np.float32), 3, -1):
        with pytest.raises(ValueError, match="x must"):
            NetworkBatch(nets).step(wrong, learn=True)
        with pytest.raises(ValueError, match="x must"):
            NetworkBatch(nets).peek(wrong)
    assert [bits(net) for net in nets] == before


def test_networks_of_another_size_are_refused() -> None:
    nets = [*racers(1), Network(Topology(inputs=3, outputs=5))]
    with pytest.raises(ValueError, match="y must"):
        NetworkBatch(nets).step(np.ones(3, np.float32), learn=True)
