"""Resident size over 10 million learning steps of the paper's network. Linux only (/proc)."""

import os
from pathlib import Path

import lethe
from lethe.cli.bench import machine
from lethe.tasks.reber import TARGETS, ReberStream

MILLIONS = 10
PIECE = 10_000


def resident_kibibytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def main() -> None:
    topology = lethe.Topology(inputs=7, outputs=7, blocks=4, cells_per_block=2)
    net = lethe.Network(topology, update=lethe.SGD(0.5), seed=0)
    stream = ReberStream(seed=0)
    print(machine())
    for million in range(MILLIONS + 1):
        print(f"{net.steps:>12,} steps  {resident_kibibytes():>8,} KiB", flush=True)
        if million < MILLIONS:
            for _ in range(1_000_000 // PIECE):
                steps = stream.take(PIECE)
                net.run(steps.inputs, steps.targets, target_table=TARGETS)


if __name__ == "__main__":
    main()
