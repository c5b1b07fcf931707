"""The tasks of 1997 that need a long memory, each rebuilt from its definition, and their shares."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lethe import Network, Topology
from lethe.tasks import (
    Adding,
    Latch,
    LongLag,
    Multiplication,
    SequenceTask,
    Steps,
    TwoSequence,
    VeryLongLag,
)

TASKS: list[Any] = [
    LongLag(),
    LongLag(p=7, distractors="random"),
    VeryLongLag(),
    VeryLongLag(q=3, p=1),
    TwoSequence(),
    TwoSequence(T=30, N=1, kind="b"),
    TwoSequence(kind="c"),
    TwoSequence(kind="c").noise_free,
    Latch(),
    Adding(),
    Multiplication(T=25),
]
seeds = st.integers(0, 2**32)


def drawn(task: SequenceTask, n: int, seed: int) -> Steps:
    return task.sequences(np.random.default_rng(seed), n)


def cut(steps: Steps) -> Iterator[Steps]:
    """The sequences, one by one."""
    for a, b in pairwise([*np.flatnonzero(steps.starts), len(steps.starts)]):
        yield steps.piece(a, b)


def check_share(found: Any, share: float) -> None:
    """So many of these truth values hold, within five standard deviations."""
    found = np.asarray(found)
    margin = 5 * (share * (1 - share) / found.size) ** 0.5
    assert np.mean(found) == pytest.approx(share, abs=margin)


def check_uniform(values: Any, low: int, high: int) -> None:
    """All whole numbers from `low` to `high` occur, equally often, and no other does."""
    values = np.ravel(values)
    assert set(values.tolist()) == set(range(low, high + 1))
    for value in range(low, high + 1):
        check_share(values == value, 1 / (high - low + 1))


def check_gaussian(values: Any, variance: float) -> None:
    values = np.asarray(values)
    n = values.size
    assert np.mean(values) == pytest.approx(0, abs=5 * (variance / n) ** 0.5)
    assert np.var(values) == pytest.approx(variance, rel=5 * (2 / n) ** 0.5)
    for z in (-1.5, -0.5, 0.5, 1.5):
        check_share(values < z * variance**0.5, 0.5 * (1 + math.erf(z / 2**0.5)))


# What all tasks have in common.


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_a_task_is_a_value_that_its_repr_makes_again(task: Any) -> None:
    again = eval(repr(task))
    assert again == task
    assert hash(again) == hash(task)
    assert repr(again) == repr(task)
    with pytest.raises(AttributeError, match="cannot assign"):
        task.T = 5


def test_sizes_of_numpy_make_the_same_value() -> None:
    makers: list[Any] = [LongLag, VeryLongLag, TwoSequence, Latch, Adding, Multiplication]
    for make in makers:
        assert repr(make(np.int32(30))) == repr(make(30))
    assert repr(VeryLongLag(q=5, p=np.int8(4))) == "VeryLongLag(q=5, p=4)"  # type: ignore[arg-type]
    assert TwoSequence(N=np.int64(2)) == TwoSequence(N=2)  # type: ignore[arg-type]


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_the_generator_alone_decides(task: Any) -> None:
    one, other, later = drawn(task, 5, 1), drawn(task, 5, 1), drawn(task, 5, 2)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.inputs.shape != later.inputs.shape or not np.array_equal(one.inputs, later.inputs)
    generator = np.random.default_rng(1)
    task.sequences(generator, 5)
    next_ones = task.sequences(generator, 5)
    assert not np.array_equal(next_ones.inputs[:500], one.inputs[:500])


@pytest.mark.parametrize("task", TASKS, ids=repr)
@pytest.mark.parametrize("n", [0, 1, 40])
def test_shapes_fit_a_network(task: Any, n: int) -> None:
    steps = drawn(task, n, 3)
    total = len(steps.starts)
    symbols = isinstance(task, LongLag | VeryLongLag)
    assert steps.inputs.shape == ((total,) if symbols else (total, task.inputs))
    assert steps.targets.shape == ((total,) if symbols else (total, task.outputs))
    assert steps.inputs.dtype == steps.targets.dtype == (np.int64 if symbols else np.float64)
    assert steps.starts.dtype == bool
    assert np.count_nonzero(steps.starts) == n
    if isinstance(task, LongLag):
        assert steps.has_target is None
        assert steps.predictions == n * task.p
    else:  # A target at the last step of each sequence and nowhere else.
        for sequence in cut(steps) if n else ():
            where = [False] * (len(sequence.starts) - 1) + [True]
            assert sequence.has_target is not None
            assert sequence.has_target.tolist() == where
        assert steps.predictions == n
    if n:
        net = Network(Topology(inputs=task.inputs, outputs=task.outputs, blocks=1), seed=1)
        run = net.run(
            steps.inputs,
            steps.targets,
            target_table=task.target_table,
            has_target=steps.has_target,
            starts=steps.starts,
            reset_at_starts=True,
        )
        assert run.steps == total


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_drawing_is_fast(task: Any) -> None:
    """Under 30 ns a step; the best of some rounds, since the machine is shared."""
    generator, best = np.random.default_rng(1), np.inf
    for _ in range(10):
        began = time.perf_counter()
        steps = task.sequences(generator, 600)
        best = min(best, (time.perf_counter() - began) / len(steps.starts))
    allowed = 30e-9 if len(steps.starts) > 20_000 else 100e-9  # Short ones do not pay for a call.
    assert best < allowed


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LongLag(p=1), "p must be a whole number from 2 to 1,000,000, got 1"),
        (lambda: LongLag(p=2.0), "p must be a whole number from 2 to 1,000,000, got 2.0"),  # type: ignore[arg-type]
        (lambda: LongLag(distractors="none"), "distractors must be one of fixed, random, got"),  # type: ignore[arg-type]
        (lambda: VeryLongLag(q=0), "q must be a whole number from 1 to 1,000,000, got 0"),
        (lambda: VeryLongLag(p=0), "p must be a whole number from 1 to 1,000,000, got 0"),
        (lambda: VeryLongLag(p=True), "p must be a whole number from 1 to 1,000,000, got True"),
        (lambda: TwoSequence(T=1), "T must be a whole number from 2 to 1,000,000, got 1"),
        (lambda: TwoSequence(N=0), "N must be a whole number of at least 1, got 0"),
        (lambda: TwoSequence(T=5, N=5), "N must be below T = 5, got 5"),
        (lambda: TwoSequence(kind="d"), "kind must be one of a, b, c, got 'd'"),  # type: ignore[arg-type]
        (lambda: TwoSequence(target_noise=True), 'must be False for kind "a", got True'),
        (lambda: TwoSequence(kind="c", target_noise=1), "target_noise must be True or False"),  # type: ignore[arg-type]
        (lambda: Latch(T=0), "T must be a whole number from 1 to 1,000,000, got 0"),
        (lambda: Adding(T=3), "T must be a whole number from 4 to 1,000,000, got 3"),
        (lambda: Multiplication(T="a"), "T must be a whole number from 4 to 1,000,000, got 'a'"),  # type: ignore[arg-type]
    ],
)
def test_impossible_parameters_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


# 2a, 2b, 2c: symbols.


@settings(max_examples=30)
@given(st.integers(2, 40), seeds)
def test_fixed_distractors_leave_two_sequences(p: int, seed: int) -> None:
    task = LongLag(p=p)
    assert (task.inputs, task.outputs) == (p + 1, p + 1)
    x, y = p - 1, p
    allowed = [[first, *range(p - 1), first] for first in (x, y)]
    for sequence in cut(drawn(task, 6, seed)):
        assert [*sequence.inputs.tolist(), int(sequence.targets[-1])] in allowed
        assert sequence.targets[:-1].tolist() == sequence.inputs[1:].tolist()


@settings(max_examples=30)
@given(st.integers(2, 40), seeds)
def test_random_distractors_lie_between_two_equal_symbols(p: int, seed: int) -> None:
    for sequence in cut(drawn(LongLag(p=p, distractors="random"), 6, seed)):
        assert len(sequence.inputs) == p
        assert sequence.inputs[0] in (p - 1, p)
        assert sequence.targets[-1] == sequence.inputs[0]
        assert all(0 <= letter < p - 1 for letter in sequence.inputs[1:])
        assert sequence.targets[:-1].tolist() == sequence.inputs[1:].tolist()


@pytest.mark.parametrize("distractors", ["fixed", "random"])
def test_both_classes_and_all_letters_are_equally_likely(distractors: Any) -> None:
    steps = drawn(LongLag(p=10, distractors=distractors), 20_000, 4)
    rows = steps.inputs.reshape(-1, 10)
    check_uniform(rows[:, 0], 9, 10)
    if distractors == "random":
        check_uniform(rows[:, 1:], 0, 8)
        # Neighbours know nothing of each other, nor do letters of the class.
        check_uniform(9 * rows[:, 1:-1:2].reshape(-1) + rows[:, 2::2].reshape(-1), 0, 80)
        check_uniform(rows[rows[:, 0] == 9, 1], 0, 8)


@settings(max_examples=40)
@given(st.integers(1, 30), st.integers(1, 30), seeds)
def test_a_symbol_is_asked_for_after_q_distractors_and_more(q: int, p: int, seed: int) -> None:
    task = VeryLongLag(q=q, p=p)
    assert (task.inputs, task.outputs) == (p + 4, 2)
    e, b, x, y = p, p + 1, p + 2, p + 3
    for sequence in cut(drawn(task, 6, seed)):
        first, which, *letters, last = sequence.inputs.tolist()
        assert (first, last) == (b, e)
        assert which in (x, y)
        assert len(letters) >= q
        assert all(0 <= letter < p for letter in letters)
        assert [x, y][int(sequence.targets[-1])] == which
        lag = (len(sequence.inputs) - 1) - sequence.inputs.tolist().index(which)
        assert lag == len(letters) + 1 >= q + 1


def test_lags_start_at_q_plus_one_and_have_no_bound() -> None:
    q, p = 4, 6
    steps = drawn(VeryLongLag(q=q, p=p), 40_000, 5)
    starts = np.flatnonzero(steps.starts)
    lengths = np.diff([*starts, len(steps.starts)])
    lags = lengths - 2  # The symbol is the second, the target lies at the last.
    more = lags - (q + 1)
    assert more.min() == 0
    assert more.max() > 60
    for k in range(25):
        check_share(more == k, 0.1 * 0.9**k)
    assert more.mean() == pytest.approx(9, abs=5 * (90 / more.size) ** 0.5)
    which = steps.inputs[starts + 1] - (p + 2)
    check_uniform(which, 0, 1)
    check_share(which[more > 9], 0.5)
    check_uniform(steps.inputs[steps.inputs < p], 0, p - 1)


# 3a, 3b, 3c and the latch: one real input.

SIGNS = {"a": {1.0: 1.0, 0.0: -1.0}, "c": {0.2: 1.0, 0.8: -1.0}}


@settings(max_examples=40)
@given(st.integers(2, 60), st.data(), seeds)
def test_the_first_elements_tell_the_class(T: int, data: Any, seed: int) -> None:
    N = data.draw(st.integers(1, T - 1))
    for sequence in cut(drawn(TwoSequence(T=T, N=N), 6, seed)):
        elements = sequence.inputs[:, 0].tolist()
        assert T <= len(elements) <= T + T // 10
        sign = SIGNS["a"][float(sequence.targets[-1, 0])]
        assert elements[:N] == [sign] * N
        assert not {1.0, -1.0} & set(elements[N:])
        assert not sequence.targets[:-1].any()


@pytest.mark.parametrize("kind", ["a", "b", "c"])
def test_shares_of_the_two_sequence_problem(kind: Any) -> None:
    T, N = 40, 3
    task = TwoSequence(T=T, N=N, kind=kind).noise_free
    sequences = list(cut(drawn(task, 6000, 6)))
    table = SIGNS["c" if kind == "c" else "a"]
    targets = [float(sequence.targets[-1, 0]) for sequence in sequences]
    assert set(targets) == set(table)
    signs = np.array([table[target] for target in targets])
    lengths = np.array([len(sequence.starts) for sequence in sequences])
    check_uniform(lengths, 40, 44)
    check_share(signs > 0, 0.5)
    check_share(signs[lengths == 44] > 0, 0.5)
    check_gaussian(np.concatenate([s.inputs[N:, 0] for s in sequences]), 0.2)
    telling = np.stack([s.inputs[:N, 0] for s in sequences]) - signs[:, None]
    if kind == "a":
        assert not telling.any()
    else:
        for i in range(N):
            check_gaussian(telling[:, i], 0.2)
        assert abs(np.corrcoef(telling.T) - np.eye(N)).max() < 5 / len(signs) ** 0.5


def test_targets_with_noise_lie_around_those_without() -> None:
    task = TwoSequence(T=10, N=3, kind="c")
    noisy, plain = drawn(task, 20_000, 7), drawn(task.noise_free, 20_000, 7)
    np.testing.assert_array_equal(noisy.inputs, plain.inputs)
    np.testing.assert_array_equal(noisy.has_target, plain.has_target)
    assert noisy.has_target is not None
    noise = (noisy.targets - plain.targets)[:, 0]
    assert not noise[~noisy.has_target].any()
    for target in (0.2, 0.8):
        here = noisy.has_target & (plain.targets[:, 0] == target)
        check_gaussian(noise[here], 0.1)
    assert abs(np.corrcoef(noise[noisy.has_target][1:], noise[noisy.has_target][:-1])[0, 1]) < 0.04


def test_kinds_without_target_noise_are_their_own_noise_free_task() -> None:
    for task in (TwoSequence(), TwoSequence(kind="b"), TwoSequence(kind="c").noise_free):
        assert task.noise_free == task
    assert TwoSequence(kind="c").target_noise is True
    assert TwoSequence(kind="c").noise_free.target_noise is False


@settings(max_examples=30)
@given(st.integers(1, 60), seeds)
def test_the_latch_holds_one_element_for_t_steps(T: int, seed: int) -> None:
    for sequence in cut(drawn(Latch(T=T), 6, seed)):
        first, *others = sequence.inputs[:, 0].tolist()
        assert first == {0.9: 1.0, 0.1: -1.0}[float(sequence.targets[-1, 0])]
        assert T <= len(others) <= T + T // 10  # Steps from the first element to the target.
        assert not {1.0, -1.0} & set(others)


def test_shares_of_the_latch() -> None:
    sequences = list(cut(drawn(Latch(T=30), 6000, 8)))
    check_uniform([len(s.starts) - 1 for s in sequences], 30, 33)
    check_share([s.inputs[0, 0] > 0 for s in sequences], 0.5)
    check_gaussian(np.concatenate([s.inputs[1:, 0] for s in sequences]), 0.2)


# 4 and 5: pairs of a value and a marker.


def answer(task: Adding | Multiplication, sequence: Steps) -> float:
    """The target, from what a reader sees: a mark on the first pair shows as a missing one."""
    adds = isinstance(task, Adding)
    marked = [value for value, marker in sequence.inputs.tolist() if marker == 1.0]
    marked += [0.0 if adds else 1.0] * (2 - len(marked))
    return float(0.5 + sum(marked) / 4 if adds else math.prod(marked))


@settings(max_examples=60)
@given(st.sampled_from([Adding, Multiplication]), st.integers(20, 130), seeds)
def test_the_target_follows_from_the_marked_values(make: Any, T: int, seed: int) -> None:
    task = make(T)
    for sequence in cut(drawn(task, 8, seed)):
        values, markers = sequence.inputs.T.tolist()
        assert T <= len(values) <= T + T // 10
        assert all(-1.0 * (make is Adding) <= value < 1.0 for value in values)
        assert markers[0] == markers[-1] == -1.0
        positions = [i for i, marker in enumerate(markers) if marker == 1.0]
        assert len(positions) in (1, 2)
        assert all(marker == 0.0 for i, marker in enumerate(markers[1:-1], 1) if i not in positions)
        # Among the first T/2 pairs, and one of them (perhaps the first pair) among the first ten.
        assert max(positions) < T // 2
        assert len(positions) == 1 or min(positions) < 10
        assert len(values) - 1 - max(positions) >= T / 2
        assert sequence.targets[-1, 0] == pytest.approx(answer(task, sequence), abs=1e-15)
        assert 0 <= sequence.targets[-1, 0] <= 1
        assert not sequence.targets[:-1].any()


@pytest.mark.parametrize("make", [Adding, Multiplication])
def test_shares_of_values_marks_and_lengths(make: Any) -> None:
    T, n = 30, 40_000
    steps = drawn(make(T), n, 9)
    starts = np.flatnonzero(steps.starts)
    check_uniform(np.diff([*starts, len(steps.starts)]), 30, 33)
    # A first mark on each of ten pairs, the second on each of the first 15 that is unmarked.
    markers = steps.inputs[starts[:, None] + np.arange(T), 1]
    one_of_two = 0.1 + 0.9 / 14
    for position in range(1, 10):
        check_share(markers[:, position] == 1, one_of_two)
    for position in range(10, 15):
        check_share(markers[:, position] == 1, 1 / 14)
    assert not markers[:, 15:-1].any()
    check_share((markers == 1).sum(axis=1) == 1, one_of_two)  # The other is on the first pair.
    scaled = steps.inputs[:, 0] if make is Multiplication else (steps.inputs[:, 0] + 1) / 2
    check_uniform((20 * scaled).astype(int), 0, 19)
    first_values = scaled[starts][(markers == 1).sum(axis=1) == 1]
    check_uniform((4 * first_values).astype(int), 0, 3)  # What is read there is not changed.


def test_both_marks_count_where_they_are() -> None:
    """The two marks are independent: also both among the first ten pairs, in either order."""
    steps = drawn(Adding(T=20), 30_000, 10)
    markers = steps.inputs[np.flatnonzero(steps.starts)[:, None] + np.arange(10), 1]
    both = [tuple(np.flatnonzero(row == 1).tolist()) for row in markers if (row == 1).sum() == 2]
    # Each of the 36 pairs of positions from 1 to 9 in two ways: 2 · 0.1 · 1/9.
    for pair in {(i, j) for i in range(1, 10) for j in range(i + 1, 10)}:
        off = 5 * (30_000 * 0.2 / 9) ** 0.5
        assert both.count(pair) == pytest.approx(30_000 * 0.2 / 9, abs=off)
