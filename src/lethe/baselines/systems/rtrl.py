"""The fully recurrent network with real-time recurrent learning (Williams & Zipser 1989, 1992).

`lethe.baselines.credits.rtrl` has the equations, what they are known for and where they break.
"""

from __future__ import annotations

from lethe.baselines.cell import OutputUnits
from lethe.baselines.credits.rtrl import Rtrl
from lethe.baselines.rule import Descent
from lethe.baselines.systems.fully_recurrent import FullyRecurrent

__all__ = ["make"]


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    hidden: int = 12,
    forced: bool = False,
    biased: bool = False,
    initial_range: float = 0.5,
    rate: float = 0.1,
    momentum: float = 0.0,
    optimizer: str = "sgd",
    clip: float | None = None,
) -> tuple[FullyRecurrent, Descent]:
    """A fully recurrent network that learns at every target.

    Parameters
    ----------
    inputs, outputs, output_units, hidden, forced, biased, initial_range
        See `FullyRecurrent`.
    rate, momentum, optimizer, clip
        See `Descent`.
    """
    cell = FullyRecurrent(inputs, outputs, hidden, output_units, biased, forced, initial_range)
    return cell, Descent(Rtrl(), rate, momentum, optimizer, clip)
