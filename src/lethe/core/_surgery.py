"""What changes a network from outside: a memory block that gets new weights."""

from __future__ import annotations

import numpy as np

from lethe.core.network import Network
from lethe.core.topology import GATES, UnitKind

__all__ = ["restart_block"]


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
