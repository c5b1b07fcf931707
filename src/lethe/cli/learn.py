"""``lethe learn``: predict a stream, and learn from every event of it."""

from __future__ import annotations

from contextlib import ExitStack, closing

from lethe.cli._support.event_writer import not_to_write
from lethe.cli._support.learn_options import (
    FOR_RECORDS,
    FOR_TEXTS,
    UPDATES,
    LearnArguments,
    add_arguments,
)
from lethe.cli._support.log import LOG
from lethe.cli._support.records import expanded, is_table
from lethe.cli._support.records_run import learn_records
from lethe.cli._support.run_context import RunContext
from lethe.cli._support.run_metadata import MOST_SEED
from lethe.cli._support.sessions import CheckpointSession
from lethe.cli._support.signals import Signals, Stopped
from lethe.cli._support.status import Status
from lethe.cli._support.text_run import learn_text, text_topology
from lethe.model import Model

__all__ = ["UPDATES", "add_arguments", "run", "text_topology"]


def run(args: LearnArguments) -> int:
    """Learn a source, show how well it goes, and print the figures at the end.

    Parameters
    ----------
    args : LearnArguments
        As `add_arguments` declares.

    Returns
    -------
    int
        0; 1 where the network's numbers stopped being finite; 130, 143 or 129 after Ctrl-C,
        SIGTERM or SIGHUP. All print the figures of the events that were learned.

    Raises
    ------
    ValueError
        If the source cannot be read or is empty, or an argument is out of its range.
    """
    _check_numbers(args)
    records = [name for name in FOR_RECORDS if getattr(args, name) not in (None, False)]
    text = [name for name in FOR_TEXTS if getattr(args, name) not in (None, False)]
    if args.detect:  # then it is the rate of alarms
        text = [name for name in text if name != "rate"]
    elif args.cooldown is not None:
        raise ValueError("--cooldown needs --detect")
    if text and records:
        raise ValueError(f"--{records[0]} is for tables of records, --{text[0]} for text")
    if records and not args.sources:
        raise ValueError(f"--{records[0]} needs SOURCE, a table of records")
    sources = expanded(args.sources)
    session = CheckpointSession(args.checkpoint, args.every, args.resume)
    with Signals() as signals, session, ExitStack() as stack:
        others = not_to_write(args.status, sources, checkpoint=args.checkpoint)
        others["the file of --out"] = [args.out] if args.out else []
        status = stack.enter_context(closing(Status(args.status, others)))
        found = session.found
        if not records and not text and found is not None:
            table = isinstance(found.model, Model)
        else:
            table = bool(records) or (not text and any(map(is_table, sources)))
        learn = learn_records if table else learn_text
        try:
            return learn(RunContext(args, sources, session, signals, status))
        except Stopped as stop:  # before the first event
            LOG.info("%s", stop.reason)
            return stop.code
        except (ValueError, OSError) as error:
            status.fail(str(error))
            raise


def _check_numbers(args: LearnArguments) -> None:
    least = {"limit": 1, "seed": 0, "layers": 1, "cells": 1, "skip": 0}
    for option, bound in least.items():
        value = getattr(args, option)
        if value is not None and value < bound:
            raise ValueError(f"--{option} must be at least {bound}, got {value}")
    if args.seed is not None and args.seed > MOST_SEED:
        raise ValueError(f"--seed must be at most {MOST_SEED:,}, got {args.seed:,}")
    for option in ("out", "status"):
        if getattr(args, option) == "":
            raise ValueError(f"--{option} must name a file, got ''")
    if args.follow and not args.sources:
        raise ValueError("--follow needs SOURCE, a file or pipe that grows")
    if args.resume_from is not None and not args.resume:
        raise ValueError("--resume-from needs --resume")
    if args.resume_from is not None and args.skip is not None:
        raise ValueError("--resume-from and --skip cannot be combined")
