"""``lethe learn`` on tables of records: predict each event, learn, and report anomalies."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from logging import INFO, WARNING

from lethe.cli._support.alarm_teller import AlarmTeller
from lethe.cli._support.anomaly_log import SCORES, Anomaly, AnomalyLog
from lethe.cli._support.event_writer import (
    EventWriter,
    OutputState,
    check_not_input,
    holds_nothing,
    not_to_write,
    open_writer,
)
from lethe.cli._support.log import LOG
from lethe.cli._support.records import closed, lag_of, lasting, opened, where, with_columns
from lethe.cli._support.records_log import RecordsLog, remedy_of
from lethe.cli._support.records_options import (
    filled_later,
    given_options,
    kinds_known,
    model_in,
    model_of,
    options_of,
    resolved,
    with_output,
)
from lethe.cli._support.records_summary import RecordsSummary
from lethe.cli._support.run_context import RunContext
from lethe.cli._support.run_metadata import RecordsMetadata
from lethe.cli._support.sessions import Saved, agreed
from lethe.cli._support.signals import Stopped
from lethe.cli._support.tables import Show, progress, running_scores
from lethe.cli._support.writer import Lines
from lethe.data import Record
from lethe.evaluate.prequential import EventScores, predict_events
from lethe.model import Report

__all__ = ["learn_records"]

READER_GONE = 141  # what a shell says of a program that ends by SIGPIPE


def learn_records(context: RunContext) -> int:
    """Learn tables of records as the arguments of `lethe learn` say.

    Parameters
    ----------
    context : RunContext

    Returns
    -------
    int
        The exit code: 0, or 130, 143 or 129 after Ctrl-C, SIGTERM or SIGHUP.
    """
    with ExitStack() as stack:
        run = RecordsRun(context)
        stack.callback(closed, run.stream)
        return run.go()


class RecordsRun:
    """One run of `lethe learn` on tables of records, from the arguments of `learn_records`."""

    def __init__(self, context: RunContext) -> None:
        args, sources, session, signals, self.status = context
        self.args = args
        self.session = session
        self.signals = signals
        self.anomalies = AnomalyLog()
        self.unreadable = 0
        self.several = len(sources) > 1
        if not sources:
            raise ValueError("SOURCE must be given to resume a run on records, got none")
        position, output = self._start(session.found)
        self._inputs = not_to_write(args.out, sources, checkpoint=args.checkpoint)
        if args.out is not None:
            check_not_input(args.out, self._inputs)
        # A position says itself which columns are text.
        model = self.model if position is None else model_of(self.options)
        text, numbers = kinds_known(model, self.options)
        with signals.at_once():  # a position may take long to find
            self.stream = opened(
                sources,
                form=args.form,
                skip=args.skip,
                follow=args.follow,
                bad=self.options.bad,
                position=position,
                otherwise=args.resume_from or "raise",
                text=text,
                numbers=numbers,
                missing=self.options.missing,
                signals=signals,
            )
        self.lines: Lines | None = None
        logs = args.json or self.options.out == "-"
        self.teller = AlarmTeller(self.anomalies.alarms, logs=logs, several=self.several)
        self.started_at = self.model.events
        self.log = RecordsLog(self.stream)
        self._handed: Record | None = None  # what the model is learning
        self._output_failed = False
        self._last: tuple[str, int] | None = None  # the file of the last event, its number there
        self._continued = "" if session.last is None else f"; continues {session.last}"
        self.writer: EventWriter | None = None
        if output is not None:
            try:
                self._continue_output(output)
            except BaseException:
                closed(self.stream)
                raise

    def _continue_output(self, output: OutputState) -> None:
        """Open the output where it stopped; a new one, if it was moved away meanwhile."""
        out = self.options.out or "-"
        if out != "-" and holds_nothing(out):
            LOG.warning(
                "--out %s holds nothing: a new one begins, without the %s bytes written before",
                out,
                f"{output['bytes']:,}",
            )
            self._save()  # that nothing of it is written
            self.session.begin_again()
            return
        with self.signals.at_once():
            self.writer = self._opened_writer(b"", output)

    def _start(self, found: Saved | None) -> tuple[Mapping[str, object] | None, OutputState | None]:
        """Begin, or continue; the position in the source, and how far the output is."""
        given = given_options(self.args)
        if found is None or found.run is None:
            if found is None:
                self.options = resolved(given)
                self.model = model_of(self.options)
            else:
                self.model = model_in(found)
                self.model.bad = given["bad"] or self.model.bad
                self.options = options_of(self.model, given)
                agreed(vars(self.options), given, found.path)
            self.before = self.model.events
            self.scores = EventScores(self.model, self.options.time)
            return None, None
        run, self.model = found.run, model_in(found)
        if not isinstance(run, RecordsMetadata):
            raise ValueError(f"the checkpoint {found.path} is one of symbols, got records")
        agreed(vars(run.options), {**given, "out": None, "bad": None}, found.path)
        self.model.bad = given["bad"] or self.model.bad
        options = dataclasses.replace(run.options, bad=self.model.bad)
        self.options = with_output(options, given["out"], found.path)
        self.before, self.several = run.before, run.several
        self.scores = EventScores(self.model, run.time)
        self.scores.scores = run.scores
        self.anomalies = run.anomalies
        if self.args.skip is not None:
            self.unreadable = run.unreadable
        return run.position, run.output

    def go(self) -> int:
        """Learn to the end, and print the results."""
        began = time.perf_counter()
        code, reason, sure = 0, "", True
        try:
            shown = self.args.log_format == "text"
            with progress("events", self.args.limit, shown=shown) as show:
                self._show = show
                self.signals.idle = self._tick
                self._learn(show)
        except Stopped as stop:
            code, reason = stop.code, stop.reason
        except KeyboardInterrupt:  # the second Ctrl-C, perhaps within an event
            code, reason, sure = 130, "interrupted", False
        except BrokenPipeError:
            self._fail(ValueError())
            what = "what --out - writes" if self.options.out == "-" else "standard output"
            LOG.warning("nobody reads %s any more", what)
            return READER_GONE
        except BaseException as error:
            kept = self._fail(error)
            advice = remedy_of(error)
            if kept is not None:
                advice += f"; {kept} holds the state before it, --resume continues"
            elif isinstance(error, ValueError) and self.session.last is not None:
                advice += f"; {self.session.last} is the newest checkpoint, --resume continues it"
            if not advice:
                raise
            raise ValueError(f"{error}{advice}") from None
        finally:
            self.signals.idle = None
        seconds = time.perf_counter() - began - self.signals.waited
        if not code and not self.model.events and self.log.reasons:
            self._end_failed()
            raise ValueError(f"no event could be learned: {self.log.reasons[0]}")
        try:
            kept = self._save_the_end() if sure else None
            self._close_writer(sure)
        except BaseException:
            self._end_failed()
            raise
        if code:
            advice = f"; {kept} holds the state so far, --resume continues it" if kept else ""
            LOG.log(INFO if sure else WARNING, "%s%s", reason, advice)
        self._report("stopped" if code else "finished")
        self._print(seconds, kept)
        return code

    def _begin_with_all(self, records: Iterator[Record]) -> Iterator[Record]:
        """Begin a new run with all targets, where its first event has no value of one."""
        for first in records:
            targets = filled_later(self.options, first.event, self.stream.understood())
            if targets and not self.model.events:
                self.model = model_of(self.options, targets)
                self.scores = EventScores(self.model, self.options.time)
            return chain([first], records)
        return records

    def _learn(self, show: Show) -> None:
        detects, session = self.options.detect, self.session
        records = self._records()
        if not self.model.events:
            records = self._begin_with_all(records)
        model = self.model
        for record, report in predict_events(
            model,
            records,
            name=lambda: where(self.stream),
            scores=self.scores,
            limit=self.args.limit,
            skipped=self.log.skipped_event,
        ):
            self._handed = None  # learned
            if model.events == self.started_at + 1:
                self.log.understood(model, self._continued)
            if self.options.out is not None:
                self._write(record, report, self.options.out)
            if detects and report.anomaly >= SCORES[0]:
                anomaly = Anomaly(report.anomaly, record.number, report.explanation)
                self.anomalies.add(anomaly, model.events)
            if detects:
                self.teller.tell(report, self.stream, record, self.scores.time)
            elsewhere = self._is_elsewhere(record)
            if session.is_due(model.events) or elsewhere:
                self._save()
            if self.status and self.status.is_due():
                self._report("running")
            show(model.events, lambda: running_scores(self.scores.scores))

    def _is_elsewhere(self, record: Record) -> bool:
        """Whether another file has begun: the one before may be compressed or removed soon."""
        last, self._last = self._last, (self.stream.source, record.number)
        if last is None or not self.session:
            return False
        return last[0] != self._last[0] or last[1] >= self._last[1]

    def _records(self) -> Iterator[Record]:
        """The records of the source; `_handed` is one while the model is learning it."""
        wanted: dict[str, Sequence[str | None]] = {
            "target": self.options.target,
            "time": [self.options.time],
            "text": self.options.text,
        }
        for record in self.signals.between(with_columns(self.stream, wanted)):
            self._handed = record
            yield record
            self._handed = None
            self.log.skipped_lines()

    def _write(self, record: Record, report: Report, out: str) -> None:
        model = self.model
        if self.lines is None or self.lines.are_of_others(model.targets):
            classes = model.task == "classification"
            self.lines = Lines(
                self.options.format,
                model.targets,
                model.horizon,
                classes,
                several=self.several,
                alarms=self.options.detect,
            )
        try:
            source = self.stream.source
            line = self.lines.line(record.number, record.event, report, source)
            if self.writer is None:
                self.writer = self._opened_writer(self.lines.header() + line, None)
            else:
                self.writer.write(line)
        except BaseException:
            self._output_failed = True
            raise

    def _opened_writer(self, beginning: bytes, to: OutputState | None) -> EventWriter:
        return open_writer(
            self.options.out or "-",
            beginning,
            in_place=bool(self.session) or self.args.follow,
            ours=self.args.resume,
            to=to,
            inputs=self._inputs,
        )

    def _save(self) -> None:
        writer = self.writer
        run = RecordsMetadata(
            events=self.model.events,
            before=self.before,
            options=self.options,
            position=lasting(self.stream.position, self.several),
            several=self.several,
            output=None if writer is None else writer.state(),
            time=self.scores.time,
            scores=self.scores.scores,
            anomalies=self.anomalies,
            unreadable=self.unreadable + self.stream.skipped,
        )
        self.session.save(self.model, run, None if writer is None else writer.sync)

    def _tick(self) -> None:
        """While the source is waited for: the display, a checkpoint and the status."""
        self._show(self.model.events, lambda: running_scores(self.scores.scores))
        if self.model.events > self.started_at and self.session.is_due(self.model.events):
            self._save()
        if self.status and self.status.is_due():
            self._report("waiting")

    def _fail(self, error: BaseException) -> str | None:
        """After an error: save what was learned, up to the last good event; where it is."""
        sound = self.session.is_sound and not self._output_failed
        sound = sound and (self.writer is None or not self.writer.failed)
        try:
            if not sound or not isinstance(error, ValueError | OSError):
                return None
            if self._handed is not None:
                self.stream.take_back()
            return self._save_the_end()
        finally:
            self._end_failed()

    def _end_failed(self) -> None:
        self._close_writer(False)
        self._report("failed")

    def _close_writer(self, complete: bool) -> None:
        if self.writer is None:
            return
        if not complete:
            with contextlib.suppress(ValueError, OSError):
                self.session.finish()  # its thread may be bringing the output to the disk
        self.writer.close(complete)

    def _save_the_end(self) -> str | None:
        """Save the last checkpoint; the newest, if there is one."""
        if not self.session:
            return None
        if self.model.events > self.started_at:
            self._save()
        kept = self.session.finish()
        return None if kept is None else str(kept)

    def _report(self, state: str) -> None:
        """Write the status."""
        if not self.status:
            return
        figures = {
            **self._summary().status(),
            "lag_bytes": lag_of(self.stream),
            "checkpoint": self.session.status(),
        }
        self.status.write(state, self.model.events, figures)

    def _summary(self) -> RecordsSummary:
        return RecordsSummary(
            self.model,
            self.options,
            self.scores.scores,
            self.anomalies,
            source=self.stream.name,
            unreadable=self.unreadable + self.stream.skipped,
            reasons=self.log.reasons,
        )

    def _print(self, seconds: float, kept: str | None) -> None:
        events = self.model.events - self.started_at
        file = sys.stderr if self.options.out == "-" else sys.stdout
        microseconds = 1e6 * seconds / events if events else None
        summary = self._summary()
        if self.args.json:
            print(json.dumps(summary.record(microseconds, kept)), file=file)
        else:
            print(summary.text(microseconds, kept), file=file)
