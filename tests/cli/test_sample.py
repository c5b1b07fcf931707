"""lethe sample: what a model of symbols writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.tables import complaint, figures

import lethe
from lethe.cli import main
from lethe.cli.learn import text_topology
from lethe.cli.sample import draw


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has read one phrase again and again."""
    folder = tmp_path_factory.mktemp("sample")
    (folder / "text").write_bytes(b"to forget " * 1000 + b"to for")
    words = ["learn", str(folder / "text"), "--layers", "1", "--cells", "16"]
    assert main([*words, "--checkpoint", str(folder / "state")]) == 0
    return folder / "state"


def text(words: Sequence[object], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    return str(figures(["sample", *words], capsys)["text"])


def test_it_goes_on_where_the_text_stopped(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = text([state, "--length", "24", "--temperature", "0"], capsys)
    assert found == "get to forget to forget "
    assert main(["sample", str(state), "--length", "24", "--temperature", "0"]) == 0
    assert capsys.readouterr().out == f"{found}\n"


def test_a_prompt_comes_first(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--length", "6", "--temperature", "0", "--prompt", "get to "]
    assert text([state, *words], capsys) == "forget"
    assert main(["sample", str(state), *words]) == 0
    assert capsys.readouterr().out == "get to forget\n"


def test_seeds_and_temperatures(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, same, other = (
        text([state, "--temperature", "3", "--length", "200", "--seed", seed], capsys)
        for seed in (1, 1, 2)
    )
    assert one == same != other
    cold = text([state, "--temperature", "0.1", "--length", "200"], capsys)
    assert len(set(cold)) < len(set(one))


def test_it_changes_nothing(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in state.iterdir()}
    text([state], capsys)
    assert {path: path.read_bytes() for path in state.iterdir()} == before


def test_draws_follow_the_probabilities() -> None:
    random = np.random.default_rng(0)
    counts = np.bincount([draw(np.array([0.5, 0.0, 0.5]), 1.0, random) for _ in range(2000)])
    assert counts[1] == 0
    assert abs(counts[0] - 1000) < 100
    assert draw(np.array([0.5, 0.0, 0.25]), 1e-9, random) == 0


@pytest.mark.parametrize(
    ("symbols", "prompt", "expected"),
    [
        (list("abc") * 300, "ab", "cabca"),
        (["red", "green", "blue"] * 300, "red", "green blue red green blue "),
        (list(b"abc") * 300, "ab", "cabca"),
    ],
)
def test_models_of_symbols(
    symbols: list[str | int],
    prompt: str,
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = lethe.Model(task="symbols", cells=8)
    for symbol in symbols:
        model.learn(symbol)
    model.save(tmp_path / "model")
    words = [tmp_path / "model", "--prompt", prompt, "--length", "5", "--temperature", "0"]
    assert text(words, capsys) == expected


def test_a_network_that_was_saved_by_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lethe.Network(text_topology(1, 4)).save(tmp_path / "net")
    assert len(text([tmp_path / "net", "--length", "9"], capsys)) <= 9


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["{state}", "--length", "-1"], "--length must be at least 0, got -1"),
        (["{state}", "--temperature", "nan"], "--temperature must be a number at least 0, got nan"),
        (["{state}", "--temperature", "-1"], "--temperature must be"),
        (["{state}", "--seed", "-1"], "--seed must be at least 0"),
        (["{folder}/none"], "cannot be read: No such file"),
        (["{folder}/numbers"], "MODEL must be one of symbols or text, got one of regression"),
        (["{folder}/net"], "MODEL must be a network of symbols"),
        (["{folder}/small"], "MODEL must know the 256 byte values, got 2 symbols"),
        (["{folder}/new"], "MODEL must have learned from an event"),
    ],
)
def test_wrong_input(
    words: Sequence[str],
    named: str,
    state: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lethe.Model("a").save(tmp_path / "numbers")
    lethe.Model(task="symbols").save(tmp_path / "new")
    lethe.Network(lethe.Topology(inputs=2, outputs=1)).save(tmp_path / "net")
    small = lethe.Topology(inputs=2, outputs=2, output_units="softmax")
    lethe.Network(small).save(tmp_path / "small")
    capsys.readouterr()
    given = [word.format(state=state, folder=tmp_path) for word in words]
    assert named in complaint(["sample", *given], capsys)


def test_json(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["sample", str(state), "--length", "3", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["length"] == 3
    assert record["model"].endswith("000000010006.safetensors")
