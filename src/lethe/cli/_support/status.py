"""How a run goes, as one JSON object in a file that others watch."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime

from lethe.cli._support.log import LOG
from lethe.storage.disk import write_all
from lethe.storage.output import Inputs, OutputFile, open_replacement, output_errors
from lethe.version import __version__

__all__ = ["Status"]

SECONDS = 1.0  # between two writings, at least
SECONDS_WAITING = 5.0  # while nothing happens
SPAN = 10.0  # seconds over which the rate is measured


class Status:
    """Keeps a file up to date, if there is one.

    It is replaced as a whole, so a reader never sees half of it. The next replacement is open all
    the time, which keeps other processes from writing the file. One that cannot be written is said
    once, and does not end the run.

    Parameters
    ----------
    path : str or None
        Of the file; None keeps none.
    inputs : mapping of str to list of str
        Files that it may not be, by what they are called in a message.

    Raises
    ------
    ValueError
        If the file cannot be written when the run starts.
    """

    def __init__(self, path: str | None, inputs: Inputs) -> None:
        self._path = path
        self._inputs = inputs
        self._started = _now()
        self._counts: deque[tuple[float, int]] = deque()
        self._next = 0.0
        self._state = ""
        self._events = 0
        self._figures: dict[str, object] = {}
        self._event_at: float | None = None
        self._failed = False
        self._output: OutputFile | None = None
        if path is not None:
            with output_errors(f"--status {path}"):
                self._output = open_replacement(path, inputs)

    def fail(self, reason: str) -> None:
        """Write that the run has failed, and why."""
        self.write("failed", self._events, {**self._figures, "error": reason})

    def close(self) -> None:
        """Let others write the file."""
        if self._output is not None:
            self._output.abandon()
            self._output = None

    def __bool__(self) -> bool:
        return self._path is not None

    def is_due(self) -> bool:
        """Whether it is time to write it again."""
        return self._path is not None and time.monotonic() >= self._next

    def write(self, state: str, events: int, figures: Mapping[str, object]) -> None:
        """Write the file.

        Parameters
        ----------
        state : str
            "running", "waiting", "finished", "stopped" or "failed".
        events : int
            So far.
        figures : mapping
            What else is to be in it.
        """
        if self._path is None:
            return
        now = time.monotonic()
        waits = state == self._state == "waiting"
        self._next = now + (SECONDS_WAITING if waits else SECONDS)
        self._state, self._events, self._figures = state, events, dict(figures)
        if self._counts and events > self._counts[-1][1]:
            self._event_at = now
        self._counts.append((now, events))
        while len(self._counts) > 2 and self._counts[1][0] <= now - SPAN:
            self._counts.popleft()
        began, before = self._counts[0]
        seconds = now - began
        record = {
            "state": state,
            "pid": os.getpid(),
            "version": __version__,
            "started": self._started,
            "updated": _now(),
            "events": events,
            "seconds_since_event": self._event_at and round(now - self._event_at, 3),
            "events_per_second": round((events - before) / seconds, 3) if seconds else 0.0,
            **figures,
        }
        try:
            with output_errors(f"--status {self._path}"):
                self._replace(self._path, json.dumps(record).encode() + b"\n")
        except ValueError as error:
            self.close()
            if not self._failed:
                LOG.warning("%s", error)
            self._failed = True

    def _replace(self, path: str, content: bytes) -> None:
        if self._output is None:  # after an error
            self._output = open_replacement(path, self._inputs)
        write_all(self._output.file, content)
        output, self._output = self._output, None
        output.finish(durable=False)
        self._output = open_replacement(path, self._inputs)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
