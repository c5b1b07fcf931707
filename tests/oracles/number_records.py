"""What the oracle of a stream of numbers is made of: its sizes, its heads, events that wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from oracles.events import Values

MOST_SEEN = 20.0  # that a network's input reaches


class Sizes(NamedTuple):
    targets: int
    horizon: int  # 0: an event brings its own targets
    lags: int
    period: int
    timed: bool
    long_period: int = 0


@dataclass
class Record:
    """An event of numbers, with all that learning from it will need."""

    seconds: float
    features: Values
    targets: Values
    gains: Values
    predictions: Values
    blends: Values
    base: Values
    plain: Values
    blended: Values
    remainder: Values
    useful: Values
    taps: Values
    delayed: Values
    number: int
    # as they are when the event is predicted
    last_value: Values = field(init=False)
    scale: Values = field(init=False)
    mean_abs_error: Values = field(init=False)
    residuals_seen: Values = field(init=False)
    spread: Values = field(init=False)
    bounds: Values = field(init=False)
    stepped: bool = False
    complete: bool = False

    @property
    def inputs(self) -> NDArray[np.float32]:
        """What networks see."""
        return np.clip(self.features[1:], -MOST_SEEN, MOST_SEEN).astype(np.float32)

    @property
    def answer(self) -> Values:
        of_heads = (self.blended, self.mean_abs_error, self.residuals_seen, self.spread)
        return np.concatenate((*of_heads, self.last_value, self.bounds.ravel()))


class Outcome(NamedTuple):
    answer: Values | None = None
    scored: bool = False
    score: float = 0.0
    target: int = 0
    expected: float = 0.0
    actual: float = 0.0
    channel: int = 0
    alarm: int = 0
    alarm_target: int = 0


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
        "plain": record.plain,
        "blended": record.blended,
        "mean absolute error": record.mean_abs_error,
        "residuals seen": record.residuals_seen,
        "spread": record.spread,
        "bounds": record.bounds,
        "targets": record.targets,
        "remainder": record.remainder,
        "useful": record.useful,
        "taps": record.taps,
        "delayed": record.delayed,
        "number": np.array(record.number),
    }
