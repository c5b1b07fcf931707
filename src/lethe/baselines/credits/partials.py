"""The papers' truncation at its true cost (Hochreiter & Schmidhuber 1997; Gers et al. 1999).

Where past cell outputs and gates are constants to the derivatives, a weight reaches the future
through the states of its own block alone. Real-time recurrent learning then needs one number for a
weight and a cell that it reaches, and no matrix (eqs. 17 to 21):

    P(t) = ∂s(t)/∂s(t−1) · P(t−1) + ∂s(t)/∂w          ∂s(t)/∂s(t−1): the forget gate
    ∂E(t)/∂w = ∂E(t)/∂w, this step alone, + ∂E(t)/∂s(t−1) · P(t−1)

For W weights of gates and cells that is O(W) of memory and of time: a number for each weight (of an
input or forget gate: for each cell of its block; of an output gate: none). `lethe.Network` does the
same in compiled code and changes weights in the same pass, so that it keeps P(t) alone.

Check: the gradients of `Rtrl` on the truncated cell, and the numbers of `lethe.Network`, in float64
(tests/baselines/test_referee.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from lethe.baselines.cell import Array, Arrays, Cell, Weights
from lethe.baselines.credit import Moment, of_output

__all__ = ["Partials"]


@dataclass(frozen=True)
class Partials:
    """Real-time recurrent learning of a truncated `Lstm`, with a weight change at every target."""

    def start(self, cell: Cell, weights: Weights) -> _TwoSteps:
        """P(t−1) and P(t) of zero: gates (cells_per_block, blocks, sources), cells once."""
        state: Arrays = weights["state"]
        size = len(cell.start()["s"])  # cells_per_block
        nothing = {
            kind: jnp.zeros(w.shape if kind == "cell" else (size, *w.shape), w.dtype)
            for kind, w in state.items()
            if kind != "output_gate"
        }
        return _TwoSteps(nothing, nothing)

    def advance(self, cell: Cell, weights: Weights, kept: _TwoSteps, moment: Moment) -> _TwoSteps:
        """P(t) from P(t−1)."""
        partials = kept.now

        def states(w: Arrays, s: Array) -> Array:
            after: Array = cell.step(weights["state"] | w, moment.before | {"s": s}, moment.x)["s"]
            return after

        s, back = jax.vjp(states, _among(partials, weights["state"]), moment.before["s"])
        # One cell of every block at a time: no weight reaches two of these.
        one_each = jnp.eye(len(s), dtype=s.dtype)[:, :, None] * jnp.ones_like(s)
        by_weights, by_state = jax.vmap(back)(one_each)
        by_weights["cell"] = by_weights["cell"].sum(0)  # a cell's weights reach that cell
        now = jax.tree.map(jnp.add, by_weights, _times(by_state.sum(1), partials))
        return _TwoSteps(partials, now)

    def due(self, kept: _TwoSteps, moment: Moment) -> Array:
        """At every target."""
        return moment.has_target

    def pull(
        self, cell: Cell, weights: Weights, kept: _TwoSteps, moment: Moment, by: Array
    ) -> Weights:
        """See `Derivatives`."""
        own, after = of_output(cell, weights, moment, by)
        _, back = jax.vjp(lambda w, b: cell.step(w, b, moment.x), weights["state"], moment.before)
        now, before = back(after)
        past = _times(before["s"], kept.last)
        past |= {kind: p.sum(0) for kind, p in past.items() if kind != "cell"}
        return {"state": now | jax.tree.map(jnp.add, _among(past, now), past), "output": own}

    def gradient(self, cell: Cell, weights: Weights, kept: _TwoSteps, moment: Moment) -> Weights:
        """∂E(t)/∂weights."""
        return self.pull(cell, weights, kept, moment, moment.error)

    def settled(self, cell: Cell, kept: _TwoSteps) -> _TwoSteps:
        """Unchanged."""
        return kept


class _TwoSteps(NamedTuple):
    """P(t−1) and P(t), by kind of unit."""

    last: Arrays
    now: Arrays


def _among(partials: Arrays, weights: Arrays) -> dict[str, Array]:
    """The weights that have partials."""
    return {kind: weights[kind] for kind in partials}


def _times(by_state: Array, partials: Arrays) -> dict[str, Array]:
    """The partials, each times the number (cells_per_block, blocks) of its cell."""
    return {
        kind: (by_state.T if kind == "cell" else by_state)[..., None] * p
        for kind, p in partials.items()
    }
