"""``lethe reproduce``: the same trial again, and wrong input."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.tiny_table import TINY, objects, same, without_seconds

from lethe.cli import COMMANDS, main, reproduce
from lethe.experiments import Task
from lethe.experiments.results import append, read
from lethe.experiments.tables import cerg
from lethe.trials import workers

FIELDS = {
    "experiment", "row", "seed", "perfect", "training_streams", "training_symbols",
    "best_mean_stream", "final_mean_stream", "seconds", "cpu_seconds", "version", "dtype",
    "instruction_set", "configuration",
}  # fmt: skip


@pytest.mark.usefixtures("tiny")
def test_the_short_form_says_what_was_shortened_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "cerg", "--jobs", "1"]) == 0
    out, err = capsys.readouterr()
    expected = (
        f"Shortened to 2 of {len(cerg.FULL.rows)} rows, training streams 20 instead of 30, "
        "stream length 150 instead of 200.\n"
    )
    assert expected in out
    assert "Standard LSTM" in out
    assert "62 %  (14087)" in out
    assert "[0, " in out
    assert err == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("tiny")
def test_json_is_one_object_per_trial(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "cerg", "--json", "--jobs", "1", "--seed", "4"]) == 0
    records = objects(capsys.readouterr().out)
    assert [(r["row"], r["seed"]) for r in records] == [
        (row, seed) for row in ("forget_gates_decay", "standard") for seed in (4, 5)
    ]
    for record in records:
        assert set(record) >= FIELDS
        assert record["training_streams"] == 20


@pytest.mark.usefixtures("tiny")
def test_a_trial_is_repeated_to_the_same_numbers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """In whichever process it runs, and with the limits of the whole table."""
    assert main(["reproduce", "cerg", "--full", "--out", str(tmp_path), "--jobs", "2"]) == 0
    text = capsys.readouterr().out
    records = read(tmp_path / "cerg.jsonl")
    trials = 2 * len(cerg.FULL.rows)
    assert len(records) == trials
    assert {record["row"] for record in records} == set(cerg.FULL.rows)
    page = (tmp_path / "cerg.md").read_text()
    assert "`lethe reproduce cerg --full`" in page
    assert cerg.compare(records, cerg.FULL.rows) in page
    assert cerg.compare(records, cerg.FULL.rows) in text
    assert re.search(rf"{trials} trials, \d+ seconds? of computing in all", page)
    said = rf"{trials} trials, \d+ seconds? of computing in all; {trials} of them now, in "
    assert re.search(said, text)
    for record in records[::3]:
        words = ["--row", str(record["row"]), "--seed", str(record["seed"]), "--trials", "1"]
        assert main(["reproduce", "cerg", "--json", *words]) == 0
        (again,) = objects(capsys.readouterr().out)
        assert without_seconds(again) == without_seconds(record)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["crg"], "invalid choice: 'crg' (choose from '"),
        (["all", "--row", "standard"], "--row is for one experiment"),
        (["cerg", "--row", "standart"], "got 'standart': did you mean standard?"),
        (["cerg", "--row", "x" * 9000], f"--row must be one of {len(TINY)} rows, such as "),
        (["cerg", "--trials", "0"], "--trials: must be a whole number from 1 to 100000, got '0'"),
        (["cerg", "--trials", "100000000"], "to 100000, got '100000000'"),
        (["cerg", "--trials", "90000"], "must be at most 100,000 trials in all, got 180,000"),
        (["cerg", "--seed", "-1"], "--seed"),
        (["cerg", "--seed", "9" * 20], "--seed: must be a whole number from 0 to 92233720368546"),
        (["cerg", "--seed", str(2**63 - 1)], "--seed: must be a whole number from 0 to"),
        (["cerg", "--seed", "9" * 5000], f"got '{'9' * 40}'... (see lethe reproduce --help)"),
        (["cerg", "--seed", "\u0663"], "--seed: must be a whole number"),
        (["cerg", "--tri", "1"], "arguments: --tri 1 (see lethe reproduce --help)"),
        (["cerg", "--out", ""], "--out: must name a folder, got ''"),
        (["cerg", "--jobs", "two"], "--jobs: must be a whole number"),
        (["cerg", "--jobs", "2", "--scheduler", "tcp://a:1"], "--scheduler: not allowed with"),
        (["cerg", "--scheduler", "a"], "is like tcp://10.0.0.1:8786, got 'a'"),
        (["cerg", "--resume"], "--resume needs --out or --full"),
        (["cerg", "--again"], "--again needs --resume"),
        (["cerg", "--wrong"], "unrecognized arguments: --wrong"),
        (["cerg", "--out", "FILE/x"], "cerg.jsonl cannot be"),
    ],
)
def test_wrong_input_is_one_line_and_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    words = [word.replace("FILE", str(tmp_path / "file")) for word in words]
    try:
        code = main(["reproduce", *words])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    assert code == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert message in err
    assert len(err) < 700


@pytest.mark.usefixtures("tiny")
def test_the_last_seeds_that_can_be_asked_for_are_read_again(tmp_path: Path) -> None:
    command = ["reproduce", "cerg", "--row", "standard", "--jobs", "1", "--out", str(tmp_path)]
    assert main([*command, "--seed", str(reproduce.MOST_SEED), "--trials", "2"]) == 0
    assert [record["seed"] for record in read(tmp_path / "cerg.jsonl")] == [
        reproduce.MOST_SEED,
        reproduce.MOST_SEED + 1,
    ]


@pytest.mark.usefixtures("tiny")
def test_one_trial_is_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "run_all", interrupted)
    assert main(["reproduce", "cerg", "--row", "standard", "--trials", "1"]) == 130
    out, err = capsys.readouterr()
    assert "\n1 trial, seed 0\n" in out
    assert err == "lethe reproduce: interrupted; 0 of 1 trial were finished\n"


@pytest.mark.usefixtures("tiny")
def test_a_file_that_cannot_be_written_is_found_before_the_first_trial(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cerg.jsonl").symlink_to(tmp_path / "missing" / "cerg.jsonl")
    monkeypatch.setattr(workers, "run_all", None)
    assert main(["reproduce", "cerg", "--out", str(tmp_path)]) == 2
    assert "cerg.jsonl cannot be written: it is a symbolic link" in capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("wrong", [{"best_mean_stream": None}, {"seconds": "long"}])
def test_a_record_without_a_result_is_named(
    wrong: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["reproduce", "cerg", "--out", str(tmp_path), "--jobs", "1"]
    assert main(command) == 0
    path = tmp_path / "cerg.jsonl"
    first, *others = read(path)
    path.unlink()
    for record in (first | wrong, *others):
        append(path, record)
    capsys.readouterr()
    assert main([*command, "--resume"]) == 2
    assert f"line 1 of the results file {path} is no record" in capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
def test_a_killed_worker_is_one_line_and_code_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise workers.WorkerError("workers were killed", [Task("cerg", "standard", 3, None)])

    monkeypatch.setattr(workers, "run_all", killed)
    assert main(["reproduce", "cerg", "--out", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "workers were killed (standard seed 3); 0 of 4 trials were finished and are in" in err
    assert "--resume continues" in err


@pytest.mark.usefixtures("tiny")
def test_an_interrupted_table_has_a_page_that_says_what_is_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all = workers.run_all

    def interrupted(work: Any, tasks: Any, **how: Any) -> None:
        run_all(work, tasks[:1], **how)
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "run_all", interrupted)
    command = ["reproduce", "cerg", "--full", "--row", "standard", "--out", str(tmp_path)]
    assert main([*command, "--trials", "2", "--jobs", "1"]) == 130
    page = (tmp_path / "cerg.md").read_text(encoding="utf-8")
    assert "`, so far 1 of 2 trials; `--resume` runs the others.\n" in page
    monkeypatch.setattr(workers, "run_all", run_all)
    assert main([*command, "--trials", "2", "--jobs", "1", "--resume"]) == 0
    assert "so far" not in (tmp_path / "cerg.md").read_text(encoding="utf-8")
    assert main([*command[:3], "--row", "state_decay", *command[5:], "--trials", "1"]) == 0
    page = (tmp_path / "cerg.md").read_text(encoding="utf-8")  # of both rows
    assert page.startswith(f"# {cerg.TITLE}\n\nMade by `lethe reproduce cerg --full`, so far 3 of")
    capsys.readouterr()


def test_every_command_is_in_the_help_and_has_an_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    with pytest.raises(SystemExit, match="0"):
        main(["reproduce", "--help"])
    assert "lethe reproduce cerg --row" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.startswith("lethe ")
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture
def two_tables(tiny: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tables are this one and another like it, which is shortened in another way."""
    other = ModuleType("lethe.experiments.tables.other_one")
    other.__dict__.update({name: getattr(cerg, name) for name in ("FULL", "RESULT", "compare")})
    few = {"training_streams": 20, "stream_length": 200}
    other.__dict__.update(
        TITLE="Another table",
        ROWS={name: replace(row, trial=replace(row.trial, **few)) for name, row in TINY.items()},
        SHORT=replace(cerg.SHORT, trials=3, fewer={"standard": 1}, limits={"test_streams": 1}),
    )
    monkeypatch.setitem(sys.modules, other.__name__, other)
    monkeypatch.setattr(reproduce, "TABLES", {"cerg": "a table", "other-one": "100 % another"})


@pytest.mark.usefixtures("two_tables")
def test_all_runs_every_table_into_a_file_of_its_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["reproduce", "all", "--out", str(tmp_path), "--jobs", "1"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert out.index(cerg.TITLE) < out.index("62 %  (14087)") < out.index("Another table")
    assert "rows, 1 to 3 of 2 networks a row, test streams 1 instead of 2." in out
    assert "4 trials, seeds 0 to 2" in out
    assert {file.name: len(read(file)) for file in tmp_path.iterdir()} == {
        "cerg.jsonl": 4,
        "other-one.jsonl": 4,
    }
    (tmp_path / "cerg.jsonl").unlink()
    assert main(command) == 2  # and no trial of the first table was run
    assert "other-one.jsonl holds 4 of these trials already" in capsys.readouterr().err
    assert not (tmp_path / "cerg.jsonl").exists()
    assert main([*command, "--resume"]) == 0
    assert len(read(tmp_path / "cerg.jsonl")) == 4


@pytest.mark.usefixtures("two_tables")
def test_help_and_complaints_list_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["reproduce", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "cerg: a table; other-one: 100 % another; all: one after the other" in words
    with pytest.raises(SystemExit, match="2"):
        main(["reproduce", "another"])
    assert "(choose from 'cerg', 'other-one', 'all')" in capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
def test_trials_are_of_each_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the rows too that have fewer because they take long."""
    monkeypatch.setattr(cerg, "SHORT", replace(cerg.SHORT, fewer={"standard": 1}))
    for words, counts in (([], [2, 1]), (["--trials", "3"], [3, 3])):
        assert main(["reproduce", "cerg", "--json", "--jobs", "1", *words]) == 0
        rows = [record["row"] for record in objects(capsys.readouterr().out)]
        assert [rows.count(row) for row in ("forget_gates_decay", "standard")] == counts


@pytest.mark.usefixtures("tiny")
def test_a_table_has_its_own_first_seed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cerg, "SHORT", replace(cerg.SHORT, first_seed=1000))
    for words, first in (([], 1000), (["--seed", "0"], 0)):
        assert main(["reproduce", "cerg", "--jobs", "1", *words]) == 0
        assert f"4 trials, seeds {first} to {first + 1}\n" in capsys.readouterr().out


@pytest.mark.usefixtures("tiny")
def test_the_bar_names_the_row_last_finished(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    assert main(["reproduce", "cerg", "--json", "--jobs", "1"]) == 0
    err = capsys.readouterr().err
    assert "cerg standard" in err
    assert "4/4" in err


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_records_are_the_same_where_somebody_watches(
    jobs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["reproduce", "cerg", "--json", "--jobs", jobs]
    assert main(command) == 0
    expected = objects(capsys.readouterr().out)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(command) == 0
    found = objects(capsys.readouterr().out)
    assert sorted(map(same, found)) == sorted(map(same, expected))
