"""lethe.Model(task="classification") with its defaults, compared with river's classifiers.

Each event is predicted before it is learned from. The accuracy is the share of events whose class
was the most probable; the log loss is that of the probability of the class that came, at least
1e-6, in nats. River's classifiers have their defaults; kNN keeps the last 1,000 events, and kNN and
logistic regression see numbers in units of their spread. Those that do not know categories get a
column of ones for each; what is missing they do not get.

The streams of river's generators have other seeds than those that constants were chosen on. What
is measured is written to the record after each stream, and not measured again.
"""

import argparse
import json
import math
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from classes_data import BUNDLED, GENERATED, SYNTHETIC, Pair, stream
from river import __version__ as river_version
from river import (
    forest,
    linear_model,
    multiclass,
    naive_bayes,
    neighbors,
    preprocessing,
    tree,
)

import lethe
from lethe.cli.bench import machine
from lethe.trials.workers import one_thread
from lethe.version import __version__

Scores = dict[str, float]
LEAST = 1e-6

PEERS: dict[str, Callable[[], Any]] = {
    "ARF": lambda: forest.ARFClassifier(seed=1),
    "kNN": lambda: (
        preprocessing.StandardScaler()
        | neighbors.KNNClassifier(engine=neighbors.LazySearch(window_size=1000))
    ),
    "Hoeffding tree": tree.HoeffdingTreeClassifier,
    "naive Bayes": naive_bayes.GaussianNB,
    "logistic regression": lambda: (
        preprocessing.StandardScaler()
        | multiclass.OneVsRestClassifier(linear_model.LogisticRegression())
    ),
}
WITH_CATEGORIES = ("ARF", "Hoeffding tree")


def of_lethe(pairs: list[Pair]) -> tuple[Scores, dict[str, float]]:
    model = lethe.Model("class", task="classification")

    def said(event: dict[str, Any], y: Any) -> tuple[Any, float]:
        found = model.learn(event, y).prediction
        if found is None:
            return None, LEAST
        return found.value, found.probabilities.get(y, found.new)

    return scores(pairs, said), model.predictor_weights()


def of_river(name: str, pairs: list[Pair]) -> Scores:
    model = PEERS[name]()

    def said(event: dict[str, Any], y: Any) -> tuple[Any, float]:
        x = {column: value for column, value in event.items() if value is not None}
        if name not in WITH_CATEGORIES:
            x = {
                f"{column}={value}" if isinstance(value, str) else column: (
                    1.0 if isinstance(value, str) else value
                )
                for column, value in x.items()
            }
        chances = model.predict_proba_one(x)
        model.learn_one(x, y)
        best = max(chances, key=chances.__getitem__) if chances else None
        return best, chances.get(y, 0.0)

    return scores(pairs, said)


def scores(pairs: list[Pair], said: Callable[[dict[str, Any], Any], tuple[Any, float]]) -> Scores:
    hits, loss, start = 0, 0.0, time.perf_counter()
    for event, y in pairs:
        best, chance = said(event, y)
        hits += best == y
        loss -= math.log(max(chance, LEAST))
    n = len(pairs)
    return {
        "accuracy": hits / n,
        "log loss": loss / n,
        "microseconds": (time.perf_counter() - start) / n * 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, help="the record; what it has is not measured again")
    parser.add_argument("--events", type=int, default=3000, help="of each stream, at most")
    parser.add_argument("--seeds", type=int, default=1, help="of each generated stream")
    parser.add_argument("--again", action="store_true", help="measure Lethe again")
    arguments = parser.parse_args()
    record: dict[str, Any] = {"streams": {}}
    if arguments.out and arguments.out.exists():
        record = json.loads(arguments.out.read_text(encoding="utf-8"))
    one_thread()
    for name in (*BUNDLED, *SYNTHETIC, *GENERATED):
        for seed in range(100, 101 if name in BUNDLED else 100 + arguments.seeds):
            key = name if name in BUNDLED else f"{name}, seed {seed}"
            found = record["streams"].setdefault(key, {})
            pairs = stream(name, seed, arguments.events)
            found["events"] = len(pairs)
            if "Lethe" not in found or arguments.again:
                found["Lethe"], found["weights"] = of_lethe(pairs)
            for peer in PEERS:
                if peer not in found:
                    found[peer] = of_river(peer, pairs)
            record |= {
                "command": "python benchmarks/classes.py", "machine": machine(),
                "python": platform.python_version(), "version": __version__,
                "river": river_version, "instruction_set": lethe.instruction_set(),
            }  # fmt: skip
            if arguments.out:
                arguments.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            print(row(key, found), flush=True)
    print(means(record["streams"]))


def row(name: str, found: dict[str, Any]) -> str:
    who = ["Lethe", *PEERS]
    cells = [f"{found[one]['accuracy']:.3f} ({found[one]['log loss']:.2f})" for one in who]
    return f"| {name} | {' | '.join(cells)} |"


def means(streams: dict[str, Any]) -> str:
    mean = {
        one: {
            what: float(np.mean([found[one][what] for found in streams.values()]))
            for what in ("accuracy", "log loss")
        }
        for one in ("Lethe", *PEERS)
    }
    return row(f"mean of {len(streams)}", mean)


if __name__ == "__main__":
    main()
