"""System calls that fail: each run ends with one line, and goes on to the same bits.

Each of many runs of `lethe learn`, over the configurations of `kills.py`, has one fault, drawn at
random among the calls that it makes: which call of the C library (write, read, fsync, rename, ...),
on which file (source, output, checkpoint, folder, lock, model), which of them, and the error: no
space, an I/O error, an interrupted or short call, once or from there on. Half of the runs are ones
that are resumed. The command must end with exit code 0, or another one and one line of complaint;
given again, without a fault, it must end with the bits of a run to which nothing happened.

The record is written as it goes; given again with the same numbers, the command goes on after what
it holds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from lethe.cli.bench import machine
from lethe.version import __version__

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import command_runs, faults
from support.command_runs import Run, State

RUNS = command_runs.RUNS | command_runs.WHOLE
OFTEN = 25  # runs between two records


class Case(NamedTuple):
    """A configuration, as it is before the fault.

    Attributes
    ----------
    folder : Path
        With the sources, and what a run left that stopped half-way.
    goal : State
        What it leaves where nothing happens.
    calls : Counter
        That it makes on the way there, by name and kind of file.
    """

    folder: Path
    goal: State
    calls: Counter[tuple[str, str]]


class Cases:
    """The configurations, each prepared once.

    Parameters
    ----------
    folder : Path
        For the runs.
    events : int
        In each stream.
    """

    def __init__(self, folder: Path, events: int) -> None:
        self.folder, self.events = folder, events
        self._known: dict[tuple[str, bool], Case] = {}

    def case(self, name: str, resumed: bool) -> Case:
        """A configuration that begins, or one that is resumed."""
        if (name, resumed) not in self._known:
            self._known[name, resumed] = self._prepare(RUNS[name], resumed)
        return self._known[name, resumed]

    def _prepare(self, run: Run, resumed: bool) -> Case:
        folder = self.folder / f"prepared {len(self._known)}"
        command_runs.write_sources(run, folder, self.events)
        if resumed:
            half = str(max(1, int(self.events * run.rows) // 2))
            first = run._replace(words=(*run.words, "--limit", half), follows=False)
            self._expect_no_error(faults.run_with(first, folder, None))
        done, log = folder.with_suffix(".done"), folder.with_suffix(".log")
        shutil.copytree(folder, done)
        ended = faults.run_with(run._replace(follows=False), done, None, log=log)
        self._expect_no_error(ended)
        return Case(folder, command_runs.left(done), faults.counted_calls(log))

    def _expect_no_error(self, ended: command_runs.Ended) -> None:
        if ended.code:
            raise SystemExit(f"without a fault: {ended.err}")


def one(cases: Cases, number: int, seed: int, only: str | None) -> dict[str, Any]:
    """One run with a fault."""
    draw = Random(f"fault {seed} {number}")
    name = only or draw.choice(list(RUNS))
    run = RUNS[name]
    resumed = run.saves and draw.random() < 0.5
    case = cases.case(name, resumed)
    fault = faults.draw_fault(case.calls, draw)
    folder = cases.folder / f"run {number}"
    happened = faults.happen(run, case.folder, folder, fault, case.goal)
    return {
        "number": number,
        "case": name,
        "resumed": resumed,
        "fault": str(fault),
        "came": happened.came,
        "exit": happened.ended.code,
        "wrong": happened.wrong,
    }


def show(rows: list[dict[str, Any]]) -> None:
    rows = [row for row in rows if row["came"]]
    ends = Counter(str(row["exit"]) for row in rows)
    kinds = Counter(row["fault"].split()[0] for row in rows)
    print(f"{len(rows)} runs with a fault over {len({row['case'] for row in rows})} configurations")
    print("  calls:", ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    print("  exit codes:", ", ".join(f"{code}: {count}" for code, count in sorted(ends.items())))
    print(f"  wrong: {sum(row['wrong'] is not None for row in rows)}")


def write(record: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500, help="with a fault (500)")
    parser.add_argument("--events", type=int, default=300, help="in each stream (300)")
    parser.add_argument("--seed", type=int, default=0, help="of the faults (0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first run (0)")
    parser.add_argument("--case", choices=RUNS, help="only this configuration")
    parser.add_argument("--out", type=Path, help="the record, such as results/faults.json")
    args = parser.parse_args()
    if isinstance(why := faults.library(), str):
        raise SystemExit(why)
    record: dict[str, Any] = {"machine": machine(), "version": __version__}
    record |= {"events": args.events, "seed": args.seed, "rows": []}
    if args.out and args.out.exists():
        before = json.loads(args.out.read_text())
        if all(before.get(key) == value for key, value in record.items() if key != "rows"):
            record["rows"] = before["rows"]
    rows = record["rows"]
    done = {row["number"] for row in rows}
    began = time.perf_counter()
    number = args.first
    with tempfile.TemporaryDirectory() as folder:
        cases = Cases(Path(folder).resolve(), args.events)
        while sum(row["came"] for row in rows) < args.runs:
            if number not in done:
                rows.append(row := one(cases, number, args.seed, args.case))
                if row["wrong"]:
                    print(f"WRONG {row}", flush=True)
                if args.out and (len(rows) % OFTEN == 0 or row["wrong"]):
                    write(record, args.out)
            number += 1
    if args.out:
        write(record, args.out)
    print(record["machine"])
    show(rows)
    print(f"  {time.perf_counter() - began:.0f} s")
    if any(row["wrong"] for row in rows):
        raise SystemExit("a run with a fault must end with one line and go on to the same bits")


if __name__ == "__main__":
    main()
