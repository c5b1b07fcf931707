"""River: a Model as a classifier, regressor, forecaster or anomaly detector of river.

Each passes events to its `model`, a `lethe.Model`, and returns the predictions in the form that
river expects. Features can come and go, and their order in an event does not matter. Predicting
and scoring do not change the model.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, cast

from lethe.adapters._river_events import (
    RATES,
    TARGET,
    Features,
    event_of,
    learn,
    regression_model,
    score,
)
from lethe.core._checks import check_int
from lethe.model import Model, Report

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


class LetheClassifier(base.Classifier):
    """Predicts the class of each event from its features and all events before.

    Parameters
    ----------
    cells, layers : int
        Memory cells in each layer of each network, and layers.
    rates : tuple of float
        Learning rates, one for each network of the ensemble.
    categories : int
        Classes, and values of a categorical feature, that are distinguished; the least recently
        used is replaced.
    time : str, optional
        The feature with the time of an event; by default the first that holds times.
    seed : int
        Seed of the initial weights.

    Attributes
    ----------
    model : lethe.Model
        The model; its `save` and `lethe.load` store it in a file.

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
        self._known: set[Hashable] = set()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, int]]:
        yield {"cells": 2}

    @property
    def _multiclass(self) -> bool:
        return True

    def predict_proba_one(self, x: Features, **kwargs: object) -> dict[Hashable, float]:
        """Probabilities of the classes seen so far; empty before the first."""
        probabilities = self.model.predict(event_of(x, self._known)).probabilities
        known = sum(probabilities.values())  # the rest is for a class that is new
        return {label: p / known for label, p in probabilities.items()}

    def learn_one(self, x: Features, y: object) -> None:
        """Learn from the next event and its class; None is missing."""
        learn(self, x, y)


class LetheRegressor(base.Regressor):
    """Predicts the target of each event from its features and all events before.

    Parameters
    ----------
    cells, layers : int
        Memory cells in each layer of each network, and layers.
    rates : tuple of float
        Learning rates, one for each network of the ensemble.
    period : int or (int, int), optional
        Events after which a season repeats, or two. By default days, weeks and years are looked up
        where there are times, and other periods are found.
    categories : int
        Values of a categorical feature that are distinguished; the least recently used is replaced.
    time : str, optional
        The feature with the time of an event; by default the first that holds times.
    seed : int
        Seed of the initial weights.

    Attributes
    ----------
    model : lethe.Model
        The model; its `predict` also returns intervals.

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
        period: int | tuple[int, int] | None = None,
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
        self.model = regression_model(self)
        self._known: set[Hashable] = set()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, int]]:
        yield {"cells": 2}

    def predict_one(self, x: Features) -> float:
        """Predict the target; 0 before the first event."""
        event = event_of(x, self._known)
        return cast(float, self.model.predict(event).value)

    def learn_one(self, x: Features, y: object) -> None:
        """Learn from the next event and its target; None is missing."""
        learn(self, x, y)


class LetheForecaster(Forecaster):
    """Forecasts a series from its past and the past of its features.

    The forecast is direct: each of the events to come has output units of its own.

    Parameters
    ----------
    horizon : int
        The longest forecast that can be asked for.
    cells, layers, rates, period, categories, time, seed
        As for `LetheRegressor`.

    Attributes
    ----------
    model : lethe.Model
        The model; its `predict` also returns intervals.

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
        period: int | tuple[int, int] | None = None,
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
        self.model = regression_model(self, horizon)
        self._known: set[Hashable] = set()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, int]]:
        yield {"cells": 2, "horizon": 3}

    def learn_one(self, y: object, x: Features | None = None) -> None:
        """Learn from the next value of the series; None is missing."""
        event = event_of({} if x is None else x, self._known)
        self.model.learn({**event, TARGET: y})
        self._known.update(event)

    def forecast(self, horizon: int, xs: Sequence[Features] | None = None) -> list[float]:
        """Predict the next events.

        Parameters
        ----------
        horizon : int
            How many, at most the forecaster's own `horizon`.
        xs : sequence of mapping, optional
            Features of the events to come, which are not used.

        Raises
        ------
        ValueError
            If `horizon` is no whole number, or longer than the forecaster's.
        """
        asked = check_int("horizon", horizon, 0, self.horizon)
        return list(cast(tuple[float, ...], self.model.predict().forecast[:asked]))


class LetheAnomalyDetector(bases.AnomalyDetector):
    """Scores how anomalous an event is given those before it, from 0 (usual) to 1.

    Every feature of numbers that the first event names is predicted one event ahead, also one that
    is missing there (see `lethe.Model`), and the score is that of the most anomalous one; other
    features only serve the predictions.

    Parameters
    ----------
    cells, layers, rates, period, categories, time, seed
        As for `LetheRegressor`.

    Attributes
    ----------
    model : lethe.Model
        The model.
    report : lethe.Report or None
        Of the last event: ``report.anomaly``, ``report.explanation``, ….

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
        period: int | tuple[int, int] | None = None,
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
        self.model = regression_model(self, target=None, detect=True)
        self.report: Report | None = None
        self._known: set[Hashable] = set()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, int]]:
        yield {"cells": 2}

    def score_one(self, x: Features) -> float:
        """Score this event as the next one; 0 while there is no score yet."""
        return score(self, x)

    def learn_one(self, x: Features) -> None:
        """Learn from the next event."""
        self.report = learn(self, x)


class LetheSupervisedAnomalyDetector(bases.SupervisedAnomalyDetector):
    """Scores how anomalous a target is, given the event's features and all events before.

    Parameters
    ----------
    cells, layers, rates, period, categories, time, seed
        As for `LetheRegressor`.

    Attributes
    ----------
    model : lethe.Model
        The model.
    report : lethe.Report or None
        Of the last event: ``report.anomaly``, ``report.explanation``, ….

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
        period: int | tuple[int, int] | None = None,
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
        self.model = regression_model(self, detect=True)
        self.report: Report | None = None
        self._known: set[Hashable] = set()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, int]]:
        yield {"cells": 2}

    def score_one(self, x: Features, y: object) -> float:
        """Score this event with this target as the next one; 0 while there is no score yet."""
        return score(self, x, y)

    def learn_one(self, x: Features, y: object) -> None:
        """Learn from the next event and its target."""
        self.report = learn(self, x, y)
