"""A run that goes on for months: signals, rotation, several sources."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.long_runs import newest, until, written
from support.tables import complaint, figures, lines, start, write_csv

from lethe.cli import main

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends signals as POSIX systems do")

SMALL = ["--cells", "2", "--target", "value"]
SAVED = [*SMALL, "--checkpoint", "state", "--out", "out"]


ASKED = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("number", "code"), ASKED)
def test_a_signal_ends_a_pipe_with_everything_saved(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    words = ["learn", "-", "--form", "csv", *SAVED]
    process = start(words, cwd=tmp_path, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"t,value\n" + b"".join(b"%d,%d\n" % (n, n % 7) for n in range(300)))
    process.stdin.flush()
    until(lambda: written(tmp_path / "out") == 300, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert b"state/000000000300.safetensors holds the state so far, --resume" in err
    found = newest(tmp_path / "state")
    assert found["events"] == 300
    assert found["output"]["bytes"] == (tmp_path / "out").stat().st_size


@pytest.mark.parametrize("form", ["csv", "text"])
def test_a_signal_ends_a_followed_file(form: str, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "s.csv", 200)
    options = SAVED if form == "csv" else ["--symbols", "--layers", "1", "--cells", "2",
                                           "--checkpoint", "state"]  # fmt: skip
    process = start(["learn", "s.csv", *options, "--follow", "--every", "0.1s"], cwd=tmp_path)
    goal = 200 if form == "csv" else source.stat().st_size
    wanted = tmp_path / "state" / f"{goal:012}.safetensors"
    until(wanted.exists, process)  # which is written although nothing follows
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert newest(tmp_path / "state")["events"] == goal


def test_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    process = start(["learn", "s.csv", *SAVED, "--follow"], cwd=tmp_path)
    time.sleep(0.5)
    assert process.poll() is None
    write_csv(tmp_path / "s.csv", 20)
    until(lambda: written(tmp_path / "out") == 20, process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert b"s.csv" in err.splitlines()[0]


def test_a_rotated_file_loses_no_event(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "s.csv", 50)
    process = start(["learn", "s.csv", *SAVED, "--follow"], cwd=tmp_path)
    try:
        until(lambda: written(tmp_path / "out") == 50, process)
        source.rename(tmp_path / "s.csv.1")
        write_csv(source, 30)
        until(lambda: written(tmp_path / "out") == 80, process)
        shutil.copy(source, tmp_path / "s.csv.2")
        os.truncate(source, 0)
        with source.open("ab") as file:
            file.write(b"2024-01-01 00:00,1.5\n" * 5)  # and no header
        until(lambda: written(tmp_path / "out") == 85, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert newest(tmp_path / "state")["events"] == 85


def test_rotated_while_no_run_was_going(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_csv(tmp_path / "s.csv", 50)
    whole = write_csv(tmp_path / "whole.csv", 90)
    assert main(["learn", "s.csv", *SAVED]) == 0
    write_csv(source, 20, first=50)
    source.rename("s.csv.1")
    text = whole.read_text().splitlines(keepends=True)
    source.write_text(text[0] + "".join(text[71:]))
    capsys.readouterr()
    assert main(["learn", "s.csv", *SAVED, "--resume"]) == 0
    assert "s.csv.1" in capsys.readouterr().err
    assert main(["learn", "whole.csv", *SMALL, "--out", "expected"]) == 0
    values = [[line["prediction"] for line in lines(Path(name))] for name in ("out", "expected")]
    assert values[0] == values[1]


def test_a_file_that_is_another_asks_where_to_begin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "s.csv", 50)
    assert main(["learn", "s.csv", *SAVED]) == 0
    text = (tmp_path / "s.csv").read_text()
    (tmp_path / "s.csv").write_text(text.replace("00:05", "00:06"))
    capsys.readouterr()
    resumed = ["learn", "s.csv", *SAVED, "--resume"]
    assert "--resume-from start" in complaint(resumed, capsys)
    assert figures([*resumed, "--resume-from", "end"], capsys)["events"] == 50
    assert figures([*resumed, "--resume-from", "start"], capsys)["events"] == 100
    assert figures([*resumed, "--resume-from", "start"], capsys)["events"] == 100


def test_several_sources_are_one_stream(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = write_csv(tmp_path / "whole.csv", 120).read_text().splitlines(keepends=True)
    for day, rows in (("day9", text[1:51]), ("day10", text[51:81]), ("day11", text[81:])):
        Path(f"{day}.csv").write_text(text[0] + "".join(rows))
    whole = figures(["learn", "whole.csv", *SMALL, "--out", "expected"], capsys)
    parts = figures(["learn", "day*.csv", *SAVED], capsys)
    assert parts["scores"] == whole["scores"]
    shutil.rmtree("state")
    Path("out").unlink()
    assert figures(["learn", "day9.csv", "day10.csv", *SAVED], capsys)["events"] == 80
    assert figures(["learn", "day*.csv", *SAVED, "--resume"], capsys)["scores"] == whole["scores"]
    found, expected = lines(Path("out")), lines(Path("expected"))
    assert [one["prediction"] for one in found] == [one["prediction"] for one in expected]
    assert {one["source"] for one in found} == {"day9.csv", "day10.csv", "day11.csv"}
    assert complaint(["learn", "night*.csv", *SMALL], capsys).endswith("like night*.csv\n")
