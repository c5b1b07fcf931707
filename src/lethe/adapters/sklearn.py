"""scikit-learn: a Model as a regressor, classifier or outlier detector of scikit-learn.

Each passes rows to its ``model_``, a `lethe.Model`, and returns the predictions in the form that
scikit-learn expects. Rows are a sequence in the order of time:

- ``fit`` makes a new model and one pass over the rows; ``partial_fit`` continues with more rows.
- ``predict``, ``predict_proba``, ``score_samples`` and what calls them walk through the rows on a
  copy of the model, as if they came next: each is predicted from all before it. Their targets are
  missing, so the copy does not learn; only that of `LetheOutlierDetector`, whose rows are their own
  targets, does. The fitted model does not change, and the next walk starts where fitting ended.

So the order of rows matters, and a row's prediction depends on the rows before it.
"""

from __future__ import annotations

import copy
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lethe.adapters._sklearn_rows import (
    RATES,
    TARGET,
    RandomState,
    Rows,
    Tags,
    events_of,
    labels_of,
    model_of,
    nan_allowed,
    number_columns,
    plain_array,
    walk,
)

# The import above says what to install where there is no scikit-learn.
# isort: split
from sklearn.base import BaseEstimator, ClassifierMixin, OutlierMixin, RegressorMixin
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

__all__ = ["LetheClassifier", "LetheOutlierDetector", "LetheRegressor"]


class LetheRegressor(RegressorMixin, BaseEstimator):
    """Predicts one number or several for each row from its columns and all rows before.

    Parameters
    ----------
    cells, layers : int
        Memory cells in each layer of each network, and layers.
    rates : tuple of float
        Learning rates, one for each network of the ensemble.
    period : int or (int, int), optional
        Rows after which a season repeats, or two. By default days, weeks and years are looked up
        where there are times, and other periods are found.
    categories : int
        Values of a categorical column that are distinguished; the least recently used is replaced.
    time : str, optional
        The column with the time of a row; by default the first that holds times.
    random_state : int, RandomState or None
        Seed of the initial weights.

    Attributes
    ----------
    model_ : lethe.Model
        The model; its `predict` also returns intervals.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(500, 3))
    >>> y = X[:, 0] - 2 * X[:, 1]
    >>> regressor = LetheRegressor(cells=8).fit(X[:400], y[:400])
    >>> regressor.score(X[400:], y[400:]) > 0.99
    True
    """

    def __init__(
        self,
        *,
        cells: int = 32,
        layers: int = 1,
        rates: tuple[float, ...] = RATES,
        period: int | tuple[int, int] | None = None,
        categories: int = 1000,
        time: str | None = None,
        random_state: RandomState = 0,
    ) -> None:
        self.cells = cells
        self.layers = layers
        self.rates = rates
        self.period = period
        self.categories = categories
        self.time = time
        self.random_state = random_state

    def fit(self, X: Rows, y: ArrayLike) -> Self:
        """Make a new model, and learn from the rows in their order.

        Parameters
        ----------
        X : array-like or DataFrame of pandas or Polars, shape (n_samples, n_features)
            In the order of time. Arrays hold numbers; a frame's columns also categories (strings,
            booleans) and times. NaN, None and infinite numbers are missing.
        y : array-like, shape (n_samples,) or (n_samples, n_outputs)
            Finite numbers.
        """
        return self._learn(X, y, True)

    def partial_fit(self, X: Rows, y: ArrayLike) -> Self:
        """Learn from rows that follow those before."""
        return self._learn(X, y, not hasattr(self, "model_"))

    def _learn(self, X: Rows, y: ArrayLike, fresh: bool) -> Self:
        events = events_of(self, X, fresh=fresh, y=y)
        values: NDArray[np.float64] = check_array(
            plain_array("y", y), ensure_2d=False, dtype=np.float64, input_name="y"
        )
        check_consistent_length(X, values)
        values = values.reshape(len(values), -1)
        if fresh:
            outputs = values.shape[1]
            names = [f"{TARGET}[{n}]" for n in range(outputs)] if outputs > 1 else [TARGET]
            self.model_ = model_of(self, names, period=self.period, detect=False)
        for event, target in zip(events, values, strict=True):
            self.model_.learn(event, target)
        return self

    def predict(self, X: Rows) -> NDArray[np.float64]:
        """Predict each row, shape (n_samples,) or (n_samples, n_outputs)."""
        values = (prediction.value for prediction in walk(self, X))
        rows = [list(value.values()) if isinstance(value, dict) else value for value in values]
        return np.array(rows, np.float64)

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = nan_allowed(super().__sklearn_tags__())
        tags.target_tags.multi_output = True
        return tags


class LetheClassifier(ClassifierMixin, BaseEstimator):
    """Predicts the class of each row from its columns and all rows before.

    Parameters
    ----------
    cells, layers : int
        Memory cells in each layer of each network, and layers.
    rates : tuple of float
        Learning rates, one for each network of the ensemble.
    categories : int
        Classes, and values of a categorical column, that are distinguished; the least recently
        used is replaced.
    time : str, optional
        The column with the time of a row; by default the first that holds times.
    random_state : int, RandomState or None
        Seed of the initial weights.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The classes so far, in order; `partial_fit` can add to them.
    model_ : lethe.Model
        The model.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(500, 3))
    >>> y = np.where(X[:, 0] > X[:, 1], "rise", "fall")
    >>> classifier = LetheClassifier(cells=8).fit(X[:400], y[:400])
    >>> classifier.score(X[400:], y[400:]) > 0.9
    True
    """

    def __init__(
        self,
        *,
        cells: int = 32,
        layers: int = 1,
        rates: tuple[float, ...] = RATES,
        categories: int = 1000,
        time: str | None = None,
        random_state: RandomState = 0,
    ) -> None:
        self.cells = cells
        self.layers = layers
        self.rates = rates
        self.categories = categories
        self.time = time
        self.random_state = random_state

    def fit(self, X: Rows, y: ArrayLike) -> Self:
        """Make a new model, and learn from the rows in their order.

        Parameters
        ----------
        X : array-like or DataFrame of pandas or Polars, shape (n_samples, n_features)
            In the order of time. Arrays hold numbers; a frame's columns also categories (strings,
            booleans) and times. NaN, None and infinite numbers are missing.
        y : array-like, shape (n_samples,)
            Strings, integers, booleans or times.
        """
        return self._learn(X, y, None, True)

    def partial_fit(self, X: Rows, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """Learn from rows that follow those before.

        Parameters
        ----------
        X, y
            As for `fit`.
        classes : array-like, optional
            Classes to come. This is optional: new ones join ``classes_`` as they come.
        """
        return self._learn(X, y, classes, not hasattr(self, "model_"))

    def _learn(self, X: Rows, y: ArrayLike, classes: ArrayLike | None, fresh: bool) -> Self:
        events = events_of(self, X, fresh=fresh, y=y)
        found = check_array(plain_array("y", y), ensure_2d=False, dtype=None, input_name="y")
        labels: NDArray[np.generic] = column_or_1d(found, warn=True)
        check_classification_targets(labels)
        check_consistent_length(X, labels)
        known = np.unique(
            labels if classes is None else np.concatenate((np.asarray(classes), labels))
        )
        if fresh:
            self.model_ = model_of(self, TARGET, task="classification", detect=False)
            self.classes_ = known
        else:
            self.classes_ = np.union1d(self.classes_, known)
        if labels.dtype.kind == "f":
            labels = labels.astype(np.int64)  # 1.0 and 1 are one class
        for event, label in zip(events, labels_of(labels), strict=True):
            self.model_.learn(event, label)
        return self

    def predict_proba(self, X: Rows) -> NDArray[np.float64]:
        """Probabilities of ``classes_``, shape (n_samples, n_classes)."""
        predictions = list(walk(self, X))
        labels = labels_of(self.classes_)
        rows: NDArray[np.float64] = np.array(
            [[p.probabilities.get(label, p.new) for label in labels] for p in predictions]
        )
        rows /= rows.sum(axis=1, keepdims=True)
        return rows

    def predict(self, X: Rows) -> NDArray[np.generic]:
        """The most probable class of each row, shape (n_samples,)."""
        most = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[np.generic] = self.classes_[most]
        return labels

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = nan_allowed(super().__sklearn_tags__())
        return tags


class LetheOutlierDetector(OutlierMixin, BaseEstimator):
    """Scores how anomalous each row is given those before it.

    Every numeric column is predicted one row ahead, and the most anomalous counts; other columns
    only serve the predictions. Walking through rows, the copy learns from them.

    Parameters
    ----------
    threshold : float
        Rows with a higher anomaly score are outliers: from 0 (usual) to 1. On a stream that does
        not change, about one row in 1 / (1 - threshold) is.
    cells, layers, rates, period, categories, time, random_state
        As for `LetheRegressor`.

    Attributes
    ----------
    offset_ : float
        ``decision_function`` is ``score_samples - offset_``.
    model_ : lethe.Model
        The model.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.sin(np.arange(1000) / 4)[:, np.newaxis]
    >>> detector = LetheOutlierDetector(cells=8).fit(X)
    >>> detector.predict([[9.0]])
    array([-1])
    """

    def __init__(
        self,
        *,
        threshold: float = 0.99,
        cells: int = 32,
        layers: int = 1,
        rates: tuple[float, ...] = RATES,
        period: int | tuple[int, int] | None = None,
        categories: int = 1000,
        time: str | None = None,
        random_state: RandomState = 0,
    ) -> None:
        self.threshold = threshold
        self.cells = cells
        self.layers = layers
        self.rates = rates
        self.period = period
        self.categories = categories
        self.time = time
        self.random_state = random_state

    def fit(self, X: Rows, y: object = None) -> Self:
        """Make a new model, and learn from the rows in their order; `y` is ignored.

        Parameters
        ----------
        X : array-like or DataFrame of pandas or Polars, shape (n_samples, n_features)
            In the order of time. Arrays hold numbers; a frame's columns also categories (strings,
            booleans) and times. NaN, None and infinite numbers are missing.
        y : object
            Ignored.
        """
        return self._learn(X, True)

    def partial_fit(self, X: Rows, y: object = None) -> Self:
        """Learn from rows that follow those before; `y` is ignored."""
        return self._learn(X, not hasattr(self, "model_"))

    def _learn(self, X: Rows, fresh: bool) -> Self:
        events = events_of(self, X, fresh=fresh)
        if fresh:
            # A model alone would look at the first row.
            columns = number_columns(self, events) or None
            self.model_ = model_of(self, columns, horizon=1, period=self.period)
        self.offset_ = -float(self.threshold)
        for event in events:
            self.model_.learn(event)
        return self

    def score_samples(self, X: Rows) -> NDArray[np.float64]:
        """Score how usual each row is, shape (n_samples,): from -1 (an anomaly) to 0."""
        check_is_fitted(self)
        events, model = events_of(self, X), copy.deepcopy(self.model_)
        scores: NDArray[np.float64] = np.array([model.learn(event).anomaly for event in events])
        return np.negative(np.nan_to_num(scores))

    def decision_function(self, X: Rows) -> NDArray[np.float64]:
        """`score_samples` less ``offset_``, shape (n_samples,): below 0 for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Rows) -> NDArray[np.int64]:
        """-1 for outliers and 1 for all others, shape (n_samples,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = nan_allowed(super().__sklearn_tags__())
        return tags
