"""Every command has help with an example, and its page in docs/cli.md names its every option."""

import re
from pathlib import Path

import pytest

from lethe.cli import COMMANDS, main
from lethe.cli._support.learn_options import CELLS, LAYERS

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## lethe (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))


def options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert not end.value.code
    return str(capsys.readouterr().out)


def test_page_knows_all_commands_and_no_others() -> None:
    assert SECTIONS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_documented(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(command, capsys)
    assert "example" in text.lower()
    assert f"lethe {command}" in text
    assert options(text) - {"--help"} == options(SECTIONS[command]) - {"--help"}


def test_page_names_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = f"hidden layers ({LAYERS} for text, 1 for records), memory cells in each "
    sizes += f"({CELLS} for text, 32 for records)"
    assert f"| `--layers`, `--cells` | {sizes} |" in SECTIONS["learn"]
    (rounds,) = re.findall(r"`--rounds` \| .* \((\d+)\) \|", SECTIONS["bench"])
    assert f"rounds after the warm-up ({rounds})" in help_of("bench", capsys)
