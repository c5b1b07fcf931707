"""A log that is written all the time and rotated again and again, under a run that follows it.

A writer adds numbered events to a file, by default 1,000 a second, and its file is rotated: renamed
(the writer goes on in the old file for a while), copied and cut, or removed and made again. `lethe
learn --follow` learns the events; it is ended by SIGTERM now and then and resumed, while the writer
goes on. At the end each number must stand in the output once, and in order.

A file that is removed before a run has opened it is lost for everyone: one is only removed once
there is output of it, and none while a run is ended and resumed.

The record is written after each kind; given again with the same numbers, the command goes on after
those that it holds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from lethe.cli.bench import machine
from lethe.version import __version__

TICK = 0.01  # seconds
PATIENCE = 60.0  # seconds without a new line of the output
KEPT = 1000  # rotated files, so that a slow machine may lag behind


class Writer:
    """Adds events to a log at a steady rate, through one open file."""

    def __init__(self, path: Path, rate: float) -> None:
        self.path, self.rate = path, rate
        self.written = 0
        self.before = 0  # events before the present file
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115
        self._file.write(b"n,level\n")
        self._began = time.perf_counter()

    def tick(self) -> None:
        """Write what is due, and wait a little."""
        due = int(self.rate * (time.perf_counter() - self._began))
        while self.written < due:
            self._file.write(b"%d,%d\n" % (self.written, self.written % 7))
            self.written += 1
        time.sleep(TICK)

    def reopen(self) -> None:
        """Go on in whatever file has the name."""
        self._file.close()
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115
        if not os.fstat(self._file.fileno()).st_size:
            self._file.write(b"n,level\n")
        self.before = self.written


def make_room(path: Path) -> None:
    """Make log.csv.1 free: log.csv.1 becomes log.csv.2 and so on."""
    for number in reversed(range(1, KEPT)):
        if os.path.exists(f"{path}.{number}"):
            os.replace(f"{path}.{number}", f"{path}.{number + 1}")


def rename(writer: Writer) -> Iterator[None]:
    """Rename, make an empty file a little later, and have the writer open that."""
    make_room(writer.path)
    os.rename(writer.path, f"{writer.path}.1")
    yield
    writer.path.touch()
    yield
    writer.reopen()


def copy_and_cut(writer: Writer) -> Iterator[None]:
    """Copy and cut. Nothing is written between the two, which no reader could save."""
    make_room(writer.path)
    shutil.copyfile(writer.path, f"{writer.path}.1")
    os.truncate(writer.path, 0)
    yield


def remove(writer: Writer) -> Iterator[None]:
    """Remove, and have the writer make a new file a little later."""
    writer.path.unlink()
    yield
    writer.reopen()


KINDS: dict[str, Callable[[Writer], Iterator[None]]] = {
    "rename": rename,
    "copy and cut": copy_and_cut,
    "remove": remove,
}


def start(folder: Path, resume: bool) -> subprocess.Popen[bytes]:
    words = ["learn", "log.csv", "--target", "n", "--cells", "4", "--layers", "1", "--follow"]
    words += ["--checkpoint", "state", "--every", "2s", "--out", "out.jsonl"]
    with (folder / "said").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "lethe", *words, *(["--resume"] if resume else [])],
            cwd=folder,
            stdout=said,
            stderr=said,
        )


class Run:
    """One kind of rotation, from the first event to the last line of the output."""

    def __init__(self, kind: str, folder: Path, args: argparse.Namespace) -> None:
        self.kind, self.folder, self.args = kind, folder, args
        self.writer = Writer(folder / "log.csv", args.rate)
        self.process = start(folder, False)
        self.codes: list[int] = []

    def write(self, seconds: float) -> None:
        """Let time go by."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.writer.tick()

    def lines(self) -> int:
        """How many the output has."""
        out = self.folder / "out.jsonl"
        return out.read_bytes().count(b"\n") if out.exists() else 0

    def stop(self) -> None:
        """End the run, and resume it; meanwhile the writer goes on, and so does rotation."""
        if self.kind == "remove":
            self.wait(self.writer.before)
        self.process.send_signal(signal.SIGTERM)
        if self.kind != "remove":
            self.rotate()
        while self.process.poll() is None:
            self.writer.tick()
        self.codes.append(self.process.returncode)
        if self.kind != "remove":
            self.rotate()
            self.write(0.1)
            self.rotate()
        self.process = start(self.folder, True)
        self.wait(self.lines())

    def wait(self, more_than: int) -> None:
        """Write until the output has more lines than that."""
        began, before = time.perf_counter(), -1
        while (lines := self.lines()) <= more_than:
            if lines != before:
                began, before = time.perf_counter(), lines
            if self.process.poll() is not None or time.perf_counter() - began > PATIENCE:
                raise SystemExit((self.folder / "said").read_text()[-2000:])
            self.write(0.1)

    def rotate(self) -> None:
        """Rotate the log once."""
        if self.kind == "remove":
            self.wait(self.writer.before)
        for _ in KINDS[self.kind](self.writer):
            self.write(0.03)

    def go(self) -> dict[str, Any]:
        """All of it; the counts."""
        began = time.perf_counter()
        self.wait(0)
        between = self.args.rotations // (self.args.stops + 1)
        for n in range(self.args.rotations):
            self.write(self.args.between)
            self.rotate()
            if self.args.stops and n % between == between - 1 and len(self.codes) < self.args.stops:
                self.stop()
        # Reach the end of what was written, as long as the output grows.
        lines, waited = -1, 0.0
        while waited < PATIENCE and lines < self.writer.written:
            time.sleep(0.5)
            before, lines = lines, self.lines()
            waited = waited + 0.5 if lines == before else 0.0
        self.process.send_signal(signal.SIGTERM)
        self.codes.append(self.process.wait(PATIENCE))
        rows = (self.folder / "out.jsonl").read_text().splitlines()
        seen = [int(json.loads(row)["actual"]) for row in rows]
        return {
            "kind": self.kind,
            "rotations": self.args.rotations,
            "stops": len(self.codes) - 1,
            "events": self.writer.written,
            "lost": self.writer.written - len(set(seen)),
            "learned_twice": len(seen) - len(set(seen)),
            "out_of_order": sum(b < a for a, b in pairwise(seen)),
            "exit_codes": sorted(set(self.codes)),
            "seconds": round(time.perf_counter() - began, 1),
        }


def show(row: dict[str, Any]) -> None:
    counts = ("rotations", "stops", "events", "lost", "learned_twice", "out_of_order")
    print(f"{row['kind']:<14}" + "".join(f"{row[name]:>14,}" for name in counts), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rotations", type=int, default=200, help="of each kind (200)")
    parser.add_argument("--rate", type=float, default=1000, help="events a second (1000)")
    parser.add_argument("--between", type=float, default=0.5, help="seconds between two (0.5)")
    parser.add_argument(
        "--stops", type=int, default=10, help="SIGTERM and --resume, each kind (10)"
    )
    parser.add_argument("--kind", choices=KINDS, help="only this one")
    parser.add_argument("--out", type=Path, help="the record, such as results/rotation.json")
    args = parser.parse_args()
    record: dict[str, Any] = {"machine": machine(), "version": __version__}
    record |= {name: getattr(args, name) for name in ("rotations", "rate", "between", "stops")}
    record["rows"] = []
    if args.out and args.out.exists():
        before = json.loads(args.out.read_text())
        if all(before.get(key) == value for key, value in record.items() if key != "rows"):
            record["rows"] = before["rows"]
    done = {row["kind"] for row in record["rows"]}
    titles = ("rotations", "stops", "events", "lost", "learned twice", "out of order")
    print(f"{record['machine']}\n{'kind':<14}" + "".join(f"{title:>14}" for title in titles))
    for row in record["rows"]:
        show(row)
    for kind in [args.kind] if args.kind else [kind for kind in KINDS if kind not in done]:
        with tempfile.TemporaryDirectory() as folder:
            row = Run(kind, Path(folder), args).go()
        show(row)
        record["rows"].append(row)
        if args.out:
            args.out.parent.mkdir(parents=True, exist_ok=True)
            args.out.write_text(json.dumps(record, indent=1) + "\n")
    if any(row["lost"] or row["learned_twice"] or row["out_of_order"] for row in record["rows"]):
        raise SystemExit("each event must be learned once and in order, got others")


if __name__ == "__main__":
    main()
