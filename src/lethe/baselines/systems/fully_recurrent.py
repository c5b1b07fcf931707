"""The fully recurrent network of Williams & Zipser (1989, 1992), with teacher forcing.

    z(t) = [x(t), y(t−1)]              every unit reads every input and every unit
    y(t) = f(W z(t))                   the first units are the output units

While learning, teacher forcing replaces an output unit's activation by the target where the next
step reads it; the derivatives with respect to that activation are then zero.
Table 1 counts 170 weights for 3 hidden units and 494 for 12, which is 7 outputs more and no biases:
10·(7 + 10) and 19·(7 + 19) (Smith & Zipser 1989).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from lethe.baselines.cell import Array, OutputUnits, Tree, squashed

__all__ = ["FullyRecurrent"]


@dataclass(frozen=True)
class FullyRecurrent:
    """Units that all read each other; some of them are the output units.

    Parameters
    ----------
    inputs, outputs, hidden : int
        Numbers of input units, of units that have targets and of other units.
    output_units : OutputUnits
        Their squashing and error; hidden units are logistic.
    biased : bool
        Whether units have biases.
    forced : bool
        Whether to use teacher forcing while learning.
    initial_range : float
        Initial weights are uniform within ± this.
    """

    inputs: int
    outputs: int
    hidden: int = 3
    output_units: OutputUnits = "logistic"
    biased: bool = False
    forced: bool = True
    initial_range: float = 0.5

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Uniform initial weights (units, inputs + units [+ 1])."""
        a, n = self.initial_range, self.outputs + self.hidden
        shape = (n, self.inputs + n + int(self.biased))
        return {"state": draw.uniform(-a, a, shape), "output": ()}

    def start(self) -> NDArray[np.float64]:
        """Net inputs of zero."""
        return np.zeros(self.outputs + self.hidden)

    def step(self, weights: Array, state: Array, x: Array) -> Array:
        """The net inputs of all units."""
        y, k = self._activations(state), self.outputs
        if self.forced:
            x, target, there = x[: self.inputs], x[self.inputs : -1], x[-1]
            y = jnp.concatenate((jnp.where(there > 0, target, y[:k]), y[k:]))
        z = jnp.concatenate((x, y, jnp.ones(int(self.biased), y.dtype)))
        return weights @ z

    def output(self, weights: Tree, state: Array, x: Array) -> Array:
        """The net inputs of the output units."""
        return state[: self.outputs]

    def _activations(self, net: Array) -> Array:
        k = self.outputs
        return jnp.concatenate((squashed(self, net[:k]), jax.nn.sigmoid(net[k:])))
