"""Real-time recurrent learning (Robinson & Fallside 1987; Williams & Zipser 1989, 1992).

The sensitivities p_ij(t) = ∂state_i(t)/∂w_j go forward in time with the state. With the transition
state(t) = F(state(t−1), w, x(t)):

    p(t) = ∂F/∂state · p(t−1) + ∂F/∂w            (Williams & Zipser 1989, eq. 9, for any cell)
    ∂E(t)/∂w = ∂E(t)/∂state(t) · p(t)

That is exact while the weights stand still; where they change at every step, each p(t) belongs to
the weights of its own time. State and weights that the state depends on, n and W of them, cost n·W
numbers of memory and n²·W operations a step, however long the stream.

Check: the sum over a sequence is full back-propagation through time (tests/test_baselines.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from lethe.baselines.cell import Array, Cell, Tree
from lethe.baselines.credit import Moment, of_output

__all__ = ["Rtrl"]


@dataclass(frozen=True)
class Rtrl:
    """Exact real-time recurrent learning of any cell, with a weight change at every target."""

    def start(self, cell: Cell, weights: Tree) -> Array:
        """Sensitivities (n, W) of zero: a first state depends on no weight."""
        (state, _), (w, _) = ravel_pytree(cell.start()), ravel_pytree(weights["state"])
        return jnp.zeros((state.size, w.size), w.dtype)

    def advance(self, cell: Cell, weights: Tree, kept: Array, moment: Moment) -> Array:
        """p(t) from p(t−1)."""
        state, as_state = ravel_pytree(moment.before)
        w, as_weights = ravel_pytree(weights["state"])

        def transition(state: Array, w: Array) -> Array:
            return ravel_pytree(cell.step(as_weights(w), as_state(state), moment.x))[0]

        return jax.jacfwd(transition)(state, w) @ kept + jax.jacrev(transition, 1)(state, w)

    def due(self, kept: Array, moment: Moment) -> Array:
        """At every target."""
        return moment.has_target

    def pull(self, cell: Cell, weights: Tree, kept: Array, moment: Moment, by: Array) -> Tree:
        """See `Derivatives`."""
        own, state = of_output(cell, weights, moment, by)
        _, as_weights = ravel_pytree(weights["state"])
        return {"state": as_weights(ravel_pytree(state)[0] @ kept), "output": own}

    def gradient(self, cell: Cell, weights: Tree, kept: Array, moment: Moment) -> Tree:
        """∂E(t)/∂weights."""
        return self.pull(cell, weights, kept, moment, moment.error)

    def settled(self, cell: Cell, kept: Array) -> Array:
        """They go on."""
        return kept
