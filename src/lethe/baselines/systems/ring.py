"""Higher-order units, added where errors conflict (Ring 1993): no recurrence, and no fixed order.

Each weight w_ij, from input j to unit i, may get a unit l_ij of its own, which reads the inputs too
and changes that weight one step later. Its weights may get units in their turn, and so on.

    ŵ_ij(t) = w_ij + l_ij(t−1), or w_ij where there is no such unit
    net_i(t) = Σ_j ŵ_ij(t) x_j(t)                for output units, and l_ij = net of its own

A weight of unit i acts on the outputs τ_i steps later: 0 for output units, τ_i + 1 for l_ij. So
what was read is kept that long, and the gradient is exact without any recursion over time:

    Δw_ij(t) = δ_i(t) x_j(t−τ_i),  w_ij ← w_ij + α Δw_ij
    δ_i(t) = −∂E(t)/∂net_i for output units, and δ of unit l_ij is Δw_ij(t)

A weight is in conflict when it is pulled both ways. Of the Δw_ij(t) that are not zero there are
long-term averages, and a unit l_ij is added, with weights of zero, when

    avg(|Δw_ij|) > Θ |avg(Δw_ij)| + ε,   avg ← (1 − σ) avg + σ new.

Source: Ring, "Learning sequential tasks by incrementally adding higher orders", NIPS 5, 1993 (we
had its abstract and first page), and "CHILD: a first step towards continual learning", Machine
Learning 28, 1997 (its abstract). The equations are from memory of the two, not checked against
their text. Our reading: l-units are linear, as output units were; first weights are zero; averages
are of Δw before α, and those of all weights of unit i restart at 0 when a unit is added for
one of them. With Θ ≥ 1 no unit is added for a weight that is always pulled the same way.

Known for: the Reber grammar after hundreds of strings, and Mozer's gaps. Where it breaks: it learns
what the last k inputs tell, for a k that grows (Markov-k, says Ring in 2011), so not what has to be
held for any time, as in the embedded Reber grammar. Where the next symbol is random, errors
conflict forever, and units are added until the capacity is reached.

Check: δ is back-propagation through all orders, by autodiff (tests/baselines/test_orders.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from lethe.baselines.cell import Array, Arrays, OutputUnits, Tree
from lethe.baselines.credit import Moment

__all__ = ["AddOrders", "HigherOrders", "make"]


@dataclass(frozen=True)
class HigherOrders:
    """Output units and, as they are added, units that each modify one weight one step later.

    Parameters
    ----------
    inputs, outputs, capacity : int
        Numbers of input units, of output units, and the maximum of higher-order units.
    output_units : OutputUnits
        Their squashing and error.
    """

    inputs: int
    outputs: int
    capacity: int = 64
    output_units: OutputUnits = "linear"

    @property
    def units(self) -> int:
        """Rows of the weights: those of output units, then those of higher-order units."""
        return self.outputs + self.capacity

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Weights ``w`` (units, inputs) of zero.

        ``row`` and ``column`` (capacity,) say which weight each higher-order unit modifies; row
        `units`, which does not exist, stands for a unit that has not been added yet.
        """
        none, zeros = np.full(self.capacity, self.units), np.zeros(self.capacity)
        w = np.zeros((self.units, self.inputs))
        return {"state": {"w": w, "row": none, "column": zeros}, "output": ()}

    def start(self) -> NDArray[np.float64]:
        """Net inputs of zero."""
        return np.zeros(self.units)

    def step(self, weights: Arrays, state: Array, x: Array) -> Array:
        """The net inputs of all units."""
        row, column = places(weights)
        modified = state[self.outputs :] * x[column]
        return (weights["w"] @ x).at[row].add(modified, mode="drop")

    def output(self, weights: Tree, state: Array, x: Array) -> Array:
        """The net inputs of the output units."""
        return state[: self.outputs]


def places(weights: Tree) -> tuple[Array, Array]:
    """Row and column (capacity,) of the weight that each higher-order unit modifies."""
    return weights["row"].astype(int), weights["column"].astype(int)


@dataclass(frozen=True)
class AddOrders:
    """Go down the gradient, and add a unit for each weight that is in conflict.

    Parameters
    ----------
    rate : float
        The learning rate α.
    average : float
        σ: what a new Δw weighs in the long-term averages.
    conflict, least : float
        Θ and ε of the criterion.
    """

    rate: float
    average: float
    conflict: float
    least: float

    def start(self, cell: HigherOrders, weights: Tree, key: Array) -> Tree:
        """No units; averages; lags τ (units,); inputs (capacity + 1, inputs), the latest first."""
        w = weights["state"]["w"]
        return {
            "added": jnp.zeros((), int),
            "mean": jnp.zeros_like(w),
            "size": jnp.zeros_like(w),
            "lag": jnp.zeros(cell.units, int),
            "past": jnp.zeros((cell.capacity + 1, cell.inputs), w.dtype),
        }

    def reset(self, cell: HigherOrders, weights: Tree, kept: Tree) -> Tree:
        """Nothing has been read yet."""
        return {**kept, "past": jnp.zeros_like(kept["past"])}

    def learn(
        self, cell: HigherOrders, weights: Tree, kept: Tree, moment: Moment
    ) -> tuple[Tree, Tree]:
        """Change all weights, and add units."""
        past = jnp.concatenate((moment.x[None], kept["past"][:-1]))
        kept = {**kept, "past": past}
        delta = self._deltas(cell, weights["state"], kept, moment)
        change = delta[:, None] * past[kept["lag"]]
        moved, a = change != 0, self.average
        mean = jnp.where(moved, (1 - a) * kept["mean"] + a * change, kept["mean"])
        size = jnp.where(moved, (1 - a) * kept["size"] + a * jnp.abs(change), kept["size"])
        kept = {**kept, "mean": mean, "size": size}
        state = {**weights["state"], "w": weights["state"]["w"] + self.rate * change}
        pulled = moved & (size > self.conflict * jnp.abs(mean) + self.least)
        pulled = pulled.at[places(state)].set(False, mode="drop")
        state, kept = jax.lax.cond(
            jnp.any(pulled) & (kept["added"] < cell.capacity),
            lambda state, kept: self._grown(cell, state, kept, pulled),
            lambda state, kept: (state, kept),
            state,
            kept,
        )
        return {**weights, "state": state}, kept

    @staticmethod
    def _deltas(cell: HigherOrders, state: Tree, kept: Tree, moment: Moment) -> Array:
        """δ (units,), from low orders to high: each unit's is the Δw of the weight it modifies."""
        row, column = places(state)
        read = kept["past"][kept["lag"].at[row].get(mode="fill", fill_value=0), column]

        def one_order_more(_: Array, delta: Array) -> Array:
            below = delta.at[row].get(mode="fill", fill_value=0)
            return delta.at[cell.outputs :].set(below * read)

        first = jnp.zeros(cell.units, moment.error.dtype).at[: cell.outputs].set(-moment.error)
        deltas: Array = jax.lax.fori_loop(0, jnp.max(kept["lag"]), one_order_more, first)
        return deltas

    @staticmethod
    def _grown(cell: HigherOrders, state: Tree, kept: Tree, pulled: Array) -> tuple[Tree, Tree]:
        """Add a unit for each weight that is pulled both ways, up to the capacity."""
        row, column = jnp.nonzero(pulled, size=cell.capacity, fill_value=cell.units)
        new = jnp.where(row < cell.units, kept["added"] + jnp.arange(cell.capacity), cell.capacity)
        dtype = state["row"].dtype
        state = {
            **state,
            "row": state["row"].at[new].set(row.astype(dtype), mode="drop"),
            "column": state["column"].at[new].set(column.astype(dtype), mode="drop"),
        }
        lag = kept["lag"].at[row].get(mode="fill", fill_value=0) + 1
        kept = {
            **kept,
            "added": jnp.minimum(kept["added"] + jnp.sum(pulled), cell.capacity),
            "mean": kept["mean"].at[row].set(0.0, mode="drop"),
            "size": kept["size"].at[row].set(0.0, mode="drop"),
            "lag": kept["lag"].at[cell.outputs + new].set(lag, mode="drop"),
        }
        return state, kept


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    capacity: int = 64,
    rate: float = 0.04,
    average: float = 0.08,
    conflict: float = 1.0,
    least: float = 0.1,
) -> tuple[HigherOrders, AddOrders]:
    """Ring's network, without units; α, σ, Θ and ε are those we remember for the Reber grammar.

    Parameters
    ----------
    inputs, outputs, output_units
        See `lethe.baselines.cell.Cell`.
    capacity, rate, average, conflict, least
        See `HigherOrders` and `AddOrders`.
    """
    cell = HigherOrders(inputs, outputs, capacity, output_units)
    return cell, AddOrders(rate, average, conflict, least)
