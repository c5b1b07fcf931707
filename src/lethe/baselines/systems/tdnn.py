"""The time-delay neural network (Waibel et al. 1989; Lang, Waibel & Hinton 1990).

    h(t) = f(Σ_{d < input_taps} W_d x(t−d) + b)       hidden units: a delay line at the input
    c(t) = f(Σ_{d < hidden_taps} V_d h(t−d) + e)      class units: a delay line at the hidden layer
    y(t) = f(u ⊙ Σ_{i < frames} c(t−i) + o)           evidence of a class, added up over time

W, V and u are the same at all times. With ``frames = 1`` the class units are the output units:
y(t) = f(Σ V_d h(t−d) + e). There is no feedback, so what is remembered is an input line as long as
all delays together, and the hidden units of earlier times are computed from it again: one step of
back-propagation, ``Window(1)``, is the exact gradient. Where it breaks: what happened before the
line began is unknown, so that the longest lag must be known beforehand.

Source: the layers and their delays are those of Waibel et al. (8 hidden units that see 3 frames of
16 inputs; 3 class units that see 5 frames of those; 9 frames of these added up), as we remember
them; their last sum has fixed equal weights, ours one adjustable weight and a bias for each class.
Known for: the phonemes B, D and G, 98.5 % accuracy against 93.7 % by the best hidden Markov model
(abstract), independently of their position in time. That data is not available. In its place are
the property itself (the same pattern at another time has the same evidence, exactly) and the
prediction of the Mackey-Glass series, the usual test of networks with delay lines since Lapedes
and Farber (1987) (tests/baselines/test_delays.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from lethe.baselines.cell import Array, Arrays, Cell, OutputUnits, Tree
from lethe.baselines.credits.bptt import Window
from lethe.baselines.rule import Descent, Rule

__all__ = ["Tdnn", "make"]


@dataclass(frozen=True)
class Tdnn:
    """Layers that see the last few steps of the layer below, with shared weights over time.

    Parameters
    ----------
    inputs, outputs, units : int
        Numbers of input, output and hidden units.
    input_taps, hidden_taps : int
        Steps of the input that a hidden unit sees, and steps of the hidden layer that a class unit
        sees: at least 1, this step included.
    frames : int
        Steps over which the evidence of each class is added up. 1: class units are output units.
    output_units : OutputUnits
        Their squashing and error. Hidden and class units are logistic.
    initial_range : float
        Initial weights are uniform within ± this.
    """

    inputs: int
    outputs: int
    units: int = 8
    input_taps: int = 3
    hidden_taps: int = 5
    frames: int = 1
    output_units: OutputUnits = "logistic"
    initial_range: float = 0.5

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Uniform initial weights, the bias last; the next state depends on none of them."""
        a = self.initial_range
        layers = {
            "hidden": draw.uniform(-a, a, (self.units, self.input_taps * self.inputs + 1)),
            "class": draw.uniform(-a, a, (self.outputs, self.hidden_taps * self.units + 1)),
        }
        if self.frames > 1:
            layers["evidence"] = draw.uniform(-a, a, (self.outputs, 2))
        return {"state": (), "output": layers}

    def start(self) -> NDArray[np.float64]:
        """The delay line (steps, inputs), newest first: zeros."""
        return np.zeros((self.input_taps + self.hidden_taps + self.frames - 2, self.inputs))

    def step(self, weights: Tree, state: Array, x: Array) -> Array:
        """The line moves on."""
        return jnp.concatenate((x[None], state[:-1]))

    def output(self, weights: Arrays, state: Array, x: Array) -> Array:
        """The net inputs of the output units."""
        hidden = jax.nn.sigmoid(_over_time(weights["hidden"], state, self.input_taps))
        classes = _over_time(weights["class"], hidden, self.hidden_taps)
        if self.frames == 1:
            return classes[0]
        gain, bias = weights["evidence"][:, 0], weights["evidence"][:, 1]
        return gain * jax.nn.sigmoid(classes).sum(axis=0) + bias


def _over_time(weights: Array, line: Array, taps: int) -> Array:
    """Net inputs (steps − taps + 1, units) of a layer, at all times that a line (steps, n) has."""
    times = np.arange(len(line) - taps + 1)[:, None] + np.arange(taps)
    return line[times].reshape(len(times), -1) @ weights[:, :-1].T + weights[:, -1]


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    units: int = 8,
    input_taps: int = 3,
    hidden_taps: int = 13,
    frames: int = 1,
    rate: float = 0.003,
    momentum: float = 0.0,
    optimizer: Literal["sgd", "adam"] = "adam",
) -> tuple[Cell, Rule]:
    """The network with back-propagation at every target; by default it sees 15 steps."""
    cell = Tdnn(inputs, outputs, units, input_taps, hidden_taps, frames, output_units)
    return cell, Descent(Window(1), rate, momentum, optimizer)
