"""Credit assignment: how an error at the output units reaches the weights of any cell."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import jax

from lethe.baselines.cell import Array, Cell, Tree

__all__ = ["Credit", "Derivatives", "Moment", "of_output"]


class Moment(NamedTuple):
    """The time step that has just been taken.

    Attributes
    ----------
    before, after : pytree
        The state before and after the step.
    x : (inputs,)
        The input.
    y, target : (outputs,)
        The activations of the output units, and their targets.
    error : (outputs,)
        ∂E/∂net of the output units at this step; zeros where there is no target.
    has_target, ends : () bool
        Whether there is a target, and whether this step is the last of its sequence.
    """

    before: Tree
    after: Tree
    x: Array
    y: Array
    target: Array
    error: Array
    has_target: Array
    ends: Array


class Credit(Protocol):
    """How errors reach weights: a frozen dataclass of pure functions."""

    def start(self, cell: Cell, weights: Tree) -> Tree:
        """The state of the credit after a reset."""

    def advance(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> Tree:
        """Its state after this step, with or without a target."""

    def due(self, kept: Tree, moment: Moment) -> Array:
        """Whether weights change now; only then is `gradient` called."""

    def gradient(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> Tree:
        """∂E/∂weights of the errors that are due."""

    def settled(self, cell: Cell, kept: Tree) -> Tree:
        """Its state after a `gradient`."""


class Derivatives(Credit, Protocol):
    """A credit with the derivatives of the output units by the weights at each step."""

    def pull(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment, by: Array) -> Tree:
        """Σ_k `by`_k ∂net_k/∂weights, for `by` (outputs,)."""


def of_output(cell: Cell, weights: Tree, moment: Moment, by: Array) -> tuple[Tree, Tree]:
    """Σ_k `by`_k ∂net_k/∂ the output units' own weights, and the same by this step's state."""
    _, back = jax.vjp(
        lambda w, after: cell.output(w, after, moment.x), weights["output"], moment.after
    )
    own, state = back(by)
    return own, state
