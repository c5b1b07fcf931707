"""The O(n³) hybrid of back-propagation through time and real-time recurrent learning.

Source: Schmidhuber 1992, "A fixed size storage O(n³) time complexity learning algorithm for fully
recurrent continually running networks". Time is cut into blocks of h steps, of which h = n, the
number of units, is advised. With q(t) = ∂state(t)/∂w, for the block from t0 to t1 = t0 + h:

    λ(t) = ∂E(t)/∂state(t) + λ(t+1) · ∂F(t+1)/∂state(t)          back from λ(t1) = ∂E(t1)/∂state(t1)
    ∂E(t0+1..t1)/∂w = Σ_t λ(t) · ∂F(t)/∂w + λ(t0) · q(t0)        (eq. 2)
    q_l(t1)         = Σ_t γ_l(t) · ∂F(t)/∂w + γ_l(t0) · q(t0)    (eq. 3)

where γ_l(t) = ∂state_l(t1)/∂state(t) propagates back in the same way from unit l alone. This takes
n + 1 backward passes over the block, one with its errors and one for each number of the state, and
then a product of n + 1 rows with q(t0). With h = n that is O(n³) operations a step on average, for
the gradient and the order of memory of real-time recurrent learning, which takes O(n⁴). Weights
change at the end of each block, and of each sequence.

Known for: the saving; its source has no experiment. Where it breaks: as `rtrl` does, and weights
change later.

Check: while weights are constant, its gradient is that of `rtrl` and of full back-propagation
through time, for every h (tests/baselines/test_credit.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from lethe.baselines.cell import Array, Cell, Tree
from lethe.baselines.credit import Moment
from lethe.baselines.credits._steps import StoredStep, empty_steps, one_back, step_at, stored

__all__ = ["Hybrid"]


@dataclass(frozen=True)
class Hybrid:
    """The exact gradient of each block of `h` steps, for any cell.

    Parameters
    ----------
    h : int
        At least 1: steps of a block.
    """

    h: int = 10

    def start(self, cell: Cell, weights: Tree) -> _Block:
        """No steps, q of zero, and no gradient yet."""
        w, _ = ravel_pytree(weights["state"])
        q = jnp.zeros((ravel_pytree(cell.start())[0].size, w.size), w.dtype)
        nothing = jax.tree.map(jnp.zeros_like, weights)
        return _Block(empty_steps(cell, weights, self.h), jnp.zeros((), int), q, nothing)

    def advance(self, cell: Cell, weights: Tree, kept: _Block, moment: Moment) -> _Block:
        """Store the step with its error; at the end of a block, go back over it."""
        steps, n = stored(kept.steps, moment, kept.n), kept.n + 1
        q, gradient = jax.lax.cond(
            (n == self.h) | moment.ends,
            lambda q, gradient: self._over_block(cell, weights, steps, n, q, moment.after),
            lambda q, gradient: (q, gradient),
            kept.q,
            kept.gradient,
        )
        return _Block(steps, n, q, gradient)

    def _over_block(
        self, cell: Cell, weights: Tree, steps: StoredStep, n: Array, q: Array, after: Tree
    ) -> tuple[Array, Tree]:
        """q(t1) and the gradient of the block's errors."""
        flat, as_state = ravel_pytree(after)

        def passed(last: Array, errors: Array) -> tuple[Tree, Array]:
            """From ∂/∂state(t1) to ∂/∂weights within the block and ∂/∂state(t0)."""

            def back(i: Array, carry: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
                total, later = carry
                at = step_at(steps, n - 1 - i)
                error = errors * jnp.asarray(at.error)
                part, earlier = one_back(cell, weights, at, error, later)
                return jax.tree.map(jnp.add, total, part), earlier

            nothing = jax.tree.map(jnp.zeros_like, weights)
            total, first = jax.lax.fori_loop(0, n, back, (nothing, as_state(last)))
            return total, ravel_pytree(first)[0]

        size, dtype = flat.size, flat.dtype
        lasts = jnp.concatenate((jnp.zeros((1, size), dtype), jnp.eye(size, dtype=dtype)))
        errors = jnp.zeros(1 + size, dtype).at[0].set(1)
        within, firsts = jax.vmap(passed)(lasts, errors)
        rows: Array = jax.vmap(lambda tree: ravel_pytree(tree)[0])(within["state"]) + firsts @ q
        _, as_weights = ravel_pytree(weights["state"])
        own = jax.tree.map(lambda a: a[0], within["output"])
        return rows[1:], {"state": as_weights(rows[0]), "output": own}

    def due(self, kept: _Block, moment: Moment) -> Array:
        """At the end of a block, and of a sequence."""
        return (kept.n == self.h) | moment.ends

    def gradient(self, cell: Cell, weights: Tree, kept: _Block, moment: Moment) -> Tree:
        """∂E(t0+1..t1)/∂weights."""
        return kept.gradient

    def settled(self, cell: Cell, kept: _Block) -> _Block:
        """The next block begins."""
        return kept._replace(n=jnp.zeros_like(kept.n))


class _Block(NamedTuple):
    """The steps of a block, how many there are, q(t0), and the last block's gradient."""

    steps: StoredStep
    n: Array
    q: Array
    gradient: Tree
