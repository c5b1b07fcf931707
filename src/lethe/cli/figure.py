"""``lethe figure``: draw a figure of the report from new runs."""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from lethe.cli._support.printable import printable
from lethe.cli._support.status_line import status_line
from lethe.figures import DRAWN_BY, FIGURES
from lethe.version import __version__

__all__ = ["add_arguments", "run"]


class Arguments(argparse.Namespace):
    """The arguments of the command."""

    names: list[str]
    out: Path
    seed: int | None
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    width = max(map(len, FIGURES)) + 2
    lines = [f"  {name:{width}}{summary}" for name, summary in FIGURES.items()]
    parser.epilog = "\n".join(
        [
            "figures:",
            *lines,
            f"  {'all':{width}}all of them, in about a minute",
            "",
            "examples:",
            "  lethe figure 8                  figures/figure-8.png and figures/figure-8.svg",
            "  lethe figure 4 5 --out pictures",
            "  lethe figure 10 --seed 5",
        ]
    )
    parser.add_argument(
        "names", nargs="+", metavar="FIGURE", help="the report's number, or a name; see below"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("figures"),
        metavar="DIR",
        help="folder for the pictures (%(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, metavar="S", help="of the streams, or of the first network (0)"
    )
    parser.add_argument("--json", action="store_true", help="print one object for each figure")


def run(args: Arguments) -> int:
    """Draw the figures that are asked for, and say what was written.

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
        If there is no such figure, the seed is negative, the folder cannot be made or written to,
        or matplotlib is missing.
    """
    names = _checked(args.names)
    if args.seed is not None and args.seed < 0:
        raise ValueError(f"--seed must be at least 0, got {args.seed}")
    save = _part("lethe.figures.style:save")
    _check_folder(args.out)
    for name in names:
        with status_line() as show:
            show(f"figure {name}: {FIGURES[name]}")
            figure = _part(DRAWN_BY[name])(args.seed)
            files = [str(file) for file in save(figure, args.out, f"figure-{name}")]
        if args.json:
            record = {"figure": name, "files": files, "seed": args.seed, "version": __version__}
            print(json.dumps(record), flush=True)
        else:
            print(f"figure {name}: {printable(' and '.join(files))}", flush=True)
    return 0


def _checked(asked: list[str]) -> list[str]:
    """The figures' names, each once."""
    for name in asked:
        if name not in FIGURES and name != "all":
            raise ValueError(f"FIGURE must be of {', '.join(FIGURES)} or all, got {name!r}")
    return list(FIGURES) if "all" in asked else list(dict.fromkeys(asked))


def _check_folder(folder: Path) -> None:
    """Make the folder, and see that it can be written to before anything takes long."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"--out must be a folder that can be written to, got {folder} ({error.strerror})"
        ) from None


def _part(where: str) -> Any:
    """A function of a module that needs matplotlib, ``module:function``."""
    module, function = where.split(":")
    try:
        return getattr(import_module(module), function)
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] != "matplotlib":
            raise
        raise ValueError(
            'figures are drawn by matplotlib, which is missing: pip install "lethe-ml[plot]"'
        ) from None
