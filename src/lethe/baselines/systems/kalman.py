"""Extended Kalman filter training, global and decoupled (Puskorius & Feldkamp 1991, 1994).

The weights are the state of a system that is constant but for some noise, and a target is a noisy
measurement of the network's output. With the derivatives H(t) = ∂y(t)/∂w, made by the
network's own credit, and ξ(t) = target − y(t), at every target and for each group g of weights:

    S(t) = r(t) I + Σ_g H_g P_g H_gᵀ              what is not known of the outputs
    K_g = P_g H_gᵀ S⁻¹                            the gain
    w_g ← w_g + K_g ξ
    P_g ← P_g − K_g H_g P_g + q(t) I              P_g(0) = p I

Global (GEKF): one group, cost O(outputs · W²) a target. Decoupled (DEKF): a group for each unit, of
its incoming weights; what the errors of two units' weights have in common is left out, and the cost
is linear in the number of units. The measurement noise r and the artificial process noise q are
annealed: the first makes steps small while derivatives are still wrong, the second keeps P from
dying out.

P stays symmetric and positive in float32 like this: with S = L Lᵀ and V = L⁻¹ H P, K H P is Vᵀ V; P
is made symmetric after each change, and q > 0 compensates for rounding. Joseph's form is for
one group only, since S has all groups in it.

Of a fully recurrent network the derivatives are exact real-time recurrent learning; of LSTM they
are the report's truncated ones (Pérez-Ortiz, Gers, Eck & Schmidhuber 2003).

Checks: of a linear network it is recursive least squares; of one unit the decoupled filter is the
global one (tests/baselines/test_filters.py).

Known from the sources: the equations, groups by unit, both noises, and that they are annealed. Our
reading: geometric annealing over a number of targets, and its ends; r from 100 to 3 and p = 100 are
as we remember Pérez-Ortiz et al., not verified. Puskorius and Feldkamp let old derivatives fade by
a discount factor (1997, section 2); ours do not fade.

Known for: a delayed copy of the input, events far apart, models of nonlinear plants (Puskorius &
Feldkamp 1992); with LSTM the continual embedded Reber grammar. Where it breaks: as the network
whose derivatives it has, for a vanished error is no measurement; and at the cost of P.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lethe.baselines.cell import Array, Cell, OutputUnits, Tree
from lethe.baselines.credit import Derivatives, Moment
from lethe.baselines.credits.rtrl import Rtrl
from lethe.baselines.systems.fully_recurrent import FullyRecurrent
from lethe.baselines.systems.lstm import Lstm
from lethe.core.topology import Topology

__all__ = ["Kalman", "make"]


class _Kept(NamedTuple):
    """What the credit keeps, P of each leaf's groups (groups, size, size), and targets so far."""

    credit: Tree
    covariances: list[Array]
    targets: Array


@dataclass(frozen=True)
class Kalman:
    """The extended Kalman filter of a network's weights.

    Parameters
    ----------
    credit : Derivatives
        Where the derivatives of the output units come from.
    decoupled : bool
        Whether each unit's weights are a group of their own. They are the rows of a cell's weights.
    spread : float
        p: the initial variance of each weight.
    measurement_noise, process_noise : (first, last) floats
        r and q.
    annealed : int
        Targets until the noises have their last values.
    """

    credit: Derivatives
    decoupled: bool = True
    spread: float = 100.0
    measurement_noise: tuple[float, float] = (100.0, 3.0)
    process_noise: tuple[float, float] = (1e-2, 1e-3)
    annealed: int = 5_000

    def _groups(self, weights: Tree) -> list[Array]:
        """Weights as leaves (groups, size)."""
        leaves = jax.tree.leaves(weights)
        if self.decoupled:
            return [leaf.reshape(-1, leaf.shape[-1]) for leaf in leaves]
        return [jnp.concatenate([leaf.ravel() for leaf in leaves])[None]]

    def _noise(self, ends: tuple[float, float], targets: Array, dtype: np.dtype) -> Array:
        both = jnp.asarray(ends, dtype)
        done = jnp.minimum(targets / self.annealed, 1).astype(dtype)
        noise: Array = both[0] ** (1 - done) * both[1] ** done
        return noise

    def start(self, cell: Cell, weights: Tree, key: Array) -> _Kept:
        """The credit's part and P(0)."""
        if cell.output_units not in ("logistic", "linear"):
            raise ValueError(
                f"output_units must be logistic or linear for a filter, got {cell.output_units}"
            )
        covariances = [
            jnp.tile(self.spread * jnp.eye(group.shape[1], dtype=group.dtype), (len(group), 1, 1))
            for group in self._groups(weights)
        ]
        return _Kept(self.credit.start(cell, weights), covariances, jnp.zeros((), int))

    def reset(self, cell: Cell, weights: Tree, kept: _Kept) -> _Kept:
        """The credit starts over; the filter stays."""
        return kept._replace(credit=self.credit.start(cell, weights))

    def learn(self, cell: Cell, weights: Tree, kept: _Kept, moment: Moment) -> tuple[Tree, _Kept]:
        """A step of credit, and of the filter where there is a target."""
        kept = kept._replace(credit=self.credit.advance(cell, weights, kept.credit, moment))
        weights, kept = jax.lax.cond(
            self.credit.due(kept.credit, moment),
            lambda weights, kept: self._measured(cell, weights, kept, moment),
            lambda weights, kept: (weights, kept),
            weights,
            kept,
        )
        return weights, kept

    def _measured(
        self, cell: Cell, weights: Tree, kept: _Kept, moment: Moment
    ) -> tuple[Tree, _Kept]:
        """Weights and what is kept after a target."""
        y = moment.y
        slopes = jnp.diag(y * (1 - y) if cell.output_units == "logistic" else jnp.ones_like(y))
        derivatives = jax.vmap(
            lambda by: self._groups(self.credit.pull(cell, weights, kept.credit, moment, by))
        )(slopes)
        # Of each leaf (outputs, groups, size): H P.
        known = [
            jnp.einsum("ogs,gsr->ogr", h, p)
            for h, p in zip(derivatives, kept.covariances, strict=True)
        ]
        r = self._noise(self.measurement_noise, kept.targets, y.dtype)
        q = self._noise(self.process_noise, kept.targets, y.dtype)
        unknown = r * jnp.eye(len(y), dtype=y.dtype) + sum(
            jnp.einsum("ogs,pgs->op", hp, h) for hp, h in zip(known, derivatives, strict=True)
        )
        root = jnp.linalg.cholesky(unknown)
        whitening = jax.scipy.linalg.solve_triangular(
            root, jnp.eye(len(y), dtype=y.dtype), lower=True
        )
        innovation = whitening @ (moment.target - y)
        changes, covariances = [], []
        for hp, p in zip(known, kept.covariances, strict=True):
            v = jnp.einsum("op,pgs->ogs", whitening, hp)
            changes.append(jnp.einsum("ogs,o->gs", v, innovation))
            p = p - jnp.einsum("ogs,ogr->gsr", v, v) + q * jnp.eye(p.shape[-1], dtype=p.dtype)
            covariances.append((p + jnp.swapaxes(p, 1, 2)) / 2)
        credit = self.credit.settled(cell, kept.credit)
        changed = _changed(weights, changes)
        return changed, _Kept(credit, covariances, kept.targets + 1)


def _changed(weights: Tree, changes: list[Array]) -> Tree:
    """The weights and their changes, in the order of the leaves."""
    leaves, structure = jax.tree.flatten(weights)
    flat, at, changed = jnp.concatenate([change.ravel() for change in changes]), 0, []
    for leaf in leaves:
        changed.append(leaf + flat[at : at + leaf.size].reshape(leaf.shape))
        at += leaf.size
    return jax.tree.unflatten(structure, changed)


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    network: str = "recurrent",
    hidden: int = 3,
    forced: bool = False,
    topology: dict[str, Any] | None = None,
    decoupled: bool = True,
    spread: float = 100.0,
    first_measurement_noise: float = 100.0,
    last_measurement_noise: float = 3.0,
    first_process_noise: float = 1e-2,
    last_process_noise: float = 1e-3,
    annealed: int = 5_000,
) -> tuple[Cell, Kalman]:
    """The filter of a fully recurrent network or of LSTM.

    Parameters
    ----------
    inputs, outputs, output_units
        Logistic or linear units.
    network : {"recurrent", "lstm"}
        Whose weights it filters.
    hidden, forced
        Of "recurrent"; see `FullyRecurrent`.
    topology : dict, optional
        Of "lstm": parts of its `Topology`, by default the report's four blocks of two cells.
    decoupled, spread, annealed
        See `Kalman`, and the noises there.
    """
    if network not in ("recurrent", "lstm"):
        raise ValueError(f'network must be "recurrent" or "lstm", got {network!r}')
    cell: Cell
    if network == "lstm":
        parts: dict[str, Any] = {"cells_per_block": 2} | (topology or {})
        made = Topology(inputs=inputs, outputs=outputs, output_units=output_units, **parts)
        cell = Lstm(made, truncated=True)
    else:
        cell = FullyRecurrent(inputs, outputs, hidden, output_units, True, forced)
    noises = (first_measurement_noise, last_measurement_noise)
    artificial = (first_process_noise, last_process_noise)
    return cell, Kalman(Rtrl(), decoupled, spread, noises, artificial, annealed)
