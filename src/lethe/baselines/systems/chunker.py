"""The neural sequence chunker: history compression by two networks (Schmidhuber 1992).

The automatizer A reads every input and predicts, at each step, the next input (p), the target (d),
and the state of the chunker (q). An input that A has predicted carries no new information; C, the
chunker, reads and predicts only the inputs that surprised A, so that long lags are short ones for
C:

    h_A(t), net_A(t) = W_A [x(t), h_A(t−1), 1]        outputs p_A, d_A, q_A read x(t), h_A(t−1) too
    e_P = ½ |p_A(t−1) − x(t)|² [+ ½ |d_A(t−1) − d(t−1)|²]              surprise where e_P ≥ β
    h_C, net_C      = W_C [x(t), h_C, 1]              where there is a surprise; else unchanged
    A learns        p_A(t−1) → x(t),   d_A(t) → d(t),   q_A(t) → h_C ∘ o_C
    C learns        p_C → x(t) at a surprise,   d_C → d(t) where A's d_A(t) fails by β

A's error by q makes it imitate the state of C, until A predicts by itself and C is no longer
needed. Both learn by BPTT(h), C over its own steps.

Source: Schmidhuber, "Learning complex, extended sequences using the principle of history
compression", Neural Computation 4, 1992, and NIPS 4, 1992; we had parts of both, from the author's
pages. Our reading: squared errors and logistic units for p and q; β; no unique representation of
time as a further input, which the source's own experiment did without; at a target C learns at
once, not with the next surprise; `answers` says whose d is the system's output. With `forced` the
target is part of the next input while learning, as in the source.

Known for: a lag of 20 steps, in fewer than 5,000 sequences by 13 of 17 runs and in fewer than
35,000 by the others, with errors that go back 3 steps; plain recurrent nets had not learned it
after 1,000,000. Where it breaks: unpredictable inputs, such as noise, all go to C, which is then a
plain network.

Checks: both networks' changes against autodiff of their errors over a sequence, and the lag of 20
steps (tests/baselines/test_credit.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from lethe.baselines.cell import Array, Arrays, OutputUnits, Tree, error, squashed
from lethe.baselines.credit import Moment
from lethe.baselines.credits.bptt import Window

__all__ = ["Chunker", "Chunking", "Predictor", "make"]


@dataclass(frozen=True)
class Predictor:
    """One of the two networks: hidden and output units that read the input and hidden units.

    Parameters
    ----------
    inputs, outputs, units : int
        Numbers of input, output and hidden units.
    initial_range : float
        Initial weights are uniform within ± this.
    """

    inputs: int
    outputs: int
    units: int
    initial_range: float
    output_units: OutputUnits = "logistic"

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Uniform initial weights (units + outputs, inputs + units + 1)."""
        a, shape = self.initial_range, (self.units + self.outputs, self.inputs + self.units + 1)
        return {"state": draw.uniform(-a, a, shape), "output": ()}

    def start(self) -> Tree:
        """Hidden activations and net inputs of output units, of zero."""
        return {"h": np.zeros(self.units), "net": np.zeros(self.outputs)}

    def step(self, weights: Array, state: Arrays, x: Array) -> Arrays:
        """All units at once: outputs read hidden units of the step before."""
        net = weights @ jnp.concatenate((x, state["h"], jnp.ones(1, x.dtype)))
        return {"h": jax.nn.sigmoid(net[: self.units]), "net": net[self.units :]}

    def output(self, weights: Tree, state: Arrays, x: Array) -> Array:
        """The net inputs of the output units."""
        return state["net"]


@dataclass(frozen=True)
class Chunker:
    """Both networks, and whether C is active.

    Parameters
    ----------
    inputs, outputs : int
        Numbers of input units and of units that have targets.
    automatizer, chunker : int
        Hidden units of A and of C.
    output_units : OutputUnits
        Squashing and error of the units that have targets.
    surprise : float
        β.
    answers : {"automatizer", "chunker"}
        The network whose prediction of the target is the output.
    forced : bool
        Whether the last target is part of the input while learning.
    initial_range : float
        Initial weights are uniform within ± this.
    """

    inputs: int
    outputs: int
    automatizer: int = 3
    chunker: int = 3
    output_units: OutputUnits = "logistic"
    surprise: float = 0.05
    answers: Literal["automatizer", "chunker"] = "automatizer"
    forced: bool = False
    initial_range: float = 0.2

    @property
    def networks(self) -> tuple[Predictor, Predictor]:
        """A, whose outputs are d, p and q, and C, whose outputs are d and p."""
        read = self.inputs + self.outputs * self.forced
        said = self.outputs + self.inputs
        c = Predictor(read, said, self.chunker, self.initial_range)
        return Predictor(read, said + self.chunker + said, self.automatizer, c.initial_range), c

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Those of A and of C."""
        a, c = (network.weights(draw)["state"] for network in self.networks)
        return {"state": {"a": a, "c": c}, "output": ()}

    def start(self) -> Tree:
        """Both at rest, where any input is a surprise."""
        a, c = (network.start() for network in self.networks)
        return {"a": a, "c": c, "active": np.zeros(())}

    def step(self, weights: Tree, state: Tree, x: Array) -> Tree:
        """A takes a step, and C where A is surprised."""
        (a, c), read = self.networks, self.read(x)
        active = self.surprised(state["a"], x)
        there = c.step(weights["c"], state["c"], read)
        there = jax.tree.map(lambda new, old: jnp.where(active, new, old), there, state["c"])
        return {
            "a": a.step(weights["a"], state["a"], read),
            "c": there,
            "active": active.astype(x.dtype),
        }

    def output(self, weights: Tree, state: Tree, x: Array) -> Array:
        """The net inputs of d, of the network that answers."""
        net: Array = state[self.answers[0]]["net"]
        return net[: self.outputs]

    def read(self, x: Array) -> Array:
        """What A and C read: the input, and the last target where it is part of it."""
        return x[:-1] if self.forced else x

    def surprised(self, a: Tree, x: Array) -> Array:
        """Whether A failed to predict the input, or the last target where it is known."""
        p = jax.nn.sigmoid(a["net"][self.outputs : self.outputs + self.inputs])
        wrong = jnp.sum((p - x[: self.inputs]) ** 2) / 2
        if self.forced:
            wrong += x[-1] * self.off_target(a, x[self.inputs : -1])
        return wrong >= self.surprise

    def off_target(self, a: Tree, target: Array) -> Array:
        """½ |d_A − d|²."""
        return jnp.sum((squashed(self, a["net"][: self.outputs]) - target) ** 2) / 2


@dataclass(frozen=True)
class Chunking:
    """How both learn.

    Parameters
    ----------
    h : int
        Steps that errors propagate back, of each network's own.
    rate : float
        The learning rate of both.
    """

    h: int = 4
    rate: float = 1.0

    def start(self, cell: Chunker, weights: Tree, key: Array) -> Tree:
        """The windows of A and of C."""
        return self.reset(cell, weights, None)

    def reset(self, cell: Chunker, weights: Tree, kept: Tree) -> Tree:
        """Windows without a step."""
        first = Window(self.h).start
        return {
            name: first(network, {"state": weights["state"][name], "output": ()})
            for name, network in zip("ac", cell.networks, strict=True)
        }

    def learn(self, cell: Chunker, weights: Tree, kept: Tree, moment: Moment) -> tuple[Tree, Tree]:
        """Errors of what was predicted for this step, and of what this step says itself."""
        (a, c), k, m = cell.networks, cell.outputs, cell.outputs + cell.inputs
        before, after, x = moment.before, moment.after, moment.x[: cell.inputs]
        active, there = after["active"] > 0, moment.has_target
        failed = there & (cell.off_target(after["a"], moment.target) >= cell.surprise)
        mind = jnp.concatenate((after["c"]["h"], jax.nn.sigmoid(after["c"]["net"])))
        nothing = jnp.zeros_like(x)

        def off_target(said: Tree) -> Array:
            return error(cell, squashed(cell, said["net"][:k]), moment.target)

        def own(name: str) -> Moment:
            return moment._replace(before=before[name], after=after[name], x=cell.read(moment.x))

        said = after["a"]["net"]
        now = jnp.concatenate(
            (jnp.where(there, off_target(after["a"]), 0), nothing, _off(said[m:], mind))
        )
        earlier = jnp.zeros_like(said).at[k:m].set(_off(before["a"]["net"][k:m], x))
        own_a, window_a = self._learned(a, weights["state"]["a"], kept["a"], own("a"), earlier, now)

        def learned_c(w: Array, window: Tree) -> tuple[Array, Tree]:
            now = jnp.concatenate((jnp.where(failed, off_target(after["c"]), 0), nothing))
            last = jnp.zeros_like(now).at[k:].set(_off(before["c"]["net"][k:], x))
            return self._learned(c, w, window, own("c"), jnp.where(active, last, 0), now, active)

        own_c, window_c = jax.lax.cond(
            active | failed,
            learned_c,
            lambda w, window: (w, window),
            weights["state"]["c"],
            kept["c"],
        )
        return (
            {"state": {"a": own_a, "c": own_c}, "output": ()},
            {"a": window_a, "c": window_c},
        )

    def _learned(
        self,
        network: Predictor,
        w: Array,
        window: Tree,
        moment: Moment,
        earlier: Array,
        now: Array,
        stepped: Array | bool = True,
    ) -> tuple[Array, Tree]:
        """A network's weights and window, after errors of its last outputs and of the present."""
        credit, own = Window(self.h), {"state": w, "output": ()}
        was = credit.pull(network, own, window, moment._replace(after=moment.before), earlier)
        new = credit.advance(network, own, window, moment)
        window = jax.tree.map(lambda new, old: jnp.where(stepped, new, old), new, window)
        change = credit.pull(network, own, window, moment, now)
        return w - self.rate * (was["state"] + change["state"]), window


def _off(net: Array, target: Array) -> Array:
    """∂/∂net of ½ |f(net) − target|² for logistic units."""
    y = jax.nn.sigmoid(net)
    return (y - target) * y * (1 - y)


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    automatizer: int = 3,
    chunker: int = 3,
    surprise: float = 0.05,
    answers: Literal["automatizer", "chunker"] = "automatizer",
    forced: bool = False,
    initial_range: float = 0.2,
    h: int = 4,
    rate: float = 1.0,
) -> tuple[Chunker, Chunking]:
    """An automatizer and a chunker, which learn on-line.

    Parameters
    ----------
    inputs, outputs, output_units, automatizer, chunker, surprise, answers, forced, initial_range
        See `Chunker`.
    h, rate
        See `Chunking`.
    """
    cell = Chunker(
        inputs,
        outputs,
        automatizer,
        chunker,
        output_units,
        surprise,
        answers,
        forced,
        initial_range,
    )
    return cell, Chunking(h, rate)
