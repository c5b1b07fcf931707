"""``lethe bench``: the time of a step, compared with every peer that is installed."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np

from lethe.cli._support import bench_peers as peers
from lethe.cli._support.tables import aligned
from lethe.core.network import Network, instruction_set
from lethe.core.topology import Topology
from lethe.core.updates import SGD
from lethe.tasks.reber import TARGETS, ReberStream
from lethe.trials.workers import one_thread
from lethe.version import __version__

__all__ = ["add_arguments", "machine", "measure", "run"]

PEERS = ("torch", "jax")
LARGER = (32, 128, 512, 1024)
STREAM = 10_000  # steps that the contestants learn repeatedly


class Row(TypedDict):
    """The times of a contestant."""

    network: str
    contestant: str
    microseconds_per_step: float
    fastest_round: float
    ratio: float


class _Record(TypedDict):
    """All that is measured, and on what."""

    machine: str
    python: str
    version: str
    dtype: str
    instruction_set: str
    peers: dict[str, str | None]
    threads: int
    rounds: int
    rows: list[Row]


class Entry(NamedTuple):
    """A contestant, and its steps in a round."""

    name: str
    learn: peers.Contestant
    steps: int


class Arguments(argparse.Namespace):
    """The arguments of the command."""

    rounds: int
    quick: bool
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Peers are PyTorch and JAX; those that are not installed are listed and left out.\n"
        "Contestants take turns; figures are medians of the rounds, one thread.\n"
        "Example: lethe bench --json"
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="rounds after the warm-up (%(default)s)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a tenth of the steps, one larger network: a smoke test",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: Arguments) -> int:
    """Measure all tables and print them.

    Parameters
    ----------
    args : Arguments
        As `add_arguments` declares.

    Returns
    -------
    int
        0.

    Raises
    ------
    ValueError
        If ``--rounds`` is below 1.
    """
    if args.rounds < 1:
        raise ValueError(f"--rounds must be at least 1, got {args.rounds}")
    one_thread()
    rows: list[Row] = []
    for network, baseline, entries in _tables(quick=args.quick):
        if sys.stderr.isatty():
            print(f"measuring: {network}", file=sys.stderr)
        rows += _rows(network, baseline, measure(entries, args.rounds))
    record: _Record = {
        "machine": machine(),
        "python": platform.python_version(),
        "version": __version__,
        "dtype": "float32",
        "instruction_set": instruction_set(),
        "peers": {peer: _installed(peer) for peer in PEERS},
        "threads": 1,
        "rounds": args.rounds,
        "rows": rows,
    }
    if args.json:
        print(json.dumps(record))
    else:
        _print(record)
    return 0


def measure(entries: list[Entry], rounds: int) -> dict[str, list[float]]:
    """Time contestants in turn.

    Parameters
    ----------
    entries : list of Entry
        The contestants. Each does its steps once before the first round, as a warm-up.
    rounds : int
        How often each is timed.

    Returns
    -------
    dict of str to list of float
        Microseconds per step, for each contestant its rounds.
    """
    for entry in entries:
        entry.learn(entry.steps)
    times: dict[str, list[float]] = {entry.name: [] for entry in entries}
    for _ in range(rounds):
        for entry in entries:
            began = time.perf_counter()
            entry.learn(entry.steps)
            times[entry.name].append(1e6 * (time.perf_counter() - began) / entry.steps)
    return times


def machine() -> str:
    """Name this machine's processor and system."""
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return f"{name}, {platform.system()} {platform.machine()}"


def _installed(peer: str) -> str | None:
    try:
        return version(peer)
    except PackageNotFoundError:
        return None


def _tables(*, quick: bool) -> Iterator[tuple[str, str, list[Entry]]]:
    """Yield each table: its network, the contestant that the ratios go by, and the contestants."""
    yield _paper_network(1 if quick else 10)
    for cells in LARGER[:1] if quick else LARGER:
        yield _larger_network(cells)


def _paper_network(scale: int) -> tuple[str, str, list[Entry]]:
    taken = ReberStream(seed=0).take(STREAM)
    targets = np.ascontiguousarray(TARGETS[taken.targets])
    stream = peers.Stream(np.eye(7, dtype=np.float32)[taken.inputs], targets)
    rate = 0.5

    def network() -> Network:
        topology = Topology(inputs=7, outputs=7, blocks=4, cells_per_block=2)
        return Network(topology, update=SGD(rate), seed=0)

    def from_python(steps: int) -> None:
        for at in range(steps):
            stepping.step(stream.inputs[at % STREAM])
            stepping.learn(stream.targets[at % STREAM])

    def by_symbol(steps: int, learn: bool) -> None:
        net = learning if learn else frozen
        for _ in range(steps // STREAM):
            net.run(taken.inputs, targets=targets, learn=learn)

    stepping, learning, frozen = network(), network(), network()
    baseline = "Lethe, run"
    entries = [
        Entry(baseline, partial(by_symbol, learn=True), 20 * STREAM),
        Entry("Lethe, run, frozen", partial(by_symbol, learn=False), 20 * STREAM),
        Entry("Lethe, run, inputs as vectors", _lethe_run(network(), stream), 20 * STREAM),
        Entry("Lethe, step + learn from Python", from_python, 2000 * scale),
    ]
    entries += _of_installed(
        (
            "torch",
            "PyTorch LSTMCell, a step at a time",
            50 * scale,
            partial(peers.torch_steps, stream, 8, rate),
        ),
        (
            "torch",
            "PyTorch LSTM, windows of 100",
            1000 * scale,
            partial(peers.torch_windows, stream, 8, rate),
        ),
        (
            "jax",
            "JAX scan of the same algorithm",
            STREAM * scale,
            partial(peers.jax_scan, stream, network()),
        ),
        (
            "jax",
            "JAX, a step at a time",
            300 * scale,
            partial(peers.jax_steps, stream, network()),
        ),
    )
    return "7 inputs, 4 blocks of 2 cells, 7 outputs", baseline, entries


def _larger_network(cells: int) -> tuple[str, str, list[Entry]]:
    random = np.random.default_rng(0)
    steps = max(20, 20_000 // cells)
    stream = peers.Stream(
        random.standard_normal((steps, 16), np.float32), random.random((steps, 8), np.float32)
    )
    net = Network(Topology(inputs=16, outputs=8, blocks=cells), update=SGD(0.01), seed=0)
    baseline = f"Lethe, {cells} cells"
    entries = [Entry(baseline, _lethe_run(net, stream), 2 * steps)]
    entries += _of_installed(
        (
            "torch",
            f"PyTorch, {cells} cells",
            min(steps, 100),
            partial(peers.torch_steps, stream, cells, 0.01),
        ),
    )
    return f"16 inputs, {cells} cells, 8 outputs", baseline, entries


def _lethe_run(net: Network, stream: peers.Stream) -> peers.Contestant:
    """Go over the stream in compiled code, recording the outputs, as the peers do."""

    def learn(steps: int) -> None:
        for _ in range(steps // len(stream.inputs)):
            net.run(stream.inputs, stream.targets)

    return learn


def _of_installed(
    *contestants: tuple[str, str, int, Callable[[], peers.Contestant]],
) -> list[Entry]:
    return [
        Entry(name, make(), steps) for peer, name, steps, make in contestants if _installed(peer)
    ]


def _rows(network: str, baseline: str, times: dict[str, list[float]]) -> list[Row]:
    of_baseline = statistics.median(times[baseline])
    return [
        {
            "network": network,
            "contestant": name,
            "microseconds_per_step": statistics.median(rounds),
            "fastest_round": min(rounds),
            "ratio": statistics.median(rounds) / of_baseline,
        }
        for name, rounds in times.items()
    ]


def _print(record: _Record) -> None:
    print("The time of a learning step\n")
    lines = [["one step", "µs", "ratio"]]
    network = ""
    for row in record["rows"]:
        if row["network"] != network:
            network = row["network"]
            lines.append([network, "", ""])
        times = (f"{row['microseconds_per_step']:,.3f}", f"{row['ratio']:,.2f}")
        lines.append([f"  {row['contestant']}", *times])
    print(aligned(lines))
    missing = [peer for peer, there in record["peers"].items() if there is None]
    versions = [f"{peer} {there}" for peer, there in record["peers"].items() if there]
    print(
        f"\n{record['machine']}, one thread; lethe {record['version']}, {record['dtype']}, "
        f"{record['instruction_set']}; {', '.join(versions) or 'no peers'}; "
        f"median of {record['rounds']} rounds"
    )
    if missing:
        print(f"not installed: {', '.join(missing)}")
