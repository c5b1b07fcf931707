"""What a model with its defaults knows of long ago, and what that costs where it is of no use.

Each stream is learned in one pass, an event and its target at a time (`horizon=0`). The figure is
the mean absolute error on the events that decide, over that of the best answer without memory: in
the last fifth of the stream, and around a quarter of it. Below, series without memory: the error
one event ahead with the network for memory over the error without it.

What is measured is written to the record after each stream, and not measured again.
"""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from long_memory_streams import STREAMS, without_memory
from series_data import generated

import lethe
from lethe.cli.bench import machine
from lethe.model import number_parts
from lethe.trials.workers import one_thread
from lethe.version import __version__


def of_stream(name: str, events: int, seed: int) -> dict[str, float]:
    """The errors of a model on one stream, over those without memory."""
    stream = STREAMS[name](np.random.default_rng([seed, list(STREAMS).index(name)]), events)
    columns, y, decides = stream
    least, names = without_memory(stream), list(columns)
    model, forecasts = lethe.Model("y"), np.empty(events)
    rows = np.array(list(columns.values())).T.tolist()
    for n, (row, target) in enumerate(zip(rows, y.tolist(), strict=True)):
        forecasts[n] = model.learn(dict(zip(names, row, strict=True)), target).prediction.value
    errors = np.abs(forecasts - y)
    late, early = slice(events * 4 // 5, events), slice(events // 5, events // 4)
    return {
        "at the end": float(errors[late][decides[late]].mean() / least),
        "after a quarter": float(errors[early][decides[early]].mean() / least),
        "other events": float(np.mean(errors[late][~decides[late]])) if not decides.all() else 0.0,
    }


def without_any(seed: int, events: int) -> dict[str, float]:
    """Series without memory: the error one ahead, over that without the network for memory."""
    found = {}
    for series in generated(seed, events):
        errors = []
        for rate in (number_parts.MEMORY_RATE, 1e-30):  # at which its output stays zero
            before, number_parts.MEMORY_RATE = number_parts.MEMORY_RATE, rate
            try:
                errors.append(one_ahead(series.values))
            finally:
                number_parts.MEMORY_RATE = before
        found[series.name] = errors[0] / errors[1]
    return found


def one_ahead(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    model, errors = lethe.Model("value", horizon=1), []
    for value in values.tolist():
        errors.append(abs(model.learn({"value": value}).prediction.value - value))
    return float(np.mean(errors[100:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/long_memory.json"))
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="measure all once more")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    one_thread()
    record: dict[str, Any] = {}
    if options.out.exists() and not options.again:
        record = json.loads(options.out.read_text())
    record |= {"machine": machine(), "version": __version__, "events": options.events}
    record.setdefault("streams", {})
    for name in STREAMS:
        for seed in range(options.seeds):
            rows = record["streams"].setdefault(name, {})
            if str(seed) not in rows:
                rows[str(seed)] = of_stream(name, options.events, seed)
                options.out.write_text(json.dumps(record, indent=1) + "\n")
            row = rows[str(seed)]
            print(f"{name:15s} seed {seed}: {row['at the end']:.3f}, {row['after a quarter']:.3f}")
    if "without memory" not in record:
        record["without memory"] = without_any(0, 4000)
        options.out.write_text(json.dumps(record, indent=1) + "\n")
    ratios = np.array(list(record["without memory"].values()))
    print(
        f"series without memory: {np.exp(np.log(ratios).mean()):.4f} in the geometric mean, "
        f"{ratios.max():.4f} at most"
    )


if __name__ == "__main__":
    main()
