"""Anomaly scores: what a threshold promises, what is found, and what nothing may disturb."""

import copy
import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lethe.model.anomaly import KEPT, RUN, AnomalyScorer, Oddness, _Sample
from lethe.storage.state import pack, unpack

NONE = np.zeros(1)


def scored(values: np.ndarray, scorer: AnomalyScorer | None = None) -> np.ndarray:
    """Scores of a stream of errors, one target."""
    scorer = scorer or AnomalyScorer(1)
    return np.array([scorer.update([value], NONE).score for value in values.tolist()])


def autoregressive(generator: np.random.Generator, n: int) -> np.ndarray:
    noise, out = generator.normal(size=n), np.zeros(n)
    for i in range(1, n):
        out[i] = 0.9 * out[i - 1] + noise[i]
    return out


STREAMS = {
    "normal": lambda g, n: g.normal(size=n),
    "normal, of any unit": lambda g, n: 1e-30 * g.normal(size=n),
    "heavy tails": lambda g, n: g.standard_t(2, size=n),
    "bounded": lambda g, n: g.uniform(-1, 1, size=n),
    "whole numbers": lambda g, n: g.poisson(2.0, size=n).astype(float),
    "autocorrelated": autoregressive,
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_threshold_is_a_rate_of_false_alarms(name: str) -> None:
    scores = np.array([scored(STREAMS[name](np.random.default_rng(s), 8000)) for s in range(4)])
    assert scores.min() >= 0
    assert scores.max() < 1
    for rate in (0.1, 0.01):
        alarms = np.mean(scores >= 1 - rate)
        assert alarms < 1.6 * rate
        if name != "whole numbers":  # where many are equal, fewer alarms than allowed
            assert alarms > 0.4 * rate


def test_one_large_error_is_odd_at_once_and_only_then() -> None:
    errors = np.random.default_rng(0).normal(size=5000)
    errors[4000] = 40.0
    scores = scored(errors)
    assert scores[4000] > 0.9999
    assert np.median(scores[4001:4200]) < 0.99


def test_larger_is_odder_beyond_all_that_came() -> None:
    scorer = AnomalyScorer(1)
    scored(np.random.default_rng(0).normal(size=5000), scorer)
    found = [scorer.score([error], NONE).score for error in (3.0, 4.0, 5.0, 6.0)]
    assert sorted(set(found)) == found


@pytest.mark.parametrize(("times", "odd"), [(1.0, False), (2.0, True), (0.2, True), (0.0, True)])
def test_a_run_is_odd_where_no_event_is(times: float, odd: bool) -> None:
    errors = np.random.default_rng(0).normal(size=6000)
    errors[5000 : 5000 + 2 * RUN] *= times  # noisier; quieter; stuck
    assert (scored(errors)[5000 + RUN : 5000 + 2 * RUN].max() > 0.995) == odd


def test_ever_smaller_errors_are_not_odd_once_they_are_negligible() -> None:
    n = 4000
    errors = np.where(np.arange(n) % 20 == 0, 1.0, 10.0 ** -(3 + 9 * np.arange(n) / n))
    assert np.mean(scored(errors)[1000:] >= 0.99) < 0.01


def test_a_lasting_change_becomes_usual() -> None:
    errors = np.random.default_rng(0).normal(size=12_000)
    errors[6000:] += 1e6
    scores = scored(errors)
    assert scores[6000] > 0.99
    assert np.mean(scores[9000:] >= 0.99) < 0.02


@pytest.mark.parametrize("value", [0.0, 45.0, -1e-300, 1e308])
def test_constant_series_is_not_odd(value: float) -> None:
    scorer = AnomalyScorer(1)
    rounded = math.nextafter(value, 0.0)
    found = [scorer.update([value], [(value, rounded)[i % 3 == 2]]) for i in range(500)]
    assert {one.score for one in found} == {0.0}
    assert scorer.score([value + 1 + abs(value) / 2], [value]).score > 0.9


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=200))
def test_any_numbers_give_a_score(values: list[float]) -> None:
    scorer = AnomalyScorer(1)
    for value in [*values, 1e308, -1e308, *values]:
        one = scorer.update([value], [-value / 2])
        if value == value:
            assert 0 <= one.score < 1
        else:
            assert math.isnan(one.score)
    assert all(np.isfinite(array).all() for array in scorer.state().values())


def test_absurd_values_are_forgotten() -> None:
    errors = np.random.default_rng(0).normal(size=6000)
    errors[1000:1010] = 1e308
    scores = scored(errors)
    assert scores[1000] > 0.99
    assert np.mean(scores[2000:] >= 0.99) < 0.02
    errors[5000 : 5000 + 2 * RUN] *= 3
    assert scored(errors)[5000 : 5000 + 2 * RUN].max() > 0.99


def test_nothing_is_said_of_what_is_missing() -> None:
    scorer = AnomalyScorer(2)
    for value in np.random.default_rng(0).normal(size=(300, 2)):
        scorer.update(value, np.zeros(2))
    before = scorer.state()
    nothing = scorer.update([math.nan, math.nan], [0.0, 0.0])
    assert math.isnan(nothing.score)
    assert nothing.target == 0
    assert all(math.isnan(score) for score in nothing.scores)
    same(before, scorer.state())
    half = scorer.update([math.nan, 30.0], [0.0, 0.0])
    assert half.target == 1
    assert half.score == half.scores[1] > 0.9
    after = scorer.state()
    for name in before:
        np.testing.assert_array_equal(before[name][0], after[name][0])
    assert math.isnan(scorer.score([1.0, 1.0], [math.nan, 1.0]).scores[0])


def test_the_oddest_of_many_targets() -> None:
    scorer = AnomalyScorer(5)
    generator = np.random.default_rng(0)
    scores = [scorer.update(row, np.zeros(5)).score for row in generator.normal(size=(4000, 5))]
    assert np.mean(np.array(scores) >= 0.95) < 0.08  # of all targets together
    one = scorer.score([0.1, 0.2, -90.0, 0.0, 0.3], [0.0] * 5)
    assert one.target == 2
    assert one.scores[2] > one.score > 0.999


def test_targets_do_not_disturb_each_other() -> None:
    rows = np.random.default_rng(0).normal(size=(500, 3))
    scorer = AnomalyScorer(3)
    together = np.array([scorer.update(row, np.zeros(3)).scores for row in rows])
    for target in range(3):
        np.testing.assert_array_equal(together[:, target], scored(rows[:, target]))


def test_score_changes_nothing_and_is_that_of_update() -> None:
    scorer = AnomalyScorer(1)
    for value in np.random.default_rng(0).standard_t(2, size=1500).tolist():
        before = scorer.state()
        looked = scorer.score([value], [0.5])
        same(before, scorer.state())
        assert looked == scorer.update([value], [0.5])


@pytest.mark.parametrize("at", [0, 1, RUN, 500, 3000])
def test_goes_on_with_the_same_bits(at: int) -> None:
    errors = np.random.default_rng(0).normal(size=4000)
    whole = scored(errors)
    scorer = AnomalyScorer(1)
    scored(errors[:at], scorer)
    restored = AnomalyScorer(3)
    restored.restore(scorer.state())
    arrays: dict[str, np.ndarray] = {}
    packed = json.loads(json.dumps(pack(scorer, "scorer", arrays)))
    for twin in (copy.deepcopy(scorer), restored, unpack(packed, arrays)):
        np.testing.assert_array_equal(scored(errors[at:], twin), whole[at:])
    np.testing.assert_array_equal(scored(errors[at:], scorer), whole[at:])


def test_memory_is_constant() -> None:
    scorer = AnomalyScorer(1)
    scored(np.random.default_rng(0).normal(size=3000), scorer)
    assert {name: array.shape for name, array in scorer.state().items()} == {
        "errors": (1, KEPT),
        "means": (1, KEPT),
        "counts": (1, 2),
        "mean": (1,),
    }
    assert len(scorer._errors[0].values) == KEPT


def test_a_sample_is_even() -> None:
    sample = _Sample()
    for i in range(10_000):
        sample.add(float(i))
    assert list(sample.values) == sorted(sample.values)
    shares = np.histogram(sample.values, 10, (0, 10_000))[0]
    np.testing.assert_allclose(shares, KEPT / 10, atol=30)
    for i in range(10_000, 100_000):
        sample.add(float(i))
    assert len(sample.values) == KEPT
    ages = 100_000 - np.array(sample.values)
    assert np.mean(ages) == pytest.approx(16_000, rel=0.15)


def test_bad_arguments_are_named() -> None:
    scorer = AnomalyScorer(2)
    with pytest.raises(ValueError, match="a number for each of the 2 targets, got 1 and 2"):
        scorer.update([1.0], [1.0, 2.0])
    state = scorer.state()
    with pytest.raises(ValueError, match="state must have an array 'mean'"):
        scorer.restore({name: state[name] for name in ("errors", "means", "counts")})
    with pytest.raises(ValueError, match=r"state\['errors'\] must have shape \(2, 1000\), got"):
        scorer.restore({**state, "errors": np.zeros(3)})
    mixed = {"errors": state["errors"] + np.arange(KEPT, 0, -1), "counts": np.full((2, 2), 9)}
    with pytest.raises(ValueError, match="in order of size"):
        scorer.restore({**state, **mixed})


def same(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> None:
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(array, after[name])


# ---- the benchmark's own arithmetic ----


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "anomalies.py"
    spec = importlib.util.spec_from_file_location("anomalies", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["anomalies"] = module  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


def test_roc_area(benchmark: ModuleType) -> None:
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 8, 60).astype(float)  # with ties
    labels = generator.random(60) < 0.3
    pairs = scores[labels][:, np.newaxis] - scores[~labels]
    expected = np.mean((pairs > 0) + 0.5 * (pairs == 0))
    assert benchmark.roc_area(scores, labels) == pytest.approx(expected, abs=1e-12)
    assert benchmark.roc_area(labels, labels) == 1.0
    assert benchmark.roc_area(np.zeros(60), labels) == 0.5
    assert math.isnan(benchmark.roc_area(scores, np.zeros(60)))


def test_windowed_gaussian(benchmark: ModuleType) -> None:
    values = np.array([1.0, 3.0, 1.0, 3.0, 4.0])
    scores = benchmark.windowed_gaussian(2)([], values)
    assert scores[4] == pytest.approx(math.erf(2 / math.sqrt(2)))
    assert scores[0] == 0


def test_benchmark_reads_a_folder(
    benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "a").mkdir()
    for name in ("clean", "odd"):
        rows = [f"2020-01-01 00:{m:02}:00,{m % 7}" for m in range(40)]
        text = "\n".join(["timestamp,value", *rows, ""])
        (tmp_path / "a" / f"{name}.csv").write_text(text, encoding="utf-8")
    window = ["2020-01-01 00:10:00.000000", "2020-01-01 00:13:00.000000"]
    windows = {"a/clean.csv": [], "a/odd.csv": [window]}
    (tmp_path / "windows.json").write_text(json.dumps(windows), encoding="utf-8")
    clean, odd = benchmark.read(tmp_path)
    assert not clean.labels.any()
    assert np.flatnonzero(odd.labels).tolist() == [10, 11, 12, 13]
    monkeypatch.setattr(benchmark, "model_scores", lambda times, values: values / 7)
    monkeypatch.setattr(sys, "argv", ["anomalies.py", str(tmp_path), "--json", str(tmp_path / "j")])
    assert benchmark.main() == 0
    assert "| odd | 40 |" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "j").read_text(encoding="utf-8"))["series"]) == 2
    monkeypatch.setattr(sys, "argv", ["anomalies.py", str(tmp_path / "a")])
    assert benchmark.main() == 2
    assert "github.com/numenta/NAB" in capsys.readouterr().err


def test_oddness_is_a_plain_tuple() -> None:
    score, target, scores = Oddness(0.5, 0, (0.5,))
    assert (score, target, scores) == (0.5, 0, (0.5,))
