"""What a stream of numbers computes besides its networks: linear predictors, blends."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import linear, mixture
from oracles.anchors import Anchors, is_same
from oracles.number_records import Sizes
from oracles.scales import Level
from support.number_blocks import groups_of, number_stream, record_of

from lethe import Model, _kernel
from lethe.model.networks import Ensemble
from lethe.model.number_parts import PREDICTORS


class Stream:
    """A small stream of numbers without times, and the parts of the last event that waits.

    Sizes are targets, horizon, lags and slots.
    """

    def __init__(
        self, sizes: tuple[int, int, int, int] = (1, 1, 1, 6), columns: int = 0, networks: int = 1
    ) -> None:
        self.targets, self.horizon, self.lags, self.slots = sizes
        self.heads = self.targets * max(self.horizon, 1)
        self.sizes, self.networks = Sizes(*sizes[:3], 0, False), networks
        groups = groups_of(self.sizes, self.slots, 1, 1, (1e-2,) * networks)
        ensemble = Ensemble(groups, np.random.default_rng(0))
        self.redraw = ensemble.redraw
        self.stream = number_stream(self.sizes, self.slots, ensemble, scored=True)
        self.inputs = self.stream.inputs
        self.stream.start()
        ensemble.draw_first_weights(self.stream)
        self.columns = columns

    def learn(
        self, numbers: Any = (), slots: tuple[int, ...] = (), targets: Any = None, used: int = -1
    ) -> Any:
        changes = None
        if self.stream.columns < self.columns:
            new = list(range(self.columns))
            changes = _kernel.Changes([], new, [], [], self.columns, True, [])
        event = self.event(numbers, slots, targets)
        redraw = lambda *which: self.redraw(self.stream, *which)  # noqa: E731
        return self.stream.learn(event, changes, 1000, redraw)

    @staticmethod
    def event(numbers: Any = (), slots: Any = (), targets: Any = None) -> Any:
        given_ = None if targets is None else np.array(targets, float)
        return _kernel.EncodedEvent(np.array(numbers, float), list(slots), math.nan, given_)

    def record(self) -> dict[str, np.ndarray]:
        """The event that came last."""
        place = int(self.stream.view("pending first")[0]) + self.stream.pending_count - 1
        return record_of(
            self.stream, self.sizes, self.networks, place % self.stream.pending_capacity
        )


# ---- linear predictors ----


def settle(ours: Stream, random: np.random.Generator) -> None:
    """Events after which anchors stay where they are; linear predictors begin anew."""
    for _ in range(400):
        ours.learn(random.normal(size=ours.columns), targets=3 * random.normal(size=1))
    ours.stream.view("weights")[...] = 0
    ours.stream.view("ever nonzero")[...] = 0
    n = ours.stream.view("weights").shape[-1]
    ours.stream.view("covariance")[...] = linear.packed(linear.PRIOR_COVARIANCE * np.eye(n))


def test_the_linear_predictors_are_ridge_regressions() -> None:
    """Recursive least squares ends where one batch would, each event weighed by its age."""
    ours = Stream((1, 0, 1, 6), columns=6)
    random = np.random.default_rng(0)
    settle(ours, random)
    anchored = ours.stream.view("anchor mean").copy()
    truth = random.normal(size=6)
    rows: list[np.ndarray] = []
    wanted: list[list[float]] = [[], []]
    for n in range(400):
        x = random.normal(size=6)
        ours.learn(x)
        record = {name: part.copy() for name, part in ours.record().items()}
        phi = record["features"]
        y = float(x @ truth + 0.1 * random.normal())
        scale = float(record["scale"][0])
        for f in range(2):
            said = float(ours.stream.view("weights")[f, 0] @ phi)
            # Errors are bounded: then the regression is told little more than it says itself.
            error = y - record["last value"][0] - said
            wanted[f].append(said + min(max(error, -2.0 * scale), 2.0 * scale))
        ours.stream.learn_targets(400 + n, np.array([y]), None)
        rows.append(phi)
    phis = np.array(rows)
    first = np.where(phis.any(axis=0), (phis != 0).argmax(axis=0), 400)
    for f, forgetting in enumerate(linear.FORGETTING):
        weights = forgetting ** np.arange(399, -1, -1)
        # A feature's prior fades as the events do, from the first on where it is not zero.
        ridge = np.diag(forgetting ** (400 - first) / linear.PRIOR_COVARIANCE)
        normal = phis.T @ (weights[:, None] * phis) + ridge
        batch = np.linalg.solve(normal, phis.T @ (weights * np.array(wanted[f])))
        got = ours.stream.view("weights")[f, 0]
        np.testing.assert_allclose(got, batch, rtol=1e-8, atol=1e-10)
        covariance = linear.unpacked(ours.stream.view("covariance")[f])
        np.testing.assert_allclose(covariance, np.linalg.inv(normal), rtol=1e-8, atol=1e-12)
    assert np.abs(wanted[0]).max() > 1
    assert np.array_equal(ours.stream.view("anchor mean"), anchored)


def test_the_packed_triangle() -> None:
    matrix = np.arange(16.0).reshape(4, 4)
    matrix += matrix.T
    triangle = linear.packed(matrix)
    assert list(triangle[:3]) == [matrix[0, 0], matrix[1, 0], matrix[1, 1]]
    assert np.array_equal(linear.unpacked(triangle), matrix)


@settings(max_examples=30, deadline=None)
@given(slots=st.integers(1, 20), seed=st.integers(0, 99), sparse=st.sampled_from([0.1, 0.5, 1.0]))
def test_the_gain_of_any_number_of_features(slots: int, seed: int, sparse: float) -> None:
    """Whole vectors and what is left over; rows that were never visited."""
    ours, random = Stream((1, 0, 1, slots)), np.random.default_rng(seed)
    settle(ours, random)
    n = 1 + ours.inputs
    covariance, active = [np.eye(n) * linear.PRIOR_COVARIANCE] * 2, np.zeros(n)
    for _ in range(30):
        filled = tuple(np.flatnonzero(random.random(slots) < sparse).tolist())
        ours.learn(slots=filled, targets=random.normal(size=1))
        record = ours.record()
        phi = record["features"]
        active = np.where(phi != 0, 1.0, active)
        for f in range(2):
            gain, covariance[f] = linear.linear_gain(
                covariance[f], phi, active, linear.FORGETTING[f]
            )
            # Sums in another order: see support/lockstep.py.
            np.testing.assert_allclose(record["gains"][f], gain, 1e-9, 1e-12)
            packed = linear.packed(covariance[f])
            np.testing.assert_allclose(ours.stream.view("covariance")[f], packed, 1e-9, 1e-12)
    assert np.array_equal(ours.stream.view("ever nonzero"), active)


@pytest.mark.parametrize("kind", ["same", "nearly the same", "rare", "constant", "one of them"])
def test_the_covariance_stays_one(kind: str) -> None:
    """Features that say the same, or nothing for long, are what this is known to break at."""
    ours = Stream((1, 1, 2, 6), columns=6 if kind == "nearly the same" else 0)
    random = np.random.default_rng(0)
    for step in range(20_000):
        numbers: Any = ()
        slots: tuple[int, ...] = ()
        if kind == "same":
            slots = tuple(range(6)) if random.random() < 0.5 else ()
        elif kind == "nearly the same":
            numbers = random.normal() + 1e-9 * random.normal(size=6)
        elif kind == "rare":
            slots = (int(random.integers(6)),) if random.random() < 0.01 else ()
        elif kind == "constant":
            slots = tuple(range(6))
        else:
            slots = (step % 6,)
        ours.learn(numbers, slots, [5.0 if kind == "constant" else random.normal()])
    for packed in ours.stream.view("covariance"):
        covariance = linear.unpacked(packed)
        assert np.linalg.eigvalsh(covariance).min() > -1e-12
        assert covariance.max() <= linear.MOST_COVARIANCE * (1 + 1e-9)


def test_a_feature_is_forgotten() -> None:
    ours = Stream((1, 2, 1, 70))
    random = np.random.default_rng(5)
    for _ in range(200):
        slots = tuple(np.flatnonzero(random.random(70) < 0.5).tolist())
        ours.learn((), slots, random.normal(size=1))
    first = 1 + ours.inputs - 70
    before = ours.stream.view("weights").copy()
    assert before[..., first + 5].all()
    # A slot that linear predictors do not see has networks' weights alone.
    changes = _kernel.Changes([5, 63, 64, 69], [], [], [], -1, False, [])
    event = ours.event(targets=random.normal(size=1))
    ours.stream.learn(event, changes, 1000, ours.redraw)
    for slot in (5, 63):
        assert not ours.stream.view("weights")[..., first + slot].any()
        for packed in ours.stream.view("covariance"):
            row = linear.unpacked(packed)[first + slot]
            assert row[first + slot] == linear.PRIOR_COVARIANCE
            assert np.count_nonzero(row) == 1
    assert ours.stream.view("weights")[..., first + 6].all()


# ---- blends ----


@given(
    errors=st.lists(
        st.tuples(st.floats(-10, 10), st.floats(-10, 10), st.floats(-10, 10)),
        min_size=1,
        max_size=40,
    ),
    slow_unit=st.sampled_from([0.0, 2.0]),
)
def test_a_blend_is_one_of_its_predictors_or_lies_between(
    errors: list[tuple[float, float, float]], slow_unit: float
) -> None:
    blend = mixture.Blend(np.full(3, 1 / 3))
    for predictions in errors:
        given_ = np.array(predictions)
        blended = blend.of(given_)
        assert given_.min() - 1e-9 <= blended <= given_.max() + 1e-9
        blend.learn(given_, blended, 0.0, 1.0, slow_unit)
        assert (blend.weights >= 0).all()
        np.testing.assert_allclose(blend.weights.sum(), 1)


def test_the_best_predictor_is_believed() -> None:
    """Last season's value is right but for little, and all others are not."""
    random = np.random.default_rng(0)
    pattern = random.normal(size=9)
    model = Model("y", horizon=1, period=9, cells=1)
    for n in range(900):
        model.learn({"y": float(pattern[n % 9] + 1e-3 * random.normal())})
    assert model._predictor is not None
    weights = model._predictor.stream.view("blend weights")[0]
    k = (len(weights) - 2) // 2
    assert PREDICTORS[mixture.SEASON] == "same time last period"
    right = [n for n in range(k) if n == mixture.SEASON or n >= 7]  # or what learns it
    assert weights[:k][right].sum() > 0.99
    assert weights[k : 2 * k][right].sum() > 0.99


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e149])
def test_no_size_of_numbers_makes_it_forget_how_to_predict(size: float) -> None:
    """The unit of a series decides nothing, nor does a jump to where squares overflow."""
    ours = Stream((1, 0, 2, 1))
    random = np.random.default_rng(0)
    for n in range(400):
        ours.learn(targets=[size * (random.normal() * 0.01 if n < 200 else random.normal())])
    for name in ours.stream.parts():
        if name not in ("times", "records", "declared range", "awaited", "alarm rule"):
            assert np.isfinite(ours.stream.view(name)).all(), name
    weights = ours.stream.view("blend weights")[0]
    k = (len(weights) - 2) // 2
    assert (weights >= 0).all()
    sums = [weights[:k].sum(), weights[k : 2 * k].sum(), weights[2 * k :].sum()]
    np.testing.assert_allclose(sums, 1)


# ---- columns ----

COLUMNS = st.lists(
    st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf, 1e150, 0.0]),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(values=COLUMNS)
def test_running_scales(values: list[float]) -> None:
    ours, level, anchors = Stream(columns=1), Level(), Anchors(1)
    for value in values:
        ours.learn([value], targets=[0.0])
        features = ours.record()["features"]
        first = 1 + ours.inputs - ours.slots
        assert not features[first + 1 :].any()
        level.observe(value)
        feature = anchors.encode(0, value)
        anchors.observe(0, value)
        moved = anchors.follow(0, level.mean, level.variance)
        if moved is not None:  # of the event that waits, too
            feature = (feature - moved[1]) / moved[0] if is_same(*moved) else 0.0
        np.testing.assert_allclose(features[first], feature, rtol=1e-9, atol=1e-9)
        found = [ours.stream.view(f"column {name}")[0] for name in ("mean", "variance", "count")]
        np.testing.assert_allclose(found, [level.mean, level.variance, level.count], rtol=1e-11)
        assert np.isfinite(found).all()


def test_a_value_that_is_missing_has_a_slot() -> None:
    ours = Stream(columns=2)
    ours.learn([1.0, 2.0], targets=[0.0])
    event = ours.event([math.nan, 3.0], targets=[0.0])
    changes = _kernel.Changes([], [], [0], [4], 5, False, [])
    ours.stream.learn(event, changes, 1000, ours.redraw)
    first = 1 + ours.inputs - ours.slots
    assert list(ours.record()["features"][first:]) == [0, 0, 0, 0, 1, 0]
    ours.learn([1.0, math.nan], slots=(5,), targets=[0.0])
    assert list(ours.record()["features"][first + 4 :]) == [0, 1]


# ---- what a stream refuses ----


@pytest.mark.parametrize(
    "sizes",
    [
        (0, 1, 1, 0, 1),
        (1, -1, 1, 0, 1),
        (1, 1, 0, 0, 1),
        (1, 1, 1, -1, 1),
        (1, 1, 1, 4097, 1),
        (1, 1, 1, (0, 7), 1),
        (1, 1, 1, (7, 4097), 1),
        (1, 1, 1, 0, 0),
        (1 << 20, 1 << 20, 1, 0, 1),
        (1 << 20, 1, 1 << 20, 0, 1),
        (1, 1 << 20, 1, 0, 1),
        (1 << 62, 1, 1, 0, 1),
        (2, 1, 1, 0, 1),
    ],
)
def test_sizes_that_are_none(sizes: tuple[int, int, int, int | tuple[int, int], int]) -> None:
    targets, horizon, lags, period, slots = sizes
    periods = period if isinstance(period, tuple) else (period, 0)
    groups = [group.described() for group in groups_of(Sizes(1, 1, 1, 0, False), 1, 1)]
    with pytest.raises(ValueError, match="must"):
        _kernel.NumberStream(targets, horizon, lags, *periods, False, slots, 1, True, groups)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (part, value)
        for part in ("remembered", "residual count", "counted", "pending count", "columns")
        for value in (-1.0, 0.5, math.nan, math.inf, 1e300)
    ]
    + [("scale", -1.0), ("covariance", math.nan), ("forked", 2.0), ("weights", math.inf)],
)
def test_a_damaged_block_is_refused(part: str, value: float) -> None:
    ours, damaged = Stream((2, 3, 1, 4)), Stream((2, 3, 1, 4))
    for stream in (ours, damaged):
        for n in range(5):
            stream.learn(targets=[n, -n])
    before = ours.stream.save()
    damaged.stream.view(part).flat[0] = value
    with pytest.raises(ValueError, match=f"block must be .* but not its .*{part}"):
        ours.stream.load(np.frombuffer(damaged.stream.save(), np.uint8))
    with pytest.raises(ValueError, match=r"block must have \d+ bytes, got"):
        ours.stream.load(np.frombuffer(before[:-1], np.uint8))
    assert ours.stream.save() == before


def test_events_of_other_sizes_are_refused() -> None:
    ours, late = Stream((2, 3, 1, 4), columns=2), Stream((2, 0, 1, 4), columns=2)
    ours.learn([1.0, 2.0], targets=[1.0, 2.0])
    late.learn([1.0, 2.0])
    before = ours.stream.save(), late.stream.save()
    numbers, targets = [1.0, 2.0], [1.0, 2.0]
    wrong: list[Any] = [
        lambda: ours.learn(numbers[:1], targets=targets),
        lambda: ours.learn([*numbers, 3.0], targets=targets),
        lambda: ours.learn(numbers, (4,), targets),
        lambda: ours.learn(numbers, (-1,), targets),
        lambda: ours.learn(numbers, targets=targets[:1]),
        lambda: ours.learn(numbers, targets=[*targets, 3.0]),
        lambda: ours.learn(numbers),
        lambda: ours.stream.follow(ours.event(numbers)),
        lambda: ours.stream.score(ours.event(numbers[:1], (), targets)),
        lambda: ours.stream.predict(ours.event(numbers[:1])),
        lambda: late.stream.learn_targets(0, np.zeros(1), None),
        lambda: late.stream.learn_targets(1, np.zeros(2), None),
        lambda: late.stream.learn_targets(-1, np.zeros(2), None),
    ]
    for call in wrong:
        with pytest.raises(ValueError, match="must"):
            call()
    assert (ours.stream.save(), late.stream.save()) == before
