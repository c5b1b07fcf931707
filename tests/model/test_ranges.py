"""Ranges that targets keep to, lattices, far ends: what a distribution must not make of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.models import small, stream_of

from lethe import Model
from lethe.model.prediction import Prediction


def after(values: list[float], **options: object) -> Prediction:
    """What a small model expects after these values."""
    model = small("y", horizon=1, detect=False, **options)
    for value in values:
        model.learn({"y": value})
    return model.predict()


def test_a_value_that_stays_is_no_end_of_a_range() -> None:
    """A meter that climbs every 15 events: what it stands at has been reached once."""
    model = small("y", horizon=24, detect=False)
    for n in range(900):
        model.learn({"y": float(n // 15)})
    assert model.predict().forecast[-1] > 60.0
    assert model.predict().quantile(0.99, ahead=24) > 60.0


def test_an_end_that_values_come_back_to_is_one() -> None:
    random = np.random.default_rng(0)
    answer = after([min(10.0, 10.0 + float(each)) for each in random.normal(size=400)])
    assert answer.value <= 10.0
    assert answer.quantile(0.999) <= 10.0


def test_a_range_follows_where_nothing_is_learned() -> None:
    random = np.random.default_rng(0)
    model = small("y", horizon=1, detect=False)
    for each in random.normal(size=300):
        model.learn({"y": abs(float(each)) + 1.0})
    assert model.predict().cdf(-1e-9) == 0.0
    for each in random.normal(size=50):
        model.follow({"y": float(each) - 20.0})
    assert model.predict().value < -1.0  # it was kept at 0, the end of what was learned


@pytest.mark.parametrize("unit", [1e-100, 1e-12, 1e-3, 1.0, 1e6])
def test_a_unit_makes_no_lattice(unit: float) -> None:
    random = np.random.default_rng(0)
    low, high = after([unit * float(each) for each in random.normal(5, 1, size=300)]).interval(0.9)
    assert 2.0 * unit < low < 4.5 * unit < 5.5 * unit < high < 8.0 * unit


@pytest.mark.parametrize("end", [1e3, 1e6, 1e9, 1e12])
def test_an_end_far_away_changes_nothing(end: float) -> None:
    random = np.random.default_rng(0)
    values = [math.exp(float(each)) for each in random.normal(size=500)]
    assert after(values, bounds=(0, end)).mean() == pytest.approx(
        after(values, bounds=(0, 100)).mean(), rel=0.05
    )


def test_before_the_first_error_all_that_is_known_are_the_bounds() -> None:
    both, one = after([0.25], bounds=(0, 1)), after([0.25], bounds=(0, None))
    assert both.interval(0.9) == pytest.approx((0.05, 0.95))
    assert both.cdf(2.0) == 1.0
    assert np.isfinite(both.sample(4, seed=0)).all()
    assert one.interval(0.9) == (pytest.approx(0.025), math.inf)
    assert after([0.25]).interval(0.9) == (-math.inf, math.inf)


def test_bounds_beyond_what_values_may_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^bounds must be the least and the most .*1e150"):
        Model("y", bounds=(-1.7e308, None))


def test_whole_numbers_beyond_what_floats_tell_apart() -> None:
    """Bounds that the data are far from put all of a lattice where it has no points."""
    answer = after([float(n % 7) for n in range(100)], bounds=(1e20, None))
    assert answer.mean() >= 1e20
    assert math.isfinite(answer.crps(1e20))


@pytest.mark.parametrize("x", [math.inf, math.nan, [1.0, 2.0], []])
def test_a_score_is_of_one_finite_number(x: object) -> None:
    with pytest.raises(ValueError, match=r"^x must be a "):
        after([1.0, 2.0, 4.0]).crps(x)  # type: ignore[arg-type]


def test_a_category_that_takes_a_slot_inherits_no_delays() -> None:
    random = np.random.default_rng(0)
    model = small("y", categories=2, detect=False)
    names = ["nothing"] * 4000
    for n in range(100, 3900, 97):
        names[n] = "order"
    for n, name in enumerate(names):
        y = 5.0 * (n >= 40 and names[n - 40] == "order") + 0.05 * float(random.normal())
        model.learn({"word": name}, y)
    slot = 1 + model.configuration()["categories"]["word"]["slots"]["order"]
    assert (stream_of(model).view("tap source") == slot).any()
    model.learn({"word": "other"}, 0.0)  # it takes the slot of "order", used less recently
    assert model.configuration()["categories"]["word"]["slots"]["other"] == slot - 1
    assert not (stream_of(model).view("tap source") == slot).any()
    assert not stream_of(model).view("correlation")[0, slot - 1].any()
