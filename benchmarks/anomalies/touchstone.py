"""Streams as tables with a column of labels, as Touchstone and TimeEval have them.

https://github.com/wenig/touchstone-rs: the first column is the time, which detectors do not see,
the last is 1 for the events of anomalies, the others are the values. Every event is scored before
the next one is seen, and nothing is left out. Its area under precision and recall is made of
trapezoids. Unlike there, events without a score are not left out either: they score 0.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from common import Detector, Flags, Stream, Values, cell, mean, table
from measures import pr_area, roc_area

__all__ = ["read", "run"]

WHERE = "a folder of streams, .csv or .parquet: time, values, and a label of 0 or 1 at the end"


def read(folder: Path) -> Iterator[tuple[Stream, Flags]]:
    """Every stream of a folder, and which of its events are anomalies."""
    paths = sorted([*folder.glob("*.csv"), *folder.glob("*.parquet")])
    if not paths:
        raise FileNotFoundError(f"expected {WHERE}, got {folder}")
    for path in paths:
        numbers = _of_parquet(path) if path.suffix == ".parquet" else _of_csv(path)
        yield Stream(path.stem, numbers[:, :-1]), numbers[:, -1] > 0.5


def _of_csv(path: Path) -> Values:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        found = [[float(text) if text.strip() else np.nan for text in row[1:]] for row in rows]
    return np.array(found)


def _of_parquet(path: Path) -> Values:
    from pyarrow import parquet

    columns = parquet.read_table(path).columns[1:]
    return np.column_stack([np.asarray(column, float) for column in columns])


def run(folder: Path, detectors: Mapping[str, Detector]) -> dict[str, object]:
    """Every detector on every stream: prints the tables, and returns the record."""
    areas: dict[str, dict[str, dict[str, float]]] = {}
    for stream, labels in read(folder):
        for detector, detect in detectors.items():
            scores = detect(stream).scores
            areas.setdefault(stream.name, {})[detector] = {
                "roc_area": roc_area(scores, labels),
                "pr_area": pr_area(scores, labels, trapezoids=True),
            }
        print(f"{stream.name} done", file=sys.stderr)
    parts = []
    for key, title in (("roc_area", "ROC curve"), ("pr_area", "precision and recall")):
        body = [
            [name, *(cell(by_detector[detector][key]) for detector in detectors)]
            for name, by_detector in areas.items()
        ]
        means = [mean(one[detector][key] for one in areas.values()) for detector in detectors]
        body.append(["**mean**", *(f"**{cell(number)}**" for number in means)])
        parts.append(table([f"area under {title}", *detectors], body))
    print("\n\n".join(parts))
    return {"touchstone": areas}
