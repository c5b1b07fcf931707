"""Checkpoints that an earlier version wrote load for ever, and answer the same numbers.

Those of the files' own version were written by ``python tests/test_kept_checkpoints.py``, with
``src`` on the path. They are not written again: a later version that changes what a life holds must
still read these, and add its own beside them.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lethe
from lethe import Model, Network, RMSprop, Topology

KEPT = Path(__file__).parent / "checkpoints"
NAMES = ("numbers", "ahead", "classes", "symbols", "network")
SIZES: dict[str, Any] = {"cells": 2, "rates": (3e-3, 1e-2), "seed": 1}


def events(name: str, first: int, end: int) -> list[Any]:
    """Without random numbers, which another version of NumPy might draw differently."""
    found: list[Any] = []
    for n in range(first, end):
        a, b = math.sin(n * n % 101), math.cos(n * 7 % 53)
        y = 20 + 3 * math.sin(n / 4) + a - 0.5 * b
        event = {"t": f"2026-{1 + n // 24 // 28:02d}-{1 + n // 24 % 28:02d}T{n % 24:02d}:00:00"}
        row = event | {"a": a if n % 9 else None, "b": b, "word": "abcd"[n * n % 13 % 4], "y": y}
        if name == "classes":
            row["y"] = "low" if y < 19 else "high" if y > 21 else "middle"
        found.append("lethe styx "[n * n % 7 + n % 5] if name == "symbols" else row)
    return found


def made(name: str) -> Any:
    """What is kept: 200 events old, the last three of them still without a target."""
    if name == "network":
        net = Network(
            Topology(inputs=2, outputs=2, blocks=3, cells_per_block=2, layers=2),
            update=RMSprop(0.01),
            seed=1,
        )
        for n in range(100):
            net.step([math.sin(n), math.cos(n * n % 17)])
            net.learn([n % 2, n % 3 == 0])
        net.step([0.5, -0.5])  # and this step waits for its target
        return net
    options: dict[str, Any] = {
        "numbers": {"target": "y", "categories": 3},
        "ahead": {"target": ("y", "b"), "horizon": 3, "period": 24},
        "classes": {"target": "y", "task": "classification"},
        "symbols": {"task": "symbols"},
    }[name]
    model = Model(**options, **SIZES)
    for n, event in enumerate(events(name, 0, 200)):
        if name != "numbers" or n < 197:
            model.learn(event)
        else:
            model.learn({key: value for key, value in event.items() if key != "y"}, id=n)
    return model


def answers(name: str, kept: Any) -> list[float]:
    """What it says of what comes next, and after it has learned from some of that."""
    if name == "network":
        kept.learn([1, 0])
        found = []
        for n in range(20):
            found += kept.step([math.cos(n), 0.1 * n]).tolist()
            kept.learn([0, 1])
        return found
    found = []
    for n, event in enumerate(events(name, 200, 230)):
        prediction = kept.predict(*(() if kept.horizon else (event,)))
        for value in prediction.forecast:
            numbers = value.values() if isinstance(value, dict) else [value]
            found += [number for number in numbers if isinstance(number, float)]
        found += prediction.probabilities.values()
        report = kept.learn(event)
        found.append(report.anomaly)
        if name == "numbers" and n in (3, 5, 9):
            kept.tell({3: 198, 5: 197, 9: 199}[n], 21.5)
    if name == "numbers":
        found += prediction.interval(0.5)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_kept_checkpoint_answers_as_it_did(name: str) -> None:
    expected = json.loads((KEPT / "answers.json").read_text(encoding="utf-8"))[name]
    got = answers(name, lethe.load(KEPT / f"{name}.safetensors"))
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_can_be_made_again(name: str) -> None:
    """The same events make the same answers, on this machine as on that one."""
    expected = json.loads((KEPT / "answers.json").read_text(encoding="utf-8"))[name]
    np.testing.assert_allclose(answers(name, made(name)), expected, rtol=1e-3, atol=1e-3)


def main() -> None:
    """Write them: once for each version that changes what a life holds."""
    KEPT.mkdir(exist_ok=True)
    for name in NAMES:
        made(name).save(KEPT / f"{name}.safetensors")
    said = {name: answers(name, lethe.load(KEPT / f"{name}.safetensors")) for name in NAMES}
    (KEPT / "answers.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(NAMES)} checkpoints of Lethe {lethe.__version__} in {KEPT}\n")


if __name__ == "__main__":
    main()
