"""Locks of open files: their holder is the only writer, until it closes the file or dies."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

__all__ = ["InUseError", "NoLocksError", "is_at", "lock"]

#: What a file system answers that has no locks.
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


class InUseError(ValueError):
    """Another process holds the lock; the message names it where the system tells."""


class NoLocksError(OSError):
    """The system or the file system has no locks."""


_take: Callable[[int], None] | None
if sys.platform == "win32":
    import msvcrt

    #: The byte that is locked. It lies far away, as Windows lets nobody read a byte that is locked.
    _BYTE = 2**31 - 2

    def _take(descriptor: int) -> None:
        place = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EDEADLK):
                raise BlockingIOError(errno.EAGAIN, "locked") from None
            raise
        finally:
            os.lseek(descriptor, place, os.SEEK_SET)

else:
    try:
        import fcntl
    except ImportError:  # such as Python in a browser
        _take = None
    else:

        def _take(descriptor: int) -> None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock(descriptor: int) -> None:
    """Lock an open file, at once or not at all.

    Parameters
    ----------
    descriptor : int
        The lock belongs to this opening of the file: closing it ends the lock, and another opening
        in this process is refused like that of another one.

    Raises
    ------
    InUseError
        If it is locked already.
    NoLocksError
        If there are no locks here.
    """
    if _take is None:
        raise NoLocksError(errno.ENOSYS, "writers are told apart by locks, which this system lacks")
    try:
        _take(descriptor)
    except BlockingIOError:
        holder = _holder(descriptor)
        who = "this process" if holder == os.getpid() else f"process {holder}"
        raise InUseError(
            f"{who if holder else 'another process'} is writing it: wait until that ends, or name "
            "another"
        ) from None
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise NoLocksError(error.errno, "its file system has no locks") from None
        raise


def is_at(descriptor: int, path: str) -> bool:
    """Whether an open file is still the one at a path: neither removed nor replaced."""
    try:
        there = os.stat(path, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return os.path.samestat(os.fstat(descriptor), there)


def _holder(descriptor: int) -> int:
    """The process that has locked a file, as Linux tells; 0 if unknown."""
    status = os.fstat(descriptor)
    try:
        device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        with open("/proc/locks", encoding="ascii", errors="replace") as locks:
            for line in locks:
                words = line.split()
                if len(words) > 5 and words[1] == "FLOCK" and words[5] == device:
                    return max(0, int(words[4]))
    except (OSError, ValueError, AttributeError):
        pass
    return 0
