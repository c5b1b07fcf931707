"""Search in the space of weights: a rule that uses the cost of candidates and no gradient.

The learner's weights are always the current candidate. Its cost is

    C(w) = 1/B Σ_p Σ_t ½ |target(t) − y(t)|²          over the next B sequences p

and then a method (simulated annealing, multi-grid random search) says what to try next. Each
sequence is one presentation.

The papers have a training set, and try each candidate on all of it. Presented again and again, a
training set of B sequences does the same. On a stream, the costs that are compared come from
different sequences; a candidate with easy sequences can stop the search.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from lethe.baselines.cell import Array, Cell, Tree
from lethe.baselines.credit import Moment

__all__ = ["Method", "Search"]


class Method(Protocol):
    """Which weights to try next: a frozen dataclass of pure functions."""

    def start(self, w: Array, key: Array) -> dict[str, Array]:
        """What it keeps before the first weights (W,) are tried."""

    def following(
        self, w: Array, cost: Array, kept: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """The next candidate (W,), and what it keeps, given the cost of the last one."""


@dataclass(frozen=True)
class Search:
    """Try each candidate on a number of sequences, then the next.

    Parameters
    ----------
    method : Method
        Which candidate is next.
    batch : int
        Number of sequences for each candidate.
    """

    method: Method
    batch: int = 10

    def start(self, cell: Cell, weights: Tree, key: Array) -> Tree:
        """What the method keeps; the error of this candidate, and sequences that it has seen."""
        w, _ = ravel_pytree(weights)
        return self.method.start(w, key), jnp.zeros((), w.dtype), jnp.zeros((), int)

    def reset(self, cell: Cell, weights: Tree, kept: Tree) -> Tree:
        """A candidate is tried across sequences."""
        return kept

    def learn(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> tuple[Tree, Tree]:
        """Add this step's error; at the end of the last sequence go on to the next candidate."""
        method, total, sequences = kept
        half = 0.5 * jnp.sum((moment.target - moment.y) ** 2)
        total += jnp.where(moment.has_target, half, 0)
        sequences += moment.ends

        def following(weights: Tree, method: Tree) -> tuple[Tree, Tree]:
            w, as_weights = ravel_pytree(weights)
            w, method = self.method.following(w, total / self.batch, method)
            return as_weights(w), method

        over = sequences >= self.batch
        weights, method = jax.lax.cond(over, following, lambda *same: same, weights, method)
        return weights, (method, jnp.where(over, 0, total), jnp.where(over, 0, sequences))
