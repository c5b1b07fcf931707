"""lethe learn and predict tell of alarms as they come; columns that are empty at first."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
from support.tables import complaint, figures, lines, start

from lethe.cli import main

SMALL = ["--cells", "4"]
LEAP, BACK = 900, 903


def row(n: int, empty: int = 1) -> dict[str, Any]:
    """A pump whose pressure is missing at first and leaps for some events."""
    pressure = None if n < empty else 99 if LEAP <= n < BACK else 10 + n % 3
    return {
        "at": f"2026-11-{1 + n // 1440:02}T{n // 60 % 24:02}:{n % 60:02}",
        "pressure": pressure,
        "flow": round(math.sin(n / 5), 3),
    }


def table(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        if path.suffix == ".csv":
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        else:
            file.writelines(f"{json.dumps(one)}\n" for one in rows)
    return path


@pytest.fixture
def pump(tmp_path: Path) -> Path:
    return table(tmp_path / "pump.csv", [row(n) for n in range(1100)])


def test_a_line_when_an_alarm_begins_and_one_when_it_ends(
    pump: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["learn", str(pump), "--target", "pressure", "--detect", *SMALL]) == 0
    printed = capsys.readouterr().out.splitlines()
    told = [line for line in printed if "alarm begins" in line or "alarm ends" in line]
    assert printed[: len(told)] == told  # before the figures
    assert told[0].startswith(f"line {LEAP + 2} (2026-11-01T15:00): alarm begins: pressure: spike")
    assert ": alarm ends: pressure: " in told[1]
    assert any(line.startswith(f"{len(told) // 2} alarm") for line in printed)


def test_alarms_as_objects(pump: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.jsonl"
    record = figures(["learn", pump, "--detect", *SMALL, "--out", out], capsys)
    leap = next(one for one in record["alarms"] if one["column"] == "pressure")
    assert leap["line"] == LEAP + 2
    assert leap["begin"] == LEAP + 1
    assert leap["actual"] == 99.0
    assert leap["words"].startswith("pressure: ")
    assert sum(record["alarm_kinds"].values()) >= len(record["alarms"])
    assert (record["rate"], record["cooldown"]) == (0.001, 0)
    written = lines(out)
    began = [one["line"] for one in written if (one["alarm"] or {}).get("state") == "begin"]
    assert began == [one["line"] for one in record["alarms"]]
    assert "line" not in written[LEAP]["alarm"]


def test_alarms_that_are_logged(pump: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["learn", str(pump), "--detect", *SMALL, "--out", "-", "--log-format", "json"]
    assert main(words) == 0
    captured = capsys.readouterr()
    assert all(line.startswith("{") for line in captured.out.splitlines())
    logged = [json.loads(line) for line in captured.err.splitlines() if line.startswith("{")]
    alarms = [line["alarm"] for line in logged if "alarm" in line]
    (begin, end) = [one for one in alarms if one["begin"] == LEAP + 1]
    assert (begin["state"], begin["end"], begin["line"]) == ("begin", None, LEAP + 2)
    assert (end["state"], end["line"]) == ("end", LEAP + 2)
    assert end["end"] > LEAP


def test_alarms_in_csv(pump: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.csv"
    figures(["learn", pump, "--detect", *SMALL, "--out", out, "--format", "csv"], capsys)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert rows[LEAP]["alarm"].startswith("begin: pressure: spike at event 901")
    assert rows[5]["alarm"] == ""


def test_without_detect_nothing_is_told(
    pump: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    record = figures(["learn", pump, *SMALL, "--out", out], capsys)
    assert "alarms" not in record
    assert "alarm" not in lines(out)[0]


def test_the_rate_and_the_cooldown_are_the_models(
    pump: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    words = ["learn", pump, "--detect", *SMALL, "--checkpoint", state]
    asked = ["--rate", "1/500", "--cooldown", "20"]
    record = figures([*words, *asked], capsys)
    assert (record["rate"], record["cooldown"]) == (0.002, 20)
    again = figures([*words, "--resume"], capsys)
    assert (again["rate"], again["cooldown"]) == (0.002, 20)
    message = complaint([*words, "--resume", "--rate", "0.01"], capsys)
    assert "--rate must be 0.002 as in the checkpoint" in message


@pytest.mark.parametrize("rate", ["x", "1/0", "1/x", "/"])
def test_a_rate_that_is_none(rate: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["learn", "sine", "--detect", "--rate", rate])
    assert "argument --rate: it must be a number or a fraction such as 1/1000" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("stop", [3, 30, LEAP + 2])
def test_a_resumed_run_tells_the_same(
    stop: int, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = table(tmp_path / f"pump.{suffix}", [row(n, 20) for n in range(1000)])
    words = ["learn", source, "--detect", *SMALL, "--horizon", "3"]
    whole = figures(words, capsys)
    halves = [*words, "--checkpoint", tmp_path / "state", "--resume"]
    figures([*halves, "--limit", str(stop)], capsys)
    resumed = figures(halves, capsys)
    same = ("targets", "alarms", "alarm_kinds", "anomalous", "most_anomalous", "scores")
    assert {name: resumed[name] for name in same} == {name: whole[name] for name in same}
    assert whole["targets"] == ["pressure", "flow"]


def test_predict_tells_of_alarms(
    pump: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, out = tmp_path / "state", tmp_path / "out.jsonl"
    figures(["learn", pump, *SMALL, "--limit", "800", "--checkpoint", state], capsys)
    words = ["predict", str(state), str(pump), "--skip", "800", "--detect"]
    assert main([*words, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert f"line {LEAP + 2} (2026-11-01T15:00): alarm begins: pressure: spike" in printed
    assert lines(out)[LEAP - 800]["alarm"]["state"] == "begin"
    record = figures([*words, "--out", tmp_path / "other.jsonl"], capsys)
    assert any(one["line"] == LEAP + 2 for one in record["alarms"])
    assert record["alarm_kinds"]


def test_a_first_row_without_any_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"pressure": None, "flow": None},
        *({"pressure": 1.0 + n, "flow": n} for n in range(50)),
    ]
    for suffix in ("csv", "jsonl"):
        record = figures(["learn", table(tmp_path / f"x.{suffix}", rows), *SMALL], capsys)
        assert record["targets"] == ["pressure", "flow"]
        assert record["events"] == 51
        assert [score["events"] for score in record["scores"]] == [49, 49]


def test_columns_that_never_come_or_hold_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {**row(n), "spare": None, "valve": "open" if n else None, "on": str(n > 5) if n else None}
        for n in range(150)
    ]
    for suffix in ("csv", "jsonl"):
        record = figures(["learn", table(tmp_path / f"x.{suffix}", rows), *SMALL], capsys)
        assert record["targets"] == ["pressure", "flow"]


def test_lines_have_a_column_from_its_first_number_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = table(tmp_path / "x.jsonl", [row(n, 4) for n in range(9)]), tmp_path / "out"
    figures(["learn", source, *SMALL, "--out", out], capsys)
    kinds = [type(line["prediction"]) for line in lines(out)]
    assert kinds == [float] * 4 + [dict] * 5
    figures(["learn", source, *SMALL, "--out", out, "--format", "csv"], capsys)
    assert len(list(csv.DictReader(out.read_text().splitlines()))) == 9


def test_a_pipe_whose_first_line_is_all_there_is(tmp_path: Path) -> None:
    process = start(["learn", "-", "--form", "csv", "--json", *SMALL], cwd=tmp_path, stdin=-1)
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(b"pressure,flow\n,1\n")
    process.stdin.flush()
    assert b"flow: number, target" in process.stderr.readline()  # the first event is learned
    out, _ = process.communicate(b"".join(b"%d,%d\n" % (n, n) for n in range(40)), timeout=60)
    assert json.loads(out)["targets"] == ["pressure", "flow"]
    assert process.returncode == 0
