"""The streams on which a model's answers are held to those that 0.1.0 gave: see `answers`.

Each is generated, from a seed and nothing else, so that every machine has the same numbers. They
are written with the names of today's `Model`; `record_answers` knows those of 0.1.0.
"""

from __future__ import annotations

from collections.abc import Callable

from support.class_streams import CLASS_STREAMS
from support.column_streams import COLUMN_STREAMS
from support.hostile_streams import HOSTILE_STREAMS
from support.number_streams import NUMBER_STREAMS
from support.stream_parts import Stream

__all__ = ["STREAMS"]

#: By name, what makes the stream.
STREAMS: dict[str, Callable[[], Stream]] = (
    NUMBER_STREAMS | COLUMN_STREAMS | CLASS_STREAMS | HOSTILE_STREAMS
)
