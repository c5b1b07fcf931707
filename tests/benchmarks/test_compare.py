"""The comparison with other forecasters: scoring, origins, the record and the page."""

from __future__ import annotations

import importlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMES = ("compare", "compare_page", "compare_peers", "compare_batch", "compare_methods")
ALL = (*NAMES, "compare_scoring", "compare_series", "series_data")


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield {name: importlib.import_module(name) for name in ALL}
    finally:
        sys.path.remove(str(BENCHMARKS))
        for name in ALL:
            sys.modules.pop(name, None)


@pytest.fixture
def series(modules: dict[str, ModuleType]) -> Any:
    values = np.random.default_rng(0).standard_normal(400)
    return modules["compare_series"].Series("noise", "generated", values, season=7)


def test_crps_by_quantiles_is_near_the_closed_form_of_the_normal(
    modules: dict[str, ModuleType],
) -> None:
    scoring = modules["compare_scoring"]
    values = np.random.default_rng(0).standard_normal(2000)
    found = scoring.crps(np.tile(norm.ppf(scoring.LEVELS), (2000, 1)), values)
    exact = values * (2 * norm.cdf(values) - 1) + 2 * norm.pdf(values) - 1 / math.sqrt(math.pi)
    assert found.mean() == pytest.approx(exact.mean(), rel=0.01)
    assert np.corrcoef(found, exact)[0, 1] > 0.999


def test_log_score_is_near_the_normal_s_density_and_counts_a_lattice(
    modules: dict[str, ModuleType],
) -> None:
    scoring = modules["compare_scoring"]
    values = np.linspace(-1.5, 1.5, 30)
    quantiles = np.tile(norm.ppf(scoring.LEVELS), (30, 1))
    found = scoring.log_scores(quantiles, values, 0.01)
    assert found == pytest.approx(-norm.logpdf(values), abs=0.25)
    assert found.mean() == pytest.approx(-norm.logpdf(values).mean(), abs=0.03)
    # Half of the mass on 0, half on 1, and the value is one of them.
    both = np.array([[0.0] * 10 + [1.0] * 9])
    assert scoring.log_scores(both, np.array([1.0]), 1.0)[0] == pytest.approx(
        -math.log(0.5), abs=0.1
    )
    assert scoring.grain(np.array([0.0, 3.0, 1.0, 1.0, math.nan])) == 1.0
    # An absurd value costs much, and no more.
    assert scoring.log_scores(both, np.array([1e9]), 1.0)[0] == -math.log(1e-6)


def test_quantiles_of_errors_know_only_what_is_past(modules: dict[str, ModuleType]) -> None:
    scoring = modules["compare_scoring"]
    n = 600
    values, said = np.arange(n, dtype=float), np.zeros(n)
    points, quantiles = scoring.from_errors(said, values, np.array([500]), 24)
    assert points == [0.0]
    errors = values[500 - 256 : 500]
    assert quantiles[0] == pytest.approx(np.quantile(errors, scoring.LEVELS))
    nothing = scoring.from_errors(np.full(n, math.nan), values, np.array([500]), 1)
    assert math.isnan(nothing[0][0])


def test_scores_leave_out_missing_targets_and_refuse_what_is_not_finite(
    modules: dict[str, ModuleType],
) -> None:
    scoring = modules["compare_scoring"]
    values = np.array([1.0, 2.0, math.nan, 4.0])
    events = np.array([1, 2, 3])
    row = np.linspace(1, 3, 19)
    answers = scoring.Answers(events, np.full(3, 2.0), np.full(3, 3.0), np.tile(row, (3, 1)), 5.0)
    found = scoring.scores(answers, 1, values)
    assert (found["origins"], found["mae"], found["cover"]) == (2, 1.0, 0.5)
    assert found["rmse"] == 1.0
    bad = scoring.Answers(events, np.full(3, math.nan), answers.mean, answers.quantiles, 5.0)
    with pytest.raises(ValueError, match="finite"):
        scoring.scores(bad, 1, values)


def test_origins_of_24_ahead_are_among_those_of_one(series: Any) -> None:
    near, far = series.origins(1), series.origins(24)
    assert len(near) <= 120
    assert near.min() >= 80
    assert set(far) <= set(near)
    assert far.max() + 24 <= len(series.values)
    assert (near == series.origins(1)).all()


def test_every_series_is_short_enough_and_has_a_name_of_its_own(
    modules: dict[str, ModuleType],
) -> None:
    part = modules["compare_series"]
    found = [*part.generated(), *part.seasonal(), *part.short(), *part.counts(), *part.columns()]
    assert len({one.name for one in found}) == len(found)
    assert max(len(one.values) for one in found) <= 5000
    assert all(len(one.origins(max(one.aheads()))) > 40 for one in found)


@pytest.mark.parametrize("ahead", [1, 24])
def test_no_naive_answer_knows_its_target(
    modules: dict[str, ModuleType], series: Any, ahead: int
) -> None:
    """What comes after an origin changes nothing of what is said there."""
    peers, batch = modules["compare_peers"], modules["compare_batch"]
    made = [
        peers.by_errors(lambda series: peers.LastValue(drift=True)),
        peers.by_errors(lambda series: peers.Mean()),
        peers.by_errors(lambda series: peers.LastPeriod(series.season)),
        peers.lethe_model,
        batch.gradient_boosting,
    ]
    origins = series.origins(ahead)
    end = int(origins[len(origins) // 2])
    other = series.values.copy()
    other[end:] += 100.0
    changed = type(series)("noise", "generated", other, season=7)
    for method in made:
        before, after = method(series, [ahead])[ahead], method(changed, [ahead])[ahead]
        past = origins <= end
        assert (before.quantiles[past] == after.quantiles[past]).all()
        assert (before.point[past] == after.point[past]).all()
        assert (before.quantiles[~past] != after.quantiles[~past]).any()


def test_nine_quantiles_of_a_normal_become_nineteen(modules: dict[str, ModuleType]) -> None:
    levels = np.arange(1, 10) / 10
    found = modules["compare_batch"].extended(levels, 3 + 2 * norm.ppf(levels)[np.newaxis])
    assert found[0] == pytest.approx(3 + 2 * norm.ppf(modules["compare_scoring"].LEVELS))


def empty() -> dict[str, Any]:
    return {"series": {}, "versions": {}, "missing": {}, "rows": []}


def test_a_run_that_is_stopped_goes_on_where_it_was(
    modules: dict[str, ModuleType], series: Any, tmp_path: Path
) -> None:
    compare, peers = modules["compare"], modules["compare_peers"]
    Contestant = modules["compare_methods"].Contestant
    asked: list[tuple[str, list[int]]] = []

    def method(one: Any, aheads: list[int]) -> Any:
        asked.append((one.name, list(aheads)))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return peers.by_errors(lambda series: peers.Mean())(one, aheads)

    def faulty(one: Any, aheads: list[int]) -> Any:
        raise RuntimeError("no\nfit")

    both = [type(series)("more", "generated", np.tile(series.values, 2)), series]
    path, record = tmp_path / "compare.json", empty()
    compare.describe(record, both)
    with pytest.raises(KeyboardInterrupt):
        compare.run(record, both, [Contestant("mean", method)], path)
    record = compare.read(path)
    assert [row["ahead"] for row in record["rows"]] == [1, 24]
    chosen = [Contestant("mean", method), Contestant("none", faulty, most=1)]
    compare.run(record, both, chosen, path)
    assert asked == [("noise", [1, 24]), ("more", [1, 24]), ("more", [1, 24])]
    compare.run(compare.read(path), both, chosen, path)
    assert len(asked) == 3  # what failed is kept, too
    rows = compare.read(path)["rows"]
    assert [row["ahead"] for row in rows if "error" in row] == [1, 1]
    changed = type(series)("noise", "generated", series.values + 1)
    compare.run(compare.read(path), [changed], chosen[:1], path)
    assert asked[3:] == [("noise", [1, 24])]


def test_a_record_of_another_environment_is_taken_over(modules: dict[str, ModuleType]) -> None:
    own, other = empty(), empty()
    own["rows"] = [row("a", "mean", 1.0)]
    other["rows"] = [row("a", "mean", 2.0), row("a", "LSTM", 3.0)]
    other["versions"] = {"deep-river": "1"}
    modules["compare"].merge(own, other)
    assert [one["crps"] for one in own["rows"]] == [1.0, 3.0]
    assert own["versions"] == {"deep-river": "1"}


def row(series: str, method: str, crps: float, ahead: int = 1) -> dict[str, Any]:
    return {
        "series": series,
        "method": method,
        "ahead": ahead,
        "data": "d",
        "origins": 100,
        "mae": crps,
        "rmse": crps,
        "crps": crps,
        "log": crps,
        "cover": 0.9,
        "microseconds": 10.0,
    }


def test_the_page_has_the_worst_losses_first(
    modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    page = modules["compare_page"]
    record = empty()
    for name, own in (("won", 0.5), ("lost", 1.2), ("lost most", 3.0), ("even", 1.0)):
        about = {"kind": "real", "events": 1000, "chosen_on": name == "won", "data": "d"}
        record["series"][name] = about
        record["rows"] += [row(name, "Lethe", own), row(name, "mean", 1.0), row(name, "other", 2.0)]
    record["rows"].append({**row("won", "Lethe", 0.001), "data": "older", "ahead": 24})
    record["rows"].append({**row("won", "AutoETS", 0.001), "error": "no fit"})
    text = page.page(record, tmp_path / "classes.json")
    parts = [text.index(f"## Where Lethe {what}, one event") for what in ("loses", "does not lose")]
    first = text[parts[0] : text.index("## Where Lethe loses, 24")]
    rest = text[parts[1] : text.index("## Where Lethe does not lose, 24")]
    names = [
        [line.split(" | ")[0] for line in part.splitlines() if line.startswith("| ")][1:]
        for part in (first, rest)
    ]
    assert names == [["| lost most", "| lost"], ["| even", "| won*"]]
    assert (first.count("**loses**"), rest.count("**loses**")) == (2, 0)
    assert "loses on 2 of 4" in first
    assert parts[0] < text.index("## Method by method") < parts[1]
    methods = text[text.index("## Method by method") : text.index("On the series")]
    assert methods.index("| mean |") < methods.index("| other |") < methods.index("| Lethe |")
    assert "AutoETS fails on won: no fit" in text
    assert "No row of the record" in text[text.index("## Where Lethe loses, 24") :]
    assert "## Classes" not in text


def test_classes_come_from_their_own_record(modules: dict[str, ModuleType], tmp_path: Path) -> None:
    path = tmp_path / "classes.json"
    streams = {
        name: {"events": 100}
        | {
            method: {"accuracy": share, "log loss": 0.5, "microseconds": 9}
            for method, share in (("Lethe", own), ("ARF", 0.8))
        }
        for name, own in (("ahead", 0.9), ("behind", 0.7))
    }
    path.write_text(json.dumps({"streams": streams}), encoding="utf-8")
    text = modules["compare_page"].classes_table(path)
    assert text.index("| behind | 0.700 **loses** | 0.800 ") < text.index(
        "| ahead | 0.900 | 0.800 "
    )


def test_quantiles_are_asked_for_where_a_prediction_has_them(
    modules: dict[str, ModuleType],
) -> None:
    class Prediction:
        forecast = (1.0, 2.0)

        def quantile(self, q: float, *, target: str | None = None, ahead: int = 1) -> float:
            return ahead + q

    point, mean, quantiles = modules["compare_peers"].distribution(Prediction(), 2)
    assert (point, quantiles[0], quantiles[-1]) == (2.0, 2.05, 2.95)
    assert mean == pytest.approx(2.5)
