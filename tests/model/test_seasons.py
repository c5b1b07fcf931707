"""Periods that are found in a stream, and what is made of a season."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from oracles.events import Event
from oracles.history import DAY, WEEK
from oracles.number_records import Sizes
from support.lockstep import NumberLockstep

from lethe import Model, _kernel, load
from lethe.model.numbers import NumberPredictor

Values = NDArray[np.float64]


def season(period: int, n: int, seed: int, noise: float = 0.3) -> Values:
    random = np.random.default_rng(seed)
    shape = random.normal(size=period)
    walk = np.cumsum(0.05 * random.normal(size=n))
    return 20 + 3 * shape[np.arange(n) % period] + walk + noise * random.normal(size=n)


def after(values: Values, horizon: int = 1) -> Model:
    model = Model("value", horizon=horizon, cells=1, rates=(1e-2,), detect=False)
    for value in values:
        model.learn({"value": float(value)})
    return model


def stream(model: Model) -> _kernel.NumberStream:
    predictor = model._predictor
    assert isinstance(predictor, NumberPredictor)
    return predictor.stream


def forecast_of(model: Model) -> Values:
    return np.array(model.predict().forecast, float)


def periods(model: Model) -> list[int]:
    return [int(p) for p in stream(model).view("periods")]


def autoregression(random: np.random.Generator, n: int) -> Values:
    y, noise = np.zeros(n), random.normal(size=n)
    for i in range(2, n):
        y[i] = 1.6 * y[i - 1] - 0.8 * y[i - 2] + noise[i]
    return y


# ---- what is found ----


@pytest.mark.parametrize("period", [4, 12, 24, 37, 168])
def test_a_period_is_found_within_five_seasons(period: int) -> None:
    values = season(period, max(5 * period, 60), 1)
    assert periods(after(values))[0] == period


def test_a_period_of_twelve_is_found_within_sixty_events() -> None:
    found = [periods(after(season(12, 60, seed)))[0] for seed in range(10)]
    assert found.count(12) >= 9


def test_a_period_need_not_be_whole() -> None:
    n = np.arange(3000)
    noise = 0.1 * np.random.default_rng(4).normal(size=3000)
    model = after(np.sin(n / 5) + noise)
    found = stream(model).view("periods")[0]
    assert abs(found - 10 * np.pi) < 0.02
    assert stream(model).view("season error")[0, 0] < 0.15


def test_two_periods_are_found_at_once() -> None:
    hours = np.arange(2000)
    works = (hours // 24 % 7 < 5) * 2.0
    values = works * np.sin(hours / 24 * 2 * np.pi) + np.sin(hours / 12 * 2 * np.pi)
    noise = 0.1 * np.random.default_rng(3).normal(size=2000)
    assert periods(after(values + noise)) == [24, 168]


@pytest.mark.parametrize(
    "make",
    [
        lambda random, n: np.cumsum(random.normal(size=n)),
        lambda random, n: random.normal(size=n),
        lambda random, n: np.cumsum(random.standard_t(2, size=n)),
        autoregression,
    ],
    ids=["random walk", "white noise", "walk with leaps", "autoregression"],
)
def test_where_there_is_no_period_none_is_found(
    make: Callable[[np.random.Generator, int], Values],
) -> None:
    found = [periods(after(make(np.random.default_rng(seed), 1000))) for seed in range(12)]
    assert found == [[0, 0]] * 12


@pytest.mark.parametrize("absurd", [4294967295.0, -9999.0])
def test_one_absurd_value_neither_makes_nor_unmakes_a_period(absurd: float) -> None:
    random = np.random.default_rng(5)
    walk = np.cumsum(random.normal(size=600))
    walk[100] = absurd
    assert periods(after(walk)) == [0, 0]
    values = season(24, 400, 5)
    values[[30, 200]] = absurd
    assert periods(after(values))[0] == 24


def test_one_absurd_value_is_not_believed_for_long() -> None:
    values = season(24, 600, 6)
    model = after(values[:500], 24)
    model.learn({"value": 4294967295.0})
    for value in values[501:560]:
        model.learn({"value": float(value)})
    forecast = forecast_of(model)
    expected = forecast_of(after(values[:560], 24))
    assert np.abs(forecast - values[560:584]).mean() < 3 * np.abs(expected - values[560:584]).mean()


# ---- what is made of it ----


def test_a_season_that_was_found_is_forecast() -> None:
    values = season(24, 1224, 7)
    found = forecast_of(after(values[:1200], 24))
    assert np.abs(found - values[1200:]).mean() < 1.0
    assert np.abs(values[1199] - values[1200:]).mean() > 2.0


def test_where_the_horizon_is_longer_the_season_before_is_the_last_that_is_there() -> None:
    values = season(7, 300, 8, noise=0.1)
    forecast = forecast_of(after(values[:270], 24))
    assert np.abs(forecast - values[270:294]).mean() < 1.0


@pytest.mark.parametrize("given", [None, 24])
def test_a_stream_with_a_season_goes_on_with_the_same_bits(
    given: int | None, tmp_path: Path
) -> None:
    values = season(24, 400, 9)
    one = Model("value", horizon=3, period=given)
    other = Model("value", horizon=3, period=given)
    for n, value in enumerate(values):
        one.learn({"value": float(value)})
        other.learn({"value": float(value)})
        if n in (23, 47, 48, 150, 301):
            other.save(tmp_path / "state.safetensors")
            loaded = load(tmp_path / "state.safetensors")
            assert isinstance(loaded, Model)
            other = loaded
    for name in stream(one).parts():
        np.testing.assert_array_equal(stream(one).view(name), stream(other).view(name), name)
    np.testing.assert_array_equal(one.predict().forecast, other.predict().forecast)
    assert periods(one) == periods(other)


@pytest.mark.parametrize(
    ("minutes", "period", "expected"),
    [(15, 96, 0), (1 / 6, 90, 90), (60 * 24 * 7, 52, 0), (60 * 24 * 30.44, 12, 0)],
    ids=["a day", "a quarter of an hour", "a year of weeks", "a year of months"],
)
def test_with_times_a_period_is_looked_up_only_where_days_and_years_are_not(
    minutes: float, period: int, expected: int
) -> None:
    values = season(period, 6 * period, 10)
    model = Model("value", time="time", cells=1, rates=(1e-2,), detect=False)
    start = datetime(2026, 1, 5)
    for n, value in enumerate(values):
        model.learn({"value": float(value), "time": start + timedelta(minutes=minutes * n)})
    lengths = stream(model).view("profile length")
    assert (expected in lengths) if expected else max(lengths) >= DAY


# ---- what is given ----


def test_two_periods_are_better_than_either() -> None:
    random = np.random.default_rng(3)
    short, long = random.normal(size=6), random.normal(size=45)
    n = np.arange(600)
    values = 20 + 3 * short[n % 6] + 3 * long[n % 45] + 0.1 * random.normal(size=len(n))
    errors: dict[object, float] = {}
    for period in (6, 45, (45, 6)):
        model = Model("value", horizon=1, period=period, cells=1, rates=(1e-2,), detect=False)
        sums = 0.0
        for value in values:
            sums += abs(forecast_of(model)[0] - value) if model.events > 200 else 0.0
            model.learn({"value": float(value)})
        errors[period] = sums
        if period == (45, 6):
            assert model.parameters.period == (6, 45)
            assert Model.from_checkpoint(*model.to_checkpoint()).parameters == model.parameters
    assert errors[45, 6] < 0.9 * min(errors[6], errors[45])


@pytest.mark.parametrize("period", [24, (24,), [24], np.array([24])])
def test_one_period_however_it_is_given(period: object) -> None:
    model = Model("value", period=period)  # type: ignore[arg-type]
    assert model.parameters.period == 24
    assert model.parameters.periods == (24, 0)


@pytest.mark.parametrize("period", [(), (24, 24), (1, 2, 3), "24", (0, 24), (24, 4097), 24.5])
def test_what_is_no_period(period: object) -> None:
    with pytest.raises(ValueError, match="period must be"):
        Model("value", period=period)  # type: ignore[arg-type]


# ---- the compiled code and its oracles ----


@pytest.mark.parametrize(
    ("sizes", "period", "step"),
    [
        (Sizes(1, 3, 2, 0, False), 5, 0.0),
        (Sizes(2, 4, 1, 3, False), 3, 0.0),
        (Sizes(1, 3, 2, 4, False, 9), 9, 0.0),
        (Sizes(17, 2, 1, 2, True, 5), 5, 10.0),
        (Sizes(1, 2, 1, 0, True), 7, DAY),
        (Sizes(1, 0, 1, 0, True), 12, 10.0),
        (Sizes(17, 1, 1, 2, False), 2, 0.0),
        (Sizes(18, 1, 1, 0, False), 2, 0.0),
    ],
)
def test_seasons_are_their_oracle(sizes: Sizes, period: int, step: float) -> None:
    random = np.random.default_rng(11)
    pair = NumberLockstep(sizes, 2, scored=False)
    n = 90 if sizes.targets < 17 else 12
    values = season(period, n, 12, noise=0.1)
    for k in range(n):
        targets = values[k] * (1 + np.arange(sizes.targets)) + 0.1 * random.normal(
            size=sizes.targets
        )
        if k in (30, 50):
            targets[0] = math.nan if k == 30 else 1e6
        pair.learn(Event(seconds=1e9 + step * k if step else math.nan, targets=targets), None)
    if sizes.targets < 17 and not sizes.period:
        assert pair.oracle.history.periods.found[0] == period
        assert pair.oracle.history.season(0).length in (period, WEEK, DAY)
