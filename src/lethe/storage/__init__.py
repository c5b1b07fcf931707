"""What outlives a process: a checkpoint in a file, and a folder of checkpoints.

Nothing in a file is executed, and a file is complete or refused.
"""

from lethe.storage.file import MOST_BYTES, CheckpointError, read, write
from lethe.storage.folder import Checkpoints
from lethe.storage.state import pack, part, unpack

__all__ = [
    "MOST_BYTES",
    "CheckpointError",
    "Checkpoints",
    "pack",
    "part",
    "read",
    "unpack",
    "write",
]
