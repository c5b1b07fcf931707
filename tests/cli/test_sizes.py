"""Whatever a file holds, a command takes time and memory in proportion to it, or says one line."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import pytest

from lethe.cli import main
from lethe.experiments import results

MB = 1_000_000
FEW = ["--cells", "2", "--target", "y"]

#: Sources of about a megabyte, and what is said of them; None where they are learned.
SOURCES = {
    "digits.csv": (f"a,y\n{'1' * 400_000}x,2\n" + "1,3\n" * 5, None),
    "number.csv": (f"a,y\n{'1' * 900_000},2\n1,2\n", "must be a number within"),
    "fraction.csv": (f"a,y\n0.{'1' * 900_000},2\n1,2\n", None),
    "names.csv": (f"{','.join(f'c{n}' for n in range(100_000))},c7\n1\n", "at most 10,000 columns"),
    "commas.csv": ("," * MB + "\n1\n", "at most 10,000 columns, got 1,000,001"),
    "cells.csv": ("a,y\n" + "," * MB + "\n", "a row must have 2 cells (a, y), got 1000001"),
    "quotes.csv": ("a,y\n" + '"' * MB + "\n", "a cell must be at most 131,072 characters"),
    "line.csv": ("a,y\n" + "x" * 2 * MB + "\n", "a line must be at most 1,048,576 bytes"),
    "line.jsonl": ('{"y": "' + "x" * 2 * MB + '"}\n', "a line must be at most 1,048,576 bytes"),
    "deep.jsonl": ("[" * MB + "\n", "at most 10,000 columns of one value each"),
    "nested.jsonl": ('{"y":' * 200_000 + "\n", "at most 10,000 columns of one value each"),
    "lists.jsonl": ('{"y":[' + "[]," * 300_000 + "1]}\n", "of one value each"),
    "keys.jsonl": (json.dumps({f"{n}": 1 for n in range(70_000)}) + "\n", "at most 10,000 columns"),
    "integer.jsonl": ('{"y":1,"a":' + "9" * MB + "}\n", "must be a number within"),
    "name.csv": ("a,y," + "n" * 900_000 + "\n1,2,3\n", "must have at most 1,000 characters"),
    "name.jsonl": ('{"y":1,"' + "n" * 900_000 + '":1}\n', "must have at most 1,000 characters"),
    "other.jsonl": ('{"y":1}\n{"y":1,"' + "n" * 900_000 + '":1}\n', "of the first (y), got 'nnn"),
    "array.jsonl": ('{"' + "n" * 900_000 + '":[]}\n', "must be a number, text"),
    "blanks.jsonl": ('{"y":1}' + " " * MB + '\n{"y":2}\n', None),
    "lines.csv": ("a,y\n1,2\n" + "\n" * MB, None),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    text, expected = SOURCES[name]
    Path(name).write_text(text, encoding="utf-8")
    main(["learn", "sine", "--limit", "2", "--cells", "2"])  # what is imported at the first event
    capsys.readouterr()
    tracemalloc.start()
    try:
        code = main(["learn", name, *FEW])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    said = capsys.readouterr().err
    assert (code, expected is None) in ((0, True), (2, False)), said
    assert (expected or "") in said
    assert all(len(line) < 500 for line in said.splitlines())
    assert peak < 50 * MB


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[" * 10_000 + "\n", "line 1 of the results file results/erg.jsonl is no record"),
        ("[" * MB + "\n", "line 1 of the results file results/erg.jsonl must be at most 65,536"),
        ("[]\n", "is no record"),
        ('{"seed": NaN}\n', "is no record"),
        ("9" * 5000 + "\n", "is no record"),
        ("\n" * (2 * MB + 1), "must be at most 2,000,000 bytes, got more"),
    ],
    ids=lambda text: text[:8],
)
@pytest.mark.parametrize("command", ["report", "reproduce"])
def test_results(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
    expected: str,
    command: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(results, "MOST_BYTES", 2 * MB)
    Path("results").mkdir()
    Path("results/erg.jsonl").write_text(content, encoding="utf-8")
    words = {
        "report": ["report", "--results", "results", "--no-draw"],
        "reproduce": ["reproduce", "erg", "--resume", "--out", "results"],
    }
    assert main(words[command]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("name", ["erg.jsonl", "bench.json"])
def test_results_that_are_a_pipe_are_not_waited_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes")
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    os.mkfifo(Path("results") / name)
    assert main(["report", "--results", "results", "--no-draw"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
