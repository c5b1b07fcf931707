"""Lines on standard error, as text and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from lethe.cli._support.log import LOG, logging_to_stderr


def say() -> None:
    LOG.info("%s: %s", "s.csv", "flow: number", extra={"fields": {"source": "s.csv"}})
    LOG.warning("a line\nof \x1b[2J two")
    LOG.error("no")


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr("learn"):
        say()
    assert capsys.readouterr().err.splitlines() == [
        "lethe learn: s.csv: flow: number",
        "lethe learn: warning: a line of \\x1b[2J two",
        "lethe learn: no",
    ]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr("learn", "json"):
        say()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["level"] for line in lines] == ["info", "warning", "error"]
    assert lines[0]["source"] == "s.csv"
    assert lines[1]["message"] == "a line of \\x1b[2J two"
    assert {line["command"] for line in lines} == {"learn"}
    at = datetime.fromisoformat(lines[0]["time"])
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60


@pytest.mark.parametrize(("level", "count"), [("info", 3), ("warning", 2), ("error", 1)])
def test_levels(level: str, count: int, capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr("learn", level=level):  # type: ignore[arg-type]
        say()
    assert len(capsys.readouterr().err.splitlines()) == count


def test_nothing_is_left() -> None:
    before = list(LOG.handlers), LOG.level
    with logging_to_stderr("learn", level="error"):
        assert len(LOG.handlers) == len(before[0]) + 1
    assert (LOG.handlers, LOG.level) == before
