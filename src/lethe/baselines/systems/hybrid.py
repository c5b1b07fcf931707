"""The fully recurrent network with the O(n³) hybrid of two credits (Schmidhuber 1992).

`lethe.baselines.credits.hybrid` has the equations, what they are known for and where they break.
"""

from __future__ import annotations

from lethe.baselines.cell import OutputUnits
from lethe.baselines.credits.hybrid import Hybrid
from lethe.baselines.rule import Descent
from lethe.baselines.systems.fully_recurrent import FullyRecurrent

__all__ = ["make"]


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    hidden: int = 12,
    h: int | None = None,
    forced: bool = False,
    biased: bool = False,
    initial_range: float = 0.5,
    rate: float = 0.1,
    momentum: float = 0.0,
    optimizer: str = "sgd",
    clip: float | None = None,
) -> tuple[FullyRecurrent, Descent]:
    """A fully recurrent network that learns at the end of each block.

    Parameters
    ----------
    h : int, optional
        Steps of a block, by default as many as there are units.
    inputs, outputs, output_units, hidden, forced, biased, initial_range
        See `FullyRecurrent`.
    rate, momentum, optimizer, clip
        See `Descent`.
    """
    cell = FullyRecurrent(inputs, outputs, hidden, output_units, biased, forced, initial_range)
    return cell, Descent(Hybrid(h or hidden + outputs), rate, momentum, optimizer, clip)
