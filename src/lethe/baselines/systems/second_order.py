"""The second-order recurrent network, with multiplicative units.

    s_i(t) = f(Σ_jk W_ijk s_j(t−1) x_k(t))        s(0) = (1, 0, 0, …)

An input symbol k picks its own matrix W_··k for the step of the state, as a symbol picks the
transitions of an automaton. The first units are the output units. The gradient is complete: full
back-propagation through time at the end of each string.

Source: Watrous & Kuhn, "Induction of finite-state languages using second-order recurrent networks",
Neural Computation 4, 1992, and its NIPS 4 version; Giles, Miller, Chen, Chen, Sun & Lee, "Learning
and extracting finite state automata with second-order recurrent neural networks", same volume. We
had both abstracts and Watrous & Kuhn's first page with the languages. Our reading: logistic units,
the first state, weights uniform within ±1, and a change after each string, with momentum, where
Watrous & Kuhn take the gradient of all strings together. With `biased` state and input have one
more entry that is always 1, for inputs that are no symbols; the first-order network is a special
case then.

Known for: Tomita's languages. Where it breaks: a state that has to last through a hundred steps of
noise, like every network whose error shrinks at each step back; and it has a weight for every pair
of a unit and an input, for every unit.

Checks (tests/baselines/test_orders.py): the gradient is that of autodiff and of real-time recurrent
learning, and the automaton of each of Tomita's languages, written into W, accepts that language.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from lethe.baselines.cell import Array, Arrays, OutputUnits, Tree
from lethe.baselines.credits.bptt import Bptt
from lethe.baselines.rule import Descent

__all__ = ["SecondOrder", "make"]


@dataclass(frozen=True)
class SecondOrder:
    """Units that read the products of all units' past activations with all inputs.

    Parameters
    ----------
    inputs, outputs, hidden : int
        Numbers of input units, of units that have targets and of other units.
    output_units : OutputUnits
        What a target sees of the output units; all units feed back logistic activations.
    biased : bool
        Whether state and input have an entry more that is 1.
    initial_range : float
        Initial weights are uniform within ± this.
    """

    inputs: int
    outputs: int
    hidden: int = 4
    output_units: OutputUnits = "logistic"
    biased: bool = False
    initial_range: float = 1.0

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Uniform initial weights (units, units [+ 1], inputs [+ 1])."""
        a, n, one = self.initial_range, self.outputs + self.hidden, int(self.biased)
        return {"state": draw.uniform(-a, a, (n, n + one, self.inputs + one)), "output": ()}

    def start(self) -> Tree:
        """The first unit is active; net inputs of the output units of zero."""
        return {"s": np.eye(self.outputs + self.hidden)[0], "net": np.zeros(self.outputs)}

    def step(self, weights: Array, state: Arrays, x: Array) -> Arrays:
        """s(t)."""
        one = jnp.ones(int(self.biased), x.dtype)
        s, x = jnp.concatenate((state["s"], one)), jnp.concatenate((x, one))
        net = weights @ x @ s
        return {"s": jax.nn.sigmoid(net), "net": net[: self.outputs]}

    def output(self, weights: Tree, state: Arrays, x: Array) -> Array:
        """The net inputs of the output units."""
        return state["net"]


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    hidden: int = 4,
    biased: bool = False,
    initial_range: float = 1.0,
    rate: float = 0.5,
    momentum: float = 0.5,
    clip: float | None = None,
    longest: int = 128,
) -> tuple[SecondOrder, Descent]:
    """A second-order network that learns by full back-propagation through time.

    Parameters
    ----------
    inputs, outputs, output_units
        See `lethe.baselines.cell.Cell`.
    hidden, biased, initial_range
        See `SecondOrder`.
    rate, momentum, clip
        See `Descent`.
    longest : int
        Longest sequence that is stored; errors go no further back.
    """
    cell = SecondOrder(inputs, outputs, hidden, output_units, biased, initial_range)
    return cell, Descent(Bptt(longest), rate, momentum, clip=clip)
