"""The naive predictors, beside sums made by hand."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

from lethe.evaluate.naive import KEPT, ClassScores, NumberScores, Season

NAN = math.nan
DAY = 86_400.0


def again(what: Any) -> Any:
    """What comes back from another process."""
    return pickle.loads(pickle.dumps(what))


def test_a_missing_target_keeps_what_was_known() -> None:
    scores = NumberScores(["a", "b"], 1, 2)
    for a, b in ((1.0, 10.0), (NAN, 20.0), (3.0, NAN), (5.0, 30.0)):
        scores.update(({"a": 0.0, "b": 0.0},), [a, b])
    # The mean of a before 3 is 1, before 5 it is 2; two events before 3 there was 1, before 5
    # nothing was known, so the last value stands in.
    assert scores.counts == [[2, 2]]
    assert scores.mean_errors(0, 0) == {
        "model": 4.0,
        "last value": (2 + 2) / 2,
        "mean": (2 + 3) / 2,
        "same time last period": (2 + 2) / 2,
    }
    assert scores.mean_errors(1, 0)["last value"] == (10 + 10) / 2


def test_a_day_is_found_by_its_time_where_events_are_missing() -> None:
    season = Season(1, None)
    times = [DAY / 24 * n for n in range(24) if n not in (13, 14, 15, 16)]
    for time in times:
        season.append([time], time)
    assert season.seconds == DAY
    assert season.guess(1, DAY) == [0.0]
    assert season.guess(3, DAY + DAY / 24) == [DAY / 24 * 3]
    assert season.guess(1, DAY + 14.5 * DAY / 24) is None
    assert season.guess(1, NAN) is None


@pytest.mark.parametrize(
    ("gap", "seconds"), [(60.0, DAY), (DAY, 7 * DAY), (7 * DAY, 365.2425 * DAY)]
)
def test_which_period_the_times_show(gap: float, seconds: float) -> None:
    season = Season(1, None)
    for n in range(12):
        season.append([0.0], n * gap)
    assert season.seconds == seconds


def test_memory_is_constant() -> None:
    season = Season(1, None)
    for n in range(3 * KEPT):
        season.append([float(n)], n * 3600.0)
    assert season.values.shape == (2 * KEPT, 1)
    assert season.guess(1, 3 * KEPT * 3600.0) == [3 * KEPT - 24.0]


def test_scores_come_back_from_a_checkpoint() -> None:
    random = np.random.default_rng(0)
    rows = [(random.normal(size=6).tolist(), float(random.normal())) for _ in range(60)]
    numbers = NumberScores(["a"], 6, None)
    classes = ClassScores()
    for n, (forecast, came) in enumerate(rows):
        if n == 30:
            numbers, classes = again(numbers), again(classes)
        numbers.update(forecast, [came], n * 3600.0)
        classes.update("low", {"low": 0.6, "high": 0.3}, 0.1, "low" if came < 0 else "high")
    plain, plainly = NumberScores(["a"], 6, None), ClassScores()
    for n, (forecast, came) in enumerate(rows):
        plain.update(forecast, [came], n * 3600.0)
        plainly.update("low", {"low": 0.6, "high": 0.3}, 0.1, "low" if came < 0 else "high")
    assert numbers.sums == plain.sums
    assert numbers.counts == [[59], [54]]
    assert plain.seasonal
    assert classes.losses == plainly.losses


def test_classes_by_hand() -> None:
    scores = ClassScores()
    for came in ("a", "b", None, "b", "a"):
        scores.update("b", {"a": 0.25, "b": 0.5}, 0.25, came)
    assert scores.events == 3
    assert scores.accuracies() == {"model": 2 / 3, "most frequent class": 0, "last class": 1 / 3}
    losses = scores.log_losses()
    assert losses["model"] == pytest.approx(-(2 * math.log(0.5) + math.log(0.25)) / 3)
    # b is new, then one of two, then a is one of three.
    frequencies = (0.5 / 1.5, 1 / 2.5, 1 / 3.5)
    expected = -sum(map(math.log, frequencies)) / 3
    assert losses["most frequent class"] == pytest.approx(expected)


def test_the_naive_distributions_sum_to_one() -> None:
    scores = ClassScores()
    for came in "abcabbac":
        scores.update("a", {}, 1.0, came)
    scores.events += 1
    keys = ["sa", "sb", "sc", "snew"]
    assert sum(map(scores._frequency, keys)) == pytest.approx(1)
    assert sum(map(scores._again, keys)) == pytest.approx(1)


def test_classes_are_forgotten_when_there_are_too_many() -> None:
    scores = ClassScores()
    for n in range(2500):
        scores.update(None, {}, 1.0, n)
    assert len(scores.counts) == 1000
    assert scores.total == 1000
