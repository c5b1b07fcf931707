"""``lethe info``: what a checkpoint holds."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from lethe.cli._support.sessions import Saved, read_life
from lethe.cli._support.tables import aligned, scores_record, scores_text
from lethe.core.network import Network
from lethe.evaluate.naive import ClassScores, NumberScores
from lethe.model import Model
from lethe.model.classes import NAIVE
from lethe.model.encoding import label_of
from lethe.model.numbers import PREDICTORS

__all__ = ["add_arguments", "run"]

SHOWN = 20  # columns, or categories of one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = "Example: lethe info life"
    parser.add_argument(
        "model", metavar="MODEL", help="a checkpoint, or a folder of them: its newest valid one"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Say what a checkpoint holds.

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
        If it cannot be read.
    """
    saved = read_life(args.model)
    about: dict[str, Any] = {
        "file": str(saved.path),
        "bytes": os.path.getsize(saved.path),
        "format": _format(saved.path),
        "version": saved.metadata.get("version"),
        "kind": saved.metadata["kind"],
    }
    if isinstance(saved.what, Network):
        about |= {"events": saved.story.get("events", saved.what.steps)}
        about |= _network(saved.what)
    else:
        about |= _model(saved.what)
    about |= _life(saved)
    if args.json:
        print(json.dumps(about))
    else:
        print(_text(saved, about))
    return 0


def _format(path: Path) -> str:
    """The format's version, of a file that is known to be valid."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return str(header["__metadata__"]["format"])


def _network(net: Network) -> dict[str, Any]:
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


def _model(model: Model) -> dict[str, Any]:
    encoder = model.encoder
    about: dict[str, Any] = {
        name: getattr(model, name)
        for name in ("events", "skipped", "missed", "task", "horizon", "period", "cells", "layers")
    }
    about |= {
        "targets": list(model.targets),
        "time": encoder.time,
        "rates": list(model.rates),
        "numbers": list(encoder.numbers),
        "categories": {name: len(column.places) for name, column in encoder.categories.items()},
        "never_seen": list(encoder.ignored),
        "waiting": len(model.owed) if not model.horizon else 0,
        "alarms": dict(model.health.alarms),
    }
    if model.heads is None:
        return about
    racers = model.heads.racers
    about["lost_steps"] = racers.lost
    about["weights"] = sum(net.topology.weights for net in racers.learners)
    about["believed"] = _believed(model)
    if model.task != "regression":
        about["classes"] = [label_of(key) for key in list(model.heads.classes)[-SHOWN:]]
    return about


def _believed(model: Model) -> dict[str, float]:
    """How much each predictor counts in the mixture, in the mean of all heads."""
    networks = [f"network, rate {rate:g}" for rate in model.rates]
    if model.task != "regression":
        weights = model.heads.mixture.weights
        return dict(zip([*NAIVE, *networks], np.asarray(weights).tolist(), strict=True))
    names = [*PREDICTORS, *networks]
    rows = model.heads.part("mix_weights")
    # Two mixtures of all predictors, and one of these two.
    first, second, both = np.split(rows, [len(names), 2 * len(names)], axis=1)
    weights = both[:, :1] * first + both[:, 1:] * second
    return dict(zip(names, weights.mean(axis=0).tolist(), strict=True))


def _life(saved: Saved) -> dict[str, Any]:
    """What `lethe learn` noted beside the model."""
    if not saved.story:
        return {"learn": None}
    story = saved.story
    position = {key: value for key, value in story["position"].items() if key != "columns"}
    learn = {"options": story["options"], "position": position, "output": story.get("output")}
    if isinstance(saved.what, Model):
        learn |= scores_record(saved.scores["scores"])
    elif saved.scores["symbols"]:
        learn["bits_per_symbol"] = saved.scores["bits"] / saved.scores["symbols"]
    return {"learn": learn}


def _text(saved: Saved, about: dict[str, Any]) -> str:
    lines = [
        ["file", f"{about['file']} ({about['bytes']:,} bytes)"],
        ["made by", f"Lethe {about['version']}, checkpoint format {about['format']}"],
    ]
    if isinstance(saved.what, Network):
        lines += [["what", repr(saved.what)]]
    else:
        lines += _model_lines(about)
    learn = about["learn"]
    if learn is not None:
        lines += [["stands at", ", ".join(f"{k} {v}" for k, v in learn["position"].items() if v)]]
        if learn["output"]:
            lines += [["has written", f"{learn['output']['bytes']:,} bytes"]]
        if "bits_per_symbol" in learn:
            lines += [["bits per symbol", f"{learn['bits_per_symbol']:.3f}"]]
    text = "\n".join(f"{name:<16}{value}" for name, value in lines)
    scores = saved.scores["scores"] if isinstance(saved.what, Model) and saved.story else None
    if isinstance(scores, NumberScores | ClassScores):
        text += "\n" + scores_text(scores)
    if about.get("believed"):
        believed = sorted(about["believed"].items(), key=lambda item: -item[1])
        rows = [[name, f"{100 * weight:.1f} %"] for name, weight in believed if weight >= 0.0005]
        text += "\nwhat its predictions are made of\n" + aligned(rows)
    return text


def _model_lines(about: dict[str, Any]) -> list[list[str]]:
    ahead = f", {about['horizon']} ahead" if about["horizon"] else ""
    categories = [f"{name} ({count:,})" for name, count in about["categories"].items()]
    alarms = [f"{name} {count:,}" for name, count in about["alarms"].items() if count]
    lines = [
        ["what", f"a model: {about['task']} of {_some(about['targets']) or 'symbols'}{ahead}"],
        ["events", f"{about['events']:,}, skipped {about['skipped']:,}, missed targets "
         f"{about['missed']:,}"],
        ["networks", f"{len(about['rates'])} of {about['layers']} x {about['cells']} cells"
         + (f", {about['weights']:,} weights" if "weights" in about else "")],
        ["numbers", _some(about["numbers"]) or "none"],
        ["categories", _some(categories) or "none"],
        ["time", about["time"] or "none"],
        ["alarms", _some(alarms) or "none"],
    ]  # fmt: skip
    if about.get("lost_steps"):
        lines += [["lost steps", f"{about['lost_steps']:,}"]]
    return lines


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
