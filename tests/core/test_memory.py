"""A network lives in constant memory."""

import os
from pathlib import Path

import pytest

import lethe
from lethe.tasks.reber import TARGETS, ReberStream

STATM = Path("/proc/self/statm")


@pytest.mark.skipif(not STATM.exists(), reason="reads the resident size from /proc")
def test_resident_size_is_flat_over_a_million_steps() -> None:
    def resident() -> int:
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    topology = lethe.Topology(inputs=7, outputs=7, blocks=4, cells_per_block=2)
    net = lethe.Network(topology, update=lethe.SGD(0.5), seed=0)
    stream = ReberStream(seed=0)
    sizes = []
    for _ in range(110):
        steps = stream.take(10_000)
        net.run(steps.inputs, steps.targets, target_table=TARGETS)
        sizes.append(resident())
    assert net.steps == 1_100_000
    # The first tenth brings in what is loaded once. A step that kept 8 bytes would add 8 MB.
    assert sizes[-1] - sizes[10] < 2_000_000
