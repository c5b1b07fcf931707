"""What outlives a process: a checkpoint in a file, and a folder of checkpoints.

Nothing in a file is executed, and a file is complete or refused.
"""

from lethe.storage.file import MOST_BYTES, CheckpointError, read, write
from lethe.storage.folder import Checkpoints

__all__ = [
    "MOST_BYTES",
    "CheckpointError",
    "Checkpoints",
    "read",
    "write",
]
