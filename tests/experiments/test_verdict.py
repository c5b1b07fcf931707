"""The verdict: what fits, what does not, and what is compared with what."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from lethe.experiments import TABLES, Row, table_module
from lethe.experiments.formatting import interval, mean_interval, ratio_interval
from lethe.experiments.reported import Figure, Mean, Reported, Share, Times
from lethe.experiments.results import append
from lethe.experiments.tables import cerg, erg, nto
from lethe.experiments.tables._side_by_side import Table1
from lethe.experiments.verdict import Judged, judge, judged_table, own_records
from lethe.experiments.verdict_page import as_markdown, as_text, counts

ROOT = Path(__file__).parents[2]
MADE = {"seconds": 1.0, "version": "0", "dtype": "float64", "instruction_set": "avx2"}


@dataclass(frozen=True)
class Says:
    """What a paper reports."""

    figure: Figure
    place: str = "Table 9"

    def figures(self) -> tuple[Figure, ...]:
        return (self.figure,)


class OneRow:
    """A table of one row and another to compare it with."""

    def __init__(self, figure: Figure, readings: str = "") -> None:
        trial = cerg.ROWS["standard"].trial
        self.ROWS = {
            "ours": Row("  Ours", trial, Says(figure), readings=readings),
            "other": Row("Other", trial),
        }


def verdict(figure: Figure, values: list[float], other: list[float] | None = None) -> str:
    return judged(figure, values, other).verdict


def judged(figure: Figure, values: list[float], other: list[float] | None = None) -> Judged:
    records = {
        "ours": [{"value": value} for value in values],
        "other": [{"value": value} for value in other or []],
    }
    (one,) = judged_table("cerg", OneRow(figure), records)  # type: ignore[arg-type]
    return one


def value(record: Any) -> float | None:
    found: float = record["value"]
    return found if found >= 0 else None


def share(percent: float, better: Literal[1, 0, -1] = 1) -> Share:
    return Share("solved", percent, lambda record: bool(value(record)), better)


@pytest.mark.parametrize(
    ("reported", "better", "solved", "expected"),
    [
        (62.0, 1, 62, "fits"),
        (53.0, 1, 62, "fits"),  # the interval is 52.2 to 70.9
        (50.0, 1, 62, "lies above"),
        (72.0, 1, 62, "lies below"),
        (50.0, -1, 62, "lies below"),
        (50.0, 0, 62, "does not fit"),
        (0.0, 1, 1, "fits"),  # from 0.18 per cent on, which is printed as 0
        (100.0, 1, 99, "fits"),
        (100.0, 1, 97, "lies below"),
    ],
)
def test_a_percentage_fits_within_our_interval(
    reported: float, better: Literal[1, 0, -1], solved: int, expected: str
) -> None:
    one = judged(share(reported, better), [1.0] * solved + [0.0] * (100 - solved))
    assert one.verdict == expected
    assert (one.kind, one.ours, one.networks) == ("percent", solved, 100)
    assert (one.low, one.high) == tuple(100 * bound for bound in interval(solved, 100))


@pytest.mark.parametrize(
    ("reported", "values", "expected"),
    [
        (100.0, [190.0, 190.0], "fits"),  # within a factor of 2
        (100.0, [51.0, 51.0], "fits"),
        (100.0, [210.0, 210.0], "lies below"),  # it takes longer
        (100.0, [49.0, 49.0], "lies above"),
        (100.0, [10.0, 1000.0] * 2, "fits"),  # far off, but within what chance does
        (100.0, [300.0], "lies below"),  # one network has no interval
        (100.0, [-1.0, -1.0], "lies below"),  # none solves it
        (100.0, [], "not run"),
    ],
)
def test_a_mean_fits_within_our_interval_or_the_factor(
    reported: float, values: list[float], expected: str
) -> None:
    assert verdict(Mean("sequences", reported, value), values) == expected


def test_the_factor_is_the_figure_s_own() -> None:
    figure = Mean("streams", 100.0, value, factor=1.5)
    assert verdict(figure, [190.0] * 2) == "lies below"
    assert verdict(replace(figure, factor=3.0), [290.0] * 2) == "fits"
    assert verdict(replace(figure, better=1), [190.0] * 2) == "lies above"


def test_a_mean_over_networks_of_which_there_are_none_is_not_judged() -> None:
    assert verdict(Mean("length of the rest", 31.0, value, better=1), [-1.0]) == "no such network"


def test_a_multiple_is_of_the_other_row_s_mean() -> None:
    figure = Times("sequences", 3.0, value, "other")
    one = judged(figure, [90.0, 110.0], [30.0, 36.0, -1.0])
    assert one.ours == pytest.approx(100 / 33)
    assert (one.verdict, one.kind, one.networks) == ("fits", "times", 2)
    assert verdict(figure, [90.0, 110.0], [10.0, 11.0]) == "lies below"
    assert verdict(figure, [-1.0], [10.0, 11.0]) == "lies below"


def test_what_does_not_fit_names_its_readings() -> None:
    figure = share(50.0)
    assert judged(figure, [1.0] * 20).readings == "results/cerg.md"
    assert judged(figure, [1.0, 0.0]).readings == ""
    table = OneRow(figure, readings="docs/errata.md#cerg")
    (one,) = judged_table("cerg", table, {"ours": [{"value": 1.0}] * 20})  # type: ignore[arg-type]
    assert one.readings == "docs/errata.md#cerg"
    assert "[readings](errata.md#cerg)" in as_markdown([one], [], [], "docs")
    assert "[readings](../docs/errata.md#cerg)" in as_markdown([one], [], [], "results")


def test_intervals_of_means_hold_them_and_shrink() -> None:
    few = mean_interval([1.0, 2.0, 3.0, 4.0])
    many = mean_interval([1.0, 2.0, 3.0, 4.0] * 25)
    assert few is not None
    assert many is not None
    assert few[0] < many[0] < 2.5 < many[1] < few[1]
    # That of a normal sample: 1.96 standard errors.
    assert many[1] - many[0] == pytest.approx(2 * 1.96 * 1.118 / 10, rel=0.05)
    assert mean_interval([1.0]) is None
    assert ratio_interval([1.0, 1.0], [1.0]) is None
    ratio = ratio_interval([2.0, 4.0], [1.0, 1.0])
    assert ratio == (2.0, 4.0)


def test_every_figure_of_the_report_s_tables_is_judged() -> None:
    """The fifteen percentages of Table 2, and what is in brackets behind them; Tables 1 and 3."""
    figures = [
        (report.place, type(figure).__name__)
        for name in TABLES
        for row in table_module(name).ROWS.values()
        if isinstance(report := row.report, Reported)
        for figure in report.figures()
    ]
    assert figures.count(("Table 2", "Share")) == 15
    assert figures.count(("Table 2", "Mean")) == 3 + 3 + 5
    assert figures.count(("Table 3", "Share")) == 3
    assert figures.count(("Table 3", "Mean")) == 2 + 3
    assert figures.count(("Section 4.6", "Times")) == 2
    assert figures.count(("Table 1", "Share")) >= 3  # Elman, RCC and LSTM
    assert figures.count(("Table 1", "Mean")) >= 4  # RTRL twice, RCC and LSTM
    assert figures.count(("1997", "Mean")) >= 15


def test_figures_that_are_no_numbers_are_not_judged() -> None:
    some = Table1("3", "170", "0.05", '"some fraction"', "173,000")
    assert [(one.what, one.value) for one in some.figures()] == [
        ("sequences until solved", 173_000.0)
    ]
    none = Table1("15", "435", "", "0", ">200,000")
    assert [(one.what, one.value) for one in none.figures()] == [("solved", 0.0)]
    assert replace(some, judged=False).figures() == []


def write(folder: Path, table: Any, name: str, row: str, seeds: range, **result: Any) -> None:
    for seed in seeds:
        append(
            folder / f"{name}.jsonl",
            {
                "experiment": name, "row": row, "seed": seed, "diverged": 0, **MADE,
                "configuration": table.ROWS[row].trial.configuration(), **result,
            },
        )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Results of two tables."""
    write(
        tmp_path, cerg, "cerg", "forget_gates_eq19_decays", range(10),
        perfect=True, training_streams=9_876, best_mean_stream=1e5, final_mean_stream=1e5,
    )  # fmt: skip
    write(
        tmp_path, nto, "nto", "standard", range(4),
        solved=True, training_sequences=20_000, test_wrong=0.0,
    )  # fmt: skip
    write(
        tmp_path, nto, "nto", "forget_gates_5_eq19_decays", range(4),
        solved=True, training_sequences=21_000, test_wrong=0.0,
    )  # fmt: skip
    return tmp_path


def test_a_folder_is_judged_the_report_s_tables_first(folder: Path) -> None:
    found = judge(folder)
    places = list(dict.fromkeys(one.place for one in found))
    assert places == ["Table 1", "Table 2", "Table 3", "Section 4.6", "1997"]
    by_name = {(one.table, one.row, one.what): one for one in found}
    solved = by_name["cerg", "forget_gates_eq19_decays", "solved"]
    assert (solved.ours, solved.networks, solved.verdict) == (100.0, 10, "lies above")
    good = by_name["cerg", "forget_gates_eq19_decays", "good"]
    assert (good.ours, good.verdict) == (0.0, "does not fit")  # of 29: 0 to 28, of ten networks
    assert by_name["cerg", "forget_gates_eq19_decays", "mean test stream of the good"].verdict == (
        "no such network"
    )
    ratio = by_name["nto", "forget_gates_5_eq19_decays", "sequences over standard LSTM's"]
    assert (ratio.ours, ratio.verdict) == (1.05, "fits")
    assert by_name["erg", "standard", "solved"].verdict == "not run"


def test_only_the_row_s_own_configuration_counts_and_each_seed_once(folder: Path) -> None:
    write(
        folder, nto, "nto", "standard", range(2, 6),
        solved=False, training_sequences=1, test_wrong=1.0,
    )  # fmt: skip
    write(
        folder, nto, "nto", "standard", range(6, 9),
        configuration=nto.ROWS["standard"].trial.configuration() | {"sequences": 7},
        solved=False, training_sequences=1, test_wrong=1.0,
    )  # fmt: skip
    found = own_records("nto", nto, folder)["standard"]
    assert [(record["seed"], record["solved"]) for record in found] == [
        *((seed, True) for seed in range(4)), (4, False), (5, False)
    ]  # fmt: skip


def test_both_pages_have_every_figure(folder: Path) -> None:
    found = judge(folder)
    text, page = as_text(found, []), as_markdown(found, [], [], "results")
    assert max(map(len, text.splitlines())) <= 100
    assert text.splitlines()[0] == counts(found)
    assert len(re.findall(r"^\| .* \|$", page, re.MULTILINE)) == len(found) + 2
    assert (
        "| Table 2: LSTM with forget gates | solved | 18 % | 100 % | 72 to 100 | 10 | "
        "**lies above** ([readings](verdict.md#readings)) |" in page
    )
    assert re.search(r"^  solved +18 % +100 % +72 to 100 +lies above$", text, re.MULTILINE)


def test_counts_add_up(folder: Path) -> None:
    found = judge(folder)
    numbers = [int(number) for number in re.findall(r"\d+", counts(found))]
    assert numbers[0] == sum(numbers[1:]) == len(found)


def test_a_record_that_lacks_a_figure_is_named(folder: Path) -> None:
    write(folder, nto, "nto", "standard", range(20, 21), solved=True, training_sequences=3)
    with pytest.raises(ValueError, match=r"line 9 of the results file .* is no record"):
        judge(folder)
    trial = {"perfect": True, "best_mean_stream": 1.0}
    with pytest.raises(ValueError, match=r"a record of .* lacks 'training_sequences'"):
        judged_table("cerg", cerg, {"standard_external_reset": [trial]})  # type: ignore[list-item]


def test_the_page_of_the_reproduction_begins_with_the_verdict_of_the_results() -> None:
    """If not: python docs/verdict.py."""
    page = (ROOT / "docs" / "reproduction.md").read_text(encoding="utf-8")
    shown = page.partition("<!-- verdict")[2].partition("<!-- end of verdict")[0]
    found = judge(ROOT / "results")
    assert counts(found) in shown
    assert len(re.findall(r"^\| .* \|$", shown, re.MULTILINE)) == len(found) + 1
    assert page.index("<!-- verdict") < page.index("\n## ")
    whole = (ROOT / "results" / "verdict.md").read_text(encoding="utf-8")
    assert counts(found) in whole


def test_erg_s_figure_is_judged_by_its_own_table() -> None:
    """Which has more networks than the one of all systems."""
    records = own_records("erg", erg, ROOT / "results")
    assert all(
        json.dumps(record["configuration"], sort_keys=True)
        == json.dumps(erg.ROWS[row].trial.configuration(), sort_keys=True)
        for row, trials in records.items()
        for record in trials
    )
    lstm = table_module("baselines").ROWS["table_1_lstm_1997"].report
    assert isinstance(lstm, Reported)
    assert list(lstm.figures()) == []


def test_one_figure_has_the_grammar_of_one() -> None:
    (one, *_) = judge(ROOT / "results")
    kinds = ("fits", "lies above", "does not fit", "not run")
    found = [replace(one, verdict=kind) for kind in kinds]
    assert counts(found) == "Of 4 figures 1 fits, 1 lies above, 1 does not fit, 1 not run."
    assert "2 fit, 2 lie above, 2 do not fit" in counts(found * 2)
