"""Data goes one way through the rooms of the package, and so do its imports."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import lethe

# A module imports only from rooms before its own.
ROOMS = (
    "version",
    "topology",
    "updates",
    "equations",
    "_kernel",
    "arguments",
    "run",
    "block",
    "checkpoint",
    "checkpoints",
    "network",
    "team",
    "growth",
    "penalty",
    "streams",
    "system",
    "trial",
    "sequence_trial",
    "text_trial",
    "baselines",
    "model",
    "naive",
    "prequential",
    "adapters",
    "results",
    "workers",
    "experiments",
    "figures",
    "report",
    "__init__",
    "cli",
    "__main__",
)
PACKAGE = Path(lethe.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(file.relative_to(PACKAGE)) for file in FILES]


def room(module: str) -> str:
    """The room of a module's dotted name: ``lethe.streams.text`` lies in ``streams``."""
    return (*module.split("."), "__init__")[1]


def module_name(file: Path) -> str:
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(("lethe", *(part for part in parts if part != "__init__")))


def imported(file: Path) -> set[str]:
    """The modules of this package that a file imports, anywhere in it."""
    package = (
        module_name(file) if file.name == "__init__.py" else module_name(file).rpartition(".")[0]
    )
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                is_module = base == "lethe" and alias.name in ROOMS
                names.add(whole if is_module else base)
    return {name for name in names if name.split(".")[0] == "lethe"}


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_no_arrow_back(file: Path) -> None:
    here = room(module_name(file))
    for name in imported(file):
        there = room(name)
        assert here == there or ROOMS.index(there) < ROOMS.index(here), (
            f"{here} imports {name}, which lies after it"
        )


def test_import_is_light() -> None:
    heavy = ("rich", "torch", "jax", "matplotlib", "scipy", "joblib", "dask", "distributed")
    code = f"import sys, lethe; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["learn", "--help"],
        ["bench", "--help"],
        ["reproduce", "--help"],
        ["figure", "--help"],
    ],
)
def test_help_needs_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\nfrom lethe.cli import main\n"
        f"try:\n    main({words})\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = ('rich', 'torch', 'jax', 'joblib', 'dask', 'distributed', 'matplotlib')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.startswith("usage: lethe")
    assert out.stdout.rstrip().endswith("[]")
