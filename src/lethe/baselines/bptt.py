"""Back-propagation through time: in full (Werbos 1988), and in a window (Williams & Peng 1990).

With the transition state(t) = F(state(t−1), w, x(t)), error flows back along the states that were:

    λ(t) = ∂E(t)/∂state(t) + λ(t+1) · ∂F(t+1)/∂state(t)
    ∂E/∂w = Σ_t λ(t) · ∂F(t)/∂w

`Bptt` keeps a sequence, and changes weights at its end with the sum over all its errors. `Window`
is Williams and Peng's BPTT(h): at every target this step's error alone goes back over the last h
steps, with the states as they were and the weights as they are; cost h per step, and nothing that
lies longer ago is seen. ``Window(1)`` is Elman's procedure, in which the old state is just an input.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from lethe.baselines.cell import Array, Cell, Tree
from lethe.baselines.credit import Moment, of_output

__all__ = ["Bptt", "Window"]


@dataclass(frozen=True)
class Bptt:
    """Full back-propagation through time, with a weight change at the end of each sequence.

    Parameters
    ----------
    longest : int
        Steps that it has room for; of a longer sequence the last so many count.
    """

    longest: int = 128

    def start(self, cell: Cell, weights: Tree) -> Tree:
        """Room for the steps of a sequence, and how many there are."""
        dtype = jax.tree.leaves(weights)[0].dtype
        state = jax.tree.map(lambda a: jnp.asarray(a, dtype), cell.start())
        one = (state, jnp.zeros(_width(cell), dtype), jnp.zeros(cell.outputs, dtype))
        return _room(one, self.longest), jnp.zeros((), int)

    def advance(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> Tree:
        """Keep the step with its error."""
        steps, n = kept
        return _noted(steps, (moment.before, moment.x, moment.error), n), n + 1

    def due(self, kept: Tree, moment: Moment) -> Array:
        """At the end of a sequence."""
        return moment.ends

    def gradient(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> Tree:
        """∂E/∂weights, of all errors of the sequence."""
        steps, n = kept

        def back(i: Array, carry: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
            total, after = carry
            before, x, by = jax.tree.map(lambda room: room[(n - 1 - i) % self.longest], steps)
            gradient, before = _one_back(cell, weights, before, x, by, after)
            return jax.tree.map(jnp.add, total, gradient), before

        nothing = jax.tree.map(jnp.zeros_like, (weights, moment.after))
        total, _ = jax.lax.fori_loop(0, jnp.minimum(n, self.longest), back, nothing)
        return total

    def settled(self, cell: Cell, kept: Tree) -> Tree:
        """Begin anew."""
        steps, n = kept
        return steps, jnp.zeros_like(n)


@dataclass(frozen=True)
class Window:
    """BPTT(h): at every target its error goes back over the last `h` steps, this one included.

    Parameters
    ----------
    h : int
        At least 1. 1: immediate derivatives alone; 2: one step back through time.
    """

    h: int = 10

    def start(self, cell: Cell, weights: Tree) -> Tree:
        """Room for the last steps, and how many there have been."""
        dtype = jax.tree.leaves(weights)[0].dtype
        state = jax.tree.map(lambda a: jnp.asarray(a, dtype), cell.start())
        return _room((state, jnp.zeros(_width(cell), dtype)), self.h), jnp.zeros((), int)

    def advance(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> Tree:
        """Keep the step, and forget the one h steps ago."""
        steps, n = kept
        return _noted(steps, (moment.before, moment.x), n), n + 1

    def due(self, kept: Tree, moment: Moment) -> Array:
        """At every target."""
        return moment.has_target

    def pull(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment, by: Array) -> Tree:
        """See `Derivatives`."""
        steps, n = kept
        own, state = of_output(cell, weights, moment, by)

        def back(i: Array, carry: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
            total, after = carry
            before, x = jax.tree.map(lambda room: room[(n - 1 - i) % self.h], steps)
            _, pulled = jax.vjp(lambda w, s: cell.step(w, s, x), weights["state"], before)
            gradient, before = pulled(after)
            return jax.tree.map(jnp.add, total, gradient), before

        nothing = jax.tree.map(jnp.zeros_like, weights["state"])
        total, _ = jax.lax.fori_loop(0, jnp.minimum(n, self.h), back, (nothing, state))
        return {"state": total, "output": own}

    def gradient(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> Tree:
        """∂E(t)/∂weights, as far as the window reaches."""
        return self.pull(cell, weights, kept, moment, moment.error)

    def settled(self, cell: Cell, kept: Tree) -> Tree:
        """The window moves on."""
        return kept


def _width(cell: Cell) -> int:
    """Numbers in an input, a teacher's part included; see `Learner`."""
    return cell.inputs + (cell.outputs + 1 if getattr(cell, "forced", False) else 0)


def _room(one: Tree, n: int) -> Tree:
    return jax.tree.map(lambda a: jnp.zeros((n, *a.shape), a.dtype), one)


def _noted(steps: Tree, one: Tree, n: Array) -> Tree:
    return jax.tree.map(lambda room, a: room.at[n % len(room)].set(a), steps, one)


def _one_back(
    cell: Cell, weights: Tree, before: Tree, x: Array, by: Array, later: Tree
) -> tuple[Tree, Tree]:
    """One step's part of ∂E/∂weights, and λ before it, given its own error and λ from later on."""

    def step(w: Tree, before: Tree) -> tuple[Array, Tree]:
        after = cell.step(w["state"], before, x)
        return cell.output(w["output"], after, x), after

    _, back = jax.vjp(step, weights, before)
    gradient, earlier = back((by, later))
    return gradient, earlier
