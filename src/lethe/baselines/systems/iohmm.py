"""State networks trained by expectation-maximisation (Bengio & Frasconi 1994, 1995).

The input-output hidden Markov model. The system is in one of n states, and which one is not seen.
Each state j has two networks that read the input, u(t) = [x(t), 1]: one for the next state and one
for the output.

    φ_ji(t) = softmax_i(V_j u(t))                 P(state i at t | state j at t−1, x(t))
    η_i(t) = f(U_i u(t))                          E[output at t | state i at t, x(t)]
    ζ_i(t) = Σ_j ζ_j(t−1) φ_ji(t)                 P(state i at t | inputs up to t); ζ(0): state 0
    y(t) = Σ_i ζ_i(t) η_i(t)

Learning takes the path of states for missing data. With P(t | i) the likelihood of the target in
state i, the likelihood of a sequence is the sum over all paths of Π φ P. Its logarithm ℓ is made
forwards, and its derivatives are what the backward pass of Baum and Welch would give (E step):

    ∂ℓ/∂log φ_ji(t) = ξ_ji(t)                     P(state j at t−1, state i at t | the sequence)
    ∂ℓ/∂log P(t | i) = γ_i(t)                     P(state i at t | the sequence)

The M step fits each network to these as to soft targets. For networks of one layer that is convex,
and its curvature is below that of a parabola which does not depend on the weights (Böhning 1992),
so that a step to the top of the parabola never lowers ℓ, and needs no line search:

    V_j += 2 [Σ_t (ξ_j(t) − c_j(t) φ_j(t)) u(t)ᵀ] [Σ_t c_j(t) u(t) u(t)ᵀ]⁻¹,   c_j = Σ_i ξ_ji

and the same for U_i with γ_i and the targets (factor 4 for logistic, 1 for linear units).

Checks: the E step is an explicit forward-backward; ℓ of a batch never falls
(tests/baselines/test_filters.py).

Known from the source: the equations, the start in one state, generalised EM. Our reading: networks
of one layer; the parabola; that a batch is a number of sequences of a stream; and a first bias for
staying in a state, in all states but the first. With a small one (3) belief is washed out long
before a lag of 100 is over, and the two-sequence problem is not learned from 10,000 sequences; with
7 it is from 1,000. Targets between 0 and 1 count as so much of a 1.

Known for: the two-sequence problem and Tomita's languages. Where it breaks: it is in one of n
states, so that numbers must be cut into n pieces (adding: at least 7 states for the first number
and 13 for the sum, and EM does not find them); and where paths of many states must be told apart at
once it ends in poor maxima (embedded Reber grammar).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from lethe.baselines.cell import Array, OutputUnits, Tree
from lethe.baselines.credit import Moment

__all__ = ["Batch", "ExpectationMaximization", "StateNetworks", "expected", "improved", "make"]

# The parabola's factor, by output units.
_FACTORS = {"logistic": 4.0, "logistic_cross_entropy": 4.0, "softmax": 2.0, "linear": 1.0}


@dataclass(frozen=True)
class StateNetworks:
    """The belief over n states, each with a network for the next state and one for the output.

    Parameters
    ----------
    inputs, outputs, states : int
        Numbers of input units, output units and states.
    output_units : OutputUnits
        Logistic units are Bernoulli, softmax categorical, linear Gaussian with variance 1.
    stay : float
        Added to the first bias of each state's transition to itself.
    initial_range : float
        Initial weights are uniform within ± this.
    """

    inputs: int
    outputs: int
    states: int = 5
    output_units: OutputUnits = "logistic"
    stay: float = 7.0
    initial_range: float = 0.5

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """V (states, states, inputs + 1) and U (states, outputs, inputs + 1)."""
        a, n, sources = self.initial_range, self.states, self.inputs + 1
        transition = draw.uniform(-a, a, (n, n, sources))
        transition[range(1, n), range(1, n), -1] += self.stay
        return {"state": transition, "output": draw.uniform(-a, a, (n, self.outputs, sources))}

    def start(self) -> NDArray[np.float64]:
        """State 0 for certain."""
        first: NDArray[np.float64] = np.eye(self.states)[0]
        return first

    def step(self, weights: Array, state: Array, x: Array) -> Array:
        """ζ(t)."""
        return state @ jax.nn.softmax(weights @ jnp.append(x, 1.0))

    def output(self, weights: Array, state: Array, x: Array) -> Array:
        """The net inputs whose activations are y(t)."""
        y = state @ self.activations(weights @ jnp.append(x, 1.0))
        if self.output_units == "linear":
            return y
        least = np.finfo(y.dtype).eps
        if self.output_units == "softmax":
            return jnp.log(jnp.maximum(y, least))
        y = jnp.clip(y, least, 1 - least)
        return jnp.log(y) - jnp.log1p(-y)

    def activations(self, net: Array) -> Array:
        """η, of net inputs (..., outputs)."""
        if self.output_units == "linear":
            return net
        return jax.nn.softmax(net) if self.output_units == "softmax" else jax.nn.sigmoid(net)

    def log_likelihood(self, net: Array, target: Array) -> Array:
        """The logarithm of P(target | state, x), of net inputs (..., outputs)."""
        if self.output_units == "linear":
            return -0.5 * jnp.sum((target - net) ** 2, -1)
        if self.output_units == "softmax":
            return jnp.sum(target * jax.nn.log_softmax(net), -1)
        other = (1 - target) * jax.nn.log_sigmoid(-net)
        return jnp.sum(target * jax.nn.log_sigmoid(net) + other, -1)


class Batch(NamedTuple):
    """Consecutive sequences, of at most N steps in all.

    Attributes
    ----------
    x : (N, inputs)
    target : (N, outputs)
    has_target : (N,) bool
    starts : (N,) bool
        Where a sequence starts.
    n : () int
        So many steps count.
    """

    x: Array
    target: Array
    has_target: Array
    starts: Array
    n: Array


def _sources(batch: Batch) -> Array:
    return jnp.concatenate((batch.x, jnp.ones_like(batch.x[:, :1])), 1)


def expected(cell: StateNetworks, weights: Tree, batch: Batch) -> tuple[Array, Array, Array]:
    """The E step: ℓ of the whole batch, ξ (N, states, states) and γ (N, states).

    γ is zero at steps without a target.
    """
    sources = _sources(batch)
    there = jnp.arange(len(sources)) < batch.n
    told = (batch.has_target & there)[:, None]
    net = jnp.einsum("iks,ts->tik", weights["output"], sources)
    log_p = jnp.where(told, cell.log_likelihood(net, batch.target[:, None]), 0)
    log_phi = jax.nn.log_softmax(jnp.einsum("jis,ts->tji", weights["state"], sources))
    first = jnp.asarray(cell.start(), log_p.dtype)

    def likelihood(log_phi: Array, log_p: Array) -> Array:
        most = jax.lax.stop_gradient(jnp.max(log_p, 1))
        phi, p = jnp.exp(log_phi), jnp.exp(log_p - most[:, None])

        def forward(belief: Array, step: tuple[Array, Array, Array]) -> tuple[Array, Array]:
            phi, p, starts = step
            joint = (jnp.where(starts, first, belief) @ phi) * p
            total = jnp.maximum(jnp.sum(joint), np.finfo(joint.dtype).tiny)
            return joint / total, total

        _, totals = jax.lax.scan(forward, first, (phi, p, batch.starts))
        return jnp.sum(jnp.where(there, jnp.log(totals) + most, 0))

    whole, (xi, gamma) = jax.value_and_grad(likelihood, (0, 1))(log_phi, log_p)
    return whole, xi, gamma * told


def improved(cell: StateNetworks, weights: Tree, batch: Batch, steps: int) -> tuple[Tree, Array]:
    """Weights after an iteration of EM with `steps` steps in its M step, and ℓ before it."""
    whole, xi, gamma = expected(cell, weights, batch)
    sources = _sources(batch)
    transition = _fitted(weights["state"], sources, xi, jnp.sum(xi, -1), jax.nn.softmax, 2.0, steps)
    wanted, factor = gamma[..., None] * batch.target[:, None], _FACTORS[cell.output_units]
    output = _fitted(weights["output"], sources, wanted, gamma, cell.activations, factor, steps)
    return {"state": transition, "output": output}, whole


def _fitted(
    weights: Array,
    sources: Array,
    wanted: Array,
    shares: Array,
    squash: Callable[[Array], Array],
    factor: float,
    steps: int,
) -> Array:
    """The M step of n networks (n, units, inputs + 1), towards `wanted` (N, n, units)."""
    parabola = jnp.einsum("tj,ts,tr->jsr", shares, sources, sources)
    # What makes it steeper makes steps shorter, and ℓ still does not fall.
    ridge = 1e-3 + 1e-5 * jnp.trace(parabola, axis1=1, axis2=2)
    inverse: Array = jnp.linalg.inv(parabola + ridge[:, None, None] * jnp.eye(sources.shape[-1]))

    def step(_: Array, weights: Array) -> Array:
        now = squash(jnp.einsum("jis,ts->tji", weights, sources))
        slope: Array = jnp.einsum("tji,ts->jis", wanted - shares[..., None] * now, sources)
        return weights + factor * slope @ inverse

    fitted: Array = jax.lax.fori_loop(0, steps, step, weights)
    return fitted


class _Kept(NamedTuple):
    """A batch on its way: its whole sequences, steps of the next one, and ℓ of the last batch."""

    batch: Batch
    whole: Array
    n: Array
    likelihood: Array


@dataclass(frozen=True)
class ExpectationMaximization:
    """EM after every batch of sequences, on this batch alone.

    Parameters
    ----------
    sequences : int
        Number of sequences in a batch.
    capacity : int
        Largest number of steps in a batch. A sequence that does not fit ends the batch before it,
        and is lost.
    iterations : int
        Iterations of EM with each batch.
    steps : int
        Steps of the M step of each iteration.
    """

    sequences: int = 64
    capacity: int = 8192
    iterations: int = 1
    steps: int = 10

    def start(self, cell: StateNetworks, weights: Tree, key: Array) -> _Kept:
        """An empty batch."""
        dtype, zero = weights["state"].dtype, jnp.zeros((), int)
        no = jnp.zeros(self.capacity, bool)
        x = jnp.zeros((self.capacity, cell.inputs), dtype)
        target = jnp.zeros((self.capacity, cell.outputs), dtype)
        return _Kept(Batch(x, target, no, no, zero), zero, zero, jnp.zeros((), dtype))

    def reset(self, cell: StateNetworks, weights: Tree, kept: _Kept) -> _Kept:
        """A sequence that did not end is dropped; the batch stays."""
        return kept._replace(n=jnp.zeros_like(kept.n))

    def learn(
        self, cell: StateNetworks, weights: Tree, kept: _Kept, moment: Moment
    ) -> tuple[Tree, _Kept]:
        """Note the step; where it ends the last sequence of a batch, learn."""
        batch, whole, n, likelihood = kept
        at = batch.n + n  # Steps beyond the capacity are dropped.
        fits = at < self.capacity
        whole, n = whole + (moment.ends & fits), n + 1
        batch = Batch(
            batch.x.at[at].set(moment.x),
            batch.target.at[at].set(moment.target),
            batch.has_target.at[at].set(moment.has_target),
            batch.starts.at[at].set(n == 1),
            jnp.where(moment.ends & fits, batch.n + n, batch.n),
        )
        due = moment.ends & ((whole == self.sequences) | ~fits)

        def learned() -> tuple[Tree, Array]:
            def iteration(_: Array, carry: tuple[Tree, Array]) -> tuple[Tree, Array]:
                return improved(cell, carry[0], batch, self.steps)

            better: tuple[Tree, Array] = jax.lax.fori_loop(
                0, self.iterations, iteration, (weights, likelihood)
            )
            return better

        weights, likelihood = jax.lax.cond(due, learned, lambda: (weights, likelihood))
        zero = jnp.zeros_like(n)
        batch, whole = batch._replace(n=jnp.where(due, zero, batch.n)), jnp.where(due, zero, whole)
        return weights, _Kept(batch, whole, jnp.where(moment.ends, zero, n), likelihood)


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    states: int = 5,
    stay: float = 7.0,
    initial_range: float = 0.5,
    sequences: int = 64,
    capacity: int = 8192,
    iterations: int = 1,
    steps: int = 10,
) -> tuple[StateNetworks, ExpectationMaximization]:
    """See `StateNetworks` and `ExpectationMaximization`."""
    cell = StateNetworks(inputs, outputs, states, output_units, stay, initial_range)
    return cell, ExpectationMaximization(sequences, capacity, iterations, steps)
