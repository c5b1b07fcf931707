"""The examples in docstrings and in the README run."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import lethe

ROOT = Path(__file__).parent.parent
MODULES = ["lethe", *(info.name for info in pkgutil.walk_packages(lethe.__path__, "lethe."))]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_docstring_examples(name: str) -> None:
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("lethe"):
            raise
        pytest.skip(f"{missing.name} is not installed")
    assert doctest.testmod(module, optionflags=flags).failed == 0


def code_of(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "docs/model.md", "docs/anomalies.md"])
def test_examples_of_pages(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where they can write files
    assert code_of(page)
    for code in code_of(page):
        exec(compile(code, page, "exec"), {})


@pytest.mark.parametrize(
    "command",
    [
        'python -m pip install ".[reproduce]" && lethe reproduce cerg',
        'python -m pip install ".[test]" && python -m pytest',
    ],
)
def test_ci_runs_the_commands_of_the_readme(command: str) -> None:
    assert f"```\n{command}\n```" in README
    assert f"\n{command}\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
