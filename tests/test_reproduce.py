"""``lethe reproduce``: the same trial again, going on after a stop, and wrong input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lethe import workers
from lethe.cli import COMMANDS, main
from lethe.experiments import cerg
from lethe.results import append, read

TINY = {
    name: replace(row, trial=replace(row.trial, test_streams=2)) for name, row in cerg.ROWS.items()
}
FIELDS = {
    "experiment", "row", "seed", "perfect", "training_streams", "training_symbols",
    "best_mean_stream", "final_mean_stream", "seconds", "version", "dtype", "instruction_set",
    "configuration",
}  # fmt: skip


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that end at once."""
    monkeypatch.setattr(cerg, "ROWS", TINY)
    limits = {"trials": 2, "training_streams": 20, "stream_length": 150}
    monkeypatch.setattr(cerg, "SHORT", replace(cerg.SHORT, **limits))
    limits = {"trials": 2, "training_streams": 30, "stream_length": 200}
    monkeypatch.setattr(cerg, "FULL", replace(cerg.FULL, **limits))


def objects(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def without_seconds(record: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in record.items() if name != "seconds"}


@pytest.mark.usefixtures("tiny")
def test_the_short_form_says_what_was_shortened_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "cerg", "--jobs", "1"]) == 0
    out, err = capsys.readouterr()
    expected = (
        "Shortened to 2 of 7 rows, 20 of 30 training streams, 150 of 200 symbols in a stream.\n"
    )
    assert expected in out
    assert "Standard LSTM" in out
    assert "62 %  (14087)" in out
    assert "[0, " in out
    assert err == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("tiny")
def test_json_is_one_object_per_trial(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "cerg", "--json", "--jobs", "1", "--seed", "4"]) == 0
    records = objects(capsys.readouterr().out)
    assert [(r["row"], r["seed"]) for r in records] == [
        (row, seed) for row in ("forget_gates_decay", "standard") for seed in (4, 5)
    ]
    for record in records:
        assert set(record) >= FIELDS
        assert record["training_streams"] == 20


@pytest.mark.usefixtures("tiny")
def test_a_trial_is_repeated_to_the_same_numbers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """In whichever process it runs, and with the limits of the whole table."""
    assert main(["reproduce", "cerg", "--full", "--out", str(tmp_path), "--jobs", "2"]) == 0
    text = capsys.readouterr().out
    records = read(tmp_path / "cerg.jsonl")
    assert len(records) == 14
    assert {record["row"] for record in records} == set(cerg.FULL.rows)
    page = (tmp_path / "cerg.md").read_text()
    assert "`lethe reproduce cerg --full`" in page
    assert cerg.compare(records, cerg.FULL.rows) in page
    assert cerg.compare(records, cerg.FULL.rows) in text
    for record in records[::3]:
        words = ["--row", str(record["row"]), "--seed", str(record["seed"]), "--trials", "1"]
        assert main(["reproduce", "cerg", "--json", *words]) == 0
        (again,) = objects(capsys.readouterr().out)
        assert without_seconds(again) == without_seconds(record)


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
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nto"], "invalid choice: 'nto'"),
        (["cerg", "--row", "best"], "--row must be one of standard_external_reset"),
        (["cerg", "--trials", "0"], "--trials: must be a whole number of at least 1, got '0'"),
        (["cerg", "--seed", "-1"], "--seed"),
        (["cerg", "--jobs", "two"], "--jobs: must be a whole number"),
        (["cerg", "--resume"], "--resume needs --out or --full"),
        (["cerg", "--wrong"], "unrecognized arguments: --wrong"),
        (["cerg", "--out", "FILE/x"], "cerg.jsonl cannot be"),
    ],
)
def test_wrong_input_is_one_line_and_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    words = [word.replace("FILE", str(tmp_path / "file")) for word in words]
    try:
        code = main(["reproduce", *words])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    assert code == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.usefixtures("tiny")
def test_a_file_that_cannot_be_written_is_found_before_the_first_trial(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cerg.jsonl").symlink_to(tmp_path / "missing" / "cerg.jsonl")
    monkeypatch.setattr(workers, "run_all", None)
    assert main(["reproduce", "cerg", "--out", str(tmp_path)]) == 2
    assert "cerg.jsonl cannot be written: No such file" in capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
def test_a_record_without_a_result_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["reproduce", "cerg", "--out", str(tmp_path), "--jobs", "1"]
    assert main(command) == 0
    path = tmp_path / "cerg.jsonl"
    first, *others = read(path)
    del first["best_mean_stream"]
    path.unlink()
    for record in (first, *others):
        append(path, record)
    capsys.readouterr()
    assert main([*command, "--resume"]) == 2
    assert f"line 1 of the results file {path} is no record" in capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
def test_a_killed_worker_is_one_line_and_code_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise workers.WorkerError("a worker process ended with exit code -9")

    monkeypatch.setattr(workers, "run_all", killed)
    assert main(["reproduce", "cerg", "--out", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "exit code -9; 0 of 4 trials were finished and are in" in err
    assert "--resume goes on" in err


def test_every_command_is_in_the_help_and_has_an_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    with pytest.raises(SystemExit, match="0"):
        main(["reproduce", "--help"])
    assert "lethe reproduce cerg --row" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.startswith("lethe ")
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert capsys.readouterr().err.count("\n") == 1


LONG = """
from dataclasses import replace
from lethe.cli import main
from lethe.experiments import cerg

cerg.SHORT = replace(cerg.SHORT, training_streams=100)
if __name__ == "__main__":
    raise SystemExit(main(["reproduce", "cerg", "--trials", "2000", *__import__("sys").argv[1:]]))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_ends_within_a_second_and_keeps_what_is_finished(jobs: str, tmp_path: Path) -> None:
    path = tmp_path / "cerg.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", LONG, "--out", str(tmp_path), "--jobs", jobs],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        waited = time.monotonic() + 60
        while not (path.exists() and read(path)):
            assert time.monotonic() < waited
            assert process.poll() is None
            time.sleep(0.02)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # As a terminal does: to all processes.
        out, err = process.communicate(timeout=30)
        seconds = time.monotonic() - began
    finally:
        process.kill()
    assert process.returncode == 130
    finished = len(read(path))
    assert err == (
        f"lethe: interrupted; {finished} of 4000 trials were finished and are in {path}; "
        "--resume goes on\n"
    )
    assert seconds < 1.0
    assert "4000 trials" in out
