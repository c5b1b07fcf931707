"""``lethe learn`` on a table of records: predict each event, learn, and notice what is odd."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import PurePath
from typing import Any

from lethe.cli._support.interrupts import Interrupts
from lethe.cli._support.sessions import Keeper, Saved, agreed
from lethe.cli._support.tables import Show, on_the_way, progress, scores_record, scores_text
from lethe.cli._support.writer import EventWriter, Lines, open_writer
from lethe.core.network import instruction_set
from lethe.data import BUNDLED, Record, RecordSource, RecordStream, open_records
from lethe.data.records import FORMS
from lethe.data.sources import PARQUET_SUFFIXES
from lethe.evaluate.naive import ClassScores, NumberScores
from lethe.evaluate.prequential import EventScores, predict_events
from lethe.model import Model, Report
from lethe.storage.file import CheckpointError
from lethe.version import __version__

__all__ = ["RecordsRun", "is_table", "learn_records", "opened", "where"]

ODDEST = 10  # that --detect names
ODD = (0.99, 0.999)  # scores from which events are counted
SPELL = 20  # odd events that are no further apart are one spell, named by its oddest


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
    source: str, args: argparse.Namespace, bad: str, position: dict[str, Any] | None
) -> RecordSource:
    """The records of SOURCE; ``-`` is standard input."""
    if source == "-" and sys.stdin is None:
        raise ValueError("SOURCE - needs standard input, which is closed")
    return open_records(
        sys.stdin.buffer if source == "-" else source,
        form=args.form,
        position=position,
        skip=args.skip,
        follow=args.follow,
        bad="skip" if bad == "skip" else "raise",
    )


def where(stream: RecordSource) -> str:
    """What an event's number counts, with the source's name."""
    return f"{stream.name} {'line' if isinstance(stream, RecordStream) else 'row'}"


def with_columns(stream: RecordSource, wanted: dict[str, Any]) -> Iterator[Record]:
    """The records, if the first has the columns that options name; None is no column.

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


def learn_records(args: argparse.Namespace, keeper: Keeper) -> int:
    """Learn a table of records as the arguments of `lethe learn` say.

    Parameters
    ----------
    args : argparse.Namespace
        As `lethe.cli.learn.add_arguments` declares.
    keeper : Keeper
        Entered; what it goes on from, and where it is kept.

    Returns
    -------
    int
        The exit code: 0, or 130 after Ctrl-C.
    """
    with ExitStack() as stack:
        run = RecordsRun(args, keeper)
        stack.callback(run.stream.close)
        return run.go(stack)


class RecordsRun:
    """One run of `lethe learn` on a table of records, from the arguments of `learn_records`."""

    def __init__(self, args: argparse.Namespace, keeper: Keeper) -> None:
        self.args = args
        self.keeper = keeper
        found = keeper.found
        given = _given(args)
        position, self.unreadable = None, 0
        if found is None:
            self.options = _resolved(given)
            self.model = _model(self.options)
            self.scores = EventScores(self.model, self.options["time"])
            self.odd: dict[str, Any] = {"spells": [], "now": [], "counts": [0] * len(ODD)}
        else:
            if found.story.get("mode") != "records" or not isinstance(found.what, Model):
                raise ValueError(f"the checkpoint {found.path} is one of symbols, got records")
            self.options = agreed(found.story["options"], given, found.path)
            self.model = found.what
            self.scores, self.odd, unreadable = _found_scores(found, self.model)
            position = found.story["position"]
            if args.skip is not None:
                self.unreadable = unreadable
        self.stream = opened(args.source, args, self.options["bad"], position)
        self.writer: EventWriter | None = None
        self.lines: Lines | None = None
        self.last: Record | None = None
        self.begun_with = self.model.events

    def go(self, stack: ExitStack) -> int:
        """Learn to the end, and say how it went."""
        began = time.perf_counter()
        interrupts = stack.enter_context(Interrupts())
        if self.keeper.found and self.keeper.found.story["output"]:
            self.writer = self._opened_writer(b"", self.keeper.found.story["output"])
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
        kept = self._keep_the_end(interrupts, code)
        if self.writer is not None:
            self.writer.close(not code or interrupts.between_events)
        if code:
            advice = f"; {kept} holds the life so far, --resume goes on with it" if kept else ""
            print(f"lethe learn: interrupted{advice}", file=sys.stderr)
        self._print(seconds, kept)
        return code

    def _learn(self, interrupts: Interrupts, show: Show) -> None:
        model, keeper, name = self.model, self.keeper, where(self.stream)
        wanted = {"target": self.options["target"], "time": [self.options["time"]]}
        stream = interrupts.between(with_columns(self.stream, wanted))
        detects = self.options["detect"]
        for record, report in predict_events(
            model, stream, name=name, scores=self.scores, limit=self.args.limit
        ):
            self.last = record
            if self.options["out"] is not None:
                self._write(record, report)
            if detects and report.anomaly >= ODD[0]:
                self._note(record, report)
            if keeper.due(model.events):
                self._save()
            show(model.events, lambda: on_the_way(self.scores.scores))

    def _write(self, record: Record, report: Report) -> None:
        if self.lines is None:
            model = self.model
            classes = model.task == "classification"
            self.lines = Lines(self.options["format"], model.targets, model.horizon, classes)
        line = self.lines.line(record.number, record.event, report)
        if self.writer is None:
            self.writer = self._opened_writer(self.lines.header() + line, None)
        else:
            self.writer.write(line)

    def _opened_writer(self, beginning: bytes, to: dict[str, Any] | None) -> EventWriter:
        return open_writer(
            self.options["out"],
            beginning,
            in_place=bool(self.keeper) or self.args.follow,
            ours=self.args.resume,
            to=to,
        )

    def _note(self, record: Record, report: Report) -> None:
        odd = self.odd
        odd["counts"] = [
            count + (report.anomaly >= score)
            for count, score in zip(odd["counts"], ODD, strict=True)
        ]
        now, events = odd["now"], self.model.events
        entry = [-report.anomaly, record.number, report.explanation]
        if now and events - now[1] <= SPELL:
            odd["now"] = [min(now[0], entry), events]
            return
        odd["spells"] = self._oddest()
        odd["now"] = [entry, events]

    def _oddest(self) -> list[list[Any]]:
        """The oddest event of each of the oddest spells."""
        now = self.odd["now"]
        return sorted([*self.odd["spells"], *now[:1]])[:ODDEST]

    def _save(self) -> str:
        output = None if self.writer is None else self.writer.synced()
        unreadable = self.unreadable + self.stream.skipped
        story = {
            "mode": "records",
            "events": self.model.events,
            "options": self.options,
            "position": self.stream.position,
            "output": output,
        }
        scores = {
            "time": self.scores.time,
            "scores": self.scores.scores,
            "odd": self.odd,
            "unreadable": unreadable,
        }
        return str(self.keeper.save(self.model, story, scores))

    def _keep_the_end(self, interrupts: Interrupts, code: int) -> str | None:
        """The last checkpoint, unless an interrupt has come between an event and its place."""
        if not self.keeper:
            return None
        place = self.stream.position.get("offset")
        sure = not code or (interrupts.between_events and self.last and self.last.offset == place)
        if sure and self.model.events > self.begun_with:
            return self._save()
        held = self.keeper.found.path if self.keeper.found else None
        return str(held) if held and self.model.events == self.begun_with else None

    def _print(self, seconds: float, kept: str | None) -> None:
        model, events = self.model, self.model.events - self.begun_with
        unreadable = self.unreadable + self.stream.skipped
        file = sys.stderr if self.options["out"] == "-" else sys.stdout
        scores = self.scores.scores
        oddest = [
            {"line": number, "anomaly": -score, "why": why} for score, number, why in self._oddest()
        ]
        if self.args.json:
            record: dict[str, Any] = {
                "source": self.stream.name,
                "events": model.events,
                "skipped": model.skipped,
                "unreadable": unreadable,
                "task": model.task,
                **{key: self.options[key] for key in ("target", "time", "period", "bad", "seed")},
                "targets": list(model.targets),
                "horizon": model.horizon,
                "cells": model.cells,
                "layers": model.layers,
                **scores_record(scores),
                "microseconds_per_event": 1e6 * seconds / events if events else None,
                "out": self.options["out"],
                "checkpoint": kept,
                "version": __version__,
                "instruction_set": instruction_set(),
            }
            if self.options["detect"]:
                record["oddest"] = oddest
                record["odd"] = dict(zip(map(str, ODD), self.odd["counts"], strict=True))
            print(json.dumps(record), file=file)
            return
        print(_heading(self, unreadable), file=file)
        if scores is not None:
            print(scores_text(scores), file=file)
        if self.options["detect"]:
            print(_odd_text(self.odd["counts"], oddest, model.events), file=file)
        if events:
            print(f"microseconds per event  {1e6 * seconds / events:.1f}", file=file)
        if kept is not None:
            print(f"checkpoint              {kept}", file=file)


def _found_scores(found: Saved, model: Model) -> tuple[EventScores, dict[str, Any], int]:
    """What a checkpoint holds beside the model, as `RecordsRun` saves it."""
    match found.scores:
        case {"time": time, "scores": kept, "odd": dict(odd), "unreadable": int(unreadable)} if (
            isinstance(kept, NumberScores | ClassScores | None)
        ):
            scores = EventScores(model, time)
            scores.scores = kept
            return scores, odd, unreadable
    raise CheckpointError(f"the checkpoint {found.path} must hold the scores of a life")


def _heading(run: RecordsRun, unreadable: int) -> str:
    model = run.model
    left = [(model.skipped, "events skipped"), (unreadable, "unreadable lines skipped")]
    words = "".join(f", {count:,} {what}" for count, what in left if count)
    return f"{model.events:,} events of {run.stream.name}{words}"


def _odd_text(counts: list[int], oddest: list[dict[str, Any]], events: int) -> str:
    lines = [
        f"{count:,} events with an anomaly score of {score} or more "
        f"(about {events * (1 - score):,.0f} where nothing is odd)"
        for score, count in zip(ODD, counts, strict=True)
    ]
    lines += [f"  line {odd['line']}: {odd['anomaly']:.6f}  {odd['why']}" for odd in oddest]
    return "\n".join(lines)


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """What was asked for and is fixed for a life; None is not given."""
    targets = [name for names in args.target or () for name in names.split(",")]
    if "" in targets:
        raise ValueError(f"--target must be names of columns, got {','.join(args.target)!r}")
    return {
        "target": targets or None,
        "classify": args.classify or None,
        "detect": args.detect or None,
        "horizon": args.horizon,
        "time": args.time,
        "period": args.period,
        "cells": args.cells,
        "layers": args.layers,
        "seed": args.seed,
        "bad": args.bad,
        "out": args.out,
        "format": args.format,
    }


def _resolved(given: dict[str, Any]) -> dict[str, Any]:
    """Every option, with the default for each that was not given."""
    options = {name: value for name, value in given.items() if value is not None}
    if options.get("classify") and len(options.get("target", ())) != 1:
        raise ValueError(
            "--classify needs one --target, the column of the class, "
            f"got {len(options.get('target', ()))}"
        )
    if options.get("format") and "out" not in options:
        raise ValueError("--format needs --out, the file that it is of")
    if options.get("detect") or not options.get("target"):
        options.setdefault("horizon", 1)
    defaults = {
        "target": [], "classify": False, "detect": False, "horizon": 0, "time": None,
        "period": None, "cells": 32, "layers": 1, "seed": 0, "bad": "raise", "out": None,
        "format": "jsonl",
    }  # fmt: skip
    return defaults | options


def _model(options: dict[str, Any]) -> Model:
    try:
        return Model(
            options["target"] or None,
            task="classification" if options["classify"] else "regression",
            horizon=options["horizon"],
            time=options["time"],
            period=options["period"],
            cells=options["cells"],
            layers=options["layers"],
            bad=options["bad"],
            seed=options["seed"],
        )
    except ValueError as error:
        raise ValueError(f"--{error}") from None
