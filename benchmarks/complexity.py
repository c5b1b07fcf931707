"""Section 3.3: time and memory of a learning step over the network's size and the stream's length.

Writes results/complexity.json and prints the tables of docs/complexity.md. Linux only (/proc).
"""

import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

import lethe
from lethe.cli.bench import machine
from lethe.core.equations import complexity
from lethe.core.topology import UnitKind
from lethe.version import __version__

ROOT = Path(__file__).parent.parent
BLOCKS = (1, 2, 4, 8, 16, 32, 64)
LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
CELLS, INPUTS, OUTPUTS = 2, 7, 7
PIECE = 1_000  # Steps that are handed over at a time, the same ones over and over.
ROUNDS = 9
SECONDS = 0.03  # Of a round over one network size, about.


def network(blocks: int) -> lethe.Network:
    """The topology of eq. 25: biased gates and output units, no shortcuts."""
    topology = lethe.Topology(
        inputs=INPUTS, outputs=OUTPUTS, blocks=blocks, cells_per_block=CELLS, shortcuts=False
    )
    return lethe.Network(topology, update=lethe.SGD(0.01), seed=0)


def piece() -> tuple[Any, Any]:
    """Inputs none of which is zero, so that no column of weights can be passed over."""
    random = np.random.default_rng(0)
    inputs = random.standard_normal((PIECE, INPUTS), np.float32)
    return inputs, random.integers(0, 2, (PIECE, OUTPUTS)).astype(np.float32)


def learn(net: lethe.Network, pieces: int, inputs: Any, targets: Any) -> float:
    """Seconds for so many pieces."""
    began = time.perf_counter()
    for _ in range(pieces):
        net.run(inputs, targets, record=())
    return time.perf_counter() - began


def counted(net: lethe.Network) -> dict[str, int]:
    """What one learning step has to do, from the arrays that the network really holds.

    A multiply-add each: forward, every weight; back to the cells, every weight of a cell's output;
    every partial twice to advance (decay, injection) and once to change its weight; every weight
    without partials once.
    """
    kinds: tuple[UnitKind, ...] = ("input_gate", "forget_gate", "cell")
    partials = sum(net.partials(kind).size for kind in kinds)
    others = net.weights("output_gate").size + net.weights("output").size
    weights = net.topology.weights
    return {
        "weights": weights,
        "partials": partials,
        "updates": partials + others,
        "multiply_adds": weights + net.topology.cells * OUTPUTS + 3 * partials + others,
    }


def over_sizes() -> list[dict[str, Any]]:
    """Time and memory of a step for each number of blocks, the sizes in turn."""
    inputs, targets = piece()
    nets = {blocks: network(blocks) for blocks in BLOCKS}
    pieces = {b: max(1, int(SECONDS / learn(net, 1, inputs, targets))) for b, net in nets.items()}
    rounds: dict[int, list[float]] = {blocks: [] for blocks in BLOCKS}
    for _ in range(ROUNDS):
        for blocks, net in nets.items():
            seconds = learn(net, pieces[blocks], inputs, targets)
            rounds[blocks].append(1e9 * seconds / (pieces[blocks] * PIECE))
    rows = []
    for blocks, net in nets.items():
        count = counted(net)
        best = min(rounds[blocks])
        size = len(net.__getstate__()["block"]) // 2  # The other half is a copy to roll back to.
        rows.append(
            {
                "blocks": blocks,
                **count,
                "eq25": complexity(blocks, CELLS, INPUTS, OUTPUTS),
                "eq25_printed": complexity(blocks, CELLS, INPUTS, OUTPUTS, printed=True),
                "nanoseconds_per_step": best,
                "nanoseconds_per_weight": best / count["weights"],
                "bytes": size,
                "bytes_per_weight": size / count["weights"],
            }
        )
    return rows


def over_lengths() -> list[dict[str, Any]]:
    """Time of a step and peak memory of this process, for streams of growing length."""
    inputs, targets = piece()
    learn(network(4), LENGTHS[-1] // PIECE // 10, inputs, targets)
    rounds: dict[int, list[float]] = {length: [] for length in LENGTHS}
    peaks = {}
    for number in range(ROUNDS):
        for length in LENGTHS:
            net = network(4)
            rounds[length].append(1e9 * learn(net, length // PIECE, inputs, targets) / length)
            if number == 0:
                peaks[length] = peak_kibibytes()
    sizes = len(network(4).__getstate__()["block"]) // 2
    return [
        {
            "steps": length,
            "nanoseconds_per_step": min(rounds[length]),
            "bytes": sizes,
            "peak_kibibytes": peaks[length],
        }
        for length in LENGTHS
    ]


def peak_kibibytes() -> int:
    """The most memory that this process has held so far."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    raise OSError("/proc/self/status has no VmHWM")


def main() -> None:
    lengths = over_lengths()  # First, so that the peak is theirs.
    sizes = over_sizes()
    record = {
        "machine": machine(),
        "python": platform.python_version(),
        "version": __version__,
        "dtype": "float32",
        "instruction_set": lethe.instruction_set(),
        "threads": 1,
        "rounds": ROUNDS,
        "figure": "fastest round",
        "cells_per_block": CELLS,
        "inputs": INPUTS,
        "outputs": OUTPUTS,
        "sizes": sizes,
        "lengths": lengths,
    }
    (ROOT / "results" / "complexity.json").write_text(
        json.dumps(record, indent=1) + "\n", encoding="utf-8"
    )
    show(record)


def show(record: dict[str, Any]) -> None:
    print(
        "| B | weights | partials | updates, counted | eq. 25, B·S | eq. 25 as printed | "
        "multiply-adds | ns per step | ns per weight | bytes per weight |\n" + "|" + "---:|" * 10
    )
    for row in record["sizes"]:
        print(
            f"| {row['blocks']} | {row['weights']:,} | {row['partials']:,} | {row['updates']:,} | "
            f"{row['eq25']:,} | {row['eq25_printed']:,} | {row['multiply_adds']:,} | "
            f"{row['nanoseconds_per_step']:,.0f} | {row['nanoseconds_per_weight']:.2f} | "
            f"{row['bytes_per_weight']:.1f} |"
        )
    print("\n| steps | ns per step | bytes of the network | peak of the process, KiB |")
    print("|" + "---:|" * 4)
    for row in record["lengths"]:
        print(
            f"| {row['steps']:,} | {row['nanoseconds_per_step']:.0f} | {row['bytes']:,} | "
            f"{row['peak_kibibytes']:,} |"
        )
    print(
        f"\n{record['machine']}, one thread, {record['dtype']}, {record['instruction_set']}; "
        f"lethe {record['version']}; the fastest of {record['rounds']} rounds in turn."
    )


if __name__ == "__main__":
    main()
