"""Looking after networks that live long: stuck gates, drifting states, dead blocks."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from lethe.core._surgery import restart_block
from lethe.core.network import Network
from lethe.model.racing import Racers
from lethe.storage.state import part

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
