"""What changes a network from outside: a memory block with new weights, and more blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lethe.core.network import Network
from lethe.core.run import Recordable
from lethe.core.topology import GATES, Topology, UnitKind

__all__ = ["grown", "restart_block", "with_blocks"]

# A network's memory begins with its rate, counters and flags (kernels/network/layout.hpp).
_HEADER_BYTES = 64


def with_blocks(topology: Topology, blocks: int) -> Topology:
    """The same topology with its first blocks alone."""
    biases = {
        f"{gate}_bias": None if (bias := topology.initial_bias(gate)) is None else bias[:blocks]
        for gate in GATES
    }
    return replace(topology, blocks=blocks, **biases)  # type: ignore[arg-type]  # as they are


def grown(net: Network, topology: Topology, generator: np.random.Generator) -> Network:
    """A network with more memory blocks, in which what `net` has goes on unchanged.

    Weights, moments, partials and states that both have are `net`'s, and so are the rate and the
    counters; all others are those of a new network, whose weights the generator draws.

    Parameters
    ----------
    net : Network
        Completes its last step, and is otherwise unchanged.
    topology : Topology
        The network's own, with as many blocks or more.
    generator : numpy.random.Generator
        Draws weights.

    Raises
    ------
    ValueError
        If the topology differs in anything else.
    """
    old = net.topology
    if topology.blocks < old.blocks or with_blocks(topology, old.blocks) != old:
        raise ValueError(
            f"topology must be the network's own with {old.blocks} blocks or more, got {topology}"
        )
    new = Network(topology, update=net.update, seed=generator, dtype=net.dtype)
    hidden: tuple[UnitKind, ...] = (*old.gates, "cell")
    units: list[tuple[UnitKind, int]] = [(kind, n) for n in range(old.layers) for kind in hidden]
    for kind, layer in [*units, ("output", 0)]:
        names = topology.sources(kind, layer)
        kept = [names.index(name) for name in old.sources(kind, layer)]
        first = slice(old.outputs if kind == "output" else old.blocks)
        pairs = [(new.weights(kind, layer), net.weights(kind, layer))]
        pairs += [
            (new.moments(kind, layer, order=order), net.moments(kind, layer, order=order))
            for order in net.update.moments
        ]
        if kind not in ("output", "output_gate"):
            pairs.append((new.partials(kind, layer), net.partials(kind, layer)))
        for to, values in pairs:
            to[first][..., kept] = values
    states: tuple[Recordable, ...] = (*GATES, "cell_state", "cell_output")
    for layer in range(old.layers):
        for name in states:
            new.state(name, layer)[: old.blocks] = net.state(name, layer)
    return _with_counters_of(net, new)


def _with_counters_of(net: Network, new: Network) -> Network:
    new._core.snapshot()
    header = np.frombuffer(net._core.save(), np.uint8, _HEADER_BYTES)
    block = np.frombuffer(new._core.save(), np.uint8).reshape(2, -1).copy()
    block[:, :_HEADER_BYTES] = header
    return Network._restored(new._parts, block.reshape(-1))


def restart_block(net: Network, layer: int, block: int, generator: np.random.Generator) -> None:
    """Give a block new weights, as at the start, and a state of zero; nothing listens to it yet."""
    topology = net.topology
    kinds: tuple[UnitKind, ...] = (*topology.gates, "cell")
    for kind in kinds:
        weights = net.weights(kind, layer)[block]
        weights[...] = generator.uniform(
            -topology.initial_range, topology.initial_range, weights.shape
        )
        bias = topology.initial_bias(kind) if kind in GATES else None
        if bias is not None:
            weights[-1] = bias[block]
        if kind != "output_gate":
            net.partials(kind, layer)[block] = 0
        for order in net.update.moments:
            net.moments(kind, layer, order=order)[block] = 0
    for peepholes in topology.peephole_kinds:
        weights = net.weights(peepholes, layer)[block]
        weights[...] = generator.uniform(
            -topology.initial_range, topology.initial_range, weights.shape
        )
        if peepholes != "output_gate_peepholes":
            net.partials(peepholes, layer)[block] = 0
        for order in net.update.moments:
            net.moments(peepholes, layer, order=order)[block] = 0
    net.state("cell_state", layer)[block] = 0
    net.state("cell_output", layer)[block] = 0
    # Whoever reads the block forgets it: its own layer, the one above, and the output units.
    readers: list[tuple[UnitKind, int, str]] = [("output", 0, f"layer {layer} cell {block}.")]
    for kind in kinds:
        readers.append((kind, layer, f"cell {block}."))
        if layer + 1 < topology.layers:
            readers.append((kind, layer + 1, f"below {block}."))
    for kind, n, name in readers:
        sources = topology.sources(kind, n)
        places = [place for place, source in enumerate(sources) if source.startswith(name)]
        net.weights(kind, n)[..., places] = 0
