"""What a model is made of, for those who look at it."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from lethe.core.network import Network
from lethe.model.alarms import Alarm, open_alarms
from lethe.model.classes import EXPERTS, NAIVE, ClassPredictor
from lethe.model.number_parts import predictor_names
from lethe.model.parameters import Parameters
from lethe.model.predictor import Predictor
from lethe.model.values import Label, label_of

__all__ = [
    "CategoryColumn",
    "Configuration",
    "NumberColumn",
    "alarms_of",
    "classes_of",
    "configuration_of",
    "networks_of",
    "weights_of",
]


_SCALES = ("slot", "missing slot", "mean", "variance")


class NumberColumn(TypedDict):
    """Where a number column stands, and what its values are measured in."""

    slot: int
    slot_where_missing: int  # -1: there is none
    mean: float
    spread: float


class CategoryColumn(TypedDict):
    """Where each category of a column stands."""

    slots: dict[str, int]
    other: int


class Configuration(TypedDict):
    """A model's options and columns, as plain JSON values.

    `never_seen` are columns without any value so far, targets and a given `time` among them: their
    names may be misspelt.
    """

    targets: list[str]
    options: dict[str, object]
    time: str | None
    numbers: dict[str, NumberColumn]
    categories: dict[str, CategoryColumn]
    never_seen: list[str]


def configuration_of(parameters: Parameters, predictor: Predictor | None) -> Configuration:
    """The options, and the columns as far as they are known."""
    options = parameters.to_json()
    del options["target"]
    found: Configuration = {
        "targets": list(parameters.target),
        "options": options,
        "time": parameters.time,
        "numbers": {},
        "categories": {},
        "never_seen": [],
    }
    if predictor is None:
        return found
    encoder, stream = predictor.encoder, predictor.stream
    rows = [_floats(stream.view(f"column {part}")) for part in _SCALES]
    found["targets"] = list(predictor.targets)
    found["time"] = encoder.time
    found["never_seen"] = [*encoder.ignored, *_never_seen(predictor)]
    for name, slot, missing, mean, variance in zip(encoder.number_names, *rows, strict=False):
        found["numbers"][name] = {
            "slot": int(slot),
            "slot_where_missing": int(missing) - 1,
            "mean": mean,
            "spread": variance**0.5,
        }
    for name, category in encoder.categories.items():
        slots = {str(label_of(key)): slot for key, slot in category.slots.items()}
        found["categories"][name] = {"slots": slots, "other": category.other}
    return found


def _never_seen(predictor: Predictor) -> list[str]:
    """Targets that no event had a value of, and a column of times that no remembered one had."""
    if isinstance(predictor, ClassPredictor):
        return [] if predictor.classes or predictor.symbols else [predictor.column]
    stream, time = predictor.stream, predictor.encoder.time
    counts = stream.view("counted")
    found = [name for name, count in zip(predictor.targets, counts, strict=True) if not count]
    times = stream.view("times")[: int(stream.view("remembered")[0])]
    return [*found, time] if time is not None and np.isnan(times).all() else found


def networks_of(predictor: Predictor | None) -> list[Network]:
    """Copies of the networks as they answer now."""
    return [] if predictor is None else predictor.ensemble.copies(predictor.stream)


def classes_of(predictor: Predictor | None) -> list[Label]:
    """The classes seen so far, in the order of the networks' outputs."""
    if not isinstance(predictor, ClassPredictor):
        return []
    return [label_of(key) for key in predictor.keys[1:]]


def alarms_of(predictor: Predictor | None) -> list[Alarm]:
    """The alarms that have begun and are not over."""
    if predictor is None:
        return []
    columns = predictor.targets
    if isinstance(predictor, ClassPredictor):
        columns = (predictor.column,)
    return open_alarms(predictor.stream, columns)


def weights_of(predictor: Predictor | None) -> dict[str, float]:
    """The weight of each predictor in what is answered, averaged over all heads; they sum to 1."""
    if predictor is None:
        return {}
    networks = [f"network, rate {update.rate:g}" for update in predictor.ensemble.updates]
    if isinstance(predictor, ClassPredictor):
        weights = predictor.stream.view("weights")
        if predictor.symbols:
            return dict(zip([*NAIVE, *networks], _floats(weights), strict=True))
        # A negative weight corrects, and so has its part in what is answered, too.
        stacked = np.abs(predictor.stream.view("stack weights"))
        of_stack, of_mixture = predictor.stream.view("stack share")
        weights = of_stack * stacked / max(stacked.sum(), 1e-300) + of_mixture * weights
        shares = _floats(weights / weights.sum())
        return dict(zip([*NAIVE, *EXPERTS, *networks], shares, strict=True))
    names = predictor_names([update.rate for update in predictor.ensemble.groups[0].updates])
    rows = predictor.stream.view("blend weights")
    first, second, both = np.split(rows, [len(names), 2 * len(names)], axis=1)
    blended = both[:, :1] * first + both[:, 1:] * second
    return dict(zip(names, _floats(blended.mean(axis=0)), strict=True))


def _floats(values: NDArray[np.float64]) -> list[float]:
    return [float(value) for value in values]
