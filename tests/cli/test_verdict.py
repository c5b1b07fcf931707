"""``lethe verdict``: as text, as a page, as JSON, and wrong input."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lethe.cli import main
from lethe.experiments.results import append
from lethe.experiments.tables import nto

TRIAL = {
    "experiment": "nto", "row": "standard", "seconds": 1.0, "version": "0", "dtype": "float64",
    "instruction_set": "avx2", "configuration": nto.ROWS["standard"].trial.configuration(),
    "solved": True, "training_sequences": 20_000, "test_wrong": 0.0,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed in range(3):
        append(tmp_path / "results" / "nto.jsonl", TRIAL | {"seed": seed})  # type: ignore[arg-type]
    return tmp_path


def test_text_has_both_tables(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verdict", "--results", str(folder / "results")]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Of ")
    assert "Table 2: LSTM with forget gates" in out
    assert re.search(r"standard LSTM +3 of 3 \[44 to 100 %\]  20,000 \[20,000 to 20,000\]\n", out)
    assert max(map(len, out.splitlines())) <= 100
    assert err == ""


def test_json_is_one_object_a_figure_and_a_pair(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verdict", "--results", str(folder / "results"), "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    figures = [one["figure"] for one in found if "figure" in one]
    twins = [one["twins"] for one in found if "twins" in one]
    assert len(figures) + len(twins) == len(found)
    assert {one["verdict"] for one in figures} == {"not run"}
    (nto_twins,) = (one for one in twins if one["table"] == "nto")
    assert nto_twins["standard"]["solved"] == 3
    assert nto_twins["outcome"] == "not run"


def test_a_page_is_written_and_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for _ in range(2):
        assert main(["verdict", "--out", "results/verdict.md"]) == 0
        assert capsys.readouterr().out.startswith("results/verdict.md: ")
    page = Path("results/verdict.md").read_text(encoding="utf-8")
    assert page.startswith("# The verdict")
    assert "Noisy temporal order (NTO) | 3 of 3 [44 to 100 %]" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--results", "FOLDER/missing"], "--results must be a folder, and"),
        (["--results", ""], "--results: must name a folder, got ''"),
        (["--results", "FOLDER"], "--results must be a folder with results files, and"),
        (["--results", "/proc"], "/proc"),
        (["--out", "FOLDER/results/nto.jsonl"], "--out is a page, and"),
        (["--out", "FOLDER/results"], "cannot be written"),
        (["--json", "--out", "FOLDER/x.md"], "--out: not allowed with"),
    ],
)
def test_wrong_input_is_one_line_and_code_2(
    words: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.replace("FOLDER", str(folder)) for word in words]
    if "--results" not in words:
        words += ["--results", str(folder / "results")]
    try:
        code = main(["verdict", *words])
    except SystemExit as end:
        code = int(end.code or 0)
    assert code == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert message in err


def test_numbers_beyond_all_bounds_are_an_error_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "results" / "nto.jsonl"
    append(path, TRIAL | {"seed": 3, "training_sequences": 10**400})  # type: ignore[arg-type]
    assert main(["verdict", "--results", str(path.parent)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_that_is_no_results_file_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "results" / "cerg.jsonl").write_text("[]\n")
    assert main(["verdict", "--results", str(folder / "results")]) == 2
    assert "line 1 of the results file" in capsys.readouterr().err


def test_trials_of_another_configuration_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "results" / "nto.jsonl"
    for seed in (2, 3, 4):  # of seed 2 there is one that counts
        other = {"seed": seed, "configuration": {"other": 1}}
        append(path, TRIAL | other)  # type: ignore[arg-type]
    for more in ([], ["--json"]):
        assert main(["verdict", "--results", str(path.parent), *more]) == 0
        assert capsys.readouterr().err == (
            "lethe verdict: nto.jsonl holds 2 trials of another configuration, not counted\n"
        )
