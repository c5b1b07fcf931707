"""What a rule is: how credit becomes a change of weights. `Descent` goes by the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
import optax

from lethe.baselines.cell import Array, Cell, Tree
from lethe.baselines.credit import Credit, Moment

__all__ = ["Descent", "Rule"]


class Rule(Protocol):
    """How a learner's weights change: a frozen dataclass of pure functions."""

    def start(self, cell: Cell, weights: Tree, key: Array) -> Tree:
        """What it keeps for life; `key` is its own source of randomness."""

    def reset(self, cell: Cell, weights: Tree, kept: Tree) -> Tree:
        """What it keeps where a sequence starts."""

    def learn(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> tuple[Tree, Tree]:
        """Weights, and what it keeps, after a step."""


@dataclass(frozen=True)
class Descent:
    """Go down the gradient that a credit gives, each time that one is due.

    Parameters
    ----------
    credit : Credit
        How errors reach weights.
    rate : float
        The learning rate α.
    momentum : float
        0: plain gradient descent.
    optimizer : {"sgd", "adam"}
        What becomes of the gradient (optax).
    clip : float, optional
        Each entry of the gradient is held within ±`clip` (None: it is not).
    epsilon : float, optional
        Adam's, as in `lethe.Adam`: its square is added inside the root (None: optax's default).
    """

    credit: Credit
    rate: float
    momentum: float = 0.0
    optimizer: str = "sgd"
    clip: float | None = None
    epsilon: float | None = None

    def _transformation(self) -> optax.GradientTransformation:
        if self.optimizer == "adam":
            own = {} if self.epsilon is None else {"eps": 0.0, "eps_root": self.epsilon**2}
            rule = optax.adam(self.rate, **own)
        else:
            rule = optax.sgd(self.rate, self.momentum or None)
        return rule if self.clip is None else optax.chain(optax.clip(self.clip), rule)

    def start(self, cell: Cell, weights: Tree, key: Array) -> Tree:
        """The credit's part and the optimizer's."""
        return self.credit.start(cell, weights), self._transformation().init(weights)

    def reset(self, cell: Cell, weights: Tree, kept: Tree) -> Tree:
        """The credit begins anew; moments go on."""
        return self.credit.start(cell, weights), kept[1]

    def learn(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> tuple[Tree, Tree]:
        """One step of credit, and a step down where one is due."""
        credit, moments = kept
        credit = self.credit.advance(cell, weights, credit, moment)

        def change(weights: Tree, credit: Tree, moments: Tree) -> tuple[Tree, Tree, Tree]:
            gradient = self.credit.gradient(cell, weights, credit, moment)
            changes, moments = self._transformation().update(gradient, moments, weights)
            return (
                jax.tree.map(jnp.add, weights, changes),
                self.credit.settled(cell, credit),
                moments,
            )

        def nothing(weights: Tree, credit: Tree, moments: Tree) -> tuple[Tree, Tree, Tree]:
            return weights, credit, moments

        weights, credit, moments = jax.lax.cond(
            self.credit.due(credit, moment), change, nothing, weights, credit, moments
        )
        return weights, (credit, moments)
