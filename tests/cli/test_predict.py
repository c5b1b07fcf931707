"""lethe predict: a model that stays as it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.tables import complaint, figures, lines, write_csv

import lethe
from lethe.cli import main
from lethe.data import RecordStream

SMALL = ["--cells", "4"]


@pytest.fixture
def state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.chdir(tmp_path)
    words = ["learn", "sine", "--target", "value", "--horizon", "2", "--limit", "600", *SMALL]
    assert main([*words, "--checkpoint", "state"]) == 0
    capsys.readouterr()
    return tmp_path / "state"


def test_it_follows_and_learns_nothing(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in state.iterdir()}
    write_csv(Path("new.csv"), 200)
    record = figures(["predict", "state", "new.csv", "--out", "out"], capsys)
    assert record["events"] == 200
    assert [score["ahead"] for score in record["scores"]] == [1, 2]
    assert {path: path.read_bytes() for path in state.iterdir()} == before
    model = lethe.load(state / "000000000600.safetensors")
    written = lines(Path("out"))
    for record_, line in zip(RecordStream(Path("new.csv")), written, strict=True):
        report = model.follow(record_.event)
        assert report.prediction is not None
        assert line["line"] == record_.number
        assert line["forecast"] == list(report.prediction.forecast)
        assert line["anomaly"] == report.anomaly
    again = figures(
        ["predict", state / "000000000600.safetensors", "new.csv", "--out", "b"], capsys
    )
    assert again["scores"] == record["scores"]
    assert Path("out").read_bytes() == Path("b").read_bytes()


def test_events_on_standard_output(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["predict", "state", "sine", "--skip", "600", "--limit", "20", "--format", "csv"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith("line,prediction,low,high,ahead_2,actual")
    assert [line.split(",")[0] for line in out.splitlines()[1:]] == list(map(str, range(601, 621)))
    assert "20 events of sine, nothing learned" in err
    assert "last value" in err


def test_without_the_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pairs = np.random.default_rng(0).integers(0, 9, (600, 2)).tolist()
    rows = [f"{a},{b},{2 * a + b}" for a, b in pairs]
    Path("all.csv").write_text("a,b,y\n" + "\n".join(rows))
    Path("some.csv").write_text("a,b\n" + "\n".join(row.rpartition(",")[0] for row in rows[:30]))
    words = ["learn", "all.csv", "--target", "y", *SMALL, "--checkpoint", "state"]
    assert main(words) == 0
    assert main(["predict", "state", "some.csv", "--out", "out"]) == 0
    assert "nothing to compare yet" in capsys.readouterr().out
    found = lines(Path("out"))
    assert {line["actual"] for line in found} == {None}
    errors = [line["prediction"] - 2 * a - b for (a, b), line in zip(pairs, found, strict=False)]
    assert np.abs(errors).mean() < 0.7


def test_classes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["learn", "machine", "--target", "state", "--classify", "--limit", "600", *SMALL]
    assert main([*words, "--checkpoint", str(tmp_path / "state")]) == 0
    capsys.readouterr()
    words = ["predict", tmp_path / "state", "machine", "--limit", "300", "--out", tmp_path / "out"]
    (score,) = figures(words, capsys)["scores"]
    assert score["accuracy"]["model"] > 0.9


def test_texts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("a.txt", b"to forget " * 300), ("b.txt", b"quixotic wizard" * 10)):
        Path(name).write_bytes(text)
    words = ["learn", "a.txt", "--layers", "1", "--cells", "8", "--checkpoint", "state"]
    assert main(words) == 0
    capsys.readouterr()
    known = figures(["predict", "state", "a.txt", "--limit", "500"], capsys)
    unknown = figures(["predict", "state", "b.txt"], capsys)
    assert known["symbols"] == 500
    assert known["bits_per_symbol"] < 0.5 < 4 < unknown["bits_per_symbol"]
    assert main(["predict", "state", "b.txt"]) == 0
    assert "nothing learned" in capsys.readouterr().out
    assert "--out is for records" in complaint(["predict", "state", "b.txt", "--out", "o"], capsys)
    Path("empty").touch()
    assert "must hold at least one byte" in complaint(["predict", "state", "empty"], capsys)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["none", "sine"], "the checkpoint none cannot be read: No such file or directory"),
        ([".", "sine"], "MODEL must be a checkpoint or a folder of them, got none in ."),
        (["state", "missing.csv"], "source must be readable, got missing.csv"),
        (["state", "machine"], "machine row 1: column 'state' must be one of"),
        (["state", "bad.csv"], "bad.csv line 3: a row must have 2 cells"),
        (["state", "text.csv"], "text.csv line 3: column 'value' must be a number, got 'high'"),
        (["state", "sine", "--limit", "0"], "--limit must be at least 1"),
        (["state", "sine", "--follow"], "follow must be False for the series 'sine'"),
    ],
)
def test_wrong_input(
    words: Sequence[str], named: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.csv").write_text("time,value\n2024-02-01 00:00:00,1\n1\n")
    Path("text.csv").write_text("time,value\n2024-02-01 00:00:00,1\n2024-02-01 00:05:00,high\n")
    err = complaint(["predict", *words, "--out", "out"], capsys)
    assert named in err
    assert not Path("out").exists()


def test_models_of_symbols_and_of_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lethe.Model("value", horizon=1).save(tmp_path / "new")
    assert "must have learned from an event" in complaint(
        ["predict", tmp_path / "new", "sine"], capsys
    )
    lethe.Model(task="symbols").save(tmp_path / "symbols")
    err = complaint(["predict", tmp_path / "symbols", "sine"], capsys)
    assert "MODEL must predict columns of records" in err
    net = lethe.Network(lethe.Topology(inputs=2, outputs=2, output_units="softmax"))
    net.save(tmp_path / "net")
    err = complaint(["predict", tmp_path / "net", "sine"], capsys)
    assert "MODEL must predict the 256 byte values" in err


def test_json_next_to_the_events(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "state", "sine", "--limit", "5", "--json"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 5
    assert json.loads(err)["events"] == 5
