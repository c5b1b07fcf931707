"""Looking after networks that live long: stuck gates, drifting states, dead blocks."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from lethe.model.life import part
from lethe.model.racing import Racers
from lethe.network import Network
from lethe.topology import GATES, UnitKind

__all__ = ["Health"]

#: Events between two looks, and looks after which what was always so is called stuck.
EVERY, LOOKS = 1000, 20

#: A gate this near to 0 or 1 is saturated; a state beyond this drifts.
EDGE, DRIFT = 0.001, 1000.0


@part
class Health:
    """Counts, for each block of each network, how many looks in a row found it stuck.

    A gate that was saturated at `LOOKS` looks in a row, or a state that drifts, raises an alarm. A
    block whose input or output gate was shut all that time is dead: no error reaches it. It is
    restarted with new weights that add nothing at first.

    Attributes
    ----------
    alarms : dict
        How often each kind of alarm was raised.
    """

    LIFE: ClassVar = ("alarms", "stuck", "shut")

    def __init__(self) -> None:
        self.alarms = {"saturated gate": 0, "drifting state": 0, "restarted block": 0}
        self.stuck: list[Any] = []  # (gates, blocks) for each layer of each network
        self.shut: list[Any] = []  # (blocks,)

    def is_due(self, events: int) -> bool:
        """Whether it is time to look, after so many events."""
        return events % EVERY == 0

    def look(self, racers: Racers, generator: np.random.Generator) -> None:
        """Look at every network; none may wait for the target of a step."""
        layers = [(net, n) for net in racers.learners for n in range(net.topology.layers)]
        if len(self.stuck) != len(layers):
            self.stuck = [np.zeros((3, net.topology.blocks), np.int64) for net, _ in layers]
            self.shut = [np.zeros(net.topology.blocks, np.int64) for net, _ in layers]
        for (net, layer), stuck, shut in zip(layers, self.stuck, self.shut, strict=True):
            self._look_at(net, layer, stuck, shut, generator)

    def _look_at(
        self, net: Network, layer: int, stuck: Any, shut: Any, generator: np.random.Generator
    ) -> None:
        closed = np.zeros(net.topology.blocks, bool)
        for row, gate in enumerate(net.topology.gates):
            y = net.state(gate, layer)
            saturated = (y < EDGE) | (y > 1 - EDGE)
            stuck[row] = np.where(saturated, stuck[row] + 1, 0)
            if gate != "forget_gate":
                closed |= y < EDGE
        self.alarms["saturated gate"] += int((stuck == LOOKS).sum())
        shut[:] = np.where(closed, shut + 1, 0)
        drifting = (np.abs(net.state("cell_state", layer)) > DRIFT).any(axis=1)
        self.alarms["drifting state"] += int(drifting.sum())
        for block in np.flatnonzero(shut >= LOOKS):
            restart_block(net, layer, int(block), generator)
            stuck[:, block], shut[block] = 0, 0
            self.alarms["restarted block"] += 1


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
        for order in net.moment_orders:
            net.moments(kind, layer, order=order)[block] = 0
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
