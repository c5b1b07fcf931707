"""Focused back-propagation: context units that decay, and read inputs only (Mozer 1989).

    c_i(t) = d_i c_i(t−1) + s(net_i(t)),   net_i(t) = Σ_j w_ij [x(t), 1]_j        s = tanh

Only its own past, times its decay d_i, feeds back to a context unit; a feed-forward net reads the
context. So an error that reaches c_i stays with unit i ("focused"), shrinks by d_i alone on its way
back, and its derivatives can go forward in time with it, a number per weight:

    α_i(t) = ∂c_i(t)/∂d_i = c_i(t−1) + d_i α_i(t−1)
    β_ij(t) = ∂c_i(t)/∂w_ij = s'(net_i(t)) x_j(t) + d_i β_ij(t−1)
    ∂E/∂d_i = δ_i α_i,   ∂E/∂w_ij = δ_i β_ij,   δ_i = ∂E/∂c_i

`Focused` is that credit, for this cell. Real-time recurrent learning and full back-propagation
through time give the same, at more cost.

Source: M. C. Mozer, A focused backpropagation algorithm for temporal pattern recognition, Complex
Systems 3 (1989). Its abstract was available to us; equations and tasks are from memory. Our
reading: d_i = logistic(θ_i) with θ_i adapted, so that decays stay within 0 and 1; weights change at
every target.

Known for: a temporal version of the verb past-tense model, whose corpus we have not, and first the
recognition of four words of four letters (no figure known to us). Where it breaks: nothing gates
what a context unit reads, so later inputs are added to what it should keep, and no single decay
fits two lags (1999: "no principled way of designing appropriate decay constants").

Checks: the gradient is that of the two others; the words (tests/baselines/test_constants.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from lethe.baselines.cell import Array, Arrays, Cell, OutputUnits, Tree
from lethe.baselines.credit import Moment, of_output
from lethe.baselines.rule import Descent, Rule

__all__ = ["DecayUnits", "Focused", "make"]


@dataclass(frozen=True)
class DecayUnits:
    """Context units with a decay each, and a feed-forward net on them.

    Parameters
    ----------
    inputs, outputs, units, hidden : int
        Numbers of input, output and context units, and of tanh units between context and output
        (0: outputs read the context).
    output_units : OutputUnits
        Their squashing and error.
    decays : (float, float)
        First decays are uniform between these, within 0 and 1.
    initial_range : float
        Initial weights are uniform within ± this.
    """

    inputs: int
    outputs: int
    units: int = 10
    hidden: int = 0
    output_units: OutputUnits = "logistic"
    decays: tuple[float, float] = (0.5, 0.99)
    initial_range: float = 0.5

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Initial weights (units, inputs + 1), θ (units,), and those of the layers above."""
        a, sizes = self.initial_range, [self.units, self.hidden, self.outputs]
        if not self.hidden:
            del sizes[1]
        d = draw.uniform(*self.decays, self.units)
        w = draw.uniform(-a, a, (self.units, self.inputs + 1))
        layers = tuple(draw.uniform(-a, a, (above, below + 1)) for below, above in pairwise(sizes))
        return {"state": {"w": w, "theta": np.log(d) - np.log1p(-d)}, "output": layers}

    def start(self) -> NDArray[np.float64]:
        """An empty context."""
        return np.zeros(self.units)

    def step(self, weights: Arrays, state: Array, x: Array) -> Array:
        """c(t)."""
        return jax.nn.sigmoid(weights["theta"]) * state + jnp.tanh(
            weights["w"] @ jnp.append(x, 1.0)
        )

    def output(self, weights: tuple[Array, ...], state: Array, x: Array) -> Array:
        """The output of the feed-forward net on the context."""
        *below, last = weights
        for layer in below:
            state = jnp.tanh(layer @ jnp.append(state, 1.0))
        return last @ jnp.append(state, 1.0)


@dataclass(frozen=True)
class Focused:
    """Derivatives along a context unit's own decay, with a weight change at every target.

    It works only with `DecayUnits`.
    """

    def start(self, cell: Cell, weights: Tree) -> Tree:
        """α (units,) and β (units, inputs + 1) of zero."""
        state = weights["state"]
        return {"alpha": jnp.zeros_like(state["theta"]), "beta": jnp.zeros_like(state["w"])}

    def advance(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> Tree:
        """α(t) and β(t)."""
        state, x = weights["state"], jnp.append(moment.x, 1.0)
        d = jax.nn.sigmoid(state["theta"])
        slope = 1 - jnp.tanh(state["w"] @ x) ** 2
        return {
            "alpha": moment.before + d * kept["alpha"],
            "beta": jnp.outer(slope, x) + d[:, None] * kept["beta"],
        }

    def due(self, kept: Tree, moment: Moment) -> Array:
        """At every target."""
        return moment.has_target

    def pull(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment, by: Array) -> Tree:
        """See `Derivatives`."""
        own, delta = of_output(cell, weights, moment, by)
        d = jax.nn.sigmoid(weights["state"]["theta"])
        state = {"w": delta[:, None] * kept["beta"], "theta": delta * kept["alpha"] * d * (1 - d)}
        return {"state": state, "output": own}

    def gradient(self, cell: Cell, weights: Tree, kept: Tree, moment: Moment) -> Tree:
        """∂E(t)/∂weights."""
        return self.pull(cell, weights, kept, moment, moment.error)

    def settled(self, cell: Cell, kept: Tree) -> Tree:
        """Unchanged."""
        return kept


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    units: int = 15,
    hidden: int = 10,
    decays: tuple[float, float] = (0.5, 0.99),
    initial_range: float = 0.5,
    rate: float = 0.001,
    momentum: float = 0.0,
    optimizer: str = "adam",
    clip: float | None = None,
) -> tuple[Cell, Rule]:
    """Mozer's network with his algorithm."""
    low, high = decays
    cell = DecayUnits(inputs, outputs, units, hidden, output_units, (low, high), initial_range)
    return cell, Descent(Focused(), rate, momentum, optimizer, clip)
