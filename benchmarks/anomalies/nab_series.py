"""The series of the Numenta Anomaly Benchmark, and what detectors make of them."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from common import Detector, Flags, Scored, Stream, Values, cell, mean, table
from measures import pr_area, roc_area, vus_pr
from nab import PROFILES, File, Result, corpus_score, file_score, probation
from nab_published import SCOREBOARD, STANDARD_SCORES

__all__ = ["Row", "Series", "files_of", "layout", "measure", "read", "run"]

THRESHOLDS = (0.95, 0.99, 0.999)
GAUSSIAN = "Gaussian, NAB's own"
ALARMS = "{}, alarms"
WHERE = (
    "a folder of the Numenta Anomaly Benchmark, https://github.com/numenta/NAB: all of it, or "
    "of its data/ a part with labels/combined_windows.json next to the series as windows.json"
)


@dataclass(frozen=True)
class Series:
    """A series, and the first and the last event of each window."""

    stream: Stream
    windows: list[tuple[int, int]]

    @property
    def labels(self) -> Flags:
        """Which events are in a window."""
        labels = np.zeros(len(self.stream.values), bool)
        for first, last in self.windows:
            labels[first : last + 1] = True
        return labels


@dataclass
class Row:
    """What the detectors make of one series: areas if it has windows, else rates of alarms."""

    series: str
    events: int
    areas: dict[str, dict[str, float]] = field(default_factory=dict)
    rates: dict[str, dict[str, float]] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """As it is kept."""
        found: dict[str, object] = {"series": self.series, "events": self.events}
        found |= self.areas
        return found | {name: {"alarms_per_1000": rates} for name, rates in self.rates.items()}


def layout(folder: Path) -> tuple[Path, Path] | None:
    """Where the windows and the data are, in a part of the benchmark or in all of it."""
    for windows, data in (
        (folder / "windows.json", folder),
        (folder / "labels" / "combined_windows.json", folder / "data"),
    ):
        if windows.is_file() and data.is_dir():
            return windows, data
    return None


def read(folder: Path) -> Iterator[Series]:
    """Every series that the file of windows names."""
    where = layout(folder)
    if where is None:
        raise FileNotFoundError(f"expected {WHERE}, got {folder}")
    windows: dict[str, list[tuple[str, str]]] = json.loads(where[0].read_text(encoding="utf-8"))
    for name, pairs in windows.items():
        with (where[1] / name).open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        times = [row["timestamp"] for row in rows]
        stamps = [datetime.fromisoformat(text) for text in times]
        bounds = [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in pairs]
        inside = [[i for i, at in enumerate(stamps) if a <= at <= b] for a, b in bounds]
        values = np.array([[float(row["value"])] for row in rows])
        found = [(places[0], places[-1]) for places in inside if places]
        yield Series(Stream(name, values, times), sorted(found))


def measure(series: Series, scored: Mapping[str, Scored]) -> Row:
    """Areas under curves for a series with windows, else alarms per 1,000 events."""
    labels, name = series.labels, series.stream.name
    row = Row(name, len(labels))
    late = slice(probation(len(labels)), None)
    for detector, found in scored.items():
        if labels.any():
            row.areas[detector] = {
                "roc_area": roc_area(found.scores, labels),
                "roc_area_late": roc_area(found.scores[late], labels[late]),
                "pr_area": pr_area(found.scores, labels),
                "vus_pr": vus_pr(found.scores, labels),
            }
        else:
            row.rates[detector] = {str(at): per_thousand(found.scores, at) for at in THRESHOLDS}
            if found.alarms is not None:
                row.rates[ALARMS.format(detector)] = {"begin": per_thousand(found.alarms, 1e-9)}
    return row


def per_thousand(scores: Values, at: float) -> float:
    """How many of 1,000 events score as much."""
    return 1000 * float(np.mean(scores >= at))


def files_of(all_scored: list[tuple[Series, dict[str, Scored]]]) -> dict[str, list[File]]:
    """What is scored, by detector; alarms count as a detector of their own."""
    files: dict[str, list[File]] = {}
    for series, scored in all_scored:
        for name, found in scored.items():
            files.setdefault(name, []).append(File(found.scores, series.windows))
            if found.alarms is not None:
                alarms = File(found.alarms, series.windows)
                files.setdefault(ALARMS.format(name), []).append(alarms)
    return files


def run(folder: Path, detectors: Mapping[str, Detector]) -> dict[str, object]:
    """Every detector on every series: prints the tables, and returns the record."""
    all_scored: list[tuple[Series, dict[str, Scored]]] = []
    rows = []
    for series in read(folder):
        scored = {name: detector(series.stream) for name, detector in detectors.items()}
        all_scored.append((series, scored))
        rows.append(measure(series, scored))
        print(f"{series.stream.name} done", file=sys.stderr)
    results = {
        name: {profile: corpus_score(files, costs) for profile, costs in PROFILES.items()}
        for name, files in files_of(all_scored).items()
    }
    print(scores_table(results, len(rows)))
    print("\n" + check(all_scored))
    print("\n" + areas_table([row for row in rows if row.areas]))
    print("\n" + rates_table([row for row in rows if row.rates]))
    return {
        "series": [row.record() for row in rows],
        "nab": {
            name: {profile: result.record() for profile, result in by_profile.items()}
            for name, by_profile in results.items()
        },
    }


def scores_table(results: Mapping[str, Mapping[str, Result]], series: int) -> str:
    """The benchmark's score of every detector; on all of its series, beside published ones."""
    head = ["NAB score", *PROFILES, "windows found", "false", "threshold"]
    body = []
    for name, by_profile in results.items():
        standard = by_profile["standard"]
        scores = [cell(result.score, 1) for result in by_profile.values()]
        counts = [f"{standard.found} of {standard.windows}", f"{standard.false:,}"]
        body.append([name, *scores, *counts, cell(standard.threshold, 6)])
    if series == len(STANDARD_SCORES):
        for name, published in SCOREBOARD.items():
            body.append([f"{name} (published)", *(f"{s:.1f}" for s in published), "", "", ""])
    return table(head, body)


def check(all_scored: list[tuple[Series, dict[str, Scored]]]) -> str:
    """Whether the benchmark's own detector has its published score, file by file."""
    same = asked = 0
    for series, scored in all_scored:
        published = STANDARD_SCORES.get(series.stream.name)
        if published is None or GAUSSIAN not in scored:
            continue
        file = File(scored[GAUSSIAN].scores, series.windows)
        asked += 1
        same += abs(file_score(file, 1.0, PROFILES["standard"]) - published) < 1e-9
    return f"The scorer gives {same} of {asked} series the score that NAB published for {GAUSSIAN}."


def areas_table(rows: list[Row]) -> str:
    """Areas under the ROC curve by series, and means of all areas."""
    if not rows:
        return "No series has windows."
    names = list(rows[0].areas)
    body = []
    for row in rows:
        cells = [cell(row.areas[name]["roc_area"]) for name in names]
        body.append([Path(row.series).stem, f"{row.events:,}", *cells])
    for title, key in (
        ("mean", "roc_area"),
        ("mean without the first 15 %, 750 at most", "roc_area_late"),
        ("mean area under precision and recall", "pr_area"),
        ("mean VUS-PR, buffers up to 100", "vus_pr"),
    ):
        means = [f"**{cell(mean(row.areas[name][key] for row in rows))}**" for name in names]
        body.append([f"**{title}**", "", *means])
    return table(["area under the ROC curve", "events", *names], body)


def rates_table(rows: list[Row]) -> str:
    """Alarms per 1,000 events where there is nothing to find, by threshold."""
    if not rows:
        return "Every series has windows."
    parts = []
    names = [name for name, rates in rows[0].rates.items() if "begin" not in rates]
    alarms = [name for name, rates in rows[0].rates.items() if "begin" in rates]
    groups = [(f"score >= {at}", str(at), names) for at in THRESHOLDS]
    for title, key, columns in [*groups, ("that begin", "begin", alarms)]:
        body = [
            [Path(row.series).stem, *(cell(row.rates[name][key], 1) for name in columns)]
            for row in rows
        ]
        over = [f"**{cell(mean(row.rates[name][key] for row in rows), 1)}**" for name in columns]
        if columns:
            head = [f"alarms per 1,000 events, {title}", *columns]
            parts.append(table(head, [*body, ["**mean**", *over]]))
    return "\n\n".join(parts)
