"""How good predictions are: each is scored before its event is learned, beside naive ones."""

from lethe.evaluate.naive import ClassScores, NumberScores
from lethe.evaluate.prequential import (
    EventScores,
    Score,
    Tally,
    predict_events,
    predict_symbols,
)

__all__ = [
    "ClassScores",
    "EventScores",
    "NumberScores",
    "Score",
    "Tally",
    "predict_events",
    "predict_symbols",
]
