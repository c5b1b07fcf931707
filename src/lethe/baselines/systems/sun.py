"""Time warping invariant neural network (Sun, Chen & Lee 1993).

    l(t) = |x(t) − x(t−1)|                          length of the input's path in this step
    S(t) = S(t−1) + l(t) F(W [x(t), S(t−1), 1])     F = tanh
    y(t) = f(V [S(t), 1])

A unit's activation is its old activation plus the scaled net input. The scale makes the state a
function of the input's path, dS/dl = F, and not of its duration: while the input rests nothing
happens, and the same path at another speed or in other steps ends in the same state, up to the
error of the steps.

Source: G.-Z. Sun, H.-H. Chen, Y.-C. Lee, Time warping invariant neural networks, NIPS 5 (1993). Its
abstract was available to us; the equations are from memory and from what 1997 says of them. Our
reading: the path begins at 0, so that a first input counts; F is of first order and squashed;
weights follow the gradient of a whole sequence (`Bptt`).

Known for: the classification of trajectories that are heavily warped in time, sampled at variable
rates and deformed, learned in 100 iterations where a time-delay network failed. Its curves are not
known to us: those of the test follow that description. Where it breaks: when the input continues,
for each later net input is added to what is stored and "tends to perturb" it (1997); and two equal
symbols in a row are one.

Checks: an input that rests changes nothing, to the last digit, and finer steps on the same path end
ever closer; the trajectories (tests/baselines/test_constants.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from lethe.baselines.cell import Array, Arrays, Cell, OutputUnits, Tree
from lethe.baselines.credits.bptt import Bptt
from lethe.baselines.rule import Descent, Rule

__all__ = ["WarpInvariant", "make"]


@dataclass(frozen=True)
class WarpInvariant:
    """Units that add up net inputs, each scaled by how far the input has moved.

    Parameters
    ----------
    inputs, outputs, units : int
        Numbers of input, output and recurrent units.
    output_units : OutputUnits
        Their squashing and error.
    initial_range : float
        Initial weights are uniform within ± this.
    """

    inputs: int
    outputs: int
    units: int = 10
    output_units: OutputUnits = "logistic"
    initial_range: float = 0.5

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Uniform initial weights (units, inputs + units + 1) and (outputs, units + 1)."""
        a = self.initial_range
        return {
            "state": draw.uniform(-a, a, (self.units, self.inputs + self.units + 1)),
            "output": draw.uniform(-a, a, (self.outputs, self.units + 1)),
        }

    def start(self) -> Tree:
        """Activations (units,) and a last input (inputs,) of zero."""
        return {"s": np.zeros(self.units), "x": np.zeros(self.inputs)}

    def step(self, weights: Array, state: Arrays, x: Array) -> Arrays:
        """S(t), and the input to measure the next step from."""
        moved = x - jax.lax.stop_gradient(state["x"])  # It depends on no weight.
        length = jnp.sqrt(moved @ moved)
        net = weights @ jnp.concatenate((x, state["s"], jnp.ones(1, x.dtype)))
        return {"s": state["s"] + length * jnp.tanh(net), "x": x}

    def output(self, weights: Array, state: Arrays, x: Array) -> Array:
        """V [S(t), 1]."""
        return weights @ jnp.append(state["s"], 1.0)


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    units: int = 10,
    initial_range: float = 0.1,
    longest: int = 128,
    rate: float = 0.003,
    momentum: float = 0.0,
    optimizer: str = "adam",
    clip: float | None = 1.0,
) -> tuple[Cell, Rule]:
    """The network of Sun, Chen and Lee."""
    cell = WarpInvariant(inputs, outputs, units, output_units, initial_range)
    return cell, Descent(Bptt(longest), rate, momentum, optimizer, clip)
