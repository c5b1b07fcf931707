"""Back-propagation through time, full and windowed (Werbos 1988; Williams & Peng 1990).

With the transition state(t) = F(state(t−1), w, x(t)), error flows back along the states that were:

    λ(t) = ∂E(t)/∂state(t) + λ(t+1) · ∂F(t+1)/∂state(t)
    ∂E/∂w = Σ_t λ(t) · ∂F(t)/∂w

`Bptt` keeps a sequence, and changes weights at its end with the sum over all its errors: exact, for
as much memory as the sequence is long. `Window` is Williams & Peng's BPTT(h): at every target this
step's error alone goes back over the last h steps, with the states as they were and the weights as
they are; cost h per step, and what lies longer ago is not seen. ``Window(1)`` is Elman's procedure,
in which the old state is just an input. ``Bptt(h, every)`` is their BPTT(h; h′): every h′ = `every`
steps the errors of these steps together go back over the last h, for a cost of h/h′ per step.

Known for: the tasks of Williams & Zipser (1989) at a fraction of the cost of real-time recurrent
learning. Where it breaks: an error shrinks or grows by a factor at each step back; with 10 hidden
units it learns the two-sequence problem at T = 10 and not at T = 50, and 1997's paper has it learn
nothing of its task 2a at a lag of 100 (reported, unverified).

Checks: full and windowed gradients are those of `rtrl` and of autodiff through the whole sequence,
and finite differences, in float64 (tests/baselines/test_credit.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from lethe.baselines.cell import Array, Cell, Tree
from lethe.baselines.credit import Moment, of_output

__all__ = ["Bptt", "Window", "noted", "one_back", "room", "width"]


@dataclass(frozen=True)
class Bptt:
    """Full back-propagation through time, with a weight change at the end of each sequence.

    Parameters
    ----------
    longest : int
        Steps that it has room for; errors go no further back.
    every : int, optional
        Change weights after so many steps too (at most `longest`), as the sequence goes on.
    """

    longest: int = 128
    every: int | None = None

    def start(self, cell: Cell, weights: Tree) -> Tree:
        """Room for the steps of a sequence; how many there are, how many since the last change."""
        dtype = jax.tree.leaves(weights)[0].dtype
        state = jax.tree.map(lambda a: jnp.asarray(a, dtype), cell.start())
        one = (state, jnp.zeros(width(cell), dtype), jnp.zeros(cell.outputs, dtype))
        return room(one, self.longest), jnp.zeros((), int), jnp.zeros((), int)

    def advance(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> Tree:
        """Keep the step with its error."""
        steps, n, fresh = kept
        return noted(steps, (moment.before, moment.x, moment.error), n), n + 1, fresh + 1

    def due(self, kept: Tree, moment: Moment) -> Array:
        """At the end of a sequence, and after so many steps."""
        return moment.ends if self.every is None else moment.ends | (kept[2] >= self.every)

    def gradient(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> Tree:
        """∂E/∂weights, of all errors since the last change."""
        steps, n, fresh = kept

        def back(i: Array, carry: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
            total, after = carry
            before, x, by = jax.tree.map(lambda a: a[(n - 1 - i) % self.longest], steps)
            by = jnp.where(i < fresh, by, 0)
            gradient, before = one_back(cell, weights, before, x, by, after)
            return jax.tree.map(jnp.add, total, gradient), before

        nothing = jax.tree.map(jnp.zeros_like, (weights, moment.after))
        total, _ = jax.lax.fori_loop(0, jnp.minimum(n, self.longest), back, nothing)
        return total

    def settled(self, cell: Cell, kept: Tree) -> Tree:
        """These errors are done with; the steps stay, for later ones."""
        steps, n, fresh = kept
        return steps, n, jnp.zeros_like(fresh)


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
        return room((state, jnp.zeros(width(cell), dtype)), self.h), jnp.zeros((), int)

    def advance(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> Tree:
        """Keep the step, and forget the one h steps ago."""
        steps, n = kept
        return noted(steps, (moment.before, moment.x), n), n + 1

    def due(self, kept: Tree, moment: Moment) -> Array:
        """At every target."""
        return moment.has_target

    def pull(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment, by: Array) -> Tree:
        """See `Derivatives`."""
        steps, n = kept
        own, state = of_output(cell, weights, moment, by)

        def back(i: Array, carry: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
            total, after = carry
            before, x = jax.tree.map(lambda a: a[(n - 1 - i) % self.h], steps)
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


def width(cell: Cell) -> int:
    """Numbers in an input, a teacher's part included; see `Learner`."""
    return cell.inputs + (cell.outputs + 1 if getattr(cell, "forced", False) else 0)


def room(one: Tree, n: int) -> Tree:
    """Room for `n` of what one step is."""
    return jax.tree.map(lambda a: jnp.zeros((n, *a.shape), a.dtype), one)


def noted(steps: Tree, one: Tree, n: Array) -> Tree:
    """The steps with this one, the n-th, in the place of the oldest."""
    return jax.tree.map(lambda room, a: room.at[n % len(room)].set(a), steps, one)


def one_back(
    cell: Cell, weights: Tree, before: Tree, x: Array, by: Array, later: Tree
) -> tuple[Tree, Tree]:
    """One step's part of ∂E/∂weights, and λ before it, given its own error and λ from later on."""

    def step(w: Tree, before: Tree) -> tuple[Array, Tree]:
        after = cell.step(w["state"], before, x)
        return cell.output(w["output"], after, x), after

    _, back = jax.vjp(step, weights, before)
    gradient, earlier = back((by, later))
    return gradient, earlier
