"""Mean absolute errors of lethe.Model with its defaults, compared with naive predictors.

Every series is seen once. Each event is predicted, one event ahead, before it is learned from
(`--far`: every series 24 events ahead, too). The naive predictors are the last value, the mean of
all values so far, and the value of the same time last period: a day for events at most 12 hours
apart, else a week up to half a week, else a year, by the times; where there are none, as many
events as series_data.py says for the series, or no such predictor. On WaterFlow and co2
also river's SNARIMAX and HoltWinters, in several settings each, with a season of 24 and 52 events;
what is shown is the setting that did best on this very series. Lethe has its defaults on all.

All are scored on the same events: those with a value, without the first that anybody predicts.
A missing value is missing for Lethe; the others are given the last value in its place.

`--ablation` adds two tables: each learning rate alone, no networks, single predictors; and what the
mixture believes. It takes six times as long.
"""

import argparse
import json
import math
import os
import platform
import sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from series_data import Series, generated, given, numenta, unseen
from series_tables import ablation_tables, main_table, peers_table, readme_table

import lethe
from lethe.cli.bench import machine
from lethe.evaluate.naive import Season
from lethe.model.networks import RATES
from lethe.model.number_parts import PREDICTORS, predictor_names
from lethe.model.numbers import NumberPredictor
from lethe.version import __version__

Values = NDArray[np.float64]
FAR = 24
#: Rates in the place of the default ones. One is so low that its network never adds anything.
OTHERS: dict[str, tuple[float, ...]] = {
    **{f"rate {rate:g} alone": (rate,) for rate in (1e-3, 2e-3, 3e-3, 1e-2)},
    "rates 0.001, 0.003, 0.01": (1e-3, 3e-3, 1e-2),
    "no networks": (1e-30,),
}
LATE = 1000  # events at the end, over which the mixture's weights are averaged
ROOT = Path(__file__).parents[1]
NAIVE = PREDICTORS.index("linear and period")  # the predictors before it
LEARNED = len(PREDICTORS)  # from here on the networks
SEASONS = {"WaterFlow": 24, "co2": 52}


def model_answers(
    series: Series, ahead: int, rates: tuple[float, ...] = RATES
) -> tuple[Values, Values, Values]:
    """What a model says of each event, what each of its predictors says, and mixture weights.

    The answers are (events,), the predictions (events, predictors), NaN where there are none; the
    weights are means over the last events.
    """
    n, k = len(series.values), len(predictor_names(rates))
    answers, parts = np.full(n, math.nan), np.full((n, k), math.nan)
    weights = np.zeros(k)
    timed = series.times is not None
    model = lethe.Model("value", horizon=ahead, time="time" if timed else None, rates=rates)
    for now, value in enumerate(series.values.tolist()):
        if ahead == 0:
            assert series.features is not None
            report = model.learn(series.features[now], id=now)
            answers[now] = report.prediction.value
        else:
            event = {"value": value if value == value else None}
            model.learn({"time": series.times[now], **event} if series.times else event)
        target, head = now + ahead, max(ahead, 1) - 1
        if ahead and target < n:
            answers[target] = model.predict().forecast[head]
        if target < n:
            parts[target] = predictor_outputs(model)[head]
        if ahead == 0:
            model.learn_target(now, value)
        if n - now <= LATE:
            weights += believed(model, head, k)
    return answers, parts, weights / min(LATE, n)


def naive_answers(series: Series, ahead: int) -> dict[str, Values]:
    """What the naive predictors say of each event."""
    ahead = max(ahead, 1)
    values = carried(series.values)
    n = len(values)
    known = ~np.isnan(series.values)
    sums = np.cumsum(np.where(known, series.values, 0.0)) / np.maximum(np.cumsum(known), 1)
    last, mean, seasonal = (np.full(n, math.nan) for _ in range(3))
    last[ahead:], mean[ahead:] = values[:-ahead], sums[:-ahead]
    season = Season(1, series.period) if series.times or series.period else None
    found = False
    for now in range(n):
        seconds = stamp(series.times[now]) if series.times else math.nan
        target = now + ahead - 1  # events before this one are known
        if season and now > 0 and target < n:
            guess = season.guess(ahead, seconds)
            found = found or guess is not None
            seasonal[target] = last[target] if guess is None else guess[0]
        if season:
            season.append([values[now]], seconds)
    answers = {"last value": last, "mean": mean}
    return answers | {"same time last period": seasonal} if found else answers


def carried(values: Values) -> Values:
    """Values with the last known one in the place of what is missing."""
    places = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    filled: Values = values[places]
    return filled


def stamp(when: datetime) -> float:
    return (when - datetime(1970, 1, 1, tzinfo=when.tzinfo)).total_seconds()


def scored(series: Series, ahead: int) -> NDArray[np.bool_]:
    """The events that all are scored on."""
    return ~np.isnan(series.values) & (np.arange(len(series.values)) >= max(ahead, 1))


def mean_error(answers: Values, series: Series, ahead: int) -> float:
    events = scored(series, ahead)
    return float(np.abs(answers[events] - series.values[events]).mean())


def predictor_outputs(model: lethe.Model) -> Values:
    """What each predictor says of the last event: (outputs, predictors), from the model's block."""
    predictor = model._engine.predictor
    assert isinstance(predictor, NumberPredictor)
    stream = predictor.stream
    return stream.record_view("predictions", stream.pending_count - 1)


def believed(model: lethe.Model, head: int, k: int) -> Values:
    """The weight of each predictor: of two mixtures, and of a mixture of these."""
    predictor = model._engine.predictor
    assert isinstance(predictor, NumberPredictor)
    weights = predictor.stream.view("blend weights")[head]
    return weights[2 * k] * weights[:k] + weights[2 * k + 1] * weights[k : 2 * k]


def measure(series: Series, ahead: int, ablation: bool) -> dict[str, Any]:
    """One row: errors by who predicted."""
    answers, parts, weights = model_answers(series, ahead)
    row: dict[str, Any] = {
        "series": series.name,
        "ahead": ahead,
        "chosen_on": series.chosen_on,
        "events": int(scored(series, ahead).sum()),
        "Lethe": mean_error(answers, series, ahead),
    }
    for name, said in naive_answers(series, ahead).items():
        row[name] = mean_error(said, series, ahead)
    row["weights"] = {
        "naive": float(weights[:NAIVE].sum()),
        "linear": float(weights[NAIVE:LEARNED].sum() + weights[-1]),  # delayed columns are linear
        "networks": float(weights[LEARNED:-1].sum()),
    }
    row["alone"] = {
        name: mean_error(parts[:, at], series, ahead)
        for at, name in enumerate(predictor_names(RATES))
    }
    if ablation:
        row["others"] = {
            name: mean_error(model_answers(series, ahead, rates)[0], series, ahead)
            for name, rates in OTHERS.items()
        }
    return row


def measure_peer(series: Series, family: str, number: int) -> list[dict[str, Any]]:
    """One setting of one of river's forecasters, one and 24 events ahead."""
    from series_peers import FAMILIES, forecasts

    name, make = list(FAMILIES[family](SEASONS[series.name]))[number]
    with np.errstate(all="ignore"):
        said = forecasts(make, carried(series.values), FAR)
        return [
            {
                "series": series.name,
                "ahead": ahead,
                "family": family,
                "setting": name,
                "error": mean_error(row, series, ahead),
            }
            for ahead, row in sorted(said.items())
        ]


def collect(folder: Path | None, seed: int) -> list[Series]:
    series = list(given())
    if folder is None or not any(folder.glob("*/*.csv")):
        print(
            "the series of the Numenta Anomaly Benchmark are left out: --nab FOLDER, or LETHE_NAB, "
            f"must be a copy of its data, got {folder}"
        )
    else:
        series += numenta(folder)
    return [*series, *unseen(), *generated(seed)]


def aheads(series: Series, far: bool) -> list[int]:
    if series.features is not None:
        return [0]
    return [1, FAR] if series.far or (far and len(series.values) > 10 * FAR) else [1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    nab = os.environ.get("LETHE_NAB")
    parser.add_argument("--nab", type=Path, default=nab and Path(nab), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0, help="of the generated series (%(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (%(default)s)")
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--far", action="store_true", help="every series 24 events ahead, too")
    parser.add_argument("--out", type=Path, default=ROOT / "results", metavar="FOLDER")
    arguments = parser.parse_args()
    series = collect(arguments.nab, arguments.seed)
    tasks = [
        delayed(measure)(one, ahead, arguments.ablation)
        for one in series
        for ahead in aheads(one, arguments.far)
    ]
    from series_peers import FAMILIES

    peers = [
        delayed(measure_peer)(one, family, number)
        for one in series
        if one.name in SEASONS
        for family, settings in FAMILIES.items()
        for number in range(sum(1 for _ in settings(1)))
    ]
    found = Parallel(n_jobs=arguments.jobs)(peers + tasks)
    record = {
        "command": " ".join(["python benchmarks/series.py", *_options(arguments)]),
        "machine": machine(),
        "python": platform.python_version(),
        "version": __version__,
        "versions": {name: version(name) for name in ("numpy", "river", "statsmodels")},
        "instruction_set": lethe.instruction_set(),
        "seed": arguments.seed,
        "rates": " and ".join(f"{rate:g}" for rate in RATES),
        "rows": found[len(peers) :],
        "peers": [row for rows in found[: len(peers)] for row in rows],
    }
    tables = [main_table(record), peers_table(record)]
    if arguments.ablation:
        tables += ablation_tables(record)
    page = "\n\n".join(tables) + "\n"
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "series.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    (arguments.out / "series.md").write_text(page, "utf-8")
    if arguments.nab and arguments.out == ROOT / "results":
        _into_readme(readme_table(record))
    print(page)
    return 0


def _into_readme(table: str) -> None:
    """Put the short table between its marks in the README."""
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    before, mark, rest = text.partition("<!-- series: benchmarks/series.py writes this table -->\n")
    _, end, after = rest.partition("<!-- end of series -->")
    readme.write_text(before + mark + table + "\n" + end + after, "utf-8")


def _options(arguments: argparse.Namespace) -> list[str]:
    """The options that change what is found, without a folder's own name."""
    options = ["--nab FOLDER"] if arguments.nab else []
    options += [f"--{name}" for name in ("ablation", "far") if getattr(arguments, name)]
    return [*options, f"--seed {arguments.seed}"] if arguments.seed else options


if __name__ == "__main__":
    sys.exit(main())
