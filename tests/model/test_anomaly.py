"""Anomaly scores: what a threshold promises, what is found, and what nothing may disturb."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import anomaly as oracle
from oracles.tail import Tail
from oracles.watched_column import OF_LEVELS
from support.scorers import PARTS, Scorer, assert_close, same

from lethe import Model

RUN_LENGTH = oracle.LONG_LENGTH
#: What a missing value is part of.
OF_GAPS = {"gaps so far", "missing in a row", "largest so far", "watched event", "levels so far",
           "delayed", "delayed count", "first bins", "told"}  # fmt: skip
#: One for all targets.
SHARED = {"scores so far", "largest score so far", "joint errors so far",
          "largest joint error so far", "joint inverse", "watched event"}  # fmt: skip


def scored(errors: np.ndarray, scorer: Scorer | None = None) -> np.ndarray:
    """Scores of a stream of errors, one target."""
    scorer = scorer or Scorer()
    return np.array([scorer.update([0.0], [error])[1] for error in errors.tolist()])


def autoregressive(generator: np.random.Generator, n: int) -> np.ndarray:
    noise, out = generator.normal(size=n), np.zeros(n)
    for i in range(1, n):
        out[i] = 0.9 * out[i - 1] + noise[i]
    return out


STREAMS = {
    "normal": lambda g, n: g.normal(size=n),
    "normal, of any unit": lambda g, n: 1e-30 * g.normal(size=n),
    "heavy tails": lambda g, n: g.standard_t(2, size=n),
    "bounded": lambda g, n: g.uniform(-1, 1, size=n),
    "whole numbers": lambda g, n: g.poisson(2.0, size=n).astype(float),
    "autocorrelated": autoregressive,
}


# ---- the compiled scorer is its oracle ----


def assert_same_parts(ours: Scorer, theirs: oracle.AnomalyScorer) -> None:
    expected_parts = theirs.parts()
    for name in set(PARTS) - {"levels so far", "delayed", "delayed count", "largest so far",
                              "first bins"}:  # fmt: skip
        expected = expected_parts[name]
        np.testing.assert_allclose(ours.stream.view(name), expected, 1e-12, 1e-15, err_msg=name)


@settings(max_examples=15, deadline=None)
@given(
    name=st.sampled_from(sorted(STREAMS)),
    seed=st.integers(0, 99),
    targets=st.integers(1, 3),
    missing=st.sampled_from([0.0, 0.1]),
    count=st.sampled_from([10, 70, 300, 900]),
)
def test_the_scorer_is_its_oracle(
    name: str, seed: int, targets: int, missing: float, count: int
) -> None:
    random = np.random.default_rng(seed)
    rows = np.stack([STREAMS[name](random, count) for _ in range(targets)], axis=1)
    rows[random.random(rows.shape) < missing] = math.nan
    ours, theirs = Scorer(targets), oracle.AnomalyScorer(targets)
    nothing = np.zeros(targets)
    for n, row in enumerate(rows):
        actual = np.where(np.isnan(row), math.nan, 0.0)
        predicted = np.nan_to_num(row)
        told = {"level": nothing, "event": n + 2}
        odds = ours.stream.view("level odds").tolist()
        for column, of_level in zip(theirs.columns, odds, strict=True):
            column.level_odds = of_level
        if n % 20 == 0:
            looked = theirs.score(actual, predicted, "score", **told)
            assert_close(ours.score(actual, predicted), looked)
        assert_close(ours.update(actual, predicted), theirs.score(actual, predicted, **told))
        for c, levels in zip(theirs.columns, ours.stream.view("levels so far"), strict=True):
            c.tails[OF_LEVELS].at_least[:] = levels
    assert_same_parts(ours, theirs)
    for n, row in enumerate(np.nan_to_num(rows[:80])):
        told = {"level": nothing, "event": count + 2 + n}
        assert_close(ours.follow(nothing, row), theirs.score(nothing, row, "follow", **told))
    assert_same_parts(ours, theirs)


@given(values=st.lists(st.floats(1e-3, 1e3) | st.integers(0, 5), min_size=1, max_size=60))
def test_the_parts_of_a_tail_are_counted(values: list[float]) -> None:
    """In bins of a sixteenth of an octave, by definition."""
    tail = Tail(640, 16, 0, 20)
    for value in values:
        tail.add(value, anchored=True)
    for value in values:
        at, bins = tail.bin(value), [tail.bin(other) for other in values]
        above = sum(other >= at for other in bins)
        part = max((above + 1) / (len(values) + 1), tail.least_part())
        assert tail.above(value) == pytest.approx(part)
        below = sum(other <= at for other in bins)
        assert tail.below(value) == pytest.approx((below + 1) / (len(values) + 1))


def test_a_tail_goes_on_where_nothing_was() -> None:
    tail = Tail(640, 16, 0, 20)
    for value in np.random.default_rng(0).exponential(size=20_000).tolist():
        tail.add(value, anchored=True)
    assert tail.above(5.0) == pytest.approx(math.exp(-5), rel=0.2)
    assert tail.above(1e6) == tail.least_part() < tail.above(20.0) < tail.above(14.0) < 1e-4
    assert tail.quantile(0.01) == pytest.approx(-math.log(0.01), rel=0.1)


@given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_a_run_counts_as_each_of_its_events(lengths: list[int]) -> None:
    at_once, one_by_one = Tail(64, 4, -1, 20), Tail(64, 4, -1, 20)
    for length in lengths:
        at_once.add_run(length)
        for n in range(1, length + 1):
            one_by_one.add(n)
    np.testing.assert_array_equal(at_once.at_least, one_by_one.at_least)


# ---- what a score promises ----


@pytest.mark.parametrize("name", STREAMS)
def test_a_threshold_is_a_rate_of_false_alarms(name: str) -> None:
    scores = np.array([scored(STREAMS[name](np.random.default_rng(s), 8000)) for s in range(4)])
    assert scores.min() >= 0
    assert scores.max() < 1
    for rate in (0.1, 0.01):
        alarms = np.mean(scores >= 1 - rate)
        assert alarms < 2 * rate, (rate, alarms)
        if name != "whole numbers":  # where many are equal, fewer alarms than allowed
            assert alarms > 0.5 * rate


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_threshold_of_a_model_is_a_rate_of_false_alarms(task: Any) -> None:
    random = np.random.default_rng(0)
    model, level, scores = Model("y", task=task, cells=2), 0.0, []
    for _ in range(6000):
        level = 0.9 * level + random.normal()
        came: Any = level if task == "regression" else "abcd"[int(abs(level)) % 4]
        scores.append(model.learn({}, came).anomaly)
    found = np.array(scores[500:])
    assert found.min() >= 0
    assert found.max() < 1
    for rate in (0.1, 0.02):
        assert np.mean(found >= 1 - rate) < 2 * rate


def test_one_large_error_is_an_anomaly_at_once_and_only_then() -> None:
    errors = np.random.default_rng(0).normal(size=5000)
    errors[4000] = 40.0
    scores = scored(errors)
    assert scores[4000] > 0.9999
    assert np.median(scores[4001:4200]) < 0.99


def test_larger_is_more_anomalous_beyond_all_that_came() -> None:
    scorer = Scorer()
    scored(np.random.default_rng(0).normal(size=5000), scorer)
    found = [scorer.score([error], [0.0])[1] for error in (3.0, 4.0, 5.0, 6.0)]
    assert sorted(set(found)) == found


@pytest.mark.parametrize(
    ("times", "anomalous"), [(1.0, False), (2.0, True), (0.2, True), (0.0, True)]
)
def test_a_run_is_an_anomaly_where_no_event_is(times: float, anomalous: bool) -> None:
    errors = np.random.default_rng(0).normal(size=6000)
    errors[5000 : 5000 + 2 * RUN_LENGTH] *= times  # noisier; quieter; stuck
    found = scored(errors)[5000 : 5000 + 2 * RUN_LENGTH].max()
    assert (found > 0.9995) == anomalous


def test_ever_smaller_errors_are_usual_once_they_are_negligible() -> None:
    n = 4000
    errors = np.where(np.arange(n) % 20 == 0, 1.0, 10.0 ** -(3 + 9 * np.arange(n) / n))
    assert np.mean(scored(errors)[1000:] >= 0.99) < 0.01


def test_a_lasting_change_becomes_usual() -> None:
    errors = np.random.default_rng(0).normal(size=12_000)
    errors[6000:] += 1e6
    scores = scored(errors)
    assert scores[6000] > 0.99
    assert np.mean(scores[9000:] >= 0.99) < 0.02


@pytest.mark.parametrize("value", [0.0, 45.0, -1e-300, 1e149])
def test_a_constant_series_has_no_anomaly(value: float) -> None:
    scorer = Scorer()
    rounded = math.nextafter(value, 0.0)
    found = {scorer.update([value], [(value, rounded)[i % 3 == 2]])[1] for i in range(500)}
    assert found == {0.0}
    assert scorer.score([value + 1 + abs(value) / 2], [value])[1] > 0.9


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=200))
def test_any_numbers_give_a_score(values: list[float]) -> None:
    scorer = Scorer()
    for value in [*values, 1e308, -1e308, *values]:
        known = value == value
        _, score, *_ = scorer.update([0.0 if known else value], [value if known else 0.0])
        assert 0 <= score < 1 if known else math.isnan(score)
    parts = scorer.parts()
    for name in set(parts) - {"awaited", "alarm rule", "last scored", "alarm"}:
        assert np.isfinite(parts[name]).all(), name


def test_absurd_values_are_forgotten() -> None:
    errors = np.random.default_rng(0).normal(size=6000)
    errors[1000:1010] = 1e308
    scores = scored(errors)
    assert scores[1000] > 0.99
    assert np.mean(scores[2000:] >= 0.99) < 0.02
    errors[5000 : 5000 + 2 * RUN_LENGTH] *= 3
    assert scored(errors)[5000 : 5000 + 2 * RUN_LENGTH].max() > 0.99


def test_nothing_is_said_of_what_is_missing() -> None:
    scorer = Scorer(2)
    for row in np.random.default_rng(0).normal(size=(300, 2)):
        scorer.update([0.0, 0.0], row)
    before = scorer.parts()
    _, score, target, *_ = scorer.update([math.nan, math.nan], [0.0, 0.0])
    assert math.isnan(score)
    assert target == 0
    after_gap = scorer.parts()
    for name in set(before) - OF_GAPS:
        np.testing.assert_array_equal(before[name], after_gap[name], err_msg=name)
    alone = Scorer()
    for name in PARTS:
        if name not in SHARED:
            alone.stream.view(name)[...] = before[name][1:]
    for name in ("scores so far", "largest score so far"):
        alone.stream.view(name)[...] = before[name]
    half = scorer.update([math.nan, 0.0], [0.0, 30.0])
    assert half[2] == 1
    assert half[1] == alone.score([0.0], [30.0])[1] > 0.9
    after = scorer.parts()
    for name in set(before) - SHARED - OF_GAPS:
        np.testing.assert_array_equal(before[name][0], after[name][0])


def test_the_most_anomalous_of_many_targets() -> None:
    scorer = Scorer(5)
    generator, none = np.random.default_rng(0), [0.0] * 5
    scores = [scorer.update(none, row)[1] for row in generator.normal(size=(4000, 5))]
    assert np.mean(np.array(scores) >= 0.95) < 0.08  # of all targets together
    _, score, target, expected, actual, *_ = scorer.score(none, [0.1, 0.2, -90.0, 0.0, 0.3])
    assert (target, expected, actual) == (2, -90.0, 0.0)
    assert score > 0.999
    _, fewer, *_ = scorer.score([math.nan, math.nan, 0.0, math.nan, math.nan], [-90.0] * 5)
    assert fewer > score  # the fewer there are, the less of them is chance


def test_targets_do_not_disturb_each_other() -> None:
    rows = np.random.default_rng(0).normal(size=(500, 3))
    together = Scorer(3)
    for row in rows:
        together.update([0.0] * 3, row)
    for target in range(3):
        alone = Scorer()
        scored(rows[:, target], alone)
        for name in set(PARTS) - SHARED:
            part = together.stream.view(name)[target]
            np.testing.assert_array_equal(part, alone.stream.view(name)[0])


def test_score_changes_nothing_and_is_that_of_update() -> None:
    scorer = Scorer()
    for value in np.random.default_rng(0).standard_t(2, size=1500).tolist():
        before = scorer.parts()
        looked = scorer.score([0.0], [value])
        same(before, scorer.parts())
        assert looked == scorer.update([0.0], [value])


@pytest.mark.parametrize("at", [0, 1, RUN_LENGTH, 500, 3000])
def test_goes_on_with_the_same_bits(at: int) -> None:
    errors = np.random.default_rng(0).normal(size=4000)
    whole = scored(errors)
    scorer = Scorer()
    scored(errors[:at], scorer)
    loaded, cloned = Scorer(), Scorer()
    loaded.stream.load(np.frombuffer(scorer.stream.save(), np.uint8))
    cloned.stream = scorer.stream.clone()
    for one in (loaded, cloned, scorer):
        np.testing.assert_array_equal(scored(errors[at:], one), whole[at:])


def test_memory_is_constant() -> None:
    scorer = Scorer()
    size, shapes = scorer.stream.size, {n: a.shape for n, a in scorer.parts().items()}
    scored(np.random.default_rng(0).normal(size=3000), scorer)
    assert {name: array.shape for name, array in scorer.parts().items()} == shapes
    assert scorer.stream.size == size


def test_what_came_long_ago_fades() -> None:
    scorer = Scorer()
    scored(np.full(2000, 1000.0), scorer)
    before = scorer.score([0.0], [1000.0])[1]
    scored(np.random.default_rng(0).normal(size=140_000), scorer)
    assert scorer.stream.view("errors so far")[0, 0] < 131_072
    assert scorer.score([0.0], [1000.0])[1] > before


def test_bad_arguments_are_named() -> None:
    scorer = Scorer(2)
    with pytest.raises(ValueError, match="targets must be from 2 to 2, got 1"):
        scorer.score([1.0], [1.0, 2.0])
    for value in (-1.0, math.nan, math.inf):
        damaged = Scorer(2)
        damaged.stream.view("errors so far")[0, 3] = value
        with pytest.raises(ValueError, match=r"block must be .* but not its errors so far"):
            scorer.stream.load(np.frombuffer(damaged.stream.save(), np.uint8))
    damages: tuple[tuple[str, tuple[int, ...], float, str], ...] = (
        ("errors so far", (0, 3), 1.0, "what came so far"),
        ("scores so far", (0, 3), 1.0, "scores so far"),
        ("alarm", (1, 1), 12.0, "alarm"),
        ("alarm", (1, 0), math.nan, "alarm"),
        ("alarm", (0, 2), -1.0, "alarm"),
        ("alarm rule", (0, 0), 0.0, "alarm rule"),
    )
    for name, at, number, wrong in damages:
        damaged = Scorer(2)
        damaged.stream.view(name)[at] = number
        with pytest.raises(ValueError, match=rf"block must be .* but not its {wrong}"):
            scorer.stream.load(np.frombuffer(damaged.stream.save(), np.uint8))
