"""The tables of series.py."""

import math
from collections.abc import Callable
from typing import Any

Record = dict[str, Any]
NAIVE = ("last value", "mean", "same time last period")
EQUAL = 5e-4  # ratios this near to 1 are shown as 1.000


def ratio(row: Record) -> float:
    """The error as a multiple of the best naive predictor's."""
    return _over(row, row["Lethe"])


def best_peer(record: Record, row: Record, family: str) -> Record | None:
    tried = [
        peer
        for peer in record["peers"]
        if (peer["series"], peer["ahead"], peer["family"]) == (row["series"], row["ahead"], family)
    ]
    return min(tried, key=_error) if tried else None


def loses(record: Record, row: Record) -> bool:
    peers = [best_peer(record, row, family) for family in ("SNARIMAX", "HoltWinters")]
    return ratio(row) >= 1 + EQUAL or any(peer and peer["error"] < row["Lethe"] for peer in peers)


def main_table(record: Record) -> str:
    rows = record["rows"]
    losing = sorted((row for row in rows if loses(record, row)), key=ratio, reverse=True)
    others = [row for row in rows if not loses(record, row)]
    lines = [
        "# Mean absolute error, one pass, the defaults",
        "",
        f"`{record['command']}`; lethe {record['version']}, {record['instruction_set']}, "
        + ", ".join(f"{name} {number}" for name, number in record["versions"].items())
        + f"; {record['machine']}.",
        "",
        "Bold is the best of a row. The last column: Lethe's error over that of the best naive "
        "predictor (last value, mean, same time last period). Of river's SNARIMAX and HoltWinters "
        "the setting, of 17 and 24, that did best on this very series is shown. *: the defaults "
        "were chosen with a look at this series, or at another of its kind; the others were "
        "added afterwards.",
        "",
        f"Lethe loses on {len(losing)} of {len(rows)} rows; these come first.",
        "",
        "| series | ahead | events | Lethe | last value | mean | last period | SNARIMAX "
        "| HoltWinters | ratio |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in losing + others:
        errors = [row["Lethe"], *(row.get(name) for name in NAIVE)]
        for family in ("SNARIMAX", "HoltWinters"):
            peer = best_peer(record, row, family)
            errors.append(peer["error"] if peer else None)
        best = min(error for error in errors if error is not None)
        cells = " | ".join(_cell(error, error == best) for error in errors)
        verdict = f"{ratio(row):.3f}" + (" **loses**" if row in losing else "")
        lines.append(f"| {_name(row)} | {row['ahead']} | {row['events']:,} | {cells} | {verdict} |")
    known = [row for row in rows if row["last value"]]  # all but a flat line
    means = {
        "with *": [ratio(row) for row in known if row["chosen_on"]],
        "without": [ratio(row) for row in known if not row["chosen_on"]],
    }
    said = "; ".join(f"{name} {_geometric(values):.3f}" for name, values in means.items() if values)
    lines += ["", f"Geometric mean of the ratios: {said}."]
    return "\n".join(lines)


def readme_table(record: Record) -> str:
    """The series that the README shows: those the defaults were chosen on, the lost ones first."""
    rows = [row for row in record["rows"] if row["chosen_on"]]
    rows.sort(key=lambda row: -ratio(row) if ratio(row) >= 1 + EQUAL else 0.0)
    lines = [
        "| series | Lethe | best naive predictor | ratio |",
        "|---|---:|---:|---:|",
    ]
    for row in rows:
        known = {name: row[name] for name in NAIVE if name in row}
        best = min(known, key=lambda name: known[name])
        lost = " **loses**" if ratio(row) >= 1 + EQUAL else ""
        ahead = ", 24 ahead" if row["ahead"] == 24 else ""
        lines.append(
            f"| {row['series']}{ahead} | {_number(row['Lethe'])} "
            f"| {_number(known[best])} ({best}) | {ratio(row):.3f}{lost} |"
        )
    return "\n".join(lines)


def peers_table(record: Record) -> str:
    """The best settings of river's forecasters, and those of river's own examples."""
    lines = [
        "## River's forecasters",
        "",
        "Of all settings, which series.json has, that of river's own example and the three that "
        "did best on the series. Until a forecaster can answer, its forecast is the last value.",
        "",
        "| series | ahead | forecaster | setting | error |",
        "|---|---:|---|---|---:|",
    ]
    groups: dict[tuple[str, int, str], list[Record]] = {}
    for peer in record["peers"]:
        groups.setdefault((peer["series"], peer["ahead"], peer["family"]), []).append(peer)
    for name, ahead, family in sorted(groups):
        first, *others = groups[name, ahead, family]
        title = f"{family}, {1 + len(others)} settings"
        lines.append(
            f"| {name} | {ahead} | {title} | {first['setting']} (river's example) | "
            f"{_number(first['error'])} |"
        )
        for peer in sorted([first, *others], key=_error)[:3]:
            lines.append(
                f"| {name} | {ahead} | {family} | {peer['setting']} | {_number(peer['error'])} |"
            )
    return "\n".join(lines)


def _error(peer: Record) -> float:
    return peer["error"] if peer["error"] == peer["error"] else math.inf


def ablation_tables(record: Record) -> list[str]:
    """Errors with parts left out, as multiples of the best naive predictor's."""
    rows = [row for row in record["rows"] if row["last value"]]  # all but a flat line
    columns: dict[str, Callable[[Record], float]] = {"the default": ratio}
    for name in rows[0]["others"]:
        columns[name] = lambda row, name=name: _over(row, row["others"][name])
    for name in ("linear, slow", "linear, fast"):
        columns[f"{name}, alone"] = lambda row, name=name: _over(row, row["alone"][name])
    lines = [
        "## With and without",
        "",
        "Errors over that of the best naive predictor, a flat line left out: the default "
        f"({record['rates']} together), other rates, no networks, and the two linear predictors "
        "unmixed.",
        "",
        "| series | ahead | " + " | ".join(columns) + " |",
        "|---|---:|" + "---:|" * len(columns),
    ]
    values = {name: [column(row) for row in rows] for name, column in columns.items()}
    for place, row in enumerate(rows):
        found = [column[place] for column in values.values()]
        cells = " | ".join(_ratio(value, value == min(found)) for value in found)
        lines.append(f"| {_name(row)} | {row['ahead']} | {cells} |")
    for title, worst in (("geometric mean", False), ("worst", True), ("rows above 1", None)):
        cells = " | ".join(
            str(sum(value >= 1 + EQUAL for value in column))
            if worst is None
            else f"{max(column) if worst else _geometric(column):.3f}"
            for column in values.values()
        )
        lines.append(f"| **{title}** | | {cells} |")
    shares = [
        "## What the mixture believes at the end",
        "",
        "Mean weights over the last 1,000 events.",
        "",
        "| series | ahead | naive | linear | networks |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in record["rows"]:
        cells = " | ".join(f"{row['weights'][kind]:.2f}" for kind in row["weights"])
        shares.append(f"| {_name(row)} | {row['ahead']} | {cells} |")
    return ["\n".join(lines), "\n".join(shares)]


def _over(row: Record, error: float) -> float:
    best = min(row[name] for name in NAIVE if name in row)
    if best:
        return error / best
    return 1.0 if error == 0 else math.inf


def _name(row: Record) -> str:
    return f"{row['series']}{' *' if row['chosen_on'] else ''}"


def _geometric(values: list[float]) -> float:
    return math.exp(sum(math.log(value) for value in values) / len(values))


def _ratio(value: float, best: bool) -> str:
    text = f"{value:.3f}" if value < 100 else f"{value:.3g}"
    return f"**{text}**" if best else text


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.2e}"


def _cell(value: float | None, best: bool) -> str:
    if value is None:
        return ""
    return f"**{_number(value)}**" if best else _number(value)
