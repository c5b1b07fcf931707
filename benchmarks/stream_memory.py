"""Resident size of a model over 10 million events. Linux only (/proc).

A small network, so that it takes minutes and not hours: what could grow is everything else. The
stream has two numbers, a category of which new values come for ever, values that are missing, and
times; the anomaly scores are on.
"""

import argparse
import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from memory import resident_kibibytes

import lethe
from lethe.cli.bench import machine
from lethe.version import __version__

PIECE = 1000
START = 1_700_000_000.0  # seconds


def stream(seed: int) -> Iterator[dict[str, Any]]:
    random = np.random.default_rng(seed)
    number = 0
    while True:
        noise = random.standard_normal((PIECE, 2)).tolist()
        visitors = random.integers(0, 20, PIECE).tolist()
        for (first, second), visitor in zip(noise, visitors, strict=True):
            yield {
                "time": START + 60.0 * number,
                "load": 5 + (number % 50) / 10 + first,
                "warmth": None if visitor == 0 else 20 + second,
                # One of a few; one of a thousand events brings a name that was never there.
                "visitor": f"new {number}" if number % 1000 == 999 else f"known {visitor}",
            }
            number += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--millions", type=int, default=10, help="(%(default)s)")
    parser.add_argument("--cells", type=int, default=8, help="(%(default)s)")
    parser.add_argument("--categories", type=int, default=50, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the record")
    arguments = parser.parse_args()
    model = lethe.Model(
        "load",
        horizon=1,
        time="time",
        cells=arguments.cells,
        categories=arguments.categories,
        seed=arguments.seed,
    )
    sizes: list[dict[str, float]] = []
    events = stream(arguments.seed)
    print(machine())
    for million in range(arguments.millions + 1):
        size = resident_kibibytes()
        sizes.append({"events": model.events, "resident_kibibytes": size})
        print(f"{model.events:>12,} events  {size:>8,} KiB", flush=True)
        for _ in range(1_000_000 if million < arguments.millions else 0):
            model.learn(next(events))
    print(f"lethe {__version__}, {lethe.instruction_set()}")
    if arguments.json:
        record = {
            "command": f"python benchmarks/stream_memory.py --millions {arguments.millions} "
            f"--cells {arguments.cells} --categories {arguments.categories} "
            f"--seed {arguments.seed}",
            "machine": machine(),
            "python": platform.python_version(),
            "version": __version__,
            "instruction_set": lethe.instruction_set(),
            "seed": arguments.seed,
            "sizes": sizes,
        }
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
