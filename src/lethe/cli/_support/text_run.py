"""``lethe learn`` on a text: predict each byte, and learn it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from logging import ERROR, INFO, WARNING
from platform import python_version

from lethe.cli._support.learn_options import CELLS, LAYERS, OWN_RULE, UPDATES, LearnArguments
from lethe.cli._support.log import LOG
from lethe.cli._support.printable import printable
from lethe.cli._support.records import closed, lasting
from lethe.cli._support.run_context import RunContext
from lethe.cli._support.run_metadata import TextMetadata, TextOptions
from lethe.cli._support.sessions import Saved, agreed
from lethe.cli._support.signals import Stopped
from lethe.cli._support.tables import progress
from lethe.cli._support.texts import opened_text
from lethe.core.network import Network, NotFiniteError, instruction_set
from lethe.core.topology import Topology
from lethe.core.updates import Update
from lethe.data import TextStream
from lethe.evaluate.prequential import Score, Tally, predict_symbols
from lethe.version import __version__

__all__ = ["learn_text", "text_topology"]

SYMBOLS = 256
MOST_CELLS = 1 << 20  # in all layers
CHUNK = 1000  # symbols between two looks at signals, checkpoints and the display


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


def learn_text(context: RunContext) -> int:
    """Learn a text as the arguments of `lethe learn` say.

    Parameters
    ----------
    context : RunContext

    Returns
    -------
    int
        The exit code: 0; 130, 143 or 129 after Ctrl-C, SIGTERM or SIGHUP; 1 where the network's
        numbers stopped being finite.
    """
    args, sources, session, signals, _ = context
    net, run = _start(args, session.found)
    with signals.at_once():  # a place may take long to find
        stream = opened_text(
            sources,
            skip=args.skip,
            follow=args.follow,
            place=run.place,
            otherwise=args.resume_from or "raise",
            signals=signals,
        )
    name = stream.name if sources else f"pydoc_data.topics of Python {python_version()}"
    with ExitStack() as stack:
        stack.callback(closed, stream)
        return _TextRun(context, net, run, stream, name).go()


def _start(args: LearnArguments, found: Saved | None) -> tuple[Network, TextMetadata]:
    """The network, and its options, scores and position: new ones, or those of a checkpoint."""
    given = {name: getattr(args, name) for name in ("layers", "cells", "update", "rate", "seed")}
    if found is None:
        update = args.update or "rmsprop"
        options = TextOptions(
            layers=args.layers or LAYERS,
            cells=args.cells or CELLS,
            update=update,
            rate=UPDATES[update][1] if args.rate is None else args.rate,
            seed=args.seed or 0,
        )
        return _network(options), TextMetadata(0, options, None, Tally())
    net = found.model
    if not isinstance(net, Network) or not isinstance(found.run, TextMetadata | None):
        raise ValueError(f"the checkpoint {found.path} is one of records, got a text")
    run = found.run
    if run is None:
        topology = net.topology
        if topology.inputs != SYMBOLS or topology.outputs != SYMBOLS:
            raise ValueError(f"the network in {found.path} must predict the 256 byte values")
        rule = OWN_RULE, net.update.rate
        options = TextOptions(topology.layers, topology.cells, *rule, seed=0)
        run = TextMetadata(net.steps, options, None, Tally())
    agreed(vars(run.options), given, found.path)
    return net, run


class _TextRun:
    """One run on a text."""

    def __init__(
        self,
        context: RunContext,
        net: Network,
        run: TextMetadata,
        stream: TextStream,
        name: str,
    ) -> None:
        self.args, sources, self.session, self.signals, self.status = context
        self.net = net
        self.options = run.options
        self.before = run.before
        self.tally = run.tally
        self.stream = stream
        self.name = name
        self.several = len(sources) > 1
        self.score: Score | None = None
        self.started_at = run.tally.symbols

    def go(self) -> int:
        code, reason, sure = 0, "", True
        self.signals.idle = self._tick
        try:
            shown = self.args.log_format == "text"
            with progress("symbols", self.args.limit, shown=shown) as show:
                for score in predict_symbols(
                    self.net,
                    self.signals.patient(self.stream),
                    limit=self.args.limit,
                    chunk=min(CHUNK, self.session.every.events or CHUNK),
                    tally=self.tally,
                ):
                    self.score = score
                    if self.session.is_due(self.before + self.tally.symbols):
                        self._save()
                    if self.status and self.status.is_due():
                        self._report("running")
                    show(score.symbols, self._running_scores)
        except Stopped as stop:
            code, reason = stop.code, stop.reason
        except KeyboardInterrupt:  # the second Ctrl-C, perhaps within a chunk
            code, reason, sure = 130, "interrupted", False
        except NotFiniteError as error:
            code, reason, sure = 1, str(error), False
        except (ValueError, OSError) as error:
            kept = self._save_the_end() if self.session.is_sound else None
            self._report("failed")
            if kept is None:
                raise
            raise ValueError(
                f"{error}; {kept} holds the state before it, --resume continues"
            ) from None
        finally:
            self.signals.idle = None
        kept = self._save_the_end() if sure else None
        if reason:
            advice = f"; {kept} holds the state so far, --resume continues it" if kept else ""
            LOG.log(ERROR if code == 1 else INFO if sure else WARNING, "%s%s", reason, advice)
        self._report({0: "finished", 1: "failed"}.get(code, "stopped"))
        self._print(reason, kept)
        return code

    def _print(self, reason: str, kept: str | None) -> None:
        score = self.score or _so_far(self.tally)
        if score is None:
            if not reason:
                raise ValueError(f"SOURCE must hold at least one byte, got none from {self.name}")
            return
        if self.args.json:
            record = _record(score, self.net, self.name, self.options.seed)
            print(json.dumps({**record, "checkpoint": kept} if self.session else record))
            return
        print(_text(score, self.net, self.name, self.options.seed))
        if kept:
            print(f"checkpoint               {printable(kept)}")

    def _running_scores(self) -> str:
        score = self.score
        if score is None:
            return ""
        return (
            f"{score.recent_bits_per_symbol:.3f} bits/symbol lately, "
            f"{score.bits_per_symbol:.3f} overall, {score.microseconds_per_symbol:.0f} µs/symbol"
        )

    def _save(self) -> None:
        place = lasting(self.stream.place, self.several)
        run = TextMetadata(self.before, self.options, place, self.tally)
        self.session.save(self.net, run)

    def _tick(self) -> None:
        """While the source is waited for: a checkpoint and the status, where they are due."""
        learned = self.tally.symbols > self.started_at
        if learned and self.session.is_due(self.before + self.tally.symbols):
            self._save()
        if self.status and self.status.is_due():
            self._report("waiting")

    def _report(self, state: str) -> None:
        score = self.score or _so_far(self.tally)
        figures: Mapping[str, object] = {
            "source": self.name,
            "bits_per_symbol": score and score.bits_per_symbol,
            "recent_bits_per_symbol": score and score.recent_bits_per_symbol,
            "checkpoint": self.session.status(),
        }
        self.status.write(state, self.tally.symbols, figures)

    def _save_the_end(self) -> str | None:
        """Save the last checkpoint; the newest, if there is one."""
        if not self.session:
            return None
        if self.tally.symbols > self.started_at:
            self._save()
        kept = self.session.finish()
        return None if kept is None else str(kept)


def _so_far(tally: Tally) -> Score | None:
    if not tally.symbols:
        return None
    return Score(tally.symbols, tally.bits / tally.symbols, tally.recent_bits(), 0.0)


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
        f"{score.symbols:,} symbols of {printable(name)}\n"
        f"{topology.layers} layers of {topology.cells} cells ({topology.weights:,} weights), "
        f"{net.update}, seed {seed}, {net.dtype}, {instruction_set()}\n"
        f"bits per symbol          {score.bits_per_symbol:.3f}, "
        f"the last 10,000 {score.recent_bits_per_symbol:.3f}\n"
        f"microseconds per symbol  {score.microseconds_per_symbol:.1f}"
    )
