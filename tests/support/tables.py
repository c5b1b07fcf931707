"""Small tables as files, and the command on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import lethe
from lethe.cli import main
from lethe.data import BundledStream

#: So that a command given in another folder runs this very package.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(lethe.__file__).parent.parent)}


def write_csv(path: Path, rows: int, series: str = "sine", first: int = 0) -> Path:
    """A bundled series as CSV, from row `first` on; without rows before it there is a header."""
    stream = BundledStream(series, rows=first + rows, skip=first)
    with path.open("a" if first else "w", encoding="utf-8") as file:
        if not first:
            print(*stream.columns, sep=",", file=file)
        for record in stream:
            values = ("" if value is None else value for value in record.event.values())
            print(*values, sep=",", file=file)
    return path


def figures(
    words: Sequence[object], capsys: pytest.CaptureFixture[str], code: int = 0
) -> dict[str, Any]:
    """What a command prints with ``--json``."""
    assert main([*map(str, words), "--json"]) == code
    out, err = capsys.readouterr()
    assert all(line.startswith(f"lethe {words[0]}: ") for line in err.splitlines())
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def complaint(words: Sequence[object], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which a command refuses, after those that say what it does."""
    assert main([*map(str, words)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    *before, last = err.splitlines(keepends=True)
    assert all(line.startswith(f"lethe {words[0]}: ") for line in (*before, last))
    return last


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def start(words: Sequence[object], **options: Any) -> subprocess.Popen[bytes]:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "lethe", *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=pipe, stderr=pipe, **options)
