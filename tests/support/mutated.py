"""Mutations one by one in a process of their own, so that a crash, a hang or a bomb is seen as one.

``python -m support.mutated FIRST COUNT EVENTS FOLDER`` prints a line for each.
"""

from __future__ import annotations

import os
import resource
import select
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

#: What a file may take besides its own size.
MOST_MEMORY = 50 << 20
#: A mutation that takes longer hangs.
LONGEST = 120.0


class Result(NamedTuple):
    """What became of a mutation: "refused", "works", or what went wrong."""

    number: int
    outcome: str
    seconds: float

    @property
    def is_fine(self) -> bool:
        """Whether it is one of the two that are allowed."""
        return self.outcome in ("refused", "works")


def mutated(first: int, count: int, events: int) -> Iterator[Result]:
    """Results of mutations from `first` on; a process that dies is replaced."""
    number, end = first, first + count
    with tempfile.TemporaryDirectory() as folder:
        while number < end:
            command = [sys.executable, "-m", "support.mutated"]
            command += [str(number), str(end - number), str(events), folder]
            with subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                cwd=Path(__file__).parents[1],
            ) as child:
                for result in _results(child, number):
                    yield result
                    number = result.number + 1


def _results(child: subprocess.Popen[bytes], number: int) -> Iterator[Result]:
    assert child.stdout is not None
    assert child.stderr is not None
    os.set_blocking(child.stdout.fileno(), True)
    while True:
        began = time.perf_counter()
        ready, _, _ = select.select([child.stdout], [], [], LONGEST)
        line = child.stdout.readline() if ready else b""
        if not line:
            break
        text = line.decode().rstrip("\n").split(" ", 1)[1]
        yield Result(number, text, time.perf_counter() - began)
        number += 1
    if not ready:
        child.kill()
        yield Result(number, "hang", LONGEST)
        return
    code = child.wait()
    if code:
        said = child.stderr.read().decode(errors="replace")[-3000:]
        yield Result(number, f"crash {code}: {said}", 0.0)


def _one(number: int, events: int, folder: Path) -> str:
    # Here, because the parent needs no models.
    from support.mutations import loaded, mutation, use

    kind, arrays, metadata = mutation(number)
    most = MOST_MEMORY + sum(array.nbytes for array in arrays.values())
    before = _memory()
    try:
        made = loaded(arrays, metadata, folder if number % 5 == 0 else None)
        taken = _memory() - before
        if made is not None:
            use(made, events, Random(f"events {number}"))
        # A model that has seen no event makes its block by its parameters.
        if kind != "empty":
            taken = _memory() - before
    except BaseException:
        return f"{kind}: " + " | ".join(traceback.format_exc().splitlines()[-6:])
    # What is freed stays with a sanitizer for a while.
    if taken > most and "ASAN_OPTIONS" not in os.environ:
        return f"{kind}: {taken >> 20} MB, and its file at most {most >> 20} MB less 50"
    return "refused" if made is None else "works"


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def main() -> None:
    """In the child."""
    from support.mutations import KINDS, checkpoint

    warnings.simplefilter("error")
    first, count, events = map(int, sys.argv[1:4])
    for kind in KINDS:
        checkpoint(kind)
    for number in range(first, first + count):
        print(number, _one(number, events, Path(sys.argv[4])), flush=True)


if __name__ == "__main__":
    main()
