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
from lethe.tasks.sequences import Continual, LastTarget, SequenceStream, SequenceTask
from lethe.tasks.steps import Steps, joined
from lethe.tasks.temporal_order import TemporalOrder
from lethe.tasks.tomita import Tomita
from lethe.tasks.two_sequence import Latch, TwoSequence

__all__ = [
    "TARGETS",
    "Adding",
    "Continual",
    "EmbeddedReber",
    "LastTarget",
    "Latch",
    "Latching",
    "Letters",
    "LongLag",
    "LowPass",
    "MackeyGlass",
    "Multiplication",
    "Reber",
    "ReberStream",
    "SequenceStream",
    "SequenceTask",
    "Steps",
    "TemporalOrder",
    "Tomita",
    "Trajectories",
    "TwoSequence",
    "VeryLongLag",
    "Words",
    "joined",
]
