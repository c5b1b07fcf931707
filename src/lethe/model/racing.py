"""Networks that differ in their learning rate alone and run side by side, and their two states."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lethe.core._batch import NetworkBatch
from lethe.core._surgery import forget_input, forget_output, grown, copy_weights_from
from lethe.core.network import Network, NotFiniteError
from lethe.core.topology import Topology
from lethe.core.updates import RMSprop
from lethe.storage.state import part

__all__ = ["RATES", "Racers"]

Inputs = NDArray[np.float32] | int
Outputs = NDArray[np.float32]

#: The learning rates that race: no one rate suits slow series, quick ones and text
#: (docs/defaults.md has the table).
RATES = (2e-3, 1e-2)


@part
class Racers:
    """One set of weights for each learning rate, and for each two states.

    The learner, with its partials, takes events in order up to the oldest whose target is still
    owed. The front takes every event at once, with the weights of then. While nothing is owed the
    learner itself is the front.

    Parameters
    ----------
    topology : Topology
        Of every network.
    rates : tuple of float
        Their learning rates.
    generator : numpy.random.Generator
        Draws the first weights.
    """

    LIFE: ClassVar = ("learners", "fronts", "apart", "lost", "stumbled", "waiting")

    # The networks that are called together, made when they are needed.
    _learning: NetworkBatch | None = None
    _ahead: NetworkBatch | None = None

    def __init__(
        self, topology: Topology, rates: tuple[float, ...], generator: np.random.Generator
    ) -> None:
        self.learners = [
            Network(
                topology,
                update=RMSprop(rate, smoothing=0.999, epsilon=1e-4, bound_step=0.1),
                seed=generator,
            )
            for rate in rates
        ]
        for net in self.learners:
            net.weights("output")[...] = 0  # they begin by adding nothing
        self.fronts: list[Network] = []
        self.apart = False
        self.lost = 0  # steps undone because numbers stopped being finite
        self.waiting = False  # whether the learners' last step waits for its target
        self.stumbled = 0  # a bit for each network whose last step was undone: it has no error

    def peek(self, x: Inputs) -> Outputs:
        """What `step` would answer: (networks, outputs); nothing changes."""
        networks = self.fronts if self.apart else self.learners
        try:
            return self._front().peek(x)
        except NotFiniteError:
            return np.concatenate([_peek(net, x) for net in networks])

    def step(self, x: Inputs, *, owed: bool) -> Outputs:
        """Take an event at the front; `owed` says whether earlier ones wait for their targets."""
        if owed:
            self.part_ways()
        if self.apart:
            return self._front().step(x, learn=False)[0]
        return self._step(x)

    def part_ways(self) -> None:
        """From here on the front goes ahead of the learners."""
        if not self.apart:
            self.fronts = [net.clone() for net in self.learners]
            self._ahead = None
            self.apart = True

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.LIFE}

    def _team(self) -> NetworkBatch:
        if self._learning is None:
            self._learning = NetworkBatch(self.learners)
        return self._learning

    def _front(self) -> NetworkBatch:
        if not self.apart:
            return self._team()
        if self._ahead is None:
            self._ahead = NetworkBatch(self.fronts)
        return self._ahead

    def _step(self, x: Inputs) -> Outputs:
        """The learners' step; where numbers stop being finite a network is back at its last good.

        What it learned since is lost, and it does not learn from this step.
        """
        y, self.stumbled, lost = self._team().step(x, learn=True)
        self.waiting = True
        self.lost += lost
        return y

    def learn(
        self,
        x: Inputs,
        stepped: bool,
        target: NDArray[np.float32] | int | None = None,
        known: NDArray[np.bool_] | None = None,
    ) -> None:
        """Let the learners take an event whose target is no longer owed.

        Parameters
        ----------
        x : ndarray or int
            The event's input.
        stepped : bool
            Whether the learners were at the front when it came, and have taken it then.
        target : ndarray or int, optional
            A vector or a class; None where it is missing for good.
        known : ndarray of bool, optional
            Which numbers of a vector are there; by default all.
        """
        if not stepped:
            self._step(x)
        self.waiting = False
        if target is None:
            pass  # the step has advanced the partials
        elif known is None:
            self.lost += self._team().learn(target, self.stumbled)
        else:
            for n, net in enumerate(self.learners):
                wanted = np.where(known, target, net.state("output")).astype(net.dtype)
                self.lost += NetworkBatch([net]).learn(wanted, self.stumbled >> n & 1)
        if self.apart:
            for front, net in zip(self.fronts, self.learners, strict=True):
                copy_weights_from(front, net)

    def rejoin(self) -> None:
        """Nothing is owed any more: the learners are the front."""
        if self.apart:
            self.apart = False
            self.fronts = []
            self._ahead = None

    def grow(self, inputs: int, outputs: int) -> None:
        """Make room for more inputs and outputs."""
        self._complete()
        self.learners = [grown(net, inputs, outputs) for net in self.learners]
        self.fronts = [grown(net, inputs, outputs) for net in self.fronts]
        self._learning = self._ahead = None

    def _complete(self) -> None:
        """Weights are to be written: a step that waits for its target will not learn from it."""
        if self.waiting:
            self.stumbled = (1 << len(self.learners)) - 1

    def forget_output(self, place: int) -> None:
        """Take an output's weights back to zero, for another use of its place."""
        self._complete()
        for net in (*self.learners, *self.fronts):
            forget_output(net, place)

    def start_outputs_low(self, first: int) -> None:
        """Let new outputs begin as the least likely of those before them."""
        self._complete()
        for net in (*self.learners, *self.fronts):
            bias = net.weights("output")[:, -1]
            bias[first:] = bias[:first].min()

    def forget_input(self, place: int) -> None:
        """Take an input's weights and partials back to zero, for another use of its place."""
        self._complete()
        for net in (*self.learners, *self.fronts):
            forget_input(net, place)


def _peek(net: Network, x: Inputs) -> Outputs:
    """As in `step`, a network whose numbers stopped being finite answers 0."""
    try:
        return NetworkBatch([net]).peek(x)
    except NotFiniteError:
        return np.zeros((1, net.topology.outputs), np.float32)
