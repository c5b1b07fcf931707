"""``lethe report``: one HTML page of all tables and figures."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from lethe.cli._support.folders import check_results, folder
from lethe.cli._support.printable import printable
from lethe.cli._support.status_line import status_line
from lethe.storage.disk import write_all
from lethe.storage.output import open_replacement, output_errors
from lethe.version import __version__

if TYPE_CHECKING:
    from lethe.report import Picture

__all__ = ["add_arguments", "run"]

_FIGURES = Path("figures")
_MADE_OF = (".json", ".jsonl", ".svg", ".png")
_WITHOUT_MATPLOTLIB = 'they are drawn by matplotlib, which is missing: pip install "lethe-ml[plot]"'


class Arguments(argparse.Namespace):
    """The arguments of the command."""

    results: Path
    figures: Path
    no_draw: bool
    out: Path
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "The page needs no network and no other file. Tables that have not been run are named in\n"
        "it, with their commands.\n\n"
        "examples:\n"
        "  lethe report                       results and figures of this folder, report.html\n"
        "  lethe report --no-draw             with the figures that lethe figure has drawn\n"
        "  lethe report --results DIR --figures DIR --out page.html"
    )
    parser.add_argument(
        "--results",
        type=folder,
        default=Path("results"),
        metavar="DIR",
        help="folder with the results of lethe reproduce (%(default)s)",
    )
    parser.add_argument(
        "--figures",
        type=folder,
        default=_FIGURES,
        metavar="DIR",
        help="folder with the figures of lethe figure (%(default)s)",
    )
    parser.add_argument(
        "--no-draw",
        action="store_true",
        help="leave out figures that the folder lacks, instead of drawing them for the page",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="the page (%(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one object: what the page holds")


def run(args: Arguments) -> int:
    """Read the results, find or draw the figures, and write the page.

    Parameters
    ----------
    args : Arguments
        As `add_arguments` declares.

    Returns
    -------
    int
        0.

    Raises
    ------
    ValueError
        If the results or figures cannot be read, or the page cannot be written; the file that was
        there is left as it was.
    """
    from lethe import report
    from lethe.experiments import TABLES
    from lethe.experiments.readings import find_readings
    from lethe.experiments.twins import find_twins
    from lethe.experiments.verdict import judge

    files = [f"{name}.jsonl" for name in TABLES] + [f"{name}.json" for name in report.MEASURED]
    check_results(args.results, files)
    if args.no_draw and args.figures != _FIGURES and not args.figures.is_dir():
        raise ValueError(f"--figures must be a folder with figures, and {args.figures} is none")
    held = [report.read_table(name, args.results) for name in TABLES]
    read = [report.read_measured(name, args.results) for name in report.MEASURED]
    others = [one for one in read if one is not None]
    with _replacing(args) as write:
        pictures, why_not = _pictures(args)
        text = report.html_page(
            held,
            pictures,
            others,
            judge(args.results),
            find_twins(args.results),
            find_readings(args.results),
            folder=args.results,
            about=_about(),
            no_figures=why_not,
        )
        page = text.encode("utf-8", "replace")
        write(page)
    record: _Record = {
        "file": str(args.out),
        "bytes": len(page),
        "tables": [table.name for table in held if table.records],
        "missing": [table.name for table in held if not table.records],
        "figures": [picture.name for picture in pictures],
        "version": __version__,
    }
    if args.json:
        print(json.dumps(record))
    else:
        print(_text(record))
    return 0


class _Record(TypedDict):
    """What the page holds."""

    file: str
    bytes: int
    tables: list[str]
    missing: list[str]
    figures: list[str]
    version: str


def _pictures(args: Arguments) -> tuple[list[Picture], str]:
    """The figures that the folder holds or that can be drawn, and why others are missing."""
    from lethe import report
    from lethe.figures import FIGURES

    found = {name: report.find(name, args.figures) for name in FIGURES}
    todo = [name for name, picture in found.items() if picture is None]
    why_not = ""
    if todo and args.no_draw:
        why_not = "they were not asked for"
    elif todo and not report.can_draw():
        why_not = _WITHOUT_MATPLOTLIB
        names = f"figure {todo[0]}" if len(todo) == 1 else f"figures {', '.join(todo)}"
        print(f"lethe report: left out {names}: {why_not}", file=sys.stderr)
    else:
        with status_line() as say:
            for number, name in enumerate(todo, start=1):
                say(f"drawing figure {name} ({number} of {len(todo)}): {FIGURES[name]}")
                found[name] = report.draw(name)
    return [picture for picture in found.values() if picture is not None], why_not


def _about() -> dict[str, str]:
    import numpy as np

    from lethe.cli.bench import machine
    from lethe.core.network import instruction_set

    cores = str(os.cpu_count() or "unknown")
    if hasattr(os, "sched_getaffinity"):
        cores = f"{len(os.sched_getaffinity(0))} of {cores}"
    return {
        "written": datetime.now().astimezone().isoformat(" ", "seconds"),
        "version": f"lethe {__version__}",
        "machine": f"{machine()}, {cores} cores",
        "platform": platform.platform(),
        "Python": f"{platform.python_version()}, NumPy {np.__version__}",
        "instruction set": instruction_set(),
    }


@contextmanager
def _replacing(args: Arguments) -> Iterator[Callable[[bytes], None]]:
    """Write the page completely or not at all; whether it can be written is checked at once."""
    path = args.out
    if path.suffix in _MADE_OF:
        raise ValueError(f"--out is an HTML page, and {path} is named like what it is made of")
    with _file_errors(path):
        path.resolve().parent.mkdir(parents=True, exist_ok=True)
        inputs = {
            f"a file of {option}": [file for file in folder.glob("*") if file.suffix in _MADE_OF]
            for option, folder in (("--results", args.results), ("--figures", args.figures))
        }
        output = open_replacement(path, inputs)

    def write(page: bytes) -> None:
        with _file_errors(path):
            write_all(output.file, page)
            output.finish()

    try:
        yield write
    finally:
        output.abandon()


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        with output_errors(f"--out {path}"):
            yield
    except RuntimeError as error:  # what Python 3.11 calls a loop of links
        raise ValueError(f"--out {path} cannot be written: {error}") from None


def _text(record: _Record) -> str:
    tables, figures = len(record["tables"]), len(record["figures"])
    text = (
        f"{printable(record['file'])}: {tables} of {tables + len(record['missing'])} tables, "
        f"{figures} figures, {record['bytes'] / 1e6:.1f} MB"
    )
    if record["missing"]:
        text += f"\nnot run yet: {', '.join(record['missing'])}"
    return text
