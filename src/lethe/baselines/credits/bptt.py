"""Back-propagation through time, full and windowed (Werbos 1988; Williams & Peng 1990).

With the transition state(t) = F(state(t−1), w, x(t)), error flows back along the past states:

    λ(t) = ∂E(t)/∂state(t) + λ(t+1) · ∂F(t+1)/∂state(t)
    ∂E/∂w = Σ_t λ(t) · ∂F(t)/∂w

`Bptt` stores a sequence and changes weights at its end by the sum over all its errors: exact, with
memory proportional to the length of the sequence. `Window` is Williams & Peng's BPTT(h): at every
target this step's error alone propagates back over the last h steps, with the states of that time
and the current weights; it costs h per step, and older steps do not count. ``Window(1)`` is Elman's
procedure, in which the old state is just an input. ``Bptt(h, every)`` is their BPTT(h; h′): every
h′ = `every` steps the errors of these steps together propagate back over the last h, for a cost of
h/h′ per step.

Known for: the tasks of Williams & Zipser (1989) at a fraction of the cost of real-time recurrent
learning. Where it breaks: an error shrinks or grows by a factor at each step back; with 10 hidden
units it learns the two-sequence problem at T = 10 and not at T = 50, and 1997's paper has it learn
nothing of its task 2a at a lag of 100 (reported, unverified).

Checks: full and windowed gradients are those of `rtrl` and of autodiff through the whole sequence,
and finite differences, in float64 (tests/baselines/test_credit.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from lethe.baselines.cell import Array, Cell, Tree
from lethe.baselines.credit import Moment, of_output
from lethe.baselines.credits._steps import StoredStep, empty_steps, one_back, step_at, stored

__all__ = ["Bptt", "Window"]


@dataclass(frozen=True)
class Bptt:
    """Full back-propagation through time, with a weight change at the end of each sequence.

    Parameters
    ----------
    longest : int
        Steps that are stored; errors propagate no further back.
    every : int, optional
        Also change weights after this many steps (at most `longest`) within a sequence.
    """

    longest: int = 128
    every: int | None = None

    def start(self, cell: Cell, weights: Tree) -> _Sequence:
        """No steps yet."""
        return _Sequence(empty_steps(cell, weights, self.longest), _zero(), _zero())

    def advance(self, cell: Cell, weights: Tree, kept: _Sequence, moment: Moment) -> _Sequence:
        """Store the step with its error."""
        return _Sequence(stored(kept.steps, moment, kept.n), kept.n + 1, kept.fresh + 1)

    def due(self, kept: _Sequence, moment: Moment) -> Array:
        """At the end of a sequence, and after `every` steps."""
        return moment.ends if self.every is None else moment.ends | (kept.fresh >= self.every)

    def gradient(self, cell: Cell, weights: Tree, kept: _Sequence, moment: Moment) -> Tree:
        """∂E/∂weights, of all errors since the last change."""

        def back(i: Array, carry: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
            total, after = carry
            at = step_at(kept.steps, (kept.n - 1 - i) % self.longest)
            error = jnp.where(i < kept.fresh, jnp.asarray(at.error), 0)
            gradient, before = one_back(cell, weights, at, error, after)
            return jax.tree.map(jnp.add, total, gradient), before

        nothing = jax.tree.map(jnp.zeros_like, (weights, moment.after))
        return jax.lax.fori_loop(0, jnp.minimum(kept.n, self.longest), back, nothing)[0]

    def settled(self, cell: Cell, kept: _Sequence) -> _Sequence:
        """These errors have been used; the steps stay, for later ones."""
        return kept._replace(fresh=jnp.zeros_like(kept.fresh))


class _Sequence(NamedTuple):
    """The steps, how many there are, and how many since the last change of weights."""

    steps: StoredStep
    n: Array
    fresh: Array


@dataclass(frozen=True)
class Window:
    """BPTT(h): every target's error propagates back over the last `h` steps, this one included.

    Parameters
    ----------
    h : int
        At least 1. 1: immediate derivatives alone; 2: one step back through time.
    """

    h: int = 10

    def start(self, cell: Cell, weights: Tree) -> _LastSteps:
        """No steps yet."""
        return _LastSteps(empty_steps(cell, weights, self.h, errors=False), _zero())

    def advance(self, cell: Cell, weights: Tree, kept: _LastSteps, moment: Moment) -> _LastSteps:
        """Store the step in place of the one h steps ago."""
        return _LastSteps(stored(kept.steps, moment, kept.n), kept.n + 1)

    def due(self, kept: _LastSteps, moment: Moment) -> Array:
        """At every target."""
        return moment.has_target

    def pull(self, cell: Cell, weights: Tree, kept: _LastSteps, moment: Moment, by: Array) -> Tree:
        """See `Derivatives`."""
        own, state = of_output(cell, weights, moment, by)

        def back(i: Array, carry: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
            total, after = carry
            at = step_at(kept.steps, (kept.n - 1 - i) % self.h)
            _, pulled = jax.vjp(lambda w, s: cell.step(w, s, at.x), weights["state"], at.before)
            gradient, before = pulled(after)
            return jax.tree.map(jnp.add, total, gradient), before

        nothing = jax.tree.map(jnp.zeros_like, weights["state"])
        total, _ = jax.lax.fori_loop(0, jnp.minimum(kept.n, self.h), back, (nothing, state))
        return {"state": total, "output": own}

    def gradient(self, cell: Cell, weights: Tree, kept: _LastSteps, moment: Moment) -> Tree:
        """∂E(t)/∂weights, as far as the window reaches."""
        return self.pull(cell, weights, kept, moment, moment.error)

    def settled(self, cell: Cell, kept: _LastSteps) -> _LastSteps:
        """The window stays."""
        return kept


class _LastSteps(NamedTuple):
    """The last steps, and how many there have been."""

    steps: StoredStep
    n: Array


def _zero() -> Array:
    return jnp.zeros((), int)
