"""``lethe sample``: generate symbols or text with a model."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lethe.cli._support.run_metadata import TextMetadata
from lethe.cli._support.sessions import Saved, read_checkpoint
from lethe.core.network import Network
from lethe.model import Model
from lethe.version import __version__

__all__ = ["add_arguments", "draw", "run"]

LENGTH = 500

Probabilities: TypeAlias = NDArray[np.float32] | NDArray[np.float64]

#: A symbol: a string, a number, or whatever the model was given.
Symbol: TypeAlias = Hashable


class Arguments(argparse.Namespace):
    """The arguments of the command."""

    model: str
    length: int
    temperature: float
    seed: int
    prompt: str
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Examples: lethe learn book.txt --checkpoint state && lethe sample state\n"
        "          lethe sample state --prompt 'The river' --temperature 0.7 --seed 3"
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
        help="the beginning of the text; without it, the model continues where its stream stopped",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: Arguments) -> int:
    """Draw symbols from a model that does not change.

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
        If the model cannot be read or does not predict symbols, or an argument is out of range.
    """
    if args.length < 0:
        raise ValueError(f"--length must be at least 0, got {args.length}")
    if not 0 <= args.temperature < math.inf:
        raise ValueError(f"--temperature must be a number at least 0, got {args.temperature}")
    if args.seed < 0:
        raise ValueError(f"--seed must be at least 0, got {args.seed}")
    saved = read_checkpoint(args.model)
    random = np.random.default_rng(args.seed)
    if isinstance(saved.model, Network):
        pieces = _of_network(saved, saved.model, args, random)
    else:
        pieces = _of_model(saved.model, args, random)
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
    """Draw an index, with these probabilities to the power of 1 / temperature.

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
    saved: Saved, net: Network, args: Arguments, random: np.random.Generator
) -> Iterator[str]:
    """Text from a network of byte values."""
    import codecs

    topology = net.topology
    if topology.outputs != topology.inputs or topology.output_units != "softmax":
        raise ValueError(f"MODEL must be a network of symbols, got {net!r}")
    if topology.inputs != 256:
        raise ValueError(f"MODEL must know the 256 byte values, got {topology.inputs} symbols")
    last = saved.run.tally.last if isinstance(saved.run, TextMetadata) else None
    prompt = args.prompt.encode()
    # Symbols that are not yet in the network's state: its stream's last one, and the prompt.
    known = ([] if last is None else [last]) + list(prompt)
    if not known:
        known = [int(random.integers(256))]
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def generate() -> Iterator[str]:
        for symbol in known[:-1]:
            net.step(symbol, learn=False)
        symbol = known[-1]
        for _ in range(args.length):
            symbol = draw(net.step(symbol, learn=False), args.temperature, random)
            yield decoder.decode(bytes([symbol]))
        yield decoder.decode(b"", final=True)

    return generate()


def _of_model(model: Model, args: Arguments, random: np.random.Generator) -> Iterator[str]:
    """Text from a model of symbols."""
    if model.task != "symbols":
        raise ValueError(f"MODEL must be one of symbols or text, got one of {model.task}")
    if not model.events:
        raise ValueError(f"MODEL must have learned from an event, got none in {args.model}")
    labels = list(model.predict().probabilities)
    text = _as_text(labels)
    for symbol in _symbols_of(args.prompt, labels):
        model.follow(symbol)

    def generate() -> Iterator[str]:
        for _ in range(args.length):
            given = model.predict().probabilities
            weights = np.array(list(given.values()))
            symbol = list(given)[draw(weights, args.temperature, random)]
            yield text(symbol)
            model.follow(symbol)

    return generate()


def _are_bytes(labels: Sequence[Symbol]) -> bool:
    return all(type(label) is int and 0 <= label < 256 for label in labels)


def _symbols_of(prompt: str, labels: Sequence[Symbol]) -> Sequence[Symbol]:
    """A prompt as symbols: its bytes, where the model knows bytes, else its characters or words."""
    if _are_bytes(labels):
        return list(prompt.encode())
    if all(isinstance(label, str) and len(label) == 1 for label in labels):
        return list(prompt)
    known = {str(label): label for label in labels}
    return [known.get(word, word) for word in prompt.split()]


def _as_text(labels: Sequence[Symbol]) -> Callable[[Symbol], str]:
    if _are_bytes(labels):
        return lambda symbol: chr(symbol) if isinstance(symbol, int) and symbol < 128 else "\ufffd"
    if all(isinstance(label, str) and len(label) == 1 for label in labels):
        return str
    return lambda symbol: f"{symbol} "
