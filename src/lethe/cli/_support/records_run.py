"""``lethe learn`` on tables of records: predict each event, learn, and report anomalies."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from logging import INFO, WARNING

from lethe.cli._support.anomaly_log import SCORES, Anomaly, AnomalyLog
from lethe.cli._support.event_writer import (
    EventWriter,
    OutputState,
    check_not_input,
    not_to_write,
    open_writer,
)
from lethe.cli._support.learn_options import LearnArguments
from lethe.cli._support.log import LOG
from lethe.cli._support.records import closed, lag_of, lasting, opened, where, with_columns
from lethe.cli._support.records_options import (
    given_options,
    kinds_known,
    model_of,
    options_of,
    resolved,
    with_output,
)
from lethe.cli._support.records_summary import RecordsSummary
from lethe.cli._support.run_metadata import RecordsMetadata
from lethe.cli._support.sessions import CheckpointSession, Saved, agreed
from lethe.cli._support.signals import Signals, Stopped
from lethe.cli._support.status import Status
from lethe.cli._support.tables import Show, progress, running_scores
from lethe.cli._support.understood import understood_columns, understood_line
from lethe.cli._support.writer import Lines
from lethe.data import Record
from lethe.evaluate.prequential import EventScores, predict_events
from lethe.model import Model, Report

__all__ = ["learn_records"]

REASONS = 5  # why events were skipped, that are kept


def learn_records(
    args: LearnArguments,
    sources: Sequence[str],
    session: CheckpointSession,
    signals: Signals,
    status: Status,
) -> int:
    """Learn tables of records as the arguments of `lethe learn` say.

    Parameters
    ----------
    args : LearnArguments
        As `lethe.cli.learn.add_arguments` declares.
    sources : sequence of str
        Read one after the other.
    session : CheckpointSession
        Entered: what to continue from, and where to save.
    signals : Signals
        Entered.
    status : Status
        Says how the run goes.

    Returns
    -------
    int
        The exit code: 0, or 130, 143 or 129 after Ctrl-C, SIGTERM or SIGHUP.
    """
    with ExitStack() as stack:
        run = RecordsRun(args, sources, session, signals, status)
        stack.callback(closed, run.stream)
        return run.go()


class RecordsRun:
    """One run of `lethe learn` on tables of records, from the arguments of `learn_records`."""

    def __init__(
        self,
        args: LearnArguments,
        sources: Sequence[str],
        session: CheckpointSession,
        signals: Signals,
        status: Status,
    ) -> None:
        self.args = args
        self.session = session
        self.signals = signals
        self.status = status
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
        self.started_at = self.model.events
        self.reasons: list[str] = []
        self._handed: Record | None = None  # what the model is learning
        self._output_failed = False
        self._told = 0  # reasons that were logged
        self._continued = "" if session.last is None else f"; continues {session.last}"
        self.writer: EventWriter | None = None
        if output is not None:
            try:
                with signals.at_once():
                    self.writer = self._opened_writer(b"", output)
            except BaseException:
                closed(self.stream)
                raise

    def _start(self, found: Saved | None) -> tuple[Mapping[str, object] | None, OutputState | None]:
        """Begin, or continue; the position in the source, and how far the output is."""
        given = given_options(self.args)
        if found is None or found.run is None:
            if found is None:
                self.options = resolved(given)
                self.model = model_of(self.options)
            else:
                self.model = _model_in(found)
                self.options = options_of(self.model, given)
                agreed(vars(self.options), given, found.path)
            self.before = self.model.events
            self.scores = EventScores(self.model, self.options.time)
            return None, None
        run, self.model = found.run, _model_in(found)
        if not isinstance(run, RecordsMetadata):
            raise ValueError(f"the checkpoint {found.path} is one of symbols, got records")
        agreed(vars(run.options), {**given, "out": None}, found.path)
        self.options = with_output(run.options, given["out"], found.path)
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
        self.signals.idle = self._tick
        code, reason, sure = 0, "", True
        try:
            with progress("events", self.args.limit) as show:
                self._learn(show)
        except Stopped as stop:
            code, reason = stop.code, stop.reason
        except KeyboardInterrupt:  # the second Ctrl-C, perhaps within an event
            code, reason, sure = 130, "interrupted", False
        except BaseException as error:
            kept = self._fail(error)
            advice = _remedy(error)
            if kept is not None:
                advice += f"; {kept} holds the state before it, --resume continues"
            if not advice:
                raise
            raise ValueError(f"{error}{advice}") from None
        finally:
            self.signals.idle = None
        seconds = time.perf_counter() - began - self.signals.waited
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

    def _learn(self, show: Show) -> None:
        model, session = self.model, self.session
        detects = self.options.detect
        for record, report in predict_events(
            model,
            self._records(),
            name=lambda: where(self.stream),
            scores=self.scores,
            limit=self.args.limit,
            skipped=self._skip,
        ):
            self._handed = None  # learned
            if model.events == self.started_at + 1:
                self._say_what_is_understood()
            if self.options.out is not None:
                self._write(record, report, self.options.out)
            if detects and report.anomaly >= SCORES[0]:
                anomaly = Anomaly(report.anomaly, record.number, report.explanation)
                self.anomalies.add(anomaly, model.events)
            if session.is_due(model.events):
                self._save()
            if self.status and self.status.is_due():
                self._report("running")
            show(model.events, lambda: running_scores(self.scores.scores))

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
            if self.stream.skipped and len(self.stream.reasons) > self._told:
                self._say_skipped()

    def _skip(self, record: Record, report: Report) -> None:
        """Keep the first reasons why the model skipped an event."""
        if len(self.reasons) < REASONS:
            reason = f"{where(self.stream)} {record.number}: {report.reason}"
            self.reasons.append(reason)
            LOG.warning("%s; skipped", reason)

    def _say_skipped(self) -> None:
        for reason in self.stream.reasons[self._told :]:
            LOG.warning("%s; skipped", reason)
        self._told = len(self.stream.reasons)

    def _say_what_is_understood(self) -> None:
        columns = understood_columns(self.model, self.stream.columns)
        fields = {"source": self.stream.name, "columns": columns}
        words = self.stream.understood()
        line = f"{understood_line(columns, words)}{self._continued}"
        LOG.info("%s: %s", self.stream.name, line, extra={"fields": fields})

    def _write(self, record: Record, report: Report, out: str) -> None:
        if self.lines is None:
            model = self.model
            classes = model.task == "classification"
            self.lines = Lines(
                self.options.format,
                model.targets,
                model.horizon,
                classes,
                several=self.several,
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
        """While the source is waited for: a checkpoint and the status, where they are due."""
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
            reasons=[*self.stream.reasons, *self.reasons],
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


def _remedy(error: BaseException) -> str:
    """What to do about text in a column of numbers."""
    if isinstance(error, ValueError) and "must be a number, got '" in str(error):
        return " (--missing WORD: a word for missing values; --text COL: a column of text)"
    return ""


def _model_in(found: Saved) -> Model:
    if not isinstance(found.model, Model):
        raise ValueError(f"the checkpoint {found.path} is one of symbols, got records")
    return found.model
