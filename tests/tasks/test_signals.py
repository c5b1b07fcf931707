"""Signals that change half-way: that they are what they say, before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lethe.tasks import Lorenz, Sine, Steps

SIGNALS = [Sine(T=2000), Sine(T=2000, ahead=50), Lorenz(T=2000), Lorenz(T=2000, ahead=5)]


def drawn(task: Any, n: int = 1, seed: int = 1) -> Steps:
    steps: Steps = task.sequences(np.random.default_rng(seed), n)
    return steps


@pytest.mark.parametrize("task", SIGNALS, ids=repr)
def test_a_target_is_the_value_that_many_steps_ahead(task: Any) -> None:
    steps = drawn(task, 3)
    x, t = steps.inputs.reshape(3, -1), steps.targets.reshape(3, -1)
    assert np.array_equal(x[:, task.ahead :], t[:, : -task.ahead])
    assert np.array_equal(np.flatnonzero(steps.starts), [0, 2000, 4000])
    assert steps.has_target is None
    assert not np.array_equal(x[0], x[1])
    assert np.array_equal(x[0], drawn(task, 3).inputs[:2000, 0])


def test_a_sine_has_two_periods() -> None:
    x = drawn(Sine(T=4000)).inputs[:, 0]
    for half, period in ((x[:2000], 30.0), (x[2000:], 22.0)):
        # x(t+1) + x(t−1) = 2 cos(2π / period) x(t)
        both = half[2:] + half[:-2]
        np.testing.assert_allclose(both, 2 * np.cos(2 * np.pi / period) * half[1:-1], atol=1e-9)
    assert np.abs(np.diff(x)).max() < 2 * np.pi / 22


def test_the_lorenz_system_swings_wider_after_the_change() -> None:
    x = 8 * drawn(Lorenz(T=20_000)).inputs[:, 0]
    # x has a standard deviation of 7.9 at ρ = 28, and of 9.7 at 40.
    assert x[:10_000].std() == pytest.approx(7.9, abs=0.4)
    assert x[10_000:].std() == pytest.approx(9.7, abs=0.4)
    assert np.abs(x).max() < 35


def test_the_lorenz_system_rests_where_its_slope_is_zero() -> None:
    """A signal that begins at a fixed point of ρ = 28 stays there until ρ changes."""
    task, at = Lorenz(T=400), (8 / 3 * 27) ** 0.5
    x = np.array(task._signal(at, at, 27.0))
    np.testing.assert_allclose(x[:200], at, atol=1e-6)
    assert np.abs(x[200:] - at).max() > 0.1


@pytest.mark.parametrize(("name", "value"), [("T", 1), ("ahead", 0), ("T", 2.5)])
@pytest.mark.parametrize("task", [Sine, Lorenz])
def test_impossible_signals(task: Any, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} must be"):
        task(**{name: value})
