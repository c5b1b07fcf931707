"""``lethe reproduce``: repeat an experiment of the papers."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lethe.experiments import Plan, Task
    from lethe.results import Record

EXAMPLES = """\
examples:
  lethe reproduce cerg                          the claim, shortened to about a minute
  lethe reproduce cerg --full --resume          all of Table 2, or what is missing of it
  lethe reproduce cerg --row forget_gates --seed 17 --trials 1 --json
                                                one trial of Table 2 again, to the same numbers

Results files hold one JSON object per finished trial. Interrupted (Ctrl-C) or killed, all finished
trials are kept, and --resume goes on from there.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "experiment",
        metavar="EXPERIMENT",
        choices=("cerg",),
        help="cerg: the continual embedded Reber grammar, Table 2 of the report",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="the whole table, 100 trials a row, with the report's limits (takes hours)",
    )
    parser.add_argument(
        "--row",
        metavar="R",
        action="append",
        help="only this row, with the report's limits (may be given several times)",
    )
    parser.add_argument(
        "--trials",
        metavar="N",
        type=_whole(1),
        help="trials of each row (default: 100 with --full, else as many as take a minute)",
    )
    parser.add_argument(
        "--seed",
        metavar="S",
        type=_whole(0),
        default=0,
        help="seed of the first trial; the others follow in order (default: 0)",
    )
    parser.add_argument(
        "--jobs", metavar="J", type=_whole(1), help="processes (default: one for each core)"
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="folder for the results (default: results with --full, else nothing is written)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="leave out the trials that the results file holds"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per trial and no table"
    )


def _whole(least: int) -> Callable[[str], int]:
    """A type of argument: a whole number of at least so much."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"must be a whole number of at least {least}, got {text!r}"
            )
        return int(text)

    return number


def run(args: argparse.Namespace) -> int:
    """Run the trials that are asked for, and compare.

    Parameters
    ----------
    args : argparse.Namespace
        As `add_arguments` declares.

    Returns
    -------
    int
        0; 1 where a worker process was killed.

    Raises
    ------
    ValueError
        If an argument is out of its range, or the results file cannot be read or written.
    KeyboardInterrupt
        After Ctrl-C; it says how many trials are kept.
    """
    from lethe import results
    from lethe.experiments import run_task
    from lethe.workers import WorkerError, run_all

    table = import_module(f"lethe.experiments.{args.experiment}")
    plan = _plan(args, table)
    tasks = _tasks(args, table, plan)
    keys = {results.key(task.key()) for task in tasks}
    path: Path | None = (args.out or Path("results")) / f"{args.experiment}.jsonl"
    if args.out is None and not args.full:
        path = None
    if args.resume and path is None:
        raise ValueError("--resume needs --out or --full: it reads the results file")
    found = [] if path is None else results.read(path, table.RESULT)
    done = [record for record in found if results.key(record) in keys]
    if done and not args.resume:
        raise ValueError(
            f"{path} holds {len(done)} of these trials already: "
            "go on with --resume, or choose another --out"
        )
    if not args.json:
        _say_what(args, table, plan, len(tasks), len(done), path)
    for record in done:
        _print_json(args, record)
    held = {results.key(record) for record in done}
    todo = [task for task in tasks if results.key(task.key()) not in held]
    if todo and path is not None:
        results.make(path)

    killed: WorkerError | None = None
    with ExitStack() as stack:
        progress = stack.enter_context(_Progress(len(tasks), len(done)))

        def finished(task: Task, record: Record) -> None:
            if path is not None:
                results.append(path, record)
            done.append(record)
            progress.finished(task)
            _print_json(args, record)

        try:
            run_all(
                run_task,
                todo,
                jobs=args.jobs or _cores(),
                on_result=finished,
                on_news=progress.news,
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_what_is_kept(keys, len(tasks), done, path)) from None
        except WorkerError as error:
            killed = error
    if killed is not None:
        kept = _what_is_kept(keys, len(tasks), done, path)
        print(f"lethe reproduce: {killed}; {kept}", file=sys.stderr)
        return 1
    comparison = table.compare(done, plan.rows)
    if args.full and path is not None:
        _write_page(path.with_suffix(".md"), args, table, comparison)
    if not args.json:
        print(comparison)
    return 0


def _plan(args: argparse.Namespace, table: Any) -> Plan:
    """What is run: the short form, unless the whole table or single rows are asked for."""
    for row in args.row or ():
        if row not in table.ROWS:
            raise ValueError(f"--row must be one of {', '.join(table.ROWS)}, got {row!r}")
    plan: Plan = table.FULL if args.full or args.row else table.SHORT
    if args.row:
        plan = replace(plan, rows=tuple(row for row in table.ROWS if row in args.row))
        if not args.full:
            plan = replace(plan, trials=table.SHORT.trials)
    return replace(plan, trials=args.trials or plan.trials)


def _tasks(args: argparse.Namespace, table: Any, plan: Plan) -> list[Task]:
    """All trials, in the order in which they start."""
    from lethe.experiments import Task

    rows = [row for row in plan.rows if row not in plan.fillers]
    fillers = [row for row in plan.rows if row in plan.fillers]
    return [
        Task(
            args.experiment,
            row,
            seed,
            replace(
                table.ROWS[row].trial,
                training_streams=plan.training_streams,
                stream_length=plan.stream_length,
            ),
        )
        for group in (rows, fillers)
        for seed in range(args.seed, args.seed + plan.trials)
        for row in group
    ]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _say_what(
    args: argparse.Namespace, table: Any, plan: Plan, trials: int, done: int, path: Path | None
) -> None:
    print(table.TITLE)
    if not (args.full or args.row):
        limits = [
            f"{got:,} of {of:,} {what}"
            for got, of, what in (
                (len(plan.rows), len(table.FULL.rows), "rows"),
                (plan.trials, table.FULL.trials, "networks a row"),
                (plan.training_streams, table.FULL.training_streams, "training streams"),
                (plan.stream_length, table.FULL.stream_length, "symbols in a stream"),
            )
            if got != of
        ]
        print(f"Shortened to {', '.join(limits)}.\n--full runs all of it.")
    last = args.seed + plan.trials - 1
    print(f"{trials} trials, seeds {args.seed} to {last}", end="")
    print(f", {done} of them in {path} already" if done else f", into {path}" if path else "")
    print(flush=True)


def _what_is_kept(keys: set[str], trials: int, done: list[Record], path: Path | None) -> str:
    from lethe import results

    if path is None:
        return f"{len(done)} of {trials} trials were finished"
    kept = sum(results.key(record) in keys for record in results.read(path))
    return f"{kept} of {trials} trials were finished and are in {path}; --resume goes on"


def _print_json(args: argparse.Namespace, record: Record) -> None:
    if args.json:
        print(json.dumps(record), flush=True)


def _write_page(path: Path, args: argparse.Namespace, table: Any, comparison: str) -> None:
    """The table beside the results file, with the command that made it."""
    options = [f"--row {row}" for row in args.row or ()]
    options += [f"--trials {args.trials}"] * bool(args.trials) + [f"--seed {args.seed}"] * bool(
        args.seed
    )
    command = " ".join([f"lethe reproduce {args.experiment} --full", *options])
    path.write_text(f"# {table.TITLE}\n\nMade by `{command}`.\n\n```\n{comparison}\n```\n")


class _Progress(AbstractContextManager["_Progress"]):
    """A bar for all trials and a line for each that runs; nothing where nobody looks."""

    def __init__(self, trials: int, done: int) -> None:
        self._bar: Any = None
        self._running: dict[Task, Any] = {}
        if not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._all = self._bar.add_task("trials", total=trials, completed=done)

    def __enter__(self) -> _Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def news(self, task: Task, news: tuple[int, int]) -> None:
        """A running trial says how far it is."""
        if self._bar is None:
            return
        if task not in self._running:
            self._running[task] = self._bar.add_task("", total=task.trial.training_streams)
        streams, longest = news
        self._bar.update(
            self._running[task],
            completed=streams,
            description=f"{task.row}, seed {task.seed}: longest test stream {longest:,}",
        )

    def finished(self, task: Task) -> None:
        """A trial has ended."""
        if self._bar is None:
            return
        if task in self._running:
            self._bar.remove_task(self._running.pop(task))
        self._bar.advance(self._all)
