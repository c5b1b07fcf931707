"""Units with time constants: adapted ones (Pearlmutter 1989, 1995), and fixed ones (Mozer 1992).

`ContinuousTime`, Pearlmutter's network, in which every unit reads every unit:

    T_i dy_i/dt = −y_i + σ(x_i) + I_i,   x_i = Σ_j w_ij y_j
    y_i(t+Δt) = (1 − Δt/T_i) y_i(t) + Δt/T_i (σ(x_i(t)) + I_i(t))         (Euler)

E is the integral of ½ Σ (y_k − d_k)² over the output units. Weights and time constants go down its
gradient, which comes back through time: the source's adjoint equations, in Euler steps, are the
credit `Bptt`. A step here is Δt.

`Multiscale`, Mozer's network, has constants τ_i that its designer chose, 0 ≤ τ_i < 1:

    c_i(t) = τ_i c_i(t−1) + (1 − τ_i) tanh(net_i(t)),   net_i(t) = Σ_j w_ij [x(t), c(t−1), 1]_j
    y(t) = f(V [c(t), 1])

Units with τ = 0 are plain hidden units; those near 1 see a reduced description of the sequence.

Sources: B. A. Pearlmutter, Learning state space trajectories in recurrent neural networks, Neural
Computation 1 (1989), and Gradient calculation for dynamic recurrent neural networks: a survey, IEEE
Transactions on Neural Networks 6 (1995); M. C. Mozer, Induction of multiscale temporal structure,
NIPS 4 (1992). Their abstracts were available to us; equations, tasks and figures are from memory.
Our reading: T_i = Δt (1 + exp θ_i) with θ_i adapted, so that no step overshoots; inputs reach the
units through weights, as from input units that follow them at once.

Known for: Pearlmutter's circle and figure eight, Mozer's gaps (for a gap of 8, reported: a standard
network always fails, one with slow units never, after 1,312 epochs; unverified). Where they break:
a unit that keeps its state for long also takes long to change it, and constants that fit one lag do
not fit another; they "need external fine tuning" (1997).

Checks: the gradient by the constants too is that of real-time recurrent learning; a lone unit
decays by e in T; the circle and a gap (tests/baselines/test_constants.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from lethe.baselines.cell import Array, Arrays, Cell, OutputUnits, Tree
from lethe.baselines.credits.bptt import Bptt
from lethe.baselines.rule import Descent, Rule

__all__ = ["ContinuousTime", "Multiscale", "make"]


@dataclass(frozen=True)
class ContinuousTime:
    """Leaky units that all read each other; the first are the output units (Pearlmutter).

    Parameters
    ----------
    inputs, outputs, hidden : int
        Numbers of input units, of units that have targets and of other units.
    squashing : {"logistic", "linear"}
        σ of the output units; that of hidden units is logistic.
    constants : (float, float)
        First time constants, in steps, at least 1: log-uniform between these.
    initial_range : float
        Initial weights are uniform within ± this.
    """

    inputs: int
    outputs: int
    hidden: int = 4
    squashing: str = "logistic"
    constants: tuple[float, float] = (2.0, 4.0)
    initial_range: float = 1.0

    @property
    def output_units(self) -> OutputUnits:
        """Linear: an output unit's state is its activation."""
        return "linear"

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Initial weights (units, inputs + units + 1) and θ (units,)."""
        n, a = self.outputs + self.hidden, self.initial_range
        low, high = np.log(self.constants)
        w = draw.uniform(-a, a, (n, self.inputs + n + 1))
        lags = np.exp(draw.uniform(low, high, n)) - 1
        return {"state": {"w": w, "theta": np.log(np.maximum(lags, 1e-3))}, "output": ()}

    def start(self) -> NDArray[np.float64]:
        """Logistic units rest at 0.5, where those of the source's circle begin."""
        y = np.full(self.outputs + self.hidden, 0.5)
        if self.squashing == "linear":
            y[: self.outputs] = 0
        return y

    def step(self, weights: Arrays, state: Array, x: Array) -> Array:
        """One step of Euler's."""
        net = weights["w"] @ jnp.concatenate((x, state, jnp.ones(1, x.dtype)))
        to = jax.nn.sigmoid(net)
        if self.squashing == "linear":
            to = to.at[: self.outputs].set(net[: self.outputs])
        return state + jax.nn.sigmoid(-weights["theta"]) * (to - state)

    def output(self, weights: Tree, state: Array, x: Array) -> Array:
        """The output units' activations."""
        return state[: self.outputs]


@dataclass(frozen=True)
class Multiscale:
    """Hidden units with fixed time constants, and a layer of output units (Mozer 1992).

    Parameters
    ----------
    inputs, outputs : int
        Numbers of input and output units.
    taus : tuple of float
        τ of each hidden unit.
    output_units : OutputUnits
        Their squashing and error.
    initial_range : float
        Initial weights are uniform within ± this.
    """

    inputs: int
    outputs: int
    taus: tuple[float, ...]
    output_units: OutputUnits = "logistic"
    initial_range: float = 0.5

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Uniform initial weights (units, inputs + units + 1) and (outputs, units + 1)."""
        a, n = self.initial_range, len(self.taus)
        return {
            "state": draw.uniform(-a, a, (n, self.inputs + n + 1)),
            "output": draw.uniform(-a, a, (self.outputs, n + 1)),
        }

    def start(self) -> NDArray[np.float64]:
        """Activations of zero."""
        return np.zeros(len(self.taus))

    def step(self, weights: Array, state: Array, x: Array) -> Array:
        """c(t)."""
        tau = jnp.asarray(self.taus, x.dtype)
        net = weights @ jnp.concatenate((x, state, jnp.ones(1, x.dtype)))
        return tau * state + (1 - tau) * jnp.tanh(net)

    def output(self, weights: Array, state: Array, x: Array) -> Array:
        """V [c(t), 1]."""
        return weights @ jnp.append(state, 1.0)


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    units: int = 10,
    constants: Sequence[float] = (2.0, 4.0),
    taus: Sequence[float] | None = None,
    initial_range: float = 0.5,
    longest: int = 128,
    rate: float = 0.01,
    momentum: float = 0.0,
    optimizer: str = "adam",
    clip: float | None = None,
) -> tuple[Cell, Rule]:
    """Pearlmutter's network of `units` hidden units, or with `taus` Mozer's."""
    rule = Descent(Bptt(longest), rate, momentum, optimizer, clip)
    if taus is not None:
        return Multiscale(inputs, outputs, tuple(taus), output_units, initial_range), rule
    if output_units not in ("logistic", "linear"):
        raise ValueError(f"output_units must be logistic or linear, got {output_units!r}")
    low, high = constants
    cell = ContinuousTime(inputs, outputs, units, output_units, (low, high), initial_range)
    return cell, rule
