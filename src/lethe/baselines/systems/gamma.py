"""Gamma memory (de Vries & Principe 1991, 1992; Principe, de Vries & de Oliveira 1993).

    g_0(t) = x(t)
    g_k(t) = (1 − μ) g_k(t−1) + μ g_{k−1}(t−1)         k = 1, …, taps; one μ for each input
    h(t)   = tanh(W [g_0(t), …, g_taps(t), 1])         hidden units, if there are any
    y(t)   = f(V [h(t), 1])                            else y(t) = f(W [g(t), 1])

A delay line whose every link leaks. μ = 1 is a tapped delay line; taps = 1 is a decaying trace.
An input reaches tap k as the gamma kernel, t steps later (t ≥ k):

    g_k = C(t−1, k−1) μ^k (1−μ)^(t−k)                   mean delay k/μ

so that depth and resolution are traded by μ, which is adjusted. Real-time gradient:

    ∂g_k(t)/∂μ = (1−μ) ∂g_k(t−1)/∂μ + μ ∂g_{k−1}(t−1)/∂μ + g_{k−1}(t−1) − g_k(t−1)

and ∂E/∂μ = Σ_k ∂E/∂g_k ∂g_k/∂μ: exact, in real time, as many operations as the memory itself takes.
Where it breaks: memory ends where the kernel does. A long lag needs a small μ, which blurs
everything around that time.

Source: the beginning of the 1991 paper and abstracts of the others (what we could read), and the
equations, which the field knows well. Known for the identification of low-pass systems, since it
"decouples the memory depth from the filter order for low pass signals" (Oliveira e Silva et al.
1992). As the test of that we take a third-order elliptic low-pass filter, which we remember as the
example of 1993 without its figures: how much less error the same number of taps leaves where μ is
free. Checks: the impulse response, μ = 1, and the gradient by autodiff through a whole sequence
(tests/baselines/test_delays.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from lethe.baselines.cell import Array, Arrays, Cell, OutputUnits, Tree
from lethe.baselines.credit import Moment, of_output
from lethe.baselines.rule import Descent, Rule

__all__ = ["Gamma", "RealTime", "make"]


@dataclass(frozen=True)
class Gamma:
    """Leaky delay lines of the inputs, and a feedforward network that reads them.

    Parameters
    ----------
    inputs, outputs : int
        Numbers of input and output units.
    hidden : int
        Number of hidden units; 0: output units read the memory directly.
    taps : int
        Links of each delay line; the input itself does not count.
    mu : float
        The first μ: above 0 and below 2, outside which the memory explodes.
    output_units : OutputUnits
        Their squashing and error.
    initial_range : float
        Initial weights but μ are uniform within ± this.
    """

    inputs: int
    outputs: int
    hidden: int = 8
    taps: int = 10
    mu: float = 0.5
    output_units: OutputUnits = "logistic"
    initial_range: float = 0.5

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """μ (inputs,), and uniform first weights, by tap and then by input, the bias last."""
        a, read = self.initial_range, (self.taps + 1) * self.inputs + 1
        shapes = {"output": (self.outputs, read)}
        if self.hidden:
            shapes = {"hidden": (self.hidden, read), "output": (self.outputs, self.hidden + 1)}
        return {
            "state": np.full(self.inputs, self.mu),
            "output": {k: draw.uniform(-a, a, shape) for k, shape in shapes.items()},
        }

    def start(self) -> NDArray[np.float64]:
        """The memory (taps + 1, inputs), of zero."""
        return np.zeros((self.taps + 1, self.inputs))

    def step(self, weights: Array, state: Array, x: Array) -> Array:
        """g(t)."""
        return jnp.concatenate((x[None], (1 - weights) * state[1:] + weights * state[:-1]))

    def output(self, weights: Arrays, state: Array, x: Array) -> Array:
        """The net inputs of the output units."""
        z = jnp.append(state, 1.0)
        if self.hidden:
            z = jnp.append(jnp.tanh(weights["hidden"] @ z), 1.0)
        return weights["output"] @ z


@dataclass(frozen=True)
class RealTime:
    """The exact gradient of a `Gamma` in real time, with a weight change at every target."""

    def start(self, cell: Cell, weights: Tree) -> Array:
        """∂g/∂μ (taps + 1, inputs), of zero: each μ has its own line."""
        return jnp.zeros(cell.start().shape, weights["state"].dtype)

    def advance(self, cell: Cell, weights: Tree, kept: Array, moment: Moment) -> Array:
        """∂g(t)/∂μ from ∂g(t−1)/∂μ: the derivative of the step, of all lines at once."""
        mu = weights["state"]
        now = (mu, moment.before)
        along = (jnp.ones_like(mu), kept)
        change: Array = jax.jvp(lambda mu, g: cell.step(mu, g, moment.x), now, along)[1]
        return change

    def due(self, kept: Array, moment: Moment) -> Array:
        """At every target."""
        return moment.has_target

    def gradient(self, cell: Cell, weights: Tree, kept: Array, moment: Moment) -> Tree:
        """∂E(t)/∂weights."""
        own, by_memory = of_output(cell, weights, moment, moment.error)
        return {"state": (by_memory * kept).sum(axis=0), "output": own}

    def settled(self, cell: Cell, kept: Array) -> Array:
        """Unchanged."""
        return kept


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    hidden: int = 8,
    taps: int = 10,
    mu: float = 0.5,
    rate: float = 0.003,
    momentum: float = 0.0,
    optimizer: Literal["sgd", "adam"] = "adam",
    clip: float | None = None,
) -> tuple[Cell, Rule]:
    """The network with its real-time gradient, and a weight change at every target."""
    cell = Gamma(inputs, outputs, hidden, taps, mu, output_units)
    return cell, Descent(RealTime(), rate, momentum, optimizer, clip)
