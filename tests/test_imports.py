"""Data goes one way through the layers of the package, and so do its imports."""

import ast
import importlib.util
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import lethe

# A module imports only from its own package or from layers before its own.
LAYERS = (
    {"version", "_kernel", "_printable"},
    {"storage", "data"},
    {"core", "tasks"},
    {"model", "trials"},
    {"evaluate", "baselines", "adapters"},
    {"experiments"},
    {"figures"},
    {"report"},
    {"fleet", "serve"},
    {"__init__"},
    {"cli"},
    {"__main__"},
)
# The one home of the checks of arguments, which import nothing else of this package.
ANYONES = {"lethe.core._checks", "lethe.core._objects"}

PACKAGE = Path(lethe.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(file.relative_to(PACKAGE)) for file in FILES]


def part(module: str) -> str:
    """The part of the package that a module lies in: ``lethe.data.text`` lies in ``data``."""
    return (*module.split("."), "__init__")[1]


def layer(module: str) -> int:
    (found,) = (n for n, parts in enumerate(LAYERS) if part(module) in parts)
    return found


def module_name(file: Path) -> str:
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(("lethe", *(part for part in parts if part != "__init__")))


MODULES = {module_name(file) for file in FILES} | {"lethe._kernel"}


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
                full = f"{base}.{alias.name}"
                names.add(full if full in MODULES else base)
    return {name for name in names if name.split(".")[0] == "lethe"}


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_no_import_of_a_later_layer(file: Path) -> None:
    here = module_name(file)
    for name in imported(file) - ANYONES:
        assert part(name) == part(here) or layer(name) < layer(here), (
            f"{here} imports {name}, which lies after it or beside it"
        )


def test_what_all_may_import_imports_nothing_else() -> None:
    for file in FILES:
        assert module_name(file) not in ANYONES or imported(file) <= ANYONES


def test_no_circles() -> None:
    graph = {module_name(file): imported(file) - {module_name(file)} for file in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names them


def test_import_is_light() -> None:
    heavy = (
        "rich", "torch", "jax", "matplotlib", "scipy", "joblib", "psutil", "dask", "distributed",
        "pandas", "polars", "pyarrow", "sklearn", "river", "onnx",
    )  # fmt: skip
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
        "heavy = ('rich', 'torch', 'jax', 'joblib', 'psutil', 'distributed', 'matplotlib')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.startswith("usage: lethe")
    assert out.stdout.rstrip().endswith("[]")
