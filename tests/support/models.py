"""Small models and streams of events for them, and a model's whole state, to compare it."""

from __future__ import annotations

import copy
import dataclasses
import math
from typing import Any

import numpy as np

from lethe import Model, Network

Event = dict[str, Any]


def small(target: Any = None, **options: Any) -> Model:
    """A model of two small networks."""
    given: dict[str, Any] = {"cells": 4, "rates": (3e-3, 1e-2)}
    return Model(target, **(given | options))


def predictor_of(model: Model) -> Any:
    """What stands around the stream of a model that has taken an event in."""
    assert model._predictor is not None
    return model._predictor


def stream_of(model: Model) -> Any:
    """The compiled stream of a model: its parts by name."""
    return predictor_of(model).stream


def encoder_of(model: Model) -> Any:
    """The columns that a model knows, by name."""
    return predictor_of(model).encoder


def network_of(model: Model, n: int) -> Network:
    """One of a model's networks, on the model's own memory: what is written there, is written."""
    predictor = predictor_of(model)
    ensemble = predictor.ensemble
    memory = predictor.stream.network(n)
    return Network.on_memory(ensemble.current(predictor.stream, n), ensemble.updates[n], memory)


def training_networks(stream: Any, ensemble: Any) -> list[Network]:
    """Copies of a stream's networks with their training states."""
    return [
        Network.from_memory(ensemble.current(stream, n), update, stream.network(n).tobytes())
        for n, update in enumerate(ensemble.updates)
    ]


def waiting(model: Model) -> int:
    """How many events of a model wait for their targets."""
    return 0 if model._predictor is None else int(stream_of(model).pending_count)


def bits_of(model: Model, *, without: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The whole state as a checkpoint holds it, but for some counters and options."""
    model = copy.deepcopy(model)
    for name in without:
        if name in ("skipped", "missed"):
            if model._predictor is not None:
                stream_of(model).view(name)[...] = 0
            model._engine.skipped_first = 0
        else:
            parameters = dataclasses.replace(model.parameters, **{name: 0})
            model._engine.parameters = parameters
    arrays, metadata = model.to_checkpoint()
    found = {name: np.asarray(array).tobytes() for name, array in arrays.items()}
    return found | {"metadata": repr(metadata | {"events": 0}).encode()}


def numbers(count: int, seed: int = 0, *, first: int = 0) -> list[Event]:
    """Two columns and what follows from them and from the past."""
    random = np.random.default_rng(seed)
    events, level = [], 0.0
    for n in range(first + count):
        a, b = random.normal(size=2)
        level = 0.9 * level + a
        y = 3 + 2 * level - b + 0.1 * random.normal() + math.sin(n / 5)
        events.append({"a": float(a), "b": float(b), "y": float(y)})
    return events[first:]


def mixed(count: int, seed: int = 0) -> list[Event]:
    """A column of each kind, some values missing."""
    random = np.random.default_rng(seed)
    events = []
    for n, event in enumerate(numbers(count, seed)):
        event["kind"] = random.choice(["calm", "busy", "night"])
        event["door"] = bool(random.random() < 0.5)
        event["at"] = f"2024-01-{1 + n // 24 % 28:02d}T{n % 24:02d}:00:00"
        for name in ("a", "kind"):
            if n and random.random() < 0.1:
                event[name] = None
        if n and random.random() < 0.05:
            del event["b"]
        events.append(event)
    return events


def labelled(count: int, seed: int = 0) -> list[Event]:
    """A class that follows from a number, or from the class before."""
    random = np.random.default_rng(seed)
    events, last = [], "low"
    for _ in range(count):
        a = float(random.normal())
        if random.random() < 0.7:
            last = "low" if a < -0.5 else "high" if a > 0.5 else "middle"
        events.append({"a": a, "y": last})
    return events


def symbols(count: int, seed: int = 0) -> list[str]:
    """A text of words that repeat."""
    random = np.random.default_rng(seed)
    text = "".join(random.choice(["lethe ", "styx ", "acheron "]) for _ in range(count))
    return list(text[:count])


TASKS: dict[str, tuple[dict[str, Any], Any]] = {
    "number": ({"target": "y"}, numbers),
    "mixed columns": ({"target": "y"}, mixed),
    "two numbers": ({"target": ("y", "b")}, numbers),
    "all numbers ahead": ({}, numbers),
    "one ahead": ({"target": "y", "horizon": 1}, mixed),
    "three ahead": ({"target": ("y", "b"), "horizon": 3}, mixed),
    "season": ({"target": "y", "horizon": 2, "period": 31}, numbers),
    "class": ({"target": "y", "task": "classification"}, labelled),
    "next class": ({"target": "y", "task": "classification", "horizon": 1}, labelled),
    "symbols": ({"task": "symbols"}, symbols),
}


def of_task(name: str, **options: Any) -> tuple[Model, Any]:
    """A small model, and a function that gives so many of its events."""
    given, events = TASKS[name]
    return small(**(given | options)), events
