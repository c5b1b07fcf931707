"""Sources of events: one file for each."""

from lethe.streams.arithmetic import Adding, Multiplication
from lethe.streams.long_lag import LongLag, VeryLongLag
from lethe.streams.reber import TARGETS, EmbeddedReber, ReberStream
from lethe.streams.sequences import Continual, SequenceStream, SequenceTask
from lethe.streams.steps import Steps, joined
from lethe.streams.temporal_order import TemporalOrder
from lethe.streams.text import TextStream, topics
from lethe.streams.two_sequence import Latch, TwoSequence

__all__ = [
    "TARGETS",
    "Adding",
    "Continual",
    "EmbeddedReber",
    "Latch",
    "LongLag",
    "Multiplication",
    "ReberStream",
    "SequenceStream",
    "SequenceTask",
    "Steps",
    "TemporalOrder",
    "TextStream",
    "TwoSequence",
    "VeryLongLag",
    "joined",
    "topics",
]
