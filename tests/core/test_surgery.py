"""Networks that get more memory blocks while they learn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lethe import SGD, Adam, Network, RMSprop, Topology
from lethe.core._surgery import grown, with_blocks
from lethe.core._views import WITHOUT_PARTIALS
from lethe.core.topology import GATES, WeightKind
from lethe.core.updates import Update

UPDATES: tuple[Update, ...] = (
    SGD(0.1, decay=0.999),
    SGD(0.1, momentum=0.5),
    RMSprop(0.01, smoothing=0.9),
    Adam(0.01),
)
TOPOLOGIES = (
    Topology(inputs=3, outputs=2, blocks=6, cells_per_block=2),
    Topology(inputs=3, outputs=2, blocks=5, forget_gate=False, gates_are_sources=True),
    Topology(inputs=3, outputs=2, blocks=2, output_gate=False, recurrent=False, biased=("output",)),
    Topology(inputs=3, outputs=2, blocks=3, layers=2, input_gate_bias=(-1.0, -3.0, -5.0)),
    Topology(inputs=3, outputs=2, blocks=3, cells_per_block=2, peepholes=True),
)


def learned(net: Network, steps: int, seed: int) -> Network:
    random = np.random.default_rng(seed)
    for _ in range(steps):
        net.step(random.normal(size=3))
        if random.random() < 0.8:
            net.learn(random.random(2))
    return net


def units_of(topology: Topology) -> list[tuple[WeightKind, int]]:
    hidden: tuple[WeightKind, ...] = (*topology.gates, "cell", *topology.peephole_kinds)
    return [(kind, n) for n in range(topology.layers) for kind in hidden] + [("output", 0)]


def shared(net: Network, old: Topology) -> dict[str, Any]:
    """What a network has of the blocks and sources of another topology."""
    found: dict[str, Any] = {}
    for kind, layer in units_of(old):
        names = net.topology.sources(kind, layer)
        kept = [names.index(name) for name in old.sources(kind, layer)]
        first = slice(old.outputs if kind == "output" else old.blocks)
        found[f"w {kind} {layer}"] = net.weights(kind, layer)[first][..., kept]
        for order in net.update.moments:
            found[f"m{order} {kind} {layer}"] = net.moments(kind, layer, order=order)[first][
                ..., kept
            ]
        if kind not in WITHOUT_PARTIALS:
            found[f"p {kind} {layer}"] = net.partials(kind, layer)[first][..., kept]
    for layer in range(old.layers):
        for gate in GATES:
            found[f"{gate} {layer}"] = net.state(gate, layer)[: old.blocks]
        found[f"s {layer}"] = net.state("cell_state", layer)[: old.blocks]
        found[f"y {layer}"] = net.state("cell_output", layer)[: old.blocks]
    return {name: np.array(value) for name, value in found.items()}


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("blocks", [0, 1])
def test_what_a_network_has_goes_on_when_it_grows(
    topology: Topology, update: Update, blocks: int
) -> None:
    small = with_blocks(topology, blocks)
    net = learned(Network(small, update=update, seed=1, dtype="float64"), 40, 2)
    more = grown(net, topology, np.random.default_rng(3))
    assert more.topology == topology
    assert (more.rate, more.steps) == (net.rate, net.steps)
    for name, value in shared(net, small).items():
        np.testing.assert_array_equal(shared(more, small)[name], value, err_msg=name)
    # With nobody listening to the new blocks, the next step and what it changes are the same.
    for kind, layer in units_of(topology):
        old = set(small.sources(kind, layer))
        new = [i for i, name in enumerate(topology.sources(kind, layer)) if name not in old]
        more.weights(kind, layer)[..., new] = 0
    for both in (net, more):
        learned(both, 1, 4)
    for name, value in shared(net, small).items():
        np.testing.assert_allclose(
            shared(more, small)[name], value, rtol=1e-12, atol=1e-14, err_msg=name
        )


def test_new_blocks_are_those_of_a_new_network() -> None:
    topology = TOPOLOGIES[1]
    net = learned(Network(with_blocks(topology, 2), seed=1), 20, 2)
    more = grown(net, topology, np.random.default_rng(3))
    fresh = Network(topology, seed=np.random.default_rng(3))
    for kind in topology.gates:
        np.testing.assert_array_equal(more.weights(kind)[2:], fresh.weights(kind)[2:])
    assert not more.state("cell_state")[2:].any()
    assert not more.partials("cell")[2:].any()
    assert (more.weights("input_gate")[:, -1] == fresh.weights("input_gate")[:, -1])[2:].all()


def test_a_network_grows_by_blocks_alone() -> None:
    net = Network(with_blocks(TOPOLOGIES[0], 3))
    for other in (
        with_blocks(TOPOLOGIES[0], 2),
        replace(TOPOLOGIES[0], inputs=4),
        replace(TOPOLOGIES[0], input_gate_bias=-7.0),
    ):
        with pytest.raises(ValueError, match="network's own with 3 blocks or more"):
            grown(net, other, np.random.default_rng(1))


def test_a_network_without_blocks_learns_and_comes_back() -> None:
    net = Network(Topology(inputs=3, outputs=3, blocks=0), update=SGD(0.5), seed=1)
    for t in range(300):
        net.step(t % 3)
        net.learn((t + 1) % 3)
    assert [int(net.peek(symbol).argmax()) for symbol in range(3)] == [1, 2, 0]
    twin = net.clone()
    assert twin.weights("output").tobytes() == net.weights("output").tobytes()
    record = net.run([0, 1], record=("output", "cell_state"))
    assert record["cell_state"].shape == (2, 1, 0, 1)
    with pytest.raises(ValueError, match="blocks must be at least 1 where there are no shortcuts"):
        Topology(inputs=3, outputs=3, blocks=0, shortcuts=False)
