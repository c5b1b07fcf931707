"""Multi-grid random search of weights (Bengio, Simard & Frasconi 1994).

    w' = w + r,  r uniform in a box around the best point w:  −s ≤ r_i ≤ s
    where C(w') < C(w):  w = w',  s = s / 2

Only points that are better are taken: where plateaus are the trouble, and not local minima, this
may do with fewer trials than simulated annealing.

Check: costs of the points taken only fall, and each halves the box.

What we know of the source, from memory (we could read its first page alone): the search, the factor
2, and that it stops when it is stuck. Not known: the first size s of the box. Our reading: Elman's
network with tanh units, so that outputs are as in all trials.

Known for: the latch problem, about 1,600 presentations "with several methods" (quoted by
Schmidhuber, Hochreiter & Bengio 2001). From memory, not verified: the two-sequence problem of 50 to
100 steps, about 6,400, the best of the six methods, with 6 % of sequences wrong. Ours: latch
problem 58 (9 of 10, T = 100, a training set of 20): a box of ±10 has many of its solutions. Where
it breaks: the box never grows again, so a search that halved it on a plateau is over.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from lethe.baselines.cell import Array, OutputUnits
from lethe.baselines.systems._search import Search
from lethe.baselines.systems.elman import Elman

__all__ = ["MultiGrid", "make"]


@dataclass(frozen=True)
class MultiGrid:
    """The method of `Search` that is multi-grid random search.

    Parameters
    ----------
    size : float
        s at first.
    """

    size: float = 10.0

    def start(self, w: Array, key: Array) -> dict[str, Array]:
        """The best point, its cost, and the size of the box."""
        inf = jnp.full((), jnp.inf, w.dtype)
        return {"key": key, "w": w, "cost": inf, "size": jnp.full((), self.size, w.dtype)}

    def following(
        self, w: Array, cost: Array, kept: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Take a better point and halve the box; the next one is anywhere in it."""
        better, first = cost < kept["cost"], jnp.isinf(kept["cost"])
        key, of_point = jax.random.split(kept["key"])
        kept = {
            "key": key,
            "w": jnp.where(better, w, kept["w"]),
            "cost": jnp.where(better, cost, kept["cost"]),
            "size": kept["size"] * jnp.where(better & ~first, 0.5, 1.0),
        }
        s = kept["size"]
        return kept["w"] + jax.random.uniform(of_point, w.shape, w.dtype, -s, s), kept


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    units: int = 1,
    batch: int = 40,
    size: float = 10.0,
    initial_range: float = 1.0,
) -> tuple[Elman, Search]:
    """Recurrent tanh units with biases, searched."""
    cell = Elman(inputs, outputs, units, output_units, True, "tanh", initial_range)
    return cell, Search(MultiGrid(size), batch)
