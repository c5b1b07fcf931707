"""``lethe learn``: predict a stream, and learn from every event of it."""

from __future__ import annotations

import json
import sys
from contextlib import closing, nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lethe.cli._support.interrupts import Interrupts
from lethe.cli._support.learn_options import (
    CELLS,
    FOR_RECORDS,
    FOR_TEXTS,
    LAYERS,
    UPDATES,
    LearnArguments,
    add_arguments,
)
from lethe.cli._support.records import is_table, learn_records
from lethe.cli._support.run_metadata import (
    RecordsMetadata,
    TextMetadata,
    TextOptions,
    TextPosition,
)
from lethe.cli._support.sessions import CheckpointSession, agreed
from lethe.cli._support.tables import progress
from lethe.core.network import Network, NotFiniteError, instruction_set
from lethe.core.topology import Topology
from lethe.core.updates import Update
from lethe.data import TextStream, topics
from lethe.evaluate.prequential import Score, Tally, predict_symbols
from lethe.version import __version__

__all__ = ["UPDATES", "add_arguments", "run", "text_topology"]

SYMBOLS = 256
MOST_CELLS = 1 << 20  # in all layers


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


def run(args: LearnArguments) -> int:
    """Learn a source, show how well it goes, and print the figures at the end.

    Parameters
    ----------
    args : LearnArguments
        As `add_arguments` declares.

    Returns
    -------
    int
        0; 1 where the network's numbers stopped being finite; 130 after Ctrl-C. Both print the
        figures of the events that were learned.

    Raises
    ------
    ValueError
        If the source cannot be read or is empty, or an argument is out of its range.
    """
    _check_numbers(args)
    records = [name for name in FOR_RECORDS if getattr(args, name) not in (None, False)]
    text = [name for name in FOR_TEXTS if getattr(args, name) not in (None, False)]
    if text and records:
        raise ValueError(f"--{records[0]} is for tables of records, --{text[0]} for text")
    if records and args.source is None:
        raise ValueError(f"--{records[0]} needs SOURCE, a table of records")
    with CheckpointSession(args.checkpoint, args.every, args.resume) as session:
        before = session.found.run if session.found else None
        if not records and not text and before is not None:
            table = isinstance(before, RecordsMetadata)
        else:
            table = bool(records) or (not text and is_table(args.source))
        return learn_records(args, session) if table else _learn_text(args, session)


def _check_numbers(args: LearnArguments) -> None:
    least = {"limit": 1, "seed": 0, "layers": 1, "cells": 1, "skip": 0}
    for option, bound in least.items():
        value = getattr(args, option)
        if value is not None and value < bound:
            raise ValueError(f"--{option} must be at least {bound}, got {value}")
    if args.follow and args.source in (None, "-"):
        raise ValueError("--follow needs SOURCE to be a file, which grows")


def _learn_text(args: LearnArguments, session: CheckpointSession) -> int:
    net, options, tally, position = _start(args, session)
    stream, name = _open(args, position)
    with closing(stream):
        return _TextRun(args, session, net, options, tally, stream, name).go()


def _start(
    args: LearnArguments, session: CheckpointSession
) -> tuple[Network, TextOptions, Tally, TextPosition | None]:
    """The network, its options, scores and position: new ones, or those of a checkpoint."""
    found = session.found
    if found is None:
        update = args.update or "rmsprop"
        options = TextOptions(
            layers=args.layers or LAYERS,
            cells=args.cells or CELLS,
            update=update,
            rate=UPDATES[update][1] if args.rate is None else args.rate,
            seed=args.seed or 0,
        )
        return _network(options), options, Tally(), None
    if not isinstance(found.run, TextMetadata) or not isinstance(found.model, Network):
        raise ValueError(f"the checkpoint {found.path} is one of records, got a text")
    given = {name: getattr(args, name) for name in ("layers", "cells", "update", "rate", "seed")}
    agreed(vars(found.run.options), given, found.path)
    return found.model, found.run.options, found.run.tally, found.run.position


class _TextRun:
    """One run on a text."""

    def __init__(
        self,
        args: LearnArguments,
        session: CheckpointSession,
        net: Network,
        options: TextOptions,
        tally: Tally,
        stream: TextStream,
        name: str,
    ) -> None:
        self.args = args
        self.session = session
        self.net = net
        self.options = options
        self.tally = tally
        self.stream = stream
        self.name = name
        self.passed = stream.position - tally.symbols  # bytes that this run has not learned

    def go(self) -> int:
        args, session, net = self.args, self.session, self.net
        score, code, reason = None, 0, ""
        interrupts = Interrupts()
        with interrupts if session else nullcontext(), progress("symbols", args.limit) as show:
            try:
                for score in predict_symbols(
                    net,
                    _Patient(self.stream, interrupts),
                    limit=args.limit,
                    chunk=min(1000, session.every) if session else 1000,
                    tally=self.tally,
                ):
                    if session.due(score.symbols):
                        self._save()
                    show(score.symbols, lambda score=score: _running_scores(score))  # type: ignore[misc]
            except KeyboardInterrupt:
                code, reason = 130, "interrupted"
            except NotFiniteError as error:
                code, reason = 1, str(error)
        kept = self._save_the_end(code, interrupts)
        if reason:
            advice = f"; {kept} holds the state so far, --resume continues it" if kept else ""
            print(f"lethe learn: {reason}{advice}", file=sys.stderr)
        if score is None:
            if not reason and not self.tally.symbols:
                raise ValueError(f"SOURCE must hold at least one byte, got none from {self.name}")
            score = _so_far(self.tally)
            if score is None:
                return code
        if args.json:
            record = _record(score, net, self.name, self.options.seed)
            print(json.dumps({**record, "checkpoint": kept} if session else record))
        else:
            print(_text(score, net, self.name, self.options.seed))
            if kept:
                print(f"checkpoint               {kept}")
        return code

    def _save(self) -> str:
        run = TextMetadata(
            events=self.tally.symbols,
            options=self.options,
            position={"offset": self.stream.position, "sha256": self.stream.digest},
            tally=self.tally,
        )
        return str(self.session.save(self.net, run))

    def _save_the_end(self, code: int, interrupts: Interrupts) -> str | None:
        """Save the last checkpoint, unless an interrupt has come within a chunk of symbols."""
        found = self.session.found
        started_at = found.run.events if found and found.run else 0
        if not self.session or self.tally.symbols == started_at:
            return str(found.path) if found else None
        complete = self.stream.position - self.passed == self.tally.symbols
        if not code or (code == 130 and interrupts.between_events and complete):
            return self._save()
        return None


class _Patient:
    """A stream that Ctrl-C may interrupt."""

    def __init__(self, stream: TextStream, interrupts: Interrupts) -> None:
        self._stream = stream
        self._interrupts = interrupts

    def take(self, n: int) -> NDArray[np.uint8]:
        with self._interrupts.waiting():
            return self._stream.take(n)


def _so_far(tally: Tally) -> Score | None:
    if not tally.symbols:
        return None
    recent = sum(bits for _, bits in tally.window) / sum(n for n, _ in tally.window)
    return Score(tally.symbols, tally.bits / tally.symbols, recent, 0.0)


def _network(options: TextOptions) -> Network:
    layers, cells = options.layers, options.cells
    if layers * cells > MOST_CELLS:
        raise ValueError(
            f"--layers times --cells must be at most {MOST_CELLS:,}, got {layers:,} times {cells:,}"
        )
    try:
        update: Update = UPDATES[options.update][0](options.rate)
    except ValueError as error:
        raise ValueError(f"--{error}") from None
    try:
        return Network(text_topology(layers, cells), update=update, seed=options.seed)
    except ValueError as error:
        if not str(error).startswith("topology "):  # which must fit into memory
            raise
        raise ValueError(
            f"--layers {layers:,} and --cells {cells:,} are too many: {error}"
        ) from None


def _open(args: LearnArguments, position: TextPosition | None) -> tuple[TextStream, str]:
    """The stream, and its name."""
    source, skip = args.source, args.skip
    if source == "-" and sys.stdin is None:
        raise ValueError("SOURCE - needs standard input, which is closed")
    if source == "-" and position is not None and skip is None:
        raise ValueError(
            "standard input must have --skip, the bytes to skip, got a checkpoint without --skip "
            "(--skip 0 if only new bytes come)"
        )
    if source is None:
        text: bytes | BinaryIO | Path = topics()
        name = f"pydoc_data.topics of Python {sys.version.split()[0]}"
    elif source == "-":
        text, name = sys.stdin.buffer, "standard input"
    else:
        text, name = Path(source), source
    begin = skip if position is None or skip is not None else position["offset"]
    try:
        stream = TextStream(text, begin or 0, follow=args.follow)
    except ValueError as error:
        if position is None or skip is not None or "position must be" not in str(error):
            raise
        raise ValueError(
            f"{name} must still hold the {begin:,} bytes that were read of it, got fewer: it has "
            "changed or was rotated; --skip says how many bytes to skip instead"
        ) from None
    digest = stream.digest
    if position is not None and skip is None and digest != position["sha256"]:
        stream.close()
        raise ValueError(
            f"the first {begin:,} bytes of {name} must have the SHA-256 {position['sha256']}, got "
            f"{digest}: it has changed or was rotated; --skip says how many bytes to skip "
            "instead"
        )
    return stream, name


def _running_scores(score: Score) -> str:
    return (
        f"{score.recent_bits_per_symbol:.3f} bits/symbol lately, "
        f"{score.bits_per_symbol:.3f} overall, {score.microseconds_per_symbol:.0f} µs/symbol"
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
