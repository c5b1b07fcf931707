"""``lethe learn``: predict a text byte by byte, and learn from every byte."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lethe.network import Network, NotFiniteError, instruction_set
from lethe.prequential import Score, predict_symbols
from lethe.streams import TextStream, topics
from lethe.topology import Topology
from lethe.updates import SGD, Adam, RMSprop, Update
from lethe.version import __version__

__all__ = ["UPDATES", "add_arguments", "run", "text_topology"]

SYMBOLS = 256
LAYERS, CELLS = 3, 64
MOST_CELLS = 1 << 20  # in all layers

#: The update rules by name, each from a learning rate; and the rate that suits it.
UPDATES: dict[str, tuple[Callable[[float], Update], float]] = {
    "sgd": (lambda rate: SGD(rate), 0.5),
    "momentum": (lambda rate: SGD(rate, momentum=0.9), 0.05),
    "rmsprop": (lambda rate: RMSprop(rate, smoothing=0.9999, epsilon=3e-5), 0.002),
    "adam": (lambda rate: Adam(rate, first=0.5, second=0.9999, epsilon=3e-5), 0.005),
}


def text_topology(layers: int = LAYERS, cells: int = CELLS) -> Topology:
    """The network for text: layers of one-cell memory blocks, softmax outputs over the 256 bytes.

    Parameters
    ----------
    layers, cells : int
        Hidden layers, and memory blocks in each.

    Returns
    -------
    Topology
        With the initial biases and squashing functions that docs/text.md arrives at.
    """
    return Topology(
        inputs=SYMBOLS,
        outputs=SYMBOLS,
        blocks=cells,
        layers=layers,
        shortcuts=False,
        output_units="softmax",
        cell_input="tanh",
        cell_output="tanh",
        input_gate_bias=0.0,
        forget_gate_bias=1.0,
        output_gate_bias=-1.0,
        initial_range=0.1,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Examples: lethe learn --limit 100000     real text that every Python carries\n"
        "          lethe learn book.txt --json\n"
        "          gzip -dc log.gz | lethe learn - --cells 64"
    )
    parser.add_argument(
        "source",
        nargs="?",
        metavar="SOURCE",
        help="a file, or - for standard input; without it, the text of pydoc_data.topics",
    )
    parser.add_argument(
        "--symbols",
        action="store_true",
        help="the events are symbols, the source's 256 byte values (so far the only kind)",
    )
    parser.add_argument("--layers", type=int, default=LAYERS, help="hidden layers (%(default)s)")
    parser.add_argument(
        "--cells", type=int, default=CELLS, help="memory cells in each layer (%(default)s)"
    )
    parser.add_argument(
        "--update", choices=UPDATES, default="rmsprop", help="the update rule (%(default)s)"
    )
    rates = ", ".join(f"{name} {rate:g}" for name, (_, rate) in UPDATES.items())
    parser.add_argument("--rate", type=float, help=f"the learning rate (by default {rates})")
    parser.add_argument("--seed", type=int, default=0, help="of the first weights (%(default)s)")
    parser.add_argument("--limit", type=int, metavar="N", help="stop after N symbols")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")


def run(args: argparse.Namespace) -> int:
    """Learn a source, show how well it goes, and print the figures at the end.

    Parameters
    ----------
    args : argparse.Namespace
        As `add_arguments` declares.

    Returns
    -------
    int
        0; 1 where the network's numbers stopped being finite; 130 after Ctrl-C. Both print the
        figures of the symbols that were learned.

    Raises
    ------
    ValueError
        If the source cannot be read or is empty, or an argument is out of its range.
    """
    net = _network(args)
    stream, name = _open(args.source)
    score, code, reason = None, 0, ""
    with closing(stream), _progress(args.limit) as show:
        try:
            for score in predict_symbols(net, stream, limit=args.limit):
                show(score)
        except KeyboardInterrupt:
            code, reason = 130, "interrupted"
        except NotFiniteError as error:
            code, reason = 1, str(error)
    if reason:
        print(f"lethe learn: {reason}", file=sys.stderr)
    if score is None:
        if not reason:
            raise ValueError(f"SOURCE must hold at least one byte, got none from {name}")
        return code
    if args.json:
        print(json.dumps(_record(score, net, name, args.seed)))
    else:
        print(_text(score, net, name, args.seed))
    return code


def _network(args: argparse.Namespace) -> Network:
    if args.limit is not None and args.limit < 1:
        raise ValueError(f"--limit must be at least 1, got {args.limit}")
    if args.seed < 0:
        raise ValueError(f"--seed must be at least 0, got {args.seed}")
    for option in ("layers", "cells"):
        if getattr(args, option) < 1:
            raise ValueError(f"--{option} must be at least 1, got {getattr(args, option)}")
    if args.layers * args.cells > MOST_CELLS:
        raise ValueError(
            f"--layers times --cells must be at most {MOST_CELLS:,}, "
            f"got {args.layers:,} times {args.cells:,}"
        )
    make, rate = UPDATES[args.update]
    try:
        update = make(rate if args.rate is None else args.rate)
    except ValueError as error:
        raise ValueError(f"--{error}") from None
    try:
        return Network(text_topology(args.layers, args.cells), update=update, seed=args.seed)
    except ValueError as error:
        if not str(error).startswith("topology "):  # which must fit into memory
            raise
        raise ValueError(
            f"--layers {args.layers:,} and --cells {args.cells:,} are too many: {error}"
        ) from None


def _open(source: str | None) -> tuple[TextStream, str]:
    """The stream, and its name."""
    if source is None:
        return TextStream(topics()), f"pydoc_data.topics of Python {sys.version.split()[0]}"
    if source == "-":
        if sys.stdin is None:
            raise ValueError("SOURCE - needs standard input, which is closed")
        return TextStream(sys.stdin.buffer), "standard input"
    return TextStream(Path(source)), source


@contextmanager
def _progress(limit: int | None) -> Iterator[Callable[[Score], None]]:
    """What shows a score on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda score: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.completed:,} symbols"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=limit)
        yield lambda score: bar.update(
            task,
            completed=score.symbols,
            description=f"{score.recent_bits_per_symbol:.3f} bits/symbol lately, "
            f"{score.bits_per_symbol:.3f} overall, {score.microseconds_per_symbol:.0f} µs/symbol",
        )


def _record(score: Score, net: Network, name: str, seed: int) -> dict[str, object]:
    return {
        "source": name,
        "symbols": score.symbols,
        "bits_per_symbol": score.bits_per_symbol,
        "recent_bits_per_symbol": score.recent_bits_per_symbol,
        "microseconds_per_symbol": score.microseconds_per_symbol,
        "layers": net.topology.layers,
        "cells": net.topology.cells,
        "update": repr(net.update),
        "seed": seed,
        "version": __version__,
        "dtype": str(net.dtype),
        "instruction_set": instruction_set(),
    }


def _text(score: Score, net: Network, name: str, seed: int) -> str:
    topology = net.topology
    return (
        f"{score.symbols:,} symbols of {name}\n"
        f"{topology.layers} layers of {topology.cells} cells ({topology.weights:,} weights), "
        f"{net.update}, seed {seed}, {net.dtype}, {instruction_set()}\n"
        f"bits per symbol          {score.bits_per_symbol:.3f}, "
        f"the last 10,000 {score.recent_bits_per_symbol:.3f}\n"
        f"microseconds per symbol  {score.microseconds_per_symbol:.1f}"
    )
