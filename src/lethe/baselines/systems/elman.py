"""Elman's simple recurrent network (Elman 1988, 1990).

    h(t) = f(U x(t) + V h(t−1))        hidden units; h(t−1) is copied into context units
    y(t) = f(W h(t))                   output units

Elman's procedure takes the context for an input like any other: the error of a step goes back
through that step alone. That is the credit ``Window(1)``. Other credits go with this cell as well.
Table 1 counts 435 weights for 15 hidden units, which is without biases: 15·(7 + 15) + 7·15.

It was known for the Reber grammar (Cleeremans, Servan-Schreiber & McClelland 1989), with 3 hidden
units or 15: a string is accepted where each symbol's output unit is above 0.3 before it comes. Of
that paper we could read the abstract; 0.3 and its 60,000 training strings are from memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from lethe.baselines.cell import Array, OutputUnits, Tree
from lethe.baselines.credits.bptt import Window
from lethe.baselines.rule import Descent

__all__ = ["Elman", "make"]


@dataclass(frozen=True)
class Elman:
    """A layer of hidden units that read the input and their own past activations.

    Parameters
    ----------
    inputs, outputs, units : int
        Numbers of input, output and hidden units.
    output_units : OutputUnits
        Their squashing and error.
    biased : bool
        Whether hidden and output units have biases.
    squashing : {"logistic", "tanh"}
        Of the hidden units.
    initial_range : float
        Initial weights are uniform within ± this.
    """

    inputs: int
    outputs: int
    units: int = 15
    output_units: OutputUnits = "logistic"
    biased: bool = False
    squashing: str = "logistic"
    initial_range: float = 0.5

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Uniform initial weights: (units, inputs + units [+ 1]) and (outputs, units [+ 1])."""
        a, one = self.initial_range, int(self.biased)
        return {
            "state": draw.uniform(-a, a, (self.units, self.inputs + self.units + one)),
            "output": draw.uniform(-a, a, (self.outputs, self.units + one)),
        }

    def start(self) -> NDArray[np.float64]:
        """Context units of zero; where units are logistic of 0.5, their rest."""
        return np.full(self.units, 0.0 if self.squashing == "tanh" else 0.5)

    def step(self, weights: Array, state: Array, x: Array) -> Array:
        """h(t)."""
        net = weights @ self._with_bias(jnp.concatenate((x, state)))
        return jnp.tanh(net) if self.squashing == "tanh" else jax.nn.sigmoid(net)

    def output(self, weights: Array, state: Array, x: Array) -> Array:
        """W h(t)."""
        return weights @ self._with_bias(state)

    def _with_bias(self, z: Array) -> Array:
        return jnp.append(z, 1.0) if self.biased else z


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    units: int = 15,
    rate: float = 0.1,
    momentum: float = 0.0,
    biased: bool = False,
    initial_range: float = 0.5,
) -> tuple[Elman, Descent]:
    """Elman's network with his procedure: a weight change at every target, one step deep."""
    cell = Elman(inputs, outputs, units, output_units, biased, initial_range=initial_range)
    return cell, Descent(Window(1), rate, momentum)
