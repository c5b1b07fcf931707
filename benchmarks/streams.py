"""Nanoseconds per generated symbol of each stream."""

import statistics
import time

from lethe.cli.bench import machine
from lethe.tasks.reber import ReberStream

SYMBOLS = 1_000_000
PIECE = 10_000


def main() -> None:
    print(machine())
    stream = ReberStream(seed=0)
    rounds = []
    for _ in range(8):
        began = time.perf_counter()
        for _ in range(SYMBOLS // PIECE):
            stream.take(PIECE)
        rounds.append(1e9 * (time.perf_counter() - began) / SYMBOLS)
    print(f"continual embedded Reber grammar  {statistics.median(rounds[1:]):.1f} ns per symbol")


if __name__ == "__main__":
    main()
