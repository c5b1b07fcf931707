"""The page of compare.py, made of its record: what Lethe loses comes first."""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from compare_series import COLUMNS, FAR, SHORT

Row = dict[str, Any]
Record = dict[str, Any]
#: By series and distance, then by method.
Scores = dict[tuple[str, int], dict[str, Row]]
LETHE = "Lethe"
Wanted = Callable[[str, int], bool]
Loss = tuple[float, str, Row, Row]
NOTHING = "No row of the record has these yet."
EQUAL = 5e-4  # ratios this near to 1 count as neither won nor lost
CLASSICAL = ("AutoETS", "AutoTheta", "AutoARIMA")

TOP = """\
# Compared with other forecasters

Every method goes through every series once, in the order of time, with one setting for all, and is
asked for 19 quantiles (5 %, 10 %, … 95 %) at the same origins: at most 120 of each series,
drawn evenly after the first 200 events (or a fifth of the series, where it is short). What Lethe
loses comes first, in every table. `python benchmarks/compare.py` makes this page and its record,
[results/compare.json](../results/compare.json).

- **CRPS** is the continuous ranked probability score, an error in the units of the series that
  becomes the absolute error where a forecast is one number; it is estimated from the 19 quantiles,
  the same for all. **Log** is minus the log of the density at what came, from the same quantiles:
  flat between them, exponential beyond, at the resolution of the series. **MAE** is of the point
  that a method gives as its forecast, **RMSE** of its mean. **90 %**: how often the value lay
  between the 5 % and the 95 % quantile. **µs**: processor time to learn an event and to answer with
  19 quantiles, in the median over the series.
- **A ratio** is Lethe's score over the other's: above 1 Lethe loses. Ratios are averaged
  geometrically; a difference of log scores above 0 means that Lethe loses.
- **Seasons**: where a series has times Lethe reads them, and the others are told the number of
  events in a day, a week or a year. Where it has a period that its owner knows all are told. The
  series called "period 12" and so on have one that nobody is told.
- **Quantiles of those that have none** (naive predictors, river, deep-river, gradient boosting) are
  their point plus the quantiles of their own last 256 errors at that distance. fracast-0 has nine
  quantiles, which are extended as a normal's would be.
- **Refits**: statsforecast's models are fitted to the last 500 events every 40 origins and
  continued in between with what has come; gradient boosting is fitted to all that is known every 40
  origins. Fitted at every origin they might do better, at 40 times the cost. The others learn with
  each event or are given the last 2,000. A season longer than 60 events is not told to
  statsforecast and SNARIMAX, which would need minutes for a fit.
- **Settings**: river's regressors and gradient boosting see the last 24 values and the one a season
  ago, and learn each distance by itself; BayesianLR with inputs and target standardised. SNARIMAX
  has p = 12, d = 1, q = 12 and, with a season, sp = 1, and learns by SGD(0.01) with its gradient
  clipped at 1; HoltWinters has river's example's 0.3, 0.1 and 0.6; deep-river's LSTMForecaster a
  window of 24, Adam and standardised values. Else what the packages have by default."""

LOOKED_AT = """\
**What was looked at.** Constants of Lethe were chosen on series marked * or on others that the same
kinds of generator made with other seeds, and on the Numenta Anomaly Benchmark. The rest was added
to this page afterwards and nothing was chosen on it."""

NOTES = {
    "timemachines": "timemachines has no forecaster of its own since its version 2: it passes on "
    "those of skaters, which are here, and adds detectors of anomalies.",
    "skaters-fast": "skaters' compiled form, which its extra `fast` names, is not in the registry; "
    "its times are those of pure Python.",
    "deep-river": "deep-river 0.3.4 needs river below 0.26: its rows are made in an environment of "
    "their own, with PyTorch 2.13 where it asks for less than 2.6, by "
    '`--methods "deep-river LSTM" --record FILE`, and taken over by `--merge FILE`.',
}


def scores_of(record: Record) -> Scores:
    found: Scores = {}
    for row in record["rows"]:
        known = record["series"].get(row["series"])
        if "error" not in row and known and known["data"] == row["data"]:
            found.setdefault((row["series"], row["ahead"]), {})[row["method"]] = row
    return found


def ratio(own: float, other: float) -> float:
    if own == other:
        return 1.0
    return own / other if other > 0 else math.inf


def geometric(values: Iterable[float]) -> float:
    kept = [math.log(value) for value in values if 0 < value < math.inf]
    return math.exp(sum(kept) / len(kept)) if kept else math.nan


def best_other(by_method: dict[str, Row], score: str, among: tuple[str, ...] = ("",)) -> Row | None:
    """The best of the others on this series, chosen in hindsight."""
    others = [
        row
        for name, row in by_method.items()
        if name != LETHE and any(part in name for part in among)
    ]
    return min(others, key=lambda row: float(row[score])) if others else None


def losses_first(scores: Scores, wanted: Wanted, score: str, among: tuple[str, ...]) -> list[Loss]:
    """Ratio, series, Lethe's row and the best other's, the worst for Lethe first."""
    found = []
    for (name, ahead), by_method in scores.items():
        other = best_other(by_method, score, among)
        if wanted(name, ahead) and LETHE in by_method and other:
            own = by_method[LETHE]
            found.append((ratio(own[score], other[score]), name, own, other))
    return sorted(found, key=lambda one: (-one[0], one[1]))


def series_table(
    record: Record,
    scores: Scores,
    wanted: Wanted,
    score: str = "crps",
    among: tuple[str, ...] = ("",),
    lost: bool | None = None,
) -> str:
    """A row for each series, or for those that are lost or not, the worst for Lethe first."""
    found = losses_first(scores, wanted, score, among)
    losses = sum(one[0] >= 1 + EQUAL for one in found)
    if not found:
        return NOTHING
    second = "mae" if score == "crps" else "crps"
    head = (
        f"Lethe loses on {losses} of {len(found)} to the best of the others, chosen for each "
        f"series in hindsight; geometric mean of the ratios {geometric(x[0] for x in found):.3f}."
    )
    lines = [] if lost is False else [head, ""]
    lines += [
        f"| series | events | Lethe, {score.upper()} | best other | its {score.upper()} | ratio "
        f"| {second.upper()}, ratio to the same | log, difference | 90 % |",
        "|---|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    shown = found[:losses] if lost else found[losses:] if lost is False else found
    for value, name, own, other in shown:
        about = record["series"][name]
        mark = "*" if about["chosen_on"] else ""
        verdict = f"{value:.3f}" + (" **loses**" if value >= 1 + EQUAL else "")
        lines.append(
            f"| {name}{mark} | {about['events']:,} | {own[score]:.4g} | {other['method']} "
            f"| {other[score]:.4g} | {verdict} | {ratio(own[second], other[second]):.3f} "
            f"| {own['log'] - other['log']:+.2f} | {100 * own['cover']:.0f} |"
        )
    return "\n".join(lines)


def methods_table(scores: Scores, wanted: Wanted) -> str:
    """A row for each method, those that Lethe loses to in the mean first."""
    pairs: dict[str, list[tuple[Row, Row]]] = {}
    for (name, ahead), by_method in scores.items():
        if wanted(name, ahead) and LETHE in by_method:
            for method, row in by_method.items():
                pairs.setdefault(method, []).append((by_method[LETHE], row))
    own = pairs.pop(LETHE, [])
    if not own:
        return NOTHING
    ranked = sorted(pairs, key=lambda name: -_mean_ratio(pairs[name], "crps"))
    lines = [
        "| method | series | Lethe loses in CRPS | CRPS, ratio | MAE, ratio | RMSE, ratio "
        "| log, difference | its 90 % | its µs |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for method in ranked:
        both = pairs[method]
        lost = sum(ratio(a["crps"], b["crps"]) >= 1 + EQUAL for a, b in both)
        ratios = " | ".join(f"{_mean_ratio(both, score):.3f}" for score in ("crps", "mae", "rmse"))
        log = sum(a["log"] - b["log"] for a, b in both) / len(both)
        lines.append(
            f"| {method} | {len(both)} | {lost} | {ratios} | {log:+.2f} "
            f"| {_cover([b for _, b in both])} | {_time([b for _, b in both])} |"
        )
    mine = [row for row, _ in own]
    lines.append(f"| Lethe | {len(mine)} | | | | | | {_cover(mine)} | {_time(mine)} |")
    return "\n".join(lines)


def _mean_ratio(pairs: list[tuple[Row, Row]], score: str) -> float:
    return geometric(ratio(own[score], other[score]) for own, other in pairs)


def _cover(rows: list[Row]) -> str:
    return f"{100 * sum(row['cover'] for row in rows) / len(rows):.1f}"


def _time(rows: list[Row]) -> str:
    ordered = sorted(row["microseconds"] for row in rows)
    return f"{ordered[len(ordered) // 2]:,.0f}"


def every_table(record: Record, scores: Scores, ahead: int) -> str:
    """The CRPS of every method on every series, over Lethe's."""
    chosen = {name: by for (name, h), by in scores.items() if h == ahead and LETHE in by}
    methods = sorted({method for by in chosen.values() for method in by} - {LETHE})
    if not chosen:
        return NOTHING
    shown = [
        method.replace("statsforecast ", "").replace("scikit-learn ", "") for method in methods
    ]
    lines = [
        "| series | Lethe | " + " | ".join(shown) + " |",
        "|---|---:|" + "---:|" * len(methods),
    ]
    order = list(record["series"])
    for name in sorted(chosen, key=order.index):
        by = chosen[name]
        cells = []
        for method in methods:
            if method not in by:
                cells.append("")
                continue
            value = ratio(by[method]["crps"], by[LETHE]["crps"])
            cells.append(f"**{value:.2f}**" if value <= 1 - EQUAL else f"{value:.2f}")
        lines.append(f"| {name} | {by[LETHE]['crps']:.4g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def classes_table(path: Path) -> str:
    """Of the record of streams of classes, if it is there; the worst accuracy for Lethe first."""
    if not path.exists():
        return ""
    record = json.loads(path.read_text("utf-8"))["streams"]
    streams: dict[str, dict[str, Row]] = {
        name: {key: row for key, row in of.items() if isinstance(row, dict) and "accuracy" in row}
        for name, of in record.items()
    }
    methods = list(
        dict.fromkeys(method for of in streams.values() for method in of if method != LETHE)
    )
    found = []
    for name, by_method in streams.items():
        others = [row["accuracy"] for method, row in by_method.items() if method != LETHE]
        if LETHE in by_method and others:
            found.append((by_method[LETHE]["accuracy"] - max(others), name, by_method))
    found.sort(key=lambda one: (one[0], one[1]))
    lost = sum(one[0] < -EQUAL for one in found)
    lines = [
        "## Classes",
        "",
        f"Accuracy of one pass, each event predicted before it is learned; Lethe loses on {lost} "
        f"of {len(found)} streams to the best of the others, chosen in hindsight.",
        "",
        "| stream | Lethe | " + " | ".join(methods) + " | Lethe's log loss | its µs |",
        "|---|---:|" + "---:|" * (len(methods) + 2),
    ]
    for difference, name, by in found:
        cells = [f"{by[m]['accuracy']:.3f}" if m in by else "" for m in methods]
        own = by[LETHE]
        verdict = " **loses**" if difference < -EQUAL else ""
        loss, time = own["log loss"], own["microseconds"]
        lines.append(
            f"| {name} | {own['accuracy']:.3f}{verdict} | "
            + " | ".join(cells)
            + f" | {loss:.3f} | {time:,.0f} |"
        )
    return "\n".join(lines)


def absent(record: Record) -> str:
    """What is not on this page, and why."""
    lines = ["## What is not here", ""]
    here = {row["method"].split()[0] for row in record["rows"]}
    for package, reason in record["missing"].items():
        if package not in here:
            lines.append(f"- {package}: not installed where this page was made ({reason}).")
    lines += [f"- {note}" for note in NOTES.values()]
    failed: dict[tuple[str, str], list[str]] = {}
    for row in record["rows"]:
        if "error" in row and row["series"] in record["series"]:
            names = failed.setdefault((row["method"], row["error"]), [])
            if row["series"] not in names:
                names.append(row["series"])
    for (method, error), names in sorted(failed.items()):
        lines.append(f"- {method} fails on {', '.join(names)}: {error}")
    return "\n".join(lines)


def page(record: Record, classes: Path) -> str:
    """All of it."""
    scores, about = scores_of(record), record["series"]

    def near(name: str, ahead: int) -> bool:
        return ahead == 1

    def far(name: str, ahead: int) -> bool:
        return ahead == FAR

    def not_looked_at(name: str, ahead: int) -> bool:
        return ahead == 1 and not about[name]["chosen_on"]

    def short(name: str, ahead: int) -> bool:
        return ahead == 1 and about[name]["kind"] == SHORT

    def with_columns(name: str, ahead: int) -> bool:
        return about[name]["kind"] == COLUMNS

    versions = ", ".join(f"{name} {number}" for name, number in sorted(record["versions"].items()))
    sections = [
        TOP,
        LOOKED_AT,
        f"{versions}; Python {record.get('python')}, {record.get('machine')}, one thread.",
        "## Where Lethe loses, one event ahead",
        series_table(record, scores, near, lost=True),
        f"## Where Lethe loses, {FAR} events ahead",
        series_table(record, scores, far, lost=True),
        "## Method by method, one event ahead",
        methods_table(scores, near),
        "On the series that nothing was chosen on:",
        methods_table(scores, not_looked_at),
        f"## Method by method, {FAR} events ahead",
        methods_table(scores, far),
        SHORT_SERIES,
        series_table(record, scores, short, "mae", CLASSICAL),
        STREAMS_OF_COLUMNS,
        series_table(record, scores, with_columns),
        methods_table(scores, with_columns),
        classes_table(classes),
        "## Where Lethe does not lose, one event ahead",
        series_table(record, scores, near, lost=False),
        f"## Where Lethe does not lose, {FAR} events ahead",
        series_table(record, scores, far, lost=False),
        "## Every series and every method",
        "CRPS over Lethe's, one event ahead; below 1, in bold, where the other is better.",
        every_table(record, scores, 1),
        f"{FAR} events ahead:",
        every_table(record, scores, FAR),
        absent(record),
        AGAIN,
    ]
    return "\n\n".join(section for section in sections if section).rstrip() + "\n"


SHORT_SERIES = """\
## Short seasonal series

Mean absolute error on those of 100 to 365 events, against the best of AutoETS, AutoTheta and
AutoARIMA."""

STREAMS_OF_COLUMNS = """\
## Streams of columns

The columns of an event are known before its value. Scored are only the events that memory or a
rare event decides (all of Friedman's function and of the machine), at most 120 of 5,000; methods
that take columns."""

AGAIN = """\
## To run it again

```
pip install river statsmodels scikit-learn skaters statsforecast flaircast fracast torch joblib
python benchmarks/compare.py
```

It takes some hours on one core, most of it for skaters 24 events ahead, the adaptive random forests
and AutoARIMA; what the record has is kept, so that it can be stopped and continued. After a change
of Lethe `python benchmarks/compare.py --methods Lethe --again` runs Lethe alone, in minutes, and
writes the page; `--page` only writes the page. `--nab FOLDER` adds the series of the
[Numenta Anomaly Benchmark](https://github.com/numenta/NAB)."""
