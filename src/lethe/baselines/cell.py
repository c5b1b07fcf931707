"""Cells: how the state of a network evolves. How errors reach its weights is up to `credit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias, get_args

import jax
import jax.numpy as jnp
import numpy as np

__all__ = [
    "OUTPUT_UNITS",
    "Array",
    "Arrays",
    "Cell",
    "OutputUnits",
    "Tree",
    "Weights",
    "error",
    "squashed",
]

Array: TypeAlias = jax.Array
#: A pytree: arrays in nested dicts and tuples. Cells, credits and rules choose their own nesting,
#: which no type can follow through `jax.tree.map`.
Tree: TypeAlias = Any
#: The weights or the state of most cells: arrays by name.
Arrays: TypeAlias = Mapping[str, Array]
#: All weights of a network, under "state" and "output".
Weights: TypeAlias = Mapping[str, Tree]

#: Logistic or linear units with the squared error, or with cross-entropy, as in `Topology`.
OutputUnits = Literal["logistic", "linear", "softmax", "logistic_cross_entropy"]
OUTPUT_UNITS: tuple[OutputUnits, ...] = get_args(OutputUnits)


class Cell(Protocol):
    """How the state evolves: a frozen dataclass, so that it is a constant for JAX's compiler.

    Weights are ``{"state": tree, "output": tree}``: those that the next state depends on, and
    those that only the output units have. All functions are pure, of one step of one network.
    """

    @property
    def inputs(self) -> int:
        """Number of input units."""

    @property
    def outputs(self) -> int:
        """Number of output units."""

    @property
    def output_units(self) -> OutputUnits:
        """Their squashing and their error."""

    def weights(self, draw: np.random.Generator) -> dict[str, Tree]:
        """Initial weights, as NumPy arrays."""

    def start(self) -> Tree:
        """The state at a reset, as NumPy arrays."""

    def step(self, weights: Tree, state: Tree, x: Array) -> Tree:
        """The next state, from the weights under ``"state"``, the state and the input (inputs,)."""

    def output(self, weights: Tree, state: Tree, x: Array) -> Array:
        """The net inputs (outputs,) of the output units, from the weights under ``"output"``."""


def squashed(cell: Cell, net: Array) -> Array:
    """The activations (outputs,) of the output units."""
    match cell.output_units:
        case "linear":
            return net
        case "softmax":
            return jax.nn.softmax(net)
        case _:
            return jax.nn.sigmoid(net)


def error(cell: Cell, y: Array, target: Array) -> Array:
    """∂E/∂net (outputs,): of ½ Σ (t − y)² for logistic and linear units, else of cross-entropy.

    Minus δ of the papers' eq. 12.
    """
    slope = y * (1 - y) if cell.output_units == "logistic" else jnp.ones_like(y)
    return (y - target) * slope
