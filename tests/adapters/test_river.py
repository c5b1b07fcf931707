"""River's own checks, and what the adapters add to a Model."""

from __future__ import annotations

import inspect
import math
import pickle
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lethe

pytest.importorskip("river", reason="river is not installed")
pytest.importorskip("sklearn", reason="scikit-learn, which river's checks use, is not installed")

from river import anomaly, checks, compose, datasets, evaluate, metrics, preprocessing

from lethe.adapters.river import (
    TARGET,
    LetheAnomalyDetector,
    LetheClassifier,
    LetheForecaster,
    LetheRegressor,
    LetheSupervisedAnomalyDetector,
)

DOCS = (Path(__file__).parents[2] / "docs" / "adapters.md").read_text(encoding="utf-8")
PAGE = DOCS.split("\n## ")[1]
ESTIMATORS = (
    LetheAnomalyDetector,
    LetheClassifier,
    LetheForecaster,
    LetheRegressor,
    LetheSupervisedAnomalyDetector,
)


class DrawnCards:
    """Events of the features of `datasets.CreditCard`, which is 150 MB to download."""

    def take(self, k: int) -> Iterator[tuple[dict[str, float], int]]:
        draw = random.Random(0)
        for n in range(min(k, 300)):
            fraud = n % 97 == 96
            x = {"Time": float(n)}
            x |= {f"V{i}": draw.gauss(0, 5 if fraud else 1) for i in range(1, 29)}
            yield x | {"Amount": draw.expovariate(0.01)}, int(fraud)


def all_checks() -> Iterator[Any]:
    patch = pytest.MonkeyPatch()
    if not datasets.CreditCard().is_downloaded:
        patch.setattr(datasets, "CreditCard", DrawnCards)
    for cls in ESTIMATORS:
        for params in cls._unit_test_params():
            estimator = cls(**params)
            for n, check in enumerate(checks.yield_checks(estimator)):
                yield pytest.param(estimator, check, id=f"{cls.__name__}-{n}-{check.__name__}")
    patch.undo()


@pytest.mark.parametrize(("estimator", "check"), list(all_checks()))
def test_checks_of_river(estimator: Any, check: Callable[[Any], None]) -> None:
    random.seed(0)  # the checks shuffle
    assert not estimator._unit_test_skips()
    check(estimator.clone())


def events(n: int, seed: int = 0) -> Iterator[tuple[dict[str, Any], float]]:
    draw = random.Random(seed)
    for k in range(n):
        x = {"load": draw.gauss(0, 1), "valve": draw.choice(["open", "shut"]), "hour": k % 24}
        yield x, math.sin(k / 4) + x["load"] - 2 * (x["valve"] == "shut")


ASK: dict[Any, Callable[[Any, Any, Any], Any]] = {
    LetheAnomalyDetector: lambda m, x, y: m.score_one(x),
    LetheClassifier: lambda m, x, y: (m.predict_proba_one(x), m.predict_one(x)),
    LetheForecaster: lambda m, x, y: m.forecast(3, [x] * 3),
    LetheRegressor: lambda m, x, y: m.predict_one(x),
    LetheSupervisedAnomalyDetector: lambda m, x, y: m.score_one(x, y),
}
LEARN: dict[Any, Callable[[Any, Any, Any], Any]] = {
    LetheAnomalyDetector: lambda m, x, y: m.learn_one(x),
    LetheClassifier: lambda m, x, y: m.learn_one(x, y > 0),
    LetheForecaster: lambda m, x, y: m.learn_one(y, x),
    LetheRegressor: lambda m, x, y: m.learn_one(x, y),
    LetheSupervisedAnomalyDetector: lambda m, x, y: m.learn_one(x, y),
}


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_asking_changes_no_bit(cls: Any) -> None:
    asked, other = cls(cells=3), cls(cells=3)
    for n, (x, y) in enumerate(events(40)):
        before = pickle.dumps(asked)
        answer = ASK[cls](asked, x, y)
        ASK[cls](asked, {**x, "new": 1.0, 7: "seven"}, y)
        assert pickle.dumps(asked) == before, n
        if n == 20:
            other = pickle.loads(pickle.dumps(other))
        assert ASK[cls](other, x, y) == answer
        LEARN[cls](asked, x, y)
        LEARN[cls](other, x, y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_parameters_reach_the_model(cls: Any) -> None:
    estimator = cls()
    model = estimator.model
    assert model.configuration()["options"]["new_columns"] == "grow"
    own = inspect.signature(cls).parameters
    of_model = inspect.signature(lethe.Model).parameters
    for name, parameter in own.items():
        if name != "horizon":
            assert parameter.default == of_model[name].default
    changed = cls(cells=5, layers=2, rates=(0.01,), categories=50, time="when", seed=3)
    options = changed.model.configuration()["options"]
    found = [options[name] for name in ("cells", "layers", "rates", "categories")]
    assert found == [5, 2, [0.01], 50]
    assert changed.model.configuration()["time"] == "when"
    if "period" in own:
        assert cls(period=24).model.configuration()["options"]["period"] == 24
    with pytest.raises(ValueError, match="cells must be a whole number"):
        cls(cells=0)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_clone_and_memory(cls: Any) -> None:
    estimator = cls(cells=3)
    fresh = estimator._raw_memory_usage
    for x, y in events(30):
        LEARN[cls](estimator, x, y)
    assert estimator._raw_memory_usage > fresh
    assert isinstance(estimator._memory_usage, str)
    assert estimator.clone().model.events == 0
    twin = estimator.clone(include_attributes=True)
    x, y = next(events(1, seed=1))
    assert ASK[cls](twin, x, y) == ASK[cls](estimator, x, y)
    with pytest.raises(ValueError, match="not a mutable attribute"):
        estimator.mutate({"cells": 4})


def test_answers_are_the_models() -> None:
    regressor = LetheRegressor(cells=3)
    model = lethe.Model("y", cells=3)
    for x, y in events(50):
        event = dict(sorted(x.items()))
        assert regressor.predict_one(x) == model.predict(event).value
        regressor.learn_one(x, y)
        model.learn(event, y)


def test_order_and_names_of_features() -> None:
    """Names that are no texts, in any order, new ones included."""
    one, two = LetheRegressor(cells=3), LetheRegressor(cells=3)
    for n, (x, y) in enumerate(events(50)):
        x = {**x, 1: 0.5 * n, ("a", 2): n % 3, **({"late": 1.0, "later": n} if n > 20 else {})}
        turned = dict(reversed(x.items()))
        assert one.predict_one(x) == two.predict_one(turned)
        one.learn_one(x, y)
        two.learn_one(turned, y)


@pytest.mark.parametrize("x", [{TARGET: 1.0}, {1: 2.0, "1": 3.0}])
def test_names_that_are_taken(x: dict[Any, float]) -> None:
    regressor = LetheRegressor(cells=2)
    with pytest.raises(ValueError, match="x must have features of other names"):
        regressor.learn_one(x, 1.0)
    assert regressor.model.events == 0


def test_before_the_first_event() -> None:
    assert LetheRegressor().predict_one({"a": 1.0}) == 0.0
    assert LetheClassifier().predict_proba_one({"a": 1.0}) == {}
    assert LetheClassifier().predict_one({"a": 1.0}) is None
    assert LetheForecaster(4).forecast(2) == [0.0, 0.0]
    assert LetheAnomalyDetector().score_one({"a": 1.0}) == 0.0
    assert LetheSupervisedAnomalyDetector().score_one({"a": 1.0}, 3.0) == 0.0


def test_missing_targets_are_taken_in() -> None:
    regressor, classifier = LetheRegressor(cells=3), LetheClassifier(cells=3)
    for n, (x, y) in enumerate(events(60)):
        regressor.learn_one(x, None if n % 3 else y)
        classifier.learn_one(x, None if n % 3 else "up" if y > 0 else "down")
    assert regressor.model.events == classifier.model.events == 60
    assert math.isfinite(regressor.predict_one(x))
    assert classifier.predict_proba_one(x).keys() == {"up", "down"}


def test_forecasts() -> None:
    forecaster = LetheForecaster(horizon=6, cells=4)
    for n in range(300):
        forecaster.learn_one(5 + math.sin(n / 4))
    forecast = forecaster.forecast(6)
    assert forecast[:2] == forecaster.forecast(2)
    assert forecast == pytest.approx([5 + math.sin(n / 4) for n in range(300, 306)], abs=0.2)
    with pytest.raises(ValueError, match="horizon must be a whole number from 0 to 6, got 7"):
        forecaster.forecast(7)


def test_in_a_pipeline() -> None:
    model = compose.Select("load") | preprocessing.StandardScaler()
    model += compose.Select("valve", "hour")
    model |= LetheRegressor(cells=4)
    error = evaluate.progressive_val_score(events(500), model, metrics.MAE()).get()
    assert error < 0.6
    assert model["LetheRegressor"].model.events == 500


def test_delayed_labels() -> None:
    regressor = LetheRegressor(cells=4)
    error = evaluate.progressive_val_score(events(300), regressor, metrics.MAE(), delay=5)
    assert error.get() < 1


def test_classes_of_segments() -> None:
    classifier = LetheClassifier(cells=8)
    score = evaluate.progressive_val_score(
        datasets.ImageSegments().take(500), classifier, metrics.Accuracy()
    )
    assert score.get() > 0.6  # of 7 classes


def test_scores_before_it_learns_and_says_why() -> None:
    detector = LetheAnomalyDetector(cells=4)
    for n in range(500):
        detector.learn_one({"flow": math.sin(n / 4), "level": n % 7})
    odd = {"flow": 9.0, "level": 500 % 7}
    score = detector.score_one(odd)
    assert score > 0.99
    assert detector.score_one({"flow": math.sin(500 / 4), "level": 500 % 7}) < 0.9
    detector.learn_one(odd)
    assert detector.report is not None
    assert detector.report.anomaly == score
    assert detector.report.explanation.startswith("flow: ")
    assert "expected" in detector.report.explanation


def test_supervised_detector_says_why() -> None:
    detector = LetheSupervisedAnomalyDetector(cells=4)
    for x, y in events(500):
        detector.learn_one(x, y)
    assert detector.score_one(x, y + 50) > 0.99
    detector.learn_one(x, y + 50)
    assert detector.report is not None
    assert re.match(r"learn_one's y: expected .*, \w+ .*", detector.report.explanation)


def test_filter_of_anomalies() -> None:
    detector = anomaly.ThresholdFilter(LetheAnomalyDetector(cells=4), threshold=0.99)
    for n in range(300):
        detector.learn_one({"flow": math.sin(n / 4)})
    assert detector.classify(detector.score_one({"flow": 9.0}))


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_page(code: str) -> None:
    exec(compile(code, "docs/adapters.md", "exec"), {})


def test_rows_of_a_frame_are_features() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0, 3.0] * 20, "b": [0.0, 1.0] * 30})
    ours, theirs = LetheRegressor(cells=2), LetheRegressor(cells=2)
    for _, row in frame.iterrows():
        assert ours.predict_one(row) == theirs.predict_one(row.to_dict())
        ours.learn_one(row, row["a"])
        theirs.learn_one(row.to_dict(), row["a"])


@pytest.mark.parametrize("wrong", [None, 5, "text", {1.0}, np.ones((2, 2))])
def test_what_is_no_event_is_refused(wrong: Any) -> None:
    regressor = LetheRegressor(cells=2)
    for use in (regressor.predict_one, lambda x: regressor.learn_one(x, 1.0)):
        with pytest.raises(ValueError, match="event must be a mapping"):
            use(wrong)
