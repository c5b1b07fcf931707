"""A network from a checkpoint that anyone may have written is refused, or it works."""

import copy
import json
import os
import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.lives import from_state, to_state

from lethe import Adam, Network, NotFiniteError, RMSprop, Topology, storage

MB = 2**20
COUNTERS = slice(8, 40)  # of a block's header: steps, updates, passes, steps of this sequence


def with_counters(block: NDArray[np.uint8], value: int) -> NDArray[np.uint8]:
    """A block whose counters, and those of its snapshot, have this value."""
    changed = block.copy()
    for half in (changed[: len(block) // 2], changed[len(block) // 2 :]):
        half[COUNTERS] = np.frombuffer(struct.pack("<4q", *(value,) * 4), np.uint8)
    return changed


@pytest.mark.parametrize("count", [2**63 - 1, 2**52 + 1, -1])
def test_counters_that_no_network_reaches_are_refused(count: int) -> None:
    block, configuration = to_state(Network(Topology(inputs=2, outputs=1)))
    with pytest.raises(ValueError, match="not its counters"):
        from_state(with_counters(block, count), configuration)


def test_the_highest_counters_count_on_and_are_saved() -> None:
    block, configuration = to_state(Network(Topology(inputs=2, outputs=1)))
    net = from_state(with_counters(block, 2**52 - 10), configuration)
    for n in range(3):
        net.step(n % 2)
        net.learn([0.5])
    assert net.steps == 2**52 - 7
    assert from_state(*to_state(net)).steps == net.steps


def test_a_block_in_other_memory_and_a_copy_of_it() -> None:
    topology, update = Topology(inputs=2, outputs=1), RMSprop(0.01)
    memory = to_state(Network(topology, update=update, seed=3))[0]
    memory = memory[: len(memory) // 2].copy()
    view = Network.on_memory(topology, update, memory)
    copied = Network.from_memory(topology, update, memory.tobytes())
    for net in (view, copied):
        for n in range(5):
            net.step(n % 2)
            net.learn([0.5])
    assert view.weights("cell").tobytes() == copied.weights("cell").tobytes()
    assert np.shares_memory(view.weights("cell"), memory)
    assert not np.shares_memory(copied.weights("cell"), memory)
    with pytest.raises(ValueError, match="memory must have"):
        Network.on_memory(topology, update, memory[:-64])


HUGE: dict[str, dict[str, Any]] = {
    "inputs": {"inputs": 1_000_000, "outputs": 1, "blocks": 1, "shortcuts": False},
    "outputs": {"inputs": 1, "outputs": 1_000_000, "blocks": 1},
    "blocks": {"inputs": 1, "outputs": 1, "blocks": 1 << 20},
    "biases": {
        "inputs": 1, "outputs": 1, "blocks": 1 << 20,
        "input_gate_bias": 2.0, "forget_gate_bias": 2.0, "output_gate_bias": 2.0,
    },
    "cells": {"inputs": 1, "outputs": 1, "blocks": 4, "cells_per_block": 1 << 20},
    "layers": {"inputs": 1, "outputs": 1, "blocks": 1, "layers": 1 << 20},
    "all": dict.fromkeys(("inputs", "outputs", "blocks", "cells_per_block", "layers"), 1 << 20),
}  # fmt: skip

READ = """
import resource, sys
from lethe import Network, storage
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
arrays, metadata = storage.read(sys.argv[1])
try:
    Network.from_checkpoint(arrays, metadata)
except ValueError:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="getrusage counts in other units elsewhere")
@pytest.mark.parametrize("name", HUGE)
@pytest.mark.parametrize("size", [0, 32 * MB])
def test_a_block_that_is_too_small_takes_no_memory(name: str, size: int, tmp_path: Path) -> None:
    configuration = {
        "topology": HUGE[name],
        "update": Adam(0.1).configuration(),
        "dtype": "float64",
    }
    path = tmp_path / "x.safetensors"
    storage.write(path, {"block": np.zeros(size, np.uint8)}, {"configuration": configuration})
    words = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 50 * MB + 2 * os.path.getsize(path)


def mutated(value: Any, draw: random.Random) -> Any:
    """JSON with one value in it replaced."""
    odd = [None, True, -1, 0, 3, 2**70, 1e308, float("nan"), "", "SGD", [], {}, [0.5] * 9]
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(list(value))
        changed = mutated(value[key], draw)
        return {(name + "x" * (draw.random() < 0.05)): item for name, item in value.items()} | {
            key: changed
        }
    if isinstance(value, list) and value and draw.random() < 0.5:
        place = draw.randrange(len(value))
        return [*value[:place], mutated(value[place], draw), *value[place + 1 :]]
    return draw.choice(odd)


def test_mutations_are_refused_or_work() -> None:
    draw = random.Random(1)
    topology = Topology(inputs=3, outputs=2, blocks=2, layers=2, forget_gate_bias=(1.0, 2.0))
    net = Network(topology, update=RMSprop(0.01), seed=1)
    net.run(np.arange(30) % 3, np.arange(30) % 2)
    net.step(1)
    block, configuration = to_state(net)
    refused = 0
    for _ in range(1000):
        changed, parts = block.copy(), copy.deepcopy(configuration)
        if draw.random() < 0.5:
            parts = json.loads(json.dumps(mutated(parts, draw)))
        for _ in range(draw.randrange(3)):
            where = draw.randrange(64 if draw.random() < 0.5 else len(block))
            changed[where] = draw.randrange(256)
        try:
            found = from_state(changed, parts if isinstance(parts, dict) else {})
        except ValueError:
            refused += 1
            continue
        with np.errstate(all="ignore"):
            for n in range(20):
                try:
                    found.step(n % found.topology.inputs)
                    found.learn(n % found.topology.outputs)
                except NotFiniteError:
                    pass
                except RuntimeError:  # the partials are older than the states
                    found.reset()
    assert 300 < refused < 900
