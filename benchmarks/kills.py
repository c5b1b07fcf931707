"""kill -9 at random moments, again and again: what is left must be what an unkilled run leaves.

Each configuration is a command of `lethe learn` with checkpoints. One run of it is never killed.
Then the same runs are killed (SIGKILL) at random moments and resumed with the same command, until
they reach the end of the stream; then the newest checkpoint (weights, states, partials, scales,
scores, position: everything) and the output file must be the same bytes, and nothing is left over.

The record is written after each configuration; given again with the same numbers, the command goes
on after those that it holds.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from lethe.cli.bench import machine
from lethe.version import __version__

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import command_runs
from support.command_runs import RUNS, Run, State

MOST_KILLS = 8  # of one run, which then may reach its end


def ended(run: Run, folder: Path, goal: State | None = None) -> command_runs.Ended:
    """Let the command reach its end; one that follows, the goal."""
    until = command_runs.level_with(folder, goal) if run.follows and goal else None
    return command_runs.end(command_runs.start(run.command(), folder), until)


def reference(run: Run, folder: Path, events: int) -> tuple[State, float, float]:
    """What an unkilled run leaves; the seconds before its first event, and all of its seconds."""
    command_runs.write_sources(run, folder, events)
    process = command_runs.start(run._replace(follows=False).command(), folder)
    began, first = time.perf_counter(), 0.0
    while process.poll() is None and not first:
        if command_runs.left(folder).number:
            first = time.perf_counter() - began
        time.sleep(0.002)
    done = command_runs.end(process)
    seconds = time.perf_counter() - began
    if not done.has_finished:
        raise SystemExit(f"{folder.name}: {done.err}")
    return command_runs.left(folder), first or seconds, seconds


class Killer:
    """Kills runs of one configuration.

    Parameters
    ----------
    name : str
        Of the configuration.
    folder : Path
        For its runs.
    events : int
        In each stream.
    seed : int
        Of the moments.
    """

    def __init__(self, name: str, folder: Path, events: int, seed: int) -> None:
        self.name, self.run, self.events = name, RUNS[name], events
        self.draw = random.Random(f"{name} {seed}")
        folder.mkdir()
        self.folder = folder
        self.goal, self.first, self.seconds = reference(self.run, folder / "unkilled", events)

    def live(self, most: int) -> int:
        """One run, killed at most so many times; how many times it was."""
        folder, done = self.folder / "killed", 0
        command_runs.write_sources(self.run, folder, self.events)
        while done < most:
            process = command_runs.start(self.run.command(), folder)
            # Little is seen of a process that is killed while it imports.
            moment = self.draw.uniform(0.7 * self.first, 0.3 * self.first + 0.8 * self.seconds)
            try:
                _, err = process.communicate(timeout=moment)
            except subprocess.TimeoutExpired:
                process.kill()
                _, err = process.communicate()
            if process.returncode == 0:
                return done
            if process.returncode != -9:
                raise SystemExit(f"{self.name}: exit code {process.returncode}: {err.decode()}")
            done += 1
        last = ended(self.run, folder, self.goal)
        if not last.has_finished:
            raise SystemExit(f"{self.name}: exit code {last.code}: {last.err}")
        return done

    def kill(self, kills: int) -> dict[str, Any]:
        """Live and kill until there were so many kills."""
        row: dict[str, Any] = {"case": self.name, "kills": 0, "runs": 0}
        row |= {"bits_different_in_checkpoint": 0, "bits_different_in_output": 0, "left_over": 0}
        while row["kills"] < kills:
            row["kills"] += self.live(min(MOST_KILLS, kills - row["kills"]))
            killed = self.folder / "killed"
            found, goal = command_runs.left(killed), self.goal
            row["runs"] += 1
            row["bits_different_in_checkpoint"] += command_runs.different_bits(
                goal.checkpoint, found.checkpoint
            )
            row["bits_different_in_output"] += command_runs.different_bits(
                goal.output, found.output
            )
            row["left_over"] += len(command_runs.leftovers(killed, self.run))
            shutil.rmtree(killed)
        return row


def is_wrong(row: dict[str, Any]) -> bool:
    return bool(
        row["bits_different_in_checkpoint"] or row["bits_different_in_output"] or row["left_over"]
    )


def show(row: dict[str, Any], seconds: float) -> None:
    bits = row["bits_different_in_checkpoint"], row["bits_different_in_output"]
    print(
        f"{row['case']:<36}{row['kills']:>7}{row['runs']:>6}{bits[0]:>20}{bits[1]:>15}"
        f"{row['left_over']:>11}{seconds:>9.1f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000, help="of all configurations (1000)")
    parser.add_argument("--events", type=int, default=1500, help="in each stream (1500)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    parser.add_argument("--case", choices=RUNS, help="only this configuration")
    parser.add_argument("--out", type=Path, help="the record, such as results/kills.json")
    args = parser.parse_args()
    cases = [args.case] if args.case else list(RUNS)
    record: dict[str, Any] = {"machine": machine(), "version": __version__}
    record |= {"kills": args.kills, "events": args.events, "seed": args.seed, "rows": []}
    if args.out and args.out.exists():
        before = json.loads(args.out.read_text())
        if all(before.get(key) == value for key, value in record.items() if key != "rows"):
            record["rows"] = before["rows"]
    done = {row["case"] for row in record["rows"]}
    print(record["machine"])
    print(
        f"{'configuration':<36}{'kills':>7}{'runs':>6}{'bits of checkpoint':>20}"
        f"{'of the output':>15}{'left over':>11}"
    )
    for row in record["rows"]:
        show(row, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        for n, case in enumerate(cases):
            if case in done:
                continue
            began = time.perf_counter()
            kills = args.kills // len(cases) + (n < args.kills % len(cases))
            row = Killer(case, Path(folder).resolve() / str(n), args.events, args.seed).kill(kills)
            record["rows"].append(row)
            show(row, time.perf_counter() - began)
            if args.out:
                args.out.parent.mkdir(parents=True, exist_ok=True)
                args.out.write_text(json.dumps(record, indent=1) + "\n")
    rows = record["rows"]
    print(f"{sum(row['kills'] for row in rows)} kills, {len(rows)} configurations")
    if any(map(is_wrong, rows)):
        raise SystemExit("a run that was killed must end like one that was not, got another state")


if __name__ == "__main__":
    main()
