"""The NARX network (Lin, Horne, Tiňo & Giles 1995, 1996; Narendra & Parthasarathy 1990).

Nonlinear AutoRegressive with eXogenous inputs: the only state is what the output units did, and
what the input was, through delay lines.

    z(t) = [x(t), x(t−1), …, x(t−input_taps+1), ȳ(t−1), …, ȳ(t−delays), 1]
    h(t) = tanh(W z(t))                     hidden units
    y(t) = f(V [h(t), 1])                   output units; without hidden units y(t) = f(W z(t))

ȳ is y, for logistic units scaled to 2y − 1 = tanh(net/2): between −1 and 1, as in the source.
Error flows back `delays` steps at one jump, so that over a lag T it is multiplied about T/delays
times, not T times. Weights follow full back-propagation through time, at the end of each sequence.
Where it breaks: error vanishes all the same, only later.

Source: abstracts and beginnings of both papers, which is what we could read, tell the network, the
gradient and the result: NARX networks "can often retain information for two to three times as long"
as recurrent networks with one delay. Their latching problem is that of Bengio et al. (1994): one
tanh unit, adjustable first inputs for each class, then noise, targets ±0.8 at the end. Numbers of
strings, rate, noise and the curves for several `delays` we know from memory alone and do not claim.
Ours: with 30 strings, 5 of 10 networks latch for some 35 steps with one delay, 50 with 2, 70 with 3
and 130 with 6 (tests/baselines/test_delays.py has 1 and 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from lethe.baselines.cell import Array, Arrays, Cell, OutputUnits, Tree, squashed
from lethe.baselines.credits.bptt import Bptt
from lethe.baselines.rule import Descent, Rule

__all__ = ["Narx", "make"]


@dataclass(frozen=True)
class Narx:
    """A feedforward network that reads its own past outputs and past inputs.

    Parameters
    ----------
    inputs, outputs : int
        Numbers of input and output units.
    hidden : int
        Number of hidden units; 0: output units read the delay lines directly.
    delays : int
        Past outputs that are read: at least 1.
    input_taps : int
        Inputs that are read, this step's included: at least 1.
    output_units : OutputUnits
        Their squashing and error.
    initial_range : float
        Initial weights are uniform within ± this.
    """

    inputs: int
    outputs: int
    hidden: int = 8
    delays: int = 6
    input_taps: int = 1
    output_units: OutputUnits = "logistic"
    initial_range: float = 0.5

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Uniform initial weights, in the order of z, the bias last."""
        a = self.initial_range
        read = self.input_taps * self.inputs + self.delays * self.outputs + 1
        shapes = {"output": (self.outputs, read)}
        if self.hidden:
            shapes = {"hidden": (self.hidden, read), "output": (self.outputs, self.hidden + 1)}
        return {"state": {k: draw.uniform(-a, a, s) for k, s in shapes.items()}, "output": ()}

    def start(self) -> Tree:
        """The delay lines, newest first: inputs, and net inputs of the output units, of zero."""
        return {
            "x": np.zeros((self.input_taps, self.inputs)),
            "net": np.zeros((self.delays, self.outputs)),
        }

    def step(self, weights: Arrays, state: Arrays, x: Array) -> Arrays:
        """Both lines move on."""
        xs = jnp.concatenate((x[None], state["x"][:-1]))
        z = jnp.concatenate(
            (xs.ravel(), self._fed_back(state["net"]).ravel(), jnp.ones(1, x.dtype))
        )
        if self.hidden:
            z = jnp.append(jnp.tanh(weights["hidden"] @ z), 1.0)
        net = weights["output"] @ z
        return {"x": xs, "net": jnp.concatenate((net[None], state["net"][:-1]))}

    def output(self, weights: Tree, state: Arrays, x: Array) -> Array:
        """The newest net inputs of the output units."""
        return state["net"][0]

    def _fed_back(self, net: Array) -> Array:
        if self.output_units in ("logistic", "logistic_cross_entropy"):
            return jnp.tanh(net / 2)
        return jax.vmap(lambda one: squashed(self, one))(net)


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    hidden: int = 8,
    delays: int = 6,
    input_taps: int = 1,
    rate: float = 0.003,
    momentum: float = 0.0,
    optimizer: Literal["sgd", "adam"] = "adam",
    clip: float | None = None,
    longest: int = 128,
) -> tuple[Cell, Rule]:
    """The network with full back-propagation through time of up to `longest` steps."""
    cell = Narx(inputs, outputs, hidden, delays, input_taps, output_units)
    return cell, Descent(Bptt(longest), rate, momentum, optimizer, clip)
