"""The UCR anomaly archive: 250 series with one anomaly each, and its contest's protocol.

Wu and Keogh, "Current Time Series Anomaly Detection Benchmarks are Flawed and are Creating the
Illusion of Progress", IEEE TKDE 2021, and the contest at SIGKDD 2021. A file's name ends with where
the training part ends, and where the anomaly begins and ends. A detector points to one place of the
rest; it is right if that is within the anomaly or at most its length, or 100 if that is more, away.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import Detector, Stream, Values, cell, mean, table

__all__ = ["Task", "hit", "parse", "read", "run"]

LONG = 50_000
SLACK = 100
WHERE = "the folder of the UCR anomaly archive that has its 250 files, 001_UCR_Anomaly_….txt"
NAME = re.compile(r"_(\d+)_(\d+)_(\d+)$")


@dataclass(frozen=True)
class Task:
    """A series, where its training part ends, and where its anomaly is.

    Attributes
    ----------
    stream : Stream
        All of it.
    trained : int
        So many events are before the part in which the anomaly is looked for.
    first, last : int
        The anomaly's first and last event, from 0.
    """

    stream: Stream
    trained: int
    first: int
    last: int


def parse(name: str) -> tuple[int, int, int]:
    """Where training ends and the anomaly's first and last event, which names count from 1.

    Examples
    --------
    >>> parse("004_UCR_Anomaly_DISTORTEDBIDMC1_2500_5400_5600")
    (2500, 5399, 5599)
    """
    found = NAME.search(name)
    if found is None:
        raise ValueError(f"name must end with three numbers, got {name!r}")
    trained, first, last = map(int, found.groups())
    return trained, first - 1, last - 1


def read(folder: Path) -> Iterator[Task]:
    """Every series of the archive; some have one value a line, some all in one."""
    paths = sorted(folder.glob("*.txt"))
    if not paths:
        raise FileNotFoundError(f"expected {WHERE}, got {folder}")
    for path in paths:
        values = np.array(path.read_text(encoding="utf-8").split(), float)
        yield Task(Stream(path.stem, values[:, np.newaxis]), *parse(path.stem))


def hit(scores: Values, task: Task) -> bool:
    """Whether the highest score after the training part, the first of equal ones, is near.

    Examples
    --------
    >>> task = Task(Stream("made", np.zeros((2000, 1))), 500, 1000, 1019)
    >>> scores = np.zeros(2000)
    >>> scores[[100, 1119]] = 2.0, 1.0
    >>> hit(scores, task)
    True
    """
    place = task.trained + int(np.argmax(scores[task.trained :]))
    away = max(SLACK, task.last - task.first + 1)
    return task.first - away <= place <= task.last + away


def run(folder: Path, detectors: Mapping[str, Detector]) -> dict[str, object]:
    """Every detector on every series: prints the table, and returns the record."""
    hits: dict[str, dict[str, bool]] = {}
    lengths: dict[str, int] = {}
    for task in read(folder):
        name = task.stream.name
        lengths[name] = len(task.stream.values)
        for detector, detect in detectors.items():
            found = detect(task.stream)
            hits.setdefault(detector, {})[name] = hit(found.scores, task)
            if found.alarms is not None:
                hits.setdefault(f"{detector}, alarms", {})[name] = hit(found.alarms, task)
        print(f"{name} done", file=sys.stderr)
    long = [name for name, events in lengths.items() if events > LONG]
    body = []
    for detector, by_name in hits.items():
        shares = [mean(float(by_name[name]) for name in names) for names in (lengths, long)]
        body.append([detector, *map(cell, shares)])
    head = [f"right, of {len(lengths)} series", "all", f"the {len(long)} of more than {LONG:,}"]
    print(table(head, body))
    return {"ucr": {"events": lengths, "hits": hits}}
