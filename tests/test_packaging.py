"""What a package promises before it is built: its needs, its notices, the checks of a release."""

import configparser
import importlib.util
import re
import signal
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from lethe.cli import main

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
METADATA = PROJECT["project"]


def options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


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


@pytest.mark.parametrize(
    "name", ["Dockerfile", "contrib/lethe@.service", "contrib/supervisord.conf"]
)
def test_services_run_commands_that_there_are(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["learn", "--help"])
    known = options(capsys.readouterr().out)
    (words,) = re.findall(r"lethe learn [/$].*?--resume-from start", text, re.DOTALL)
    used = options(words)
    assert {"--follow", "--checkpoint", "--resume"} <= used <= known


def test_services_know_the_exit_codes() -> None:
    """They start again after a crash or an error, and not after an end by a signal."""
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "contrib" / "lethe@.service", encoding="utf-8")
    service = unit["Service"]
    ended = [str(128 + number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)]
    assert service["SuccessExitStatus"].split() == ended
    assert service["Restart"] == "on-failure"
    assert "RestartPreventExitStatus" not in service
    assert service["KillSignal"] == "SIGTERM"
    text = (ROOT / "contrib" / "supervisord.conf").read_text(encoding="utf-8")
    assert f"exitcodes=0,{','.join(ended)}\n" in text
    assert "STOPSIGNAL SIGTERM\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
