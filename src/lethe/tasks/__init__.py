"""The papers' tasks, and those that other systems were known for, as streams and sequences."""

from lethe.tasks.arithmetic import Adding, Multiplication
from lethe.tasks.classics import (
    Latching,
    Letters,
    LowPass,
    MackeyGlass,
    Trajectories,
    Words,
)
from lethe.tasks.long_lag import LongLag, VeryLongLag
from lethe.tasks.reber import TARGETS, EmbeddedReber, Reber, ReberStream
from lethe.tasks.sequences import Continual, SequenceStream, SequenceTask
from lethe.tasks.steps import Steps, joined
from lethe.tasks.temporal_order import TemporalOrder
from lethe.tasks.timing import Periodic, PeriodicStream, SpikeDelays
from lethe.tasks.tomita import Tomita
from lethe.tasks.two_sequence import Latch, TwoSequence

__all__ = [
    "TARGETS",
    "Adding",
    "Continual",
    "EmbeddedReber",
    "Latch",
    "Latching",
    "Letters",
    "LongLag",
    "LowPass",
    "MackeyGlass",
    "Multiplication",
    "Periodic",
    "PeriodicStream",
    "Reber",
    "ReberStream",
    "SequenceStream",
    "SequenceTask",
    "SpikeDelays",
    "Steps",
    "TemporalOrder",
    "Tomita",
    "Trajectories",
    "TwoSequence",
    "VeryLongLag",
    "Words",
    "joined",
]
