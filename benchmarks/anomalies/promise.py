"""Whether scores keep what they promise: of 1,000 events as before, one scores 0.999 or more.

Each stream of generated.py goes on as it began, without an anomaly, through a model with its
defaults and 4 cells. Counted are the events with a score of at least 0.99, 0.999 and 0.9999, over
how many there should be, and the alarms that begin under the default rule, of which there should be
no more than one in 1,000 events. The first events are counted, too.

    python benchmarks/anomalies/promise.py [--events 1000000] [--again]

What is measured is written to the record after each stream, and not measured again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from common import table
from generated import STREAMS, stream

import lethe
from lethe.cli.bench import machine
from lethe.trials.workers import one_thread
from lethe.version import __version__

LEVELS = (0.99, 0.999, 0.9999)
LEAST, MOST = 0.5, 2.0  # of a share over what was promised
MOST_ALARMS = 1.0  # in 1,000 events, the default rule's rate
CELLS, SEED = 4, 0

Row = Mapping[str, float]


def measure(kind: str, events: int) -> dict[str, float]:
    """Shares of scores over what was promised, and alarms in 1,000 events.

    Examples
    --------
    >>> list(measure("noise", 200))
    ['0.99', '0.999', '0.9999', 'alarms_per_1000']
    """
    pattern, noise = stream(kind, events, SEED)
    model, scores, begun = lethe.Model("value", horizon=1, cells=CELLS), np.zeros(events), 0
    for place, value in enumerate((pattern + noise).tolist()):
        report = model.learn({"value": value})
        scores[place] = report.anomaly
        begun += report.alarm is not None and report.alarm.state == "begin"
    # The first event has no score, and compares as less than any level.
    found = {f"{level:g}": float(np.mean(scores >= level)) / (1 - level) for level in LEVELS}
    return found | {"alarms_per_1000": 1000 * begun / events}


def kept(row: Row) -> bool:
    """Whether a stream's shares are near what was promised, and its alarms no more.

    Examples
    --------
    >>> kept({"0.99": 0.9, "0.999": 1.1, "0.9999": 0.8, "alarms_per_1000": 0.4})
    True
    >>> kept({"0.99": 0.9, "0.999": 2.1, "0.9999": 0.8, "alarms_per_1000": 0.4})
    False
    """
    shares = [row[f"{level:g}"] for level in LEVELS]
    return min(shares) >= LEAST and max(shares) <= MOST and row["alarms_per_1000"] <= MOST_ALARMS


def page(rows: Mapping[str, Row]) -> str:
    """The table of all streams."""
    head = ["stream", *(f"{level:g} or more" for level in LEVELS), "alarms in 1,000", "kept"]
    body = []
    for name, row in rows.items():
        shares = [f"{row[f'{level:g}']:.2f}" for level in LEVELS]
        body.append([name, *shares, f"{row['alarms_per_1000']:.2f}", "yes" if kept(row) else "NO"])
    return table(head, body)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000, help="(%(default)s)")
    parser.add_argument("--json", type=Path, default=Path("results/anomaly_promise.json"))
    parser.add_argument("--again", action="store_true", help="measure all once more")
    options = parser.parse_args()
    one_thread()
    rows: dict[str, dict[str, float]] = {}
    if options.json.exists() and not options.again:
        before = json.loads(options.json.read_text(encoding="utf-8"))
        if before["events"] == options.events and before["version"] == __version__:
            rows = before["streams"]
    for kind in STREAMS:
        if kind not in rows:
            rows[kind] = measure(kind, options.events)
            record = {
                "command": f"python benchmarks/anomalies/promise.py --events {options.events}",
                "machine": machine(),
                "version": __version__,
                "instruction_set": lethe.instruction_set(),
                "events": options.events,
                "streams": rows,
            }
            options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            print(f"{kind} done", file=sys.stderr)
    print(page(rows))
    return 0 if all(map(kept, rows.values())) else 1


if __name__ == "__main__":
    sys.exit(main())
