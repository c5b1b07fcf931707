"""What a trial asks of any learner, and of the recipe that it is made by.

A recipe is a `NetworkRecipe` (a topology with its update rule) or a baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from lethe.core.network import Network
from lethe.core.run import FirstError, Run
from lethe.core.topology import Topology
from lethe.core.updates import Update

__all__ = [
    "DivergedError",
    "FloatingName",
    "Learner",
    "NetworkRecipe",
    "Recipe",
    "configuration_of",
    "network_of",
    "network_recipe",
]

FloatingName = Literal["float32", "float64"]


class DivergedError(FloatingPointError):
    """A learner's own numbers are no longer finite, and it cannot go back: its trial is over."""


class Learner(Protocol):
    """What learns from a stream: a `lethe.Network`, or a baseline."""

    def run(
        self,
        inputs: ArrayLike,
        targets: ArrayLike | None = None,
        *,
        target_table: ArrayLike | None = None,
        has_target: ArrayLike | None = None,
        starts: ArrayLike | None = None,
        reset_at_starts: bool = False,
        learn: bool = True,
        stop: FirstError | None = None,
        record: tuple[Literal["output"], ...] = ("output",),
    ) -> Run:
        """Take many steps; see `lethe.Network.run`."""

    def reset(self) -> None:
        """Start a new stream."""

    def clone(self) -> Self:
        """An independent copy."""


class Recipe(Protocol):
    """How to make a learner: a frozen value that says all that a reader needs to make it again."""

    @property
    def inputs(self) -> int:
        """Number of input units."""

    @property
    def outputs(self) -> int:
        """Number of output units."""

    def configuration(self) -> dict[str, object]:
        """All that a reader needs to make it again, as plain JSON values."""

    def learner(self, seed: int | np.random.Generator, dtype: FloatingName = "float32") -> Learner:
        """Make one, with first weights that follow from the seed."""


@dataclass(frozen=True)
class NetworkRecipe:
    """How to make a `lethe.Network`.

    Parameters
    ----------
    topology : Topology
        Its sizes, gates and connections.
    update : SGD, RMSprop or Adam
        How it learns.

    Examples
    --------
    >>> from lethe.core.updates import SGD
    >>> NetworkRecipe(Topology(inputs=7, outputs=7), SGD(0.5)).learner(seed=1).steps
    0
    """

    topology: Topology
    update: Update

    def __post_init__(self) -> None:
        """Check both."""
        if not isinstance(self.topology, Topology):
            raise ValueError(f"topology must be a lethe.Topology, got {self.topology!r}")
        if not isinstance(self.update, Update):
            raise ValueError(f"update must be a lethe.SGD, RMSprop or Adam, got {self.update!r}")

    @property
    def inputs(self) -> int:
        """Number of input units."""
        return self.topology.inputs

    @property
    def outputs(self) -> int:
        """Number of output units."""
        return self.topology.outputs

    def configuration(self) -> dict[str, object]:
        """All that a reader needs to make it again, as plain JSON values."""
        return {
            "topology": self.topology.configuration(),
            "weights": self.topology.weights,
            "update": repr(self.update),
        }

    def learner(self, seed: int | np.random.Generator, dtype: FloatingName = "float32") -> Network:
        """Make one, with first weights that follow from the seed."""
        return Network(self.topology, update=self.update, seed=seed, dtype=dtype)


def network_recipe(recipe: Recipe) -> NetworkRecipe:
    """The recipe, if it is that of a `lethe.Network`.

    Raises
    ------
    ValueError
        If it is a baseline's.
    """
    if not isinstance(recipe, NetworkRecipe):
        raise ValueError(f"learner must be a NetworkRecipe here, got {recipe!r}")
    return recipe


def network_of(learner: Learner) -> Network:
    """The learner, if it is a `lethe.Network`.

    Raises
    ------
    ValueError
        If it is a baseline.
    """
    if not isinstance(learner, Network):
        raise ValueError(f"the trial's learner must be a lethe.Network, got {learner!r}")
    return learner


def configuration_of(recipe: Recipe) -> dict[str, object]:
    """What a trial's configuration says of its learner."""
    if isinstance(recipe, NetworkRecipe):
        return recipe.configuration()
    return {"system": recipe.configuration()}
