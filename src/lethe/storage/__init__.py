"""What outlives a process: a checkpoint in a file, a folder of them, an object as arrays and JSON.

Nothing that a file says is executed, and a file is whole or refused.
"""

from lethe.storage.file import MOST_BYTES, CheckpointError, read, write
from lethe.storage.folder import Checkpoints
from lethe.storage.state import block, pack, part, unpack

__all__ = [
    "MOST_BYTES",
    "CheckpointError",
    "Checkpoints",
    "block",
    "pack",
    "part",
    "read",
    "unpack",
    "write",
]
