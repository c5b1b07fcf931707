"""Files and command lines from a grammar: no traceback, no hang, no control character, no harm.

Each execution draws files (tables of every format, clean or not, in odd encodings, with hostile
cells and names, truncated Parquet, random bytes) and a command line of `lethe` (every option with
good and bad values, paths that are folders, pipes, links, missing), and runs it in a process that
was forked for it. It must end by itself, with one of the exit codes that are documented; what it
prints on standard error is `lethe`'s own, one line where it refuses; no control character of a file
reaches the terminal; it takes at most 200 MB; no file changes but those that it was told to write;
nothing is left over.

The record is written as it goes; given again, the command goes on after what it holds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import fuzz_runs

from lethe.cli.bench import machine
from lethe.version import __version__

OFTEN = 500


def totals(record: dict[str, Any], row: dict[str, Any]) -> None:
    record["executions"] += 1
    record["next"] = row["number"] + 1
    for key, value in (("commands", row["words"][:1]), ("exit_codes", [row["exit"]])):
        counts = record[key]
        name = str(*value) if value else ""
        counts[name] = counts.get(name, 0) + 1
    record["most_megabytes"] = max(record["most_megabytes"], row["megabytes"])
    record["most_seconds"] = max(record["most_seconds"], row["seconds"])
    if row["wrong"]:
        record["wrong"].append(row)


def show(record: dict[str, Any]) -> None:
    commands = {name: n for name, n in record["commands"].items() if name.isalpha() and n > 9}
    print(f"{record['executions']:,} executions")
    print("  commands:", ", ".join(f"{name} {n:,}" for name, n in sorted(commands.items())))
    codes = Counter(record["exit_codes"])
    print("  exit codes:", ", ".join(f"{code}: {n:,}" for code, n in sorted(codes.items())))
    print(f"  at most {record['most_megabytes']} MB, {record['most_seconds']:.1f} s")
    kinds = Counter(row["wrong"].split(":")[0] for row in record["wrong"])
    print("  wrong:", ", ".join(f"{kind} {n}" for kind, n in kinds.items()) or "none")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--executions", type=int, default=5000, help="how many (5000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first (0)")
    parser.add_argument("--seed", type=int, default=0, help="of the grammar (0)")
    parser.add_argument("--out", type=Path, help="the record, such as results/fuzz.json")
    parser.add_argument("--keep", type=Path, help="keep the folders of what is wrong here")
    args = parser.parse_args()
    record: dict[str, Any] = {"machine": machine(), "version": __version__, "seed": args.seed}
    record["executions"] = 0
    record |= {"next": args.first, "commands": {}, "exit_codes": {}, "most_megabytes": 0}
    record |= {"most_seconds": 0.0, "wrong": []}
    if args.out and args.out.exists():
        before = json.loads(args.out.read_text())
        if (before.get("version"), before.get("seed")) == (__version__, args.seed):
            record = before
    began = time.perf_counter()
    number = args.first + args.executions - record["next"]
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
    for row in fuzz_runs.executions(record["next"], number, args.seed, args.keep):
        totals(record, row)
        if row["wrong"]:
            print(f"WRONG {json.dumps(row)}", flush=True)
        if args.out and (record["next"] % OFTEN == 0 or row["wrong"]):
            args.out.write_text(json.dumps(record, indent=1) + "\n")
    if args.out:
        args.out.write_text(json.dumps(record, indent=1) + "\n")
    show(record)
    print(f"  {time.perf_counter() - began:.0f} s")
    if record["wrong"]:
        raise SystemExit("an execution must end with its results or with one line")


if __name__ == "__main__":
    main()
