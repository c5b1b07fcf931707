"""What kernels/stream/ensemble.hpp does with networks, a second time: with `lethe.Network`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from oracles.events import Values

from lethe import Network

SATURATED, DRIFTING, STUCK_INSPECTIONS = 0.001, 1000.0, 20
GATES: Any = ("input_gate", "forget_gate", "output_gate")
HIDDEN: Any = (*GATES, "cell")

Input = NDArray[np.float32] | int


class Ensemble:
    """Networks that run side by side: those that learn, and, from a fork on, live copies.

    Parameters
    ----------
    networks : list of Network
        Of one topology.
    ahead : bool
        Whether they may have to predict ahead of what they have learned.
    """

    def __init__(self, networks: list[Network], *, ahead: bool = True) -> None:
        self.training, self.can_be_ahead = networks, ahead
        self.live: list[Network] | None = None
        self.following = False  # a live state for good
        self.waiting = self.without_error = False
        topology = networks[0].topology
        shape = (len(networks), topology.layers, topology.blocks)
        self.stuck = np.zeros((*shape, 3))
        self.shut = np.zeros(shape)
        self.alarms = np.zeros(3)

    def _given(self, x: Input) -> Any:
        """What came before there were as many inputs had none of the others."""
        return x if isinstance(x, int) else x[: self.training[0].topology.inputs]

    def step(self, x: Input, *, ahead: bool) -> NDArray[np.float32]:
        if ahead and self.can_be_ahead:
            self.fork()
        if self.live is None:
            return self._step_training(x)
        return np.array([net.step(self._given(x), learn=False).copy() for net in self.live])

    def fork(self) -> None:
        if self.live is None:
            self.live = [net.clone() for net in self.training]

    def merge(self) -> None:
        self.live = None

    def _step_training(self, x: Input) -> NDArray[np.float32]:
        self.waiting, self.without_error = True, False
        return np.array([net.step(self._given(x)).copy() for net in self.training])

    def peek(self, x: Input) -> NDArray[np.float32]:
        networks = self.training if self.live is None else self.live
        return np.array([net.peek(self._given(x)) for net in networks])

    def learn(
        self,
        x: Input,
        *,
        stepped: bool,
        target: NDArray[np.float32] | int | None = None,
        useful: NDArray[np.bool_] | None = None,
    ) -> None:
        """An event that waits no more; without a target the step has advanced the partials."""
        if not stepped:
            self._step_training(x)
        self.waiting = False
        if target is not None and not self.without_error:
            for net in self.training:
                if isinstance(target, int):
                    net.learn(target)
                else:
                    net.learn(np.where(useful, target, net.state("output")).astype(np.float32))
        self._share_weights()

    def _share_weights(self) -> None:
        for live, net in zip(self.live or (), self.training, strict=False):
            for kind in HIDDEN:
                for layer in range(net.topology.layers):
                    live.weights(kind, layer)[...] = net.weights(kind, layer)
            live.weights("output")[...] = net.weights("output")

    def complete_step(self) -> None:
        if self.waiting:
            self.without_error = True

    # ---- surgery ----

    def forget_input(self, index: int) -> None:
        for net in self.training:
            for layer in range(net.topology.layers):
                for kind in HIDDEN:
                    net.weights(kind, layer)[..., index] = 0
                    net.moments(kind, layer)[..., index] = 0
                    if kind != "output_gate":
                        net.partials(kind, layer)[..., index] = 0
            if net.topology.shortcuts:
                row = net.topology.sources("output").index(f"input {index}")
                net.weights("output")[:, row] = 0
                net.moments("output")[:, row] = 0
        self._share_weights()

    def forget_output(self, output: int) -> None:
        for net in self.training:
            net.weights("output")[output] = 0
            net.moments("output")[output] = 0
        self._share_weights()

    def start_outputs_low(self, first: int) -> None:
        for net in self.training:
            bias = net.weights("output")[:, -1]
            bias[first:] = bias[:first].min()
        self._share_weights()

    def grow(self, inputs: int, outputs: int) -> None:
        self.training = [grown(net, inputs, outputs) for net in self.training]
        if self.live is not None:
            self.live = [grown(net, inputs, outputs) for net in self.live]

    # ---- inspections ----

    def inspect(self) -> None:
        for n, net in enumerate(self.training):
            for layer in range(net.topology.layers):
                gates = np.stack([net.state(gate, layer) for gate in GATES], axis=1)
                saturated = (gates < SATURATED) | (gates > 1 - SATURATED)
                stuck = self.stuck[n, layer]
                stuck[...] = np.where(saturated, stuck + 1, 0)
                self.alarms[0] += (stuck == STUCK_INSPECTIONS).sum()
                is_shut = (gates[:, [0, 2]] < SATURATED).any(axis=1)
                self.shut[n, layer] = np.where(is_shut, self.shut[n, layer] + 1, 0)
                cells = np.abs(net.state("cell_state", layer))
                self.alarms[1] += (cells > DRIFTING).any(axis=1).sum()
        # What restarts draw is the model's affair: test_model_health.py has it.
        assert self.shut.max() < STUCK_INSPECTIONS


def parts_of(groups: Sequence[Ensemble]) -> dict[str, Values]:
    """What groups of networks hold, by the names of the block's parts."""

    def bits(group: Ensemble) -> int:
        return ((1 << len(group.training)) - 1) * group.without_error

    return {
        "forked": np.array([group.live is not None for group in groups]),
        "waiting": np.array([group.waiting for group in groups]),
        "diverged": np.array([bits(group) for group in groups]),
        "redraw": np.zeros(len(groups)),
        "lost steps": np.zeros(1),
        "stuck": np.concatenate([group.stuck.reshape(-1, 3) for group in groups]),
        "shut": np.concatenate([group.shut.ravel() for group in groups]),
        "alarms": np.sum([group.alarms for group in groups], axis=0),
    }


def grown(net: Network, inputs: int, outputs: int) -> Network:
    """A network with more inputs and outputs, whose weights are zero, that goes on as this one."""
    topology = net.topology
    larger = dataclasses.replace(topology, inputs=inputs, outputs=outputs)
    made = Network(larger, update=net.update)

    def copy(kind: Any, layer: int, views: str, **more: Any) -> None:
        new = getattr(made, views)(kind, layer, **more)
        old = getattr(net, views)(kind, layer, **more)
        places = {name: n for n, name in enumerate(larger.sources(kind, layer))}
        where = [places[name] for name in topology.sources(kind, layer)]
        new[...] = 0
        new[tuple(slice(n) for n in old.shape[:-1])][..., where] = old

    for layer in range(topology.layers):
        for kind in HIDDEN:
            copy(kind, layer, "weights")
            copy(kind, layer, "moments")
            if kind != "output_gate":
                copy(kind, layer, "partials")
        for name in ("cell_state", "cell_output", *GATES):
            made.state(name, layer)[...] = net.state(name, layer)
    copy("output", 0, "weights")
    copy("output", 0, "moments")
    return made
