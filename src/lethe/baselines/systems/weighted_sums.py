"""Plate's holographic recurrent network (Plate 1993): new activations are sums of old ones.

    c(t) = k ⊛ c(t−1) + W x(t)          memory units; ⊛: (k ⊛ c)_i = Σ_j k_{i−j mod n} c_j
    y(t) = f(V [c(t), 1])               output units
    k    = F⁻¹ exp(iφ)                  the key; F: the discrete Fourier transform

Circular convolution with a key of n numbers replaces the logistic of a matrix-vector
product: each memory unit is a weighted sum of all old activations, with the same weights, rotated,
for every unit, and without squashing. So c(t) = Σ_s k^s ⊛ W x(t−s), a trajectory of holographic
reduced representations. All frequencies of the key have magnitude 1: an input neither fades nor
grows. W, V and the phases φ follow full back-propagation through time. Where it breaks: nothing is
ever forgotten either, so that over a long lag all later inputs are added to what must be kept.

Source: 1997 cites Plate (1993), "Holographic Recurrent Networks", for a method that "updates unit
activations based on a weighted sum of old activations". Its abstract and introduction, all of it
that we could read, say that convolution replaces the matrix-vector product and the logistic of
simple recurrent networks (SRN), and that by gradient descent such networks learn "easily and
quickly" to generate sequences of discrete outputs and trajectories, better than SRNs do. The rest
is our reading: where the input enters, what is adjusted, and that the key keeps its magnitudes (a
free one soon makes the memory explode). No figure of the source is known to us; the test has
sequences generated from their numbers, compared with an SRN of as many units (see
tests/baselines/test_delays.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from lethe.baselines.cell import Array, Arrays, Cell, OutputUnits, Tree
from lethe.baselines.credits.bptt import Bptt
from lethe.baselines.rule import Descent, Rule

__all__ = ["Holographic", "make"]


@dataclass(frozen=True)
class Holographic:
    """Linear memory units that are convolved with a key at each step.

    Parameters
    ----------
    inputs, outputs, units : int
        Numbers of input, output and memory units.
    output_units : OutputUnits
        Their squashing and error.
    initial_range : float
        Initial weights but the key's phases are uniform within ± this.
    """

    inputs: int
    outputs: int
    units: int = 32
    output_units: OutputUnits = "logistic"
    initial_range: float = 0.5

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Random phases (units // 2 + 1,) of the key; the other weights uniform, the bias last."""
        a, frequencies = self.initial_range, self.units // 2 + 1
        return {
            "state": {
                "phases": draw.uniform(-np.pi, np.pi, frequencies),
                "input": draw.uniform(-a, a, (self.units, self.inputs)),
            },
            "output": draw.uniform(-a, a, (self.outputs, self.units + 1)),
        }

    def key(self, phases: Array) -> Array:
        """The key (units,). The frequencies 0 and units / 2, which have no mirror, have phase 0."""
        n, f = self.units, np.arange(len(phases))
        paired = f * 2 % n != 0
        angles = 2 * np.pi / n * np.outer(np.arange(n), f) + jnp.where(paired, phases, 0)
        return jnp.cos(angles) @ jnp.where(paired, 2 / n, 1 / n)

    def start(self) -> NDArray[np.float64]:
        """An empty memory (units,)."""
        return np.zeros(self.units)

    def step(self, weights: Arrays, state: Array, x: Array) -> Array:
        """c(t)."""
        i = np.arange(self.units)
        sums = self.key(weights["phases"])[(i[:, None] - i) % self.units]
        return sums @ state + weights["input"] @ x

    def output(self, weights: Array, state: Array, x: Array) -> Array:
        """The net inputs of the output units."""
        return weights @ jnp.append(state, 1.0)


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    units: int = 32,
    rate: float = 0.003,
    momentum: float = 0.0,
    optimizer: Literal["sgd", "adam"] = "adam",
    clip: float | None = None,
    longest: int = 128,
) -> tuple[Cell, Rule]:
    """The network with full back-propagation through time of up to `longest` steps."""
    cell = Holographic(inputs, outputs, units, output_units)
    return cell, Descent(Bptt(longest), rate, momentum, optimizer, clip)
