"""Bits per symbol of a model of symbols on text, with each learning rate alone and with both.

The text is the beginning of the help texts that every Python carries; they differ a little from one
version of Python to the next, which the record names.
"""

import argparse
import json
import math
import platform
from pathlib import Path
from typing import Any

import lethe
from lethe.cli.bench import machine
from lethe.data import topics
from lethe.model.networks import RATES

ALONE = (3e-4, 1e-3, 2e-3, 3e-3, 1e-2)


def bits_per_symbol(text: bytes, rates: tuple[float, ...]) -> float:
    """The mean cost of each byte; one that is new costs its surprise and a choice of 256."""
    model = lethe.Model(task="symbols", rates=rates, detect=False)
    bits = 0.0
    for symbol in text:
        prediction = model.predict()
        known = prediction.probabilities.get(symbol)
        bits -= math.log2(prediction.new / 256 if known is None else known)
        model.learn(symbol)
    return bits / len(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=20_000, help="(%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    text = topics()[: arguments.symbols]
    rows = {
        " and ".join(f"{rate:g}" for rate in r): bits_per_symbol(text, r)
        for r in (RATES, *((rate,) for rate in ALONE))
    }
    for rates, bits in rows.items():
        print(f"{rates:16s} {bits:.3f} bits per symbol")
    record: dict[str, Any] = {
        "machine": machine(),
        "python": platform.python_version(),
        "version": lethe.__version__,
        "instruction_set": lethe.instruction_set(),
        "symbols": len(text),
        "seed": 0,
        "bits_per_symbol": rows,
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
