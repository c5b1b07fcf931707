"""The bars of ``lethe reproduce``: all trials, and each that runs now."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lethe.cli._support import trials_progress as module
from lethe.cli._support.log import logging_to_stderr
from lethe.cli._support.trials_progress import _display, trials_progress
from lethe.experiments import Task

TASK = Task("cerg", "forget_gates", 17, None)  # type: ignore[arg-type]


def until(shown: Callable[[], bool]) -> None:
    """Wait for another thread."""
    waited = time.monotonic() + 60
    while not shown():
        assert time.monotonic() < waited
        time.sleep(0.01)


@pytest.mark.parametrize("rich", [True, False], ids=["bars", "words"])
def test_a_terminal_shows_each_trial_that_runs_until_it_ends(
    rich: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("TERM", "xterm")
    if rich:
        pytest.importorskip("rich")
    else:
        monkeypatch.setitem(sys.modules, "rich.progress", None)
    shown = ""

    def shows(*words: str) -> bool:
        nonlocal shown
        shown += capsys.readouterr().err
        return all(word in shown for word in words)

    with trials_progress("cerg", 20, 4) as progress:
        until(lambda: shows("cerg", "20 trials"))
        assert progress.folder is not None
        line = progress.folder / "forget_gates-17"
        line.write_text('["forget_gates", 17, 12300, 30000, "streams"]')
        until(lambda: shows("forget_gates seed 17", "12,300/30,000 streams"))
        line.unlink()
        shown = ""
        progress.finished(TASK)
        until(lambda: shows("cerg forget_gates", "5/20" if rich else "5 of 20"))
        assert "12,300" not in shown
    assert not progress.folder.exists()


def test_the_folder_may_be_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with _display("cerg", 20, 4) as display:
        display.look(tmp_path / "gone")
        display.finished(TASK)
    assert "5 of 20 trials" in capsys.readouterr().err


def test_elsewhere_nothing_is_shown_or_written(capsys: pytest.CaptureFixture[str]) -> None:
    with trials_progress("cerg", 20, 4) as progress:
        progress.finished(TASK)
    assert progress.folder is None
    assert capsys.readouterr().err == ""


def test_trials_on_other_machines_are_counted_when_they_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with trials_progress("cerg", 20, 4, here=False) as progress:
        progress.finished(TASK)
        assert progress.folder is None
    assert "5 of 20 trials" in capsys.readouterr().err


def test_a_log_shows_life(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "LOG_SECONDS", 0.0)
    with logging_to_stderr("reproduce"), trials_progress("cerg", 20, 4) as progress:
        progress.finished(TASK)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "lethe reproduce: cerg forget_gates: 5 of 20 trials\n")


def test_eighty_columns_hold_the_times(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rich")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    with trials_progress("cerg", 20, 4) as progress:
        assert progress.folder is not None
        line = progress.folder / "forget_gates_undecayed_partials-17"
        line.write_text('["forget_gates_undecayed_partials", 17, 12300, 30000, "streams"]')
        shown = ""

        def shows() -> bool:
            nonlocal shown
            shown += capsys.readouterr().err
            return "12,300/30,000 streams," in shown

        until(shows)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert re.search(r"streams, \d:\d\d:\d\d elapsed, [-:\d]{7} at most", plain)
