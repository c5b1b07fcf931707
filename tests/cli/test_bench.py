"""lethe bench runs, and its peers do the work that they are said to do."""

import json

import numpy as np
import pytest

import lethe
from lethe.cli import bench, main
from lethe.cli._support import bench_peers


def test_quick_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_installed", lambda peer: None)
    monkeypatch.setattr(bench, "one_thread", lambda: None)
    assert main(["bench", "--quick", "--rounds", "1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["peers"] == {"torch": None, "jax": None}
    assert record["machine"]
    assert record["instruction_set"] in ("avx512", "avx2", "baseline")
    names = [row["contestant"] for row in record["rows"]]
    assert names[0] == "Lethe, run"
    assert "Lethe, 32 cells" in names
    assert all(row["microseconds_per_step"] > 0 for row in record["rows"])


def test_says_what_is_not_installed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_installed", lambda peer: None)
    monkeypatch.setattr(bench, "one_thread", lambda: None)
    monkeypatch.setattr(bench, "_tables", lambda quick: iter(()))
    assert main(["bench"]) == 0
    assert "not installed: torch, jax" in capsys.readouterr().out


def test_rounds_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--rounds", "0"]) == 2
    assert "--rounds must be at least 1, got 0" in capsys.readouterr().err


def test_contestants_alternate() -> None:
    turns = []
    entries = [bench.Entry(name, lambda steps, name=name: turns.append(name), 1) for name in "ab"]
    times = bench.measure(entries, 3)
    assert turns == list("ab" * 4)
    assert [len(rounds) for rounds in times.values()] == [3, 3]


def test_jax_peer_runs_the_same_algorithm() -> None:
    pytest.importorskip("jax")
    random = np.random.default_rng(0)
    stream = bench_peers.Stream(
        random.standard_normal((50, 3)).astype(np.float32),
        random.random((50, 2)).astype(np.float32),
    )
    topology = lethe.Topology(inputs=3, outputs=2, blocks=3, cells_per_block=2)
    net = lethe.Network(topology, update=lethe.SGD(0.5), seed=0)
    ours = net.clone().run(stream.inputs, stream.targets)["output"]
    for make in (bench_peers.jax_scan, bench_peers.jax_steps):
        last = np.asarray(make(stream, net)(50))
        np.testing.assert_allclose(last, ours if last.ndim == 2 else ours[-1], rtol=1e-3)
