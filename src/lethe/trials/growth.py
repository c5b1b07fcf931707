"""Sequential construction: a network that gets its memory blocks while it learns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lethe.core._checks import as_float, check_int
from lethe.core._objects import shown
from lethe.core._surgery import grown, with_blocks
from lethe.core.network import Network
from lethe.tasks import SequenceTask
from lethe.tasks.checks import check_task
from lethe.trials.learner import (
    FloatingName,
    Learner,
    NetworkRecipe,
    Recipe,
    network_of,
    network_recipe,
)

__all__ = ["Construction", "Growth"]


@dataclass(frozen=True)
class Growth:
    """How a network is built: it begins with few blocks, and gets one whenever its error stalls.

    After each piece of training its mean error is compared with that of the piece before.

    Parameters
    ----------
    blocks : int
        That the network begins with; where that is 0 it needs shortcuts.
    decrease : float
        The error has stalled if it has not become smaller by more than this share of itself.
    task : SequenceTask, optional
        Where training sequences come from until all blocks are there; by default the trial's task.

    Raises
    ------
    ValueError
        If `blocks` is no whole number of at least 0, `decrease` is not below 1, or `task` is none.

    Examples
    --------
    >>> Growth(decrease=0.01).stalled(before=0.5, now=0.496)
    True
    """

    blocks: int = 0
    decrease: float = 0.01
    task: SequenceTask | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        object.__setattr__(self, "blocks", check_int("blocks", self.blocks, 0))
        decrease = as_float(self.decrease)
        if not -math.inf < decrease < 1:
            raise ValueError(
                f"decrease must be a finite number below 1, got {shown(self.decrease)}"
            )
        object.__setattr__(self, "decrease", decrease)
        if self.task is not None:
            check_task("task", self.task)

    def stalled(self, before: float, now: float) -> bool:
        """Whether a mean error has stopped decreasing."""
        return now >= (1 - self.decrease) * before


class Construction:
    """A trial's learner, and how far it is built.

    Attributes
    ----------
    learner : Learner
        As it is now.
    complete : bool
        Whether it has all its blocks; a learner without `Growth` has them from the start.
    """

    def __init__(
        self,
        recipe: Recipe,
        growth: Growth | None,
        generator: np.random.Generator,
        dtype: FloatingName,
    ) -> None:
        self._growth, self._generator = growth, generator
        self._before = math.inf
        self.complete = growth is None
        if growth is not None:
            whole = network_recipe(recipe)
            self._topology = whole.topology
            recipe = NetworkRecipe(with_blocks(whole.topology, growth.blocks), whole.update)
        self.learner: Learner = recipe.learner(generator, dtype)

    def look(self, mean_error: float) -> None:
        """After a piece of training with this mean error: add a block if the error has stalled."""
        if self._growth is None or self.complete:
            return
        if not self._growth.stalled(self._before, mean_error):
            self._before = mean_error
            return
        net: Network = network_of(self.learner)
        blocks = net.topology.blocks + 1
        self.learner = grown(net, with_blocks(self._topology, blocks), self._generator)
        self.complete = blocks == self._topology.blocks
        self._before = math.inf
