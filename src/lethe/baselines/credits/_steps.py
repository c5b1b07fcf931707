"""A ring buffer of time steps, and the way back over one of them."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from lethe.baselines.cell import Array, Cell, Tree
from lethe.baselines.credit import Moment

__all__ = ["StoredStep", "empty_steps", "one_back", "step_at", "stored"]


class StoredStep(NamedTuple):
    """What is stored of a step, or, with a leading axis, of many.

    Attributes
    ----------
    before : pytree
        The state that it began with.
    x : (inputs,)
        Its input.
    error : (outputs,), optional
        ∂E/∂net of the output units; None where a credit does not store it.
    """

    before: Tree
    x: Array
    error: Array | None = None


def empty_steps(cell: Cell, weights: Tree, capacity: int, *, errors: bool = True) -> StoredStep:
    """A buffer of this many steps, with or without their errors."""
    dtype = jax.tree.leaves(weights)[0].dtype
    inputs = cell.inputs + (cell.outputs + 1 if getattr(cell, "forced", False) else 0)

    def zeros(shape: tuple[int, ...]) -> Array:
        return jnp.zeros((capacity, *shape), dtype)

    before = jax.tree.map(lambda a: zeros(a.shape), cell.start())
    return StoredStep(before, zeros((inputs,)), zeros((cell.outputs,)) if errors else None)


def stored(steps: StoredStep, moment: Moment, n: Array) -> StoredStep:
    """The buffer with this step, the n-th, in place of the oldest."""
    error = None if steps.error is None else moment.error
    step = StoredStep(moment.before, moment.x, error)
    buffer: StoredStep = jax.tree.map(lambda all_, a: all_.at[n % len(all_)].set(a), steps, step)
    return buffer


def step_at(steps: StoredStep, i: Array) -> StoredStep:
    """The i-th place of the buffer."""
    step: StoredStep = jax.tree.map(lambda a: a[i], steps)
    return step


def one_back(
    cell: Cell, weights: Tree, at: StoredStep, error: Array, later: Tree
) -> tuple[Tree, Tree]:
    """∂E/∂weights of one step, and λ before it, from its own error and λ after it."""

    def step(w: Tree, before: Tree) -> tuple[Array, Tree]:
        after = cell.step(w["state"], before, at.x)
        return cell.output(w["output"], after, at.x), after

    _, back = jax.vjp(step, weights, at.before)
    gradient, earlier = back((error, later))
    return gradient, earlier
