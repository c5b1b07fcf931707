"""Real-time recurrent learning (Robinson & Fallside 1987; Williams & Zipser 1989, 1992).

The sensitivities p_ij(t) = ∂state_i(t)/∂w_j propagate forward in time with the state. With the
transition state(t) = F(state(t−1), w, x(t)):

    p(t) = ∂F/∂state · p(t−1) + ∂F/∂w            (Williams & Zipser 1989, eq. 9, for any cell)
    ∂E(t)/∂w = ∂E(t)/∂state(t) · p(t)

This is exact while the weights are constant; where they change at every step, each p(t) refers to
the weights current at that time. State and weights that the state depends on, n and W of them, cost
n·W numbers of memory and n²·W operations a step, however long the stream.

Known for: delayed exclusive or, and oscillation, which needs teacher forcing (Williams & Zipser
1989); the embedded Reber grammar, by "some fraction" of the networks (Smith & Zipser 1989). What we
know of the latter is Table 1: 3 and 12 hidden units, rates of .05 and .1, 173,000 and 25,000
strings. As `systems.rtrl` has them, without teacher forcing, 1 network of 5 and 3 of 4 passed Table
1's test here, after 135,500 and 32,000 to 84,500 strings. With teacher forcing none of 4 did: in a
test they then read their own predictions and no longer the targets. Where it breaks: as
back-propagation through time does, and by its cost.

Checks: the sum over a sequence is full back-propagation through time, autodiff through the whole
sequence, and finite differences; of the truncated LSTM it is the papers' own algorithm
(tests/baselines/test_credit.py).
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
        """Sensitivities (n, W) of zero: the initial state depends on no weight."""
        (state, _), (w, _) = ravel_pytree(cell.start()), ravel_pytree(weights["state"])
        return jnp.zeros((state.size, w.size), w.dtype)

    def advance(self, cell: Cell, weights: Tree, kept: Array, moment: Moment) -> Array:
        """p(t) from p(t−1)."""
        state, as_state = ravel_pytree(moment.before)
        w, as_weights = ravel_pytree(weights["state"])

        def transition(state: Array, w: Array) -> Array:
            return ravel_pytree(cell.step(as_weights(w), as_state(state), moment.x))[0]

        by_state: Array = jax.jacfwd(transition)(state, w)
        by_weights: Array = jax.jacrev(transition, 1)(state, w)
        return by_state @ kept + by_weights

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
        """Unchanged."""
        return kept
