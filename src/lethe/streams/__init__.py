"""Sources of events: one file for each."""

from lethe.streams.reber import TARGETS, ReberStream, Steps
from lethe.streams.text import TextStream, topics

__all__ = ["TARGETS", "ReberStream", "Steps", "TextStream", "topics"]
