"""The figures in the README are those of the records."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def record(name: str) -> dict[str, object]:
    return dict(json.loads((ROOT / "results" / name).read_text(encoding="utf-8")))


def test_the_errors_of_the_series() -> None:
    rows: list[dict[str, float]] = record("series.json")["rows"]  # type: ignore[assignment]
    known = {(row["series"], row["ahead"] == 24): row for row in rows}
    shown = re.findall(r"^\| ([^|]+?)(, 24 ahead)? \| (\S+) \| (\S+) \((.+?)\) \|", README, re.M)
    assert len(shown) > 25
    for series, far, lethe, naive, name in shown:
        row = known[series, bool(far)]
        assert (lethe, naive) == (f"{row['Lethe']:.4g}", f"{row[name]:.4g}")
        others = [row[k] for k in ("last value", "mean", "same time last period") if k in row]
        assert row[name] == min(others)


def test_lost_rows_come_first() -> None:
    table = README.partition("<!-- series")[2].partition("<!-- end")[0]
    lost = ["**loses**" in line for line in table.splitlines() if line.startswith("| ")][1:]
    assert lost == sorted(lost, reverse=True)
    ratios = [float(r) for r in re.findall(r"\| (\d\.\d{3})(?: \*\*loses\*\*)? \|$", table, re.M)]
    assert len(ratios) == len(lost)
    assert [ratio > 1 for ratio in ratios] == lost


def test_anomalies() -> None:
    series: list[dict[str, dict[str, float]]] = record("anomalies.json")["series"]  # type: ignore[assignment]
    areas = [one["Lethe"]["roc_area"] for one in series if "roc_area" in one["Lethe"]]
    alarms = [one["Lethe"]["alarms_per_1000"] for one in series if "roc_area" not in one["Lethe"]]
    assert (len(areas), len(alarms)) == (17, 5)
    assert f"ROC curve {sum(areas) / 17:.3f} in the mean" in README
    rate = sum(one["0.99"] for one in alarms) / 5  # type: ignore[index]
    assert f"{rate:.1f} of 1,000 events score 0.99 or more" in README
