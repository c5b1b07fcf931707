"""Lethe: recurrent networks that learn at every step of a stream that never ends."""

from lethe.core.network import FirstError, Network, NotFiniteError, Run, instruction_set
from lethe.core.topology import Topology
from lethe.core.updates import SGD, Adam, RMSprop
from lethe.model import Alarm, AlarmRule, Model, Prediction, Report, load
from lethe.storage.file import CheckpointError
from lethe.version import __version__

__all__ = [
    "SGD",
    "Adam",
    "Alarm",
    "AlarmRule",
    "CheckpointError",
    "FirstError",
    "Model",
    "Network",
    "NotFiniteError",
    "Prediction",
    "RMSprop",
    "Report",
    "Run",
    "Topology",
    "__version__",
    "instruction_set",
    "load",
]
