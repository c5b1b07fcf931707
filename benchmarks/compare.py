"""Lethe and other forecasters at the same origins: `docs/compare.md` and `results/compare.json`.

    python benchmarks/compare.py                           # what the record lacks, then the page
    python benchmarks/compare.py --methods Lethe --again   # Lethe alone once more, then the page
    python benchmarks/compare.py --page                    # the page from the record

Every method goes through every series once, in the order of time, and is asked at the same origins
for 19 quantiles, one and 24 events ahead. The record is written after every series and method, and
what it has is not run again unless the series has changed: a run can be stopped at any time.

docs/compare.md says which packages it needs; a peer that is not installed is left out, and the page
says so.
"""

import argparse
import json
import os
import platform
import sys
import time
import traceback
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from compare_methods import PEERS, TAKE_COLUMNS, Contestant
from compare_page import page
from compare_scoring import scores
from compare_series import Series, collect

from lethe.cli.bench import machine
from lethe.trials.workers import one_thread
from lethe.version import __version__

ROOT = Path(__file__).parents[1]
Row = dict[str, Any]
Record = dict[str, Any]


def contestants(
    wanted: list[str] | None,
) -> tuple[list[Contestant], dict[str, str], dict[str, str]]:
    """Those that are installed, their packages' versions, and what is missing, with the reason."""
    found: list[Contestant] = []
    versions: dict[str, str] = {}
    missing: dict[str, str] = {}
    for package, make in PEERS.items():
        try:
            made = list(make())
        except ImportError as error:
            missing[package] = str(error)
            continue
        made = [one for one in made if not wanted or one.name in wanted]
        found += made
        if made and package != "naive":
            versions[package] = __version__ if package == "lethe" else version(package)
    unknown = set(wanted or ()) - {one.name for one in found}
    if unknown:
        raise SystemExit(f"no such methods are installed: {sorted(unknown)}; missing: {missing}")
    return sorted(found, key=lambda one: one.late), versions, missing


def measure(series: Series, contestant: Contestant, aheads: list[int]) -> list[Row]:
    """A row for each distance; one with what went wrong where something did."""
    start: Row = {
        "series": series.name,
        "method": contestant.name,
        "data": series.fingerprint(),
    }
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            answers = contestant.method(series, aheads)
        return [
            {**start, "ahead": ahead, **_rounded(scores(said, ahead, series.values))}
            for ahead, said in answers.items()
        ]
    except Exception as error:  # a peer's own fault must not end the run
        traceback.print_exc()
        said = f"{type(error).__name__}: {error}"[:200]
        return [{**start, "ahead": ahead, "error": said} for ahead in aheads]


def _rounded(found: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{x:.6g}") if isinstance(x, float) else x for name, x in found.items()}


def run(record: Record, series: list[Series], chosen: list[Contestant], path: Path | None) -> None:
    """What the record lacks, one method after the other, the short series first."""
    marks = {one.name: one.fingerprint() for one in series}
    for contestant in chosen:
        for one in sorted(series, key=lambda one: len(one.values)):
            if one.columns is not None and contestant.name not in TAKE_COLUMNS:
                continue
            key = (one.name, contestant.name, marks[one.name])
            done = {
                row["ahead"]
                for row in record["rows"]
                if (row["series"], row["method"], row["data"]) == key
            }
            asked = [a for a in one.aheads() if contestant.least <= a <= contestant.most]
            lacking = [ahead for ahead in asked if ahead not in done]
            if not lacking:
                continue
            started = time.perf_counter()
            rows = measure(one, contestant, lacking)
            keys = {(row["series"], row["method"], row["ahead"]) for row in rows}
            record["rows"] = [
                row
                for row in record["rows"]
                if (row["series"], row["method"], row["ahead"]) not in keys
            ] + rows
            if path is not None:
                write(record, path)
            print(
                f"{contestant.name}, {one.name}: {time.perf_counter() - started:.1f} s", flush=True
            )


def write(record: Record, path: Path) -> None:
    """A row a line, whole or not at all."""
    rows = sorted(record["rows"], key=lambda row: (row["series"], row["method"], row["ahead"]))
    head = json.dumps({**record, "rows": []}, indent=1, ensure_ascii=False)
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    beside = path.with_suffix(".new")
    beside.write_text(head.replace('"rows": []', f'"rows": [\n{lines}\n]') + "\n", "utf-8")
    os.replace(beside, path)


def read(path: Path) -> Record:
    if path.exists():
        found: Record = json.loads(path.read_text("utf-8"))
        return found
    return {"series": {}, "versions": {}, "missing": {}, "rows": []}


def merge(record: Record, other: Record) -> None:
    """Take over what another environment has measured and this record lacks."""
    have = {(row["series"], row["method"], row["ahead"], row["data"]) for row in record["rows"]}
    record["rows"] += [
        row
        for row in other["rows"]
        if (row["series"], row["method"], row["ahead"], row["data"]) not in have
    ]
    record["series"] = {**other["series"], **record["series"]}
    record["versions"] = {**other["versions"], **record["versions"]}


def describe(record: Record, series: list[Series]) -> None:
    """What the page says of the series."""
    record["series"] |= {
        one.name: {
            "kind": one.kind,
            "events": len(one.values),
            "season": one.season,
            "timed": one.times is not None,
            "chosen_on": one.chosen_on,
            "data": one.fingerprint(),
        }
        for one in series
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--series", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--again", action="store_true", help="run what the record has once more")
    parser.add_argument("--merge", type=Path, nargs="+", default=[], metavar="RECORD")
    parser.add_argument("--page", action="store_true", help="only write the page")
    nab = os.environ.get("LETHE_NAB")
    parser.add_argument("--nab", type=Path, default=nab and Path(nab), metavar="FOLDER")
    parser.add_argument("--record", type=Path, default=ROOT / "results" / "compare.json")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "compare.md")
    arguments = parser.parse_args()
    record = read(arguments.record)
    for other in arguments.merge:
        merge(record, read(other))
    if arguments.merge:
        write(record, arguments.record)
    if not arguments.page:
        one_thread()
        series = collect(arguments.nab)
        describe(record, series)
        if arguments.series:
            series = [one for one in series if one.name in arguments.series]
        chosen, versions, missing = contestants(arguments.methods)
        again = {(one.name, by.name) for one in series for by in chosen}
        if arguments.again:
            record["rows"] = [
                row for row in record["rows"] if (row["series"], row["method"]) not in again
            ]
        record["versions"] |= versions
        record["missing"] = missing
        record["machine"], record["python"] = machine(), platform.python_version()
        run(record, series, chosen, arguments.record)
        write(record, arguments.record)
    classes = arguments.record.with_name("classes.json")
    arguments.out.write_text(page(record, classes), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
