"""``lethe info``: describe a checkpoint."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Mapping, Sequence

from lethe.cli._support.printable import printable
from lethe.cli._support.run_metadata import RecordsMetadata, RunMetadata, TextMetadata
from lethe.cli._support.sessions import read_checkpoint
from lethe.cli._support.tables import aligned, scores_record, scores_text
from lethe.core.network import Network
from lethe.model import Model
from lethe.model.description import CategoryColumn
from lethe.storage.file import FORMAT

__all__ = ["add_arguments", "run"]

SHOWN = 20  # columns, or categories of one


class Arguments(argparse.Namespace):
    """The arguments of the command."""

    model: str
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = "Example: lethe info state"
    parser.add_argument(
        "model", metavar="MODEL", help="a checkpoint, or a folder of them: its newest valid one"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: Arguments) -> int:
    """Describe a checkpoint.

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
        If it cannot be read.
    """
    saved = read_checkpoint(args.model)
    about: dict[str, object] = {
        "file": str(saved.path),
        "bytes": os.path.getsize(saved.path),
        "format": FORMAT,
        "version": saved.version,
        "kind": type(saved.model).__name__,
    }
    if isinstance(saved.model, Network):
        about["events"] = saved.run.events if saved.run else saved.model.steps
        about |= _network(saved.model)
    else:
        about |= _model(saved.model)
    about["learn"] = _run(saved.run)
    if args.json:
        print(json.dumps(about, default=str))
        return 0
    lines = [
        ["file", f"{printable(str(saved.path))} ({os.path.getsize(saved.path):,} bytes)"],
        ["version", f"Lethe {printable(saved.version)}, checkpoint format {FORMAT}"],
    ]
    if isinstance(saved.model, Network):
        lines += [["content", repr(saved.model)]]
    else:
        lines += _model_lines(saved.model)
    lines += _run_lines(saved.run)
    print("\n".join(f"{name:<16}{value}" for name, value in lines))
    if isinstance(saved.run, RecordsMetadata) and saved.run.scores is not None:
        print(scores_text(saved.run.scores))
    if isinstance(saved.model, Model) and saved.model.networks:
        print(_weights_text(saved.model))
    return 0


def _network(net: Network) -> dict[str, object]:
    topology = net.topology
    return {
        "steps": net.steps,
        "inputs": topology.inputs,
        "outputs": topology.outputs,
        "layers": topology.layers,
        "cells": topology.cells,
        "weights": topology.weights,
        "output_units": topology.output_units,
        "update": repr(net.update),
        "rate": net.rate,
        "dtype": str(net.dtype),
    }


def _model(model: Model) -> dict[str, object]:
    configuration, parameters = model.configuration(), model.parameters
    about: dict[str, object] = {
        "events": model.events,
        "skipped": model.skipped,
        "missed": model.missed,
        "task": model.task,
        "horizon": model.horizon,
        "period": parameters.period,
        "holidays": parameters.holidays,
        "cells": parameters.cells,
        "layers": parameters.layers,
        "targets": list(model.targets),
        "time": configuration["time"],
        "rates": list(parameters.rates),
        "numbers": list(configuration["numbers"]),
        "categories": _sizes(configuration["categories"]),
        "never_seen": configuration["never_seen"],
        "waiting": model.waiting,
        "diagnostics": dataclasses.asdict(model.diagnostics()),
    }
    if not model.networks:
        return about
    about["weights"] = sum(net.topology.weights for net in model.networks)
    about["predictor_weights"] = model.predictor_weights()
    if model.task != "regression":
        about["classes"] = model.classes[-SHOWN:]
    return about


def _sizes(categories: Mapping[str, CategoryColumn]) -> dict[str, int]:
    """How many categories each column has."""
    return {name: len(column["slots"]) for name, column in categories.items()}


def _run(run: RunMetadata | None) -> dict[str, object] | None:
    """The part that `lethe learn` wrote."""
    if run is None:
        return None
    position = _position(run)
    learn: dict[str, object] = {"options": dataclasses.asdict(run.options), "position": position}
    if isinstance(run, RecordsMetadata):
        return {**learn, "output": run.output, **scores_record(run.scores)}
    return {**learn, "output": None, "bits_per_symbol": run.tally.bits / run.tally.symbols}


def _position(run: RunMetadata) -> dict[str, object]:
    """How far the source was read, without the columns, which are listed elsewhere."""
    position = run.place or {} if isinstance(run, TextMetadata) else run.position
    return {key: value for key, value in position.items() if key != "columns"}


def _run_lines(run: RunMetadata | None) -> list[list[str]]:
    if run is None:
        return []
    known = ", ".join(f"{key} {value}" for key, value in _position(run).items() if value)
    lines = [["position", printable(known)]]
    if isinstance(run, TextMetadata):
        return [*lines, ["bits per symbol", f"{run.tally.bits / run.tally.symbols:.3f}"]]
    if run.output is not None:
        lines += [["output", f"{run.output['bytes']:,} bytes"]]
    return lines


def _weights_text(model: Model) -> str:
    weights = sorted(model.predictor_weights().items(), key=lambda item: -item[1])
    rows = [[name, f"{100 * weight:.1f} %"] for name, weight in weights if weight >= 0.0005]
    return "weights of the predictors\n" + aligned(rows)


def _model_lines(model: Model) -> list[list[str]]:
    configuration, parameters = model.configuration(), model.parameters
    ahead = f", {model.horizon} ahead" if model.horizon else ""
    sizes = _sizes(configuration["categories"])
    networks = (
        f"{len(parameters.rates)} of {parameters.layers} "
        f"layer{'s' if parameters.layers > 1 else ''} of {parameters.cells} cells"
    )
    if model.networks:
        networks += f", {sum(net.topology.weights for net in model.networks):,} weights"
    found = dataclasses.asdict(model.diagnostics())
    diagnostics = [f"{name.replace('_', ' ')} {count:,}" for name, count in found.items() if count]
    return [
        ["content", f"a model: {model.task} of {_some(model.targets) or 'symbols'}{ahead}"],
        [
            "events",
            f"{model.events:,}, skipped {model.skipped:,}, missed targets {model.missed:,}",
        ],
        ["networks", networks],
        ["numbers", _some(list(configuration["numbers"])) or "none"],
        ["categories", _some([f"{name} ({sizes[name]:,})" for name in sizes]) or "none"],
        ["time", printable(configuration["time"] or "none")],
        ["diagnostics", _some(diagnostics) or "nothing to report"],
    ]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return printable(", ".join(names[:SHOWN]) + more)
