"""Quickprop: jump to the minimum of a parabola through a weight's last two slopes (Fahlman 1988).

    Δw(t) = Δw(t−1) s(t) / (s(t−1) − s(t)),   s = ∂E/∂w, at most μ Δw(t−1)
    and a gradient step −ε s(t) with it, where s(t) still points the way of Δw(t−1)

Each weight has its own parabola, as if the others stood still. The slopes are those of all the
data, so a change comes once an epoch.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from lethe.baselines.cell import Array, Tree

__all__ = ["Jumps", "quickprop", "still"]


class Jumps(NamedTuple):
    """The last slopes and changes of some weights."""

    slope: Array
    change: Array


def still(weights: Tree) -> Jumps:
    """No slope yet and no change: a gradient step comes next."""
    none = jax.tree.map(jnp.zeros_like, weights)
    return Jumps(none, none)


def quickprop(slope: Array, last: Jumps, rate: float, growth: float) -> Jumps:
    """The next change.

    Parameters
    ----------
    slope : (...)
        ∂E/∂w now.
    last : Jumps
        What this gave before.
    rate, growth : float
        ε and μ.
    """
    ahead = jnp.sign(last.change)
    # A parabola that is too flat, or opens downwards, would jump too far.
    far = slope * ahead <= growth / (1 + growth) * last.slope * ahead
    bend = last.slope - slope
    jump = jnp.where(far, growth, slope / jnp.where(far | (bend == 0), 1, bend)) * last.change
    step = jnp.where(slope * ahead <= 0, -rate * slope, 0)
    return Jumps(slope, step + jump)
