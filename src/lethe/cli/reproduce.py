"""``lethe reproduce``: repeat an experiment of the papers."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lethe.cli._support.asked_trials import AskedTrials, asked_trials
from lethe.cli._support.folders import folder
from lethe.cli._support.log import LOG
from lethe.cli._support.signals import Signals, Stopped
from lethe.cli._support.trials_progress import trials_progress
from lethe.cli._support.trials_told import duration, say_what, spent
from lethe.experiments import EXTRAS, TABLES
from lethe.storage.output import output_errors, write_file

if TYPE_CHECKING:
    from lethe.experiments import Plan, Task
    from lethe.experiments.records import Record
    from lethe.experiments.table import Table

EXAMPLES = """\
examples:
  lethe reproduce cerg                          the claim, shortened to about a minute
  lethe reproduce cerg --full --resume          all of Table 2, or what is missing of it
  lethe reproduce cerg --row forget_gates --seed 17 --trials 1 --json
                                                one trial of Table 2 again, to the same numbers
  lethe reproduce all --full --scheduler tcp://10.0.0.1:8786
                                                every table, on a Dask cluster

Results files hold one JSON object per finished trial. Interrupted (Ctrl-C) or killed, all finished
trials are kept, and --resume continues from there.

A seed gives the same numbers with the same instruction set, which each trial's record names and
LETHE_INSTRUCTION_SET chooses; with another, sums are rounded in another way.
"""

#: So many trials are run at once: more do not fit into a results file.
MOST_TRIALS = 100_000
#: The largest seed of a first trial, after which the others' still have 64 bits.
MOST_SEED = 2**63 - 1 - MOST_TRIALS
#: So many rows are named where there is none of a name, and so much of it is repeated.
_MOST_ROWS, _MOST_SHOWN = 12, 40


class Arguments(argparse.Namespace):
    """The arguments of the command."""

    experiment: str
    full: bool
    row: list[str] | None
    trials: int | None
    seed: int | None
    jobs: int | None
    scheduler: str | None
    out: Path | None
    resume: bool
    again: bool
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.epilog = EXAMPLES
    tables = "; ".join(f"{name}: {line}" for name, line in TABLES.items()).replace("%", "%%")
    parser.add_argument(
        "experiment",
        metavar="EXPERIMENT",
        choices=(*TABLES, "all"),
        help=f"{tables}; all: one after the other",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="the whole table, all its trials, with the paper's limits (takes hours)",
    )
    parser.add_argument(
        "--row",
        metavar="R",
        action="append",
        help="only this row, with the paper's limits (may be given several times)",
    )
    parser.add_argument(
        "--trials",
        metavar="N",
        type=_integer(1, MOST_TRIALS),
        help="trials of each row (default: all with --full, else as many as take a minute)",
    )
    parser.add_argument(
        "--seed",
        metavar="S",
        type=_integer(0, MOST_SEED),
        help="seed of the first trial; the others follow in order (default: the table's, mostly 0)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs", metavar="J", type=_integer(1), help="processes (default: one for each core)"
    )
    where.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="run the trials on the workers of this Dask scheduler, such as tcp://10.0.0.1:8786",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=folder,
        help="folder for the results (default: results with --full, else nothing is written)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="leave out the trials that the results file holds"
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="with --resume: run those again whose lines there have another configuration",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per trial and no table"
    )


def _integer(least: int, most: int = 2**31 - 1) -> Callable[[str], int]:
    """A type of argument: a whole number from `least` to `most`."""

    def number(text: str) -> int:
        # Python reads no number of thousands of digits, and none here has more than 19.
        digits = text.lstrip("0") or "0"
        is_one = text.isascii() and text.isdecimal() and len(digits) < 20
        if not is_one or not least <= int(digits) <= most:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {least} to {most}, got {_shown(text)}"
            )
        return int(digits)

    return number


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]!r}..."


def run(args: Arguments) -> int:
    """Run the requested trials, and compare.

    Parameters
    ----------
    args : Arguments
        As `add_arguments` declares.

    Returns
    -------
    int
        0; 1 where workers were killed again and again; 128 and its number after a signal.

    Raises
    ------
    ValueError
        If an argument is out of its range, the results file cannot be read or written, or the
        cluster cannot be used.
    """
    if args.experiment == "all" and args.row:
        raise ValueError("--row is for one experiment, whose rows they are, and not for all")
    names = _names(args)
    # Errors in any of them are raised before the first trial.
    asked = [_ask(args, name) for name in names]
    _say_if_alone(args, asked)
    with Signals() as signals:
        for number, one in enumerate(asked):
            if number and not args.json:
                print()
            if code := _run_or_stop(args, one, signals):
                return code
    return 0


def _run_or_stop(args: Arguments, asked: AskedTrials, signals: Signals) -> int:
    """Run a table; where it ends before its end, say what is kept. The exit code."""
    from lethe.trials.workers import WorkerError

    try:
        with signals.at_once():
            _run_table(args, asked)
    except KeyboardInterrupt as interrupt:
        stop = interrupt if isinstance(interrupt, Stopped) else Stopped(signal.SIGINT)
        _write_page(args, asked)
        LOG.error("%s; %s", stop.reason, asked.what_is_kept())
        return stop.code
    except WorkerError as error:
        at = ", ".join(f"{task.row} seed {task.seed}" for task in error.tasks)
        what = f"{error} ({at})" if at else f"{error}"
        LOG.error("%s; %s", what, asked.what_is_kept())
        return 1
    return 0


def _names(args: Arguments) -> list[str]:
    """The requested tables; with `all`, those that can be run here."""
    from lethe.experiments import missing

    if args.experiment != "all":
        if lacks := missing(args.experiment):
            raise ValueError(lacks)
        return [args.experiment]
    for name in TABLES:
        if lacks := missing(name):
            print(f"lethe reproduce: left out: {lacks}", file=sys.stderr)
    return [name for name in TABLES if not missing(name)]


def _ask(args: Arguments, name: str) -> AskedTrials:
    """What is to be run of a table, and what its results file holds of it."""
    from lethe import experiments

    table = experiments.table_module(name)
    plan = _plan(args, table)
    path: Path | None = (args.out or Path("results")) / f"{name}.jsonl"
    if args.out is None and not args.full:
        path = None
    if args.resume and path is None:
        raise ValueError("--resume needs --out or --full: it reads the results file")
    if args.again and not args.resume:
        raise ValueError("--again needs --resume: it says which trials that does not leave out")
    asked = asked_trials(name, table, plan, plan.tasks(name, table.ROWS, args.seed), path)
    if asked.done and not args.resume:
        raise ValueError(
            f"{path} holds {len(asked.done)} of these trials already: "
            "continue with --resume, or choose another --out"
        )
    if args.resume and not args.again and (changed := asked.what_has_changed()):
        raise ValueError(
            f"{path} holds {changed}: --resume --again runs them again and leaves these lines in "
            "the file, where they do not count; or choose another --out"
        )
    for said in [*asked.what_is_not_counted(), *asked.what_is_rounded()]:
        print(f"lethe reproduce: {said}", file=sys.stderr)
    return asked


def _plan(args: Arguments, table: Table) -> Plan:
    """What is run: the short form, unless the whole table or single rows are asked for."""
    for row in args.row or ():
        if row not in table.ROWS:
            raise ValueError(_no_row(row, table.ROWS))
    plan: Plan = table.FULL if args.full or args.row else table.SHORT
    if args.row:
        plan = replace(plan, rows=tuple(row for row in table.ROWS if row in args.row))
        if not args.full:
            plan = replace(plan, trials=min(table.SHORT.trials, plan.trials))
    plan = replace(plan, trials=args.trials, fewer={}) if args.trials else plan
    if (asked := sum(map(plan.planned, plan.rows))) > MOST_TRIALS:
        raise ValueError(
            f"--trials of {len(plan.rows)} rows must be at most {MOST_TRIALS:,} trials in all, got "
            f"{asked:,}: ask for fewer, or for single rows with --row"
        )
    return plan


def _no_row(row: str, rows: Iterable[str]) -> str:
    """That there is no such row, and which there are: of many those most like it."""
    names = list(rows)
    nearest = difflib.get_close_matches(row[:_MOST_SHOWN], names, 1)
    meant = f": did you mean {nearest[0]}?" if nearest else ""
    if len(names) <= _MOST_ROWS:
        return f"--row must be one of {', '.join(names)}, got {_shown(row)}{meant}"
    shown = difflib.get_close_matches(row[:_MOST_SHOWN], names, _MOST_ROWS, cutoff=0.0)
    return (
        f"--row must be one of {len(names)} rows, such as {', '.join(shown)}, got "
        f"{_shown(row)}{meant}"
    )


def _run_table(args: Arguments, asked: AskedTrials) -> None:
    """Run what is missing of a table, and show it."""
    from lethe.experiments import results, run_task
    from lethe.experiments.watched import run_watched
    from lethe.trials.workers import one_thread, run_all

    if asked.name in EXTRAS:
        one_thread()
    began = time.monotonic()
    path = asked.path
    if not args.json:
        say_what(asked, shortened=not (args.full or args.row))
    for record in asked.done.values():
        _print_json(args, record)
    todo = [task for key, task in asked.tasks.items() if key not in asked.done]
    with (
        results.opened(path) if todo and path is not None else nullcontext() as append,
        trials_progress(
            asked.name, len(asked.tasks), len(asked.done), here=args.scheduler is None
        ) as progress,
    ):

        def finished(task: Task, record: Record) -> None:
            if append is not None:
                append(record)
            asked.done[results.key(record)] = record
            progress.finished(task)
            _print_json(args, record)

        if todo:
            jobs = args.jobs or _cores()
            watched = progress.folder and partial(run_watched, folder=progress.folder)
            work = watched or run_task
            run_all(work, todo, jobs=jobs, on_result=finished, scheduler=args.scheduler)
    _write_page(args, asked)
    if not args.json:
        print(asked.compared())
        if args.full:
            now = f"{len(todo)} of them now, in {duration([time.monotonic() - began])}"
            print(f"\n{spent(asked)}; {now}.")


def _say_if_alone(args: Arguments, asked: Iterable[AskedTrials]) -> None:
    """Say so where the trials run one after the other because a package is missing."""
    from lethe.trials.workers import can_start_processes

    several = any(len(one.tasks) - len(one.done) > 1 for one in asked)
    if not several or args.scheduler or (args.jobs or _cores()) == 1 or can_start_processes():
        return
    print(
        "lethe reproduce: one trial after the other, because joblib or psutil is not installed; "
        'for one process for each core: pip install "lethe-ml[reproduce]"',
        file=sys.stderr,
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _print_json(args: Arguments, record: Record) -> None:
    if args.json:
        print(json.dumps(record), flush=True)


def _write_page(args: Arguments, asked: AskedTrials) -> None:
    """Write the table next to the results file of a `--full`, with the command that made it.

    Where the file holds more of the table than was asked for, the page has all of it.
    """
    path = asked.path
    if not args.full or path is None or not asked.done:
        return
    options = [f"--row {row}" for row in args.row or ()]
    options += [f"--trials {args.trials}"] if args.trials else []
    options += [f"--seed {args.seed}"] if args.seed is not None else []
    full = asked.table.FULL
    tasks = full.tasks(asked.name, asked.table.ROWS)
    whole = asked_trials(asked.name, asked.table, full, tasks, path)
    if options and not whole.done.keys() <= asked.tasks.keys():
        asked, options = whole, []
    command = " ".join([f"lethe reproduce {asked.name} --full", *options])
    made, wanted = len(asked.done), len(asked.tasks)
    more = (
        "" if made == wanted else f", so far {made} of {wanted} trials; `--resume` runs the others"
    )
    text = asked.compared()
    page = (
        f"# {asked.table.TITLE}\n\nMade by `{command}`{more}.\n\n"
        f"```\n{text}\n\n{spent(asked)}.\n```\n"
    )
    page_path = path.with_suffix(".md")
    with output_errors(f"the page {page_path}"):
        write_file(page_path, [page.encode()], follow=False)
