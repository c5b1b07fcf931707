"""Time-weighted pseudo-Newton optimisation (Bengio, Simard & Frasconi 1994).

Unfolded in time, a weight w_i is there once for every step: w_it, t = 1 … T. Each of these has a
gradient and a curvature of its own; small gradients of early steps come with small curvatures:

    Δw_i = − Σ_t  η / (|∂²C/∂w_it²| + μ)  ∂C/∂w_it              C: the error of one sequence

With one curvature for all steps it is the pseudo-Newton rule of Becker & Le Cun (1989); with μ far
above all curvatures, back-propagation with the rate η/μ. Derivatives go back in time: with λ(t) and
A(t) the first and second ones, by state(t), of the error after step t,

    Q(w, s) = E(t) + λ(t)·δ + ½ δᵀ A(t) δ              δ: the change of state(t) = F(s, w, x(t))

has by s the derivatives λ(t−1) and A(t−1), and by w those that the rule asks for. They are exact,
for any cell; a step costs about W + n passes through the cell (n numbers of state, W weights).

Check: the diagonal of the Hessian of the unfolded network; large μ against back-propagation.

What we know of the source, from memory (we could read its first page alone): the rule, with a
change after each sequence. Our reading: exact second derivatives, where Becker & Le Cun neglect on
the way back those off the diagonal; Elman's network with tanh units, so that outputs are as in all
trials.

Known for: the latch problem, about 1,600 presentations "with several methods" (quoted by
Schmidhuber, Hochreiter & Bengio 2001, who do not name them). Ours: 1,217 (12 of 20, T = 20); full
back-propagation with its best rate 1,167 (9 of 20). Where it breaks: far back, curvatures fall
below μ as gradients fall, and where μ is small, steps are wild.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from lethe.baselines.cell import Array, Cell, OutputUnits, Tree, error, squashed
from lethe.baselines.credit import Moment
from lethe.baselines.rule import Descent
from lethe.baselines.systems.elman import Elman

__all__ = ["PseudoNewton", "make"]


@dataclass(frozen=True)
class PseudoNewton:
    """Gradients of all steps of a sequence, each over its curvature; a credit for `Descent`.

    Parameters
    ----------
    mu : float
        Added to curvatures.
    longest : int
        Steps that are stored; of a longer sequence the last ones count.
    """

    mu: float = 0.01
    longest: int = 128

    def start(self, cell: Cell, weights: Tree) -> _Sequence:
        """No steps yet."""
        dtype = jax.tree.leaves(weights)[0].dtype
        step = _Step(cell.start(), np.zeros(cell.inputs), np.zeros(cell.outputs), False)
        steps = jax.tree.map(lambda a: jnp.zeros((self.longest, *jnp.shape(a)), dtype), step)
        return _Sequence(steps, jnp.zeros((), int))

    def advance(self, cell: Cell, weights: Tree, kept: _Sequence, moment: Moment) -> _Sequence:
        """Store the step with its target."""
        step = _Step(moment.before, moment.x, moment.target, moment.has_target)
        at = kept.n % self.longest
        steps = jax.tree.map(lambda buffer, a: buffer.at[at].set(a), kept.steps, step)
        return _Sequence(steps, kept.n + 1)

    def due(self, kept: _Sequence, moment: Moment) -> Array:
        """At the end of a sequence."""
        return moment.ends

    def gradient(self, cell: Cell, weights: Tree, kept: _Sequence, moment: Moment) -> Tree:
        """Σ_t ∂C/∂w_t / (|∂²C/∂w_t²| + μ)."""
        w, as_weights = ravel_pytree(weights)
        length = jnp.minimum(kept.n, self.longest)

        def back(i: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            total, slope, curvature = carry
            at = (kept.n - 1 - i) % self.longest
            step = jax.tree.map(lambda buffer: buffer[at], kept.steps)
            first, second, slope, curvature = one_back(cell, weights, step, slope, curvature)
            return total + first / (jnp.abs(second) + self.mu), slope, curvature

        size = ravel_pytree(moment.after)[0].size
        nothing = (jnp.zeros_like(w), jnp.zeros(size, w.dtype), jnp.zeros((size, size), w.dtype))
        return as_weights(jax.lax.fori_loop(0, length, back, nothing)[0])

    def settled(self, cell: Cell, kept: _Sequence) -> _Sequence:
        """Start over."""
        return kept._replace(n=jnp.zeros_like(kept.n))


class _Step(NamedTuple):
    """What is stored of a step: the state before it, its input, and its target where it has one."""

    before: Tree
    x: Array | np.ndarray
    target: Array | np.ndarray
    has_target: Array | bool


class _Sequence(NamedTuple):
    """The steps of a sequence, and how many there are."""

    steps: _Step
    n: Array


def one_back(
    cell: Cell,
    weights: Tree,
    step: tuple[Tree, Array, Array, Array],
    slope: Array,
    curvature: Array,
) -> tuple[Array, Array, Array, Array]:
    """∂C/∂w_t and ∂²C/∂w_t² (W,) of one step, and λ (n,) and A (n, n) before it."""
    before, x, target, has_target = step
    w, as_weights = ravel_pytree(weights)
    s, as_state = ravel_pytree(before)

    def run(w: Array, s: Array) -> tuple[Array, Array]:
        tree = as_weights(w)
        after = cell.step(tree["state"], as_state(s), x)
        return ravel_pytree(after)[0], cell.output(tree["output"], after, x)

    state, net = run(w, s)
    slope_net = has_target * error(cell, squashed(cell, net), target)
    curvature_net: Array = has_target * jax.jacfwd(
        lambda n: error(cell, squashed(cell, n), target)
    )(net)

    def rest(w: Array, s: Array) -> Array:
        """The error from this step on, to second order."""
        after, out = run(w, s)
        d, e = after - state, out - net
        return slope @ d + d @ curvature @ d / 2 + slope_net @ e + e @ curvature_net @ e / 2

    by_w, by_s = jax.grad(rest, (0, 1))(w, s)
    units = jnp.eye(w.size, dtype=w.dtype)
    second = jax.vmap(lambda u: u @ jax.jvp(lambda w: jax.grad(rest)(w, s), (w,), (u,))[1])(units)
    return by_w, second, by_s, jax.hessian(rest, 1)(w, s)


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    units: int = 3,
    rate: float = 0.03,
    mu: float = 0.01,
    longest: int = 128,
    initial_range: float = 1.0,
) -> tuple[Elman, Descent]:
    """Recurrent tanh units with biases, and the rule."""
    cell = Elman(inputs, outputs, units, output_units, True, "tanh", initial_range)
    return cell, Descent(PseudoNewton(mu, longest), rate)
