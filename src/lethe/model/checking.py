"""What a restored life must be, before it is used: a file from outside may hold anything.

A digest says that a file is whole, not who wrote it. Nothing is executed when a life is restored,
but parts that do not fit together would fail later, somewhere else, or read beyond an array.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from lethe.core.network import Network
from lethe.model.anomaly import AnomalyScorer
from lethe.model.classes import NAIVE, ClassHeads, OwedClass
from lethe.model.encoding import Category, Encoder, category_of, label_of
from lethe.model.health import Health
from lethe.model.mixing import ProbabilityMixture
from lethe.model.model import SYMBOL, Model
from lethe.model.numbers import NumberHeads, OwedNumbers
from lethe.model.racing import Racers
from lethe.model.scaling import RunningScale

__all__ = ["check_model"]


def check_model(model: Model) -> None:
    """See to it that a model's parts are of the right kinds and sizes, and fit together.

    Raises
    ------
    ValueError
        If they do not.
    """
    _kinds(model, "encoder", Encoder)
    _kinds(model, "health", Health)
    _kinds(model, "generator", np.random.Generator)
    _kinds(model, "owed", deque)
    _kinds(model, "following", bool)
    _counts(model, "events", "skipped", "missed")
    _check_options(model)
    _check_encoder(model.encoder)
    own = {"symbols": (SYMBOL,), "classification": model.targets}.get(model.task, ())
    if any(name not in model.encoder.categories for name in own):
        raise _wrong(model, "encoder")
    if model.heads is None:
        if model.owed or model.scorer is not None:
            raise _wrong(model, "owed")
        return
    numeric = model.task == "regression"
    _kinds(model, "heads", NumberHeads if numeric else ClassHeads)
    if numeric:
        _check_numbers(model.heads)
        if model.heads.sizes[:2] != [len(model.targets), max(model.horizon, 1)]:
            raise _wrong(model.heads, "sizes")
    else:
        _check_classes(model.heads)
        if model.heads.symbols != (model.task == "symbols"):
            raise _wrong(model.heads, "symbols")
    if model.encoder.used > model.heads.places:
        raise _wrong(model.encoder, "used")
    _kinds(model, "scorer", AnomalyScorer if model.detect else type(None))
    if model.scorer is not None and model.scorer.targets != (len(model.targets) if numeric else 1):
        raise _wrong(model, "scorer")
    _check_health(model.health, model.heads.racers)
    if len(model.owed) > (model.horizon or model.max_delay):
        raise _wrong(model, "owed")
    for owed in model.owed:
        (_check_owed_numbers if numeric else _check_owed_class)(owed, model.heads)


def _check_options(model: Model) -> None:
    """They are those that a model could have been made with."""
    names = ("targets", "task", "horizon", "period", "cells", "layers", "rates", "categories",
             "max_delay", "detect", "bad")  # fmt: skip
    growth: Any = model.encoder.new_columns
    plain = Model(
        model.targets or None,
        task=model.task,
        horizon=model.horizon,
        time=model.encoder.time,
        period=model.period,
        cells=model.cells,
        layers=model.layers,
        rates=model.rates,
        categories=model.categories,
        max_delay=model.max_delay,
        detect=model.detect,
        bad=model.bad,
        new_columns=growth,
    )
    for name in names:
        made, given = getattr(plain, name), getattr(model, name)
        if type(made) is not type(given) or made != given:
            raise _wrong(model, name)
    for name in ("most", "bad"):
        if getattr(model.encoder, name) != getattr(plain.encoder, name):
            raise _wrong(model.encoder, name)


def _check_encoder(encoder: Encoder) -> None:
    _kinds(encoder, "started", bool)
    _counts(encoder, "used")
    for name in ("numbers", "categories", "ignored"):
        _kinds(encoder, name, dict)
    n = len(encoder.numbers)
    _places(encoder, "numbers", list(encoder.numbers.values()), n)
    if list(encoder.numbers.values()) != list(range(n)) or encoder.names != tuple(encoder.numbers):
        raise _wrong(encoder, "numbers")
    _array(encoder, "number_places", np.int64, (n,))
    _array(encoder, "missing_places", np.int64, (n,))
    if n and not 0 <= encoder.number_places.min() <= encoder.number_places.max() < encoder.used:
        raise _wrong(encoder, "number_places")
    if n and not -1 <= encoder.missing_places.min() <= encoder.missing_places.max() < encoder.used:
        raise _wrong(encoder, "missing_places")
    _kinds(encoder, "scale", RunningScale)
    _kinds(encoder.scale, "slowest", float)
    for name in ("mean", "variance", "count"):
        _array(encoder.scale, name, np.float64, (n,))
    for category in encoder.categories.values():
        if type(category) is not Category:
            raise _wrong(encoder, "categories")
        _kinds(category, "places", dict)
        places = [*category.places.values(), category.other]
        _places(category, "places", places, encoder.used)


def _check_racers(racers: Racers, networks: int, inputs: int, outputs: int) -> None:
    _kinds(racers, "learners", list)
    _kinds(racers, "fronts", list)
    _kinds(racers, "apart", bool)
    _kinds(racers, "waiting", bool)
    _counts(racers, "lost", "stumbled")
    if len(racers.learners) != networks or racers.stumbled >> networks:
        raise _wrong(racers, "learners")
    if len(racers.fronts) != (networks if racers.apart else 0):
        raise _wrong(racers, "fronts")
    for net in (*racers.learners, *racers.fronts):
        if type(net) is not Network or net.dtype != np.float32:
            raise _wrong(racers, "learners")
        if net.topology != racers.learners[0].topology:
            raise _wrong(racers, "learners")
    topology = racers.learners[0].topology
    if (topology.inputs, topology.outputs) != (inputs, outputs):
        raise _wrong(racers, "learners")


def _check_numbers(heads: NumberHeads) -> None:
    _kinds(heads, "sizes", list)
    if [type(size) for size in heads.sizes] != [int, int, int, int, bool]:
        raise _wrong(heads, "sizes")
    _counts(heads, "places", "networks")
    _kinds(heads, "racers", Racers)
    _array(heads, "block", np.float64, (None,))
    features = heads.of_record(np.zeros(heads.record_size), "features")  # the kernel checks it all
    targets, horizon, *_ = heads.sizes
    _check_racers(heads.racers, heads.networks, len(features) - 1, targets * horizon)


def _check_classes(heads: ClassHeads) -> None:
    for name in ("timed", "symbols"):
        _kinds(heads, name, bool)
    _counts(heads, "places", "most", "room", "last", "events")
    _kinds(heads, "classes", dict)
    _kinds(heads, "keys", list)
    _kinds(heads, "racers", Racers)
    _kinds(heads, "mixture", ProbabilityMixture)
    known = len(heads.keys)
    _places(heads, "classes", list(heads.classes.values()), known)
    if not 1 <= known <= heads.room or len(heads.classes) != known - 1 or heads.last >= known:
        raise _wrong(heads, "keys")
    if {key: heads.classes.get(key) for key in heads.keys[1:]} != {
        key: place for place, key in enumerate(heads.keys[1:], 1)
    }:
        raise _wrong(heads, "classes")
    for key in heads.keys[1:]:
        if not _is_category(key):
            raise _wrong(heads, "keys")
    _array(heads, "counts", np.float64, (heads.room,))
    for name in ("repeats", "fresh"):
        _array(heads, name, np.float64, (2,))
        part, whole = getattr(heads, name)
        if not 0 <= part <= whole or not 0 < whole < np.inf:
            raise _wrong(heads, name)
    if not (heads.counts >= 0).all() or not np.isfinite(heads.counts).all():
        raise _wrong(heads, "counts")
    networks = len(heads.racers.learners) if type(heads.racers.learners) is list else 0
    _check_racers(heads.racers, networks, heads.fixed + heads.places, heads.room)
    _kinds(heads.mixture, "share", float)
    _array(heads.mixture, "weights", np.float64, (len(NAIVE) + networks,))
    if not (heads.mixture.weights >= 0).all() or not 0 < heads.mixture.weights.sum() < np.inf:
        raise _wrong(heads.mixture, "weights")


def _is_category(key: Any) -> bool:
    try:
        return bool(category_of("", label_of(key)) == key)
    except (TypeError, ValueError, KeyError, IndexError, OverflowError):
        return False


def _check_health(health: Health, racers: Racers) -> None:
    _kinds(health, "alarms", dict)
    if set(health.alarms) != set(Health().alarms):
        raise _wrong(health, "alarms")
    _places(health, "alarms", list(health.alarms.values()), 1 << 60)
    _kinds(health, "stuck", list)
    _kinds(health, "shut", list)
    if len(health.stuck) != len(health.shut):
        raise _wrong(health, "stuck")
    blocks = racers.learners[0].topology.blocks
    for array, shape in [(a, (3, blocks)) for a in health.stuck] + [
        (a, (blocks,)) for a in health.shut
    ]:
        if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != np.int64:
            raise _wrong(health, "stuck")


def _check_owed(owed: Any) -> None:
    _kinds(owed, "seconds", float)
    _kinds(owed, "stepped", bool)
    _kinds(owed, "known", bool)
    _kinds(owed, "id", type(None), str, int)


def _check_owed_numbers(owed: Any, heads: NumberHeads) -> None:
    if type(owed) is not OwedNumbers:
        raise _wrong(heads, "owed")
    _check_owed(owed)
    _array(owed, "x", np.float32, (heads.racers.learners[0].topology.inputs,))
    _array(owed, "record", np.float64, (heads.record_size,))
    if not np.isfinite(owed.x).all():
        raise _wrong(owed, "x")
    if owed.value is not None:
        _array(owed, "value", np.float64, (heads.sizes[0],))
    if owed.known and owed.value is None:
        raise _wrong(owed, "value")


def _check_owed_class(owed: Any, heads: ClassHeads) -> None:
    if type(owed) is not OwedClass:
        raise _wrong(heads, "owed")
    _check_owed(owed)
    if heads.symbols:
        _places(owed, "x", [owed.x], heads.places)
    else:
        _array(owed, "x", np.float32, (heads.racers.learners[0].topology.inputs,))
    _array(owed, "answered", np.float64, (None,))
    answers = len(owed.answered)
    if not 1 <= answers <= len(heads.keys):
        raise _wrong(owed, "answered")
    _array(owed, "predictions", np.float64, (len(heads.mixture.weights), answers))
    for name in ("predictions", "answered"):
        if not ((getattr(owed, name) >= 0) & (getattr(owed, name) <= 2)).all():  # rounded sums, too
            raise _wrong(owed, name)
    _places(owed, "then", [owed.then], answers)
    if owed.value is not None and not _is_category(owed.value):
        raise _wrong(owed, "value")


# ---- one part of a life ----


def _wrong(part: Any, name: str) -> ValueError:
    return ValueError(f"{type(part).__name__}.{name} does not fit the rest of its life")


def _kinds(part: Any, name: str, *kinds: type) -> None:
    """The kind itself, since a truth value is a whole number too."""
    value = getattr(part, name)
    if not (type(value) in kinds or isinstance(value, tuple(k for k in kinds if k is not int))):
        raise _wrong(part, name)


def _counts(part: Any, *names: str) -> None:
    for name in names:
        _places(part, name, [getattr(part, name)], 1 << 62)


def _places(part: Any, name: str, values: list[Any], end: int) -> None:
    if not all(type(value) is int and 0 <= value < end for value in values):
        raise _wrong(part, name)


def _array(part: Any, name: str, dtype: Any, shape: tuple[int | None, ...]) -> None:
    """None is any length."""
    value = getattr(part, name)
    if not isinstance(value, np.ndarray) or value.dtype != dtype or value.ndim != len(shape):
        raise _wrong(part, name)
    for length, expected in zip(value.shape, shape, strict=True):
        if expected is not None and length != expected:
            raise _wrong(part, name)
    if not (value.flags.c_contiguous and value.flags.writeable):
        raise _wrong(part, name)
