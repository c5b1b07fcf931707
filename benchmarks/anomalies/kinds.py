"""What becomes of anomalies that are put into streams: how many are found, when, and as what.

A model with its defaults and 8 cells, one event ahead, in one pass, the default rule.

- Injected: each of the eight kinds of anomaly of generated.py, 6 spreads large, once in each of
  several streams of 3,000 events, between the 1,500th and the 2,500th. It is found if an alarm
  begins while it lasts (200 events at most) or within 20 events after. Named is what the alarm was
  called last. The delay is that of the first such alarm; further ones are counted as more than one.
  What begins before the anomaly is a false alarm. Five kinds of stream are those by which the
  detector is judged; the others show where it is weaker. A random walk and rare counts are left
  out: their noise is zero, or nearly always is, and some of the kinds change nothing of it.
- One spike of 12 spreads in a season of 48: one alarm, and no other in a season and a half.
- A level shift of 6 or 10 spreads: how many alarms there are, what the first was called at last,
  and after how many events it was over. Counted are those of the next 400 events and one that was
  going on already, a false one that so hides what comes.
- A sensor that is stuck: after how many events an alarm begins that says so.

    python benchmarks/anomalies/kinds.py [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np
from common import Values, cell, table
from generated import ANOMALIES, STREAMS, inject, stream

import lethe
from lethe.cli.bench import machine
from lethe.trials.workers import one_thread
from lethe.version import __version__

JUDGED = ("noise", "seasonal", "autoregressive", "counts", "volatile")
OTHERS = ("working days", "trend", "heavy tails", "skewed", "two levels", "rounded")
EVENTS, SIZE, SEEDS, LATE = 3000, 6.0, 5, 20
SEASON, RUNS, CELLS = 48, 40, 8
NOT_AT_ALL = 400  # events, where something is not over or not found
SOON = 50  # events within which a stuck sensor is to be called one


class Injections(TypedDict):
    """What became of the anomalies of one kind."""

    injected: int
    found: int
    named: int
    delays: list[int]
    more: int
    called: dict[str, int]


class Injected(TypedDict):
    """What became of all of them, by kind, and how many of each kind were found in each stream."""

    by_kind: dict[str, Injections]
    found_in: dict[str, dict[str, int]]
    false: int
    events: int


class Spikes(TypedDict):
    """Of how many spikes there was one alarm, one at once, and one later, too."""

    one: int
    at_once: int
    later: int


class Shifts(TypedDict):
    """The alarms of each level shift, and the events after which the first was over."""

    alarms: list[int]
    at_once: int
    named: int
    over_after: list[int]


def alarms_of(values: Values) -> list[lethe.Alarm]:
    """The alarms of a stream, each as it was last told.

    Examples
    --------
    >>> rest = np.random.default_rng(0).normal(size=300)
    >>> rest[280] = 100
    >>> [(alarm.kind, alarm.begin) for alarm in alarms_of(rest)]
    [('spike', 281)]
    """
    model, found = lethe.Model("value", horizon=1, cells=CELLS), dict[int, lethe.Alarm]()
    for value in values.tolist():
        alarm = model.learn({"value": value}).alarm
        if alarm is not None:
            found[alarm.begin] = alarm
    return list(found.values())


def injected(streams: tuple[str, ...]) -> Injected:
    """Every kind of anomaly, once for each seed, in each of the streams."""
    every = Injected(by_kind={}, found_in={name: {} for name in streams}, false=0, events=0)
    for kind in ANOMALIES:
        row = Injections(injected=0, found=0, named=0, delays=[], more=0, called={})
        called: Counter[str] = Counter()
        for name in streams:
            every["found_in"][name][kind] = 0
            for seed in range(SEEDS):
                draw = np.random.default_rng([seed, ANOMALIES.index(kind)])
                at, spread = int(draw.integers(EVENTS // 2, EVENTS - 500)), STREAMS[name][1]
                made = stream(name, EVENTS, 500 + seed)
                one = inject(*made, kind, at, spread=spread, size=SIZE, seed=seed)
                alarms = alarms_of(one.values)
                last = min(one.end, at + 200) + LATE
                hits = [alarm for alarm in alarms if at < alarm.begin <= last]
                every["false"] += sum(alarm.begin <= at for alarm in alarms)
                every["events"] += at
                row["injected"] += 1
                called[hits[0].kind if hits else "no alarm"] += 1
                if hits:
                    row["found"] += 1
                    every["found_in"][name][kind] += 1
                    row["delays"].append(hits[0].begin - at - 1)
                    row["more"] += len(hits) - 1
        row["named"], row["called"] = called[kind], dict(called.most_common())
        every["by_kind"][kind] = row
    return every


def season(events: int) -> Values:
    """A sine of 48 events, ten spreads high."""
    wave: Values = 10 * np.sin(2 * np.pi * np.arange(events) / SEASON)
    return wave


def spikes() -> Spikes:
    """Single spikes in a season, and all alarms of the next season and a half."""
    found = Spikes(one=0, at_once=0, later=0)
    for seed in range(RUNS):
        random = np.random.default_rng(seed)
        values = season(SEASON * 50) + random.normal(size=SEASON * 50)
        at = SEASON * 30 + int(random.integers(SEASON))
        values[at] += 12
        begun = [alarm.begin for alarm in alarms_of(values[: at + SEASON * 3 // 2 + 1])]
        at_once, later = at + 1 in begun, any(begin > at + 1 for begin in begun)
        found["at_once"] += at_once
        found["later"] += later
        found["one"] += at_once and not later
    return found


def shifts(seasonal: bool, size: float) -> Shifts:
    """Level shifts of so many spreads, and what is said of them in the next 400 events."""
    found = Shifts(alarms=[], at_once=0, named=0, over_after=[])
    for seed in range(RUNS):
        values = (season(2400) if seasonal else 50) + np.random.default_rng(seed).normal(size=2400)
        at = 1500
        values[at:] += size
        alarms = [
            alarm
            for alarm in alarms_of(values)
            if (alarm.end is None or alarm.end > at) and alarm.begin <= at + NOT_AT_ALL
        ]
        found["at_once"] += bool(alarms) and alarms[0].begin == at + 1
        found["alarms"].append(len(alarms))
        found["named"] += bool(alarms) and alarms[0].kind == "level shift"
        end = alarms[0].end if alarms else None
        found["over_after"].append(NOT_AT_ALL if end is None else end - at - 1)
    return found


def stuck() -> list[int]:
    """After how many events a stuck sensor is called one, in each run."""
    found = []
    for seed in range(RUNS):
        values = 50 + np.random.default_rng(seed).normal(size=1600)
        values[1500:] = values[1499]
        said = [a.begin - 1501 for a in alarms_of(values) if a.kind == "stuck" and a.begin > 1500]
        found.append(said[0] if said else NOT_AT_ALL)
    return found


class Record(TypedDict):
    """What is kept."""

    command: str
    machine: str
    version: str
    instruction_set: str
    injected: dict[str, Injected]
    spikes: Spikes
    shifts: dict[str, Shifts]
    stuck_after: list[int]


def share(every: Injected, key: Literal["injected", "found", "named"]) -> int:
    """A count over all kinds."""
    return sum(row[key] for row in every["by_kind"].values())


def injected_page(record: Mapping[str, Injected]) -> str:
    """The table of each group of streams, with a line above."""
    parts = []
    for name, every in record.items():
        n, found, named = share(every, "injected"), share(every, "found"), share(every, "named")
        false = 1000 * every["false"] / every["events"]
        parts.append(
            f"{name}: {found} of {n} found, {named} of these named right, "
            f"{false:.2f} false alarms in 1,000 events\n"
        )
        head = ["injected", "found", "named right", "median delay", "more than one", "called"]
        body = [
            [
                kind,
                f"{row['found']} of {row['injected']}",
                str(row["named"]),
                cell(float(np.median(row["delays"])) if row["delays"] else np.nan, 0),
                str(row["more"]),
                ", ".join(f"{what} {times}" for what, times in row["called"].items()),
            ]
            for kind, row in every["by_kind"].items()
        ]
        parts.append(table(head, body) + "\n")
        head = [f"found, of {SEEDS}", *ANOMALIES]
        found_in = every["found_in"].items()
        body = [[where, *(str(row[kind]) for kind in ANOMALIES)] for where, row in found_in]
        parts.append(table(head, body) + "\n")
    return "\n".join(parts)


def page(record: Record) -> str:
    """What a person reads."""
    one = record["spikes"]
    head = [
        f"level shift, {RUNS} runs",
        "one alarm",
        "at once",
        "named right",
        "over after, median",
        "most",
    ]
    body = [
        [
            name,
            str(row["alarms"].count(1)),
            str(row["at_once"]),
            str(row["named"]),
            cell(float(np.median(row["over_after"])), 0),
            str(max(row["over_after"])),
        ]
        for name, row in record["shifts"].items()
    ]
    late = record["stuck_after"]
    return (
        f"{injected_page(record['injected'])}\n{table(head, body)}\n\n"
        f"One spike in a season, {RUNS} runs: one alarm {one['one']}, at once {one['at_once']}, "
        f"later ones {one['later']}\n"
        f"Stuck, {RUNS} runs: said in {sum(said <= SOON for said in late)} within {SOON} events, "
        f"in the median after {np.median(late):.0f}\n"
    )


def missed(record: Record) -> list[str]:
    """What was aimed at and is not so."""
    every = record["injected"]["judged"]
    n, found, named = share(every, "injected"), share(every, "found"), share(every, "named")
    most = max(max(row["over_after"]) for row in record["shifts"].values())
    bounds = {
        "90 % found": found >= 0.9 * n,
        "85 % named right": named >= 0.85 * found,
        "one false alarm in 1,000 events": every["false"] <= every["events"] / 1000,
        "one alarm for each spike": record["spikes"]["one"] == RUNS,
        "one alarm for each level shift": all(
            set(row["alarms"]) == {1} for row in record["shifts"].values()
        ),
        "level shifts over within 200 events": most <= 200,
        f"stuck within {SOON} events": max(record["stuck_after"]) <= SOON,
    }
    return [name for name, holds in bounds.items() if not holds]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--json", type=Path, default=Path("results/anomaly_kinds.json"))
    options = parser.parse_args()
    one_thread()
    record = Record(
        command="python benchmarks/anomalies/kinds.py",
        machine=machine(),
        version=__version__,
        instruction_set=lethe.instruction_set(),
        injected={"judged": injected(JUDGED), "others": injected(OTHERS)},
        spikes=spikes(),
        shifts={
            f"{name}, {size:g} spreads": shifts(seasonal, size)
            for name, seasonal in (("noise", False), ("season", True))
            for size in (6.0, 10.0)
        },
        stuck_after=stuck(),
    )
    options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(page(record))
    not_so = missed(record)
    print("Missed: " + ("; ".join(not_so) or "nothing"))
    return 1 if not_so else 0


if __name__ == "__main__":
    sys.exit(main())
