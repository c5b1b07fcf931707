"""Runs of lethe learn that are killed, interrupted and resumed, and what may not be resumed."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.tables import ENVIRONMENT, complaint, figures, start, write_csv

import lethe
from lethe import storage
from lethe.cli import main
from lethe.storage.folder import Checkpoints

pytest.importorskip("fcntl", reason="a writer of checkpoints needs a POSIX system")

SMALL = ["--cells", "4"]
CASES = {
    "numbers": ["--target", "value", "--horizon", "3", "--detect", "--out", "out", *SMALL],
    "csv": ["--out", "out", "--format", "csv", *SMALL],
    "text": ["--symbols", "--layers", "2", "--cells", "48"],
}


def learn(folder: Path, *words: object, code: int = 0) -> str:
    """The command in a folder, whose figures do not matter; what it complains of."""
    command = [sys.executable, "-m", "lethe", "learn", *map(str, words)]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stderr


def left(folder: Path) -> tuple[bytes, bytes]:
    """The newest checkpoint, which holds the whole state, and the output."""
    newest = max((folder / "state").glob("*.safetensors"))
    out = folder / "out"
    return newest.read_bytes(), out.read_bytes() if out.exists() else b""


def held(folder: Path) -> set[str]:
    return {path.name for path in (folder / "state").glob("*.safetensors")}


def folders(tmp_path: Path, rows: int) -> tuple[Path, Path]:
    write_csv(tmp_path / "source.csv", rows)
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    return tmp_path / "whole", tmp_path / "cut"


@pytest.mark.parametrize("case", CASES)
def test_killed_runs_are_complete_runs(case: str, tmp_path: Path) -> None:
    whole, killed = folders(tmp_path, 1500)
    every = "4000" if case == "text" else "100"
    words = ["../source.csv", *CASES[case], "--checkpoint", "state", "--every", every]
    learn(whole, *words)
    draw, kills = random.Random(case), 0
    for _ in range(4):
        process = start(["learn", *words, "--resume"], cwd=killed)
        checkpoints, goal = held(killed), draw.randrange(1, 4)
        while process.poll() is None and len(held(killed) - checkpoints) < goal:
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.01))
        process.kill()
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
    learn(killed, *words, "--resume")
    assert kills
    assert left(killed) == left(whole)


@pytest.mark.parametrize("case", CASES)
def test_resumed_when_there_is_more(case: str, tmp_path: Path) -> None:
    whole, cut = folders(tmp_path, 700)
    every = "4000" if case == "text" else "250"
    words = [*CASES[case], "--checkpoint", "state", "--every", every]
    learn(whole, "../source.csv", *words)
    write_csv(cut / "source.csv", 300)
    learn(cut, "source.csv", *words)
    write_csv(cut / "source.csv", 400, first=300)
    out = [] if case == "text" else ["--out", "out"]
    learn(cut, "source.csv", "--checkpoint", "state", "--resume", *out)
    records = [storage.read(max((f / "state").glob("*")))[1]["learn"] for f in (whole, cut)]
    assert records[0] == records[1]
    assert left(whole)[1] == left(cut)[1]
    if case != "text":  # there the means of bits are added up in other groups
        assert left(whole) == left(cut)


def test_a_limit_counts_the_whole_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["learn", "sine", *SMALL, "--checkpoint", "state", "--out", "out", "--resume"]
    assert figures([*words, "--limit", "100"], capsys)["events"] == 100
    assert figures([*words, "--limit", "250"], capsys)["events"] == 250
    one = figures([*words, "--limit", "250"], capsys)
    assert one["events"] == 250
    assert one["checkpoint"] == "state/000000000250.safetensors"
    other = figures(["learn", "sine", *SMALL, "--limit", "250", "--out", "whole"], capsys)
    assert one["scores"] == other["scores"]
    assert Path("out").read_bytes() == Path("whole").read_bytes()


@pytest.fixture
def state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A run of 300 events, in the present folder."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "s.csv", 300)
    words = ["learn", "s.csv", *SMALL, "--target", "value", "--checkpoint", "state", "--out", "out"]
    assert main([*words, "--every", "100"]) == 0
    capsys.readouterr()
    return tmp_path


RESUME = ["learn", "s.csv", "--checkpoint", "state", "--resume", "--out", "out"]
NEWEST = "state/000000000300.safetensors"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--target", "time"], f"--target must be value as in the checkpoint {NEWEST}, got time"),
        (["--horizon", "2"], "--horizon must be 0 as in the checkpoint"),
        (["--cells", "5"], "--cells must be 4 as in"),
        (["--seed", "1"], "--seed must be 0 as in"),
        (["--detect"], "--detect must be left out as in"),
        (["--classify"], "--classify must be left out as in"),
        (["--format", "csv"], "--format must be jsonl as in"),
        (["--time", "value"], "--time must be left out as in"),
    ],
)
def test_options_that_contradict_the_checkpoint(
    words: Sequence[str], named: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert named in complaint([*RESUME, *words], capsys)


def test_records_are_not_resumed_as_a_text(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    err = complaint([*RESUME[:-2], "--symbols"], capsys)
    assert f"the checkpoint {NEWEST} is one of records, got a text" in err


def test_records_are_not_resumed_without_a_source(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    err = complaint(["learn", "--checkpoint", "state", "--resume"], capsys)
    assert "SOURCE must be given to resume a run on records, got none" in err


def test_a_folder_with_a_run_is_not_written_over(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    err = complaint(["learn", "s.csv", "--target", "value", "--checkpoint", "state"], capsys)
    assert "--checkpoint state already holds a run of 300 events: give --resume" in err


def test_sources_that_are_not_the_same(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = Path("s.csv").read_text()
    Path("s.csv").write_text(text.replace("2024-01-01 00:05", "2024-01-01 00:06"))
    assert "s.csv is another file than the one that was read" in complaint(RESUME, capsys)
    Path("s.csv").write_text(text[:200])
    assert "--resume-from start reads it from its start" in complaint(RESUME, capsys)
    Path("s.csv").write_text(text.replace("value", "level"))
    assert "columns must be time, value as before" in complaint([*RESUME, "--skip", "0"], capsys)
    write_csv(Path("s.csv"), 120)
    record = figures([*RESUME, "--skip", "100"], capsys)
    assert record["events"] == 320


@pytest.mark.parametrize("mode", [["--symbols"], ["--target", "value", "--form", "csv"]])
def test_standard_input_must_say_how_much_to_skip(mode: list[str], tmp_path: Path) -> None:
    source = write_csv(tmp_path / "s.csv", 60)
    words = [sys.executable, "-m", "lethe", "learn", "-", *mode, *SMALL, "--checkpoint", "state"]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        with source.open() as file:
            return subprocess.run(
                [*words, *more],
                cwd=tmp_path,
                env=ENVIRONMENT,
                stdin=file,
                capture_output=True,
                text=True,
            )

    assert run().returncode == 0
    again = run("--resume")
    assert (again.returncode, again.stdout) == (2, "")
    assert "standard input must" in again.stderr
    assert "skip" in again.stderr
    assert again.stderr.count("\n") == 1
    assert run("--resume", "--skip", "40").returncode == 0


def test_a_text_that_is_not_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = Path("book.txt")
    text.write_bytes(b"to forget " * 30)
    words = ["learn", "book.txt", *SMALL, "--layers", "1", "--checkpoint", "state"]
    assert main(words) == 0
    capsys.readouterr()
    text.write_bytes(b"to recall " * 30)
    assert "book.txt is another file than the one that was read" in complaint(
        [*words, "--resume"], capsys
    )
    text.write_bytes(b"to")
    assert "begins with the 300 bytes" in complaint([*words, "--resume"], capsys)
    err = complaint([*words, "--resume", "--rate", "0.1"], capsys)
    assert "--rate must be 0.002 as in the checkpoint" in err
    assert figures([*words, "--resume", "--skip", "0"], capsys)["symbols"] == 302
    assert "is one of symbols, got records" in complaint(
        ["learn", "sine", "--detect", "--checkpoint", "state", "--resume"], capsys
    )


def test_an_output_that_is_not_the_same(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = Path("out")
    data = out.read_bytes()
    out.write_bytes(data + b'{"half": ')
    write_csv(Path("s.csv"), 20, first=300)
    assert main(RESUME) == 0
    assert out.read_bytes().startswith(data)
    assert out.read_bytes().count(b"\n") == 320
    capsys.readouterr()
    out.write_bytes(b"?" + data[1:])
    assert "--out out must begin with the" in complaint(RESUME, capsys)
    assert out.read_bytes() == b"?" + data[1:]


def test_an_output_without_a_checkpoint_is_not_written_over(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path("out").read_bytes()
    shutil.rmtree("state")
    words = [*RESUME, *SMALL, "--target", "value"]
    assert "--out out is there already, and no checkpoint says" in complaint(words, capsys)
    assert Path("out").read_bytes() == data
    # What a run leaves that is killed before its first checkpoint is its own.
    Path("out").write_bytes(data[:40])
    assert main([*words, "--limit", "50"]) == 0
    assert data.startswith(Path("out").read_bytes())


def test_a_bad_line_can_be_fixed(tmp_path: Path) -> None:
    whole, cut = folders(tmp_path, 450)
    words = ["--target", "value", *SMALL, "--checkpoint", "state", "--every", "200", "--out", "out"]
    shutil.copy(tmp_path / "source.csv", whole / "source.csv")
    learn(whole, "source.csv", *words)
    text = (tmp_path / "source.csv").read_text().splitlines(keepends=True)
    for bad in ("2024-01-02 01:00:00,high\n", "1,2,3\n"):
        shutil.rmtree(cut)
        cut.mkdir()
        (cut / "source.csv").write_text("".join([*text[:300], bad, *text[301:]]))
        assert "source.csv line 301: " in learn(cut, "source.csv", *words, code=2)
        assert (cut / "out").read_bytes().count(b"\n") == 299
        (cut / "source.csv").write_text("".join(text))
        learn(cut, "source.csv", *words, "--resume")
        assert left(cut) == left(whole)


def test_a_full_disk_leaves_the_old_checkpoint(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(Path("s.csv"), 300, first=300)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage.file.os, "replace", full)
        err = complaint([*RESUME, "--every", "100"], capsys)
    assert "the checkpoint state/000000000400.safetensors cannot be written: No space left" in err
    assert lethe.load(NEWEST).events == 300
    assert figures(RESUME, capsys)["events"] == 600
    whole = ["learn", "s.csv", *SMALL, "--target", "value", "--out", "whole"]
    figures(whole, capsys)
    assert Path("out").read_bytes() == Path("whole").read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
def test_an_output_that_finds_no_room(tmp_path: Path) -> None:
    import resource

    whole, cut = folders(tmp_path, 3500)
    words = ["../source.csv", "--target", "value", *SMALL, "--out", "out"]
    words += ["--checkpoint", "state", "--every", "500"]
    learn(whole, *words)
    size = len(left(whole)[1])
    largest = max(path.stat().st_size for path in (whole / "state").iterdir())
    limit = size - 1000
    assert limit > largest  # so that it stops the output alone
    process = start(["learn", *words], cwd=cut)
    # From here, and not between fork and exec: JAX, where a test has imported it, warns of forks.
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
    _, err = process.communicate()
    assert process.returncode == 2
    last = err.decode().splitlines()[-1]
    assert last.startswith("lethe learn: --out out cannot be written: File too large; state/")
    assert (cut / "out").read_bytes().endswith(b"\n")
    learn(cut, *words, "--resume")
    assert left(cut) == left(whole)


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    words = ["learn", "sine", *SMALL, "--checkpoint"]
    err = complaint([*words, tmp_path / "file" / "state"], capsys)
    assert f"checkpoints cannot be written in {tmp_path / 'file' / 'state'}: Not a directory" in err


def test_a_read_only_folder(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(Path("s.csv"), 300, first=300)
    Path("state/.lock").unlink()
    Path("state").chmod(0o555)
    root = os.geteuid() == 0
    if root:  # who may write everywhere
        os.seteuid(65534)
    try:
        err = complaint(RESUME, capsys)
    finally:
        if root:
            os.seteuid(0)
        Path("state").chmod(0o755)
    assert "checkpoints cannot be written in state: Permission denied" in err
    assert lethe.load(NEWEST).events == 300


def test_a_second_writer(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Checkpoints("state"):
        err = complaint(RESUME, capsys)
    assert f"another writer, process {os.getpid()}, is at work there" in err
    assert main(RESUME) == 0


def test_a_damaged_checkpoint_is_passed_over(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = Path(NEWEST)
    data = bytearray(newest.read_bytes())
    data[-1] ^= 1
    newest.write_bytes(data)
    out = Path("out").read_bytes()
    assert main(RESUME) == 0
    printed, err = capsys.readouterr()
    warning, start = err.splitlines()
    assert "its SHA-256 is wrong; an older one, 000000000200.safetensors, is read" in warning
    assert start.endswith("; continues state/000000000200.safetensors")
    assert "300 events" in printed
    assert Path("out").read_bytes() == out


@pytest.mark.parametrize("record", [{}, {"mode": "records", "events": 300}, {"mode": 1}, [1]])
def test_a_checkpoint_of_another_program(
    record: Any, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays, metadata = storage.read(NEWEST)
    metadata["learn"] = record
    for path in Path("state").glob("*.safetensors"):
        storage.write(path, arrays, metadata)
    err = complaint(RESUME, capsys)
    assert "was not written by lethe learn" in err or "must hold a complete run" in err


def test_a_text_is_followed(tmp_path: Path) -> None:
    text = tmp_path / "log"
    text.write_bytes(b"to forget " * 50)
    words = ["log", *SMALL, "--layers", "1", "--checkpoint", "state", "--every", "100", "--follow"]
    process = start(["learn", *words], cwd=tmp_path)
    try:
        for size in (500, 800):
            for _ in range(400):
                if any(name.startswith(f"{size:012}") for name in held(tmp_path)):
                    break
                time.sleep(0.05)
            with text.open("ab") as file:
                file.write(b"to recall " * (30 if size == 500 else 0))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert b"interrupted; state/000000000800.safetensors holds the state so far" in err
    assert b"800 symbols of log" in out
    text.write_bytes(text.read_bytes() + b"to forget " * 5)
    learn(tmp_path, *words[:-1], "--resume")
    assert "000000000850.safetensors" in held(tmp_path)


def test_interrupted_twice(tmp_path: Path) -> None:
    """The second Ctrl-C does not wait for the event to end; whatever is left can be resumed."""
    whole, cut = folders(tmp_path, 1500)
    words = ["../source.csv", *CASES["numbers"], "--checkpoint", "state", "--every", "100"]
    learn(whole, *words)
    for n in range(3):
        process = start(["learn", *words, "--resume"], cwd=cut)
        try:
            process.communicate(timeout=0.5 + 0.1 * n)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)
            process.communicate()
    learn(cut, *words, "--resume")
    assert left(cut) == left(whole)
