"""The options of ``lethe learn``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Literal, TypeAlias

from lethe.cli._support.log import LEVELS, Form, Level
from lethe.cli._support.writer import FORMATS
from lethe.core.updates import SGD, Adam, RMSprop, Update
from lethe.data.sources import Form as SourceForm

__all__ = ["CELLS", "FOR_RECORDS", "FOR_TEXTS", "LAYERS", "OWN_RULE", "UPDATES", "Bad",
           "LearnArguments", "ResumeFrom", "add_arguments", "add_log_arguments"]  # fmt: skip

Bad: TypeAlias = Literal["raise", "missing", "skip"]
ResumeFrom: TypeAlias = Literal["start", "end"]

#: Of the network for text.
LAYERS, CELLS = 3, 64

#: The update rules by name, each from a learning rate; and the rate that suits it.
UPDATES: dict[str, tuple[Callable[[float], Update], float]] = {
    "sgd": (lambda rate: SGD(rate), 0.5),
    "momentum": (lambda rate: SGD(rate, momentum=0.9), 0.05),
    "rmsprop": (lambda rate: RMSprop(rate, smoothing=0.9999, epsilon=3e-5), 0.002),
    "adam": (lambda rate: Adam(rate, first=0.5, second=0.9999, epsilon=3e-5), 0.005),
}

#: The update rule of a network that another program saved.
OWN_RULE = "own"

#: Options that only a table of records has, and those that only a text has.
FOR_RECORDS = ("target", "horizon", "classify", "detect", "cooldown", "time", "period", "holidays",
            "bad", "text", "missing", "form", "out", "format")  # fmt: skip
FOR_TEXTS = ("symbols", "update", "rate")


class LearnArguments(argparse.Namespace):
    """The arguments of ``lethe learn``."""

    sources: list[str]
    target: list[str] | None
    horizon: int | None
    classify: bool
    detect: bool
    cooldown: int | None
    time: str | None
    period: list[str] | None
    holidays: str | None
    bad: Bad | None
    text: list[str] | None
    missing: list[str] | None
    form: SourceForm | None
    out: str | None
    format: str | None
    symbols: bool
    update: str | None
    rate: float | None
    layers: int | None
    cells: int | None
    seed: int | None
    limit: int | None
    skip: int | None
    follow: bool
    checkpoint: str | None
    every: str | None
    resume: bool
    resume_from: ResumeFrom | None
    status: str | None
    log_format: Form
    log_level: Level
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Examples: lethe learn pump.csv --target flow --horizon 1\n"
        "          lethe learn pump.csv --detect --rate 1/5000\n"
        "          lethe learn pump.csv --detect --out anomalies.jsonl\n"
        "          lethe learn log.jsonl --target level --follow --checkpoint state --resume\n"
        "          lethe learn sine --detect           a bundled series\n"
        "          lethe learn --limit 100000          text that comes with every Python\n"
        "          gzip -dc log.gz | lethe learn - --cells 64"
    )
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="a table (.csv, .tsv, .jsonl, .ndjson, .json, .parquet, .pq), a text (any other "
        "file), a bundled series, or - for standard input; several, or a pattern such as "
        "'day*.csv', are read one after the other; without any, the text of pydoc_data.topics",
    )
    _add_record_arguments(parser.add_argument_group("tables of records"))
    _add_text_arguments(parser.add_argument_group("text"))
    parser.add_argument(
        "--layers", type=int, help=f"hidden layers ({LAYERS} for text, 1 for records)"
    )
    parser.add_argument(
        "--cells", type=int, help=f"memory cells in each layer ({CELLS} for text, 32 for records)"
    )
    parser.add_argument("--seed", type=int, help="of the initial weights (0)")
    parser.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help="stop after N events, including those before --resume",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    _add_service_arguments(parser.add_argument_group("long runs and live sources"))


def _add_text_arguments(text: argparse._ArgumentGroup) -> None:
    text.add_argument(
        "--symbols",
        action="store_true",
        help="the events are symbols, the source's 256 byte values, whatever the source looks like",
    )
    text.add_argument("--update", choices=UPDATES, help="the update rule (rmsprop)")
    rates = ", ".join(f"{name} {rate:g}" for name, (_, rate) in UPDATES.items())
    text.add_argument(
        "--rate",
        type=rate,
        help=f"the learning rate (by default {rates}); with --detect, that of alarms, see there",
    )


def rate(words: str) -> float:
    """A number, or a fraction such as 1/1000."""
    above, line, below = words.partition("/")
    try:
        return float(above) / float(below) if line else float(words)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(
            f"it must be a number or a fraction such as 1/1000, got {words!r:.60}"
        ) from None


def _add_service_arguments(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--skip", type=int, metavar="N", help="skip the first N events of SOURCE")
    parser.add_argument(
        "--follow",
        action="store_true",
        help="wait for more at the end, until Ctrl-C or SIGTERM; also when the file is rotated, "
        "truncated or recreated, or does not exist yet",
    )
    parser.add_argument(
        "--checkpoint", metavar="DIR", help="save the state in this folder, created if missing"
    )
    parser.add_argument(
        "--every",
        metavar="N|TIME",
        help="a checkpoint after N events, or after a time such as 30s, 5m, 1h (10,000 events or "
        "1m, whichever comes first)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue from the newest checkpoint; start if there is none",
    )
    parser.add_argument(
        "--resume-from",
        choices=("start", "end"),
        help="with --resume, where to begin in a SOURCE that is not the one that was read before: "
        "at its start, or at its end, with what comes from now on (by default this is an error)",
    )
    parser.add_argument(
        "--status",
        metavar="FILE",
        help="keep the health of the run in this file, as one JSON object",
    )
    add_log_arguments(parser)


def add_log_arguments(parser: argparse._ActionsContainer) -> None:
    """Declare how a command logs to standard error."""
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="of the lines on standard error (%(default)s)",
    )
    parser.add_argument(
        "--log-level",
        choices=LEVELS,
        default="info",
        help="the minimum level to log (%(default)s)",
    )


def _add_record_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--target",
        action="append",
        metavar="COL",
        help="the column to predict; several with commas or again (without it, every column of "
        "numbers, one event ahead)",
    )
    group.add_argument(
        "--horizon",
        type=int,
        metavar="N",
        help="predict the target of the next N events; 0, the default with --target: that of the "
        "event itself, from its other columns and all events before",
    )
    group.add_argument("--classify", action="store_true", help="the target is a class")
    _add_alarm_arguments(group)
    group.add_argument("--time", metavar="COL", help="the column with the time (the first there)")
    _add_reading_arguments(group)


def _add_alarm_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--detect",
        action="store_true",
        help="print each alarm when it begins and when it ends, and report anomalies; --rate is "
        "then how many alarms there may be in an event where nothing has changed, such as 0.001 "
        "or 1/1000 (the default); the horizon is 1 unless given",
    )
    group.add_argument(
        "--cooldown",
        type=int,
        metavar="N",
        help="with --detect: events after the end of an alarm before the next can begin (0)",
    )


def _add_reading_arguments(group: argparse._ArgumentGroup) -> None:
    period = "events after which a season repeats; two with a comma or again"
    group.add_argument("--period", action="append", metavar="N", help=period)
    holidays = "whose holidays the days of events may be, such as DE, or US-CA for a part of one"
    group.add_argument("--holidays", metavar="COUNTRY", help=holidays)
    group.add_argument(
        "--bad",
        choices=("raise", "missing", "skip"),
        help="what to do with values that cannot be used: end the run (raise), skip and count "
        "the event (skip), or treat infinite and absurd numbers as missing (missing)",
    )
    group.add_argument(
        "--text",
        action="append",
        metavar="COL",
        help="a column that is text, such as ids or versions, even where all of it looks like "
        "numbers; several with commas or again",
    )
    group.add_argument(
        "--missing",
        action="append",
        metavar="WORD",
        help="a word or number that stands for a missing value, besides NA, null, ? and others in "
        "columns of numbers; several with commas or again",
    )
    group.add_argument(
        "--form",
        choices=("csv", "jsonl", "parquet"),
        help="of SOURCE (by default from its suffix, or else its first character)",
    )
    group.add_argument(
        "--out", metavar="FILE", help="write a line for each event; - is standard output"
    )
    group.add_argument("--format", choices=FORMATS, help="of --out (jsonl)")
