"""A network with more inputs and outputs that goes on as the one before it."""

from __future__ import annotations

import dataclasses

from lethe.network import Network
from lethe.run import Recordable
from lethe.topology import UnitKind

__all__ = ["grown"]


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
    for order in before.moment_orders:
        views.append(
            (before.moments(kind, layer, order=order), after.moments(kind, layer, order=order))
        )
    if kind in ("input_gate", "forget_gate", "cell"):
        views.append((before.partials(kind, layer), after.partials(kind, layer)))
    for old, new in views:
        new[...] = 0
        new[units][..., where] = old
