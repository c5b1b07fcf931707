"""lethe learn on tables: what it predicts, prints, writes and goes on with, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.tables import complaint, figures, lines, start, write_csv

import lethe
from lethe.cli import main
from lethe.cli._support import event_writer
from lethe.data import BundledStream, RecordStream

SINE = ["learn", "sine", "--limit", "700"]
SMALL = ["--cells", "4"]


@pytest.fixture
def sine(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "sine.csv", 600)


def values(rows: int) -> np.ndarray:
    return np.array([record.event["value"] for record in BundledStream("sine", rows=rows)])


def test_figures_compared_with_the_naive_predictors(capsys: pytest.CaptureFixture[str]) -> None:
    record = figures([*SINE, *SMALL], capsys)
    assert record["events"] == 700
    assert record["targets"] == ["value"]
    (score,) = record["scores"]
    assert (score["target"], score["ahead"], score["events"]) == ("value", 1, 699)
    errors = score["mean_absolute_error"]
    y = values(700)
    means = np.cumsum(y)[:-1] / np.arange(1, 700)
    assert errors["last_value"] == pytest.approx(np.abs(np.diff(y)).mean())
    assert errors["mean"] == pytest.approx(np.abs(y[1:] - means).mean())
    # What was nearest to that time yesterday: at most one and a half steps away.
    day = [y[max(0, t - 288)] if t >= 287 else y[t - 1] for t in range(1, 700)]
    assert errors["same_time_last_period"] == pytest.approx(np.abs(y[1:] - day).mean())
    assert errors["model"] < errors["last_value"]
    assert score["ratio_to_naive"] == pytest.approx(
        errors["model"] / min(errors[name] for name in errors if name != "model")
    )
    assert record["microseconds_per_event"] > 0


def test_a_horizon_is_compared_at_both_ends(capsys: pytest.CaptureFixture[str]) -> None:
    words = [*SINE, *SMALL, "--target", "value", "--horizon", "5", "--period", "7"]
    one, five = figures(words, capsys)["scores"]
    assert (one["ahead"], five["ahead"]) == (1, 5)
    y = values(700)
    errors = five["mean_absolute_error"]
    assert five["events"] == 700 - 5
    assert errors["last_value"] == pytest.approx(np.abs(y[5:] - y[:-5]).mean())
    guesses = [y[t - 7] if t - 4 >= 7 else y[t - 5] for t in range(5, 700)]
    assert errors["same_time_last_period"] == pytest.approx(np.abs(y[5:] - guesses).mean())


def test_without_times_and_period_no_period_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("a\n" + "\n".join(map(str, range(50))))
    (score,) = figures(["learn", path, *SMALL], capsys)["scores"]
    assert "same_time_last_period" not in score["mean_absolute_error"]


def test_output_is_what_was_predicted_before_each_event(
    sine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    figures(["learn", sine, "--target", "value", "--horizon", "3", *SMALL, "--out", out], capsys)
    model = lethe.Model("value", horizon=3, cells=4)
    written = lines(out)
    assert len(written) == 600
    for record, line in zip(RecordStream(sine), written, strict=True):
        prediction = model.predict()
        report = model.learn(record.event)
        low, high = prediction.interval() if model.events > 1 else (-math.inf, math.inf)
        expected: dict[str, Any] = {
            "line": record.number,
            "prediction": prediction.value,
            "interval": [low, high] if math.isfinite(low) else [None, None],
            "forecast": list(prediction.forecast),
            "actual": record.event["value"],
            "anomaly": None if math.isnan(report.anomaly) else report.anomaly,
            "explanation": report.explanation,
        }
        assert line == expected


def test_output_as_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, other = tmp_path / "out.csv", tmp_path / "out.jsonl"
    words = ["learn", "machine", "--limit", "300", "--horizon", "2", *SMALL]
    figures([*words, "--out", table, "--format", "csv"], capsys)
    figures([*words, "--out", other], capsys)
    rows = list(csv.DictReader(table.read_text().splitlines()))
    for row, line in zip(rows, lines(other), strict=True):
        assert int(row["line"]) == line["line"]
        for name in ("load", "temperature"):
            assert float(row[f"{name}.prediction"]) == line["prediction"][name]
            assert float(row[f"{name}.ahead_2"]) == line["forecast"][name][1]
            low = line["interval"][name][0]
            assert row[f"{name}.low"] == ("" if low is None else repr(low))
            actual = line["actual"][name]
            assert row[f"{name}.actual"] == ("" if actual is None else repr(actual))
        assert row["explanation"] == line["explanation"]


def test_one_number_needs_no_prefix(sine: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert main(["learn", str(sine), *SMALL, "--out", str(out), "--format", "csv"]) == 0
    header = out.read_text().splitlines()[0]
    assert header == "line,prediction,low,high,actual,anomaly,explanation"


def test_all_forms_give_the_same_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [record.event for record in BundledStream("machine", rows=200)]
    write_csv(tmp_path / "m.csv", 200, "machine")
    (tmp_path / "m.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    expected = figures(["learn", "machine", "--limit", "200", *SMALL], capsys)["scores"]
    for name in ("m.csv", "m.jsonl"):
        assert figures(["learn", tmp_path / name, *SMALL], capsys)["scores"] == expected
    stdin = SimpleNamespace(buffer=io.BytesIO((tmp_path / "m.csv").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    words = ["learn", "-", "--form", "csv", *SMALL]
    assert figures(words, capsys)["scores"] == expected


def test_parquet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reason = "reads a Parquet file"
    arrow = pytest.importorskip("pyarrow", reason=reason)
    parquet = pytest.importorskip("pyarrow.parquet", reason=reason)
    events = [record.event for record in BundledStream("machine", rows=200)]
    parquet.write_table(arrow.Table.from_pylist(events), tmp_path / "m.parquet")
    expected = figures(["learn", "machine", "--limit", "200", *SMALL], capsys)["scores"]
    assert figures(["learn", tmp_path / "m.parquet", *SMALL], capsys)["scores"] == expected


def test_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.jsonl"
    words = ["learn", "machine", "--limit", "900", "--target", "state", "--classify", *SMALL]
    (score,) = figures([*words, "--out", out], capsys)["scores"]
    states = [record.event["state"] for record in BundledStream("machine", rows=900)]
    same = np.mean([a == b for a, b in pairwise(states)])
    assert score["events"] == 899
    assert score["accuracy"]["last_class"] == pytest.approx(same)
    assert score["log_loss"]["model"] < score["log_loss"]["most_frequent_class"]
    last = lines(out)[-1]
    assert last["prediction"] == last["actual"] == "idle"
    assert sum(last["probabilities"].values()) + last["new"] == pytest.approx(1)
    assert main([*words, "--out", str(out), "--format", "csv"]) == 0
    assert "log-loss" in capsys.readouterr().out
    header = "line,prediction,probability,new,actual,anomaly,explanation"
    assert out.read_text().splitlines()[0] == header


def test_detecting_names_the_anomalies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_csv(tmp_path / "sine.csv", 1500)
    text = path.read_text().splitlines()
    time_, _ = text[1200].split(",")
    text[1200] = f"{time_},99.5"
    path.write_text("\n".join(text))
    record = figures(["learn", path, "--detect", *SMALL], capsys)
    assert record["horizon"] == 1
    assert record["most_anomalous"][0]["line"] == 1201
    assert "99.5" in record["most_anomalous"][0]["explanation"]
    assert record["anomalous"]["0.99"] >= record["anomalous"]["0.999"] >= 1
    assert main(["learn", str(path), "--detect", "--target", "value", *SMALL]) == 0
    assert "  line 1201: 0.99" in capsys.readouterr().out


def test_words_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SINE, *SMALL]) == 0
    out = capsys.readouterr().out
    assert "700 events of sine" in out
    assert "same time last period" in out
    assert "% lower than that of the" in out


def test_who_loses_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "coin.csv"
    random = np.random.default_rng(0)
    path.write_text("a\n0\n0\n0\n0\n" + "\n".join(map(str, random.standard_cauchy(20).tolist())))
    main(["learn", str(path), "--target", "a", "--horizon", "1"])
    out = capsys.readouterr().out
    assert ("HIGHER than that of the" in out) or ("lower than" in out)
    from lethe.cli._support.tables import scores_text
    from lethe.evaluate.naive import NumberScores

    scores = NumberScores(["a"], 1, None)
    for actual in (1.0, 2.0, 3.0):
        scores.update((-5.0,), [actual])
    assert "HIGHER than that of the last value" in scores_text(scores)


def test_standard_output_has_the_events_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SINE, *SMALL, "--out", "-"]) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["line"] for line in out.splitlines()] == list(range(1, 701))
    assert "700 events of sine" in err


WRONG = [
    (["--target", "flow"], "line 2: --target must be one of its columns (time, value), got 'flow'"),
    (["--time", "when"], "line 2: --time must be one of its columns (time, value), got 'when'"),
    (["--target", "value,"], "--target must be names of columns"),
    (["--target", "value", "--target", "value"], "--target must name each column once"),
    (["--classify"], "--classify needs one --target, the column of the class, got 0"),
    (["--classify", "--target", "a,b"], "--classify needs one --target"),
    (["--horizon", "0"], "--horizon must be at least 1 without a target, got 0"),
    (["--horizon", "5000", "--target", "value"], "--horizon must be a whole number from 0 to"),
    (["--period", "0"], "--period must be a whole number from 1 to"),
    (["--period", "7,x"], "--period must be one whole number or two, got '7,x'"),
    (["--period", "7,8", "--period", "9"], "--period must be one whole number or two"),
    (["--cells", "0"], "--cells must be at least 1, got 0"),
    (["--limit", "0"], "--limit must be at least 1, got 0"),
    (["--skip", "-1"], "--skip must be at least 0, got -1"),
    (["--skip", "601"], "skip must be at most the 600 records"),
    (["--every", "5"], "--every needs --checkpoint"),
    (["--resume"], "--resume needs --checkpoint"),
    (["--checkpoint", "{folder}/state", "--every", "0"], "--every must be a number of events"),
    (["--format", "csv"], "--format needs --out"),
    (["--detect", "--update", "sgd"], "--detect is for tables of records, --update for text"),
    (["--target", "value", "--rate", "0.1"], "is for tables of records, --rate for text"),
    (["--detect", "--rate", "0.2"], "--rate must be at least 1e-09 and at most 0.1, got 0.2"),
    (["--detect", "--cooldown", "-1"], "--cooldown must be"),
    (["--cooldown", "5"], "--cooldown needs --detect"),
    (["--out", "{folder}/none/out"], "/none/out cannot be written: No such file or directory"),
    (["--out", "{folder}"], "cannot be written"),
    (["--form", "jsonl"], "line 1: a line must be one JSON object"),
]


@pytest.mark.parametrize(("words", "named"), WRONG)
def test_wrong_arguments(
    words: Sequence[str],
    named: str,
    sine: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [word.format(folder=tmp_path) for word in words]
    assert named in complaint(["learn", sine, *given], capsys)


def test_records_need_a_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--detect needs SOURCE" in complaint(["learn", "--detect"], capsys)
    assert "--follow needs SOURCE" in complaint(["learn", "--follow"], capsys)
    assert "must be readable" in complaint(["learn", "missing.csv"], capsys)


BAD_LINES = [
    ("2024-01-09 00:00:00,1,2", "line 401: a row must have 2 cells (time, value), got 3"),
    ("2024-01-09 00:00:00,high", "line 401: column 'value' must be a number, got 'high'"),
    ("soon,1", "line 401: column 'time' must be a time (ISO 8601 or seconds), got 'soon'"),
    ("2024-01-09 00:00:00,\x00", "line 401: a line must be text, got a NUL byte"),
    ("2024-01-09 00:00:00,inf", "line 401: column 'value' must be a number within ±1e+150"),
]


def with_bad_line(sine: Path, bad: str) -> None:
    text = sine.read_text().splitlines()
    sine.write_text("\n".join([*text[:400], bad, *text[400:]]) + "\n")


@pytest.mark.parametrize(("bad", "named"), BAD_LINES)
def test_a_bad_line_ends_the_run_and_writes_nothing(
    bad: str, named: str, sine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_bad_line(sine, bad)
    out = tmp_path / "out.jsonl"
    out.write_text("old")
    err = complaint(["learn", sine, *SMALL, "--target", "value", "--out", out], capsys)
    assert f"{sine} {named}" in err
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "sine.csv"]


@pytest.mark.parametrize(("bad", "named"), BAD_LINES)
def test_a_bad_line_is_skipped_and_counted(
    bad: str, named: str, sine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["learn", sine, "--bad", "skip", "--target", "value", "--horizon", "1", *SMALL]
    clean = figures(words, capsys)
    with_bad_line(sine, bad)
    record = figures(words, capsys)
    assert record["skipped"] + record["unreadable"] == 1
    assert record["scores"] == clean["scores"]


def test_absurd_numbers_can_count_as_missing(
    sine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_bad_line(sine, "2024-01-09 00:00:00,-1e308")
    out = tmp_path / "out.jsonl"
    record = figures(["learn", sine, "--bad", "missing", *SMALL, "--out", out], capsys)
    assert record["events"] == 601
    assert record["scores"][0]["events"] == 599
    assert lines(out)[399]["actual"] == -1e308


def test_lines_of_json_name_their_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.jsonl"
    for bad, named in (
        ('{"level": 2, "flow": 1}', "line 3: an object must have the columns of the first (level)"),
        ('{"level": [2]}', "line 3: column 'level' must be a number, text, true, false or null"),
        ("level", "line 3: a line must be one JSON object, got 'level'"),
        ('{"level": "high"}', "line 3: column 'level' must be a number, got 'high'"),
    ):
        path.write_text(f'{{"level": 1}}\n{{"level": 1}}\n{bad}\n')
        assert f"{path} {named}" in complaint(["learn", path, *SMALL], capsys)


def test_a_full_disk_is_one_line_and_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: io.FileIO, data: bytes) -> None:
        if file.tell() > 5000:
            raise OSError(28, "No space left on device")
        file.write(data)

    monkeypatch.setattr(event_writer, "write_all", full)
    out = tmp_path / "out.jsonl"
    err = complaint([*SINE, *SMALL, "--out", out], capsys)
    assert err == f"lethe learn: --out {out} cannot be written: No space left on device\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_device_that_is_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    err = complaint([*SINE, *SMALL, "--out", "/dev/full"], capsys)
    assert "--out /dev/full cannot be written: No space left on device" in err
    words = [*SINE, *SMALL, "--out", "/dev/full", "--checkpoint", tmp_path / "state"]
    assert "--out /dev/full must be a regular file" in complaint(words, capsys)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_followed_until_interrupted(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "s.csv", 50)
    out, state = tmp_path / "out.jsonl", tmp_path / "state"
    words = ["learn", source, *SMALL, "--follow", "--out", out, "--checkpoint", state, "--json"]
    process = start(words)
    try:
        wait_for(lambda: out.exists() and out.read_bytes().count(b"\n") == 50)
        write_csv(source, 30, first=50)
        wait_for(lambda: out.read_bytes().count(b"\n") == 80)
        process.send_signal(signal.SIGINT)
        printed, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    newest = state / "000000000080.safetensors"
    advice = f"; {newest} holds the state so far, --resume continues it\n"
    assert err.decode().splitlines(keepends=True)[-1] == f"lethe learn: interrupted{advice}"
    assert json.loads(printed)["events"] == 80
    assert lethe.load(newest).events == 80


def wait_for(condition: Any) -> None:
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def test_two_periods_and_holidays_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("holidays")
    words = [*SINE, *SMALL, "--target", "value", "--period", "28,7", "--holidays", "US-CA"]
    state = ["--checkpoint", str(tmp_path), "--resume"]
    record = figures([*words, *state], capsys)
    assert (record["period"], record["holidays"]) == ([7, 28], "US-CA")
    (score,) = record["scores"]
    assert "same_time_last_period" in score["mean_absolute_error"]
    words[words.index("700")] = "900"
    assert figures([*words, *state], capsys)["events"] == 900
    whole = figures(words, capsys)
    assert figures([*words[:4], *state], capsys)["scores"] == whole["scores"]
    assert complaint([*words[:4], *state, "--period", "7"], capsys)
    assert complaint([*words[:4], *state, "--holidays", "DE"], capsys)


def test_an_unknown_country_and_no_package(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*SINE, *SMALL, "--holidays"]
    monkeypatch.setitem(sys.modules, "holidays", None)
    assert 'pip install "lethe-ml[holidays]"' in complaint([*words, "FR"], capsys)
    monkeypatch.undo()
    pytest.importorskip("holidays")
    assert "--holidays must be a country ('DE')" in complaint([*words, "XX"], capsys)
