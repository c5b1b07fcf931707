"""The arithmetic of the anomaly benchmarks, and that they read the folders they ask for."""

from __future__ import annotations

import doctest
import importlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "anomalies"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        sys.path.remove(str(FOLDER))
        for name in NAMES:
            sys.modules.pop(name, None)


@pytest.mark.parametrize("name", NAMES)
def test_examples(modules: dict[str, ModuleType], name: str) -> None:
    assert doctest.testmod(modules[name], optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0


def test_roc_area(modules: dict[str, ModuleType]) -> None:
    roc_area = modules["measures"].roc_area
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 8, 60).astype(float)  # with ties
    labels = generator.random(60) < 0.3
    pairs = scores[labels][:, np.newaxis] - scores[~labels]
    expected = np.mean((pairs > 0) + 0.5 * (pairs == 0))
    assert roc_area(scores, labels) == pytest.approx(expected, abs=1e-12)
    assert roc_area(labels, labels) == 1.0
    assert roc_area(np.zeros(60), labels) == 0.5
    assert math.isnan(roc_area(scores, np.zeros(60)))


def test_pr_area_is_average_precision(modules: dict[str, ModuleType]) -> None:
    from sklearn.metrics import auc, average_precision_score, precision_recall_curve

    pr_area = modules["measures"].pr_area
    generator = np.random.default_rng(1)
    scores = generator.integers(0, 30, 200).astype(float)
    labels = generator.random(200) < 0.2
    expected = average_precision_score(labels, scores)
    assert pr_area(scores, labels) == pytest.approx(expected, abs=1e-12)
    precision, recall, _ = precision_recall_curve(labels, scores)
    joined = auc(recall, precision)
    assert pr_area(scores, labels, trapezoids=True) == pytest.approx(joined, abs=1e-12)
    assert math.isnan(pr_area(scores, np.zeros(200)))


def slow_range_pr_area(scores: Any, labels: Any, buffer: int) -> float:
    """The definition, threshold by threshold; anomalies are more than a buffer apart."""
    places = np.flatnonzero(labels)
    ranges = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    weights = labels.astype(float)
    for i in np.flatnonzero(~labels):
        away = min(abs(i - place) for place in places)
        if away <= buffer / 2:
            weights[i] = math.sqrt(1 - away / buffer)
    area, last_precision, last_recall = 0.0, 1.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        there = scores >= threshold
        side = buffer // 2
        near = [there[max(0, one[0] - side) : one[-1] + side + 1] for one in ranges]
        found = sum(part.any() for part in near)
        hits = weights[there].sum()
        wanted = (labels.sum() + weights.sum()) / 2
        recall, precision = min(hits / wanted, 1) * found / len(ranges), hits / there.sum()
        area += (recall - last_recall) * (precision + last_precision) / 2
        last_precision, last_recall = precision, recall
    return area


def test_vus_pr_is_the_mean_of_areas_by_definition(modules: dict[str, ModuleType]) -> None:
    measures = modules["measures"]
    generator = np.random.default_rng(2)
    labels = np.zeros(120, bool)
    labels[[0, 1, 40, 41, 42, 43, 80, 119]] = True  # two at the ends
    scores = generator.integers(0, 40, 120) / 40
    areas = [slow_range_pr_area(scores, labels, buffer) for buffer in range(11)]
    found = [measures.range_pr_area(scores, labels, buffer) for buffer in range(11)]
    assert found == pytest.approx(areas, abs=1e-12)
    assert measures.vus_pr(scores, labels, 10) == pytest.approx(np.mean(areas), abs=1e-12)
    assert measures.vus_pr(labels.astype(float), labels, 0) == 1.0
    assert math.isnan(measures.vus_pr(scores, np.zeros(120), 3))


def detections(rows: int, *places: int) -> Any:
    scores = np.zeros(rows)
    scores[list(places)] = 1
    return scores


@pytest.mark.parametrize(
    ("places", "sum_"),
    [
        ((), -2),  # both windows are missed
        ((10,), -2),  # the first 15 rows do not count
        ((40,), 1 - 1),
        ((45,), 0.848284 / 0.986614 - 1),  # halfway
        ((49,), 0.244919 / 0.986614 - 1),  # a tenth of the window is left
        ((45, 40, 49), 1 - 1),  # the earliest counts, the others do not
        ((40, 60), 1 + 1),
        ((20,), -2 - 0.11),
        ((52,), -2 - 0.11 * 0.682346),  # a third of nine rows past the first window
        ((99,), -2 - 0.11),  # 30 of nine rows past the second
        ((89,), -2 - 0.11 * 0.9999999),  # 20 of nine: the sigmoid of 100 / 9 is nearly 1
        ((78, 40), 1 - 1 - 0.11 * 0.986614),  # as far past the window as it is wide
    ],
)
def test_nab_by_hand(modules: dict[str, ModuleType], places: tuple[int, ...], sum_: float) -> None:
    nab = modules["nab"]
    file = nab.File(detections(100, *places), [(40, 49), (60, 69)])
    assert nab.file_score(file, 0.5, nab.PROFILES["standard"]) == pytest.approx(sum_, abs=4e-5)


def test_nab_s_profiles(modules: dict[str, ModuleType]) -> None:
    nab = modules["nab"]
    file = nab.File(detections(100, 20, 40), [(40, 49), (60, 69)])
    sums = {name: nab.file_score(file, 0.5, costs) for name, costs in nab.PROFILES.items()}
    low = {"standard": -0.11, "reward_low_FP_rate": -0.22, "reward_low_FN_rate": -1.11}
    assert sums == pytest.approx(low)
    none = nab.File(np.zeros(100), [(40, 49)])
    assert [nab.corpus_score([none], costs).score for costs in nab.PROFILES.values()] == [0, 0, 0]
    late = nab.File(detections(100, 15), [(10, 19)])  # of which five rows count
    assert nab.file_score(late, 0.5, nab.PROFILES["standard"]) == pytest.approx(
        0.848284 / 0.986614, abs=1e-5
    )
    assert math.isnan(nab.corpus_score([nab.File(np.zeros(9), [])], nab.PROFILES["standard"]).score)


def slow_sum(nab: ModuleType, files: Any, threshold: float, profile: Any) -> float:
    """The description, row by row."""
    total = 0.0
    for file in files:
        start, inside = math.floor(0.15 * min(len(file.scores), 5000)), set()
        for first, last in file.windows:
            rows = range(first, last + 1)
            inside.update(rows)
            hits = [i for i in rows if i >= start and file.scores[i] >= threshold]
            part = 2 / (1 + math.exp(-5 * (last - hits[0] + 1) / len(rows))) - 1 if hits else 0
            total += profile.found * part / math.tanh(2.5) if hits else -profile.missed
        for i in range(start, len(file.scores)):
            if i in inside or file.scores[i] < threshold:
                continue
            past = [(i - last) / (last - first) for first, last in file.windows if last < i]
            away = min(past, default=3)
            total -= profile.false * (math.tanh(2.5 * away) if away < 3 else 1)
    return total


@pytest.mark.parametrize("profile", ["standard", "reward_low_FP_rate", "reward_low_FN_rate"])
def test_nab_s_threshold_is_the_best(modules: dict[str, ModuleType], profile: str) -> None:
    nab = modules["nab"]
    costs, generator = nab.PROFILES[profile], np.random.default_rng(3)
    files = []
    for windows in ([(60, 90), (150, 180)], [(100, 130)], []):
        scores = generator.integers(0, 200, 200) / 400
        for first, _ in windows:
            scores[first + 3 : first + 6] += 0.4
        files.append(nab.File(scores, windows))
    thresholds = [*{score for file in files for score in file.scores.tolist()}, math.inf]
    sums = [slow_sum(nab, files, threshold, costs) for threshold in thresholds]
    result = nab.corpus_score(files, costs)
    assert result.total == pytest.approx(max(sums), abs=1e-9)
    assert slow_sum(nab, files, result.threshold, costs) == pytest.approx(max(sums), abs=1e-9)
    perfect = 3 * (costs.found + costs.missed)
    assert result.score == pytest.approx(100 * (max(sums) + 3 * costs.missed) / perfect)
    there = [file.scores[30:] >= result.threshold for file in files]
    assert (result.windows, result.found) == (3, 3)
    for file, hit in zip(files, there, strict=True):
        for first, last in file.windows:
            hit[first - 30 : last - 29] = False
    assert result.false == sum(int(hit.sum()) for hit in there)
    assert json.dumps(result.record())


def test_published_scores_are_those_of_the_scoreboard(modules: dict[str, ModuleType]) -> None:
    published = modules["nab_published"]
    assert len(published.STANDARD_SCORES) == 58
    total = sum(published.STANDARD_SCORES.values())
    assert round(100 * (total + 116) / 232, 2) == 39.65
    assert published.SCOREBOARD["Windowed Gaussian"][0] == 39.6


def test_windowed_gaussian(modules: dict[str, ModuleType]) -> None:
    common, peers = modules["common"], modules["peers"]
    values = np.array([[1.0, 0], [3, 0], [1, 0], [3, 0], [np.nan, 0], [4, 0]])
    scores = peers.windowed_gaussian(2)(common.Stream("made", values)).scores
    assert scores[5] == pytest.approx(math.erf(2 / math.sqrt(2)))
    assert scores[0] == scores[4] == 0
    stream = common.Stream("made", np.random.default_rng(4).normal(size=(7000, 1)))
    found = peers.gaussian_of_nab()(stream).scores
    past = stream.values[500 - 100 : 6900 - 100, 0]  # 6,400, and 100 new ones at a time
    away = abs(stream.values[6850, 0] - past.mean()) / past.std()
    assert found[6850] == pytest.approx(1 - 0.5 * math.erfc(away / math.sqrt(2)), abs=1e-12)


def test_river_s_detector(modules: dict[str, ModuleType]) -> None:
    pytest.importorskip("river")
    values = np.zeros((400, 2))
    values[:, 0] = np.arange(400) % 7
    values[390] = 50, 5
    values[300] = np.nan
    stream = modules["common"].Stream("made", values)
    detector = dict(modules["peers"].installed())["River's HalfSpaceTrees"]
    scores = detector(stream).scores
    assert scores[300] == 0
    assert scores[390] > scores[301:390].min() > 0


def test_alarms_are_read_where_there_are_any(modules: dict[str, ModuleType]) -> None:
    begun = modules["detectors"].begun
    assert begun(SimpleNamespace(alarm=None)) == 0
    for state, score in (("begin", 0.75), ("going on", 0), ("end", 0)):
        assert begun(SimpleNamespace(alarm=SimpleNamespace(state=state, score=0.75))) == score


def test_lethe_s_scores(modules: dict[str, ModuleType]) -> None:
    common, model_scores = modules["common"], modules["detectors"].model_scores
    values = np.random.default_rng(5).normal(size=(300, 2))
    values[200:] += [[0, 40]]
    for columns in (values[:, 1:], values):
        found = model_scores(common.Stream("made", columns))
        assert found.scores.shape == (300,)
        assert not np.isnan(found.scores).any()
        assert found.scores[200] >= 0.9
        assert found.alarms is None or found.alarms.shape == (300,)


def of_values(modules: dict[str, ModuleType]) -> Any:
    """A detector whose scores are the values, with an alarm where they are the highest."""

    def detector(stream: Any) -> Any:
        scores = stream.values[:, 0] / stream.values[:, 0].max()
        return modules["common"].Scored(scores, (scores == 1).astype(float))

    return detector


@pytest.fixture
def run(
    modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Any:  # fmt: skip
    """The program, with a detector that costs nothing; returns the status and the record."""
    monkeypatch.setattr(modules["run"], "model_scores", of_values(modules))
    monkeypatch.delenv("LETHE_NAB", raising=False)

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        kept = tmp_path / "record.json"
        monkeypatch.setattr(sys, "argv", ["run.py", *arguments, "--json", str(kept)])
        status = modules["run"].main()
        return status, json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}

    return run


@pytest.mark.parametrize("whole", [False, True])
def test_it_reads_nab(
    modules: dict[str, ModuleType], run: Any, tmp_path: Path, whole: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    data = tmp_path / "data" if whole else tmp_path
    (data / "a").mkdir(parents=True)
    for name in ("clean", "odd"):
        rows = [f"2020-01-01 00:{m:02}:00,{1 + m % 7}" for m in range(40)]
        text = "\n".join(["timestamp,value", *rows, ""])
        (data / "a" / f"{name}.csv").write_text(text, encoding="utf-8")
    window = ["2020-01-01 00:10:00.000000", "2020-01-01 00:13:00.000000"]
    windows = tmp_path / "labels" / "combined_windows.json" if whole else tmp_path / "windows.json"
    windows.parent.mkdir(exist_ok=True)
    text = json.dumps({"a/clean.csv": [], "a/odd.csv": [window]})
    windows.write_text(text, encoding="utf-8")
    clean, odd = modules["nab_series"].read(tmp_path)
    assert not clean.labels.any()
    assert np.flatnonzero(odd.labels).tolist() == [10, 11, 12, 13]
    status, record = run("--nab", str(tmp_path))
    assert status == 0
    out = capsys.readouterr().out
    assert "| odd | 40 |" in out
    assert "alarms per 1,000 events, that begin" in out
    assert set(record["nab"]["Lethe, alarms"]) == set(modules["nab"].PROFILES)
    assert len(record["series"]) == 2
    assert "roc_area" in record["series"][1]["Lethe"]
    assert set(record["series"][0]["Lethe"]["alarms_per_1000"]) == {"0.95", "0.99", "0.999"}


def test_it_reads_the_ucr_archive(run: Any, tmp_path: Path) -> None:
    values = np.ones(3000)
    values[[10, 2000]] = 9, 5  # the first is in the training part
    names = ["1_UCR_Anomaly_near_500_2102_2110", "2_UCR_Anomaly_far_500_2103_2110"]
    for name, between in zip(names, ("\n", " "), strict=True):
        text = between.join(map(str, values))
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    status, record = run("--ucr", str(tmp_path))
    assert status == 0
    assert record["ucr"]["hits"]["Lethe"] == {names[0]: False, names[1]: False}
    values[2001] = 6
    (tmp_path / f"{names[0]}.txt").write_text("\n".join(map(str, values)), encoding="utf-8")
    assert run("--ucr", str(tmp_path))[1]["ucr"]["hits"]["Lethe"][names[0]]


def test_it_reads_streams_with_labels(run: Any, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [(m, 1 + m % 7, 0, int(m % 7 == 6)) for m in range(70)]
    lines = [",".join(map(str, row)) for row in rows]
    text = "\n".join(["timestamp,value-0,value-1,is_anomaly", *lines, ""])
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    columns = dict(zip("tabl", map(list, zip(*rows, strict=True)), strict=True))
    parquet.write_table(pyarrow.table(columns), tmp_path / "b.parquet")
    status, record = run("--touchstone", str(tmp_path))
    assert status == 0
    for name in "ab":
        assert record["touchstone"][name]["Lethe"] == {"roc_area": 1.0, "pr_area": 1.0}


@pytest.mark.parametrize("option", ["--nab", "--ucr", "--touchstone"])
def test_a_folder_without_data_says_what_is_wanted(
    run: Any, tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(option, str(tmp_path))[0] == 2
    assert "expected a" in capsys.readouterr().err.replace("the folder", "a folder")
    assert run()[0] == 2
