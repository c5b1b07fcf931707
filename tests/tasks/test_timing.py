"""Spikes whose delays are measured, and waves that are generated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lethe.tasks import Continual, Periodic, SpikeDelays


def test_a_spike_comes_with_its_delay() -> None:
    steps = SpikeDelays(7, (0, 2, 5)).sequences(np.random.default_rng(3), 400)
    spikes = np.flatnonzero(steps.inputs[:, 0])
    delays = steps.targets[spikes, 0]
    assert np.array_equal(np.diff(spikes, prepend=-1), 7 + delays)
    assert steps.has_target is not None
    assert np.array_equal(np.flatnonzero(steps.has_target), spikes)
    assert np.array_equal(np.flatnonzero(steps.starts)[1:], spikes[:-1] + 1)
    assert steps.starts[0]
    assert not steps.targets[~steps.has_target].any()
    assert {*delays.tolist()} == {0.0, 2.0, 5.0}
    assert steps.predictions == 400


def test_delays_follow_one_another_in_a_stream() -> None:
    stream = Continual(SpikeDelays(3))(seed=1)
    ahead = stream.look(5)
    assert ahead.predictions == 5
    stream.advance(len(ahead.starts))
    assert stream.look(1).predictions == 1


WAVES: dict[str, list[float]] = {
    "spikes": [0, 0, 0, 1],
    "cosine": [0.5, 1, 0.5, 0],
    "triangular": [0.5, 1, 0.5, 0],
    "rectangular": [0, 0, 1, 1],
}


@pytest.mark.parametrize("wave", WAVES)
def test_waves(wave: Any) -> None:
    task = Periodic(wave, 4)
    np.testing.assert_allclose(task.targets(), WAVES[wave], atol=1e-15)
    long = Periodic(wave, 25).targets()
    assert long.min() >= 0
    assert long.max() <= 1
    assert len(long) == 25


@pytest.mark.parametrize("period", [2, 25, 5000])
def test_however_a_wave_is_looked_at_it_goes_on(period: int) -> None:
    task = Periodic("cosine", period)
    stream, rng = task(), np.random.default_rng(period)
    targets: list[Any] = []
    starts: list[Any] = []
    while sum(len(piece) for piece in targets) < 12_000:
        ahead = stream.look(int(rng.integers(1, 6000)))
        taken = int(rng.integers(1, len(ahead.starts) + 1))
        piece = ahead.piece(0, taken)
        assert not piece.inputs.any()
        targets.append(piece.targets[:, 0])
        starts.append(piece.starts)
        stream.advance(taken)
    seen = np.concatenate(targets)
    assert np.array_equal(seen, np.resize(task.targets(), len(seen)))
    assert np.array_equal(np.concatenate(starts), np.arange(len(seen)) % period == 0)
    stream.next_string()
    assert stream.look(1).targets[0, 0] == task.targets()[0]


def test_a_stream_shows_no_more_and_goes_no_further_than_it_has() -> None:
    stream = Periodic("spikes", 10)()
    with pytest.raises(ValueError, match="n must be a whole number of at least 1, got 0"):
        stream.look(0)
    sight = len(stream.look(10**9).starts)
    for n in (-1, sight + 1):
        with pytest.raises(
            ValueError, match=f"n must be a whole number from 0 to the {sight} steps in sight"
        ):
            stream.advance(n)
    stream.advance(sight)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ((SpikeDelays, 0), "interval must be"),
        ((SpikeDelays, 10, ()), r"delays must be one whole number or more, got \(\)"),
        ((SpikeDelays, 10, (-1,)), "delays must be"),
        ((SpikeDelays, 10, 3), "delays must be one whole number or more, got 3"),
        ((Periodic, "sine"), "wave must be one of spikes, .*, got 'sine'"),
        ((Periodic, "cosine", 1), "period must be"),
    ],
)
def test_what_is_no_task(make: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make[0](*make[1:])
