"""What a run says while it works: lines on standard error, as text or as JSON."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal, TextIO, TypeAlias

from lethe.cli._support.printable import printable

__all__ = ["LEVELS", "LOG", "Form", "Level", "logging_to_stderr"]

Form: TypeAlias = Literal["text", "json"]
Level: TypeAlias = Literal["info", "warning", "error"]

LEVELS: tuple[Level, ...] = ("info", "warning", "error")

MOST = 4000  # characters of a line

#: What the commands log with. ``extra={"fields": {...}}`` adds fields to a line of JSON.
LOG = logging.getLogger("lethe.cli")
LOG.propagate = False


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that time, such as a progress bar's stand-in."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, logging's own name
        """A closed standard error must not end what it only comments on."""


class _Text(logging.Formatter):
    """``lethe learn: warning: message``; what is said at the level "info" has no word for it."""

    def __init__(self, command: str) -> None:
        super().__init__()
        self._command = command

    def format(self, record: logging.LogRecord) -> str:
        word = "warning: " if record.levelno == logging.WARNING else ""
        return f"lethe {self._command}: {word}{one_line(record.getMessage())}"


class _Json(logging.Formatter):
    """One object: time (UTC), level, command, message, and the fields of the message."""

    def __init__(self, command: str) -> None:
        super().__init__()
        self._command = command

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", {})
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "command": self._command,
            "message": one_line(record.getMessage()),
            **(fields if isinstance(fields, Mapping) else {}),
        }
        return json.dumps(line)


def one_line(message: str) -> str:
    """A message on one line, without what a terminal would obey."""
    line = " ".join(message.split())
    return printable(line if len(line) <= MOST else f"{line[:MOST]}...")


@contextmanager
def logging_to_stderr(command: str, form: Form = "text", level: Level = "info") -> Iterator[None]:
    """Within it, what is logged goes to standard error.

    Parameters
    ----------
    command : str
        Whose lines they are.
    form : 'text' or 'json'
    level : 'info', 'warning' or 'error'
        The least level that is shown.
    """
    handler = _Stderr()
    handler.setFormatter((_Json if form == "json" else _Text)(command))
    before = LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(level.upper())
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(before)
