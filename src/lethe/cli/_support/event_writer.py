"""The file that the lines of events go to, by the rule of `lethe.storage.output`."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from typing import BinaryIO, TypedDict

from lethe.storage.disk import sync, write_all
from lethe.storage.file import checkpoint_errors
from lethe.storage.folder import is_own_name
from lethe.storage.opening import refuse_inputs
from lethe.storage.output import (
    Inputs,
    InUseError,
    OutputError,
    OutputFile,
    check_output,
    open_device,
    open_in_place,
    open_replacement,
)

__all__ = [
    "EventWriter",
    "OutputState",
    "check_not_input",
    "holds_nothing",
    "not_to_write",
    "open_writer",
]

#: How often it is checked, at most, that the file is still there under its name.
CHECK_SECONDS = 1.0


class OutputState(TypedDict):
    """How far an output file is: its bytes, and their SHA-256."""

    bytes: int
    sha256: str


class EventWriter:
    """Writes complete lines, and knows how far the file is.

    Parameters
    ----------
    file : binary file object
        Without a buffer of its own, so that what was written survives this process.
    name : str
        Its path as the user gave it, or ``-`` for standard output.
    output : OutputFile, optional
        The regular file that `file` is of; None for standard output and devices.

    Attributes
    ----------
    bytes : int
        Written so far.
    failed : str or None
        What has failed for good.
    """

    def __init__(
        self, file: io.FileIO | BinaryIO, name: str, output: OutputFile | None = None
    ) -> None:
        self._file = file
        self._name = name
        self._output = output
        self._hash = hashlib.sha256()
        self._checked = time.monotonic()
        self.failed: str | None = None
        self.bytes = 0

    def write(self, data: bytes) -> None:
        """Append complete lines.

        Raises
        ------
        ValueError
            If they cannot be written; then none of them has been.
        """
        with self._errors():
            if self._output is not None:
                self._output.check_size(self.bytes)
                if time.monotonic() - self._checked > CHECK_SECONDS:
                    self._output.check(self.bytes)
                    self._checked = time.monotonic()
            try:
                write_all(self._file, data)
            except BaseException:
                self._remove_incomplete_line()
                raise
        self._hash.update(data)
        self.bytes += len(data)

    def state(self) -> OutputState:
        """How far the file is; `sync` brings it to the disk.

        Raises
        ------
        ValueError
            If the file is no longer there.
        """
        with self._errors():
            if self._output is not None:
                self._output.check(self.bytes)
        return {"bytes": self.bytes, "sha256": self._hash.hexdigest()}

    def sync(self) -> None:
        """Bring to the disk what was written; another thread may write more at the same time.

        Raises
        ------
        ValueError
            If that fails, and from then on always.
        """
        with self._errors(), contextlib.suppress(io.UnsupportedOperation):
            sync(self._file.fileno())

    def resume(self, state: OutputState) -> None:
        """Continue a file from this state; what was written after it is removed.

        Raises
        ------
        ValueError
            If the file does not begin with the same bytes.
        """
        size = state["bytes"]
        with self._errors():
            self._file.seek(0)
            while self.bytes < size and (block := self._file.read(min(size - self.bytes, 1 << 20))):
                self._hash.update(block)
                self.bytes += len(block)
        if self.bytes < size or self._hash.hexdigest() != state["sha256"]:
            raise ValueError(
                f"--out {self._name} must begin with the {size:,} bytes that were in it at the "
                "checkpoint, got others: it has changed since"
            )
        with self._errors():
            os.ftruncate(self._file.fileno(), size)  # which Python repeats after an interrupt
            self._file.seek(size)

    def begin(self, ours: bytes | None) -> None:
        """Empty the file; if `ours` is given, it may only hold the beginning of these bytes.

        Raises
        ------
        ValueError
            If it holds others.
        """
        with self._errors():
            there = b"" if ours is None else self._file.read(len(ours) + 1)
        if ours is not None and not ours.startswith(there):
            raise ValueError(
                f"--out {self._name} is there already, and no checkpoint says how far it goes: "
                "remove it, or name another"
            )
        with self._errors():
            os.ftruncate(self._file.fileno(), 0)
            self._file.seek(0)

    def close(self, complete: bool) -> None:
        """Close the file; one that is not in place takes its name if `complete`, or is removed.

        Raises
        ------
        ValueError
            If it is complete, and cannot be brought to the disk.
        """
        if self._name == "-":
            return
        if self._output is None:
            self._file.close()
        elif complete and not self.failed:
            try:
                with self._errors():
                    self._output.check(self.bytes)
                    self._output.finish()
            except ValueError:
                self._output.abandon()
                raise
        else:
            self._output.abandon()

    def _remove_incomplete_line(self) -> None:
        if self._output is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), self.bytes)
                self._file.seek(self.bytes)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Errors as a ValueError, which every later call raises again.

        The system tells only once that what was written has not reached the disk.
        """
        if self.failed:
            raise ValueError(self.failed)
        try:
            yield
        except BrokenPipeError:
            raise
        except (OSError, OutputError) as error:
            self.failed = _cannot(self._name, error)
            raise ValueError(self.failed) from None


def open_writer(
    path: str,
    beginning: bytes,
    *,
    in_place: bool,
    ours: bool = False,
    to: OutputState | None = None,
    inputs: Inputs | None = None,
) -> EventWriter:
    """Open the file for the predictions, and write its beginning.

    Parameters
    ----------
    path : str
        A file that the user has named for this run, or ``-`` for standard output.
    beginning : bytes
        Its first lines.
    in_place : bool
        Write the file itself, as a run does that may be killed, or may never end; otherwise a
        temporary one, which takes the name at the end.
    ours : bool
        The file may be there only if it is one that this run began before it was killed.
    to : OutputState, optional
        Where the file was at a checkpoint; then it must be there, and `beginning` is not written.
    inputs : mapping, optional
        What the file may not be, by its name in messages, as in `lethe.storage.output`.

    Raises
    ------
    ValueError
        If it cannot be opened, is an input, is written by another process, or is not what was
        written before.
    """
    try:
        writer = _opened(path, in_place or to is not None, inputs or {}, create=to is None)
    except (OSError, OutputError, InUseError) as error:
        raise ValueError(_cannot(path, error)) from None
    try:
        if to is not None and path != "-":
            writer.resume(to)
            return writer
        if in_place and path != "-":
            writer.begin(beginning if ours else None)
        writer.write(beginning)
    except BaseException:
        writer.close(False)
        raise
    return writer


def not_to_write(
    out: str | None,
    sources: Iterable[str | None],
    *,
    model: str | None = None,
    checkpoint: str | None = None,
) -> dict[str, list[str | int]]:
    """What ``--out`` may not be, for `open_writer`.

    Parameters
    ----------
    out : str or None
        The option.
    sources : iterable of str or None
        Each SOURCE as the user gave it; ``-`` is standard input.
    model : str, optional
        A checkpoint that is read, or a folder of them.
    checkpoint : str, optional
        The folder of checkpoints that is written.
    """
    files: list[str | int] = []
    for source in sources:
        if source == "-" and sys.stdin is not None:
            with contextlib.suppress(io.UnsupportedOperation):
                files.append(sys.stdin.buffer.fileno())
        elif source not in (None, "-"):
            files.append(source)
    return {
        "SOURCE, which is read": files,
        "MODEL, which is read": _checkpoint_files(model, out),
        "a file of --checkpoint": _checkpoint_files(checkpoint, out),
    }


def _checkpoint_files(path: str | None, out: str | None) -> list[str | int]:
    """A checkpoint, or the files of a folder of them: those there, and `out` if it is to be one."""
    if path is None or (os.path.exists(path) and not os.path.isdir(path)):
        return [] if path is None else [path]
    with checkpoint_errors(f"the folder {path} cannot be read"):
        names = set(os.listdir(path)) if os.path.isdir(path) else set()
    names.add(os.path.basename(os.path.realpath(out or "")))
    # Any model may be in the folder for a run to continue, whatever it is called.
    return [
        os.path.join(path, name)
        for name in names
        if is_own_name(name) or name.endswith(".safetensors")
    ]


def check_not_input(path: str, inputs: Inputs) -> None:
    """Check that a file for predictions is no input, before anything takes long.

    Raises
    ------
    ValueError
        If it is one.
    """
    try:
        if path != "-":
            check_output(path, inputs)
            return
        with contextlib.suppress(io.UnsupportedOperation):
            status = os.fstat(sys.stdout.fileno())
            if stat.S_ISREG(status.st_mode):  # lethe predict model data.csv >> data.csv
                refuse_inputs(path, status, inputs)
    except (OSError, OutputError) as error:
        raise ValueError(_cannot(path, error)) from None


def _opened(path: str, in_place: bool, inputs: Inputs, create: bool) -> EventWriter:
    if path == "-":
        sys.stdout.flush()
        return EventWriter(getattr(sys.stdout.buffer, "raw", sys.stdout.buffer), "-")
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        if in_place:
            raise ValueError(f"--out {path} must be a regular file, to be resumed or followed")
        return EventWriter(open_device(path, inputs).file, path)
    if in_place:
        output = open_in_place(path, inputs, create=create)
    else:
        output = open_replacement(path, inputs)
    return EventWriter(output.file, path, output)


def _cannot(path: str, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return f"--out {path} cannot be written: {reason or error}"


def holds_nothing(out: str) -> bool:
    """Whether an output is not there, or empty; one that cannot be looked at is neither."""
    try:
        return not os.stat(out).st_size
    except FileNotFoundError:
        return True
    except OSError as error:
        raise ValueError(_cannot(out, error)) from None
