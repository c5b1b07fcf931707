"""Networks as arrays and JSON, networks that grow, and several networks stepped in one call."""

import json
import math
from typing import Any

import numpy as np
import pytest
from support.lives import bits, from_state, to_state

from lethe import SGD, Adam, Network, RMSprop, Topology
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
