"""scikit-learn's own checks, and what the adapters add to a Model."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lethe

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.exceptions import NotFittedError
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from lethe.adapters.sklearn import LetheClassifier, LetheOutlierDetector, LetheRegressor

DOCS = (Path(__file__).parents[2] / "docs" / "adapters.md").read_text(encoding="utf-8")
PAGE = DOCS.split("\n## ")[2]
ORDER_MATTERS = {
    "check_methods_sample_order_invariance": "a row is answered from all before it",
    "check_methods_subset_invariance": "a row is answered from all before it",
}


# The mark is "skip" for the detector: whether the two pass depends on how the rows are drawn.
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        param
        for estimator, mark in (
            (LetheRegressor(cells=3), "xfail"),
            (LetheClassifier(cells=3), "xfail"),
            (LetheOutlierDetector(threshold=0.8, cells=3), "skip"),
        )
        for param in estimator_checks_generator(
            estimator, expected_failed_checks=ORDER_MATTERS, mark=mark
        )
    ],
    ids=lambda value: getattr(value, "func", value).__name__ if callable(value) else repr(value),
)
def test_checks_of_sklearn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_check_that_needs_a_setting_before_scipy_is_imported() -> None:
    code = """if True:
        from sklearn.utils.estimator_checks import estimator_checks_generator
        from lethe.adapters import sklearn as ours
        for cls in (ours.LetheRegressor, ours.LetheClassifier, ours.LetheOutlierDetector):
            for estimator, check in estimator_checks_generator(cls(cells=2)):
                if getattr(check, "func", check).__name__.startswith("check_array_api"):
                    check(estimator)
    """
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def table(n: int, seed: int = 0) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, 3))
    return X, X @ [1.0, -2.0, 0.5] + np.sin(np.arange(n) / 4)


def frame(n: int = 300) -> tuple[Any, Any]:
    """A pandas frame of all kinds of columns, each with missing values, and targets."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    generator = np.random.default_rng(0)
    load = generator.normal(size=n)
    valve = generator.choice(["open", "half", "shut"], size=n)
    flag = generator.random(n) < 0.5
    y = load + 2.0 * (valve == "open") + 3.0 * flag + np.sin(np.arange(n) * 2 * np.pi / 24)
    X = pandas.DataFrame(
        {
            "time": pandas.Series(pandas.date_range("2026-01-01", periods=n, freq="h")),
            "load": load,
            "valve": pandas.Categorical(valve),
            "text": valve.astype(object),
            "flag": flag,
            "whole": pandas.array(np.arange(n) % 5, dtype="Int64"),
        }
    )
    for k, name in enumerate(["time", "load", "valve", "text", "whole"]):
        X.loc[[0, 20 + k], name] = None
    return X, y


# ---- fitting ----


def test_fit_is_fresh_and_partial_fit_goes_on() -> None:
    X, y = table(120)
    whole = LetheRegressor(cells=3).fit(X, y)
    parts = LetheRegressor(cells=3).fit(X[::-1], y).fit(X[:50], y[:50])
    parts.partial_fit(X[50:51], y[50:51]).partial_fit(X[51:], y[51:])
    assert whole.model_.events == parts.model_.events == 120
    assert np.array_equal(whole.predict(X), parts.predict(X))
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    model = lethe.Model("fit's y", cells=3, seed=seed, detect=False)
    for row, target in zip(X, y, strict=True):
        model.learn({f"x{n}": value for n, value in enumerate(row)}, target)
    first = {f"x{n}": value for n, value in enumerate(X[0])}
    assert whole.predict(X[:1]) == model.predict(first).value


def test_random_state() -> None:
    X, y = table(40)
    one, same, other = (
        LetheRegressor(cells=3, random_state=seed).fit(X, y).predict(X) for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_parameters_reach_the_model() -> None:
    X, y = table(10)
    settings = {"cells": 5, "layers": 2, "rates": (0.01,), "categories": 50, "time": "x0"}
    for cls in (LetheRegressor, LetheClassifier, LetheOutlierDetector):
        model = cls(**settings).fit(X, y > 0).model_
        options = model.configuration()["options"]
        found = [options[name] for name in ("cells", "layers", "rates", "categories")]
        assert found == [5, 2, [0.01], 50]
        assert model.configuration()["time"] == "x0"
    model = LetheRegressor(period=7).fit(X, y).model_
    assert model.configuration()["options"]["period"] == 7
    with pytest.raises(ValueError, match="cells must be a whole number"):
        LetheRegressor(cells=0).fit(X, y)


# ---- predicting ----


@pytest.mark.parametrize("cls", [LetheRegressor, LetheClassifier, LetheOutlierDetector])
def test_predicting_changes_no_bit(cls: Any) -> None:
    X, y = table(80)
    estimator = cls(cells=3).fit(X, np.round(y) if cls is LetheClassifier else y)
    before = pickle.dumps(estimator)
    answers = estimator.predict(X)
    assert np.array_equal(estimator.predict(X), answers)
    assert pickle.dumps(estimator) == before
    assert np.array_equal(pickle.loads(before).predict(X), answers)


def test_walk_is_in_the_order_of_time() -> None:
    X, y = table(200)
    regressor = LetheRegressor(cells=3).fit(X[:150], y[:150])
    answers = regressor.predict(X[150:])
    assert np.array_equal(regressor.predict(X[150:160]), answers[:10])  # of rows before only
    model = pickle.loads(pickle.dumps(regressor)).model_
    for row, answer in zip(X[150:], answers, strict=True):
        event = {f"x{n}": value for n, value in enumerate(row)}
        assert model.predict(event).value == answer
        model.follow(event, None)


def test_several_targets() -> None:
    X, y = table(300)
    Y = np.column_stack((y, -y, X[:, 0]))
    regressor = LetheRegressor(cells=4).fit(X[:250], Y[:250])
    assert regressor.predict(X[250:]).shape == (50, 3)
    assert regressor.score(X[250:], Y[250:]) > 0.7


def test_probabilities() -> None:
    X, _ = table(300)
    y = np.where(X[:, 0] > 0, "rise", "fall")
    classifier = LetheClassifier(cells=4).partial_fit(
        X[:1], y[:1], classes=["rise", "fall", "rest"]
    )
    assert classifier.classes_.tolist() == ["fall", "rest", "rise"]
    assert classifier.predict_proba(X[:5]).shape == (5, 3)
    classifier.partial_fit(X[1:], y[1:])
    p = classifier.predict_proba(X)
    assert np.allclose(p.sum(axis=1), 1)
    assert 0 < p[0, 1] < 0.05  # "rest" has not come
    assert classifier.score(X, y) > 0.85


def test_classes_join_as_they_come() -> None:
    X, _ = table(90)
    classifier = LetheClassifier(cells=3)
    classifier.partial_fit(X[:30], [1] * 30).partial_fit(X[30:60], [3.0] * 30)
    classifier.partial_fit(X[60:], [1.0, 2.0] * 15)
    assert classifier.classes_.tolist() == [1, 2, 3]
    assert classifier.model_.predict({"x0": 0.0}).probabilities.keys() == {1, 2, 3}


# ---- frames ----


def test_frames_of_pandas_and_polars() -> None:
    X, y = frame()
    polars = pytest.importorskip("polars", reason="Polars is not installed")
    regressor = LetheRegressor(cells=4).fit(X[:250], y[:250])
    assert regressor.feature_names_in_.tolist() == X.columns.tolist()
    columns = regressor.model_.configuration()
    assert columns["time"] == "time"
    assert sorted(columns["numbers"]) == ["load", "whole"]
    assert sorted(columns["categories"]) == ["flag", "text", "valve"]
    assert regressor.score(X[250:], y[250:]) > 0.5
    rows = polars.DataFrame(
        {name: X[name].astype(object).where(X[name].notna(), None).tolist() for name in X}
    )
    twin = LetheRegressor(cells=4).fit(rows[:250], polars.Series(y[:250]))
    assert np.array_equal(twin.predict(rows[250:]), regressor.predict(X[250:]))


def test_classes_of_frames() -> None:
    X, y = frame()
    pandas = pytest.importorskip("pandas")
    labels = pandas.Series(np.where(y > 2, "high", "low"), dtype="category")
    classifier = LetheClassifier(cells=4).fit(X, labels)
    assert classifier.classes_.tolist() == ["high", "low"]
    assert classifier.score(X, labels) > 0.8


def test_outliers_of_frames() -> None:
    X, _ = frame()
    detector = LetheOutlierDetector(cells=4).partial_fit(X[1:100]).partial_fit(X[100:])
    last = X[-1:].assign(load=90.0)
    assert detector.predict(last).tolist() == [-1]
    assert detector.score_samples(last)[0] < -0.99


@pytest.mark.parametrize("empty", [1, 150])
def test_outliers_in_columns_that_are_empty_at_first(empty: int) -> None:
    X = np.random.default_rng(0).normal(size=(600, 2))
    X[:empty, 0] = np.nan
    detector = LetheOutlierDetector(cells=4, threshold=0.99).fit(X)
    assert detector.model_.targets == ("x0", "x1")
    assert detector.predict([[99.0, 0.0]]).tolist() == [-1]


def test_outliers_row_by_row_where_the_first_has_gaps() -> None:
    X = np.random.default_rng(0).normal(size=(300, 2))
    X[:3, 0] = np.nan
    detector = LetheOutlierDetector(cells=4)
    for row in X:
        detector.partial_fit([row])
    assert detector.model_.targets == ("x0", "x1")
    assert detector.predict([[99.0, 0.0]]).tolist() == [-1]


def test_outliers_of_frames_whose_first_row_has_gaps() -> None:
    X, _ = frame()
    X = X.astype(object)
    X.iloc[0] = None
    targets = LetheOutlierDetector(cells=4).fit(X).model_.targets
    assert targets == LetheOutlierDetector(cells=4).fit(X[1:]).model_.targets


def test_columns_that_do_not_match() -> None:
    X, y = frame(50)
    regressor = LetheRegressor(cells=2).fit(X, y)
    with pytest.raises(ValueError, match="feature names should match"):
        regressor.predict(X[["load"]])
    with pytest.raises(ValueError, match="at least one row"):
        regressor.predict(X[:0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        regressor.partial_fit(X, y[:10])
    with pytest.raises(ValueError, match="column 'load' must be a number"):
        regressor.predict(X.assign(load="much"))
    taken = X.rename(columns={"load": "fit's y"})
    with pytest.raises(ValueError, match="X must have no column"):
        LetheRegressor(cells=2).fit(taken, y)


# ---- among others ----


def test_in_a_pipeline_and_validated_in_order() -> None:
    X, y = table(300)
    pipeline = make_pipeline(StandardScaler(), LetheRegressor(cells=3))
    scores = cross_val_score(pipeline, X, y, cv=TimeSeriesSplit(3))
    assert scores.min() > 0.5


def test_unfitted() -> None:
    for cls in (LetheRegressor, LetheClassifier, LetheOutlierDetector):
        with pytest.raises(NotFittedError):
            cls().predict([[1.0]])


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_page(code: str) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    exec(compile(code, "docs/adapters.md", "exec"), {})


@pytest.mark.parametrize("unit", ["D", "h", "s", "ns"])
def test_times_are_classes(unit: str) -> None:
    X = np.random.default_rng(0).normal(size=(300, 1))
    days = np.array(["2024-01-01", "2024-01-02"], f"datetime64[{unit}]")
    y = days[(X[:, 0] > 0).astype(int)]
    classifier = LetheClassifier(cells=4).fit(X[:150], y[:150])
    classifier.partial_fit(X[150:], y[150:].astype("datetime64[us]"))
    assert classifier.classes_.tolist() == days.astype(classifier.classes_.dtype).tolist()
    assert np.mean(classifier.predict(X) == y) > 0.85
    assert classifier.model_.classes[0] in days


def test_long_texts_are_classes() -> None:
    X = np.random.default_rng(0).normal(size=(300, 1))
    y = np.where(X[:, 0] > 0, "long " * 1000, "short")
    classifier = LetheClassifier(cells=4).fit(X, y)
    assert np.mean(classifier.predict(X) == y) > 0.85
