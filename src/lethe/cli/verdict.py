"""``lethe verdict``: each figure of the papers, ours, and whether it fits."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from lethe.cli._support.asked_trials import in_words
from lethe.cli._support.folders import check_results, folder
from lethe.cli._support.printable import printable
from lethe.storage.output import output_errors, write_file

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
examples:
  lethe verdict                                 by the results of this folder
  lethe verdict --out results/verdict.md        as a page, with the readings that were tried
  lethe verdict --results DIR --json            one object a line

What has not been run yet is named; lethe reproduce runs it.
"""


class Arguments(argparse.Namespace):
    """The arguments of the command."""

    results: Path
    out: Path | None
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--results",
        type=folder,
        default=Path("results"),
        metavar="DIR",
        help="folder with the results of lethe reproduce (%(default)s)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--out", type=Path, metavar="FILE", help="write a page in Markdown")
    how.add_argument(
        "--json",
        action="store_true",
        help="print one object for each figure, row read in several ways, and pair of twins",
    )


def run(args: Arguments) -> int:
    """Judge the results.

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
        If the results cannot be read, or the page cannot be written.
    """
    from lethe.experiments import TABLES
    from lethe.experiments.readings import find_readings
    from lethe.experiments.twins import find_twins
    from lethe.experiments.verdict import judge, not_counted
    from lethe.experiments.verdict_page import as_markdown, as_text

    check_results(args.results, (f"{name}.jsonl" for name in TABLES))
    judged, twins = judge(args.results), find_twins(args.results)
    readings = find_readings(args.results)
    for name, trials in not_counted(args.results).items():
        print(
            f"lethe verdict: {name} holds {in_words(trials)} of another configuration, not counted",
            file=sys.stderr,
        )
    if args.json:
        for one in judged:
            print(json.dumps({"figure": asdict(one)}))
        for row in readings:
            print(json.dumps({"readings": asdict(row)}))
        for pair in twins:
            print(json.dumps({"twins": asdict(pair) | {"outcome": pair.outcome}}))
    elif args.out is None:
        print(as_text(judged, twins))
    else:
        if args.out.suffix in (".json", ".jsonl"):
            raise ValueError(f"--out is a page, and {args.out} is named like what it is made of")
        # Links are those of the repository, where the page is meant to be.
        links = "results" if args.out.is_absolute() else args.out.parent.as_posix()
        page = as_markdown(judged, twins, readings, links)
        inputs = {"a file of --results": list(args.results.glob("*.jsonl"))}
        with output_errors(f"the page {args.out}"):
            write_file(args.out, [page.encode()], inputs)
        print(f"{printable(str(args.out))}: {len(judged)} figures, {len(twins)} pairs of twins")
    return 0
