"""What a run on records logs: how columns are understood, and why lines and events are skipped."""

from __future__ import annotations

from lethe.cli._support.log import LOG
from lethe.cli._support.records import where
from lethe.cli._support.understood import understood_columns, understood_line
from lethe.data import Record, RecordSource
from lethe.model import Model, Report

__all__ = ["RecordsLog", "remedy_of"]

REASONS = 5  # why events were skipped, that are kept


class RecordsLog:
    """Logs each of the first reasons once, and keeps them.

    Parameters
    ----------
    stream : RecordSource
    """

    def __init__(self, stream: RecordSource) -> None:
        self._stream = stream
        self._events: list[str] = []
        self._told = 0  # reasons of the stream that were logged

    @property
    def reasons(self) -> list[str]:
        """Why the first lines could not be read, and the first events not be learned."""
        return [*self._stream.reasons, *self._events]

    def skipped_event(self, record: Record, report: Report) -> None:
        """Log why the model skipped an event."""
        if len(self._events) < REASONS:
            reason = f"{where(self._stream)} {record.number}: {report.reason}"
            self._events.append(reason)
            LOG.warning("%s; skipped", reason)

    def skipped_lines(self) -> None:
        """Log why the stream skipped lines, as far as that is new."""
        if self._stream.skipped and len(self._stream.reasons) > self._told:
            for reason in self._stream.reasons[self._told :]:
                LOG.warning("%s; skipped", reason)
            self._told = len(self._stream.reasons)

    def understood(self, model: Model, continued: str) -> None:
        """Log how each column is understood, once there was an event."""
        stream = self._stream
        columns = understood_columns(model, stream.columns)
        line = f"{understood_line(columns, stream.understood())}{continued}"
        fields = {"source": stream.name, "columns": columns}
        LOG.info("%s: %s", stream.name, line, extra={"fields": fields})


def remedy_of(error: BaseException) -> str:
    """What to do about text in a column of numbers."""
    if isinstance(error, ValueError) and "must be a number, got '" in str(error):
        return " (--missing WORD: a word for missing values; --text COL: a column of text)"
    return ""
