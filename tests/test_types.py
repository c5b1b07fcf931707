"""The types mean something: faults that are planted into the model are found without running it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lethe

pytest.importorskip("mypy", reason="mypy is in the extra [dev]")

#: File, what stands there, and the fault that takes its place.
FAULTS = {
    "a method that a predictor has not": (
        "model/engine.py",
        "report = self._told(self.predictor.learn(reading, id))",
        "report = self._told(self.predictor.lern(reading, id))",
    ),
    "a method that the networks have not": (
        "model/numbers.py",
        "self.ensemble.redraw(self.stream, network, layer, block)",
        "self.ensemble.draw(self.stream, network, layer, block)",
    ),
    "a method that the kernel has not": (
        "model/numbers.py",
        "self.stream.score(self._known(reading))",
        "self.stream.scores(self._known(reading))",
    ),
    "swapped arguments": (
        "model/engine.py",
        "return predictor.learn_target(number, target)",
        'return predictor.learn_target("target", number)',
    ),
    "an argument too few": (
        "model/numbers.py",
        "self.stream.follow(self._known(reading))",
        "self.stream.follow()",
    ),
    "a misspelt attribute": (
        "model/predictor.py",
        "return self.fields\n",
        "return self.feilds\n",
    ),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, int]]:
    """Where mypy finds faults in a copy of the package that has them all: file and line."""
    folder = tmp_path_factory.mktemp("planted")
    copy = folder / "lethe"
    shutil.copytree(Path(lethe.__file__).parent, copy, ignore=shutil.ignore_patterns("*.so"))
    if not (copy / "_kernel.pyi").exists():
        pytest.skip("the compiled module's stub is in an installed package alone")
    for name, right, wrong in FAULTS.values():
        path = copy / name
        text = path.read_text(encoding="utf-8")
        assert text.count(right) == 1, (name, right)
        path.write_text(text.replace(right, wrong), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "-p", "lethe.model"],
        cwd=folder,
        env={"MYPYPATH": str(folder), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    lines = (line.split(":") for line in done.stdout.splitlines() if ": error:" in line)
    return {(Path(path).as_posix().removeprefix("lethe/"), int(line)) for path, line, *_ in lines}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, found: set[tuple[str, int]]) -> None:
    name, right, _ = FAULTS[fault]
    text = (Path(lethe.__file__).parent / name).read_text(encoding="utf-8")
    line = text[: text.index(right)].count("\n") + 1
    assert (name, line) in found
