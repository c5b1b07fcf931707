"""One bit recalled later: chains with a query, and bits in a stream."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lethe.tasks import DelayedCopy, MemoryChain, Steps


def drawn(task: Any, n: int = 1, seed: int = 1) -> Steps:
    steps: Steps = task.sequences(np.random.default_rng(seed), n)
    return steps


@pytest.mark.parametrize("length", [1, 2, 128])
def test_a_chain_shows_its_bit_first_and_asks_last(length: int) -> None:
    steps = drawn(MemoryChain(length), 200)
    x = steps.inputs.reshape(200, length + 1, 3)
    bits = x[:, 0, 0]
    assert set(bits.tolist()) == {-1.0, 1.0}
    assert not x[:, 1:, 0].any()
    assert np.array_equal(x[:, :, 1], np.broadcast_to(np.arange(length + 1) == length, x.shape[:2]))
    assert np.array_equal(x[0, :, 2], np.linspace(1, 0, length + 1))
    assert steps.has_target is not None
    assert np.array_equal(np.flatnonzero(steps.has_target), np.arange(1, 201) * (length + 1) - 1)
    assert np.array_equal(steps.targets[steps.has_target, 0], (bits + 1) / 2)
    assert abs(bits.sum()) < 60  # 4 standard deviations are 57; the seed is fixed


@pytest.mark.parametrize("lag", [1, 7, 50])
def test_a_copy_comes_its_lag_after_each_bit_and_nowhere_else(lag: int) -> None:
    task = DelayedCopy(T=5000, lag=lag)
    steps = drawn(task, 2)
    has = steps.has_target
    assert has is not None
    for row in range(2):
        piece = slice(5000 * row, 5000 * (row + 1))
        line, targets = steps.inputs[piece, 0], steps.targets[piece, 0]
        at = np.flatnonzero(np.abs(line) == 1.0)
        assert at[0] == 0
        assert set(np.diff(at).tolist()) <= set(range(lag + 1, 2 * lag + 1))
        assert np.abs(np.delete(line, at)).max() <= 0.1
        assert np.array_equal(np.flatnonzero(has[piece]), at + lag)
        assert np.array_equal(targets[at + lag], line[at])
        assert set(line[at].tolist()) == {-1.0, 1.0}
        assert at[-1] > 5000 - 4 * lag
    assert task.change is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MemoryChain(0), "n must be"),
        (lambda: DelayedCopy(lag=0), "lag must be"),
        (lambda: DelayedCopy(T=99, lag=50), "T must be"),
    ],
)
def test_impossible_recall(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
