"""What a long run says of errors and skipped lines, its status, and models it continues."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from support.long_runs import newest, until, written
from support.tables import complaint, figures, start, write_csv

import lethe
from lethe.cli import main

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends signals as POSIX systems do")

SMALL = ["--cells", "2", "--target", "value"]
SAVED = [*SMALL, "--checkpoint", "state", "--out", "out"]


def test_an_error_saves_what_was_learned_before_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = write_csv(tmp_path / "s.csv", 90).read_text().splitlines(keepends=True)
    for bad in ("2024-01-01 01:00,high\n", "1,2,3\n"):
        shutil.rmtree("state", ignore_errors=True)
        Path("s.csv").write_text("".join([*text[:61], bad, *text[61:]]))
        assert main(["learn", "s.csv", *SAVED]) == 2
        assert "s.csv line 62: " in capsys.readouterr().err
        found = newest(Path("state"))
        assert (found["events"], found["position"]["line"]) == (60, 61)
        Path("s.csv").write_text("".join(text))
        assert figures(["learn", "s.csv", *SAVED, "--resume"], capsys)["events"] == 90
        assert written(Path("out")) == 90


def test_bad_lines_can_be_skipped_from_now_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = write_csv(tmp_path / "s.csv", 90).read_text().splitlines(keepends=True)
    Path("s.csv").write_text("".join([*text[:61], "2024-01-01 01:00,high\n", "junk\n", *text[61:]]))
    assert main(["learn", "s.csv", *SAVED]) == 2
    capsys.readouterr()
    found = figures(["learn", "s.csv", *SAVED, "--resume", "--bad", "skip"], capsys)
    assert (found["events"], found["skipped"], found["unreadable"]) == (90, 1, 1)
    again = figures(["learn", "s.csv", *SAVED, "--resume"], capsys)  # which is kept
    assert again["bad"] == "skip"
    assert written(Path("out")) == 90


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_output_that_was_moved_away_begins_again(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["learn", "s.csv", *SAVED, "--format", form]
    source = write_csv(tmp_path / "s.csv", 40)
    assert main(words) == 0
    Path("out").rename("out.1")
    write_csv(source, 20, first=40)
    capsys.readouterr()
    assert main([*words, "--resume", "--limit", "41"]) == 0
    assert "warning: --out out holds nothing: a new one begins" in capsys.readouterr().err
    assert main([*words, "--resume"]) == 0
    header = form == "csv"
    assert written(Path("out.1")) == 40 + header
    assert written(Path("out")) == 20 + header


def test_another_file_has_a_checkpoint_at_once(tmp_path: Path) -> None:
    """The file before may be compressed or removed the next moment."""
    source = write_csv(tmp_path / "s.csv", 50)
    process = start(["learn", "s.csv", *SAVED, "--follow", "--every", "1h"], cwd=tmp_path)
    try:
        until(lambda: written(tmp_path / "out") == 50, process)
        source.unlink()
        source.write_text("time,value\n" + "2024-06-01 00:00,9.5\n" * 3)
        until(lambda: written(tmp_path / "out") == 53, process)
        until((tmp_path / "state" / "000000000051.safetensors").exists, process)
    finally:
        process.kill()
        process.communicate()


def test_a_day_that_is_gone_starts_no_other_day_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for day in range(1, 4):
        write_csv(tmp_path / f"day{day}.csv", 20 + day)
    assert main(["learn", "day*.csv", *SAVED]) == 0
    Path("day3.csv").unlink()
    write_csv(tmp_path / "day10.csv", 5)
    resumed = ["learn", "day*.csv", *SAVED, "--resume"]
    capsys.readouterr()
    assert "--resume-from" in complaint(resumed, capsys)
    assert main([*resumed, "--resume-from", "start"]) == 0
    out, err = capsys.readouterr()
    assert "71 events" in out
    assert "warning: " in err
    assert "day10.csv is read from its start" in err


def test_a_status_of_a_run_that_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    complaint(["learn", "missing.csv", *SMALL, "--status", "status"], capsys)
    found = json.loads(Path("status").read_text())
    assert found["state"] == "failed"
    assert "missing.csv" in found["error"]


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    write_csv(tmp_path / "s.csv", 3000)
    process = start(["learn", "s.csv", *SMALL, "--out", "-"], cwd=tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert b"nobody reads what --out - writes any more" in err


def test_nothing_that_can_be_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.jsonl").write_text('{"a": 1, "y": "high"}\n' * 9)
    assert main(["learn", "s.jsonl", "--target", "y", "--bad", "skip", "--cells", "2"]) == 2
    assert "no event could be learned: s.jsonl line 1: " in capsys.readouterr().err


def test_skipped_lines_come_with_their_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = write_csv(tmp_path / "s.csv", 30).read_text().splitlines(keepends=True)
    Path("s.csv").write_text("".join([*text[:9], "1,2,3\n", *text[9:], "2024-01-01 09:00,inf\n"]))
    assert main(["learn", "s.csv", *SMALL, "--bad", "skip"]) == 0
    out, err = capsys.readouterr()
    assert "1 events skipped, 1 unreadable lines skipped" in out
    for said in (out, err):
        assert "s.csv line 10: a row must have 2 cells (time, value), got 3" in said
        assert "s.csv line 33: column 'value' must be a number" in said
    found = figures(["learn", "s.csv", *SMALL, "--bad", "skip"], capsys)
    assert (found["skipped"], found["unreadable"], len(found["reasons"])) == (1, 1, 2)


def test_nothing_that_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.csv").write_text("a,note,value\n" + '1,"broken\nline",2\n' * 20)
    assert main(["learn", "s.csv", *SMALL, "--bad", "skip"]) == 2
    assert "a quoted cell must end on its line" in capsys.readouterr().err


def test_the_first_line_says_how_each_column_is_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.csv").write_text(
        "time,pump,value,spare\n" + "2024-01-01 00:00,on,1.5,\n2024-01-01 00:05,off,2.5,\n" * 5
    )
    assert main(["learn", "s.csv", *SMALL]) == 0
    said = "s.csv: time: time · pump: category · value: number, target · spare: no value yet"
    assert capsys.readouterr().err == f"lethe learn: {said}\n"
    assert main(["learn", "s.csv", *SMALL, "--log-format", "json"]) == 0
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["message"], line["source"]) == ("info", said, "s.csv")
    assert line["columns"]["value"] == ["number", "target"]
    assert main(["learn", "s.csv", *SMALL, "--log-level", "warning"]) == 0
    assert capsys.readouterr().err == ""


def test_errors_are_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "missing.csv", "--log-format", "json"]) == 2
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["command"]) == ("error", "learn")
    assert "missing.csv" in line["message"]


def test_the_status_file(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "s.csv", 60)
    words = ["learn", "s.csv", *SAVED, "--follow", "--status", "status", "--detect"]
    process = start(words, cwd=tmp_path)
    status = tmp_path / "status"

    def says(state: str, events: int) -> bool:
        if not status.exists():
            return False
        found = json.loads(status.read_text())
        return bool(found["state"] == state and found["events"] == events)

    try:
        until(lambda: says("waiting", 60), process)
        found = json.loads(status.read_text())
        assert found["pid"] == process.pid
        assert (found["lag_bytes"], found["source"], found["skipped"]) == (0, "s.csv", 0)
        assert found["scores"][0]["target"] == "value"
        assert found["anomalous"].keys() == {"0.99", "0.999"}
        assert found["checkpoint"]["file"].startswith("state/0000000000")
        write_csv(source, 10, first=60)
        until(lambda: says("waiting", 70), process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert says("stopped", 70)
    assert json.loads(status.read_text())["checkpoint"]["events"] == 70


@pytest.mark.parametrize(
    "name", ["s.csv", "link.csv", "out", "state/.lock", "state/mine.safetensors"]
)
def test_the_status_file_is_no_other(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = write_csv(tmp_path / "s.csv", 60).read_text()
    os.link("s.csv", "link.csv")
    Path("state").mkdir()
    lethe.Model("value", cells=2).save("state/mine.safetensors")
    assert "--status" in complaint(["learn", "s.csv", *SAVED, "--status", name], capsys)
    assert Path("s.csv").read_text() == text


def test_a_model_that_the_api_saved_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "s.csv", 60)
    model = lethe.Model("value", cells=2)
    for n in range(40):
        model.learn({"time": f"2024-01-01 00:{n:02}", "value": float(n % 7)})
    Path("state").mkdir()
    model.save("state/mine.safetensors")
    words = ["learn", "s.csv", "--checkpoint", "state", "--resume"]
    assert figures(words, capsys)["events"] == 100
    assert Path("state/000000000100.safetensors").exists()
    assert Path("state/mine.safetensors").exists()
    assert figures(words, capsys)["events"] == 100
    write_csv(tmp_path / "s.csv", 5, first=60)
    assert figures(words, capsys)["events"] == 105
    assert main(["info", "state"]) == 0


def test_a_saved_model_may_skip_bad_lines_from_now_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = write_csv(tmp_path / "s.csv", 20).read_text()
    Path("s.csv").write_text(f"{text}junk\n")
    model = lethe.Model("value", cells=2)
    model.learn({"time": "2024-01-01 00:00", "value": 1.0})
    Path("state").mkdir()
    model.save("state/mine.safetensors")
    words = ["learn", "s.csv", "--checkpoint", "state", "--resume", "--bad", "skip"]
    assert figures(words, capsys)["unreadable"] == 1


def test_a_text_of_several_files_by_a_pattern(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They begin alike: what tells them apart is the name in the checkpoint."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "b.txt"):
        Path(name).write_bytes(b"the same licence " * 5)
    words = ["learn", "*.txt", "--layers", "1", "--cells", "2", "--checkpoint", "state"]
    assert figures(words, capsys)["symbols"] == 170
    with Path("b.txt").open("ab") as file:
        file.write(b"more")
    assert figures([*words, "--resume"], capsys)["symbols"] == 174


def test_a_network_that_the_api_saved_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.txt").write_bytes(b"to forget " * 40)
    net = lethe.Network(
        lethe.Topology(inputs=256, outputs=256, blocks=3, output_units="softmax"),
        update=lethe.Adam(0.01),
    )
    for symbol in b"to remember ":
        net.step(symbol)
    Path("state").mkdir()
    net.save("state/mine.safetensors")
    words = ["learn", "s.txt", "--checkpoint", "state", "--resume"]
    assert figures(words, capsys)["symbols"] == 400
    assert Path("state/000000000412.safetensors").exists()
    assert figures(words, capsys)["symbols"] == 400
    assert main(["sample", "state", "--length", "5"]) == 0


def test_a_checkpoint_of_another_kind_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "s.csv", 10)
    model = lethe.Model(task="symbols", cells=2)
    model.learn("a")
    model.save("mine.safetensors")
    words = ["learn", "s.csv", "--checkpoint", "mine.safetensors", "--resume"]
    assert "put it into a folder of its own" in complaint(words, capsys)
    Path("state").mkdir()
    shutil.move("mine.safetensors", "state")
    assert "one of symbols" in complaint(
        ["learn", "s.csv", *SMALL, "--checkpoint", "state", "--resume"], capsys
    )


def test_the_bundled_text_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["learn", "--layers", "1", "--cells", "2", "--checkpoint", "state", "--resume"]
    assert figures([*words, "--limit", "300"], capsys)["symbols"] == 300
    found = figures([*words, "--limit", "500"], capsys)
    whole = figures(["learn", "--layers", "1", "--cells", "2", "--limit", "500"], capsys)
    assert found["bits_per_symbol"] == whole["bits_per_symbol"]


def test_seeds_of_many_bits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "s.csv", 20)
    assert main(["learn", "s.csv", *SAVED, "--seed", str(2**128 - 1)]) == 0
    assert main(["learn", "s.csv", *SAVED, "--resume"]) == 0
    capsys.readouterr()
    assert "--seed must be at most" in complaint(["learn", "s.csv", "--seed", str(2**128)], capsys)
