"""Sources of events: one file for each."""

from lethe.streams.arithmetic import Adding, Multiplication
from lethe.streams.bundled import BUNDLED, BundledStream
from lethe.streams.classics import (
    Latching,
    Letters,
    LowPass,
    MackeyGlass,
    Trajectories,
    Words,
)
from lethe.streams.long_lag import LongLag, VeryLongLag
from lethe.streams.parquet import ParquetStream
from lethe.streams.reber import TARGETS, EmbeddedReber, Reber, ReberStream
from lethe.streams.record import Record, RecordSource
from lethe.streams.records import RecordStream
from lethe.streams.sequences import Continual, SequenceStream, SequenceTask
from lethe.streams.sources import open_records
from lethe.streams.steps import Steps, joined
from lethe.streams.temporal_order import TemporalOrder
from lethe.streams.text import TextStream, topics
from lethe.streams.tomita import Tomita
from lethe.streams.two_sequence import Latch, TwoSequence

__all__ = [
    "BUNDLED",
    "TARGETS",
    "Adding",
    "BundledStream",
    "Continual",
    "EmbeddedReber",
    "Latch",
    "Latching",
    "Letters",
    "LongLag",
    "LowPass",
    "MackeyGlass",
    "Multiplication",
    "ParquetStream",
    "Reber",
    "ReberStream",
    "Record",
    "RecordSource",
    "RecordStream",
    "SequenceStream",
    "SequenceTask",
    "Steps",
    "TemporalOrder",
    "TextStream",
    "Tomita",
    "Trajectories",
    "TwoSequence",
    "VeryLongLag",
    "Words",
    "joined",
    "open_records",
    "topics",
]
