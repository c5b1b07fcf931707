"""The arithmetic of the benchmark of anomaly scores."""

import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


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
