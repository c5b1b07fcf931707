"""Microseconds per event of `lethe.Model`, and bytes saved, compared with an earlier commit.

Each side is a process of its own that waits for lines on its input, runs one round for each and
answers with seconds per event, so that both run the same code by turns and one at a time. Times are
of the processor (`time.process_time`), with one thread: other processes on the machine slow both
sides down, but are not counted. The earlier commit is built once, into build/events.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import lethe

ROOT = Path(__file__).resolve().parents[1]

#: 0.1.0, before a stream's state became one block.
BEFORE = "05a4824"

SEED = 0

#: Rounds before the first that counts: after them every sample of past errors is full.
WARM_UP = 3

Event = dict[str, object]

#: Seconds per event over the next so many events of a stream that goes on from round to round.
Contestant = Callable[[int], float]


class Row(NamedTuple):
    """One figure: what it is of, what it must not exceed, and how much is done in one round."""

    title: str
    goal: float | None
    events: int
    make: Callable[[], Contestant]


# ---- what is measured: nothing here may differ between the sides ----


def hourly() -> Iterator[Event]:
    """One number that goes up and down with the hour, and the time."""
    draw = Random(SEED)
    for hour in count():
        at = datetime(2020, 1, 1) + timedelta(hours=hour)
        yield {"y": 20.0 + abs(hour % 24 - 12) + draw.gauss(0, 1), "t": at}


def numbers(columns: int) -> Iterator[Event]:
    draw = Random(SEED)
    values = [0.0] * columns
    names = [f"x{n}" for n in range(columns)]
    while True:
        values = [0.9 * value + draw.gauss(0, 1) for value in values]
        yield dict(zip(names, values, strict=True))


def classified() -> Iterator[Event]:
    for event in numbers(10):
        yield {**event, "y": "abc"[int(float(str(event["x0"]))) % 3]}


def timed(do: Callable[[Event], object], events: Sequence[Event]) -> float:
    began = time.process_time()
    for event in events:
        do(event)
    return (time.process_time() - began) / len(events)


def learning(model: lethe.Model, events: Iterator[Event]) -> Contestant:
    return lambda number: timed(model.learn, list(islice(events, number)))


def one_column(horizon: int) -> Contestant:
    return learning(lethe.Model("y", horizon=horizon), hourly())


def many_columns() -> Contestant:
    return learning(lethe.Model(), numbers(38))


def classes() -> Contestant:
    return learning(lethe.Model("y", task="classification"), classified())


def predicting() -> Contestant:
    model = lethe.Model("y", horizon=24)
    for event in islice(hourly(), 2000):
        model.learn(event)
    return lambda number: timed(lambda _: model.predict(), [{}] * number)


def river() -> Contestant:
    from lethe.adapters.river import LetheRegressor

    regressor, events = LetheRegressor(), numbers(10)

    def round_of(number: int) -> float:
        features: list[Any] = list(islice(events, number))
        targets = [event["x0"] - event["x1"] for event in features]
        began = time.process_time()
        for x, y in zip(features, targets, strict=True):
            regressor.predict_one(x)
            regressor.learn_one(x, y)
        return (time.process_time() - began) / number

    return round_of


ROWS = {
    "horizon 1": Row("learn, one column with times, horizon 1", 8, 2000, lambda: one_column(1)),
    "horizon 24": Row("learn, the same, horizon 24", 18, 2000, lambda: one_column(24)),
    "38 columns": Row("learn, 38 columns without a target", 60, 500, many_columns),
    "classes": Row("learn, classes from 10 columns", 12, 2000, classes),
    "river": Row("river adapter, predict_one + learn_one, 10 features", 10, 2000, river),
    "predict": Row("predict alone, horizon 24", None, 10_000, predicting),
}


def saved(model: lethe.Model, events: Iterable[Event]) -> int:
    """Bytes of its file."""
    for event in events:
        model.learn(event)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        return path.stat().st_size


class Size(NamedTuple):
    """A file's size: what of, what it must not exceed in bytes, and how it is found."""

    title: str
    goal: int
    make: Callable[[], int]


SIZES = {
    "one column": Size(
        "saved, one column with times, after 5,000 events",
        300_000,
        lambda: saved(lethe.Model("y", horizon=1), islice(hourly(), 5000)),
    ),
    "38 columns": Size(
        "saved, 38 columns without a target, after 5,000 events",
        1_500_000,
        lambda: saved(lethe.Model(), islice(numbers(38), 5000)),
    ),
}


# ---- one side ----


def serve() -> None:
    """Answer each line of the input, a JSON list of what is wanted and a row's name."""
    hello = {
        "version": lethe.__version__,
        "instruction_set": lethe.instruction_set(),
        "file": lethe.__file__,
    }
    print(json.dumps(hello), flush=True)
    contestants: dict[str, Contestant] = {}
    for line in sys.stdin:
        what, name = json.loads(line)
        if what == "size":
            answer: float = SIZES[name].make()
        else:
            if name not in contestants:
                contestants[name] = ROWS[name].make()
            answer = contestants[name](ROWS[name].events)
        print(json.dumps(answer), flush=True)


class Side:
    """The process of one side."""

    def __init__(self, python: Path, *, here: bool) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        if not here:
            environment.pop("PYTHONPATH", None)  # it may lead to this side's package
        self._process = subprocess.Popen(
            [python, __file__, "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self.about: dict[str, str] = json.loads(self._answer())

    def ask(self, what: str, name: str) -> float:
        """Seconds per event of a round, or bytes of a file."""
        assert self._process.stdin is not None
        print(json.dumps([what, name]), file=self._process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"the process of one side ended with {self._process.wait()}")
        return line

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()


# ---- both ----


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


def python_of(revision: str) -> Path:
    """The interpreter that has the package as it was; built if it is not there yet."""
    folder = ROOT / "build" / "events" / revision
    python = folder / "environment" / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = folder / "built"
    if done.exists():
        return python
    print(f"building {revision} into {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(fileobj=BytesIO(git("archive", revision))) as source:
        source.extractall(folder / "source", filter="data")
    venv.create(folder / "environment", with_pip=True)
    same = [f"{name}=={number}" for name in ("numpy", "river") if (number := installed(name))]
    package = str(folder / "source")
    subprocess.run([python, "-m", "pip", "install", "--quiet", package, *same], check=True)
    done.touch()
    return python


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def rounds_of(name: str, sides: dict[str, Side], rounds: int) -> dict[str, list[float]]:
    """Microseconds per event, for each side its rounds; who begins changes with every round."""
    times: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(-WARM_UP, rounds):
        for side in sorted(sides, reverse=number % 2 == 0):
            seconds = sides[side].ask("go", name)
            if number >= 0:
                times[side].append(1e6 * seconds)
    return times


def compared(times: dict[str, list[float]]) -> dict[str, float]:
    """Medians, how many times as fast it has become, and between what and what in the rounds."""
    before, now = (statistics.median(times[side]) for side in ("before", "now"))
    ratios = [b / n for b, n in zip(times["before"], times["now"], strict=True)]
    return {
        "before": before,
        "now": now,
        "ratio": before / now,
        "least ratio": min(ratios),
        "largest ratio": max(ratios),
    }


def measure(sides: dict[str, Side], names: list[str], rounds: int) -> dict[str, object]:
    """Print both tables, and give what is in them."""
    print("| µs per event | before | now | ratio | in the rounds | goal |")
    print("|---|---:|---:|---:|---:|---:|")
    times, figures, sizes = {}, {}, {}
    for name in names:
        times[name] = rounds_of(name, sides, rounds)
        figures[name] = f = compared(times[name])
        print(
            f"| {ROWS[name].title} | {f['before']:.2f} | {f['now']:.2f} | {f['ratio']:.2f} "
            f"| {f['least ratio']:.2f}–{f['largest ratio']:.2f} | {ROWS[name].goal or ''} |",
            flush=True,
        )
    print("\n| bytes | before | now | ratio | goal |\n|---|---:|---:|---:|---:|")
    for name, size in SIZES.items():
        sizes[name] = {side: int(sides[side].ask("size", name)) for side in sides}
        before, now = sizes[name]["before"], sizes[name]["now"]
        print(f"| {size.title} | {before:,} | {now:,} | {before / now:.2f} | {size.goal:,} |")
    return {"microseconds": figures, "bytes": sizes, "rounds": times}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--before", default=BEFORE, metavar="REV", help="commit (%(default)s)")
    parser.add_argument("--rounds", type=int, default=21, help="after the warm-up (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the record")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return 0
    from lethe.cli.bench import machine  # not where the sides are served: it has moved before

    before = git("rev-parse", "--short", f"{arguments.before}^{{commit}}").decode().strip()
    commits = {"before": before, "now": git("describe", "--always", "--dirty").decode().strip()}
    sides = {
        "before": Side(python_of(before), here=False),
        "now": Side(Path(sys.executable), here=True),
    }
    about = {side: {"commit": commits[side], **sides[side].about} for side in sides}
    if about["before"].pop("file") == about["now"].pop("file"):
        sys.exit("both sides run the same package")
    names = [name for name in ROWS if name != "river" or installed("river")]
    measured = measure(sides, names, arguments.rounds)
    for side in sides.values():
        side.close()
    if "river" not in names:
        print("left out: the river adapter; river is not installed")
    print(
        f"\n{machine()}, one thread, {about['now']['instruction_set']}; {commits['now']} compared "
        f"with {before}; medians of {arguments.rounds} rounds in turn."
    )
    if arguments.json:
        record = {
            "command": f"python benchmarks/events.py --before {before} --rounds {arguments.rounds}",
            "machine": machine(),
            "python": platform.python_version(),
            "numpy": installed("numpy"),
            "river": installed("river"),
            "seed": SEED,
            "sides": about,
            **measured,
        }
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
