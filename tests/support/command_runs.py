"""Runs of `lethe learn` with checkpoints, over formats and options, to be killed or let fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import lethe
from lethe.data import BundledStream

#: So that a command given in another folder runs this very package.
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(Path(lethe.__file__).parent.parent),
    "OMP_NUM_THREADS": "1",
}


class Run(NamedTuple):
    """A command, given in a folder of its own, with its sources beside it.

    Attributes
    ----------
    source : str
        Which of `SOURCES` it reads.
    words : tuple of str
        What follows ``lethe learn SOURCE``, without what all runs have.
    every : str
        Of its checkpoints.
    rows : float
        Its share of the number of events that a run has.
    follows : bool
        It waits for more at the end, and is ended by SIGTERM when it has learned all there is.
    saves : bool
        It saves checkpoints; else its output takes the place of a file only when it is complete.
    """

    source: str
    words: tuple[str, ...]
    every: str = "100"
    rows: float = 1.0
    follows: bool = False
    saves: bool = True

    @property
    def predicts(self) -> bool:
        """It is ``lethe predict``, with a model that is made for it."""
        return self.words[0] == "model"

    def command(self) -> list[str]:
        """All of it, after ``lethe``: it starts or goes on, whatever is there."""
        names = SOURCES[self.source].names
        if self.predicts:
            return ["predict", *self.words[:1], *names, *self.words[1:]]
        words = ["learn", *names, *self.words, "--log-format", "json"]
        if "--cells" not in words:
            words += ["--cells", "2"]
        if self.saves:
            words += ["--checkpoint", "state", "--every", self.every, "--resume"]
        return [*words, "--follow"] if self.follows else words


class Source(NamedTuple):
    """Files that a run reads, and what writes them into a folder."""

    names: tuple[str, ...]
    write: Callable[[Path, int], None]


def _rows(series: str, rows: int) -> tuple[tuple[str, ...], list[dict[str, object]]]:
    stream = BundledStream(series, rows=rows)
    return stream.columns, [dict(record.event) for record in stream]


def _table(
    series: str, separator: str = ",", bad: Sequence[tuple[int, str]] = ()
) -> Callable[[Path, int], None]:
    """A series as separated values; each `bad` line takes the place of every so many-th row."""

    def write(path: Path, rows: int) -> None:
        columns, events = _rows(series, rows)
        with path.open("w", encoding="utf-8") as file:
            print(*columns, sep=separator, file=file)
            for number, event in enumerate(events, 1):
                cells = ("" if value is None else value for value in event.values())
                line = separator.join(map(str, cells))
                for every, text in bad:
                    line = line if number % every else text
                print(line, file=file)

    return write


def _objects(series: str) -> Callable[[Path, int], None]:
    def write(path: Path, rows: int) -> None:
        events = _rows(series, rows)[1]
        path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")

    return write


def _parquet(path: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns, events = _rows("machine", rows)
    table = pa.table({name: [event[name] for event in events] for name in columns})
    pq.write_table(table, path, row_group_size=300)


def _text(path: Path, rows: int) -> None:
    words = [b"to forget ", b"continually ", b"by gates ", b"and learn\n"]
    data = b"".join(words[(n * n + n // 7) % 4] for n in range(rows))
    path.write_bytes(data[:rows])


def _one(name: str, write: Callable[[Path, int], None]) -> Source:
    return Source((name,), lambda folder, rows: write(folder / name, rows))


def _days(folder: Path, rows: int) -> None:
    """Three files, each with the header of the first."""
    _table("sine")(folder / "all.csv", rows)
    header, *lines = (folder / "all.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "all.csv").unlink()
    third = len(lines) // 3
    for day, first in enumerate((0, third, 2 * third), 1):
        part = lines[first : len(lines) if day == 3 else first + third]
        (folder / f"day{day}.csv").write_text(header + "".join(part), encoding="utf-8")


SOURCES: dict[str, Source] = {
    "csv": _one("s.csv", _table("sine")),
    "machine": _one("m.csv", _table("machine")),
    "semicolons": _one("semi.csv", _table("machine", ";")),
    "tsv": _one("m.tsv", _table("machine", "\t")),
    "jsonl": _one("m.jsonl", _objects("machine")),
    "ndjson": _one("s.ndjson", _objects("sine")),
    "parquet": _one("m.parquet", _parquet),
    "lines that are none": _one("bad.csv", _table("sine", bad=[(7, "1,2,3,4"), (11, '"')])),
    "values that are none": _one("inf.csv", _table("sine", bad=[(7, "2024-01-01,inf")])),
    "text": _one("book.txt", _text),
    "sine": Source(("sine",), lambda folder, rows: None),
    "bundled machine": Source(("machine",), lambda folder, rows: None),
    "days": Source(("day1.csv", "day2.csv", "day3.csv"), _days),
}

_OUT = ("--out", "out")
_CSV = ("--out", "out", "--format", "csv")
_SINE = ("--target", "value")
_LOAD = ("--target", "load")

RUNS: dict[str, Run] = {
    # One number.
    "csv": Run("csv", (*_SINE, *_OUT)),
    "csv, every event": Run("csv", (*_SINE, *_OUT), "1", 0.1),
    "csv, every 7, detect": Run("csv", (*_SINE, *_OUT, "--detect"), "7", 0.4),
    "csv, every 500, to csv": Run("csv", (*_SINE, *_CSV), "500"),
    "csv, every second": Run("csv", (*_SINE, *_OUT), "1s"),
    "csv, one ahead, detect": Run("csv", (*_SINE, *_OUT, "--horizon", "1", "--detect")),
    "csv, 24 ahead": Run("csv", (*_SINE, *_OUT, "--horizon", "24")),
    "csv, 24 ahead, every event, to csv": Run("csv", (*_SINE, *_CSV, "--horizon", "24"), "1", 0.1),
    "csv, with a time": Run("csv", (*_SINE, *_OUT, "--time", "time", "--horizon", "1")),
    "csv, with a season": Run("csv", (*_SINE, *_OUT, "--period", "24", "--horizon", "1")),
    "csv, with a status": Run("csv", (*_SINE, *_OUT, "--status", "status.json"), "20"),
    "csv, two layers": Run("csv", (*_SINE, *_OUT, "--layers", "2", "--cells", "3")),
    "csv, another seed": Run("csv", (*_SINE, *_OUT, "--seed", "7")),
    "csv, no output": Run("csv", (*_SINE, "--detect", "--horizon", "1")),
    "csv, one ahead, every 70": Run("csv", (*_SINE, *_OUT, "--horizon", "1"), "70"),
    # Several columns.
    "machine": Run("machine", _OUT),
    "machine, to csv": Run("machine", _CSV, "77"),
    "machine, two targets": Run("machine", ("--target", "load,temperature", *_OUT)),
    "machine, two targets, 24 ahead": Run(
        "machine", ("--target", "load,temperature", "--horizon", "24", *_CSV)
    ),
    "machine, classes": Run("machine", ("--target", "state", "--classify", *_OUT)),
    "machine, classes ahead, to csv": Run(
        "machine", ("--target", "state", "--classify", "--horizon", "1", "--detect", *_CSV)
    ),
    "machine, classes, every event": Run(
        "machine", ("--target", "state", "--classify", *_OUT), "1", 0.1
    ),
    # Other formats.
    "semicolons": Run("semicolons", (*_LOAD, *_OUT)),
    "tsv": Run("tsv", (*_LOAD, *_OUT, "--detect")),
    "tsv, every 7": Run("tsv", (*_LOAD, *_CSV), "7", 0.4),
    "jsonl": Run("jsonl", (*_LOAD, *_OUT)),
    "jsonl, every event, detect": Run("jsonl", (*_LOAD, *_OUT, "--detect"), "1", 0.1),
    "jsonl, classes": Run("jsonl", ("--target", "state", "--classify", *_CSV), "500"),
    "ndjson, 24 ahead": Run("ndjson", (*_SINE, *_OUT, "--horizon", "24"), "7", 0.4),
    "parquet": Run("parquet", (*_LOAD, *_OUT)),
    "parquet, all columns": Run("parquet", _CSV, "7", 0.4),
    "parquet, classes": Run("parquet", ("--target", "state", "--classify", *_OUT)),
    "bundled": Run("sine", (*_SINE, *_OUT, "--limit", "900")),
    "bundled, classes": Run(
        "bundled machine", ("--target", "state", "--classify", *_CSV, "--limit", "500")
    ),
    # Bad lines and values.
    "bad lines, skip": Run("lines that are none", (*_SINE, *_OUT, "--bad", "skip")),
    "bad lines, skip, every event": Run(
        "lines that are none", (*_SINE, *_CSV, "--bad", "skip"), "1", 0.1
    ),
    "bad values, missing": Run("values that are none", (*_SINE, *_OUT, "--bad", "missing")),
    "bad values, skip": Run("values that are none", (*_SINE, *_OUT, "--bad", "skip"), "7", 0.4),
    # Text.
    "text": Run("text", ("--layers", "1", "--cells", "16")),
    "text, every symbol": Run("text", ("--layers", "1", "--cells", "4"), "1", 0.1),
    "text, every 7, sgd": Run(
        "text", ("--layers", "1", "--cells", "4", "--update", "sgd"), "7", 0.3
    ),
    "text, momentum, two layers": Run(
        "text", ("--layers", "2", "--cells", "8", "--update", "momentum"), "500"
    ),
    "text, adam": Run("text", ("--layers", "1", "--cells", "8", "--update", "adam"), "333"),
    "a table as text": Run("csv", ("--symbols", "--layers", "1", "--cells", "8"), "500", 0.2),
    # Several files.
    "three files": Run("days", (*_SINE, *_OUT)),
    "three files, every 7, detect": Run("days", (*_SINE, *_OUT, "--detect"), "7", 0.4),
    # Files that may grow.
    "csv, followed": Run("csv", (*_SINE, *_OUT), follows=True),
    "csv, followed, every event": Run("csv", (*_SINE, *_OUT, "--detect"), "1", 0.1, True),
    "jsonl, followed, classes": Run(
        "jsonl", ("--target", "state", "--classify", *_CSV), follows=True
    ),
    "tsv, followed, a season": Run("tsv", (*_LOAD, *_OUT, "--period", "24"), "7", 0.4, True),
    "jsonl, followed, with a status": Run(
        "jsonl", (*_LOAD, *_OUT, "--status", "status.json"), follows=True
    ),
    "text, followed": Run("text", ("--layers", "1", "--cells", "8"), follows=True),
}

#: Runs whose output is there only when it is complete.
WHOLE: dict[str, Run] = {
    "csv, no checkpoint": Run("csv", (*_SINE, *_OUT), saves=False),
    "jsonl, classes, no checkpoint": Run(
        "jsonl", ("--target", "state", "--classify", *_CSV), saves=False
    ),
    "predicted": Run("csv", ("model", *_OUT), saves=False),
    "predicted, to csv": Run("csv", ("model", *_CSV), saves=False),
}

OLD = b"what was there before\n"  # in the output of these


def write_sources(run: Run, folder: Path, events: int) -> None:
    """Make the folder, with what the run reads."""
    folder.mkdir()
    SOURCES[run.source].write(folder, max(2, int(events * run.rows)))
    if run.saves:
        return
    (folder / "out").write_bytes(OLD)
    if run.predicts:
        model = Run(run.source, (*_SINE, "--checkpoint", "model"), saves=False)
        ended = end(start(model.command(), folder))
        if ended.code:
            raise RuntimeError(ended.err)


def start(words: Sequence[str], folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    """`lethe` with these words, in the folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "lethe", *words],
        cwd=folder,
        env={**ENVIRONMENT, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


class Ended(NamedTuple):
    """How a process has ended; the code is None where it had to be killed after `SECONDS`."""

    code: int | None
    out: str
    err: str

    @property
    def has_finished(self) -> bool:
        """All was learned: to the end of what there is, or until SIGTERM came there."""
        return self.code in (0, 128 + signal.SIGTERM)


SECONDS = 60.0  # after which a run hangs


def _handles_sigterm(pid: int) -> bool:
    """Whether the process has got as far as to handle it, so that it can end in order."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True  # no Linux, or ended
    caught = status.partition("SigCgt:")[2].split(maxsplit=1)[0]
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def end(process: subprocess.Popen[bytes], until: Callable[[], bool] | None = None) -> Ended:
    """Wait for the end of a process; one that follows gets SIGTERM as soon as `until` is true."""
    try:
        limit = time.monotonic() + SECONDS
        while until is not None and process.poll() is None and time.monotonic() < limit:
            if _handles_sigterm(process.pid) and until():
                process.terminate()
                break
            time.sleep(0.02)
        out, err = process.communicate(timeout=SECONDS)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        code = None
    return Ended(code, out.decode(errors="replace"), err.decode(errors="replace"))


class State(NamedTuple):
    """What a run leaves: its newest checkpoint and its output."""

    number: str
    checkpoint: bytes
    output: bytes


def left(folder: Path) -> State:
    """The newest checkpoint, which holds the whole state, and the output."""
    paths = sorted((folder / "state").glob("[0-9]*.safetensors"))
    out = folder / "out"
    return State(
        paths[-1].stem if paths else "",
        paths[-1].read_bytes() if paths else b"",
        out.read_bytes() if out.exists() else b"",
    )


def level_with(folder: Path, goal: State) -> Callable[[], bool]:
    """What says whether a run that follows, and begins now, is as far as `goal`.

    It is by its newest checkpoint, or by its output; not before the run has opened that: what a
    killed one wrote after its last checkpoint is removed then.
    """
    out, begin = folder / "out", time.time_ns()

    def is_level() -> bool:
        if (folder / "state" / f"{goal.number}.safetensors").exists():
            return True
        if not goal.output or not out.exists():
            return False
        status = out.stat()
        return status.st_mtime_ns > begin and status.st_size >= len(goal.output)

    return is_level


def leftovers(folder: Path, run: Run) -> list[str]:
    """Files that nobody asked for: temporaries."""
    wanted = {"state", "model", "out", "status.json", *SOURCES[run.source].names}
    found = [path.name for path in folder.iterdir() if path.name not in wanted]
    inside = (folder / "state").iterdir() if (folder / "state").exists() else iter(())
    more = (path.name for path in inside if path.suffix != ".safetensors" and path.name != ".lock")
    return sorted(chain(found, more))


def different_bits(one: bytes, other: bytes) -> int:
    """How many bits differ; those that one has more count, too."""
    bits = 8 * abs(len(one) - len(other))
    n = min(len(one), len(other))
    return bits + (int.from_bytes(one[:n]) ^ int.from_bytes(other[:n])).bit_count()
