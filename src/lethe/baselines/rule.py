"""Update rules: how credit becomes a change of weights. `Descent` follows the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import optax

from lethe.baselines.cell import Array, Cell, Tree
from lethe.baselines.credit import Credit, Moment

__all__ = ["Descent", "Rule"]


class Rule(Protocol):
    """How a learner's weights change: a frozen dataclass of pure functions."""

    def start(self, cell: Cell, weights: Tree, key: Array) -> Tree:
        """Its initial state; `key` is its own source of randomness."""

    def reset(self, cell: Cell, weights: Tree, kept: Tree) -> Tree:
        """Its state where a sequence starts."""

    def learn(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> tuple[Tree, Tree]:
        """Weights, and its state, after a step."""


@dataclass(frozen=True)
class Descent:
    """Gradient descent along the gradient of a credit, whenever one is due.

    Parameters
    ----------
    credit : Credit
        How errors reach weights.
    rate : float
        The learning rate α.
    momentum : float
        0: plain gradient descent.
    optimizer : {"sgd", "rmsprop", "adam"}
        The optimizer (optax).
    clip : float, optional
        Each entry of the gradient is clipped to ±`clip` (None: it is not).
    epsilon : float, optional
        Adam's and RMSprop's, as in `lethe.Adam` and `lethe.RMSprop`: its square is added inside the
        root (None: optax's default).
    smoothing : float
        RMSprop's, as in `lethe.RMSprop`.
    """

    credit: Credit
    rate: float
    momentum: float = 0.0
    optimizer: str = "sgd"
    clip: float | None = None
    epsilon: float | None = None
    smoothing: float = 0.99

    def _optimizer(self) -> _Optimizer:
        if self.optimizer == "adam":
            own = {} if self.epsilon is None else {"eps": 0.0, "eps_root": self.epsilon**2}
            chosen: _Optimizer = optax.adam(self.rate, **own)
        elif self.optimizer == "rmsprop":
            own = {} if self.epsilon is None else {"eps": self.epsilon**2}
            chosen = optax.rmsprop(self.rate, self.smoothing, **own)
        else:
            chosen = optax.sgd(self.rate, self.momentum or None)
        if self.clip is not None:
            chosen = optax.chain(optax.clip(self.clip), chosen)
        return chosen

    def start(self, cell: Cell, weights: Tree, key: Array) -> _Kept:
        """The credit's state and the optimizer's."""
        return _Kept(self.credit.start(cell, weights), self._optimizer().init(weights))

    def reset(self, cell: Cell, weights: Tree, kept: _Kept) -> _Kept:
        """The credit starts over; the optimizer's moments stay."""
        return _Kept(self.credit.start(cell, weights), kept.moments)

    def learn(self, cell: Cell, weights: Tree, kept: _Kept, moment: Moment) -> tuple[Tree, _Kept]:
        """One step of credit, and a descent step where one is due."""

        def descend(weights: Tree, kept: _Kept) -> tuple[Tree, _Kept]:
            gradient = self.credit.gradient(cell, weights, kept.credit, moment)
            changes, moments = self._optimizer().update(gradient, kept.moments, weights)
            weights = jax.tree.map(jnp.add, weights, changes)
            return weights, _Kept(self.credit.settled(cell, kept.credit), moments)

        def stay(weights: Tree, kept: _Kept) -> tuple[Tree, _Kept]:
            return weights, kept

        kept = kept._replace(credit=self.credit.advance(cell, weights, kept.credit, moment))
        due = self.credit.due(kept.credit, moment)
        learned: tuple[Tree, _Kept] = jax.lax.cond(due, descend, stay, weights, kept)
        return learned


class _Kept(NamedTuple):
    """What a `Descent` keeps: its credit's state, and its optimizer's."""

    credit: Tree
    moments: Tree


class _Optimizer(Protocol):
    """What is used of an ``optax.GradientTransformation``; optax has no types."""

    def init(self, params: Tree, /) -> Tree:
        """The moments at first."""

    def update(self, gradient: Tree, moments: Tree, params: Tree, /) -> tuple[Tree, Tree]:
        """The change of weights, and the moments after it."""
