"""Files are opened for writing: they are no input, have no other writer, and are no link."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from lethe.storage.disk import sync_folder
from lethe.storage.lock import NoLocksError, is_at, lock

__all__ = [
    "Inputs",
    "OutputError",
    "keep_owner",
    "lock_target",
    "new_temporary",
    "open_existing_or_new",
    "refuse_inputs",
    "refuse_shared",
    "status_of",
    "temporary_of",
    "unlink_open",
]

#: What may not be written, by what it is called in messages: paths, or descriptors of open files.
Inputs: TypeAlias = Mapping[str, Iterable[str | os.PathLike[str] | int]]

# Without O_NONBLOCK, a named pipe would be waited for.
_FLAGS = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"))
_NEW = _FLAGS | os.O_RDWR | os.O_CREAT | os.O_EXCL


_MOST_LINKS = 40  # on the way to a file, as in Linux


class OutputError(ValueError):
    """A file may not be written; the message says why."""


def open_existing_or_new(path: str, inputs: Inputs, create: bool) -> int:
    """Open and lock a file that is written in place."""
    while True:
        status = status_of(path)
        refuse_inputs(path, status, inputs)
        if status is not None:
            if stat.S_ISLNK(status.st_mode):
                raise OutputError("it is a symbolic link, which is not followed here")
            _check_regular(status)
        created = False
        try:
            descriptor = os.open(path, _FLAGS | os.O_RDWR)
        except FileNotFoundError:
            if not create:
                raise
            try:
                descriptor, created = os.open(path, _NEW, 0o666), True
            except FileExistsError:
                continue
        try:
            if _is_mine(descriptor, path, inputs):
                # After its own lock: of two writers that come at once, one sees the other.
                _sweep(temporary_of(path), inputs)
                if created:
                    sync_folder(os.path.dirname(path))
                return descriptor
        except BaseException:
            if created and is_at(descriptor, path):
                os.unlink(path)
            os.close(descriptor)
            raise
        os.close(descriptor)


def temporary_of(path: str) -> str:
    """Return the path of what is to replace a file, until it does."""
    folder, name = os.path.split(path)
    if len(os.fsencode(name)) > 240:  # a name has at most 255 bytes
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return os.path.join(folder, f".{name}.lethe.tmp")


def new_temporary(path: str, inputs: Inputs, mode: int) -> int:
    """Create and lock the file of a replacement."""
    while True:
        _sweep(path, inputs)
        try:
            descriptor = os.open(path, _NEW, mode)
        except FileExistsError:
            continue
        try:
            with contextlib.suppress(NoLocksError):  # its name alone keeps others away
                lock(descriptor)
            if is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # another one took it for left behind, before it was locked


def _sweep(path: str, inputs: Inputs) -> None:
    """Remove a replacement that a killed process left behind."""
    status = status_of(path)
    if status is None:
        return
    refuse_inputs(path, status, inputs)
    try:
        if not stat.S_ISREG(status.st_mode):
            os.unlink(path)
            return
        file = io.FileIO(os.open(path, _FLAGS | os.O_RDWR), "r+b")
        with file:
            lock(file.fileno())
            if is_at(file.fileno(), path):
                unlink_open(path, file.close)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(
            f"{path} is in the way, which a killed process may have left: {error.strerror}"
        ) from None


def lock_target(path: str, inputs: Inputs) -> int | None:
    """Open and lock the file that is to be replaced; None if there is none."""
    while True:
        status = status_of(path)
        if status is None or stat.S_ISLNK(status.st_mode):
            return None
        _check_regular(status)
        try:
            descriptor = os.open(path, _FLAGS | os.O_WRONLY)
        except FileNotFoundError:
            continue
        try:
            if _is_mine(descriptor, path, inputs, need_lock=False):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_mine(descriptor: int, path: str, inputs: Inputs, need_lock: bool = True) -> bool:
    """Lock an open file, if it may be written; False if another one has taken its path since."""
    status = os.fstat(descriptor)
    _check_regular(status)
    refuse_inputs(path, status, inputs)
    try:
        lock(descriptor)
    except NoLocksError:
        if need_lock:
            raise
    return is_at(descriptor, path)


def _check_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OutputError("it is no regular file")


def refuse_shared(path: str | os.PathLike[str]) -> None:
    """Refuse what another user has put where everyone may write, such as into ``/tmp``.

    Linux itself follows no link there that another user made; whoever resolves links before
    opening, as this package does, has to look by itself.

    Raises
    ------
    OutputError
        If a link on the way, or the file, belongs to another user and lies in such a folder.
    """
    if os.name == "nt":
        return
    here, parts, links = os.sep, os.path.abspath(path).split(os.sep)[1:], 0
    while parts:
        folder, name = here, parts.pop(0)
        if name in ("", os.curdir):
            continue
        here = os.path.dirname(here) if name == os.pardir else os.path.join(folder, name)
        status = status_of(here)
        if status is None:
            return
        is_link = stat.S_ISLNK(status.st_mode)
        above = os.stat(folder)
        shared = above.st_mode & stat.S_ISVTX and above.st_mode & stat.S_IWOTH
        foreign = shared and status.st_uid not in (os.geteuid(), above.st_uid)
        if foreign and (is_link or (not parts and not stat.S_ISDIR(status.st_mode))):
            raise OutputError(
                f"{here} belongs to another user and lies where everyone may write; name a file in "
                "a folder of your own"
            )
        if is_link:
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            target = os.readlink(here)
            parts = target.split(os.sep) + parts
            here = os.sep if os.path.isabs(target) else folder


def keep_owner(descriptor: int, old: os.stat_result) -> int:
    """Give a new file the owner of the one that it replaces, and return the mode that it gets."""
    now, mode = os.fstat(descriptor), stat.S_IMODE(old.st_mode) & 0o777
    if now.st_gid != old.st_gid:
        try:
            os.fchown(descriptor, -1, old.st_gid)
        except OSError:
            mode = mode & ~0o070 | (mode & 0o007) << 3  # another group may do what everyone may
    if now.st_uid != old.st_uid:
        with contextlib.suppress(OSError):
            os.fchown(descriptor, old.st_uid, -1)
    return mode


def unlink_open(path: str, close: Callable[[], object]) -> None:
    """Remove an open file, which keeps its lock until then, and close it."""
    if os.name == "nt":  # Windows removes no open file
        close()
    os.unlink(path)
    close()


def status_of(path: str) -> os.stat_result | None:
    """Return the status of what is at a path, of a link itself; None if there is nothing."""
    try:
        return os.stat(path, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None


def refuse_inputs(path: str, status: os.stat_result | None, inputs: Inputs) -> None:
    """Raise an OutputError if a path, or what is there, is an input."""
    for name, files in inputs.items():
        for file in files:
            same = not isinstance(file, int) and os.path.realpath(file) == path
            if not same and status is not None and not stat.S_ISCHR(status.st_mode):
                with contextlib.suppress(OSError):
                    same = os.path.samestat(os.stat(file), status)
            if same:
                raise OutputError(f"it is {name}; name another file")
