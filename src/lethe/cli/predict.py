"""``lethe predict``: predict a source with a trained model, without learning."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from lethe.cli._support.alarm_log import AlarmLog, alarms_text
from lethe.cli._support.alarm_teller import AlarmTeller
from lethe.cli._support.event_writer import (
    EventWriter,
    check_not_input,
    not_to_write,
    open_writer,
)
from lethe.cli._support.learn_options import add_log_arguments
from lethe.cli._support.log import LOG, Form, Level
from lethe.cli._support.printable import printable
from lethe.cli._support.records import closed, expanded, opened, where
from lethe.cli._support.records_options import kinds_known
from lethe.cli._support.run_metadata import RecordsMetadata
from lethe.cli._support.sessions import Saved, read_checkpoint
from lethe.cli._support.signals import Signals, Stopped
from lethe.cli._support.tables import progress, running_scores, scores_record, scores_text
from lethe.cli._support.texts import opened_text
from lethe.cli._support.writer import FORMATS, Lines
from lethe.core.network import Network
from lethe.data import RecordSource
from lethe.data.sources import Form as SourceForm
from lethe.evaluate.naive import ClassScores, NumberScores
from lethe.evaluate.prequential import EventScores, predict_events, predict_symbols
from lethe.model import Alarm, Model
from lethe.version import __version__

__all__ = ["add_arguments", "run"]

Scores = NumberScores | ClassScores | None


class Arguments(argparse.Namespace):
    """The arguments of the command."""

    model: str
    sources: list[str]
    form: SourceForm | None
    out: str | None
    format: str | None
    detect: bool
    limit: int | None
    skip: int | None
    follow: bool
    log_format: Form
    log_level: Level
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Examples: lethe predict state new.csv > predicted.jsonl\n"
        "          lethe predict state new.csv --out predicted.csv --format csv\n"
        "          lethe predict state new.csv --detect --out predicted.jsonl\n"
        "          lethe predict state/000000005000.safetensors - --form csv < new.csv\n"
        "          lethe predict text-state other.txt"
    )
    parser.add_argument(
        "model", metavar="MODEL", help="a checkpoint, or a folder of them: its newest valid one"
    )
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="a table with the model's columns (the target may be missing), a bundled series, or "
        "- for standard input; a text for a network of symbols; several are read one after the "
        "other",
    )
    parser.add_argument(
        "--form",
        choices=("csv", "jsonl", "parquet"),
        help="of SOURCE (by default from its suffix, or else its first character)",
    )
    parser.add_argument("--out", metavar="FILE", help="a line for each event (-, standard output)")
    parser.add_argument("--format", choices=FORMATS, help="of --out (jsonl)")
    parser.add_argument(
        "--detect", action="store_true", help="tell of each alarm when it begins and when it ends"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="stop after N events")
    parser.add_argument("--skip", type=int, metavar="N", help="skip the first N events of SOURCE")
    parser.add_argument(
        "--follow",
        action="store_true",
        help="wait for more at the end, until Ctrl-C or SIGTERM; also when the file is rotated, "
        "truncated or recreated, or does not exist yet",
    )
    add_log_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object with the scores")


def run(args: Arguments) -> int:
    """Predict each event of a source with a model that does not change.

    Parameters
    ----------
    args : Arguments
        As `add_arguments` declares.

    Returns
    -------
    int
        0, or 130, 143 or 129 after Ctrl-C, SIGTERM or SIGHUP.

    Raises
    ------
    ValueError
        If the model or the source cannot be read, or they do not fit each other.
    """
    for option, least in (("limit", 1), ("skip", 0)):
        value = getattr(args, option)
        if value is not None and value < least:
            raise ValueError(f"--{option} must be at least {least}, got {value}")
    if args.out == "":
        raise ValueError("--out must name a file, got ''")
    sources = expanded(args.sources)
    with Signals() as signals:
        saved = read_checkpoint(args.model)
        try:
            if isinstance(saved.model, Network):
                return _predict_text(args, sources, saved.model, signals)
            return _predict_records(args, sources, saved, saved.model, signals)
        except Stopped as stop:  # before the first event
            LOG.info("%s", stop.reason)
            return stop.code


def _predict_records(
    args: Arguments, sources: Sequence[str], saved: Saved, model: Model, signals: Signals
) -> int:
    _check_model(args, model)
    out = args.out or "-"
    inputs = not_to_write(args.out, sources, model=args.model)
    check_not_input(out, inputs)
    scores = EventScores(model, saved.run.time if isinstance(saved.run, RecordsMetadata) else None)
    lines = Lines(
        args.format or "jsonl",
        model.targets,
        model.horizon,
        model.task == "classification",
        several=len(sources) > 1,
        alarms=args.detect,
    )
    writer: EventWriter | None = None
    alarms = AlarmLog()
    logs = args.json or out == "-"
    teller = AlarmTeller(alarms, logs=logs, several=len(sources) > 1)
    started_at, code = model.events, 0
    with ExitStack() as stack:
        stream = _opened(args, sources, saved, model, signals)
        stack.callback(closed, stream)
        show = stack.enter_context(progress("events", args.limit, shown=args.log_format == "text"))
        try:
            for record, report in predict_events(
                model,
                signals.between(iter(stream)),
                name=lambda: where(stream),
                scores=scores,
                limit=None if args.limit is None else started_at + args.limit,
                learn=False,
            ):
                line = lines.line(record.number, record.event, report, stream.source)
                if writer is None:
                    beginning = lines.header() + line
                    writer = open_writer(out, beginning, in_place=args.follow, inputs=inputs)
                else:
                    writer.write(line)
                if args.detect:
                    teller.tell(report, stream, record, scores.time)
                show(model.events - started_at, lambda: running_scores(scores.scores))
        except Stopped as stop:
            code = stop.code
            LOG.info("%s", stop.reason)
        except BaseException:
            if writer is not None:
                writer.close(False)
            raise
        if writer is not None:
            writer.close(True)
    told = (alarms, model.alarms) if args.detect else None
    events = model.events - started_at
    _say_what(args, f"{saved.path}", events, stream.name, stream.skipped, scores.scores, told)
    return code


def _opened(
    args: Arguments, sources: Sequence[str], saved: Saved, model: Model, signals: Signals
) -> RecordSource:
    """The source, whose columns are read as they were learned."""
    options = saved.run.options if isinstance(saved.run, RecordsMetadata) else None
    text, numbers = kinds_known(model, options)
    return opened(
        sources,
        form=args.form,
        skip=args.skip,
        follow=args.follow,
        bad=model.parameters.bad,
        text=text,
        numbers=numbers,
        missing=[] if options is None else options.missing,
        signals=signals,
    )


def _say_what(
    args: Arguments,
    path: str,
    events: int,
    source: str,
    unreadable: int,
    scores: Scores,
    told: tuple[AlarmLog, list[Alarm]] | None,
) -> None:
    """What was predicted, in a few lines or as JSON; where records go to stdout, on stderr."""
    out = args.out or "-"
    file = sys.stderr if out == "-" else sys.stdout
    if args.json:
        record_of: dict[str, object] = {
            "source": source,
            "model": path,
            "events": events,
            "unreadable": unreadable,
            **scores_record(scores),
            "out": out,
            "version": __version__,
        }
        if told is not None:
            record_of["alarm_kinds"] = told[0].counts(told[1])
            record_of["alarms"] = told[0].objects(told[1])
        print(json.dumps(record_of), file=file)
        return
    print(f"{events:,} events of {printable(source)}, nothing learned", file=file)
    if scores is not None:
        print(scores_text(scores), file=file)
    if told is not None:
        print(alarms_text(*told), file=file)


def _check_model(args: Arguments, model: Model) -> None:
    if model.task == "symbols":
        raise ValueError(f"MODEL must predict columns of records or be a network, got {args.model}")
    if not model.events:
        raise ValueError(f"MODEL must have learned from an event, got none in {args.model}")
    if args.detect and not model.parameters.detect:
        raise ValueError(f"--detect needs a MODEL that scores events, got {args.model}")


def _predict_text(args: Arguments, sources: Sequence[str], net: Network, signals: Signals) -> int:
    """Bits per symbol of a text."""
    for option in ("form", "out", "format", "detect"):
        if getattr(args, option) not in (None, False):
            raise ValueError(f"--{option} is for records, got a network of symbols as MODEL")
    if net.topology.outputs != 256 or net.topology.inputs != 256:
        raise ValueError(
            "MODEL must predict the 256 byte values, got a network of "
            f"{net.topology.inputs} inputs and {net.topology.outputs} outputs"
        )
    score, code = None, 0
    stream = opened_text(sources, skip=args.skip, follow=args.follow, signals=signals)
    shown = args.log_format == "text"
    with ExitStack() as stack, progress("symbols", args.limit, shown=shown) as show:
        stack.callback(closed, stream)
        try:
            for score in predict_symbols(
                net, signals.patient(stream), limit=args.limit, learn=False
            ):
                words = f"{score.bits_per_symbol:.3f} bits/symbol"
                show(score.symbols, lambda words=words: words)  # type: ignore[misc]
        except Stopped as stop:
            code = stop.code
            LOG.info("%s", stop.reason)
    name = printable(stream.name)
    if score is None:
        if code:
            return code
        raise ValueError(f"SOURCE must hold at least one byte, got none from {name}")
    record = {
        "source": stream.name,
        "model": args.model,
        "symbols": score.symbols,
        "bits_per_symbol": score.bits_per_symbol,
        "version": __version__,
    }
    if args.json:
        print(json.dumps(record))
    else:
        print(f"{score.symbols:,} symbols of {name}, nothing learned")
        print(f"bits per symbol  {score.bits_per_symbol:.3f}")
    return code
