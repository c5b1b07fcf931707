"""Bytes and names that reach the disk."""

from __future__ import annotations

import errno
import io
import os
import select
import stat
from typing import BinaryIO

__all__ = ["sync", "sync_folder", "write_all"]


def write_all(file: io.FileIO | BinaryIO, data: bytes | bytearray | memoryview) -> None:
    """Write all of something, however little the system takes at a time."""
    rest = memoryview(data)
    while rest:
        count = file.write(rest)
        if count is None:  # a pipe that another program has set not to block, and that is full
            select.select([], [file], [])
        rest = rest[count or 0 :]


def sync(descriptor: int) -> None:
    """Bring an open file to the disk; a terminal or a pipe has none."""
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fsync(descriptor)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Make sure that a folder's entries are on the disk."""
    if os.name == "nt":
        return  # Windows opens no folders; its file system logs the renaming itself
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return  # one may write in this folder, and not read it
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that cannot do this to folders
            raise
    finally:
        os.close(descriptor)
