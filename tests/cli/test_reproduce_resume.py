"""``lethe reproduce --resume``: what is missing, and what has changed since."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.tiny_table import objects, without_seconds

from lethe.cli import main
from lethe.experiments.results import append, read
from lethe.experiments.tables import cerg


@pytest.mark.usefixtures("tiny")
def test_resume_runs_what_is_missing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["reproduce", "cerg", "--out", str(tmp_path), "--jobs", "1"]
    path = tmp_path / "cerg.jsonl"
    assert main(command) == 0
    records = read(path)
    path.unlink()
    append(path, records[2] | {"seconds": 1e6})  # This one is to be kept and not run again.
    append(path, records[0] | {"row": "another"})  # This one is no business of ours.
    with path.open("a") as file:
        file.write(json.dumps(records[3])[:50])  # The power went out.
    assert main(command) == 2
    assert "holds 1 of these trials already" in capsys.readouterr().err
    assert main([*command, "--resume", "--json"]) == 0
    shown = objects(capsys.readouterr().out)
    assert shown[0]["seconds"] == 1e6
    assert [(r["row"], r["seed"]) for r in shown[1:]] == [
        (r["row"], r["seed"]) for r in (records[0], records[1], records[3])
    ]
    kept = read(path)
    assert [without_seconds(r) for r in kept[2:]] == [
        without_seconds(r) for r in (records[0], records[1], records[3])
    ]
    assert main([*command, "--resume", "--json"]) == 0
    assert len(read(path)) == len(kept)
    assert len(objects(capsys.readouterr().out)) == 4


@pytest.mark.usefixtures("tiny")
def test_a_run_of_another_configuration_is_not_resumed_but_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["reproduce", "cerg", "--out", str(tmp_path), "--jobs", "1", "--json"]
    path = tmp_path / "cerg.jsonl"
    assert main(command) == 0
    old = read(path)
    limits = {"training_streams": 25, "stream_length": 150}
    monkeypatch.setattr(cerg, "SHORT", replace(cerg.SHORT, limits=limits))
    capsys.readouterr()
    assert main([*command, "--resume"]) == 2
    rows = "2 of forget_gates_decay and 2 of standard"
    differs = "(forget_gates_decay: training streams 20 there, 25 now)"
    assert capsys.readouterr().err == (
        f"lethe reproduce: {path} holds 4 trials, {rows}, with another configuration {differs}: "
        "--resume --again runs them again and leaves these lines in the file, where they do not "
        "count; or choose another --out\n"
    )
    assert read(path) == old
    assert main([*command, "--resume", "--again"]) == 0
    out, err = capsys.readouterr()
    assert "these lines stay there and are not counted" in err
    assert err.count("\n") == 1
    assert [record["training_streams"] for record in objects(out)] == [25] * 4
    assert read(path)[:4] == old
    assert len(read(path)) == 8
    # All are done now, so there is nothing to say.
    assert main([*command, "--resume"]) == 0
    out, err = capsys.readouterr()
    assert [record["training_streams"] for record in objects(out)] == [25] * 4
    assert err == ""


@pytest.mark.usefixtures("tiny")
def test_only_what_is_asked_for_and_missing_can_have_changed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["reproduce", "cerg", "--out", str(tmp_path), "--jobs", "1", "--json"]
    assert main([*command, "--seed", "1000"]) == 0
    limits = {"training_streams": 25, "stream_length": 150}
    monkeypatch.setattr(cerg, "SHORT", replace(cerg.SHORT, limits=limits))
    capsys.readouterr()
    assert main([*command, "--resume"]) == 0  # other seeds
    assert main([*command, "--resume", "--trials", "1"]) == 0
    assert capsys.readouterr().err == ""
    assert main([*command, "--resume", "--seed", "1001", "--trials", "1"]) == 2
    assert "cerg.jsonl holds 2 trials, 1 of forget_gates_decay and 1" in capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
def test_a_long_difference_is_cut(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["reproduce", "cerg", "--row", "standard", "--trials", "1", "--out", str(tmp_path)]
    assert main([*command, "--jobs", "1"]) == 0
    (record,) = read(tmp_path / "cerg.jsonl")
    configuration = record["configuration"] | {"update": "x" * 100, "topology": {"inputs": 7}}
    (tmp_path / "cerg.jsonl").unlink()
    append(tmp_path / "cerg.jsonl", record | {"configuration": configuration})
    capsys.readouterr()
    assert main([*command, "--resume"]) == 2
    err = capsys.readouterr().err
    assert "holds 1 trial of standard with another configuration (topology biased none there" in err
    assert "; and " in err
    assert len(err) < 700


@pytest.mark.usefixtures("tiny")
def test_records_of_rows_that_are_gone_are_told_and_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["reproduce", "cerg", "--out", str(tmp_path), "--jobs", "1", "--json"]
    assert main(command) == 0
    path = tmp_path / "cerg.jsonl"
    first = read(path)[0]
    append(path, first | {"row": "peepholes"})
    append(path, first | {"experiment": "cnto"})
    capsys.readouterr()
    assert main([*command, "--resume"]) == 0
    assert capsys.readouterr().err == (
        f"lethe reproduce: {path} holds 1 trial of peepholes, which cerg does not have (any more); "
        "these lines stay there and are not counted\n"
    )
    assert len(read(path)) == 6


@pytest.mark.usefixtures("tiny")
def test_trials_of_another_instruction_set_are_not_mixed_in_silently(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["reproduce", "cerg", "--row", "standard", "--out", str(tmp_path), "--jobs", "1"]
    assert main([*command, "--trials", "1"]) == 0
    path = tmp_path / "cerg.jsonl"
    (record,) = read(path)
    path.unlink()
    append(path, record | {"instruction_set": "another"})
    capsys.readouterr()
    assert main([*command, "--trials", "1", "--resume"]) == 0  # nothing is to be run
    assert capsys.readouterr().err == ""
    assert main([*command, "--trials", "2", "--resume"]) == 0
    said = f"{path} holds trials of these rows made with another (1), and here it is "
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("wrong", [{"row": 3}, {"seed": "0"}, {"configuration": None}], ids=str)
def test_resume_takes_no_line_for_a_record_that_is_none(
    wrong: dict[str, object], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["reproduce", "cerg", "--out", str(tmp_path), "--jobs", "1"]
    assert main(command) == 0
    path = tmp_path / "cerg.jsonl"
    first = read(path)[0]
    path.write_text(json.dumps({**first, **wrong}) + "\n")
    capsys.readouterr()
    for words in ([*command, "--resume"], ["verdict", "--results", str(tmp_path)]):
        assert main(words) == 2
        assert f"line 1 of the results file {path} is no record" in capsys.readouterr().err
