"""One `predict_one` and one `learn_one`, 10 numbers in, 32 cells, against deep-river and river.

Contestants take turns in one process, one thread; figures are medians of the rounds. Not the same
work: deep-river's LSTM keeps no state from event to event, it runs over a window of the last events
(its default, 10) twice, and learns from it by gradients through that window. Lethe's networks, as
many as there are rates, carry their state and all their partials; around them are the linear
predictors and the mixture, which deep-river does not have. River's linear regression has no memory.
"""

import argparse
import json
import platform
import statistics
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import lethe
from lethe.cli.bench import Entry, machine, measure
from lethe.model.networks import RATES
from lethe.trials.workers import one_thread
from lethe.version import __version__

Event = tuple[dict[str, float], float]
FEATURES, CELLS, EVENTS = 10, 32, 2000


def events(seed: int) -> list[Event]:
    random = np.random.default_rng(seed)
    rows = random.standard_normal((EVENTS, FEATURES))
    targets = np.tanh(rows[:, 0] * rows[:, 1]) + rows @ np.linspace(-1, 1, FEATURES)
    names = [f"x{n}" for n in range(FEATURES)]
    return [
        (dict(zip(names, row, strict=True)), target)
        for row, target in zip(rows.tolist(), targets.tolist(), strict=True)
    ]


def of_river(estimator: Any, stream: list[Event]) -> Callable[[int], None]:
    """A contestant of anything with river's two methods."""

    def learn(steps: int) -> None:
        for step in range(steps):
            x, y = stream[step % EVENTS]
            estimator.predict_one(x)
            estimator.learn_one(x, y)

    return learn


def of_model(stream: list[Event]) -> Callable[[int], None]:
    model = lethe.Model("y", cells=CELLS, detect=False)

    def learn(steps: int) -> None:
        for step in range(steps):
            x, y = stream[step % EVENTS]
            model.predict(x)
            model.learn(x, y)

    return learn


def entries(stream: list[Event]) -> tuple[list[Entry], list[str]]:
    """The contestants, and those that are left out, with the reason."""
    from river import linear_model, preprocessing

    from lethe.adapters.river import LetheRegressor

    adapter = of_river(LetheRegressor(cells=CELLS), stream)
    found = [
        Entry("Lethe, through the river adapter", adapter, EVENTS),
        Entry("lethe.Model, detect=False", of_model(stream), EVENTS),
    ]
    missing = []
    try:
        from deep_river.regression.zoo import LSTMRegressor
    except ImportError as error:
        missing.append(f"deep-river's LSTM: {error}")
    else:
        peer = LSTMRegressor(n_features=FEATURES, hidden_size=CELLS)
        found.append(Entry("deep-river, LSTMRegressor", of_river(peer, stream), 100))
    linear = preprocessing.StandardScaler() | linear_model.LinearRegression()
    found.append(Entry("river, scaler and linear regression", of_river(linear, stream), EVENTS))
    return found, missing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=7, help="after the warm-up (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the events (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the record")
    arguments = parser.parse_args()
    one_thread()
    found, missing = entries(events(arguments.seed))
    times = measure(found, arguments.rounds)
    medians = {name: statistics.median(rounds) for name, rounds in times.items()}
    first = found[0].name
    peers = {}
    for name in ("river", "deep-river", "torch"):
        try:
            peers[name] = version(name)
        except PackageNotFoundError:
            peers[name] = None
    print("| predict_one + learn_one | µs | ratio |\n|---|---:|---:|")
    for name, median in medians.items():
        print(f"| {name} | {median:,.1f} | {median / medians[first]:.3g} |")
    for line in missing:
        print(f"left out: {line}")
    versions = ", ".join(f"{name} {number}" for name, number in peers.items() if number)
    print(
        f"\n{machine()}, one thread, {lethe.instruction_set()}; lethe {__version__} with "
        f"{len(RATES)} networks, {versions}; medians of {arguments.rounds} rounds in turn."
    )
    if arguments.json:
        record = {
            "command": f"python benchmarks/river_peers.py --rounds {arguments.rounds} "
            f"--seed {arguments.seed}",
            "machine": machine(),
            "python": platform.python_version(),
            "version": __version__,
            "instruction_set": lethe.instruction_set(),
            "seed": arguments.seed,
            "rates": RATES,
            "peers": peers,
            "rounds": times,
            "microseconds": medians,
        }
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
