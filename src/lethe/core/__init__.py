"""The network: its topology, its one time step, its run of many, and the same in NumPy.

`equations` is where to start reading: both papers in NumPy, with an oracle that the compiled step
is tested against. `network` is what a user holds, and `_views` its one block of memory.
"""

from lethe.core.network import Network, instruction_set
from lethe.core.run import FirstError, NotFiniteError, Run
from lethe.core.topology import Topology
from lethe.core.updates import SGD, Adam, RMSprop, Update

__all__ = [
    "SGD",
    "Adam",
    "FirstError",
    "Network",
    "NotFiniteError",
    "RMSprop",
    "Run",
    "Topology",
    "Update",
    "instruction_set",
]
