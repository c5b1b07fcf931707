"""lethe info: what a checkpoint holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tables import complaint, figures

import lethe
from lethe.cli import main


def test_a_model_of_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["learn", "machine", "--target", "load", "--limit", "400", "--cells", "4"]
    learned = figures([*words, "--checkpoint", tmp_path], capsys)
    about = figures(["info", tmp_path], capsys)
    assert about["kind"] == "Model"
    assert about["format"] == "1"
    assert about["version"] == lethe.__version__
    assert about["bytes"] == (tmp_path / "000000000400.safetensors").stat().st_size
    assert about["events"] == 400
    assert about["targets"] == ["load"]
    assert about["numbers"] == ["temperature"]
    assert about["categories"] == {"state": 2}
    assert about["time"] == "time"
    assert sum(about["predictor_weights"].values()) == pytest.approx(1)
    assert any(name.startswith("network, rate") for name in about["predictor_weights"])
    assert set(about["diagnostics"]) == {
        "saturated_gates", "drifting_states", "restarted_blocks", "lost_steps"
    }  # fmt: skip
    assert about["learn"]["scores"] == learned["scores"]
    assert about["learn"]["options"]["target"] == ["load"]
    assert about["learn"]["position"]["offset"] == 400
    assert main(["info", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "regression of load" in out
    assert "last value" in out
    assert "checkpoint format 1" in out


def test_a_model_of_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["learn", "machine", "--target", "state", "--classify", "--limit", "300"]
    assert main([*words, "--cells", "4", "--checkpoint", str(tmp_path)]) == 0
    capsys.readouterr()
    about = figures(["info", tmp_path], capsys)
    assert set(about["classes"]) == {"idle", "run"}
    assert sum(about["predictor_weights"].values()) == pytest.approx(1)
    assert main(["info", str(tmp_path)]) == 0
    assert "log-loss" in capsys.readouterr().out


def test_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["learn", "--limit", "2000", "--layers", "2", "--cells", "8"]
    bits = figures([*words, "--checkpoint", tmp_path], capsys)["bits_per_symbol"]
    about = figures(["info", tmp_path], capsys)
    assert (about["kind"], about["events"], about["steps"]) == ("Network", 2000, 1999)
    assert (about["layers"], about["cells"]) == (2, 8)
    assert about["learn"]["bits_per_symbol"] == bits
    assert main(["info", str(tmp_path)]) == 0
    assert "<Network: 256 inputs, 2 layers of 8 blocks" in capsys.readouterr().out


@pytest.mark.parametrize("events", [0, 1, 50])
@pytest.mark.parametrize("task", ["regression", "symbols"])
def test_what_another_program_saved(
    task: str, events: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = lethe.Model(task=task, cells=4)  # type: ignore[arg-type]
    for n in range(events):
        model.learn({"a": n, "b": None} if task == "regression" else n % 3)
    model.save(tmp_path / "model")
    about = figures(["info", tmp_path / "model"], capsys)
    assert about["events"] == events
    assert about["learn"] is None
    assert main(["info", str(tmp_path / "model")]) == 0
    assert f"{events:,}, skipped 0" in capsys.readouterr().out


def test_wrong_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text").write_text("no checkpoint")
    assert "it is not a checkpoint" in complaint(["info", tmp_path / "text"], capsys)
    assert "got none in" in complaint(["info", tmp_path], capsys)
    assert "No such file" in complaint(["info", tmp_path / "none"], capsys)
