"""Whether `python -O`, which leaves asserts out, changes what models and networks answer.

`python tests/support/without_asserts.py` runs itself twice, with asserts and without, and compares.
pytest cannot say it: under -O its own asserts are gone as well.
"""

from __future__ import annotations

import copy
import hashlib
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from support.models import TASKS, of_task
from support.topologies import stream

import lethe


def ways(thing: Any, folder: Path) -> Iterator[tuple[str, Any]]:
    """A model or network as each way of keeping it gives it back."""
    yield "itself", thing
    yield "copy", copy.deepcopy(thing)
    yield "pickle", pickle.loads(pickle.dumps(thing))
    path = folder / "state.safetensors"
    thing.save(path)
    yield "file", lethe.load(path)
    path.unlink()


def answers(folder: Path) -> Iterator[str]:
    """A line for each task and way."""
    for task in TASKS:
        model, events = of_task(task)
        first, then = events(120)[:80], events(120)[80:]
        for event in first:
            model.learn(event)
        for way, ours in ways(model, folder):
            reports = [repr(ours.learn(event)) for event in then]
            yield f"{task}, {way}: {reports[-1]} {hash_of(reports)}"
    for units in ("logistic", "softmax"):
        topology = lethe.Topology(inputs=5, outputs=4, blocks=3, layers=2, output_units=units)
        net = lethe.Network(topology, update=lethe.Adam(0.01), seed=1)
        net.run(**stream(topology, 100, 1))
        for way, ours in ways(net, folder):
            output = ours.run(**stream(topology, 50, 3))["output"]
            yield f"{units}, {way}: {hash_of([output.tobytes()])}"


def hash_of(parts: list[Any]) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, __file__, "--print"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def difference() -> str:
    """What differs between the two processes; nothing where all is well."""
    plain, optimised = run(), run("-O")
    for process in (plain, optimised):
        if process.returncode:
            return process.stderr
    ours, theirs = plain.stdout.splitlines(), optimised.stdout.splitlines()
    if len(ours) != len(theirs) or not ours:
        return f"{len(ours)} answers with asserts, {len(theirs)} without"
    pairs = zip(ours, theirs, strict=True)
    return "\n".join(f"with asserts    {a}\nwithout asserts {b}" for a, b in pairs if a != b)


if __name__ == "__main__":
    if "--print" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            for line in answers(Path(folder)):
                print(line)
    else:
        found = difference()
        print(found or "the same with and without asserts")
        sys.exit(bool(found))
