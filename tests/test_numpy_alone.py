"""The package works where NumPy alone is installed; what is more than that is an extra."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

#: What any extra brings, directly or not.
EXTRAS = (
    "dask",
    "distributed",
    "jax",
    "joblib",
    "matplotlib",
    "onnx",
    "optax",
    "pandas",
    "polars",
    "psutil",
    "pyarrow",
    "rich",
    "river",
    "safetensors",
    "scipy",
    "sklearn",
    "torch",
)

ALONE = f"""\
import importlib.machinery, sys

class Present(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        missing = name.partition(".")[0] in {EXTRAS!r}
        return None if missing else super().find_spec(name, path, target)

    @classmethod
    def find_distributions(cls, context):
        missing = context.name in {EXTRAS!r}
        return () if missing else super().find_distributions(context)

others = [finder for finder in sys.meta_path if finder is not importlib.machinery.PathFinder]
sys.meta_path[:] = [*others, Present]
"""
COMMAND = "import sys\nfrom lethe.cli import main\nsys.exit(main(sys.argv[1:]))"
# Standard error is a terminal, so that there is something to show.
TERMINAL = "sys.stderr.isatty = lambda: True\n"

# Limits that end at once, for two trials of each of two rows.
TINY = """\
from dataclasses import replace
from lethe.experiments.tables import cerg
cerg.ROWS = {
    name: replace(row, trial=replace(row.trial, test_streams=2)) for name, row in cerg.ROWS.items()
}
limits = {"training_streams": 20, "stream_length": 150}
cerg.SHORT = replace(cerg.SHORT, trials=2, limits=limits)
"""


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def python(code: str, *words: object) -> Ran:
    command = [sys.executable, "-c", code, *map(str, words)]
    ran = subprocess.run(command, capture_output=True, timeout=300)
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def lethe_alone(*words: object, before: str = TERMINAL) -> Ran:
    ran = python(ALONE + before + COMMAND, *words)
    assert "Traceback" not in ran.err, ran.err
    return ran


def test_they_are_missing() -> None:
    """Else nothing here is tested."""
    for name in ("rich", "joblib", "numpy"):
        assert python(ALONE + f"import {name}").code == (name != "numpy")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "sine"
    ran = lethe_alone("learn", "sine", "--limit", 200, "--checkpoint", path)
    assert ran.code == 0, ran.err
    assert "mean absolute error" in ran.out
    line, _, end = ran.err.rpartition("\r")
    assert " events mean error of value" in line
    assert line.endswith(" " * 20), "the line of progress is to be wiped away"
    assert end == ""
    return path


def test_import_learn_save_and_load(tmp_path: Path) -> None:
    code = (
        "import lethe\nmodel = lethe.Model('x', horizon=1)\n"
        "for n in range(50): model.learn({'x': n % 5})\n"
        f"model.save({str(tmp_path / 'm')!r})\n"
        f"assert lethe.load({str(tmp_path / 'm')!r}).predict() is not None"
    )
    ran = python(ALONE + code)
    assert ran.code == 0, ran.err


def test_predict_and_info(checkpoint: Path) -> None:
    for words in (("predict", checkpoint, "sine", "--limit", "20"), ("info", checkpoint)):
        ran = lethe_alone(*words)
        assert ran.code == 0, ran.err
        assert ran.out


def test_text_is_learned_and_sampled(tmp_path: Path) -> None:
    text, saved = tmp_path / "book.txt", tmp_path / "state"
    text.write_text("the river runs on. " * 50, encoding="utf-8")
    for words in (("learn", text, "--checkpoint", saved), ("sample", saved, "--length", "20")):
        ran = lethe_alone(*words)
        assert ran.code == 0, ran.err


def records(text: str) -> list[dict[str, object]]:
    """The records, in one order, without the seconds."""
    found = [json.loads(line) for line in text.splitlines()]
    kept = [{k: v for k, v in record.items() if "seconds" not in k} for record in found]
    return sorted(kept, key=lambda record: (str(record["row"]), str(record["seed"])))


def test_trials_run_one_after_the_other() -> None:
    """The records are those of processes, and one line says how to get them."""
    words = ("reproduce", "cerg", "--jobs", "2", "--json")
    alone = lethe_alone(*words, before=TERMINAL + TINY)
    assert alone.code == 0, alone.err
    assert alone.err.count('pip install "lethe-ml[reproduce]"') == 1
    assert "cerg: 0 of 4 trials" in alone.err
    assert "cerg standard: 4 of 4 trials" in alone.err
    pytest.importorskip("joblib")
    with_processes = python(TINY + COMMAND, *words)
    assert with_processes.err == ""
    assert len(records(alone.out)) == 4
    assert records(alone.out) == records(with_processes.out)


def test_who_asks_for_no_processes_is_told_nothing_of_them() -> None:
    ran = lethe_alone("reproduce", "cerg", "--jobs", "1", "--json", before=TINY)
    assert (ran.code, ran.err) == (0, "")


def test_bench_is_plain() -> None:
    ran = lethe_alone("bench", "--quick", "--rounds", "1")
    assert ran.code == 0, ran.err
    assert "not installed: torch, jax" in ran.out


def test_report_is_made_without_figures(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "cerg.jsonl").touch()
    places = (
        "--results",
        tmp_path / "results",
        "--figures",
        tmp_path,
        "--out",
        tmp_path / "page.html",
    )
    ran = lethe_alone("report", *places)
    assert ran.code == 0, ran.err
    assert 'pip install "lethe-ml[plot]"' in ran.err
    assert (tmp_path / "page.html").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("figure", "4"), "plot"),
        (("reproduce", "baselines"), "baselines"),
        (("reproduce", "cerg", "--scheduler", "tcp://127.0.0.1:1"), "dask"),
        (("learn", "events.parquet"), "parquet"),
    ],
)
def test_what_an_extra_is_for_names_it(
    words: tuple[str, ...], extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.parquet").write_bytes(b"PAR1")
    ran = lethe_alone(*words)
    assert ran.code == 2, ran.err
    assert f"lethe-ml[{extra}]" in ran.err
