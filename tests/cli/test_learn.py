"""lethe learn: what it prints, and what it says about wrong input."""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import lethe
from lethe.cli import main
from lethe.cli._support import text_run
from lethe.cli.learn import text_topology
from lethe.data import TextStream, topics
from lethe.evaluate.prequential import Score, Tally, predict_symbols

SMALL = ["--layers", "1", "--cells", "8", "--json"]


def last_object(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert isinstance(record, dict)
    return record


def test_default_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "--symbols", "--limit", "3000", *SMALL]) == 0
    record = last_object(capsys)
    assert record["symbols"] == 3000
    assert isinstance(record["bits_per_symbol"], float)
    assert 2.0 < record["bits_per_symbol"] < 8.0
    assert isinstance(record["microseconds_per_symbol"], float)
    assert record["microseconds_per_symbol"] > 0
    expected = {"seed", "version", "dtype", "instruction_set", "layers", "cells", "update"}
    assert expected <= record.keys()


def test_learns_a_repetition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text"
    text.write_bytes(b"to forget " * 600)
    assert main(["learn", str(text), "--symbols", *SMALL]) == 0
    record = last_object(capsys)
    assert record["symbols"] == 6000
    recent, overall = record["recent_bits_per_symbol"], record["bits_per_symbol"]
    assert isinstance(recent, float)
    assert isinstance(overall, float)
    assert overall < 1.0


@pytest.mark.parametrize("update", ["sgd", "momentum", "rmsprop", "adam"])
def test_every_update_rule_learns(update: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "--limit", "5000", "--update", update, *SMALL]) == 0
    bits = last_object(capsys)["bits_per_symbol"]
    assert isinstance(bits, float)
    assert bits < 6.0


def test_standard_input_gives_the_same_figures(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_bytes(topics()[:2500])
    words = [sys.executable, "-m", "lethe", "learn", "--symbols", *SMALL]
    from_file = subprocess.run([*words, str(text)], capture_output=True, check=True)
    piped = subprocess.run([*words, "-"], input=text.read_bytes(), capture_output=True, check=True)
    assert from_file.stderr == piped.stderr == b""
    one, other = json.loads(from_file.stdout), json.loads(piped.stdout)
    assert one["symbols"] == other["symbols"] == 2500
    assert one["bits_per_symbol"] == pytest.approx(other["bits_per_symbol"], rel=1e-9)


def test_interrupted_it_prints_the_figures_so_far() -> None:
    words = [sys.executable, "-u", "-m", "lethe", "learn", "-", *SMALL]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe) as learning:
        assert learning.stdin
        assert learning.stdout
        # A pipe holds 64 KiB: once more than that is written, some has been read and learned.
        learning.stdin.write(topics()[:80_000])
        learning.stdin.flush()
        learning.send_signal(signal.SIGINT)
        out = learning.stdout.read()
        assert learning.wait(timeout=10) == 130
    assert json.loads(out)["symbols"] > 0


def test_words_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "--limit", "100", "--layers", "1", "--cells", "4"]) == 0
    out = capsys.readouterr().out
    assert "100 symbols of pydoc_data.topics" in out
    assert "bits per symbol" in out
    assert "microseconds per symbol" in out


def test_first_symbol_costs_a_uniform_guess() -> None:
    net = lethe.Network(text_topology(1, 4), update=lethe.SGD(0.1))
    (score,) = predict_symbols(net, TextStream(b"a"))
    assert score == Score(1, 8.0, 8.0, 0.0)
    assert net.steps == 0


class ShortReads:
    """A text whose reads are as short as those of a pipe."""

    def __init__(self, text: bytes, seed: int) -> None:
        self._stream = TextStream(text)
        self._draw = random.Random(seed)

    def take(self, n: int) -> np.ndarray:
        return self._stream.take(self._draw.randint(1, n))


@pytest.mark.parametrize("seed", range(4))
def test_short_reads_change_no_bit(seed: int) -> None:
    text, found = topics()[:1700], []
    for stream in (TextStream(text), ShortReads(text, seed)):
        net, tally = lethe.Network(text_topology(1, 4), update=lethe.RMSprop(0.01)), Tally()
        *_, score = predict_symbols(net, stream, recent=500, tally=tally)
        found.append((tally, score.bits_per_symbol, score.recent_bits_per_symbol, *net.peek(97)))
    assert found[0] == found[1]
    assert sum(symbols for symbols, _ in found[0][0].window) == 500


def test_recent_bits_forget_the_beginning() -> None:
    net = lethe.Network(text_topology(1, 8), update=lethe.RMSprop(0.01))
    text = b"to forget " * 300
    *_, score = predict_symbols(net, TextStream(text), chunk=100, recent=500)
    assert score.recent_bits_per_symbol < score.bits_per_symbol


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["{missing}"], "missing"),
        (["{folder}"], "readable"),
        (["{empty}"], "SOURCE must hold at least one byte"),
        (["--cells", "0"], "--cells must be at least 1, got 0"),
        (["--layers", "-1"], "--layers must be at least 1, got -1"),
        (["--rate", "-0.5"], "--rate must be a number at least 0 and finite, got -0.5"),
        (["--rate", "nan"], "--rate must be a number at least 0 and finite, got nan"),
        (["--cells", "99999999"], "--layers times --cells must be at most 1,048,576, got 3 times"),
        (["--cells", "300000"], "--cells 300,000 are too many: topology must fit into"),
        (["--limit", "0"], "--limit must be at least 1, got 0"),
        (["--seed", "-1"], "--seed must be at least 0, got -1"),
    ],
)
def test_wrong_input(
    words: Sequence[str], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").touch()
    places = {"missing": tmp_path / "missing", "folder": tmp_path, "empty": tmp_path / "empty"}
    assert main(["learn", *(word.format(**places) for word in words)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert named in err
    assert err.count("\n") == 1


def test_too_little_memory_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(text_run, "Network", no_memory)
    assert main(["learn"]) == 2
    assert capsys.readouterr().err == "lethe learn: not enough memory\n"


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize(
    ("words", "code", "err"),
    [
        ("learn --limit 50 >&-", 0, ""),
        ("learn --limit 0 2>&-", 2, ""),
        ("learn - <&-", 2, "lethe learn: SOURCE - needs standard input, which is closed\n"),
    ],
)
def test_closed_descriptors(words: str, code: int, err: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m lethe {words}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", err)
