"""Rare events, absurd values, a change of units and late labels: a model with its defaults.

- Rare events: y = jump · x + noise, where x is 1 in one of 100 events. The share of the jump that
  is predicted, and how often the 90 % interval holds it, after 200 examples; the error on all
  other events over the least possible.
- Absurd values: one reading of 4,294,967,295 or -9,999 in a series of 2,400. How many forecasts of
  the 300 events from the second after it are further off than 20 usual errors; 16 series.
- Sentinels: -9,999 six times within 600 events. The error 400 to 3,400 events after the last, over
  that of the same series without them.
- Units: all values become a thousandth, or a thousandfold. The error, in the new unit, in the
  750 events from the 1,000th on over what it was before.
- Late labels: y = 3 x + noise; labels come up to so many events late, in any order. The error over
  the least possible, in the second half of 5,000 events.
"""

import argparse
import heapq
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lethe
from lethe.cli.bench import machine
from lethe.trials.workers import one_thread
from lethe.version import __version__

Values = NDArray[np.float64]
RATIOS = (20, 50, 100, 200, 500)
LEAST = float(np.sqrt(2 / np.pi))  # the mean absolute value of normal noise


def rare(ratio: float, seed: int, n: int = 40_000) -> dict[str, float]:
    """Jumps that are so many times the noise."""
    random = np.random.default_rng([1, seed])
    x = (random.random(n) < 0.01).astype(float)
    y = ratio * x + random.standard_normal(n)
    model, forecasts, covered = lethe.Model("y"), np.empty(n), np.zeros(n, bool)
    for i in range(n):
        event = {"x": float(x[i])}
        if x[i] and i > n // 2:
            low, high = model.predict(event).interval(0.9)
            covered[i] = low <= y[i] <= high
        forecasts[i] = model.learn(event, float(y[i])).prediction.value
    late = np.arange(n) > n // 2
    return {
        "predicted": float(forecasts[late & (x > 0)].mean() / ratio),
        "covered": float(covered[late & (x > 0)].mean()),
        "other events": float(np.abs(forecasts - y)[late & (x == 0)].mean() / LEAST),
    }


def series(kind: str, seed: int, n: int) -> Values:
    """A day, a random walk, an autoregression or a trend, with noise."""
    random = np.random.default_rng([2, seed])
    time, noise = np.arange(n), random.standard_normal(n)
    if kind == "day":
        return 10 + 5 * np.sin(2 * np.pi * time / 24) + 0.5 * noise
    if kind == "walk":
        return np.cumsum(noise)
    if kind == "trend":
        return 0.01 * time + noise
    x = np.zeros(n)
    for i in range(1, n):
        x[i] = 0.8 * x[i - 1] + noise[i]
    return 20 + x


def one_ahead(values: Values, timed: bool = False) -> Values:
    """The absolute errors of a model, an event ahead."""
    model, errors = lethe.Model("y", horizon=1), np.empty(len(values))
    for i, value in enumerate(values.tolist()):
        event = {"y": value}
        if timed:
            event["t"] = np.datetime64("2024-01-01T00") + np.timedelta64(i, "h")
        errors[i] = abs(model.learn(event).prediction.value - value)
    return errors


def absurd(glitch: float) -> dict[str, float]:
    """One absurd reading in each of 16 series."""
    counts, at = [], 2000
    for kind in ("day", "walk", "ar", "trend"):
        for timed in (False, True):
            for seed in (0, 1):
                values = series(kind, seed, 2400)
                usual = one_ahead(values, timed)[1000:at].mean()
                values[at] = glitch
                after = one_ahead(values, timed)[at + 2 : at + 302]
                counts.append(int((after > 20 * usual).sum()))
    return {"median": float(np.median(counts)), "most": float(max(counts))}


def sentinels() -> dict[str, float]:
    """-9,999 six times."""
    random = np.random.default_rng(3)
    values = 10 + np.sin(np.arange(6000) * 2 * np.pi / 24) + 0.1 * random.standard_normal(6000)
    wrong = values.copy()
    wrong[[2000, 2100, 2300, 2304, 2500, 2600]] = -9999.0
    part = slice(3000, 6000)
    return {"ratio": float(one_ahead(wrong)[part].mean() / one_ahead(values)[part].mean())}


def units(kind: str, factor: float) -> dict[str, float]:
    """The same series in another unit from its 4,000th event on."""
    values = series(kind, 0, 6000)
    changed = values.copy()
    changed[4000:] *= factor
    part = slice(5000, 5750)
    errors = one_ahead(changed)[part] / factor
    return {"ratio": float(errors.mean() / one_ahead(values)[part].mean())}


def late_labels(latest: int) -> dict[str, float]:
    """Labels that come up to so many events late."""
    random, n = np.random.default_rng(4), 5000
    x = random.standard_normal(n)
    y = 3 * x + 0.1 * random.standard_normal(n)
    model, errors = lethe.Model("y"), np.empty(n)
    waiting: list[tuple[int, int]] = []
    for i in range(n):
        event = {"x": float(x[i])}
        if not latest:
            errors[i] = abs(model.learn(event, float(y[i])).prediction.value - y[i])
            continue
        errors[i] = abs(model.learn(event, id=i).prediction.value - y[i])
        heapq.heappush(waiting, (i + int(random.integers(1, latest)), i))
        while waiting and waiting[0][0] <= i:
            _, label = heapq.heappop(waiting)
            model.learn_target(label, float(y[label]))
    return {"ratio": float(errors[n // 2 :].mean() / (0.1 * LEAST))}


def rows() -> dict[str, Callable[[], dict[str, float]]]:
    """What is measured, by name."""
    found: dict[str, Callable[[], dict[str, float]]] = {}
    for ratio in RATIOS:
        for seed in (0, 1, 2):
            found[f"jump {ratio}, seed {seed}"] = lambda ratio=ratio, seed=seed: rare(ratio, seed)
    for glitch in (4294967295.0, -9999.0):
        found[f"one {glitch:.0f}"] = lambda glitch=glitch: absurd(glitch)
    found["six sentinels"] = sentinels
    for kind in ("day", "walk", "ar"):
        for factor in (1e-3, 1e3):
            name = f"units times {factor:g}, {kind}"
            found[name] = lambda kind=kind, factor=factor: units(kind, factor)
    for latest in (0, 10, 60, 300):
        found[f"labels up to {latest} late"] = lambda latest=latest: late_labels(latest)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/rare_events.json"))
    parser.add_argument("--again", action="store_true", help="measure all once more")
    options = parser.parse_args()
    one_thread()
    record: dict[str, Any] = {}
    if options.out.exists() and not options.again:
        record = json.loads(options.out.read_text())
    record |= {"machine": machine(), "version": __version__}
    measured = record.setdefault("rows", {})
    for name, measure in rows().items():
        if name not in measured:
            measured[name] = measure()
            options.out.write_text(json.dumps(record, indent=1) + "\n")
        figures = ", ".join(f"{key} {value:.3f}" for key, value in measured[name].items())
        print(f"{name:28s} {figures}")


if __name__ == "__main__":
    main()
