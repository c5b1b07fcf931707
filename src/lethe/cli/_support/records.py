"""``lethe learn`` on a table of records: predict each event, learn, and report anomalies."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePath

from lethe.cli._support.anomaly_log import SCORES, Anomaly, AnomalyLog
from lethe.cli._support.event_writer import (
    EventWriter,
    OutputState,
    check_not_input,
    not_to_write,
    open_writer,
)
from lethe.cli._support.interrupts import Interrupts
from lethe.cli._support.learn_options import Bad, LearnArguments
from lethe.cli._support.printable import printable
from lethe.cli._support.records_options import given_options, resolved
from lethe.cli._support.run_metadata import RecordsMetadata, RecordsOptions
from lethe.cli._support.sessions import CheckpointSession, Saved, agreed
from lethe.cli._support.tables import (
    Show,
    progress,
    running_scores,
    scores_record,
    scores_text,
)
from lethe.cli._support.writer import Lines
from lethe.core.network import instruction_set
from lethe.data import BUNDLED, Record, RecordSource, RecordStream, open_records
from lethe.data.records import FORMS
from lethe.data.sources import PARQUET_SUFFIXES, Form
from lethe.evaluate.prequential import EventScores, predict_events
from lethe.model import Model, Report
from lethe.version import __version__

__all__ = ["RecordsRun", "is_table", "learn_records", "opened", "where"]


def is_table(source: str | None) -> bool:
    """Whether a source is a table by its suffix, or a bundled series."""
    if source is None or source == "-":
        return False
    suffix = PurePath(source).suffix.lower()
    return (
        suffix in FORMS
        or suffix in PARQUET_SUFFIXES
        or (source in BUNDLED and not os.path.exists(source))
    )


def opened(
    source: str,
    *,
    form: Form | None,
    skip: int | None,
    follow: bool,
    bad: Bad,
    position: Mapping[str, object] | None = None,
) -> RecordSource:
    """The records of SOURCE; ``-`` is standard input."""
    if source == "-" and sys.stdin is None:
        raise ValueError("SOURCE - needs standard input, which is closed")
    return open_records(
        sys.stdin.buffer if source == "-" else source,
        form=form,
        position=position,
        skip=skip,
        follow=follow,
        bad="skip" if bad == "skip" else "raise",
    )


def where(stream: RecordSource) -> str:
    """What an event's number counts, with the source's name."""
    return f"{stream.name} {'line' if isinstance(stream, RecordStream) else 'row'}"


def with_columns(
    stream: RecordSource, wanted: Mapping[str, Sequence[str | None]]
) -> Iterator[Record]:
    """Yield the records, if the first has the columns that options name; None is no column.

    Raises
    ------
    ValueError
        If it lacks one.
    """
    for n, record in enumerate(stream):
        for option, names in wanted.items() if not n else ():
            for name in names:
                if name is not None and name not in record.event:
                    columns = ", ".join(list(record.event)[:20])
                    raise ValueError(
                        f"{where(stream)} {record.number}: --{option} must be one of its columns "
                        f"({columns}), got {name!r}"
                    )
        yield record


def learn_records(args: LearnArguments, session: CheckpointSession) -> int:
    """Learn a table of records as the arguments of `lethe learn` say.

    Parameters
    ----------
    args : LearnArguments
        As `lethe.cli.learn.add_arguments` declares.
    session : CheckpointSession
        Entered: what to continue from, and where to save.

    Returns
    -------
    int
        The exit code: 0, or 130 after Ctrl-C.
    """
    with ExitStack() as stack:
        run = RecordsRun(args, session)
        stack.callback(run.stream.close)
        return run.go(stack)


class RecordsRun:
    """One run of `lethe learn` on a table of records, from the arguments of `learn_records`."""

    def __init__(self, args: LearnArguments, session: CheckpointSession) -> None:
        self.args = args
        self.session = session
        found = session.found
        if args.source is None:
            raise ValueError("SOURCE must be given to resume a run on records, got none")
        given = given_options(args)
        position, self.unreadable = None, 0
        if found is None:
            self.options = resolved(given)
            self.model = _model(self.options)
            self.scores = EventScores(self.model, self.options.time)
            self.anomalies = AnomalyLog()
            output = None
        else:
            run, self.model = _run_of(found)
            agreed(vars(run.options), {**given, "out": None}, found.path)
            self.options = with_output(run.options, args.out, found.path)
            self.scores = EventScores(self.model, run.time)
            self.scores.scores = run.scores
            self.anomalies = run.anomalies
            position, output = run.position, run.output
            if args.skip is not None:
                self.unreadable = run.unreadable
        self._inputs = not_to_write(args.out, [args.source], checkpoint=args.checkpoint)
        if args.out is not None:
            check_not_input(args.out, self._inputs)
        self.stream = opened(
            args.source,
            form=args.form,
            skip=args.skip,
            follow=args.follow,
            bad=self.options.bad,
            position=position,
        )
        self.writer: EventWriter | None = None
        self.lines: Lines | None = None
        self.last: Record | None = None
        self.started_at = self.model.events
        self._output = output

    def go(self, stack: ExitStack) -> int:
        """Learn to the end, and print the results."""
        began = time.perf_counter()
        interrupts = stack.enter_context(Interrupts())
        if self._output is not None:
            self.writer = self._opened_writer(b"", self._output)
        code = 0
        try:
            with progress("events", self.args.limit) as show:
                self._learn(interrupts, show)
        except KeyboardInterrupt:
            code = 130
        except BaseException:
            if self.writer is not None:
                self.writer.close(False)
            raise
        seconds = time.perf_counter() - began - interrupts.waited
        kept = self._save_the_end(interrupts, code)
        if self.writer is not None:
            self.writer.close(not code or interrupts.between_events)
        if code:
            advice = f"; {kept} holds the state so far, --resume continues it" if kept else ""
            print(f"lethe learn: interrupted{advice}", file=sys.stderr)
        self._print(seconds, kept)
        return code

    def _learn(self, interrupts: Interrupts, show: Show) -> None:
        model, session, name = self.model, self.session, where(self.stream)
        wanted: dict[str, Sequence[str | None]] = {
            "target": self.options.target,
            "time": [self.options.time],
        }
        stream = interrupts.between(with_columns(self.stream, wanted))
        detects = self.options.detect
        for record, report in predict_events(
            model, stream, name=name, scores=self.scores, limit=self.args.limit
        ):
            self.last = record
            if self.options.out is not None:
                self._write(record, report, self.options.out)
            if detects and report.anomaly >= SCORES[0]:
                anomaly = Anomaly(report.anomaly, record.number, report.explanation)
                self.anomalies.add(anomaly, model.events)
            if session.due(model.events):
                self._save()
            show(model.events, lambda: running_scores(self.scores.scores))

    def _write(self, record: Record, report: Report, out: str) -> None:
        if self.lines is None:
            model = self.model
            classes = model.task == "classification"
            self.lines = Lines(self.options.format, model.targets, model.horizon, classes)
        line = self.lines.line(record.number, record.event, report)
        if self.writer is None:
            self.writer = self._opened_writer(self.lines.header() + line, None)
        else:
            self.writer.write(line)

    def _opened_writer(self, beginning: bytes, to: OutputState | None) -> EventWriter:
        return open_writer(
            self.options.out or "-",
            beginning,
            in_place=bool(self.session) or self.args.follow,
            ours=self.args.resume,
            to=to,
            inputs=self._inputs,
        )

    def _save(self) -> str:
        run = RecordsMetadata(
            events=self.model.events,
            options=self.options,
            position=self.stream.position,
            output=None if self.writer is None else self.writer.synced(),
            time=self.scores.time,
            scores=self.scores.scores,
            anomalies=self.anomalies,
            unreadable=self.unreadable + self.stream.skipped,
        )
        return str(self.session.save(self.model, run))

    def _save_the_end(self, interrupts: Interrupts, code: int) -> str | None:
        """Save the last checkpoint, unless an interrupt has come between an event and its end."""
        if not self.session:
            return None
        offset = self.stream.position.get("offset")
        sure = not code or (interrupts.between_events and self.last and self.last.offset == offset)
        if sure and self.model.events > self.started_at:
            return self._save()
        found = self.session.found
        return str(found.path) if found and self.model.events == self.started_at else None

    def _print(self, seconds: float, kept: str | None) -> None:
        events = self.model.events - self.started_at
        file = sys.stderr if self.options.out == "-" else sys.stdout
        microseconds = 1e6 * seconds / events if events else None
        if self.args.json:
            print(json.dumps(self._record(microseconds, kept)), file=file)
            return
        print(self._heading(), file=file)
        if self.scores.scores is not None:
            print(scores_text(self.scores.scores), file=file)
        if self.options.detect:
            print(_anomalies_text(self.anomalies, self.model.events), file=file)
        if microseconds is not None:
            print(f"microseconds per event  {microseconds:.1f}", file=file)
        if kept is not None:
            print(f"checkpoint              {kept}", file=file)

    def _record(self, microseconds: float | None, kept: str | None) -> dict[str, object]:
        model, options = self.model, self.options
        record: dict[str, object] = {
            "source": self.stream.name,
            "events": model.events,
            "skipped": model.skipped,
            "unreadable": self.unreadable + self.stream.skipped,
            "task": model.task,
            "target": options.target,
            "time": options.time,
            "period": options.period,
            "bad": options.bad,
            "seed": options.seed,
            "targets": list(model.targets),
            "horizon": model.horizon,
            "cells": options.cells,
            "layers": options.layers,
            **scores_record(self.scores.scores),
            "microseconds_per_event": microseconds,
            "out": options.out,
            "checkpoint": kept,
            "version": __version__,
            "instruction_set": instruction_set(),
        }
        if options.detect:
            record["most_anomalous"] = [
                {"line": one.line, "anomaly": one.score, "explanation": one.explanation}
                for one in self.anomalies.most_anomalous()
            ]
            record["anomalous"] = dict(zip(map(str, SCORES), self.anomalies.counts, strict=True))
        return record

    def _heading(self) -> str:
        unreadable = self.unreadable + self.stream.skipped
        left = [(self.model.skipped, "events skipped"), (unreadable, "unreadable lines skipped")]
        words = "".join(f", {count:,} {what}" for count, what in left if count)
        return f"{self.model.events:,} events of {printable(self.stream.name)}{words}"


def with_output(options: RecordsOptions, out: str | None, path: Path) -> RecordsOptions:
    """Return a checkpoint's options with the output that is given now.

    What a checkpoint says is never opened for writing: it may come from someone else.

    Raises
    ------
    ValueError
        If the run writes an output and none is given, or the other way round.
    """
    if options.out is not None and out is None:
        raise ValueError(
            f"--out must be given again to continue the run in {path}, which wrote "
            f"{printable(options.out)}, got none"
        )
    if options.out is None and out is not None:
        raise ValueError(f"--out must be left out as in the checkpoint {path}, got {out}")
    return dataclasses.replace(options, out=out)


def _run_of(found: Saved) -> tuple[RecordsMetadata, Model]:
    """The run on records that a checkpoint holds, and its model."""
    if isinstance(found.run, RecordsMetadata) and isinstance(found.model, Model):
        return found.run, found.model
    raise ValueError(f"the checkpoint {found.path} is one of symbols, got records")


def _anomalies_text(log: AnomalyLog, events: int) -> str:
    lines = [
        f"{count:,} events with an anomaly score of {score} or more "
        f"(about {events * (1 - score):,.0f} are expected where nothing is anomalous)"
        for score, count in zip(SCORES, log.counts, strict=True)
    ]
    lines += [
        f"  line {one.line}: {one.score:.6f}  {printable(one.explanation)}"
        for one in log.most_anomalous()
    ]
    return "\n".join(lines)


def _model(options: RecordsOptions) -> Model:
    try:
        return Model(
            options.target or None,
            task="classification" if options.classify else "regression",
            horizon=options.horizon,
            time=options.time,
            period=options.period,
            cells=options.cells,
            layers=options.layers,
            bad=options.bad,
            seed=options.seed,
        )
    except ValueError as error:
        raise ValueError(f"--{error}") from None
