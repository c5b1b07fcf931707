"""Recurrent cascade-correlation: a network that grows (Fahlman 1991, in NIPS 3).

    V_i(t) = σ(Σ_j w_ij I_j(t) + Σ_{j<i} w_ij V_j(t) + w_ii V_i(t−1)),   σ from −½ to ½
    net_k(t) = Σ_j w_kj I_j(t) + Σ_i w_ki V_i(t)                          output units

I is the input and a bias. A unit reads the units before it and, through one weight, its own past.
The network starts without units. Two phases alternate, each until it stagnates:

1. Only the output units learn, by quickprop.
2. A pool of candidates, which nothing reads, learns by quickprop to covary with the residual error:

       S_c = Σ_k |Σ_t (V_c(t) − V̄_c)(E_k(t) − Ē_k)| / Σ_k,t E_k(t)²
       ∂V_c(t)/∂w_j = σ'(t) (z_j(t) + w_cc ∂V_c(t−1)/∂w_j),   z: what it reads, V_c(t−1) included

   The best joins the network with its weights frozen. The output units read it at first with
   minus its covariance.

What we know of it: of the paper we could read the abstract and the first section, which has the
architecture and the two phases; the equations are as we remember them. Constants are ours, near
those of Fahlman's public programs. An epoch was a pass over a training set; here it is a number of
sequences in the order in which they arrive, and quickprop learns less when the sequences differ
from epoch to epoch.

It cannot represent some finite automata, since no two units read each other (Giles et al. 1995).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from lethe.baselines.cell import Array, Cell, OutputUnits, Tree
from lethe.baselines.credit import Moment
from lethe.baselines.systems._quickprop import Jumps, quickprop, still

__all__ = ["Cascade", "CascadeCorrelation", "Sums", "covariances", "make"]


@dataclass(frozen=True)
class Cascade:
    """A cascade of up to `units` units; those that have not been added have weights of zero.

    Parameters
    ----------
    inputs, outputs, units : int
        Numbers of input and output units, and the maximum number of units that are added.
    output_units : OutputUnits
        Their squashing and error.
    initial_range : float
        Initial weights of the output units are uniform within ± this.
    """

    inputs: int
    outputs: int
    units: int = 12
    output_units: OutputUnits = "logistic"
    initial_range: float = 0.5

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Weights (units, inputs + 1 + units) and (outputs, inputs + 1 + units)."""
        first = self.inputs + 1
        output = np.zeros((self.outputs, first + self.units))
        a = self.initial_range
        output[:, :first] = draw.uniform(-a, a, (self.outputs, first))
        return {"state": np.zeros((self.units, first + self.units)), "output": output}

    def start(self) -> NDArray[np.float64]:
        """Units of zero."""
        return np.zeros(self.units)

    def step(self, weights: Array, state: Array, x: Array) -> Array:
        """V(t), unit after unit; what a unit finds in its own place is its past."""
        first = self.inputs + 1

        def unit(i: Array, z: Array) -> Array:
            return z.at[first + i].set(_squashed(jnp.sum(weights[i] * z)))

        z: Array = jax.lax.fori_loop(0, self.units, unit, _sources(x, state))
        return z[first:]

    def output(self, weights: Array, state: Array, x: Array) -> Array:
        """Net inputs of the output units."""
        return weights @ _sources(x, state)


def _sources(x: Array, units: Array) -> Array:
    return jnp.concatenate((x, jnp.ones(1, x.dtype), units))


def _squashed(net: Array) -> Array:
    return jax.nn.sigmoid(net) - 0.5


class Sums(NamedTuple):
    """Sums over an epoch, of products with (E, 1): the errors, and 1 where there is a target.

    Attributes
    ----------
    one : (outputs + 1,)
    squares, wrong : ()
        E² and (y − t)² of all outputs; E is the latter's half by the net input.
    values, by_weight : (pool, outputs + 1), (pool, sources, outputs + 1)
        Of V and ∂V/∂w of the candidates.
    output : (outputs, sources)
        ∂E/∂w of the output units.
    """

    one: Array
    squares: Array
    wrong: Array
    values: Array
    by_weight: Array
    output: Array


def covariances(sums: Sums) -> tuple[Array, Array]:
    """What S sums the absolute values of (pool, outputs), and ∂S/∂w (pool, sources)."""
    steps = jnp.maximum(sums.one[-1], 1)
    squares = jnp.maximum(sums.squares, 1e-30)
    mean = sums.one[:-1] / steps
    terms = (sums.values[:, :-1] - sums.values[:, -1:] * mean) / squares
    by_weight = (sums.by_weight[:, :, :-1] - sums.by_weight[:, :, -1:] * mean) / squares
    return terms, jnp.einsum("ck,cjk->cj", jnp.sign(terms), by_weight)


class _Growth(NamedTuple):
    key: Array
    grown: Array  # units so far
    growing: Array  # whether candidates are learning
    sequences: Array  # in this epoch
    epochs: Array  # in this phase
    stale: Array  # epochs since `best` was last improved enough
    best: Array  # minus the mean squared error, or the best candidate's S
    jumps: Jumps  # of the output units
    pool: Array  # weights (pool, sources)
    pool_jumps: Jumps
    values: Array  # V of the candidates
    by_weight: Array  # their ∂V/∂w
    sums: Sums


@dataclass(frozen=True)
class CascadeCorrelation:
    """Train the output units, then candidates; add the best; repeat.

    Parameters
    ----------
    candidates : int
        Units in a pool.
    epoch : int
        Sequences between two changes of weights.
    rate, candidate_rate, growth : float
        Quickprop's ε, on the mean error and on S, and its μ.
    patience, longest : int
        A phase ends after `patience` epochs without an improvement, and after `longest` in all.
    enough : float
        An improvement is larger than this share of the mean squared error, or of the best S.
    offset : float
        Added to the slope of logistic output units, so that none gets stuck.
    initial_range : float
        Initial weights of candidates are uniform within ± this.
    """

    candidates: int = 24
    epoch: int = 256
    rate: float = 1.0
    candidate_rate: float = 1.0
    growth: float = 1.75
    patience: int = 8
    longest: int = 100
    enough: float = 0.01
    offset: float = 0.1
    initial_range: float = 1.0

    def start(self, cell: Cell, weights: Tree, key: Array) -> _Growth:
        """No unit; the output units learn first."""
        output = weights["output"]
        (k, sources), c, dtype = output.shape, self.candidates, output.dtype
        none, no = jnp.zeros((), int), jnp.zeros((), bool)
        pool, nil = jnp.zeros((c, sources), dtype), jnp.zeros((), dtype)
        by_error = jnp.zeros((c, sources, k + 1), dtype)
        sums = Sums(by_error[0, 0], nil, nil, by_error[:, 0], by_error, jnp.zeros_like(output))
        jumps, values = still(output), pool[:, 0]
        return _Growth(
            key, none, no, none, none, none, nil, jumps, pool, still(pool), values, pool, sums
        )

    def reset(self, cell: Cell, weights: Tree, kept: _Growth) -> _Growth:
        """Candidates forget their past; sums stay."""
        none = jnp.zeros_like(kept.by_weight)
        return kept._replace(values=none[:, 0], by_weight=none)

    def learn(
        self, cell: Cell, weights: Tree, kept: _Growth, moment: Moment
    ) -> tuple[Tree, _Growth]:
        """Add this step to the sums; change weights where an epoch ends."""
        place = cell.inputs + 1 + kept.grown  # where a candidate finds its own past
        sources = _sources(moment.x, moment.after)
        z = jnp.broadcast_to(sources, kept.pool.shape).at[:, place].set(kept.values)
        values = _squashed(jnp.sum(kept.pool * z, axis=1))
        back = kept.pool[:, place, None] * kept.by_weight
        by_weight = (0.25 - values**2)[:, None] * (z + back)

        error = self._error(cell, moment)
        by = jnp.append(error, moment.has_target.astype(error.dtype))
        new = Sums(
            by,
            jnp.sum(error**2),
            jnp.where(moment.has_target, jnp.sum((moment.y - moment.target) ** 2), 0),
            values[:, None] * by,
            by_weight[:, :, None] * by,
            error[:, None] * sources,
        )
        kept = kept._replace(
            values=values,
            by_weight=by_weight,
            sums=jax.tree.map(jnp.add, kept.sums, new),
            sequences=kept.sequences + moment.ends,
        )
        learned: tuple[Tree, _Growth] = jax.lax.cond(
            kept.sequences >= self.epoch,
            lambda weights, kept: self._epoch(cell, weights, kept),
            lambda weights, kept: (weights, kept),
            weights,
            kept,
        )
        return learned

    def _error(self, cell: Cell, moment: Moment) -> Array:
        if cell.output_units != "logistic":
            return moment.error
        slope = moment.y * (1 - moment.y) + self.offset
        return jnp.where(moment.has_target, (moment.y - moment.target) * slope, 0)

    def _epoch(self, cell: Cell, weights: Tree, kept: _Growth) -> tuple[Tree, _Growth]:
        weights, kept = jax.lax.cond(
            kept.growing,
            lambda weights, kept: self._candidates_learn(cell, weights, kept),
            lambda weights, kept: self._outputs_learn(cell, weights, kept),
            weights,
            kept._replace(epochs=kept.epochs + 1),
        )
        sums = jax.tree.map(jnp.zeros_like, kept.sums)
        return weights, kept._replace(sums=sums, sequences=jnp.zeros_like(kept.sequences))

    def _outputs_learn(self, cell: Cell, weights: Tree, kept: _Growth) -> tuple[Tree, _Growth]:
        """When they stagnate, draw candidates or, where no unit can be added, start over."""
        steps = jnp.maximum(kept.sums.one[-1], 1)
        jumps = quickprop(kept.sums.output / steps, kept.jumps, self.rate, self.growth)
        kept = self._watched(kept._replace(jumps=jumps), -kept.sums.wrong / steps)
        key, drawn = jax.random.split(kept.key)
        a, (pool, sources) = self.initial_range, kept.pool.shape
        first = jax.random.uniform(drawn, (pool, sources), kept.pool.dtype, -a, a)
        reads = jnp.arange(sources) <= cell.inputs + 1 + kept.grown  # up to its own past
        turned = _next_phase(kept)._replace(
            key=key,
            growing=kept.grown < weights["state"].shape[0],
            pool=first * reads,
            pool_jumps=still(first),
        )
        weights = weights | {"output": weights["output"] + jumps.change}
        return weights, self._if_over(kept, kept, turned)

    def _candidates_learn(self, cell: Cell, weights: Tree, kept: _Growth) -> tuple[Tree, _Growth]:
        """When they stagnate, the best one joins the network."""
        terms, uphill = covariances(kept.sums)
        scores = jnp.sum(jnp.abs(terms), axis=1)
        best, place = jnp.argmax(scores), cell.inputs + 1 + kept.grown
        joined = {
            "state": weights["state"].at[kept.grown].set(kept.pool[best]),
            "output": weights["output"].at[:, place].set(-terms[best]),
        }
        jumps = quickprop(-uphill, kept.pool_jumps, self.candidate_rate, self.growth)
        kept = self._watched(
            kept._replace(pool=kept.pool + jumps.change, pool_jumps=jumps),
            scores[best],
        )
        turned = _next_phase(kept)._replace(grown=kept.grown + 1, growing=jnp.zeros((), bool))
        learned: tuple[Tree, _Growth] = self._if_over(kept, (weights, kept), (joined, turned))
        return learned

    def _watched(self, kept: _Growth, figure: Array) -> _Growth:
        better = (figure > kept.best + self.enough * jnp.abs(kept.best)) | (kept.epochs == 1)
        return kept._replace(
            best=jnp.where(better, figure, kept.best),
            stale=jnp.where(better, 0, kept.stale + 1),
        )

    def _if_over(self, kept: _Growth, no: Any, yes: Any) -> Any:
        over = (kept.stale >= self.patience) | (kept.epochs >= self.longest)
        return jax.lax.cond(over, lambda: yes, lambda: no)


def _next_phase(kept: _Growth) -> _Growth:
    """Start a phase."""
    none = jnp.zeros_like(kept.epochs)
    return kept._replace(epochs=none, stale=none, jumps=still(kept.jumps.change))


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    units: int = 12,
    candidates: int = 24,
    epoch: int = 256,
    rate: float = 1.0,
    candidate_rate: float = 1.0,
    patience: int = 8,
    longest: int = 100,
) -> tuple[Cascade, CascadeCorrelation]:
    """A cascade that grows up to `units` units, and how it grows."""
    rule = CascadeCorrelation(
        candidates, epoch, rate, candidate_rate, patience=patience, longest=longest
    )
    return Cascade(inputs, outputs, units, output_units), rule
