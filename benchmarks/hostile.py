"""Checkpoints that were changed, with a right digest: each is refused, or a model that works.

Thousands of seeded changes of networks and of every kind of model: other bytes, numbers and counts
in the block, other fields in the state. What is not refused takes events, predicts, scores, gives
intervals, is saved and loaded again. Crashes, hangs, other exceptions, warnings and more than 50 MB
besides the file's size are failures.
"""

import argparse
import collections
import json
import sys
from pathlib import Path

from lethe.cli.bench import machine
from lethe.version import __version__

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.mutated import mutated


def main() -> None:
    """Prints what became of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutations", type=int, default=10_000, help="how many (10,000)")
    parser.add_argument("--first", type=int, default=0, help="the first one's number (0)")
    parser.add_argument("--events", type=int, default=1000, help="that each model takes (1,000)")
    parser.add_argument("--sanitized", action="store_true", help="say so: under AddressSanitizer")
    parser.add_argument("--out", type=Path, help="also write it, such as results/hostile.json")
    args = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    failures: list[list[object]] = []
    longest = 0.0
    for result in mutated(args.first, args.mutations, args.events):
        counts[result.outcome if result.is_fine else "failed"] += 1
        longest = max(longest, result.seconds)
        if not result.is_fine:
            failures.append([result.number, result.outcome[-400:]])
            print(result.number, result.outcome, flush=True)
    record = {
        "machine": machine(),
        "version": __version__,
        "mutations": args.mutations,
        "events": args.events,
        "sanitized": args.sanitized,
        **{name: counts[name] for name in ("refused", "works", "failed")},
        "longest": round(longest, 2),
        "failures": failures,
    }
    print(json.dumps(record, indent=1))
    if args.out:
        args.out.write_text(json.dumps(record, indent=1) + "\n")
    if failures:
        raise SystemExit("some checkpoints are neither refused nor work")


if __name__ == "__main__":
    main()
