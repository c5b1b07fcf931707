"""Between river's features and a Model's events."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Protocol, TypeAlias, cast

from lethe.model import Model, Report
from lethe.model.networks import RATES
from lethe.model.rows import plain_event

__all__ = ["RATES", "TARGET", "Features", "event_of", "learn", "regression_model", "score"]

Features: TypeAlias = Mapping[Hashable, object]

#: The target's column: a name that no feature has.
TARGET = "learn_one's y"


class Parameters(Protocol):
    """The parameters of an estimator of numbers."""

    cells: int
    layers: int
    rates: tuple[float, ...]
    period: int | tuple[int, int] | None
    categories: int
    time: str | None
    seed: int


class Estimator(Protocol):
    """An estimator with its model, and the features that all have been seen."""

    model: Model
    _known: set[Hashable]


def regression_model(
    parameters: Parameters,
    horizon: int | None = None,
    *,
    target: str | None = TARGET,
    detect: bool = False,
) -> Model:
    """Make the model of an estimator."""
    return Model(
        target,
        horizon=horizon,
        cells=parameters.cells,
        layers=parameters.layers,
        rates=parameters.rates,
        period=parameters.period,
        categories=parameters.categories,
        time=parameters.time,
        detect=detect,
        seed=parameters.seed,
        new_columns="grow",
    )


def event_of(x: Features, known: set[Hashable]) -> Mapping[str, object]:
    """Convert features to an event: named by strings, new ones in the order of their names.

    Raises
    ------
    ValueError
        If they are neither a mapping nor a row, two features get one name, or one has the target's.
    """
    if type(x) is not dict:
        x = cast(Features, plain_event(x))
    if known.issuperset(x):
        return x  # type: ignore[return-value]  # all names that are known are strings
    event = {name if isinstance(name, str) else repr(name): value for name, value in x.items()}
    if len(event) < len(x) or TARGET in event:
        raise ValueError(f"x must have features of other names than {TARGET!r} and each other's")
    return dict(sorted(event.items()))


def learn(estimator: Estimator, x: Features, *y: object) -> Report:
    """Let an estimator's model learn from an event, and its target if there is one."""
    event = event_of(x, estimator._known)
    report = estimator.model.learn(event, *y)
    if event is not x:
        estimator._known.update(event)
    return report


def score(estimator: Estimator, x: Features, *y: object) -> float:
    """Return the anomaly score of an event, 0 while there is none."""
    if not estimator.model.events:
        return 0.0
    report = estimator.model.score(event_of(x, estimator._known), *y)
    return report.anomaly if report.anomaly == report.anomaly else 0.0
