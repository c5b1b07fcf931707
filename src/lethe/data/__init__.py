"""Streams of users' data: records from files and pipes, text, and series that come along."""

from lethe.data.bundled import BUNDLED, BundledStream
from lethe.data.parquet import ParquetStream
from lethe.data.record import Record, RecordSource
from lethe.data.records import RecordStream
from lethe.data.rotation import AnotherFileError
from lethe.data.several import SeveralStream
from lethe.data.sources import open_records
from lethe.data.text import TextStream, topics

__all__ = [
    "BUNDLED",
    "AnotherFileError",
    "BundledStream",
    "ParquetStream",
    "Record",
    "RecordSource",
    "RecordStream",
    "SeveralStream",
    "TextStream",
    "open_records",
    "topics",
]
