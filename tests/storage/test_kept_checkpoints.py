"""Checkpoints that an earlier version wrote load for ever, and answer the same numbers.

They were written by ``python tests/storage/test_kept_checkpoints.py`` and are not written again: a
later version that changes what a state holds must still read these, and keep its own beside them.
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
    every: dict[str, dict[str, Any]] = {
        "numbers": {"target": "y", "categories": 3},
        "ahead": {"target": "y", "horizon": 3, "period": 24, "detect": False},
        "classes": {"target": "y", "task": "classification"},
        "symbols": {"task": "symbols"},
    }
    model = Model(**every[name], **SIZES)
    for n, event in enumerate(events(name, 0, 200)):
        if name != "numbers" or n < 197:
            model.learn(event)
        else:
            model.learn({key: value for key, value in event.items() if key != "y"}, id=n)
    return model


def answers(name: str, kept: Any) -> list[float]:
    """What it says of what comes next; nothing is learned, which later versions may do better."""
    found: list[float] = []
    if name == "network":
        for n in range(20):
            found += kept.step([math.cos(n), 0.1 * n], learn=False).tolist()
        return found
    for event in events(name, 200, 230):
        prediction = kept.predict(*(() if kept.horizon else (event,)))
        for value in prediction.forecast:
            numbers = value.values() if isinstance(value, dict) else [value]
            found += [number for number in numbers if isinstance(number, float)]
        found += prediction.probabilities.values()
        if kept.task == "regression":
            found += prediction.interval(0.5)
        report = kept.follow(event)
        found += [report.anomaly] if kept.parameters.detect else []
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_kept_checkpoint_answers_as_it_did(name: str) -> None:
    expected = json.loads((KEPT / "answers.json").read_text(encoding="utf-8"))[name]
    got = answers(name, lethe.load(KEPT / f"{name}.safetensors"))
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_kept_checkpoint_goes_on_learning(name: str) -> None:
    kept = lethe.load(KEPT / f"{name}.safetensors")
    if name == "network":
        assert kept.steps == 101
        kept.learn([1, 0])
        assert np.isfinite(kept.step([0.5, 0.5])).all()
        return
    assert (kept.events, kept.skipped, kept.missed) == (200, 0, 0)
    assert kept.waiting == 3 * (name == "numbers")
    for event in events(name, 200, 230):
        kept.learn(event)
    if name == "numbers":
        for id in (198, 197, 199):
            kept.learn_target(id, 21.5)
        assert not kept.waiting


@pytest.mark.parametrize("name", ["model-0.1.0", "model-format-2"])
def test_an_earlier_model_is_refused_in_one_clear_line(name: str) -> None:
    """They were never released; their networks are read as ever."""
    with pytest.raises(lethe.CheckpointError) as caught:
        lethe.load(KEPT / f"{name}.safetensors")
    assert "a model in an earlier format, which is no longer read" in str(caught.value)
    assert "learn again" in str(caught.value)
    assert "\n" not in str(caught.value)


def main() -> None:
    """Write them: once for each version that changes what a state holds."""
    KEPT.mkdir(exist_ok=True)
    for name in NAMES:
        made(name).save(KEPT / f"{name}.safetensors")
    said = {name: answers(name, lethe.load(KEPT / f"{name}.safetensors")) for name in NAMES}
    (KEPT / "answers.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(NAMES)} checkpoints of Lethe {lethe.__version__} in {KEPT}\n")


if __name__ == "__main__":
    main()
