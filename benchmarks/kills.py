"""kill -9 at random moments, again and again: what is left must be what an unkilled run leaves.

Each case is a command of `lethe learn` with a checkpoint every few hundred events. One run of it is
never killed. Then the same runs are killed (SIGKILL) after a random time and resumed with
the same command, until they reach the end of the stream; then the newest checkpoint (weights,
states, partials, scales, scores, position: everything) and the output file must be the same bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import lethe
from lethe.cli.bench import machine
from lethe.data import BundledStream
from lethe.version import __version__

#: The cases, by name: what follows `lethe learn SOURCE`.
CASES = {
    "one number, one ahead": ["--target", "value", "--horizon", "1", "--detect"],
    "two numbers, 24 ahead": ["--horizon", "24", "--format", "csv"],
    "classes": ["--target", "state", "--classify"],
    "text": ["--symbols", "--layers", "1", "--cells", "16"],
}
SERIES = {"one number, one ahead": "sine"}  # the others read "machine"

#: The most seconds before a kill; some of them pass before the first event.
LONGEST = 2.0

#: So that the commands, given in other folders, run this very package.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(lethe.__file__).parent.parent)}


def command(case: str, every: int) -> list[str]:
    """The command of one run, to be given in its folder."""
    words = [sys.executable, "-m", "lethe", "learn", "../source.csv", *CASES[case]]
    words += ["--checkpoint", "state", "--every", str(every), "--resume"]
    return words if case == "text" else [*words, "--out", "out"]


def left(folder: Path) -> tuple[bytes, bytes]:
    """The newest checkpoint and the output."""
    newest = max((folder / "state").glob("*.safetensors"))
    out = folder / "out"
    return newest.read_bytes(), out.read_bytes() if out.exists() else b""


def different_bits(one: bytes, other: bytes) -> int:
    """How many bits differ; those that one has more count, too."""
    bits = 8 * abs(len(one) - len(other))
    n = min(len(one), len(other))
    return bits + (int.from_bytes(one[:n]) ^ int.from_bytes(other[:n])).bit_count()


def write_source(case: str, path: Path, events: int) -> None:
    """A CSV file that every run of the case reads."""
    stream = BundledStream(SERIES.get(case, "machine"), rows=events)
    with path.open("w") as file:
        print(*stream.columns, sep=",", file=file)
        for record in stream:
            cells = ("" if value is None else value for value in record.event.values())
            print(*cells, sep=",", file=file)


def live(
    case: str, folder: Path, every: int, longest: float, kills: int, draw: random.Random
) -> int:
    """Run once, killed at most so many times; return how many times it was."""
    done = 0
    folder.mkdir()
    while True:
        process = subprocess.Popen(
            command(case, every),
            cwd=folder,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        if done == kills:
            _, err = process.communicate()
        else:
            try:
                _, err = process.communicate(timeout=draw.uniform(0.0, longest))
            except subprocess.TimeoutExpired:
                process.kill()
                _, err = process.communicate()
        if process.returncode == 0:
            return done
        if process.returncode != -9:
            raise SystemExit(f"{case}: {err.decode()}")
        done += 1


def run_case(
    case: str, folder: Path, kills: int, every: int, events: int, seed: int
) -> dict[str, Any]:
    """Live and kill until there were so many kills."""
    folder.mkdir()
    write_source(case, folder / "source.csv", events)
    began = time.perf_counter()
    live(case, folder / "unkilled", every, 0.0, 0, random.Random(seed))
    longest = min(LONGEST, 0.7 * (time.perf_counter() - began))
    expected = left(folder / "unkilled")
    draw = random.Random(seed)
    row: dict[str, Any] = {"case": case, "kills": 0, "runs": 0}
    row |= {"bits_different_in_checkpoint": 0, "bits_different_in_output": 0}
    while row["kills"] < kills:
        killed = folder / "killed"
        row["kills"] += live(case, killed, every, longest, kills - row["kills"], draw)
        found = left(killed)
        row["runs"] += 1
        row["bits_different_in_checkpoint"] += different_bits(expected[0], found[0])
        row["bits_different_in_output"] += different_bits(expected[1], found[1])
        shutil.rmtree(killed)
        say(f"\r{case}: {row['kills']} of {kills} kills")
    say("\r" + " " * 60 + "\r")
    return row


def say(words: str) -> None:
    if sys.stderr.isatty():
        print(words, end="", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="of all cases together (200)")
    parser.add_argument("--every", type=int, default=500, help="events between checkpoints (500)")
    parser.add_argument("--events", type=int, default=8000, help="in each stream (8000)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    parser.add_argument("--case", choices=CASES, help="only this one")
    parser.add_argument("--out", type=Path, help="also write the table, such as results/kills.json")
    args = parser.parse_args()
    cases = [args.case] if args.case else list(CASES)
    record: dict[str, Any] = {"machine": machine(), "version": __version__, "every": args.every}
    record |= {"events": args.events, "seed": args.seed, "rows": []}
    print(record["machine"])
    print(f"{'case':<24}{'kills':>7}{'runs':>7}{'bits of the checkpoint':>24}{'of the output':>15}")
    with tempfile.TemporaryDirectory() as folder:
        for n, case in enumerate(cases):
            kills = args.kills // len(cases) + (n < args.kills % len(cases))
            where = Path(folder) / str(n)
            row = run_case(case, where, kills, args.every, args.events, args.seed + n)
            record["rows"].append(row)
            bits = row["bits_different_in_checkpoint"], row["bits_different_in_output"]
            print(
                f"{case:<24}{row['kills']:>7}{row['runs']:>7}{bits[0]:>24}{bits[1]:>15}",
                flush=True,
            )
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(record, indent=1) + "\n")
    if any(row[key] for row in record["rows"] for key in row if key.startswith("bits")):
        raise SystemExit("a run that was killed must end like one that was not, got another state")


if __name__ == "__main__":
    main()
