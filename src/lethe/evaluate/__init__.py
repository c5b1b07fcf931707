"""How good predictions are: scored before each event is learned, next to naive predictors."""

from lethe.evaluate.distributions import DistributionScores
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
    "DistributionScores",
    "EventScores",
    "NumberScores",
    "Score",
    "Tally",
    "predict_events",
    "predict_symbols",
]
