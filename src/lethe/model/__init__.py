"""A model of a stream of events: what encodes, predicts, learns, notices and survives."""

from lethe.model.answers import Diagnostics, Prediction, Report
from lethe.model.model import Model
from lethe.model.saving import from_checkpoint, load

__all__ = ["Diagnostics", "Model", "Prediction", "Report", "from_checkpoint", "load"]
