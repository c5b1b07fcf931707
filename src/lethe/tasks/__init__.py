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
from lethe.tasks.recall import DelayedCopy, MemoryChain
from lethe.tasks.sequences import Continual, LastTarget, SequenceStream, SequenceTask
from lethe.tasks.signals import Lorenz, Sine
from lethe.tasks.steps import Steps, joined
from lethe.tasks.temporal_order import TemporalOrder
from lethe.tasks.timing import Periodic, PeriodicStream, SpikeDelays
from lethe.tasks.tomita import Tomita
from lethe.tasks.two_sequence import Latch, TwoSequence

__all__ = [
    "TARGETS",
    "Adding",
    "Continual",
    "DelayedCopy",
    "EmbeddedReber",
    "LastTarget",
    "Latch",
    "Latching",
    "Letters",
    "LongLag",
    "Lorenz",
    "LowPass",
    "MackeyGlass",
    "MemoryChain",
    "Multiplication",
    "Periodic",
    "PeriodicStream",
    "Reber",
    "ReberStream",
    "SequenceStream",
    "SequenceTask",
    "Sine",
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
