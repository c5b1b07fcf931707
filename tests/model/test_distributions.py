"""Distributions of numbers to come: what holds for every one of them, and for streams of a kind."""

import copy
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.distribution import HeadState, distribution_of
from support.models import small

import lethe
from lethe import Model, Prediction, _kernel
from lethe.model.distribution import Distribution

LEVELS = np.linspace(0.001, 0.999, 999)


def learned(values: Any, **options: Any) -> Model:
    model = small("y", horizon=1, **options)
    for value in values:
        model.learn({"y": None if value is None else float(value)})
    return model


def assert_proper(found: Prediction | Distribution, low: float, high: float) -> None:
    """What holds for every distribution, looked at from `low` to `high`."""
    x = np.linspace(low, high, 20_001)
    cdf = found.cdf(x)
    assert (cdf >= 0).all()
    assert (cdf <= 1).all()
    assert (np.diff(cdf) >= -1e-12).all()
    places = found.quantile(LEVELS)
    assert (np.diff(places) >= 0).all()
    # The quantile is the least place with so much probability up to it.
    assert (found.cdf(places) >= LEVELS - 1e-9).all()
    below = places - 1e-6 * (1 + np.abs(places))
    assert (found.cdf(below) <= LEVELS + 1e-9).all()


# ---- closed forms ----


def uniform_with_tails() -> Distribution:
    return Distribution(
        np.array([-1.0, 0.0, 2.0]),
        np.array([0.1, 0.3, 0.8]),
        np.array([0.1, 0.5, 0.8]),  # a fifth of all is at zero
        0.5,
        1.0,
    )


def test_a_distribution_in_closed_form() -> None:
    found = uniform_with_tails()
    assert_proper(found, -9, 9)
    assert found.cdf(np.array([-1.0, -0.5, 0.0, 1.0, 2.0])) == pytest.approx(
        [0.1, 0.2, 0.5, 0.65, 0.8]
    )
    assert found.quantile(np.array([0.1, 0.2, 0.4, 0.65])) == pytest.approx([-1, -0.5, 0, 1])
    assert found.log_density(np.array([-0.5, 0.0, 1.0])) == pytest.approx(np.log([0.2, 0.2, 0.15]))
    far = np.array([-1e3, -5.0, 7.0, 1e3])
    assert found.quantile(found.cdf(far)) == pytest.approx(far)
    u = (np.arange(2_000_000) + 0.5) / 2_000_000
    assert found.mean == pytest.approx(found.quantile(u).mean(), abs=1e-3)


def test_its_density_integrates_to_one() -> None:
    found = uniform_with_tails()
    x = np.linspace(-400, 400, 4_000_001)[1::2]  # not at zero, whose probability is its own
    assert np.exp(found.log_density(x)).sum() * (x[1] - x[0]) == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("x", [-30.0, -1.0, -0.3, 0.0, 1.5, 2.0, 20.0])
def test_the_score_is_the_integral_that_defines_it(x: float) -> None:
    found = uniform_with_tails()
    places = np.linspace(-300, 300, 2_000_001)
    width = places[1] - places[0]
    expected = ((found.cdf(places) - (places >= x)) ** 2).sum() * width
    assert found.crps(x) == pytest.approx(expected, rel=1e-4, abs=1e-3)


def compiled(state: HeadState, rows: np.ndarray, kept: int = 0, turned: int = 0) -> Distribution:
    """What compiled code makes of a head, whose ring begins anywhere."""
    heads, n = state.ahead, len(rows)
    kept = kept or max(n, 1)
    ring = np.full((heads, kept, 5), math.nan)
    ring[-1, (turned + np.arange(n)) % kept] = rows
    counts = np.zeros(heads)
    counts[-1] = turned + n
    of_heads = np.zeros((4, heads))
    of_heads[:, -1] = state.predicted, state.usual, turned + n, state.spread
    answer = np.concatenate((of_heads.ravel(), [state.last, state.low, state.high]))
    made = _kernel.distribution(answer.tobytes(), ring, counts, 1, heads - 1)
    return Distribution.made_of(np.frombuffer(made))


@st.composite
def heads(draw: st.DrawFn) -> tuple[HeadState, np.ndarray]:
    """A head's state and its residuals: of many kinds of data, some of them hostile."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.one_of(st.integers(0, 80), st.sampled_from([500, 1024])))
    size = draw(st.sampled_from([1e-12, 1.0, 1e9, 1e140]))
    kind = draw(
        st.sampled_from(["numbers", "counts", "zeros", "repeats", "tenths", "constant", "absurd"])
    )
    low = draw(st.sampled_from([-math.inf, 0.0]))
    actual = random.normal(size=n) if low else random.exponential(size=n)
    predicted = random.normal(size=n)
    if kind in ("counts", "zeros", "repeats"):
        actual = np.round(2 * actual)
    if kind == "tenths":
        actual, size = np.round(actual * 20) / 10, 1.0
    if kind == "zeros":
        actual[random.random(n) < 0.8] = 0.0
    if kind == "constant":
        actual = predicted = np.full(n, 7.0)
    if kind == "absurd":
        actual[random.random(n) < 0.2] = 1e150 / size
    last = actual if kind == "repeats" else np.roll(actual, 1)
    usual = np.zeros(n) if kind == "constant" else random.choice([0.0, 0.5, 1.0], size=n)
    if draw(st.booleans()):
        usual = usual * np.exp(random.normal(size=n))
    rows = np.column_stack((actual, predicted, usual, last, random.random(n))) * size
    high = draw(st.sampled_from([math.inf, 9.0 * size]))
    now = 0.0 if kind == "constant" and draw(st.booleans()) else 0.7 * size
    last_value = draw(st.sampled_from([rows[-1, 0] if n else 0.0, 5.0 * size, math.nan]))
    spread = draw(st.sampled_from([0.0, 0.1, 30.0])) * size
    ahead = draw(st.sampled_from([1, 3, 24]))
    return HeadState(0.3 * size, now, spread, last_value, low, high, ahead), rows


@settings(deadline=None, max_examples=300)
@given(head=heads(), turned=st.integers(0, 3000))
def test_compiled_and_oracle_agree(head: tuple[HeadState, np.ndarray], turned: int) -> None:
    state, rows = head
    wanted = distribution_of(state, rows)
    found = compiled(state, rows, 1024, turned if len(rows) == 1024 else 0)
    for name in ("_step", "_doubt"):
        assert getattr(found, name) == getattr(wanted, name)
    for name in ("_left", "_right", "_scale", "believed", "_x", "_below", "_up_to"):
        a, b = np.asarray(getattr(found, name)), np.asarray(getattr(wanted, name))
        assert a.shape == b.shape, name
        scale = max(wanted._scale, 1e-3 * float(np.abs(b).max())) if name == "_x" else 1e-3
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8 * scale, err_msg=name)


@settings(deadline=None, max_examples=60)
@given(head=heads())
def test_every_distribution_is_proper(head: tuple[HeadState, np.ndarray]) -> None:
    state, rows = head
    found = compiled(state, rows, 1024)
    if not np.isfinite(found._left + found._right):  # nothing is known
        return
    scale = max(found._scale, 1e-12 * abs(state.predicted))
    places = found.quantile(LEVELS)
    assert np.isfinite(places).all()
    assert (np.diff(places) >= 0).all()
    assert (places >= state.low).all()
    assert (places <= state.high).all()
    cdf = found.cdf(places + 1e-12 * np.abs(places))  # where they are rounded down
    assert (cdf >= LEVELS - 1e-6).all()
    assert (cdf <= 1).all()
    assert math.isfinite(found.mean)
    assert places[0] - 1e15 * scale <= found.mean <= places[-1] + 1e15 * scale
    scores = [found.crps(float(x)) for x in (*places[[0, 500, 998]], 3.5 * scale)]
    assert all(0 <= score < math.inf for score in scores)
    points = np.array([0.0, 3.5 * scale, 1e149])
    assert np.isfinite(found.log_density(points)).all() or not found._doubt


@settings(deadline=None, max_examples=100)
@given(head=heads(), q=st.floats(1e-6, 1 - 1e-6), far=st.floats(-30, 30))
def test_one_number_is_answered_as_many_are(
    head: tuple[HeadState, np.ndarray], q: float, far: float
) -> None:
    found = compiled(*head, 1024)
    if not np.isfinite(found._left + found._right):
        return
    x = far * head[0].usual
    for one, many in (
        (found.quantile_at(q), found.quantile(np.array([q]))),
        (found.cdf_at(x), found.cdf(np.array([x]))),
        (found.log_density_at(x), found.log_density(np.array([x]))),
    ):
        assert one == pytest.approx(many[0], rel=1e-9, abs=1e-300)


# ---- what a prediction answers ----


def test_the_answers_of_a_prediction_agree() -> None:
    random = np.random.default_rng(0)
    model = learned(random.normal(size=600))
    prediction = model.predict()
    assert_proper(prediction, -8, 8)
    ends = (prediction.quantile(0.05), prediction.quantile(0.95))
    assert prediction.interval(0.9) == pytest.approx(ends)
    assert prediction.median() == prediction.quantile(0.5)
    sample = prediction.sample(100_000, seed=1)
    assert sample.mean() == pytest.approx(prediction.mean(), abs=0.02)
    wanted = prediction.quantile([0.1, 0.5, 0.9])
    np.testing.assert_allclose(np.quantile(sample, [0.1, 0.5, 0.9]), wanted, atol=0.05)
    np.testing.assert_array_equal(sample[:9], prediction.sample(9, seed=np.random.default_rng(1)))
    x = np.linspace(-400, 400, 1_000_001)
    assert np.exp(prediction.log_density(x)).sum() * (x[1] - x[0]) == pytest.approx(1, abs=0.01)
    assert prediction.crps(0.0) == pytest.approx(2 * 0.7979 / 2 - 0.5642, abs=0.05)
    assert isinstance(prediction.cdf(0.0), float)
    assert prediction.cdf(np.zeros((2, 3))).shape == (2, 3)


@pytest.mark.parametrize("wrong", [0.0, 1.0, -1, math.nan, "a", None, [0.5, 2]])
def test_a_quantile_of_something_else(wrong: Any) -> None:
    prediction = learned(range(40)).predict()
    with pytest.raises(ValueError, match="q must be"):
        prediction.quantile(wrong)


def test_what_is_asked_of_classes() -> None:
    model = small("y", task="classification")
    model.learn({"a": 1.0, "y": "b"})
    with pytest.raises(ValueError, match="asked of numbers"):
        model.predict({"a": 1.0}).quantile(0.5)


def test_several_heads_have_distributions_of_their_own() -> None:
    random = np.random.default_rng(1)
    model = small(["y", "z"], horizon=2)
    for n in range(400):
        model.learn({"y": float(random.normal()), "z": 100 + n + 10 * float(random.normal())})
    prediction = model.predict()
    assert abs(prediction.mean(target="y", ahead=2)) < 1
    assert prediction.quantile(0.05, target="z", ahead=2) > 400
    with pytest.raises(ValueError, match="target must be"):
        prediction.median()


# ---- streams of a kind ----


@pytest.mark.parametrize("horizon", [1, 3])
def test_a_constant_stays_one(horizon: int) -> None:
    model = small("y", horizon=horizon)
    for _ in range(20):
        model.learn({"y": 7.0})
    prediction = model.predict()
    assert prediction.interval(0.9, ahead=horizon) == (7.0, 7.0)
    assert (prediction.mean(), prediction.median()) == (7.0, 7.0)
    assert (prediction.cdf(6.9), prediction.cdf(7.0)) == (0.0, 1.0)
    assert (prediction.log_density(7.0), prediction.crps(7.0), prediction.crps(9.0)) == (0, 0, 2)
    assert set(prediction.sample(5)) == {7.0}


def test_before_the_first_error_nothing_is_known() -> None:
    for prediction in (small("y", horizon=1).predict(), learned([3.0]).predict()):
        assert prediction.interval() == (-math.inf, math.inf)
        assert (prediction.mean(), prediction.median()) == (prediction.value, prediction.value)


def test_after_a_few_events_intervals_are_finite_and_wide() -> None:
    random = np.random.default_rng(3)
    widths = []
    for n in (4, 10, 300):
        low, high = learned(random.normal(size=n)).predict().interval(0.98)
        assert math.isfinite(high - low)
        widths.append(high - low)
    assert widths[0] > widths[2]


@pytest.mark.parametrize("kind", ["noise", "walk", "constant"])
def test_far_heads_answer_from_nearer_ones_at_first(kind: str) -> None:
    random = np.random.default_rng(14)
    model, inside = small("y", horizon=24), []
    values = random.normal(size=60) if kind == "noise" else np.cumsum(random.normal(size=60))
    values = np.full(60, 7.0) if kind == "constant" else values
    for n in range(36):
        model.learn({"y": float(values[n])})
        if n >= 12:
            low, high = model.predict().interval(0.9, ahead=24)
            assert math.isfinite(high - low)
            inside.append(low <= values[n + 24] <= high)
    assert np.mean(inside) > 0.7


def test_the_mean_is_the_forecast_where_it_is_all_that_is_known() -> None:
    random = np.random.default_rng(15)
    few = learned(random.normal(size=30)).predict()
    assert few.mean() == few.value
    many = learned(random.exponential(size=1200)).predict()
    assert many.value < many.mean() == pytest.approx(1, abs=0.15)


def test_counts_are_whole_and_never_below_zero() -> None:
    random = np.random.default_rng(0)
    model, inside, lowest = small("y", horizon=6, period=24), [], []
    for n in range(1500):
        y = float(random.poisson(2 + 2 * math.sin(math.tau * n / 24)))
        prediction = model.predict()
        if n > 300:
            low, high = prediction.interval(0.9)
            assert low == round(low) >= 0
            inside.append(low <= y <= high)
            lowest.append(min(prediction.forecast))
        model.learn({"y": y})
    assert np.mean(inside) > 0.88
    assert min(lowest) >= 0
    prediction = model.predict()
    k = np.arange(60.0)
    assert np.exp(prediction.log_density(k)).sum() == pytest.approx(1, abs=0.02)
    assert prediction.log_density(2.5) < -5  # beside the lattice
    assert prediction.cdf(2.7) == prediction.cdf(2.0)
    assert prediction.sample(50).tolist() == np.round(prediction.sample(50)).tolist()
    # The mean goes from the forecast towards that of the distribution.
    ends = sorted((prediction.value, prediction.sample(50_000).mean()))
    assert ends[0] - 0.05 < prediction.mean() < ends[1] + 0.05


def test_mostly_zero_counts() -> None:
    random = np.random.default_rng(4)
    model, inside, shares = small("y", horizon=1), [], []
    for n in range(1500):
        y = float(random.poisson(5)) if random.random() < 0.2 else 0.0
        if n > 300:
            prediction = model.predict()
            low, high = prediction.interval(0.9)
            inside.append(low <= y <= high)
            shares.append(prediction.cdf(0.0))
        model.learn({"y": y})
    assert np.mean(inside) > 0.9
    assert np.mean(shares) == pytest.approx(0.8, abs=0.05)


def test_a_range_is_left_as_soon_as_the_data_leave_it() -> None:
    random = np.random.default_rng(5)
    model = learned(random.exponential(size=400))
    assert model.predict().quantile(0.001) >= 0
    for value in random.normal(-5, 1, size=40):
        model.learn({"y": float(value)})
    assert model.predict().value < -1
    assert model.predict().quantile(0.05) < -5


def test_a_declared_range() -> None:
    random = np.random.default_rng(6)
    model = learned(random.normal(size=300), bounds=(-0.5, None))
    prediction = model.predict()
    assert prediction.quantile(0.01) == -0.5
    assert prediction.cdf(-0.51) == 0
    model = learned(3 * random.normal(size=300), bounds=(None, 0))
    assert model.predict().quantile(0.99) == 0
    again = pickle.loads(pickle.dumps(model))
    assert again.predict().quantile(0.99) == 0


@pytest.mark.parametrize("wrong", [(1, 0), (0,), 5, "ab", (math.nan, 1), (None, -math.inf)])
def test_ranges_that_are_none(wrong: Any) -> None:
    with pytest.raises(ValueError, match="bounds must be"):
        Model("y", bounds=wrong)
    with pytest.raises(ValueError, match="bounds must be left out"):
        Model("y", task="classification", bounds=(0, 1))


@pytest.mark.parametrize("jump", [20, 500])
def test_rare_events_have_intervals_of_their_own(jump: float) -> None:
    """One event in 50 jumps, as a column tells."""
    random = np.random.default_rng(7)
    model, inside = small("y"), []
    for n in range(8000):
        x = float(random.random() < 0.02)
        y = jump * x + float(random.normal())
        if x and n > 4000:
            low, high = model.predict({"x": x}).interval(0.9)
            inside.append(low <= y <= high)
        model.learn({"x": x, "y": y})
    assert len(inside) > 50
    assert np.mean(inside) > 0.8


@pytest.mark.parametrize("size", [1e150, 1e-150])
def test_absurd_values(size: float) -> None:
    random = np.random.default_rng(8)
    model = learned([*random.normal(size=50), size, -size, *random.normal(size=60)])
    prediction = model.predict()
    assert np.isfinite(prediction.quantile(LEVELS)).all()
    assert math.isfinite(prediction.mean())
    assert -20 < prediction.median() < 20


def test_missing_targets() -> None:
    random = np.random.default_rng(9)
    values = [None if random.random() < 0.3 else float(random.normal()) for _ in range(300)]
    low, high = learned(values).predict().interval(0.8)
    assert -3 < low < high < 3


# ---- what does not change it ----


def test_copies_and_saved_models_answer_the_same(tmp_path: Path) -> None:
    random = np.random.default_rng(10)
    model = learned(random.normal(size=200), bounds=(-2, None))
    model.save(tmp_path / "model.safetensors")
    saved = lethe.load(tmp_path / "model.safetensors")
    wanted = model.predict().quantile(LEVELS)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), saved):
        assert np.array_equal(other.predict().quantile(LEVELS), wanted)
        other.learn({"y": 0.5})
    assert np.array_equal(model.predict().quantile(LEVELS), wanted)


def test_an_answer_stays_while_the_model_goes_on() -> None:
    random = np.random.default_rng(11)
    model = learned(random.normal(size=200))
    before, twin = model.predict(), copy.deepcopy(model).predict()
    for value in random.normal(5, 9, size=300):
        model.learn({"y": float(value)})
    assert np.array_equal(before.quantile(LEVELS), twin.quantile(LEVELS))
    first = before.interval(0.9)
    for value in random.normal(5, 9, size=2000):
        model.learn({"y": float(value)})
    assert before.interval(0.9) == first  # what was asked for once stays
