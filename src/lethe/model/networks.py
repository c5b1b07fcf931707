"""The networks within a stream's block: their topologies, their first weights, and copies."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from lethe import _kernel
from lethe.core._surgery import restart_block
from lethe.core._views import draw_weights
from lethe.core.network import Network
from lethe.core.topology import SQUASHINGS, Squash, Topology
from lethe.core.updates import RMSprop

__all__ = ["RATES", "Ensemble", "Group"]

Stream = _kernel.NumberStream | _kernel.ClassStream

#: The learning rates of the networks: no one rate suits slow series, quick ones and text
#: (docs/defaults.md has the table).
RATES = (2e-3, 1e-2)


@dataclass(frozen=True)
class Group:
    """Networks of one topology.

    Attributes
    ----------
    topology : Topology
        At first; inputs and outputs grow.
    updates : tuple of RMSprop
        How each of them learns.
    """

    topology: Topology
    updates: tuple[RMSprop, ...]

    @classmethod
    def of_rates(cls, topology: Topology, rates: Iterable[float]) -> Self:
        """Networks that differ in their learning rate."""
        rule = RMSprop(0.0, smoothing=0.999, epsilon=1e-4, bound_step=0.1)
        return cls(topology, tuple(dataclasses.replace(rule, rate=rate) for rate in rates))

    def described(self) -> tuple[Topology, list[RMSprop], Squash, Squash]:
        """As the compiled code reads it."""
        topology = self.topology
        squashings = SQUASHINGS[topology.cell_input], SQUASHINGS[topology.cell_output]
        return topology, [*self.updates], *squashings


class Ensemble:
    """Networks that run side by side in one block, in groups of one topology.

    Parameters
    ----------
    groups : sequence of Group
        In the order of the block.
    generator : numpy.random.Generator
        Draws the weights.
    """

    def __init__(self, groups: Sequence[Group], generator: np.random.Generator) -> None:
        self.groups = tuple(groups)
        self.generator = generator
        self._before_draws: tuple[int, dict[str, object]] | None = None

    @property
    def updates(self) -> list[RMSprop]:
        """How each network learns, group after group."""
        return [update for group in self.groups for update in group.updates]

    def draw_first_weights(self, stream: Stream) -> None:
        """Draw every network's weights. Output weights are zero: they begin by adding nothing."""
        for n in range(len(self.updates)):
            self.redraw(stream, n, 0, -1)

    def redraw(self, stream: Stream, n: int, layer: int, block: int) -> None:
        """Draw the weights of a network, or, where `block` is not -1, of one of its blocks."""
        if self._before_draws is None or self._before_draws[0] != stream.events:
            self._before_draws = stream.events, dict(self.generator.bit_generator.state)
        net = Network.on_memory(self.current(stream, n), self.updates[n], stream.network(n))
        if block >= 0:
            restart_block(net, layer, block, self.generator)
            return
        draw_weights(net._core, net.topology, self.generator)
        net.weights("output")[...] = 0

    def take_back_draws(self, stream: Stream) -> None:
        """Let the generator be as it was before an event that the stream has not taken in."""
        if self._before_draws is not None and self._before_draws[0] == stream.events:
            self.generator.bit_generator.state = self._before_draws[1]
            self._before_draws = None

    def current(self, stream: Stream, n: int = 0) -> Topology:
        """The topology of a network now."""
        topologies = [group.topology for group in self.groups for _ in group.updates]
        inputs, outputs = stream.network_size(n)
        return dataclasses.replace(topologies[n], inputs=inputs, outputs=outputs)

    def copies(self, stream: Stream) -> list[Network]:
        """The networks as they are now, each in memory of its own."""
        return [
            Network.from_memory(self.current(stream, n), update, stream.live_network(n))
            for n, update in enumerate(self.updates)
        ]
