"""The LSTM of both papers as a cell, so that every credit can be tried on it.

Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 1999. The equations are those of
`lethe.core.equations` (7 to 11), for any one-layer `Topology`. With `truncated` the past cell
outputs (and gates, where they feed back) are constants to the derivatives, which is the papers'
truncation: real-time recurrent learning of that cell is their algorithm, to the last digits of a
`Network` (tests/baselines/test_credit.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lethe.baselines.cell import Array, Arrays, OutputUnits, Tree
from lethe.core.network import Network
from lethe.core.topology import Topology

__all__ = ["Lstm"]

_SQUASHING: dict[str, Any] = {
    "centred_logistic_2": lambda net: 4 * jax.nn.sigmoid(net) - 2,
    "centred_logistic_1": lambda net: 2 * jax.nn.sigmoid(net) - 1,
    "logistic": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "identity": lambda net: net,
}


@dataclass(frozen=True)
class Lstm:
    """The memory blocks of a `Topology` of one layer.

    Parameters
    ----------
    topology : Topology
        One layer, without peepholes.
    truncated : bool
        Whether the derivatives stop where the papers stop them.
    """

    topology: Topology
    truncated: bool = True

    def __post_init__(self) -> None:
        """Check that there is one layer, and nothing that is not here."""
        t = self.topology
        if t.layers != 1:
            raise ValueError(f"topology must have one layer, got {t.layers}")
        if t.peepholes:
            raise ValueError("topology must have no peepholes here, got peepholes=True")
        if t.printed_eq21 or t.partial_decay == "eq21":
            raise ValueError(
                "topology must have the partials of eqs. 18 to 21, or ones that fade by a number, "
                f"got printed_eq21={t.printed_eq21}, partial_decay={t.partial_decay!r}"
            )
        if not isinstance(t.partial_decay, str) and not self.truncated:
            raise ValueError(
                'topology must have a partial_decay of "forget_gate" unless derivatives are '
                f"truncated, got {t.partial_decay}"
            )

    @property
    def inputs(self) -> int:
        """Number of input units."""
        return self.topology.inputs

    @property
    def outputs(self) -> int:
        """Number of output units."""
        return self.topology.outputs

    @property
    def output_units(self) -> OutputUnits:
        """Their squashing and their error."""
        return self.topology.output_units

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """The first weights of a `Network` with this seed, with the sources in its order."""
        net = Network(self.topology, seed=draw, dtype="float64")
        kinds = (*self.topology.gates, "cell")
        state = {kind: net.weights(kind).copy() for kind in kinds}  # type: ignore[arg-type]
        return {"state": state, "output": net.weights("output").copy()}

    def start(self) -> Tree:
        """Cell states and outputs (cells_per_block, blocks), and gates (gates, blocks)."""
        t = self.topology
        cells = np.zeros((t.cells_per_block, t.blocks))
        past = np.full_like(cells, t.initial_activation)
        gates = np.full((len(t.gates), t.blocks), t.initial_activation)
        # The state is what some unit reads now or one step later.
        return {"s": cells, "y": past, "gates": gates if t.gates_are_sources else ()}

    def step(self, weights: Arrays, state: Tree, x: Array) -> dict[str, Tree]:
        """Eqs. 7, 8 and 11."""
        t = self.topology
        past = (state["y"], state["gates"])
        if self.truncated:
            past = jax.lax.stop_gradient(past)
        sources = [x]
        if t.recurrent:
            sources.append(past[0].ravel())
        if t.gates_are_sources:
            sources.append(past[1].ravel())
        z = jnp.concatenate(sources)
        gate = {kind: jax.nn.sigmoid(self._net(kind, weights[kind], z)) for kind in t.gates}
        g = _SQUASHING[t.cell_input](self._net("cell", weights["cell"], z).T)
        kept = gate.get("forget_gate", t.state_decay)
        s = self._kept(state["s"], kept) + g * gate.get("input_gate", 1.0)
        y = _SQUASHING[t.cell_output](s) * gate.get("output_gate", 1.0)
        gates = jnp.stack([gate[kind] for kind in t.gates]) if t.gates_are_sources else ()
        return {"s": s, "y": y, "gates": gates}

    def _kept(self, s: Array, kept: Array | float) -> Array:
        """What is left of the state, `kept` of it; its derivative may be a constant instead."""
        decay = self.topology.partial_decay
        if isinstance(decay, str):
            return s * kept
        value = jax.lax.stop_gradient(s)
        return value * kept + decay * (s - value)

    def output(self, weights: Array, state: Tree, x: Array) -> Array:
        """Eq. 9."""
        t = self.topology
        z = jnp.concatenate((state["y"].ravel(), x)) if t.shortcuts else state["y"].ravel()
        return self._net("output", weights, z)

    def _net(self, kind: str, weights: Array, z: Array) -> Array:
        return weights @ (jnp.append(z, 1.0) if kind in self.topology.biased else z)
