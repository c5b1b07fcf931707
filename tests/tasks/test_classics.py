"""The tasks that other systems were known for: what each draws, and that it is what it says."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lethe.experiments.tables._own_tasks import OWN
from lethe.tasks import (
    Latching,
    Letters,
    LowPass,
    MackeyGlass,
    SequenceTask,
    Steps,
    Trajectories,
    Words,
)

TASKS: list[Any] = [
    Words(),
    Trajectories(),
    Trajectories(warp=1, shortest=8, longest=8),
    MackeyGlass(),
    MackeyGlass(held_out=True),
    Latching(),
    Latching(T=4),
    Letters(),
    LowPass(T=50),
]


def drawn(task: SequenceTask, n: int, seed: int = 1) -> Steps:
    return task.sequences(np.random.default_rng(seed), n)


def cut(steps: Steps) -> list[Steps]:
    """The sequences, one by one."""
    bounds = [*np.flatnonzero(steps.starts), len(steps.starts)]
    return [steps.piece(a, b) for a, b in pairwise(bounds)]


def equal(one: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@settings(max_examples=60, deadline=None)
@given(task=st.sampled_from(TASKS), n=st.integers(1, 20), seed=st.integers(0, 2**32))
def test_sequences_are_what_a_trial_takes(task: Any, n: int, seed: int) -> None:
    steps = drawn(task, n, seed)
    assert equal(steps, drawn(task, n, seed))
    length = len(steps.starts)
    assert steps.starts[0]
    assert np.count_nonzero(steps.starts) == n
    assert steps.starts.dtype == bool
    assert len(steps.inputs) == len(steps.targets) == length
    for array, units in ((steps.inputs, task.inputs), (steps.targets, task.outputs)):
        if array.ndim == 2:
            assert array.shape == (length, units)
            assert np.isfinite(array).all()
        else:
            assert set(array.tolist()) <= set(range(units))
    if steps.has_target is not None:
        assert np.array_equal(steps.has_target, np.roll(steps.starts, -1)), "at the last step alone"
    assert task.target_table is None


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_a_generator_goes_on(task: Any) -> None:
    generator = np.random.default_rng(3)
    assert not equal(task.sequences(generator, 8), task.sequences(generator, 8))
    assert replace(task) == task
    assert hash(replace(task)) == hash(task)


def test_each_word_has_its_class_and_all_come_equally_often() -> None:
    spelled: dict[str, set[int]] = {}
    sequences = cut(drawn(Words(), 4000))
    for one in sequences:
        word = "".join("ABDENR"[symbol] for symbol in one.inputs)
        spelled.setdefault(word, set()).add(int(one.targets[-1]))
    assert spelled == {"DEAR": {0}, "DEAN": {1}, "BEAR": {2}, "BEAN": {3}}
    share = np.bincount([one.targets[-1] for one in sequences]) / 4000
    assert np.abs(share - 0.25).max() < 5 * (0.25 * 0.75 / 4000) ** 0.5


def test_trajectories_go_round_two_lobes() -> None:
    """Class by class: the side of the first lobe, and the way round it, by the area it has."""
    sequences = cut(drawn(Trajectories(warp=2, shortest=200, longest=240), 400))
    assert {len(one.starts) for one in sequences} == set(range(200, 241))
    for one in sequences:
        far = np.flatnonzero(np.abs(one.inputs[:, 0]) > 0.2)
        (x, y), kind = one.inputs[far[: np.argmax(np.diff(far)) + 1]].T, one.targets[-1]
        area = np.sum(x[:-1] * np.diff(y) - y[:-1] * np.diff(x))
        assert (x < 0).all() == (kind >= 2)
        assert (area < 0) == (kind in (0, 3)), "clockwise"
        assert 0.7 < np.abs(x).max() < 1.4
    assert {one.targets[-1] for one in sequences} == {0, 1, 2, 3}


def speeds(task: Trajectories) -> Any:
    """The longest step over the median one, in each of some sequences."""
    ratios = []
    for one in cut(drawn(task, 100)):
        steps = np.linalg.norm(np.diff(one.inputs, axis=0), axis=1)
        ratios.append(steps.max() / np.median(steps))
    return np.array(ratios)


def test_trajectories_are_warped_in_time() -> None:
    assert speeds(Trajectories(warp=1, shortest=200, longest=200)).max() < 2
    assert np.median(speeds(Trajectories(warp=10, shortest=200, longest=200))) > 3


def test_mackey_glass_is_its_equation() -> None:
    """The changes over two units of time are those of Simpson's rule."""
    x, target = MackeyGlass().windows()
    series = np.append(x[:, 0], x[-1, 1:]) + 0.9
    assert len(series) == 518
    np.testing.assert_array_equal(x[:, 18], series[18:] - 0.9)
    np.testing.assert_array_equal(target[:-6], x[6:, 18])
    assert 0.4 < series.min() < series.max() < 1.4
    t = np.arange(17, 516)
    slope = 0.2 * series[:-17] / (1 + series[:-17] ** 10) - 0.1 * series[17:]
    change = (slope[:-2] + 4 * slope[1:-1] + slope[2:]) / 3
    np.testing.assert_allclose(series[t + 2] - series[t], change, atol=2e-3)


def test_the_held_out_part_follows_and_is_another() -> None:
    (first, of_first), (last, of_last) = (MackeyGlass(part).windows() for part in (False, True))
    assert first.shape == last.shape == (500, 19)
    np.testing.assert_array_equal(first[1:, :-1], first[:-1, 1:])
    np.testing.assert_array_equal(last[0, :-1], first[-1, 1:])
    drawn_ones = {one.inputs[0, 0] for one in cut(drawn(MackeyGlass(), 5000))}
    assert drawn_ones == set(first[:, 0])

    def with_one(a: Any) -> Any:
        return np.c_[a, np.ones(500)]

    fit = np.linalg.lstsq(with_one(first), of_first, rcond=None)[0]
    left = np.sqrt(np.mean((with_one(last) @ fit - of_last) ** 2)) / of_last.std()
    assert left == pytest.approx(0.115, abs=0.001)


def test_latching_tells_the_class_in_three_steps_and_nothing_after() -> None:
    steps = drawn(Latching(T=10), 2000)
    x, target = steps.inputs.reshape(2000, 10, 7), steps.targets.reshape(2000, 10)[:, -1]
    assert abs(np.mean(target == 0.9) - 0.5) < 5 * 0.5 / 2000**0.5
    assert set(target.tolist()) == {0.1, 0.9}
    for which, told in ((0.9, slice(0, 3)), (0.1, slice(3, 6))):
        assert (x[target == which, :3, told] == np.eye(3)).all()
    assert (x[:, :3].sum(axis=2) == 1).all()
    assert (x[:, 3:, :6] == 0).all()
    noise = x[:, 3:, 6]
    assert np.abs(noise).max() < 0.0775
    assert noise.std() == pytest.approx(0.0775 / 3**0.5, rel=0.05)


def test_letters_are_the_same_for_a_number() -> None:
    task = Letters(seed=5)
    assert task.letters.shape == (8, 20)
    assert set(task.letters.ravel().tolist()) == set(range(5))
    seen = set()
    for one in cut(drawn(task, 200)):
        (number,) = np.flatnonzero(one.inputs[0])
        seen.add(int(number))
        assert one.inputs.sum() == 1
        np.testing.assert_array_equal(one.targets, task.letters[number])
    assert seen == set(range(8))
    assert not np.array_equal(task.letters, Letters(seed=6).letters)


def test_the_filter_is_a_low_pass_of_unit_variance() -> None:
    steps = drawn(LowPass(T=40_000), 1)
    x, y = steps.inputs[:, 0], steps.targets[:, 0]
    assert y.var() == pytest.approx(1, abs=0.1)
    assert x.var() == pytest.approx(1, abs=0.05)
    # The zeros and the poles of its transfer function, in the other form: by Fourier transform.
    z = np.exp(-2j * np.pi * np.fft.fftfreq(1 << 16))
    response = (1 + z**3 - 0.8731 * (z + z**2)) / (1 - 2.8653 * z + 2.7505 * z**2 - 0.8843 * z**3)
    found = np.fft.ifft(np.fft.fft(x, 1 << 16) * response / 53.17).real[:40_000]
    np.testing.assert_allclose(y, found, atol=1e-8)
    low = np.abs(np.fft.fftfreq(1 << 16)) < 0.05
    assert np.abs(response[~low]).max() < 0.1 * np.abs(response).max()


def test_sequences_of_the_filter_begin_at_rest() -> None:
    two = cut(drawn(LowPass(T=30), 2))
    for one in two:
        assert one.targets[0, 0] == pytest.approx(one.inputs[0, 0] / 53.17)
    alone = drawn(LowPass(T=30), 1)
    np.testing.assert_array_equal(alone.targets, two[0].targets)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Trajectories(warp=0.5), "warp must be a number of at least 1, got 0.5"),
        (lambda: Trajectories(warp=float("nan")), "warp must be"),
        (
            lambda: Trajectories(shortest=7),
            "shortest must be a whole number from 8 to 1,000,000, got 7",
        ),
        (
            lambda: Trajectories(longest=29),
            "longest must be a whole number from 30 to 1,000,000, got 29",
        ),
        (lambda: Latching(T=3), "T must be a whole number from 4 to 1,000,000, got 3"),
        (lambda: Letters(seed=-1), "seed must be a whole number of at least 0, got -1"),
        (lambda: LowPass(T=0), "T must be a whole number from 1 to 1,000,000, got 0"),
        (lambda: LowPass(T=1.5), "T must be a whole number"),  # type: ignore[arg-type]
    ],
)
def test_what_is_out_of_range_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", OWN)
def test_each_own_task_fits_its_column(name: str) -> None:
    own = OWN[name]
    assert 0 < len(own.title) <= 24
    assert len(own.figure) <= 23
    assert own.trial.configuration()["system"]["name"] == name
    assert own.trial.configuration()["task"] == repr(own.trial.task)
