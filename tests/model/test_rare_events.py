"""Rare events, absurd values, and predictors that are right on rare events alone."""

import math

import numpy as np
import pytest
from oracles.deviants import Deviants
from support.models import small, stream_of

from lethe import Model


def believed(right: bool, rare: int) -> Deviants:
    """One predictor that says the same as the other but on rare events: right there, or wrong."""
    deviants, random = Deviants(2), np.random.default_rng(0)
    for n in range(100 * rare):
        says = np.array([0.0, 0.01 * random.normal()])
        target = random.normal()
        if n % 100 == 99:
            says[1] = 50.0
            target += 50.0 if right else 0.0
        deviants.learn(says, 0.0, target, 1.0, n)
    return deviants


def test_a_predictor_that_is_right_on_rare_events_alone_is_believed_after_a_few() -> None:
    says = np.array([0.0, 50.0])
    assert believed(True, 5).corrected(says, 0.0, 1.0) > 30.0
    assert believed(True, 20).corrected(says, 0.0, 1.0) > 42.0
    assert believed(True, 5).corrected(says / 100, 0.0, 1.0) == 0.0  # no further than usual


def test_a_predictor_that_is_wrong_on_rare_events_is_not() -> None:
    deviants = believed(False, 20)
    assert deviants.corrected(np.array([0.0, 50.0]), 0.0, 1.0) == 0.0
    assert deviants.trust[1] < 0.1


@pytest.mark.parametrize("size", [20.0, 100.0, 500.0])
def test_jumps_that_a_column_announces_are_predicted(size: float) -> None:
    """One event in a hundred, after 100 examples; before, none of them was at 100 and more."""
    random = np.random.default_rng(0)
    model, said = Model("y", detect=False, rates=(1e-2,), cells=4), []
    for n in range(12_000):
        x = float(random.random() < 0.01)
        y = size * x + float(random.normal())
        report = model.learn({"x": x}, y)
        if x and n > 10_000:
            assert report.prediction is not None
            said.append(float(report.prediction.value))
    assert np.mean(said) / size > 0.9


@pytest.mark.parametrize("absurd", [1e6, 1e30, -1e120, 1e149])
def test_one_absurd_target_is_soon_over(absurd: float) -> None:
    """Errors are usual again within some events, and the state is finite all along."""
    random = np.random.default_rng(0)
    model, errors = small("y", detect=False, horizon=1), []
    value = 0.0
    for n in range(700):
        value = 0.8 * value + float(random.normal())
        y = absurd if n == 500 else value
        prediction = model.predict().value if n else 0.0
        errors.append(abs(float(prediction) - y))
        model.learn({"y": y})
        assert all(
            np.isfinite(stream_of(model).view(name)).all()
            for name in ("weights", "covariance", "regret", "squares", "apart", "error squares")
        )
    before = np.mean(errors[300:500])
    assert np.median(errors[512:562]) < 2 * before
    assert np.mean(errors[600:]) < 2 * before
    Model.from_checkpoint(*model.to_checkpoint())


def test_absurd_values_again_and_again() -> None:
    """Nothing overflows, and what is saved loads."""
    random = np.random.default_rng(0)
    for horizon in (0, 1, 3):
        model = small("y", horizon=horizon)
        for n in range(400):
            powers = random.uniform(-149, 149, size=2)
            x, y = (random.choice([-1, 1], 2) * 10**powers).tolist()
            model.learn({"x": x, "y": y})
            if n % 50 == 49:
                answer = model.predict({"x": x}) if horizon == 0 else model.predict()
                assert math.isfinite(answer.value)
                model = Model.from_checkpoint(*model.to_checkpoint())
