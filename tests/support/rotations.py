"""A writer whose file is rotated, and a wait during which that happens."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from lethe.data.waiting import POLL


class Stop(KeyboardInterrupt):
    """Ends a stream that would wait for ever."""


class Waits:
    """What happens at each wait, one thing after the other; then the stream is stopped."""

    def __init__(self, things: Iterable[Callable[[], object]] = (), idle: int = 0) -> None:
        self.things = list(things)
        self.idle = idle

    def __call__(self, descriptor: int | None, seconds: float, /) -> None:
        assert descriptor is None
        assert seconds == POLL
        if self.things:
            self.things.pop(0)()
        elif self.idle:
            self.idle -= 1
        else:
            raise Stop


class Daemon:
    """Writes numbered rows of CSV to a log, and keeps its file open until it is told otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self._rest = b""  # of a half line
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115
        self._header()

    def _header(self) -> None:
        if not os.fstat(self._file.fileno()).st_size:
            self._file.write(b"n,square\n")

    def rows(self, count: int = 1) -> None:
        """Write the rest of a half line, and whole ones."""
        self._finish()
        for _ in range(count):
            self._file.write(b"%d,%d\n" % (self.written, self.written**2))
            self.written += 1

    def half(self) -> None:
        """Write half a line."""
        self._finish()
        line = b"%d,%d\n" % (self.written, self.written**2)
        self._file.write(line[:-2])
        self._rest = line[-2:]
        self.written += 1

    def _finish(self) -> None:
        self._file.write(self._rest)
        self._rest = b""

    def reopen(self) -> None:
        """Go on in whatever file has the name."""
        self._finish()
        self._file.close()
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115
        self._header()

    def close(self) -> None:
        self._file.close()

    def _is_at_its_name(self) -> bool:
        ours = os.fstat(self._file.fileno())
        return self.path.exists() and self.path.stat().st_ino == ours.st_ino

    def _make_room(self) -> None:
        """Make log.1 free: log.1 becomes log.2 and so on."""
        numbers = sorted(
            int(path.suffix[1:]) for path in self.path.parent.glob(f"{self.path.name}.*")
        )
        for number in reversed(numbers):
            os.rename(f"{self.path}.{number}", f"{self.path}.{number + 1}")

    def rename(self) -> None:
        """Rotate by name. The daemon goes on with the file that it has."""
        if self._is_at_its_name():
            self._make_room()
            os.rename(self.path, f"{self.path}.1")

    def create(self) -> None:
        """Make an empty file of the name, as some programs do after they have renamed."""
        self.path.touch()

    def copy_and_cut(self) -> None:
        """Rotate by copying. The daemon goes on in the same file, which is empty now.

        Not if there is nothing but a header, which could be any file's.
        """
        if self._is_at_its_name() and self.path.read_bytes() not in (b"", b"n,square\n"):
            self._finish()
            self._make_room()
            shutil.copyfile(self.path, f"{self.path}.1")
            os.truncate(self.path, 0)

    def remove(self) -> None:
        """Remove the file and make a new one."""
        if self._is_at_its_name():
            self.path.unlink()
            self.reopen()
