"""``lethe sample``: let a model of symbols or text write on, symbol by symbol."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lethe.cli._support.sessions import Saved, read_life
from lethe.core.network import Network
from lethe.model import Model
from lethe.version import __version__

__all__ = ["add_arguments", "draw", "run"]

LENGTH = 500

Probabilities = NDArray[np.floating[Any]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Examples: lethe learn book.txt --checkpoint life && lethe sample life\n"
        "          lethe sample life --prompt 'The river' --temperature 0.7 --seed 3"
    )
    parser.add_argument(
        "model", metavar="MODEL", help="a checkpoint, or a folder of them: its newest valid one"
    )
    parser.add_argument(
        "--length", type=int, default=LENGTH, metavar="N", help="symbols (%(default)s)"
    )
    parser.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        metavar="T",
        help="below 1 the probable becomes more probable; 0 always takes the most probable (1)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draws (%(default)s)")
    parser.add_argument(
        "--prompt",
        default="",
        metavar="TEXT",
        help="what comes first; without it, the model goes on where its stream stopped",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Draw symbols from a model that stays as it is.

    Parameters
    ----------
    args : argparse.Namespace
        As `add_arguments` declares.

    Returns
    -------
    int
        0.

    Raises
    ------
    ValueError
        If the model cannot be read or is none of symbols, or an argument is out of its range.
    """
    if args.length < 0:
        raise ValueError(f"--length must be at least 0, got {args.length}")
    if not 0 <= args.temperature < math.inf:
        raise ValueError(f"--temperature must be a number at least 0, got {args.temperature}")
    if args.seed < 0:
        raise ValueError(f"--seed must be at least 0, got {args.seed}")
    saved = read_life(args.model)
    random = np.random.default_rng(args.seed)
    if isinstance(saved.what, Network):
        pieces = _of_network(saved, saved.what, args, random)
    else:
        pieces = _of_model(saved.what, args, random)
    if args.json:
        record = {
            "model": str(saved.path),
            "prompt": args.prompt,
            "text": "".join(pieces),
            "length": args.length,
            "temperature": args.temperature,
            "seed": args.seed,
            "version": __version__,
        }
        print(json.dumps(record))
        return 0
    print(args.prompt, end="")
    for piece in pieces:
        print(piece, end="", flush=sys.stdout.isatty())
    print()
    return 0


def draw(probabilities: Probabilities, temperature: float, random: np.random.Generator) -> int:
    """One index, by these probabilities to the power of 1 / temperature.

    Examples
    --------
    >>> draw(np.array([0.2, 0.5, 0.3]), 0.0, np.random.default_rng(0))
    1
    """
    if temperature == 0:
        return int(np.argmax(probabilities))
    with np.errstate(divide="ignore"):
        heights = np.log(probabilities.astype(np.float64)) / temperature
    weights = np.exp(heights - heights.max())
    return int(np.searchsorted(np.cumsum(weights), random.random() * weights.sum(), side="right"))


def _of_network(
    saved: Saved, net: Network, args: argparse.Namespace, random: np.random.Generator
) -> Iterator[str]:
    """What a network of byte values writes."""
    import codecs

    topology = net.topology
    if topology.outputs != topology.inputs or topology.output_units != "softmax":
        raise ValueError(f"MODEL must be a network of symbols, got {net!r}")
    if topology.inputs != 256:
        raise ValueError(f"MODEL must know the 256 byte values, got {topology.inputs} symbols")
    last = saved.scores["last"] if saved.story else None
    prompt = args.prompt.encode()
    # What the network has not taken in yet: its stream's last symbol, and the prompt.
    known = ([] if last is None else [last]) + list(prompt)
    if not known:
        known = [int(random.integers(256))]
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write() -> Iterator[str]:
        for symbol in known[:-1]:
            net.step(symbol, learn=False)
        symbol = known[-1]
        for _ in range(args.length):
            symbol = draw(net.step(symbol, learn=False), args.temperature, random)
            yield decoder.decode(bytes([symbol]))
        yield decoder.decode(b"", final=True)

    return write()


def _of_model(model: Any, args: argparse.Namespace, random: np.random.Generator) -> Iterator[str]:
    """What a model of symbols writes."""
    if not isinstance(model, Model) or model.task != "symbols":
        raise ValueError(f"MODEL must be one of symbols or text, got one of {model.task}")
    if not model.events:
        raise ValueError(f"MODEL must have learned from an event, got none in {args.model}")
    labels = list(model.predict().probabilities)
    text = _as_text(labels)
    for symbol in _symbols_of(args.prompt, labels):
        model.follow(symbol)

    def write() -> Iterator[str]:
        for _ in range(args.length):
            given = model.predict().probabilities
            weights = np.array(list(given.values()))
            symbol = list(given)[draw(weights, args.temperature, random)]
            yield text(symbol)
            model.follow(symbol)

    return write()


def _are_bytes(labels: list[Any]) -> bool:
    return all(type(label) is int and 0 <= label < 256 for label in labels)


def _symbols_of(prompt: str, labels: list[Any]) -> list[Any]:
    """A prompt as symbols: its bytes, where the model knows bytes, else its characters or words."""
    if _are_bytes(labels):
        return list(prompt.encode())
    if all(isinstance(label, str) and len(label) == 1 for label in labels):
        return list(prompt)
    known = {str(label): label for label in labels}
    return [known.get(word, word) for word in prompt.split()]


def _as_text(labels: list[Any]) -> Callable[[Any], str]:
    if _are_bytes(labels):
        return lambda symbol: chr(symbol) if symbol < 128 else "\ufffd"
    if all(isinstance(label, str) and len(label) == 1 for label in labels):
        return str
    return lambda symbol: f"{symbol} "
