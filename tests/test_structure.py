"""The house's sizes: files of one job, functions that fit a screen."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import lethe

PACKAGE = Path(lethe.__file__).parent
MOST_LINES, MOST_FUNCTION_LINES = 400, 60
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))

#: Both papers on one page, to be read from top to bottom.
WHOLE = {"core/equations.py"}


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_one_job_and_its_functions_fit_a_screen(name: str) -> None:
    text = (PACKAGE / name).read_text(encoding="utf-8")
    assert name in WHOLE or len(text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = node.end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= MOST_FUNCTION_LINES, f"{node.name} at line {node.lineno}"
