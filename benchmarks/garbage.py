"""What bad rows do to a model: counted, left out, and nothing else.

First a long run: a tenth of the rows are bad in one of eight ways, in a place drawn at random, and
policy "skip" leaves them out. Their number must be that of the model's `skipped`, no answer may be
anything but finite, and at the end the model's whole state, except that count, must have the same
bits as that of a model that saw the clean rows alone.

Then short ones: values that are absurd, a value that never changes, a step of a million. Every
answer must be finite, and the error must come back to what it was.
"""

import argparse
import json
import math
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import lethe
from lethe.cli.bench import machine
from lethe.version import __version__

Row = Any

#: What can be wrong with a row. The first six stand in one of its columns.
BAD: dict[str, Any] = {
    "not a number": math.nan,
    "infinite": math.inf,
    "minus infinite": -math.inf,
    "absurd": 1e308,
    "minus absurd": -1e308,
    "text": "n/a",
    "no row": None,
    "no mapping": 17,
}
COLUMNS = ("flow", "pressure", "warmth")


def clean_rows(seed: int) -> Iterator[dict[str, float]]:
    """Three numbers: a wave, its lagged sum and noise."""
    random = np.random.default_rng(seed)
    pressure = 0.0
    number = 0
    while True:
        for noise in random.standard_normal((1000, 2)).tolist():
            flow = 5 + math.sin(number / 9) + 0.1 * noise[0]
            pressure = 0.8 * pressure + 0.2 * flow
            yield {"flow": flow, "pressure": pressure, "warmth": 20 + noise[1]}
            number += 1


def dirty_rows(seed: int, share: float, counts: dict[str, int]) -> Iterator[tuple[Row, bool]]:
    """Clean rows with bad ones between them; which are counted, by what is wrong with them."""
    random = np.random.default_rng([seed, 1])
    kinds = list(BAD)
    clean = clean_rows(seed)
    yield next(clean), True  # so that it is known what a row has
    while True:
        draws = random.random(1000) < share
        which = random.integers(len(kinds), size=1000).tolist()
        where = random.integers(len(COLUMNS), size=1000).tolist()
        for bad, kind, column in zip(draws.tolist(), which, where, strict=True):
            if not bad:
                yield next(clean), True
                continue
            name = kinds[kind]
            counts[name] += 1
            value = BAD[name]
            if name in ("no row", "no mapping"):
                yield value, False
            else:
                row = dict.fromkeys(COLUMNS, 1.0)
                row[COLUMNS[column]] = value
                yield row, False


def model(seed: int, cells: int) -> lethe.Model:
    return lethe.Model("flow", horizon=1, cells=cells, bad="skip", seed=seed)


def long_run(rows: int, share: float, cells: int, seed: int) -> dict[str, Any]:
    """Dirty rows into one model, the clean ones among them into another."""
    counts = dict.fromkeys(BAD, 0)
    dirty, clean = model(seed, cells), model(seed, cells)
    finite = True
    for number, (row, good) in enumerate(dirty_rows(seed, share, counts)):
        if number == rows:
            break
        report = dirty.learn(row)
        if not report.skipped:
            # What is expected of the next event.
            finite = finite and math.isfinite(dirty.predict().value)
        if good:
            clean.learn(row)
        if report.skipped == good:
            raise AssertionError(f"row {number:,}, {row!r}: skipped is {report.skipped}")
    given = sum(counts.values())
    skipped = dirty.skipped
    for _ in range(skipped):  # as many here: then all that is left must be the same
        clean.learn({"flow": "bad"})
    return {
        "rows": rows,
        "cells": cells,
        "bad": counts,
        "bad_rows": given,
        "skipped": skipped,
        "all_finite": finite,
        "same_bits": same_state(dirty, clean),
    }


def same_state(one: lethe.Model, other: lethe.Model) -> bool:
    """Whether the states of two models have the same bits."""
    (arrays, words), (others, other_words) = one.to_checkpoint(), other.to_checkpoint()
    return (
        words == other_words
        and arrays.keys() == others.keys()
        and all(arrays[name].tobytes() == others[name].tobytes() for name in arrays)
    )


SHORT, SHOCK = 4000, 2000  # events of a short run, and the one that something happens to


def short_runs(seed: int) -> dict[str, list[float]]:
    """Series to which one thing happens."""
    noise = 0.1 * np.random.default_rng([seed, 2]).standard_normal(SHORT)
    wave = 5 + np.sin(np.arange(SHORT) / 9) + noise
    runs: dict[str, list[float]] = {}
    for value in (1e308, -1e308, math.inf, math.nan, 1e149, 1e12):
        values = wave.tolist()
        values[SHOCK] = value
        runs[f"one event of {value:g}"] = values
    often = wave.copy()
    often[SHOCK : SHOCK + 500 : 2] = 1e308 * (-1.0) ** np.arange(250)
    runs["every other of 500 events is ±1e308"] = often.tolist()
    runs["the same value for ever"] = [7.25] * SHORT
    runs["the same value, another from here on"] = [7.25] * SHOCK + [9.5] * (SHORT - SHOCK)
    runs["the same value, then a wave"] = [7.25] * SHOCK + wave[SHOCK:].tolist()
    runs["a step of 1e6"] = (wave + 1e6 * (np.arange(SHORT) >= SHOCK)).tolist()
    runs["a million times as large"] = (wave * np.where(np.arange(SHORT) < SHOCK, 1, 1e6)).tolist()
    runs["a millionth as large"] = (wave * np.where(np.arange(SHORT) < SHOCK, 1, 1e-6)).tolist()
    return runs


def short_run(values: list[float], seed: int) -> dict[str, Any]:
    """Errors before and after, each as a multiple of that of the last value on the same events."""
    learner = lethe.Model("value", horizon=1, seed=seed)
    said, last, finite, newest = [], [], True, 0.0
    for value in values:
        prediction = learner.predict().value
        finite = finite and math.isfinite(prediction)
        said.append(prediction)
        last.append(newest)
        report = learner.learn({"value": value})
        finite = finite and (report.anomaly != report.anomaly or 0 <= report.anomaly <= 1)
        newest = value if abs(value) < 1e150 else newest
    actual = np.array(values)
    actual[~(np.abs(actual) < 1e150)] = math.nan
    errors, naive = np.abs(np.array(said) - actual), np.abs(np.array(last) - actual)

    def ratio(first: int, end: int) -> float | None:
        usual = float(np.nanmean(naive[first:end]))
        return float(np.nanmean(errors[first:end])) / usual if usual > 0 else None

    return {
        "finite": bool(finite),
        "before": ratio(SHOCK - 500, SHOCK),
        "next 100": ratio(SHOCK + 2, SHOCK + 102),
        "next 900": ratio(SHOCK + 102, SHOCK + 1000),
        "last 500": ratio(SHORT - 500, SHORT),
        "largest error of the last 500": float(np.nanmax(errors[-500:])),
    }


def show(record: dict[str, Any]) -> None:
    run = record["long"]
    print(f"{run['rows']:,} rows, {run['bad_rows']:,} of them bad, {run['cells']} cells:")
    for name, count in run["bad"].items():
        print(f"  {name:16} {count:>9,}")
    print(
        f"skipped {run['skipped']:,}: {'exact' if run['skipped'] == run['bad_rows'] else 'WRONG'}"
    )
    print(f"every answer finite: {run['all_finite']}")
    print(f"the same bits as after the clean rows alone: {run['same_bits']}")
    names = ["before", "next 100", "next 900", "last 500"]
    print(f"\nError over that of the last value; it happens to event {SHOCK:,} of {SHORT:,}.\n")
    print("| what happens | finite | " + " | ".join(names) + " |\n|---|---|" + "---:|" * len(names))
    for title, row in record["short"].items():
        cells = " | ".join(
            "no error" if row[name] is None else f"{row[name]:.3g}" for name in names
        )
        print(f"| {title} | {'yes' if row['finite'] else 'NO'} | {cells} |")
    print(f"\n{record['machine']}; lethe {record['version']}, {record['instruction_set']}.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rows", type=int, default=1_000_000, help="(%(default)s)")
    parser.add_argument("--share", type=float, default=0.1, help="of bad rows (%(default)s)")
    parser.add_argument("--cells", type=int, default=32, help="of each network (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the record")
    arguments = parser.parse_args()
    record = {
        "command": f"python benchmarks/garbage.py --rows {arguments.rows} --share {arguments.share}"
        f" --cells {arguments.cells} --seed {arguments.seed}",
        "machine": machine(),
        "python": platform.python_version(),
        "version": __version__,
        "instruction_set": lethe.instruction_set(),
        "seed": arguments.seed,
        "short": {
            name: short_run(values, arguments.seed)
            for name, values in short_runs(arguments.seed).items()
        },
        "long": long_run(arguments.rows, arguments.share, arguments.cells, arguments.seed),
    }
    show(record)
    if arguments.json:
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    run = record["long"]
    good = run["skipped"] == run["bad_rows"] and run["all_finite"] and run["same_bits"]
    return 0 if good and all(row["finite"] for row in record["short"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
