"""The loop over time of a `Learner`'s run, compiled by JAX: one that learns, and a frozen one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from lethe.baselines.cell import Array, Cell, Tree, error, squashed
from lethe.baselines.credit import Moment
from lethe.baselines.rule import Rule

__all__ = ["Carry", "Ran", "Steps", "frozen_run", "learned_run"]


class Steps(NamedTuple):
    """The series of a compiled run, padded; `ends` is left out where nothing is learned."""

    xs: Array
    ts: Array
    has: Array
    starts: Array
    ends: Array | None


class Carry(NamedTuple):
    """What a learner carries from step to step: weights, what its rule keeps, and the state."""

    weights: Mapping[str, Tree]
    kept: Tree
    state: Tree


class Ran(NamedTuple):
    """What a compiled run returns besides its carry."""

    steps: Array
    stopped: Array
    finite: Array
    outputs: Array


def _chosen(which: Array, yes: Tree, no: Tree) -> Tree:
    return jax.tree.map(lambda a, b: jnp.where(which, a, b), yes, no)


def _finite(*trees: Tree) -> Array:
    return jnp.all(jnp.isfinite(ravel_pytree(trees)[0]))


def _learn(
    cell: Cell, rule: Rule, last: bool, carry: Carry, given: Steps, n: Array, bound: Array
) -> tuple[Carry, Ran]:
    """The loop over time of a run that learns."""
    first = _first_state(cell, carry.state)

    def step(loop: _Loop[Carry]) -> _Loop[Carry]:
        t, (weights, kept, state) = loop.t, loop.carry
        x, target, has_target = given.xs[t], given.ts[t], given.has[t]
        before = _chosen(given.starts[t], first, state)
        kept = jax.lax.cond(
            given.starts[t], lambda kept: rule.reset(cell, weights, kept), lambda kept: kept, kept
        )
        after = cell.step(weights["state"], before, x)
        y = squashed(cell, cell.output(weights["output"], after, x))
        wrong = has_target & ~(jnp.max(jnp.abs(target - y)) < bound)
        learned = has_target & (last | ~wrong)
        by = jnp.where(learned, error(cell, y, target), 0)
        ends = jnp.zeros((), bool) if given.ends is None else given.ends[t]
        moment = Moment(before, after, x, y, target, by, learned, ends)
        weights, kept = rule.learn(cell, weights, kept, moment)
        return _Loop(t + 1, wrong, Carry(weights, kept, after), loop.outputs.at[t].set(y))

    end = _over_time(step, _loop(carry, given), n)
    finite = _finite(end.carry.weights, end.carry.state, end.outputs)
    return end.carry, Ran(end.t, end.stopped, finite, end.outputs)


def _freeze(
    cell: Cell, weights: Mapping[str, Tree], state: Tree, given: Steps, n: Array, bound: Array
) -> tuple[Tree, Ran]:
    """The loop over time of a run that does not learn."""
    first = _first_state(cell, state)

    def step(loop: _Loop[Tree]) -> _Loop[Tree]:
        t, x = loop.t, given.xs[loop.t]
        after = cell.step(weights["state"], _chosen(given.starts[t], first, loop.carry), x)
        y = squashed(cell, cell.output(weights["output"], after, x))
        wrong = given.has[t] & ~(jnp.max(jnp.abs(given.ts[t] - y)) < bound)
        return _Loop(t + 1, wrong, after, loop.outputs.at[t].set(y))

    end = _over_time(step, _loop(state, given), n)
    return end.carry, Ran(end.t, end.stopped, _finite(end.carry, end.outputs), end.outputs)


_C = TypeVar("_C")


class _Loop(NamedTuple, Generic[_C]):
    """A loop over time: the step, whether the last one ends the run, and what is carried along."""

    t: Array
    stopped: Array
    carry: _C
    outputs: Array


def _loop(carry: _C, given: Steps) -> _Loop[_C]:
    return _Loop(jnp.zeros((), int), jnp.zeros((), bool), carry, jnp.zeros_like(given.ts))


def _over_time(step: Callable[[_Loop[_C]], _Loop[_C]], begin: _Loop[_C], n: Array) -> _Loop[_C]:
    """Take at most `n` steps, until one ends the run."""

    def goes_on(loop: _Loop[_C]) -> Array:
        return (loop.t < n) & ~loop.stopped

    end: _Loop[_C] = jax.lax.while_loop(goes_on, step, begin)
    return end


def _first_state(cell: Cell, state: Tree) -> Tree:
    return jax.tree.map(lambda a, b: jnp.asarray(b, a.dtype), state, cell.start())


learned_run = jax.jit(_learn, static_argnums=(0, 1, 2))
frozen_run = jax.jit(_freeze, static_argnums=0)
