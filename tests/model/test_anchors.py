"""Features whose scale holds still: moving an anchor changes no prediction."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.anchors import MOST_MOVE, move_covariance, move_weights
from oracles.linear import bound_variance, linear_gain, packed, unpacked
from oracles.number_records import Sizes
from support.models import small, stream_of
from support.number_blocks import groups_of, number_stream, record_of

from lethe import _kernel
from lethe.model.networks import Ensemble

SIZES = Sizes(1, 1, 2, 0, False)
FIRST_COLUMN = 1 + 4  # the constant, the level, two changes, the last surprise

MOVES = {
    "ratio": st.floats(-1, 1).map(lambda power: 10**power),
    "shift": st.floats(-3, 3),
    "seed": st.integers(0, 2**32 - 1),
}


def column_stream() -> tuple[_kernel.NumberStream, Ensemble]:
    """Two columns have come often enough, and the target follows from them."""
    ensemble = Ensemble(groups_of(SIZES, 2), np.random.default_rng(0))
    stream = number_stream(SIZES, 2, ensemble, scored=False)
    stream.start()
    ensemble.draw_first_weights(stream)
    random, x = np.random.default_rng(1), np.zeros(2)
    for n in range(200):
        y = 5 + 2 * x[0] - x[1] + random.normal()
        x = random.normal(size=2)
        learn(stream, ensemble, x, y, first=n == 0)
    return stream, ensemble


def learn(
    stream: _kernel.NumberStream, ensemble: Ensemble, x: np.ndarray, y: float, first: bool = False
) -> dict[str, np.ndarray]:
    """The record of the event."""
    changes = _kernel.Changes([], [0, 1], [], [], 2, True, []) if first else None
    redraw = lambda *which: ensemble.redraw(stream, *which)  # noqa: E731
    stream.learn(_kernel.EncodedEvent(x, [], math.nan, np.array([y])), changes, 1, redraw)
    return {name: part.copy() for name, part in record_of(stream, SIZES).items()}


STREAM, ENSEMBLE = column_stream()


@settings(max_examples=60, deadline=None)
@given(**MOVES)
def test_linear_predictions_stay_where_an_anchor_moves(
    ratio: float, shift: float, seed: int
) -> None:
    """An anchor that somebody has moved, and the weights with it."""
    random = np.random.default_rng(seed)
    ours, theirs = STREAM.clone(), STREAM.clone()
    for one in (ours, theirs):
        one.view("anchor reach")[...] = 1e6  # none of the features is bounded
    nth = int(random.integers(2))
    mean, spread = (theirs.view(f"anchor {part}") for part in ("mean", "spread"))
    mean[1 + nth] += shift * spread[1 + nth]
    spread[1 + nth] *= ratio
    feature = FIRST_COLUMN + nth
    move_weights(theirs.view("weights"), feature, ratio, shift, math.inf)
    for f, triangle in enumerate(theirs.view("covariance")):
        moved = move_covariance(unpacked(triangle), feature, ratio, shift)
        theirs.view("covariance")[f] = packed(moved)
    waiting = record_of(theirs, SIZES)["features"]
    waiting[feature] = (waiting[feature] - shift) / ratio
    x = random.normal(size=2)
    records = [learn(one, ENSEMBLE, x, 3.0) for one in (ours, theirs)]
    ours_, theirs_ = (record["predictions"][0, 7:10] for record in records)
    np.testing.assert_allclose(ours_, theirs_, rtol=1e-8, atol=1e-8)


@settings(max_examples=60, deadline=None)
@given(**MOVES)
def test_recursive_least_squares_goes_on_where_an_anchor_moves(
    ratio: float, shift: float, seed: int
) -> None:
    """Gains and covariances after an event are the moved ones, in the features as moved."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(30, 4))
    rows[:, 0] = 1
    covariance, active, feature = 0.01 * np.eye(4), np.ones(4), int(random.integers(1, 4))
    for phi in rows[:-1]:
        _, covariance = linear_gain(covariance, phi, active, 0.999)
    phi, moved = rows[-1], rows[-1].copy()
    moved[feature] = (phi[feature] - shift) / ratio
    gain, after = linear_gain(covariance, phi, active, 0.999)
    beside = move_covariance(covariance, feature, ratio, shift)
    other, after_moved = linear_gain(beside, moved, active, 0.999)
    if max(beside[0, 0], beside[feature, feature]) > 9:
        return  # bounded
    move_weights(gain, feature, ratio, shift, math.inf)
    np.testing.assert_allclose(other, gain, rtol=1e-8, atol=1e-10)
    expected = move_covariance(after, feature, ratio, shift)
    np.testing.assert_allclose(after_moved, expected, rtol=1e-8, atol=1e-10)


def test_a_variance_that_is_bounded_stays_one_of_a_covariance() -> None:
    covariance = np.array([[4.0, 30.0], [30.0, 400.0]])
    bounded = bound_variance(covariance, 1, 10.0)
    assert bounded[1, 1] == pytest.approx(10.0)
    assert (np.linalg.eigvalsh(bounded) > 0).all()


def test_one_absurd_value_of_a_column_is_bounded_and_many_are_not() -> None:
    random = np.random.default_rng(0)
    model = small("y", detect=False)
    for _ in range(500):
        x = float(random.normal())
        model.learn({"x": x, "y": x})
    once, column = copy.deepcopy(model), 1
    before = stream_of(model).view("anchor reach")[column]
    once.learn({"x": 1e9, "y": 0.0})
    assert stream_of(once).view("anchor reach")[column] <= 4 * max(before, 5.0)
    for _ in range(12):
        model.learn({"x": 300.0, "y": 300.0})
    assert stream_of(model).view("anchor reach")[column] > 50


def test_an_anchor_that_moves_farther_than_anything_forgets() -> None:
    """In the first events spreads may grow by any factor: then nothing overflows."""
    model = small("y", detect=False)
    events = [1.0, 1.0 + 1e-12, 1.0, 1e150, -1e150, 1e-3, 2.0, 1.0, 3.0]
    for n, x in enumerate(events * 5):
        model.learn({"x": x, "z": 1.0 / x, "y": float(n % 7) * (1e140 if n == 13 else 1)})
        stream = stream_of(model)
        assert np.isfinite(stream.view("weights")).all()
        assert np.isfinite(stream.view("covariance")).all()
        assert stream.view("covariance").max() <= 10.0 * (1 + 1e-9)
    assert MOST_MOVE < 1e12
    type(model).from_checkpoint(*model.to_checkpoint())
