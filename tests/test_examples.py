"""The examples run, say what they should, and fit on a page."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
NEEDS = {"river_pipeline": "river"}
SAYS = {
    "sensor": "alarms in 8,000 readings",
    "text": "bits per symbol over",
    "river_pipeline": "Lethe ",
    "resume": "the same bytes as without the kill: True",
}


def test_every_example_is_run() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_example(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{name}.py needs {NEEDS[name]}")
    file = EXAMPLES / f"{name}.py"
    assert len(file.read_text(encoding="utf-8").splitlines()) < 40
    out = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stderr
    assert SAYS[name] in out.stdout
