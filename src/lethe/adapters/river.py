"""River: a Model as a classifier, regressor, forecaster or anomaly detector of river.

All that these do is to hand events to their `model`, a `lethe.Model`, and to give its answers as
river wants them. Features can come and go, and their order in an event has no say. Predicting and
scoring change nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from lethe.model import Model, Report
from lethe.model.racing import RATES

try:
    from river import anomaly, base
    from river.time_series.base import Forecaster
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        'river is not installed: pip install "lethe-ml[river]"', name=missing.name
    ) from None

__all__ = [
    "LetheAnomalyDetector",
    "LetheClassifier",
    "LetheForecaster",
    "LetheRegressor",
    "LetheSupervisedAnomalyDetector",
]

# Before river 0.26 the bases of anomaly detectors lay elsewhere.
bases: Any = base if hasattr(base, "AnomalyDetector") else anomaly.base

Features = Mapping[Hashable, Any]

#: The target's column: a name that no feature has.
TARGET = "learn_one's y"


class LetheClassifier(base.Classifier):
    """Predicts the class of each event from its features and all events before.

    Parameters
    ----------
    cells, layers : int
        Memory cells in each layer of each network, and layers.
    rates : tuple of float
        Learning rates that race.
    categories : int
        Classes, and values of a feature of categories, that are told apart; the least recently used
        then gives way.
    time : str, optional
        The feature with the time of an event; by default the first that holds times.
    seed : int
        Draws the first weights.

    Attributes
    ----------
    model : lethe.Model
        What predicts and learns. Its `save` and `lethe.load` keep it in a file.

    Examples
    --------
    >>> from river import datasets, evaluate, metrics
    >>> classifier = LetheClassifier(cells=8)
    >>> score = evaluate.progressive_val_score(datasets.Phishing(), classifier, metrics.Accuracy())
    >>> score.get() > 0.85
    True
    """

    def __init__(
        self,
        cells: int = 32,
        layers: int = 1,
        rates: tuple[float, ...] = RATES,
        categories: int = 1000,
        time: str | None = None,
        seed: int = 0,
    ) -> None:
        self.cells = cells
        self.layers = layers
        self.rates = rates
        self.categories = categories
        self.time = time
        self.seed = seed
        self.model = Model(
            TARGET,
            task="classification",
            cells=cells,
            layers=layers,
            rates=rates,
            categories=categories,
            time=time,
            detect=False,
            seed=seed,
            new_columns="grow",
        )
        self._known: set[Any] = set()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {"cells": 2}

    @property
    def _multiclass(self) -> bool:
        return True

    def predict_proba_one(self, x: Features, **kwargs: Any) -> dict[Any, float]:
        """Probabilities of the classes seen so far; empty before the first."""
        probabilities = self.model.predict(_event(x, self._known)).probabilities
        known = sum(probabilities.values())  # the rest is for a class that is new
        return {label: p / known for label, p in probabilities.items()}

    def learn_one(self, x: Features, y: Any) -> None:
        """Take the next event in, with its class; None is one that is missing."""
        _learn(self, x, y)


class LetheRegressor(base.Regressor):
    """Predicts the target of each event from its features and all events before.

    Parameters
    ----------
    cells, layers : int
        Memory cells in each layer of each network, and layers.
    rates : tuple of float
        Learning rates that race.
    period : int, optional
        Events after which a season repeats; with times, days, weeks and years are looked up.
    categories : int
        Values of a feature of categories that are told apart; the least recently used then gives
        way.
    time : str, optional
        The feature with the time of an event; by default the first that holds times.
    seed : int
        Draws the first weights.

    Attributes
    ----------
    model : lethe.Model
        What predicts and learns; its `predict` also gives intervals.

    Examples
    --------
    >>> from river import datasets, evaluate, metrics
    >>> regressor = LetheRegressor(cells=8)
    >>> data = datasets.TrumpApproval().take(200)
    >>> evaluate.progressive_val_score(data, regressor, metrics.MAE()).get() < 0.5
    True
    """

    def __init__(
        self,
        cells: int = 32,
        layers: int = 1,
        rates: tuple[float, ...] = RATES,
        period: int | None = None,
        categories: int = 1000,
        time: str | None = None,
        seed: int = 0,
    ) -> None:
        self.cells = cells
        self.layers = layers
        self.rates = rates
        self.period = period
        self.categories = categories
        self.time = time
        self.seed = seed
        self.model = _regression(self)
        self._known: set[Any] = set()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {"cells": 2}

    def predict_one(self, x: Features) -> float:
        """What is expected of the target; 0 before the first event."""
        event = x if self._known.issuperset(x) else _event(x, self._known)
        value: float = self.model.predict(event).value
        return value

    def learn_one(self, x: Features, y: Any) -> None:
        """Take the next event in, with its target; None is one that is missing."""
        _learn(self, x, y)


class LetheForecaster(Forecaster):
    """Forecasts a series from its past and the past of its features.

    The forecast is direct: each of the events to come has output units of its own.

    Parameters
    ----------
    horizon : int
        The longest forecast that will be asked for.
    cells, layers, rates, period, categories, time, seed
        As for `LetheRegressor`.

    Attributes
    ----------
    model : lethe.Model
        What predicts and learns; its `predict` also gives intervals.

    Examples
    --------
    >>> from river import datasets
    >>> forecaster = LetheForecaster(horizon=12, cells=8, period=12)
    >>> for x, y in datasets.AirlinePassengers():
    ...     forecaster.learn_one(y, x)
    >>> len(forecaster.forecast(6))
    6
    """

    def __init__(
        self,
        horizon: int = 12,
        cells: int = 32,
        layers: int = 1,
        rates: tuple[float, ...] = RATES,
        period: int | None = None,
        categories: int = 1000,
        time: str | None = None,
        seed: int = 0,
    ) -> None:
        self.horizon = horizon
        self.cells = cells
        self.layers = layers
        self.rates = rates
        self.period = period
        self.categories = categories
        self.time = time
        self.seed = seed
        self.model = _regression(self, horizon)
        self._known: set[Any] = set()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {"cells": 2, "horizon": 3}

    def learn_one(self, y: Any, x: Features | None = None) -> None:
        """Take the next value of the series in; None is one that is missing."""
        event = _event({} if x is None else x, self._known)
        self.model.learn({**event, TARGET: y})
        self._known.update(event)

    def forecast(self, horizon: int, xs: Sequence[Features] | None = None) -> list[float]:
        """What is expected of the next events.

        Parameters
        ----------
        horizon : int
            How many, at most the forecaster's own `horizon`.
        xs : sequence of mapping, optional
            Features of the events to come: not used, what is known now has to do.

        Raises
        ------
        ValueError
            If `horizon` is longer than the forecaster's.
        """
        if not 0 <= horizon <= self.horizon:
            raise ValueError(
                f"horizon must be at most {self.horizon}, the forecaster's own, got {horizon!r}"
            )
        return [float(value) for value in self.model.predict().forecast[:horizon]]


class LetheAnomalyDetector(bases.AnomalyDetector):
    """Scores how odd an event is after those before it, from 0 (as usual) to 1 (as never before).

    Every feature of numbers that the first event has is predicted one event ahead, and the score
    is that of the oddest; other features are what they are predicted from.

    Parameters
    ----------
    cells, layers, rates, period, categories, time, seed
        As for `LetheRegressor`.

    Attributes
    ----------
    model : lethe.Model
        What predicts and learns.
    report : lethe.Report or None
        What it noticed in the event that it learned last: ``report.anomaly``, ``report.explanation``.

    Examples
    --------
    >>> import math
    >>> detector = LetheAnomalyDetector(cells=8)
    >>> for hour in range(1000):
    ...     detector.learn_one({"flow": 5 + math.sin(hour / 4)})
    >>> detector.score_one({"flow": 9.0}) > 0.99
    True
    """

    def __init__(
        self,
        cells: int = 32,
        layers: int = 1,
        rates: tuple[float, ...] = RATES,
        period: int | None = None,
        categories: int = 1000,
        time: str | None = None,
        seed: int = 0,
    ) -> None:
        self.cells = cells
        self.layers = layers
        self.rates = rates
        self.period = period
        self.categories = categories
        self.time = time
        self.seed = seed
        self.model = _regression(self, target=None, detect=True)
        self.report: Report | None = None
        self._known: set[Any] = set()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {"cells": 2}

    def score_one(self, x: Features) -> float:
        """How odd it would be if this event came next; 0 while nothing can be said."""
        return _score(self, x)

    def learn_one(self, x: Features) -> None:
        """Take the next event in."""
        self.report = _learn(self, x)


class LetheSupervisedAnomalyDetector(bases.SupervisedAnomalyDetector):
    """Scores how odd the target of an event is, given its features and all events before.

    Parameters
    ----------
    cells, layers, rates, period, categories, time, seed
        As for `LetheRegressor`.

    Attributes
    ----------
    model : lethe.Model
        What predicts and learns.
    report : lethe.Report or None
        What it noticed in the event that it learned last: ``report.anomaly``, ``report.explanation``.

    Examples
    --------
    >>> import random
    >>> draw = random.Random(0)
    >>> detector = LetheSupervisedAnomalyDetector(cells=8)
    >>> for load in draw.choices([1.0, 2.0, 3.0], k=1000):
    ...     detector.learn_one({"load": load}, 3 * load + draw.gauss(0, 0.1))
    >>> detector.score_one({"load": 1.0}, 90.0) > 0.99
    True
    """

    def __init__(
        self,
        cells: int = 32,
        layers: int = 1,
        rates: tuple[float, ...] = RATES,
        period: int | None = None,
        categories: int = 1000,
        time: str | None = None,
        seed: int = 0,
    ) -> None:
        self.cells = cells
        self.layers = layers
        self.rates = rates
        self.period = period
        self.categories = categories
        self.time = time
        self.seed = seed
        self.model = _regression(self, detect=True)
        self.report: Report | None = None
        self._known: set[Any] = set()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {"cells": 2}

    def score_one(self, x: Features, y: Any) -> float:
        """How odd it would be if this event came with this target; 0 while nothing can be said."""
        return _score(self, x, y)

    def learn_one(self, x: Features, y: Any) -> None:
        """Take the next event in, with its target."""
        self.report = _learn(self, x, y)


def _regression(
    estimator: Any, horizon: int | None = None, *, target: str | None = TARGET, detect: bool = False
) -> Model:
    return Model(
        target,
        horizon=horizon,
        cells=estimator.cells,
        layers=estimator.layers,
        rates=estimator.rates,
        period=estimator.period,
        categories=estimator.categories,
        time=estimator.time,
        detect=detect,
        seed=estimator.seed,
        new_columns="grow",
    )


def _event(x: Features, known: set[Any]) -> Mapping[str, Any]:
    """The features as a model wants them: named by texts, new ones in the order of their names."""
    if known.issuperset(x):
        return x  # type: ignore[return-value]
    event = {name if isinstance(name, str) else repr(name): value for name, value in x.items()}
    if len(event) < len(x) or TARGET in event:
        raise ValueError(f"x must have features of other names than {TARGET!r} and each other's")
    return dict(sorted(event.items()))


def _learn(estimator: Any, x: Features, *y: Any) -> Report:
    event = x if estimator._known.issuperset(x) else _event(x, estimator._known)
    report: Report = estimator.model.learn(event, *y)
    if event is not x:
        estimator._known.update(event)
    return report


def _score(estimator: Any, x: Features, *y: Any) -> float:
    if not estimator.model.events:
        return 0.0
    report = estimator.model.score(_event(x, estimator._known), *y)
    return report.anomaly if report.anomaly == report.anomaly else 0.0
