"""What a package promises before it is built: its needs, its notices, the checks of a release."""

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
METADATA = PROJECT["project"]


@pytest.fixture
def check_version() -> ModuleType:
    path = ROOT / "packaging" / "check_version.py"
    spec = importlib.util.spec_from_file_location("check_version", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_needs_numpy_alone() -> None:
    assert [re.match(r"[\w-]+", need)[0] for need in METADATA["dependencies"]] == ["numpy"]


def test_the_notices_of_what_is_compiled_in_are_carried() -> None:
    files = {path.name for pattern in METADATA["license-files"] for path in ROOT.glob(pattern)}
    assert files == {"LICENSE", "nanobind.txt", "robin-map.txt"}
    for name in ("nanobind.txt", "robin-map.txt"):
        text = (ROOT / "licenses" / name).read_text(encoding="utf-8")
        assert re.search(r"Copyright \(c\) \d{4} ", text)
        assert "WITHOUT WARRANTY" in text or "DISCLAIMED" in text


def test_each_python_that_is_named_has_wheels() -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(METADATA["classifiers"]))
    built = [f"3.{name[3:-2]}" for name in PROJECT["tool"]["cibuildwheel"]["build"]]
    assert named == built
    assert METADATA["requires-python"] == f">={named[0]}"


def test_a_release_is_checked(check_version: ModuleType) -> None:
    changelog = "# Changes\n\n## 1.2.3 (2026-12-01)\n\n- New.\n\n## 1.2.2 (2026-11-01)\n"
    citation = "title: Lethe\nversion: 1.2.3\nlicense: MIT\n"
    good = ('__version__ = "1.2.3"\n', changelog, citation)
    assert check_version.problems("v1.2.3", *good) == []
    assert len(check_version.problems("v1.2.4", *good)) == 3
    undated = changelog.replace("2026-12-01", "unreleased")
    assert check_version.problems("v1.2.3", good[0], undated, citation) == [
        "CHANGELOG.md must date 1.2.3 as YYYY-MM-DD, got 'unreleased'"
    ]


def test_the_files_that_a_release_is_checked_by_can_be_read(check_version: ModuleType) -> None:
    """The version is the one that the citation names, whatever the changelog has begun."""
    texts = [
        (ROOT / name).read_text(encoding="utf-8")
        for name in ("src/lethe/version.py", "CHANGELOG.md", "CITATION.cff")
    ]
    version = re.search('"(.+)"', texts[0].partition("__version__")[2])[1]
    wrong = check_version.problems(f"v{version}", *texts)
    assert [line for line in wrong if not line.startswith("CHANGELOG.md")] == []
