"""Networks that are trained by back-propagation through time (Werbos 1988; Williams & Peng 1990).

`lethe.baselines.credits.bptt` has the equations, what they are known for and where they break.
"""

from __future__ import annotations

from typing import Literal

from lethe.baselines.cell import Cell, OutputUnits
from lethe.baselines.credits.bptt import Bptt, Window
from lethe.baselines.rule import Descent
from lethe.baselines.systems.elman import Elman
from lethe.baselines.systems.fully_recurrent import FullyRecurrent

__all__ = ["make"]


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    network: Literal["fully_recurrent", "elman"] = "fully_recurrent",
    hidden: int = 12,
    h: int | None = None,
    every: int = 1,
    longest: int = 128,
    forced: bool = False,
    biased: bool = True,
    initial_range: float = 0.5,
    rate: float = 0.1,
    momentum: float = 0.0,
    optimizer: str = "sgd",
    clip: float | None = None,
) -> tuple[Cell, Descent]:
    """A fully recurrent network or Elman's, trained by back-propagation through time.

    Parameters
    ----------
    inputs, outputs, output_units
        See `Cell`.
    network : {"fully_recurrent", "elman"}
        What is trained.
    hidden : int
        Number of hidden units.
    h, every : int, optional
        None: in full, at the end of each sequence. Else BPTT(h), or BPTT(h; every) above 1.
    longest : int
        Longest sequence that is stored, where `h` is None.
    forced, biased, initial_range
        See `FullyRecurrent`; Elman's network is not forced.
    rate, momentum, optimizer, clip
        See `Descent`.
    """
    if h is None:
        credit: Bptt | Window = Bptt(longest)
    else:
        credit = Window(h) if every == 1 else Bptt(h, every)
    rule = Descent(credit, rate, momentum, optimizer, clip)
    if network == "elman":
        return Elman(inputs, outputs, hidden, output_units, biased, "logistic", initial_range), rule
    cell = FullyRecurrent(inputs, outputs, hidden, output_units, biased, forced, initial_range)
    return cell, rule
