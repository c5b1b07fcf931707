"""What the commands write: nothing but what the user names, no input, and one writer at a time."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from support.tables import ENVIRONMENT, complaint, figures, lines, start, write_csv

from lethe import storage
from lethe.cli import main
from lethe.cli._support import event_writer
from lethe.cli._support.status import Status
from lethe.storage.output import open_in_place

pytest.importorskip("fcntl", reason="needs a POSIX system")

SMALL = ["--cells", "2", "--layers", "1"]
LEARN = ["learn", "s.csv", "--target", "value", *SMALL]
KEPT = ["--checkpoint", "state", "--every", "50"]
NEWEST = "state/000000000120.safetensors"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A run of 120 events in the present folder; what its source holds."""
    monkeypatch.chdir(tmp_path)
    source = write_csv(tmp_path / "s.csv", 120)
    assert main([*LEARN, *KEPT, "--out", "out"]) == 0
    capsys.readouterr()
    return source.read_text()


# ---- what is read is not written ----


@pytest.mark.parametrize("name", ["s.csv", "link", "hard", "./state/../s.csv"])
@pytest.mark.parametrize(
    "words",
    [
        LEARN,
        [*LEARN, "--checkpoint", "new"],
        [*LEARN, *KEPT, "--resume"],
        ["predict", "state", "s.csv"],
        ["predict", NEWEST, "s.csv", "--follow"],
    ],
)
def test_the_source(
    words: Sequence[str], name: str, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("link").symlink_to("s.csv")
    Path("hard").hardlink_to("s.csv")
    err = complaint([*words, "--out", name], capsys)
    assert f"--out {name} cannot be written: it is SOURCE, which is read; name another file" in err
    assert Path("s.csv").read_text() == run


@pytest.mark.parametrize("words", [LEARN, ["predict", "state", "s.csv"]])
def test_standard_input_and_output(words: Sequence[str], run: str) -> None:
    command = [sys.executable, "-m", "lethe", words[0], *words[1:-1], *words[-1:]]
    to_stdout = ["--out", "-"] if words[0] == "learn" else []
    with open("s.csv", "a") as file:  # as the shell's >> does
        done = subprocess.run([*command, *to_stdout], stdout=file, stderr=-1, env=ENVIRONMENT)
    assert done.returncode == 2
    assert b"--out - cannot be written: it is SOURCE" in done.stderr
    with open("s.csv") as file:
        at = command.index("s.csv")
        command[at : at + 1] = ["-", "--form", "csv"]
        command += ["--out", "s.csv"]
        done = subprocess.run(command, stdin=file, stderr=-1, env=ENVIRONMENT)
    assert done.returncode == 2
    assert b"--out s.csv cannot be written: it is SOURCE" in done.stderr
    assert Path("s.csv").read_text() == run


@pytest.mark.parametrize(
    "name", [NEWEST, "state/.lock", "state/000000000999.safetensors", "link", "hard"]
)
def test_the_checkpoints(name: str, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("link").symlink_to(NEWEST)
    Path("hard").hardlink_to(NEWEST)
    before = Path(NEWEST).read_bytes()
    err = complaint(["predict", "state", "s.csv", "--out", name], capsys)
    assert f"--out {name} cannot be written: it is MODEL, which is read" in err
    err = complaint([*LEARN, *KEPT, "--resume", "--out", name], capsys)
    assert f"--out {name} cannot be written: it is a file of --checkpoint" in err
    assert Path(NEWEST).read_bytes() == before
    assert main(["info", NEWEST]) == 0


def test_the_model(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("hard").hardlink_to(NEWEST)
    for model, out in ((NEWEST, NEWEST), ("hard", NEWEST), (NEWEST, "hard")):
        err = complaint(["predict", model, "s.csv", "--out", out], capsys)
        assert f"--out {out} cannot be written: it is MODEL, which is read" in err


def test_another_file_in_the_folder_of_checkpoints(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    figures(["predict", "state", "s.csv", "--out", "state/predicted.jsonl"], capsys)
    words = [*LEARN, "--checkpoint", "new", "--out", "new/out.jsonl"]
    figures([*words, "--limit", "60"], capsys)
    figures([*words, "--resume"], capsys)
    assert len(lines(Path("new/out.jsonl"))) == 120


def test_the_results_of_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    data = Path("results/bench.json")
    data.write_text("{}")
    Path("page.html").hardlink_to(data)
    err = complaint(["report", "--no-draw", "--out", "page.html"], capsys)
    assert "--out page.html cannot be written: it is a file of --results" in err
    assert data.read_text() == "{}"
    for _ in range(2):  # and where it is with them, the page is none of them
        assert main(["report", "--no-draw", "--figures", ".", "--out", "results/page.html"]) == 0


# ---- a checkpoint names no file to be written ----


@pytest.mark.parametrize("named", ["victim", "/tmp/\x1b[2Jvictim", "-"])
def test_a_checkpoint_from_someone_else(
    named: str, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = Path("victim")
    victim.write_text("precious")
    arrays, metadata = storage.read(NEWEST)
    metadata["learn"]["options"]["out"] = named
    metadata["learn"]["output"] = {"bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()}
    storage.write(NEWEST, arrays, metadata)
    write_csv(Path("s.csv"), 20, first=120)
    resume = ["learn", "s.csv", *KEPT, "--resume"]
    err = complaint(resume, capsys)
    shown = named.replace("\x1b", "\\x1b")
    assert f"--out must be given again to continue the run in {NEWEST}, which wrote {shown}" in err
    figures([*resume, "--out", "new"], capsys)
    assert len(lines(Path("new"))) == 20
    assert victim.read_text() == "precious"


def test_an_output_that_was_moved_is_continued_there(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("out").rename("elsewhere")
    write_csv(Path("s.csv"), 20, first=120)
    figures(["learn", "s.csv", *KEPT, "--resume", "--out", "elsewhere"], capsys)
    assert len(lines(Path("elsewhere"))) == 140
    assert not Path("out").exists()
    err = complaint(["learn", "s.csv", *KEPT, "--resume", "--out", "s.csv"], capsys)
    assert "it is SOURCE" in err


def test_a_run_without_an_output_gets_none_later(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*LEARN, "--checkpoint", "none"]
    figures(words, capsys)
    assert "--out must be left out as in" in complaint([*words, "--resume", "--out", "x"], capsys)
    assert not Path("x").exists()


# ---- links in a folder of checkpoints ----


def test_links_in_the_folder_lead_to_no_other_file(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("victim").write_text("precious")
    for name in (140, 150, 200):
        Path(f"state/{name:012}.safetensors").symlink_to("../victim")
    Path("state/.000000000150.safetensors.lethe.tmp").symlink_to("../victim")
    write_csv(Path("s.csv"), 100, first=120)
    assert main(["learn", "s.csv", *KEPT, "--resume", "--out", "out"]) == 0
    assert Path("victim").read_text() == "precious"
    held = [path for path in Path("state").iterdir() if path.is_symlink()]
    assert all(path.name != "000000000200.safetensors" for path in held)
    assert main(["info", "state"]) == 0
    capsys.readouterr()


# ---- one writer ----


@pytest.mark.parametrize("words", [LEARN, [*LEARN, "--checkpoint", "new"]])
def test_a_file_that_another_run_writes(
    words: Sequence[str], run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path("out").read_bytes()
    held = open_in_place("out")
    err = complaint([*words, "--out", "out"], capsys)
    assert "--out out cannot be written: " in err
    assert "process is writing it: wait until that ends, or name another" in err
    err = complaint(["predict", "state", "s.csv", "--out", "out"], capsys)
    assert "is writing it" in err
    held.abandon()
    assert Path("out").read_bytes() == before
    figures([*words, "--out", "out"], capsys)


def test_two_runs_do_not_share_an_output(run: str) -> None:
    words = ["learn", "-", "--form", "csv", "--target", "value", *SMALL, "--out", "both"]
    one = start([*words, "--checkpoint", "one"], stdin=subprocess.PIPE)
    assert one.stdin is not None
    one.stdin.write(run.encode())
    one.stdin.flush()
    while not Path("both").exists() or not Path("both").read_bytes():
        assert one.poll() is None
    two = start([*words, "--checkpoint", "two"], stdin=subprocess.PIPE)
    _, err = two.communicate(run.encode())
    assert two.returncode == 2
    assert b"lethe learn: --out both cannot be written: " in err
    assert b"is writing it" in err
    one.communicate()
    assert one.returncode == 0
    assert len(lines(Path("both"))) == 120


def test_one_run_keeps_a_status(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(Status("status", {})) as status:
        for n in range(3):
            status.write("running", n, {})
            assert json.loads(Path("status").read_text())["events"] == n
            err = complaint([*LEARN, "--status", "status"], capsys)
            assert "--status status cannot be written: " in err
            assert "is writing it" in err
        Path(".status.lethe.tmp").unlink()
        for n in (8, 9):  # the first cannot be written, and the run goes on
            status.write("running", n, {})
        assert json.loads(Path("status").read_text())["events"] == 9
    Path("status").chmod(0o600)
    figures([*LEARN, "--status", "status"], capsys)
    assert json.loads(Path("status").read_text())["events"] == 120
    assert stat.S_IMODE(Path("status").stat().st_mode) == 0o600
    assert not list(Path().glob(".*"))


# ---- what happens to the file while it is written ----


@pytest.mark.parametrize("kept", [[], KEPT])
@pytest.mark.parametrize("what", ["removed", "replaced", "cut"])
def test_an_output_that_vanishes_is_noticed(
    what: str,
    kept: list[str],
    run: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With checkpoints at the next one, and also between them."""
    if not kept:
        monkeypatch.setattr(event_writer, "CHECK_SECONDS", -1)
        kept = ["--checkpoint", "new"]
    else:
        kept = ["--checkpoint", "new", "--every", "30"]
    write = event_writer.EventWriter.write

    def rotated(self: event_writer.EventWriter, data: bytes) -> None:
        write(self, data)
        if b'"line": 70,' in data:
            if what == "cut":
                os.truncate("other", 0)
            else:
                os.rename("other", "rotated")
                if what == "replaced":
                    Path("other").touch()

    monkeypatch.setattr(event_writer.EventWriter, "write", rotated)
    err = complaint([*LEARN, *kept, "--out", "other"], capsys)
    why = "another program has changed it" if what == "cut" else "it was removed or replaced while"
    assert f"--out other cannot be written: {why}" in err
    assert max(os.listdir("new")) < "000000000070.safetensors"


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_an_output_that_does_not_reach_the_disk(
    error: int, run: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, said = os.fsync, []

    def fail_once(descriptor: int) -> None:
        other = Path("other").exists() and os.stat("other")
        if other and os.path.samestat(os.fstat(descriptor), other) and not said:
            said.append(error)
            raise OSError(error, os.strerror(error))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_once)
    err = complaint([*LEARN, "--checkpoint", "new", "--every", "30", "--out", "other"], capsys)
    assert f"--out other cannot be written: {os.strerror(error)}" in err
    assert said
    assert not list(Path("new").glob("*.safetensors"))


def test_after_an_error_nothing_is_said_to_be_written(tmp_path: Path) -> None:
    """The system tells of an error once."""
    out = tmp_path / "out"
    writer = event_writer.open_writer(str(out), b"one\n", in_place=True)
    assert writer.state()["bytes"] == 4
    os.truncate(out, 2)
    with pytest.raises(ValueError, match="another program has changed it"):
        writer.state()
    out.write_bytes(b"one\n")
    for again in (writer.state, writer.sync, lambda: writer.write(b"two\n")):
        with pytest.raises(ValueError, match="another program has changed it"):
            again()
    writer.close(True)
    assert out.read_bytes() == b"one\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
def test_a_line_is_written_completely_or_not(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    writer = event_writer.open_writer(str(out), b"one\n", in_place=True)

    def half(file: io.FileIO, data: bytes) -> None:
        file.write(data[:2])
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(event_writer, "write_all", half)
        with pytest.raises((KeyboardInterrupt, ValueError)):
            writer.write(b"two\n")
    assert out.read_bytes() == b"one\n"
    if isinstance(error, KeyboardInterrupt):
        writer.write(b"and\n")
        assert writer.state()["bytes"] == 8
        assert out.read_bytes() == b"one\nand\n"
    writer.close(True)


# ---- modes and devices ----


@pytest.mark.parametrize(
    "words",
    [
        [*LEARN, "--out", "private"],
        [*LEARN, "--checkpoint", "new", "--out", "private"],
        ["predict", "state", "s.csv", "--out", "private"],
        ["report", "--no-draw", "--results", ".", "--out", "private"],
    ],
)
def test_a_private_file_stays_private(
    words: Sequence[str], run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("private").write_text("old")
    Path("private").chmod(0o600)
    Path("cerg.jsonl").touch()  # no trials yet, but a folder of results
    assert main([*words]) == 0
    assert Path("private").read_text() != "old"
    assert stat.S_IMODE(Path("private").stat().st_mode) == 0o600
    assert not list(Path().glob(".*"))
    capsys.readouterr()


def test_a_checkpoint_that_is_replaced_stays_private(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import lethe

    Path(NEWEST).chmod(0o600)
    lethe.load(NEWEST).save(NEWEST)
    assert stat.S_IMODE(Path(NEWEST).stat().st_mode) == 0o600


def test_a_pipe_is_written(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("pipe")
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(Path("pipe").read_bytes()))
    thread.start()
    figures(["predict", "state", "s.csv", "--out", "pipe"], capsys)
    thread.join()
    assert got[0].count(b"\n") == 120
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)


def test_places_where_nothing_can_be_written(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("loop").symlink_to("loop")
    Path("nowhere").symlink_to("none/out")
    for out, why in (
        (".", "Is a directory"),
        ("s.csv/out", "Not a directory"),
        ("none/out", "No such file or directory"),
        ("nowhere", "No such file or directory"),
        ("loop", "Too many levels of symbolic links"),
        ("n" * 256, "File name too long"),
        ("/dev/full", "No space left on device"),
    ):
        for words in (LEARN, [*LEARN, "--checkpoint", "new"], ["predict", "state", "s.csv"]):
            if out != "/dev/full" or "--checkpoint" not in words:
                err = complaint([*words, "--out", out], capsys)
                assert f"--out {out} cannot be written: {why}" in err
    for command in (LEARN, ["predict", "state", "s.csv"]):
        assert "--out must name a file, got ''" in complaint([*command, "--out", ""], capsys)
    assert not list(Path().glob(".*"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("words", [["--version"], ["learn", "sine", "--limit", "40"]])
def test_a_standard_output_without_room(words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "lethe", *words]
        done = subprocess.run(
            command, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(
        "standard output cannot be written: No space left on device"
    )
    assert "Traceback" not in done.stderr
