"""What changes a network from outside: growth, inputs and outputs forgotten, blocks restarted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from lethe.core._views import moment_name
from lethe.core.network import Network
from lethe.core.run import Recordable
from lethe.core.topology import GATES, UnitKind

__all__ = ["copy_weights_from", "forget_input", "forget_output", "grown", "restart_block"]


def grown(net: Network, inputs: int, outputs: int) -> Network:
    """A network with more inputs and outputs that answers as `net` does, and goes on so.

    The weights, partials, moments and states that are there are copied; the new ones are zero.
    A step that waits for its target is completed without one.

    Parameters
    ----------
    net : Network
        It stays as it is.
    inputs, outputs : int
        How many; at least as many as now.

    Returns
    -------
    Network
        Its new outputs are those of units without any weight.

    Raises
    ------
    ValueError
        If one would be fewer than now.

    Examples
    --------
    >>> from lethe import Topology
    >>> net = Network(Topology(inputs=2, outputs=1), seed=3)
    >>> bool(grown(net, 4, 1).step([1, 0, 0, 0]) == net.step([1, 0]))
    True
    """
    was = net.topology
    if inputs < was.inputs or outputs < was.outputs:
        raise ValueError(
            f"inputs and outputs must be at least {was.inputs} and {was.outputs}, "
            f"got {inputs!r} and {outputs!r}"
        )
    topology = dataclasses.replace(was, inputs=inputs, outputs=outputs)
    made = Network(topology, update=net.update, dtype=net.dtype)
    kinds: tuple[UnitKind, ...] = (*topology.gates, "cell")
    names: tuple[Recordable, ...] = ("cell_state", "cell_output", *topology.gates)
    for layer in range(topology.layers):
        for kind in kinds:
            _copy_sources(net, made, kind, layer)
        for name in names:
            made.state(name, layer)[...] = net.state(name, layer)
    _copy_sources(net, made, "output", 0)
    made._core.take_counters(net._core)
    made._core.snapshot()
    return made


def _copy_sources(before: Network, after: Network, kind: UnitKind, layer: int) -> None:
    """Weights, moments and partials of one kind of unit, by the names of their sources."""
    topology = before.topology
    places = {name: n for n, name in enumerate(after.topology.sources(kind, layer))}
    where = [places[name] for name in topology.sources(kind, layer)]
    units = slice(topology.outputs) if kind == "output" else slice(None)
    views = [(before.weights(kind, layer), after.weights(kind, layer))]
    for order in before.update.moments:
        views.append(
            (before.moments(kind, layer, order=order), after.moments(kind, layer, order=order))
        )
    if kind in ("input_gate", "forget_gate", "cell"):
        views.append((before.partials(kind, layer), after.partials(kind, layer)))
    for old, new in views:
        new[...] = 0
        new[units][..., where] = old


def copy_weights_from(net: Network, other: Network) -> None:
    """Copy the weights of a network of the same topology; states stay."""
    for name, layers in (("weights", net.topology.layers), ("output_weights", 1)):
        for layer in range(layers):
            np.copyto(net._core.array(name, layer), other._core.array(name, layer))


def _moment_names(net: Network) -> Iterator[str]:
    return map(moment_name, net.update.moments)


def forget_input(net: Network, place: int) -> None:
    """Take all weights from an input, their moments and partials back to zero.

    A step that waits for its target is completed without one. No snapshot is due: a roll-back
    may bring weights back that nobody wants, but none that is not finite.
    """
    net._core.complete_step()
    for layer in range(net.topology.layers):
        for name in ("weights", *_moment_names(net), "partials"):
            net._core.array(name, layer)[place] = 0
    if net.topology.shortcuts:
        row = net.topology.layers * net.topology.cells + place
        for name in ("weights", *_moment_names(net)):
            net._core.array(f"output_{name}", 0)[row] = 0


def forget_output(net: Network, place: int) -> None:
    """Take all weights to an output and their moments back to zero.

    A step that waits for its target is completed without one.
    """
    net._core.complete_step()
    for name in ("weights", *_moment_names(net)):
        net._core.array(f"output_{name}", 0)[:, place] = 0


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
