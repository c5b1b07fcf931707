"""What lies around a model's networks, the compiled code against its oracle in plain Python."""

import math
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles import forecast_oracle as oracle

from lethe.core._views import kernel

Kernel: Any = kernel().Forecast
HOUR = 3600.0
WITHOUT_UNIT = ("features", "gains", "base", "weights", "covariance", "residuals")
Sizes = tuple[int, int, int, int, bool, int, int]


class Compiled:
    """The compiled functions on a block, called as the oracle is."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.block = np.zeros(Kernel.size(*sizes))
        self.forecast = Kernel(*sizes, self.block)
        self.forecast.start()
        self.of_record = self.forecast.parts(True)
        self.heads = sizes[0] * sizes[1]

    def look(self, columns: np.ndarray, seconds: float) -> np.ndarray:
        record = np.full(self.of_record["record"][1][0], math.nan)
        x = np.empty(self.of_record["features"][1][0] - 1, np.float32)
        self.forecast.look(columns, seconds, record, x)
        assert np.array_equal(x, self.parts(record)["features"][1:].astype(np.float32))
        return record

    def settle(self, record: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        left, useful = np.empty(self.heads, np.float32), np.empty(self.heads, np.bool_)
        assert self.forecast.settle(record, left, useful) == useful.sum()
        return left, useful

    def parts(self, record: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Copies of all parts of the block, or of a record."""
        block = self.block if record is None else record
        found = {}
        for name, (at, shape) in self.forecast.parts(record is not None).items():
            found[name] = block[at : at + math.prod(shape)].reshape(shape).copy()
        if record is None:
            kept = int(found["kept"][0])
            found["values"], found["times"] = found["values"][:kept], found["times"][:kept]
        return found


def assert_close(ours: dict[str, np.ndarray], theirs: dict[str, Any], tolerance: float) -> None:
    assert set(ours) - {"record"} == set(theirs)
    for name, expected in theirs.items():
        got = ours[name]
        expected = np.asarray(expected)
        assert got.shape == expected.shape, name
        assert np.array_equal(np.isnan(got), np.isnan(expected)), name
        least = 1e-3 if name in WITHOUT_UNIT else 1e-300  # beside that, what cancels is rounding
        largest = np.nanmax(np.abs(expected), initial=least)
        apart = np.nanmax(np.abs(got - expected), initial=0.0)
        assert apart <= tolerance * largest, (name, apart / largest)


def events(
    sizes: Sizes, count: int, seed: int, *, missing: float, strange: float
) -> Iterator[tuple[np.ndarray, np.ndarray, float, np.ndarray]]:
    """Targets, columns, seconds and what networks say, event by event."""
    targets, horizon, _, _, timed, places, networks = sizes
    random = np.random.default_rng(seed)
    seconds, step = 1e9, float(random.choice([600.0, 2 * HOUR, oracle.DAY, oracle.WEEK]))
    value = random.normal(size=targets) * 10 ** random.uniform(-3, 3)
    size = float(np.abs(value).max())
    for _ in range(count):
        value = 0.9 * value + size * random.normal(size=targets)
        given = value.copy()
        given[random.random(targets) < missing] = random.choice([math.nan, math.inf])
        if random.random() < strange:
            given *= 50
        seconds += step * random.choice([0.9, 1.0, 1.1])
        if random.random() < strange:
            seconds += random.choice([-5, 7]) * step
        now = math.nan if not timed or random.random() < missing / 2 else seconds
        columns = random.normal(size=places) * (random.random(places) < 0.7)
        outputs = random.normal(size=(networks, targets * horizon)).astype(np.float32)
        yield given, columns, now, outputs


SIZES = st.tuples(
    st.integers(1, 3),  # targets
    st.integers(1, 3),  # horizon
    st.integers(1, 8),  # lags
    st.sampled_from([0, 1, 3, 7]),  # period
    st.booleans(),  # timed
    st.sampled_from([1, 3, 70]),  # places
    st.integers(1, 3),  # networks
)


@settings(max_examples=25, deadline=None)
@given(
    sizes=SIZES,
    seed=st.integers(0, 2**32 - 1),
    missing=st.sampled_from([0.0, 0.2]),
    strange=st.sampled_from([0.0, 0.05]),
    ahead=st.booleans(),
)
@example(sizes=(1, 1, 8, 0, True, 8, 3), seed=0, missing=0.0, strange=0.0, ahead=True)
@example(sizes=(1, 3, 8, 5, False, 8, 3), seed=1, missing=0.2, strange=0.0, ahead=True)
def test_the_kernel_is_its_oracle(
    sizes: Sizes, seed: int, missing: float, strange: float, ahead: bool
) -> None:
    ours, theirs = Compiled(sizes), oracle.Forecast(*sizes)
    horizon = sizes[1] if ahead else 1
    owed: deque[tuple[np.ndarray, dict[str, Any]]] = deque()

    def settle() -> None:
        record, expected = owed.popleft()
        left, useful = ours.settle(record)
        wanted_left, wanted_useful = theirs.settle(expected)
        assert np.array_equal(useful, wanted_useful)
        np.testing.assert_allclose(left, wanted_left, rtol=1e-6, atol=1e-6)

    for given_, columns, seconds, outputs in events(
        sizes, 70, seed, missing=missing, strange=strange
    ):
        if ahead:
            for far, (record, expected) in enumerate(reversed(owed), 1):
                ours.forecast.bring(given_, far, record)
                theirs.bring(given_, far, expected)
            ours.forecast.note(given_, seconds)
            theirs.note(given_, seconds)
            if len(owed) == horizon:
                settle()
        record = ours.look(columns, seconds)
        features = theirs.look(columns, seconds)
        ours.forecast.answer(seconds, outputs, record)
        expected = theirs.answer(features, seconds, outputs)
        ours.forecast.owe(record)
        theirs.owe(expected)
        assert_close(ours.parts(record), expected, 1e-10)
        owed.append((record, expected))
        if not ahead:
            ours.forecast.bring(given_, 1, record)
            theirs.bring(given_, 1, expected)
            ours.forecast.note(given_, seconds)
            theirs.note(given_, seconds)
            settle()
    assert_close(ours.parts(), theirs.parts(), 1e-10)
    covariance = ours.parts()["covariance"]
    assert np.array_equal(covariance, covariance.swapaxes(1, 2))


def test_a_long_past_is_cut_to_what_is_kept() -> None:
    sizes = (2, 1, 3, 7, True, 1, 1)
    ours, theirs = Compiled(sizes), oracle.Forecast(*sizes)
    random = np.random.default_rng(0)
    for n in range(2 * oracle.KEPT + 500):
        value = random.normal(size=2) + np.sin(n / 9)
        ours.forecast.note(value, n * HOUR)
        theirs.note(value, n * HOUR)
        if n % 1000 > 990:
            record = ours.look(np.ones(1), (n + 1) * HOUR)
            expected = theirs.look(np.ones(1), (n + 1) * HOUR)
            np.testing.assert_allclose(ours.parts(record)["features"], expected, 1e-11, 1e-13)
    assert_close(ours.parts(), theirs.parts(), 1e-11)
    assert ours.parts()["kept"] == oracle.KEPT + 500


def test_residuals_lie_in_a_ring() -> None:
    sizes = (1, 1, 1, 0, False, 1, 1)
    ours, theirs = Compiled(sizes), oracle.Forecast(*sizes)
    for value, columns, seconds, outputs in events(sizes, 600, 3, missing=0.1, strange=0):
        ours.forecast.note(value, seconds)
        theirs.note(value, seconds)
        record = ours.look(columns, seconds)
        ours.forecast.answer(seconds, outputs, record)
        ours.forecast.owe(record)
        expected = theirs.answer(theirs.look(columns, seconds), seconds, outputs)
        theirs.owe(expected)
        ours.forecast.bring(value + 1, 1, record)
        theirs.bring(value + 1, 1, expected)
        ours.settle(record)
        theirs.settle(expected)
    assert ours.parts()["residual_counts"] > 500
    assert_close(
        {"residuals": ours.parts()["residuals"]}, {"residuals": theirs.parts()["residuals"]}, 1e-9
    )


def test_the_linear_predictors_are_ridge_regressions() -> None:
    """Recursive least squares ends where one batch would, each event weighed by its age."""
    sizes = (1, 1, 1, 0, False, 6, 1)
    ours = Compiled(sizes)
    random = np.random.default_rng(0)
    truth = random.normal(size=9) * 0.2
    rows, wanted = [], []
    for _ in range(400):
        # No feature but the constant and the columns: nothing is noted, so the past is empty.
        record = ours.look(random.normal(size=6), math.nan)
        ours.forecast.answer(math.nan, np.zeros((1, 1), np.float32), record)
        ours.forecast.owe(record)
        phi = ours.parts(record)["features"]
        z = float(phi @ truth + 0.1 * random.normal())
        for name, value in (("anchor", 0.0), ("scale", 1.0), ("wanted", z)):
            record[ours.of_record[name][0]] = value
        ours.settle(record)
        rows.append(phi)
        wanted.append(z)
    phis, zs = np.array(rows), np.array(wanted)
    for f, forgetting in enumerate(oracle.FORGETTING):
        weights = forgetting ** np.arange(399, -1, -1)
        # The prior fades as the events do.
        ridge = forgetting**400 / oracle.PRIOR * np.eye(9)
        normal = phis.T @ (weights[:, None] * phis) + ridge
        batch = np.linalg.solve(normal, phis.T @ (weights * zs))
        np.testing.assert_allclose(ours.parts()["weights"][f, 0], batch, rtol=1e-9, atol=1e-11)
        active = np.flatnonzero(np.abs(phis).sum(axis=0))
        covariance = np.linalg.inv(normal[np.ix_(active, active)])
        got = ours.parts()["covariance"][f][np.ix_(active, active)]
        np.testing.assert_allclose(got, covariance, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(
        ours.parts()["weights"][0, 0][[0, *range(3, 9)]], truth[[0, *range(3, 9)]], atol=0.05
    )


@pytest.mark.parametrize("kind", ["same", "nearly the same", "rare", "constant", "one of them"])
def test_the_covariance_stays_one(kind: str) -> None:
    """Features that say the same, or nothing for long, are what this is known to break at."""
    ours = Compiled((1, 1, 2, 0, False, 6, 1))
    random = np.random.default_rng(0)
    at, (n,) = ours.of_record["features"]
    record = np.zeros(ours.of_record["record"][1][0])
    for step in range(20_000):
        phi = np.zeros(n)
        if kind == "same":
            phi[:] = random.normal()
        elif kind == "nearly the same":
            phi[:] = random.normal() + 1e-9 * random.normal(size=n)
        elif kind == "rare":
            phi[random.integers(n)] = random.random() < 0.01
        elif kind == "constant":
            phi[:] = 5
        else:
            phi[step % n] = 5
        phi[0] = 1
        record[at : at + n] = phi
        ours.forecast.owe(record)
    covariance = ours.parts()["covariance"]
    assert np.array_equal(covariance, covariance.swapaxes(1, 2))
    assert np.linalg.eigvalsh(covariance).min() > -1e-12
    assert covariance.max() <= oracle.MOST * (1 + 1e-9)


def test_a_feature_is_forgotten() -> None:
    sizes = (1, 2, 1, 0, False, 70, 1)
    ours, theirs = Compiled(sizes), oracle.Forecast(*sizes)
    for given_, columns, seconds, outputs in events(sizes, 30, 5, missing=0, strange=0):
        ours.forecast.note(given_, seconds)
        theirs.note(given_, seconds)
        record = ours.look(columns, seconds)
        ours.forecast.answer(seconds, outputs, record)
        ours.forecast.owe(record)
        expected = theirs.answer(theirs.look(columns, seconds), seconds, outputs)
        theirs.owe(expected)
        for ahead in (1, 2):
            ours.forecast.bring(given_ * 2, ahead, record)
            theirs.bring(given_ * 2, ahead, expected)
        ours.settle(record)
        theirs.settle(expected)
    for feature in (5, 66, 67, 72):  # the last two are columns that no linear predictor sees
        ours.forecast.forget(feature)
        theirs.forget(feature)
    assert not ours.parts()["weights"][..., 5].any()
    assert_close(ours.parts(), theirs.parts(), 1e-10)
    with pytest.raises(ValueError, match="feature"):
        ours.forecast.forget(73)


# ---- columns ----

COLUMNS = st.lists(
    st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf, 1e150, 0.0]),
    min_size=1,
    max_size=40,
)


@given(values=COLUMNS, slowest=st.sampled_from([0.002, 0.1]))
def test_running_scales(values: list[float], slowest: float) -> None:
    mean, variance, count = (np.zeros(1) for _ in range(3))
    expected: tuple[float, float, float] = (0.0, 0.0, 0.0)
    for value in values:
        kernel().observe(np.array([value]), mean, variance, count, slowest)
        expected = oracle.observe(value, *expected, slowest)
    np.testing.assert_allclose([mean[0], variance[0], count[0]], expected, rtol=1e-11)
    assert np.isfinite([mean, variance]).all()
    for value in values:
        out = np.full(4, 7.0)
        places, missing = np.array([2]), np.array([0])
        kernel().place(np.array([value]), mean, variance, places, missing, out)
        np.testing.assert_allclose(out[2], oracle.standardise(value, mean[0], variance[0]), 1e-9)
        assert out[0] == math.isnan(value)
        assert (out[[1, 3]] == 7).all()


def test_places_are_checked() -> None:
    one, at = np.ones(1), np.zeros(1, np.int64)
    for places, missing in ((at + 3, at), (at - 1, at), (at, at + 3)):
        with pytest.raises(ValueError, match="place"):
            kernel().place(one, one, one, places, missing, np.zeros(3))
    for arguments in (
        (one, one, one, at, at[:0]),
        (one, one, one, at[:0], at),
        (one, one, one[:0], at, at),
        (one, one[:0], one, at, at),
    ):
        with pytest.raises(ValueError, match="numbers"):
            kernel().place(*arguments, np.zeros(3))
    with pytest.raises(ValueError, match="numbers"):
        kernel().observe(one, one.copy(), one.copy(), one[:0], 0.1)


# ---- what the kernel refuses ----


@pytest.mark.parametrize(
    "sizes",
    [
        (0, 1, 1, 0, False, 1, 1),
        (1, 0, 1, 0, False, 1, 1),
        (1, 1, 0, 0, False, 1, 1),
        (1, 1, 1, -1, False, 1, 1),
        (1, 1, 1, 4097, False, 1, 1),
        (1, 1, 1, 0, False, 0, 1),
        (1, 1, 1, 0, False, 1, 0),
        (1 << 20, 1 << 20, 1, 0, False, 1, 1),
        (1 << 20, 1, 1 << 20, 0, False, 1, 1),
        (1 << 20, 1, 1, 0, False, 1, 1 << 20),
        (1, 1 << 20, 1, 0, False, 1, 1 << 20),
        (1 << 62, 1, 1, 0, False, 1, 1),
    ],
)
def test_sizes_that_are_none(sizes: Sizes) -> None:
    with pytest.raises(ValueError, match="must"):
        Kernel.size(*sizes)


SMALL: Sizes = (2, 3, 1, 0, False, 4, 2)


@pytest.mark.parametrize(
    ("part", "value"),
    [("kept", value) for value in (-1.0, 8193.0, math.nan, math.inf)]
    + [("residual_counts", value) for value in (-1.0, math.nan, math.inf, 1e300)],
)
def test_a_damaged_block_is_refused(part: str, value: float) -> None:
    ours = Compiled(SMALL)
    ours.block[ours.forecast.parts(False)[part][0]] = value
    with pytest.raises(ValueError, match="damaged"):
        Kernel(*SMALL, ours.block)


def test_blocks_and_records_of_other_sizes_are_refused() -> None:
    ours = Compiled(SMALL)
    before = ours.block.copy()
    f = ours.forecast
    record = ours.look(np.zeros(4), 0.0)
    x, y = np.empty(len(ours.parts(record)["features"]) - 1, np.float32), np.zeros(6, np.float32)
    flags, short = np.zeros(6, np.bool_), record[:-1].copy()
    wrong: list[Any] = [
        lambda: Kernel(*SMALL, ours.block[:-1].copy()),
        lambda: f.look(np.zeros(3), 0.0, record, x),
        lambda: f.look(np.zeros(4), 0.0, short, x),
        lambda: f.look(np.zeros(4), 0.0, record, x[:-1].copy()),
        lambda: f.answer(0.0, np.zeros((2, 5), np.float32), record),
        lambda: f.answer(0.0, np.zeros((2, 6), np.float32), short),
        lambda: f.owe(short),
        lambda: f.bring(np.zeros(3), 1, record),
        lambda: f.bring(np.zeros(2), 1, short),
        lambda: f.bring(np.zeros(2), 0, record),
        lambda: f.bring(np.zeros(2), 4, record),
        lambda: f.settle(short, y, flags),
        lambda: f.settle(record, y[:-1].copy(), flags),
        lambda: f.settle(record, y, flags[:-1].copy()),
        lambda: f.note(np.zeros(1), 0.0),
    ]
    for call in wrong:
        with pytest.raises(ValueError, match=r"numbers|horizon"):
            call()
    assert np.array_equal(ours.block, before)


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e150])
def test_no_size_of_numbers_makes_it_forget_how_to_predict(size: float) -> None:
    """The unit of a series decides nothing, nor does a jump to where squares overflow."""
    sizes = (1, 1, 2, 0, False, 1, 1)
    ours = Compiled(sizes)
    random = np.random.default_rng(0)
    for n in range(400):
        value = np.array([size * (random.normal() * 0.01 if n < 200 else random.normal())])
        record = ours.look(np.ones(1), float(n))
        ours.forecast.answer(float(n), np.zeros((1, 1), np.float32), record)
        ours.forecast.owe(record)
        ours.forecast.bring(value, 1, record)
        ours.forecast.note(value, float(n))
        ours.settle(record)
    assert np.isfinite(ours.block).all()
    weights = ours.parts()["mix_weights"]
    assert (weights >= 0).all()
    np.testing.assert_allclose(
        [weights[0, :10].sum(), weights[0, 10:20].sum(), weights[0, 20:].sum()], 1
    )
