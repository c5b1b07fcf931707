"""scikit-learn: a Model as a regressor, classifier or outlier detector of scikit-learn.

All that these do is to hand rows to their ``model_``, a `lethe.Model`, and to give its answers as
scikit-learn wants them. Rows are a sequence in the order of time:

- ``fit`` is a fresh model and one pass over the rows; ``partial_fit`` goes on from the last.
- ``predict``, ``predict_proba``, ``score_samples`` and what calls them walk through the rows on a
  copy of the model, as if they came next: each is answered from all before it. Their targets are
  missing, so the copy learns nothing; only that of `LetheOutlierDetector`, whose rows are their own
  targets, does. What was fitted does not change, and the next walk begins where fitting ended.

So the order of rows matters, and a row's answer depends on those before it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lethe.model import Model, Prediction
from lethe.model.racing import RATES

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, OutlierMixin, RegressorMixin
    from sklearn.utils import check_array, check_consistent_length, check_random_state, column_or_1d
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        'scikit-learn is not installed: pip install "lethe-ml[sklearn]"', name=missing.name
    ) from None

__all__ = ["LetheClassifier", "LetheOutlierDetector", "LetheRegressor"]

#: The targets' columns: names that no feature has.
TARGET = "fit's y"


class LetheRegressor(RegressorMixin, BaseEstimator):
    """Predicts one number or several for each row from its columns and all rows before.

    Parameters
    ----------
    cells, layers : int
        Memory cells in each layer of each network, and layers.
    rates : tuple of float
        Learning rates that race.
    period : int, optional
        Rows after which a season repeats; with times, days, weeks and years are looked up.
    categories : int
        Values of a column of categories that are told apart; the least recently used then gives
        way.
    time : str, optional
        The column with the time of a row; by default the first that holds times.
    random_state : int, RandomState or None
        Draws the first weights.

    Attributes
    ----------
    model_ : lethe.Model
        What predicts and learns; its `predict` also gives intervals.

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
        period: int | None = None,
        categories: int = 1000,
        time: str | None = None,
        random_state: Any = 0,
    ) -> None:
        self.cells = cells
        self.layers = layers
        self.rates = rates
        self.period = period
        self.categories = categories
        self.time = time
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Forget everything, then learn from the rows in their order.

        Parameters
        ----------
        X : array-like or DataFrame of pandas or Polars, shape (n_samples, n_features)
            In the order of time. Arrays hold numbers; a frame's columns also categories (texts,
            truth values) and times. NaN, None and infinite numbers are missing.
        y : array-like, shape (n_samples,) or (n_samples, n_outputs)
            Finite numbers.
        """
        return self._learn(X, y, True)

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Learn from rows that follow those before."""
        return self._learn(X, y, not hasattr(self, "model_"))

    def _learn(self, X: Any, y: Any, fresh: bool) -> Self:
        events = _events(self, X, fresh=fresh, y=y)
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(X, y)
        y = y.reshape(len(y), -1)
        if fresh:
            outputs = y.shape[1]
            names = [f"{TARGET}[{n}]" for n in range(outputs)] if outputs > 1 else [TARGET]
            self.model_ = _model(self, names, period=self.period, detect=False)
        for event, target in zip(events, y, strict=True):
            self.model_.learn(event, target)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """What is expected of each row, shape (n_samples,) or (n_samples, n_outputs)."""
        values = [prediction.value for prediction in _walk(self, X)]
        if len(self.model_.targets) > 1:
            return np.array([list(value.values()) for value in values])
        return np.array(values)

    def __sklearn_tags__(self) -> Any:
        tags = _tags(super().__sklearn_tags__())
        tags.target_tags.multi_output = True
        return tags


class LetheClassifier(ClassifierMixin, BaseEstimator):
    """Predicts the class of each row from its columns and all rows before.

    Parameters
    ----------
    cells, layers : int
        Memory cells in each layer of each network, and layers.
    rates : tuple of float
        Learning rates that race.
    categories : int
        Classes, and values of a column of categories, that are told apart; the least recently used
        then gives way.
    time : str, optional
        The column with the time of a row; by default the first that holds times.
    random_state : int, RandomState or None
        Draws the first weights.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The classes so far, in order; `partial_fit` can add to them.
    model_ : lethe.Model
        What predicts and learns.

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
        random_state: Any = 0,
    ) -> None:
        self.cells = cells
        self.layers = layers
        self.rates = rates
        self.categories = categories
        self.time = time
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Forget everything, then learn from the rows in their order.

        Parameters
        ----------
        X : array-like or DataFrame of pandas or Polars, shape (n_samples, n_features)
            In the order of time. Arrays hold numbers; a frame's columns also categories (texts,
            truth values) and times. NaN, None and infinite numbers are missing.
        y : array-like, shape (n_samples,)
            Texts, whole numbers or truth values.
        """
        return self._learn(X, y, None, True)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Learn from rows that follow those before.

        Parameters
        ----------
        X, y
            As for `fit`.
        classes : array-like, optional
            Classes to come. They need not be told: new ones join ``classes_`` as they come.
        """
        return self._learn(X, y, classes, not hasattr(self, "model_"))

    def _learn(self, X: Any, y: Any, classes: Any, fresh: bool) -> Self:
        events = _events(self, X, fresh=fresh, y=y)
        y = column_or_1d(check_array(y, ensure_2d=False, dtype=None, input_name="y"), warn=True)
        check_classification_targets(y)
        check_consistent_length(X, y)
        known = np.unique(y if classes is None else np.concatenate((np.asarray(classes), y)))
        if fresh:
            self.model_ = _model(self, TARGET, task="classification", detect=False)
            self.classes_ = known
        else:
            self.classes_ = np.union1d(self.classes_, known)
        if y.dtype.kind == "f":
            y = y.astype(np.int64)  # 1.0 and 1 are one class
        for event, label in zip(events, y.tolist(), strict=True):
            self.model_.learn(event, label)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of ``classes_``, shape (n_samples, n_classes)."""
        predictions = list(_walk(self, X))
        labels = self.classes_.tolist()
        rows: NDArray[np.float64] = np.array(
            [[p.probabilities.get(label, p.new) for label in labels] for p in predictions]
        )
        rows /= rows.sum(axis=1, keepdims=True)
        return rows

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row, shape (n_samples,)."""
        most = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[most]
        return labels

    def __sklearn_tags__(self) -> Any:
        return _tags(super().__sklearn_tags__())


class LetheOutlierDetector(OutlierMixin, BaseEstimator):
    """Scores how odd each row is after those before it.

    Every column of numbers is predicted one row ahead, and the oddest counts; other columns are
    what they are predicted from. Walking through rows, the copy learns from them.

    Parameters
    ----------
    threshold : float
        Rows with an anomaly score above are outliers: from 0 (as usual) to 1 (as never before).
        On a stream that goes on as it was, about one row in 1 / (1 - threshold) is.
    cells, layers, rates, period, categories, time, random_state
        As for `LetheRegressor`.

    Attributes
    ----------
    offset_ : float
        ``decision_function`` is ``score_samples - offset_``.
    model_ : lethe.Model
        What predicts and learns.

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
        period: int | None = None,
        categories: int = 1000,
        time: str | None = None,
        random_state: Any = 0,
    ) -> None:
        self.threshold = threshold
        self.cells = cells
        self.layers = layers
        self.rates = rates
        self.period = period
        self.categories = categories
        self.time = time
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Forget everything, then learn from the rows in their order; `y` is ignored.

        Parameters
        ----------
        X : array-like or DataFrame of pandas or Polars, shape (n_samples, n_features)
            In the order of time. Arrays hold numbers; a frame's columns also categories (texts,
            truth values) and times. NaN, None and infinite numbers are missing.
        y : object
            Ignored.
        """
        return self._learn(X, True)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn from rows that follow those before; `y` is ignored."""
        return self._learn(X, not hasattr(self, "model_"))

    def _learn(self, X: Any, fresh: bool) -> Self:
        events = _events(self, X, fresh=fresh)
        if fresh:
            self.model_ = _model(self, None, period=self.period)
        self.offset_ = -float(self.threshold)
        for event in events:
            self.model_.learn(event)
        return self

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """How usual each row is, shape (n_samples,): from -1 (odd as none before) to 0."""
        check_is_fitted(self)
        events, twin = _events(self, X), copy.deepcopy(self.model_)
        scores: NDArray[np.float64] = np.array([twin.learn(event).anomaly for event in events])
        return np.negative(np.nan_to_num(scores))

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """`score_samples` less ``offset_``, shape (n_samples,): below 0 for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """-1 for outliers and 1 for all others, shape (n_samples,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def __sklearn_tags__(self) -> Any:
        return _tags(super().__sklearn_tags__())


def _model(estimator: Any, target: Any, **more: Any) -> Model:
    seed = check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max)
    return Model(
        target,
        cells=estimator.cells,
        layers=estimator.layers,
        rates=estimator.rates,
        categories=estimator.categories,
        time=estimator.time,
        seed=seed,
        **more,
    )


def _tags(tags: Any) -> Any:
    tags.input_tags.allow_nan = True
    return tags


def _events(
    estimator: Any, X: Any, *, fresh: bool = False, y: Any = "no_validation"
) -> list[dict[str, Any]]:
    """The rows as a model wants them: values by the names of the columns."""
    polars, pandas = hasattr(X, "iter_rows"), hasattr(X, "itertuples")
    X = validate_data(
        estimator,
        X,
        None if y is None else "no_validation",  # None where there must be one: an error
        reset=fresh,
        skip_check_array=polars or pandas,
        dtype=np.float64,
        ensure_all_finite=False,
    )
    if polars:
        rows: Iterable[Any] = X.iter_rows()
    elif pandas:
        values = X.astype(object)
        rows = values.where(values.notna(), None).itertuples(index=False, name=None)
    else:
        rows = X.tolist()
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = [f"x{n}" for n in range(estimator.n_features_in_)]
    if any(str(name).startswith(TARGET) for name in names):
        raise ValueError(f"X must have no column whose name starts with {TARGET!r}")
    events = [dict(zip(names, row, strict=True)) for row in rows]
    if not events:
        raise ValueError("X must have at least one row, got none")
    return events


def _walk(estimator: Any, X: Any) -> Iterator[Prediction]:
    """What the model expects of each row as the rows come, their targets missing."""
    check_is_fitted(estimator)
    events, twin = _events(estimator, X), copy.deepcopy(estimator.model_)
    for event in events:
        yield twin.follow(event, None).prediction
