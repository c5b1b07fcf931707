"""Lethe: recurrent networks that learn at every step of a stream that never ends."""

from lethe.network import FirstError, Network, NotFiniteError, Run, instruction_set
from lethe.topology import Topology
from lethe.updates import SGD, Adam, RMSprop
from lethe.version import __version__

__all__ = [
    "SGD",
    "Adam",
    "FirstError",
    "Network",
    "NotFiniteError",
    "RMSprop",
    "Run",
    "Topology",
    "__version__",
    "instruction_set",
]
