"""The alarms of a stream as they come: a line when one begins and a line when it ends."""

from __future__ import annotations

import sys

from lethe.cli._support.alarm_log import AlarmLog
from lethe.cli._support.log import LOG
from lethe.cli._support.printable import printable
from lethe.cli._support.records import where
from lethe.data import Record, RecordSource
from lethe.model import Report

__all__ = ["AlarmTeller"]


class AlarmTeller:
    """Prints a line when an alarm begins and one when it ends, as soon as that is known.

    Parameters
    ----------
    log : AlarmLog
        What counts them.
    logs : bool
        Lines go to the log, as where standard output is for JSON or for the lines of events.
    several : bool
        Lines name the source, since there are several.
    """

    def __init__(self, log: AlarmLog, *, logs: bool, several: bool) -> None:
        self._log = log
        self._logs = logs
        self._several = several
        self._out = sys.stdout  # before a progress bar takes its place

    def tell(self, report: Report, stream: RecordSource, record: Record, time: str | None) -> None:
        """Take in what an event has done to an alarm, if there is one.

        Parameters
        ----------
        report : Report
            Of the event.
        stream, record
            Where it is.
        time : str or None
            The column with its time.
        """
        alarm = report.alarm
        if alarm is None:
            return
        if alarm.state == "begin":
            self._log.add(alarm, record.number)
        found = {"state": alarm.state, **self._log.located(alarm)}
        if alarm.state == "end":
            self._log.add(alarm, record.number)
        if alarm.state == "going on":
            return
        does = "begins" if alarm.state == "begin" else "ends"
        place = f"{where(stream) if self._several else stream.unit} {record.number}"
        at = None if time is None else record.event.get(time)
        words = f"{place}{'' if at is None else f' ({at})'}: alarm {does}: {alarm.words}"
        if self._logs:
            LOG.info("%s", words, extra={"fields": {"alarm": found}})
            return
        # Where both are a terminal the bar makes room; elsewhere it would take the line.
        out = sys.stdout if self._out.isatty() else self._out
        print(printable(words), file=out, flush=True)
