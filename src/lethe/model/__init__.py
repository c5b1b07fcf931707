"""A model of a stream of events: what encodes, predicts, learns, notices and survives."""

from lethe.model.answers import Prediction, Report
from lethe.model.model import Model
from lethe.model.saving import from_checkpoint, load

__all__ = ["Model", "Prediction", "Report", "from_checkpoint", "load"]
