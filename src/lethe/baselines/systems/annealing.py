"""Simulated annealing of weights (Bengio, Simard & Frasconi 1994; Corana et al. 1987).

One weight at a time, in turn, is moved to a point to try, with r uniform in [−1, 1]:

    w' = w + r v_i e_i                v_i: how far weight i may move
    w = w'                            if C(w') ≤ C(w), else with probability exp((C(w) − C(w')) / T)

After N_s rounds of all weights each v_i is set so that about half of its moves are taken. With a
the share that was taken:

    v_i *= 1 + c (a − 0.6) / 0.4      if a > 0.6
    v_i /= 1 + c (0.4 − a) / 0.4      if a < 0.4

After N_T such adjustments T *= 0.85, and w is again the best point that was found.

Check: half of the moves, Metropolis, and the minimum of Rosenbrock's function (Corana's first).

What we know of the source, from memory (we could read its first page alone): it takes the algorithm
of Corana, Marchesi, Martini & Ridella (ACM TOMS 13, 1987), candidates are tried on the training
set, and the factor is 0.85. Corana's, from memory too: c = 2, N_s = 20, N_T = max(100, 5 ·
weights); a point outside the domain is drawn again. Our reading: the domain, and far smaller N_s
and N_T, since a trial has some 30,000 presentations; Elman's network with tanh units, so that
outputs are as in all trials.

Known for: the latch problem, about 1,600 presentations "with several methods", and parity of 25 to
50 steps, about 810,000, which no other of the six methods had without error (both quoted by
Schmidhuber, Hochreiter & Bengio 2001). Ours: latch problem 1,488 (10 of 10, T = 100, a training set
of 20). Where it breaks: cost grows with the number of weights, and noisy costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from lethe.baselines.cell import Array, OutputUnits
from lethe.baselines.systems._search import Search
from lethe.baselines.systems.elman import Elman

__all__ = ["Annealing", "make"]

_C = 2.0  # How fast v changes.


@dataclass(frozen=True)
class Annealing:
    """The method of `Search` that is simulated annealing.

    Parameters
    ----------
    temperature : float
        Initial T, in units of the cost.
    cooling : float
        Factor of T.
    rounds, adjustments : int
        N_s and N_T.
    reach : float
        Initial v of all weights.
    domain : float
        Weights stay within ± this.
    """

    temperature: float = 0.1
    cooling: float = 0.85
    rounds: int = 20
    adjustments: int = 5
    reach: float = 1.0
    domain: float = 100.0

    def start(self, w: Array, key: Array) -> dict[str, Array]:
        """The point w and the best one with their costs, v, moves and how many were accepted."""
        nothing, inf = jnp.zeros((), int), jnp.full((), jnp.inf, w.dtype)
        return {
            "key": key,
            "w": w,
            "cost": inf,
            "best_w": w,
            "best_cost": inf,
            "temperature": jnp.full((), self.temperature, w.dtype),
            "reach": jnp.full(w.shape, self.reach, w.dtype),
            "taken": jnp.zeros(w.shape, w.dtype),
            "move": nothing - 1,  # The first point is no move.
            "adjustment": nothing,
        }

    def following(
        self, w: Array, cost: Array, kept: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Accept the point or not; adjust v and cool when due; move the next weight."""
        kept = self._taken(w, cost, kept)
        kept = jax.lax.cond(
            kept["move"] == self.rounds * w.size, self._adjusted, lambda kept: kept, kept
        )
        key, of_move = jax.random.split(kept["key"])
        i = kept["move"] % w.size
        at, v = kept["w"][i], kept["reach"][i]
        low, high = jnp.maximum(at - v, -self.domain), jnp.minimum(at + v, self.domain)
        to = jax.random.uniform(of_move, (), w.dtype, low, high)
        return kept["w"].at[i].set(to), kept | {"key": key}

    def _taken(self, w: Array, cost: Array, kept: dict[str, Array]) -> dict[str, Array]:
        """Metropolis."""
        key, of_luck = jax.random.split(kept["key"])
        luck = jax.random.uniform(of_luck, (), w.dtype)
        take = luck < jnp.exp((kept["cost"] - cost) / kept["temperature"])
        best = cost < kept["best_cost"]
        i = kept["move"]
        return kept | {
            "key": key,
            "w": jnp.where(take, w, kept["w"]),
            "cost": jnp.where(take, cost, kept["cost"]),
            "best_w": jnp.where(best, w, kept["best_w"]),
            "best_cost": jnp.where(best, cost, kept["best_cost"]),
            "taken": kept["taken"].at[i % w.size].add((take & (i >= 0)).astype(w.dtype)),
            "move": i + 1,
        }

    def _adjusted(self, kept: dict[str, Array]) -> dict[str, Array]:
        """New v, and after N_T of them a lower temperature."""
        share = kept["taken"] / self.rounds
        more = 1 + _C * jnp.maximum(share - 0.6, 0) / 0.4
        less = 1 + _C * jnp.maximum(0.4 - share, 0) / 0.4
        cool = kept["adjustment"] + 1 == self.adjustments
        return kept | {
            "reach": jnp.minimum(kept["reach"] * more / less, 2 * self.domain),
            "taken": jnp.zeros_like(share),
            "move": jnp.zeros_like(kept["move"]),
            "adjustment": jnp.where(cool, 0, kept["adjustment"] + 1),
            "temperature": kept["temperature"] * jnp.where(cool, self.cooling, 1.0),
            "w": jnp.where(cool, kept["best_w"], kept["w"]),
            "cost": jnp.where(cool, kept["best_cost"], kept["cost"]),
        }


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    units: int = 1,
    batch: int = 40,
    temperature: float = 0.02,
    cooling: float = 0.85,
    rounds: int = 5,
    adjustments: int = 2,
    reach: float = 10.0,
    initial_range: float = 1.0,
) -> tuple[Elman, Search]:
    """Recurrent tanh units with biases, annealed."""
    cell = Elman(inputs, outputs, units, output_units, True, "tanh", initial_range)
    method = Annealing(temperature, cooling, rounds, adjustments, reach)
    return cell, Search(method, batch)
