"""Checkpoints that somebody has changed, and everything that a model or network can be asked.

A digest says that a file is whole, not who wrote it. Each number names one change of one of them:
`loaded` loads it and `use` uses what comes out. What may come of it: a CheckpointError, or a model
that works, whose file loads again.
"""

from __future__ import annotations

import copy
import json
import math
import struct
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from support.models import labelled, mixed, numbers, predictor_of, small, stream_of, symbols

from lethe import (
    SGD,
    Adam,
    CheckpointError,
    Model,
    Network,
    NotFiniteError,
    RMSprop,
    Topology,
    load,
    storage,
)
from lethe.model import from_checkpoint
from lethe.model.values import label_of

Arrays = dict[str, NDArray[np.generic]]
Metadata = dict[str, object]
Bytes = NDArray[np.uint8]


class Checkpoint(NamedTuple):
    """Of one kind of model or network; `parts` is where in its block something lies."""

    arrays: Arrays
    metadata: Metadata
    parts: dict[str, tuple[int, int]]  # name: first byte, bytes


# ---- kinds of models and networks ----


def _late(target: str, events: list[dict[str, object]], **options: object) -> Model:
    """Some targets are there at once, some wait, some came out of order."""
    model = small(target, **options)
    for n, event in enumerate(events):
        waits = {name: value for name, value in event.items() if name != target}
        if n < len(events) - 6:
            model.learn(event)
        elif n % 3:
            model.learn(waits, id=f"n{n}" if n % 2 else n)
        else:
            model.learn(event, id=n)
    model.learn_target(len(events) - 4, events[-4][target])
    return model


def _learned(model: Model, events: list[object]) -> Model:
    for event in events:
        model.learn(event)
    return model


def _follower(model: Model, events: list[object]) -> Model:
    for event in events:
        model.follow(event)
    return model


def _growing() -> Model:
    model = _learned(small("y", new_columns="grow", bad="skip"), numbers(30))
    for n, event in enumerate(mixed(40, 3)):
        model.learn(event | {f"more{n // 5}": float(n)})
    return model


MODELS: dict[str, Callable[[], Model]] = {
    "empty": lambda: small("y", bad="skip"),
    "numbers": lambda: _learned(small("y"), numbers(60)),
    "late": lambda: _late("y", numbers(50)),
    "one ahead": lambda: _learned(small("y", horizon=1), numbers(1100)),
    "24 ahead": lambda: _learned(small("y", horizon=24, time="at"), mixed(60)),
    "timed": lambda: _learned(small("y"), mixed(80)),
    "period": lambda: _learned(small("y", horizon=2, period=31), numbers(80)),
    "all columns": lambda: _learned(small(), numbers(60)),
    "several targets": lambda: _learned(small(("y", "b")), mixed(60)),
    "growing": _growing,
    "no scores": lambda: _learned(small("y", detect=False, layers=2, rates=(1e-2,)), numbers(60)),
    "classes": lambda: _learned(small("y", task="classification"), labelled(60)),
    "late classes": lambda: _late("y", labelled(50), task="classification"),
    "next class": lambda: _learned(small("y", task="classification", horizon=1), labelled(60)),
    "classes give way": lambda: _learned(
        small("kind", task="classification", categories=2), mixed(60)
    ),
    "symbols": lambda: _learned(small(task="symbols"), symbols(100)),
    "symbols give way": lambda: _learned(small(task="symbols", categories=5), symbols(100)),
    "follower": lambda: _follower(_learned(small("y", horizon=3), mixed(40)), mixed(9, 5)),
    "follower of classes": lambda: _follower(
        _learned(small("y", task="classification"), labelled(40)), labelled(9, 5)
    ),
}  # fmt: skip

_RULES = (SGD(0.1, decay=0.999), SGD(0.1, momentum=0.5), RMSprop(0.01), Adam(0.01, bound_step=0.1))


def _network(rule: int, dtype: str) -> Network:
    topology = Topology(inputs=3, outputs=2, blocks=3, layers=1 + rule % 2)
    net = Network(topology, update=_RULES[rule], dtype=dtype)
    net.run(np.arange(50) % 3, np.arange(50) % 2, record=())
    net.step(1)
    return net


NETWORKS: dict[str, Callable[[], Network]] = {
    f"network {rule} {dtype}": lambda rule=rule, dtype=dtype: _network(rule, dtype)
    for rule in range(len(_RULES))
    for dtype in ("float32", "float64")
}
KINDS = (*MODELS, *NETWORKS)


@cache
def checkpoint(kind: str) -> Checkpoint:
    """What such a model or network saves."""
    if kind in NETWORKS:
        arrays, metadata = NETWORKS[kind]().to_checkpoint()
        half = arrays["block"].nbytes // 2
        return Checkpoint(arrays, metadata, {"header 0": (0, 64), "header 1": (half, 64)})
    model = MODELS[kind]()
    arrays, metadata = model.to_checkpoint()
    parts: dict[str, tuple[int, int]] = {}
    if model._predictor is not None:
        stream = model._predictor.stream
        start = stream.view("slots used").ctypes.data
        for name in stream.parts():
            view = stream.view(name)
            if view.size:
                parts[name] = (view.ctypes.data - start, view.nbytes)
        _networks_of(model, parts, start)
    return Checkpoint(arrays, metadata, parts)


def _networks_of(model: Model, parts: dict[str, tuple[int, int]], start: int) -> None:
    """Where the networks of each group lie, and behind them, up to the next group, live states."""
    stream, groups = stream_of(model), predictor_of(model).ensemble.groups
    sizes = [len(group.updates) for group in groups]
    nets = [stream.network(n) for n in range(sum(sizes))]
    first = 0
    for g, size in enumerate(sizes):
        for n in range(first, first + size):
            at = nets[n].ctypes.data - start
            parts[f"header {n}"] = (at, 64)
            parts[f"network {n}"] = (at + 64, nets[n].nbytes - 64)
        live, first = at + nets[n].nbytes, first + size
        end = nets[first].ctypes.data - start if first < len(nets) else stream.size
        if left := end - live:
            for n in range(size):
                parts[f"header of live {g} {n}"] = (live + n * left // size // 64 * 64, 64)
            parts[f"live {g}"] = (live, left)


# ---- changes ----

NUMBERS = (
    0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 7.0, 255.0, 256.0, 1000.0, 4096.0, 2.0**31, 2.0**52, 2.0**53,
    -1e-9, 5e-324, 1e-320, 1e-300, 1e-100, 1e10, 1e30, 1e99, 1e100, 1e150, -1e150, 1e152, -1e152,
    1e160, 1e175, 1e200, 1e300, 1.7e308, -1.7e308, math.inf, -math.inf, math.nan,
)  # fmt: skip
SINGLES = (0.0, 1.0, -1.0, 1e-45, 1e10, 1e19, -1e30, 3e38, -3e38, math.inf, math.nan)
COUNTS = (
    0,
    1,
    2,
    -1,
    3,
    100,
    1 << 31,
    1 << 52,
    (1 << 52) - 1,
    (1 << 62),
    (1 << 63) - 1,
    -(1 << 63),
)
JSON: tuple[object, ...] = (
    None, True, False, 0, 1, -1, 2, 5, 8, 1000, 1 << 20, 1 << 31, 1 << 53, 1 << 64, 10**30, 0.0,
    0.5, -1.0, 1e308, math.nan, math.inf, "", "x", "sx", "i5", "y", "a", "at", "symbol",
    "regression", "classification", "symbols", "skip", "grow", [], {}, [1], ["a"], ["sx"],
    [["a", 1]], [None], {"a": 1}, [[], []], ["y", "y"],
)  # fmt: skip


def _paths(node: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    items: Iterator[tuple[object, object]] = iter(())
    if isinstance(node, dict):
        items = iter(node.items())
    elif isinstance(node, list):
        items = iter(enumerate(node[:50]))
    for key, item in items:
        yield (*path, key)
        yield from _paths(item, (*path, key))


def _at(node: object, path: tuple[object, ...]) -> object:
    for key in path:
        node = node[key]  # type: ignore[index]
    return node


def change_json(state: object, draw: Random, other: object) -> None:
    """Drop, replace, rename, repeat, or take over from another state, anywhere."""
    paths = list(_paths(state))
    if not paths:
        return
    # Long lists of places would hide all that there are few of.
    path = min(draw.sample(paths, min(3, len(paths))), key=len)
    parent, key, how = _at(state, path[:-1]), path[-1], draw.random()
    assert isinstance(parent, dict | list)
    value = parent[key]  # type: ignore[index,call-overload]
    if how < 0.35:
        parent[key] = copy.deepcopy(draw.choice(JSON))  # type: ignore[index,call-overload]
    elif how < 0.55 and type(value) in (int, float):
        change = draw.choice((1, -1, value, -value, 1000))
        parent[key] = value + change  # type: ignore[index,call-overload]
    elif how < 0.65:
        del parent[key]  # type: ignore[arg-type]
    elif how < 0.8:
        theirs = list(_paths(other))
        same = [each for each in theirs if each[-1] == key] or theirs
        if same:
            parent[key] = copy.deepcopy(_at(other, draw.choice(same)))  # type: ignore[index,call-overload]
    elif isinstance(parent, list):
        if how < 0.9:
            parent.insert(draw.randrange(len(parent) + 1), copy.deepcopy(value))
        else:
            draw.shuffle(parent)
    elif isinstance(value, list) and len(value) > 1 and how < 0.9:
        draw.shuffle(value)
    else:
        parent[f"{key}x"] = parent.pop(key)


def change_block(block: Bytes, parts: dict[str, tuple[int, int]], draw: Random) -> None:
    """Other numbers at one of the block's parts, or other bytes anywhere."""
    how = draw.random()
    if how < 0.15 or not parts:
        for _ in range(draw.choice((1, 1, 2, 8))):
            block[draw.randrange(len(block))] = draw.randrange(256)
        return
    name = draw.choice(list(parts))
    at, size = parts[name]
    if name.startswith("header"):
        if draw.random() < 0.3:
            block[at + draw.randrange(size)] = draw.choice((0, 1, 2, 255))
        elif draw.random() < 0.3:
            number = struct.pack("<d", draw.choice(NUMBERS))
            block[at : at + 8] = np.frombuffer(number, np.uint8)
        else:
            first = at + 8 * draw.randrange(1, 6)
            counter = struct.pack("<q", draw.choice(COUNTS))
            block[first : first + 8] = np.frombuffer(counter, np.uint8)
        return
    values: tuple[float, ...] = NUMBERS
    dtype: type[np.float32] | type[np.float64] = np.float64
    if name.startswith(("network", "live")):
        values, dtype = SINGLES, np.float32
    numbers_there = block[at : at + size].view(dtype)
    if how < 0.3:
        numbers_there[...] = draw.choice(values)
    elif how < 0.35:
        np.random.default_rng(draw.randrange(99)).shuffle(numbers_there)
    else:
        for _ in range(draw.choice((1, 1, 3))):
            n = draw.randrange(min(len(numbers_there), draw.choice((1, 8, 1 << 30))))
            near = (numbers_there[n] + 1, numbers_there[n] - 1, -numbers_there[n])
            numbers_there[n] = draw.choice((*values, *near))


def _other_array(array: NDArray[np.generic], draw: Random) -> NDArray[np.generic]:
    how = draw.randrange(7)
    if how == 0:
        return array[: -draw.choice((1, 8, 64))]
    if how == 1:
        return np.concatenate((array, array[: draw.choice((1, 8, 64))]))
    if how == 2:
        return array.astype(draw.choice(("f4", "f8", "i8", "i1", "?")))
    if how == 3:
        return array[None]
    if how == 4:
        return array[:0]
    if how == 5:
        return np.concatenate((array, array))
    return np.zeros_like(array)


def _pile(
    arrays: Arrays, metadata: Metadata, parts: dict[str, tuple[int, int]], draw: Random
) -> None:
    """Many changes of the block, each of which loads."""
    for _ in range(12):
        block = np.array(arrays["block"])
        if not block.size:
            return
        with np.errstate(all="ignore"):
            change_block(block, parts, draw)
        try:
            from_checkpoint({**arrays, "block": block}, metadata)
        except CheckpointError:
            continue
        arrays["block"] = block


def mutation(number: int) -> tuple[str, Arrays, Metadata]:
    """A kind of checkpoint, changed in one way or several."""
    draw = Random(f"mutation {number}")
    kind = KINDS[number % len(KINDS)]
    given = checkpoint(kind)
    arrays = {name: np.array(array) for name, array in given.arrays.items()}
    metadata = copy.deepcopy(given.metadata)
    other = checkpoint(draw.choice(KINDS))
    is_network = kind in NETWORKS
    if number % 6 == 5:
        _pile(arrays, metadata, given.parts, draw)
        return kind, arrays, metadata
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        how = draw.random()
        if how < 0.62:
            block = arrays.get("block", np.zeros(0))
            if block.size > 64 and block.dtype == np.uint8 and block.ndim == 1:
                with np.errstate(all="ignore"):
                    change_block(
                        block, given.parts if block.size >= given.arrays["block"].size else {}, draw
                    )
        elif how < 0.94 and not is_network:
            text = arrays.get("state", np.zeros(0))
            try:
                state = json.loads(text.tobytes())
            except ValueError:
                continue
            theirs = other.arrays.get("state")
            change_json(state, draw, {} if theirs is None else json.loads(theirs.tobytes()))
            arrays["state"] = np.frombuffer(json.dumps(state).encode(), np.uint8).copy()
        elif how < 0.94:
            change_json(metadata, draw, other.metadata)
        else:
            name = draw.choice(sorted(arrays) or ["block"])
            if draw.random() < 0.6 and name in arrays:
                arrays[name] = _other_array(arrays[name], draw)
            elif draw.random() < 0.5:
                arrays.pop(name, None)
            elif name in other.arrays:
                arrays[name] = np.array(other.arrays[name])
            change_json(metadata, draw, other.metadata) if draw.random() < 0.2 else None
    return kind, arrays, metadata


# ---- everything that can be asked ----

_IDS = count()


class Source:
    """Events in the columns that a model knows, whatever these are."""

    def __init__(self, model: Model, draw: Random) -> None:
        self.model, self.draw, self.count = model, draw, 0

    def target(self) -> object:
        """What comes, missing now and then."""
        model, draw = self.model, self.draw
        if draw.random() < 0.05:
            return None
        if model.task == "classification":
            return draw.choice(("low", "high", "middle", "calm", 7))
        values = {name: draw.gauss(3, 2) for name in model.targets or ("y",)}
        return values if len(values) > 1 else next(iter(values.values()))

    def event(self, with_target: bool) -> object:
        """The next one."""
        model, draw, event = self.model, self.draw, {}
        self.count += 1
        if model.task == "symbols":
            return draw.choice("lethe styx")
        predictor = model._predictor
        for name in predictor.encoder.numbers if predictor else ("a", "b"):
            event[name] = draw.gauss(0, 1) if draw.random() < 0.98 else None
        if predictor:
            for name, category in predictor.encoder.categories.items():
                known = list(category.slots)[:5]
                event[name] = label_of(draw.choice(known)) if known and draw.random() < 0.9 else "z"
        time = predictor.encoder.time if predictor else model.parameters.time
        if time is not None:
            event[time] = 1.7e9 + 3600.0 * self.count
        for name in model.targets or (("y",) if model.task == "regression" else ()):
            event.pop(name, None)
            if with_target and model.task == "regression":
                event[name] = draw.gauss(3, 2)
        if with_target and model.task == "classification":
            event[model.targets[0]] = self.target()
        return event


def use_model(model: Model, events: int, draw: Random) -> None:
    """Learn, predict, score, intervals, late targets; a ValueError here is a failure."""
    source = Source(model, draw)
    late: list[str] = []
    for n in range(events):
        takes_late = model.horizon == 0 and model.task != "symbols" and not model.following
        if n % 7 == 0:
            look(model, source)
        if model.following:
            model.follow(source.event(True))
        elif takes_late and draw.random() < 0.2:
            late.append(f"late {next(_IDS)}")
            model.learn(source.event(False), id=late[-1])
            if model.skipped:  # the first event could not be one
                late.clear()
        else:
            model.learn(source.event(True))
        if late and draw.random() < 0.3:
            at = draw.randrange(len(late))
            name = late.pop(at)
            if model._predictor is not None and model._predictor.waiting.find(name) is not None:
                model.learn_target(name, source.target())
        if n == 3 and model._predictor is not None:
            for name in list(model._predictor.waiting.ids):
                if model._predictor.waiting.find(name) is not None and name not in late:
                    model.learn_target(name, source.target())


def look(model: Model, source: Source) -> None:
    """What changes nothing."""
    answers = [] if model.horizon == 0 else [model.predict()]
    answers.append(model.predict(source.event(False)))
    answers.append(model.score(source.event(True)).prediction)
    for answer in answers:
        assert answer is not None
        repr(answer)
        assert 0 <= answer.new <= 1.001
        if model.task == "regression" and model.targets:
            for ahead in {1, len(answer.forecast)}:
                low, high = answer.interval(0.5, target=model.targets[-1], ahead=ahead)
                assert low <= high or math.isnan(low + high)
    assert model.size >= 0
    model.diagnostics(), model.input_names(), model.configuration(), model.predictor_weights()


def use_network(net: Network, steps: int, draw: Random) -> None:
    """Steps, targets, runs, copies; numbers that stop being finite are said to be."""
    t = net.topology
    for n in range(steps // 10):
        try:
            symbols = [draw.randrange(t.inputs) for _ in range(8)]
            if n % 9 == 0:
                net.reset()
            net.run(symbols, [[draw.random()] * t.outputs] * 8, record=("output", "loss"))
            net.peek([draw.random()] * t.inputs)
            net.step([draw.random()] * t.inputs)
            net.learn([draw.random()] * t.outputs)
        except NotFiniteError:
            net.reset()
            return
        except RuntimeError as error:  # frozen steps came before
            if not ("partials" in str(error) or "step()" in str(error)):
                raise
            net.reset()


def loaded(
    arrays: Arrays, metadata: Metadata, folder: Path | None = None
) -> Model | Network | None:
    """What loads, from a file where there is a folder for it; None where it is refused."""
    try:
        if folder is None:
            return from_checkpoint(arrays, metadata)
        try:
            storage.write(folder / "changed", arrays, metadata)
        except ValueError:  # no file holds this
            return None
        return load(folder / "changed")
    except CheckpointError as error:
        if "\n" in str(error):
            raise
        return None


def use(made: Model | Network, events: int, draw: Random) -> None:
    """Everything, and that what is saved then loads again."""
    if isinstance(made, Network):
        use_network(made, events, draw)
        from_checkpoint(*made.to_checkpoint())
        return
    use_model(made, events, draw)
    again = from_checkpoint(*made.to_checkpoint())
    assert isinstance(again, Model)
    assert again.to_checkpoint()[0]["block"].tobytes() == made.to_checkpoint()[0]["block"].tobytes()
    with tempfile.TemporaryDirectory() as name:
        made.save(f"{name}/x")
        load(f"{name}/x")
    use_model(again, 3, draw)
    use_model(copy.deepcopy(again), 3, draw)
