"""What a trial asks of any learner, so that other systems can stand where a Network stands."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np

from lethe.core.network import FirstError, Network, Run
from lethe.core.topology import Topology
from lethe.core.updates import Update

__all__ = ["DivergedError", "Learner", "System", "check_learner", "configuration_of", "learner_of"]


class DivergedError(FloatingPointError):
    """A system's own numbers are no longer finite, and it cannot go back: its trial is over."""


class Learner(Protocol):
    """What learns from a stream: a `lethe.Network`, or a baseline."""

    def run(
        self,
        inputs: Any,
        targets: Any = None,
        *,
        target_table: Any = None,
        has_target: Any = None,
        starts: Any = None,
        reset_at_starts: bool = False,
        learn: bool = True,
        stop: FirstError | None = None,
        record: Any = ("output",),
    ) -> Run:
        """Take many steps; see `lethe.Network.run`."""

    def reset(self) -> None:
        """Start a new stream."""

    def clone(self) -> Any:
        """A twin, which goes its own way from here."""


class System(Protocol):
    """A recipe of a learner: a frozen value that says all that a reader needs to make it again."""

    @property
    def inputs(self) -> int:
        """Number of input units."""

    @property
    def outputs(self) -> int:
        """Number of output units."""

    def configuration(self) -> dict[str, Any]:
        """All that a reader needs to make it again, as plain JSON values."""

    def learner(
        self, seed: int | np.random.Generator, dtype: Literal["float32", "float64"] = "float32"
    ) -> Learner:
        """Make one, with first weights that follow from the seed."""


def check_learner(topology: Topology | System, update: Update | None) -> None:
    """Refuse a network without an update, and an update for what has its own."""
    if isinstance(topology, Topology) == (update is None):
        whose = "a Topology" if update is None else "a System, which has its own"
        expected = "SGD, RMSprop or Adam" if update is None else "None"
        raise ValueError(f"update must be {expected} for {whose}, got {update!r}")


def learner_of(
    topology: Topology | System,
    update: Update | None,
    seed: np.random.Generator,
    dtype: Literal["float32", "float64"],
) -> Learner:
    """The learner that a trial begins with: a Network of this topology, or another system's."""
    if not isinstance(topology, Topology):
        return topology.learner(seed, dtype)
    assert update is not None  # A trial checks that when it is made.
    return Network(topology, update=update, seed=seed, dtype=dtype)


def configuration_of(topology: Topology | System, update: Update | None) -> dict[str, Any]:
    """What a trial's configuration says of its learner."""
    if not isinstance(topology, Topology):
        return {"system": topology.configuration()}
    return {
        "topology": topology.configuration(),
        "weights": topology.weights,
        "update": repr(update),
    }
