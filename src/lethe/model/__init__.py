"""A model of a stream of events: what encodes, predicts, learns, notices and survives."""

from lethe.model.alarms import Alarm, AlarmRule
from lethe.model.loading import from_checkpoint, load
from lethe.model.model import Model
from lethe.model.monitor import Diagnostics
from lethe.model.prediction import Prediction
from lethe.model.report import Report

__all__ = [
    "Alarm",
    "AlarmRule",
    "Diagnostics",
    "Model",
    "Prediction",
    "Report",
    "from_checkpoint",
    "load",
]
