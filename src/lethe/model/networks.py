"""The networks within a stream's block: their topologies, their first weights, and copies."""

from __future__ import annotations

import dataclasses

import numpy as np

from lethe import _kernel
from lethe.core._surgery import restart_block
from lethe.core._views import draw_weights
from lethe.core.network import Network
from lethe.core.topology import SQUASHINGS, Topology
from lethe.core.updates import RMSprop

__all__ = ["RATES", "Ensemble"]

Stream = _kernel.NumberStream | _kernel.ClassStream

#: The learning rates of the networks: no one rate suits slow series, quick ones and text
#: (docs/defaults.md has the table).
RATES = (2e-3, 1e-2)


class Ensemble:
    """Networks that differ in their learning rate alone and run side by side in one block.

    Parameters
    ----------
    topology : Topology
        At first; inputs and outputs grow.
    rates : tuple of float
        Their learning rates.
    generator : numpy.random.Generator
        Draws the weights.
    """

    def __init__(
        self, topology: Topology, rates: tuple[float, ...], generator: np.random.Generator
    ) -> None:
        self.topology = topology
        self.updates = [
            RMSprop(rate, smoothing=0.999, epsilon=1e-4, bound_step=0.1) for rate in rates
        ]
        self.generator = generator
        self._before_draws: tuple[int, dict[str, object]] | None = None
        self.squashings = (SQUASHINGS[topology.cell_input], SQUASHINGS[topology.cell_output])

    def draw_first_weights(self, stream: Stream) -> None:
        """Draw every network's weights. Output weights are zero: they begin by adding nothing."""
        for n in range(len(self.updates)):
            self.redraw(stream, n, 0, -1)

    def redraw(self, stream: Stream, n: int, layer: int, block: int) -> None:
        """Draw the weights of a network, or, where `block` is not -1, of one of its blocks."""
        if self._before_draws is None or self._before_draws[0] != stream.events:
            self._before_draws = stream.events, dict(self.generator.bit_generator.state)
        net = Network.on_memory(self.current(stream), self.updates[n], stream.network(n))
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

    def current(self, stream: Stream) -> Topology:
        """The topology now."""
        outputs = self.topology.outputs
        if isinstance(stream, _kernel.ClassStream):
            outputs = stream.classes
        return dataclasses.replace(self.topology, inputs=stream.inputs, outputs=outputs)

    def copies(self, stream: Stream) -> list[Network]:
        """The networks as they are now, each in memory of its own."""
        topology = self.current(stream)
        return [
            Network.from_memory(topology, update, stream.live_network(n))
            for n, update in enumerate(self.updates)
        ]
