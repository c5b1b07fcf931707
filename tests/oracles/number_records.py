"""What the oracle of a stream of numbers is made of: its sizes, its heads, events that wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from oracles.events import Values
from oracles.mixture import Blend
from oracles.scales import Distance


class Sizes(NamedTuple):
    targets: int
    horizon: int  # 0: an event brings its own targets
    lags: int
    period: int
    timed: bool


@dataclass
class Record:
    """An event of numbers, with all that learning from it will need."""

    seconds: float
    features: Values
    last_value: Values
    scale: Values
    mean_abs_error: Values
    residuals_seen: Values
    spread: Values
    bounds: Values
    targets: Values
    base: Values
    predictions: Values
    blends: Values
    blended: Values
    gains: Values
    stepped: bool = False
    complete: bool = False

    @property
    def inputs(self) -> NDArray[np.float32]:
        return self.features[1:].astype(np.float32)

    @property
    def answer(self) -> Values:
        of_heads = (self.blended, self.mean_abs_error, self.residuals_seen, self.spread)
        return np.concatenate((*of_heads, self.last_value, self.bounds.ravel()))


@dataclass
class Head:
    """One target, so many events ahead."""

    blends: list[Blend]
    error: Distance = field(default_factory=Distance)
    scale: Distance = field(default_factory=Distance)
    residuals: list[Values] = field(default_factory=list)


class Outcome(NamedTuple):
    answer: Values | None = None
    scored: bool = False
    score: float = 0.0
    target: int = 0
    expected: float = 0.0
    actual: float = 0.0


def parts_of(record: Record) -> dict[str, Values]:
    """By the names and in the order of the parts of a record in the block."""
    return {
        "seconds": np.array(record.seconds),
        "stepped": np.array(record.stepped),
        "complete": np.array(record.complete),
        "features": record.features,
        "gains": record.gains,
        "last value": record.last_value,
        "scale": record.scale,
        "base": record.base,
        "predictions": record.predictions,
        "blends": record.blends,
        "blended": record.blended,
        "mean absolute error": record.mean_abs_error,
        "residuals seen": record.residuals_seen,
        "spread": record.spread,
        "bounds": record.bounds,
        "targets": record.targets,
    }
