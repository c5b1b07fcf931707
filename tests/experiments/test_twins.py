"""Networks with and without forget gates, compared."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from lethe.experiments import TABLES, table_module
from lethe.experiments.tables import long_lags
from lethe.experiments.twins import LEAST, Twins, summary, twins_of_table
from lethe.experiments.verdict_page import twins_lines
from lethe.trials.continual import Trial
from lethe.trials.sequence import SequenceTrial


def trials(solved: int, of: int, taken: int = 1000) -> list[Any]:
    """Some of them solve it, in this many sequences and a few more."""
    return [
        {"solved": seed < solved, "training_sequences": taken + 10 * (seed % 3)}
        for seed in range(of)
    ]


def pair(standard: list[Any], forget_gates: list[Any]) -> Twins:
    records = {"6a_standard": standard, "6a_forget_gates": forget_gates}
    found = twins_of_table("long-lags", long_lags, records)
    (one,) = (one for one in found if one.standard.row == "6a_standard")
    return one


@pytest.mark.parametrize(
    ("standard", "forget_gates", "outcome"),
    [
        (trials(10, 10), trials(10, 10), "no difference shown"),
        (trials(10, 10), trials(10, 10, 1500), "later"),
        (trials(10, 10), trials(10, 10, 500), "sooner"),
        (trials(10, 10), trials(5, 10), "less often"),
        (trials(0, 10), trials(9, 10), "more often"),
        (trials(8, 10), trials(1, 10), "less often"),
        (trials(0, 10), trials(0, 10), "neither solves it"),
        (trials(10, 10), [], "not run"),
    ],
)
def test_the_outcome_is_what_the_intervals_show(
    standard: list[Any], forget_gates: list[Any], outcome: str
) -> None:
    assert pair(standard, forget_gates).outcome == outcome


def test_the_difference_is_newcombe_s() -> None:
    """His example (1998, table II, method 10): 56 of 70 and 48 of 80: 0.0524 to 0.3339."""
    low, high = pair(trials(48, 80), trials(56, 70)).more
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_the_summary_names_what_only_one_of_them_solves() -> None:
    text = summary([pair(trials(10, 10), trials(2, 10)), pair(trials(1, 10), trials(10, 10))])
    assert text.startswith(
        "Of 2 experiments that were run with 3 networks of each kind or more, at least half of the "
        "standard networks solve 1; of these, at least half of the networks with forget gates "
        "solve 0 (not 6a temporal order"
    )
    assert "Shown to solve less often: 6a temporal order, 4 classes." in text
    assert "Only with forget gates do at least half solve: 6a temporal order, 4 classes." in text
    none = summary([pair(trials(10, 10), trials(0, 10))])
    assert "solve 0 (not 6a temporal order, 4 classes, which none of them solves)." in none


def test_of_few_networks_nothing_is_said() -> None:
    few = pair(trials(1, 1), trials(0, LEAST - 1))
    assert few.outcome == "too few networks"
    assert summary([few]).startswith("Of 0 experiments")
    assert pair(trials(0, LEAST), trials(0, LEAST)).outcome == "neither solves it"


def different(one: Any, other: Any) -> set[str]:
    """The fields in which two values of a class differ."""
    return {
        field.name
        for field in fields(one)
        if getattr(one, field.name) != getattr(other, field.name)
    }


def test_twins_differ_in_their_forget_gates_alone() -> None:
    pairs = 0
    for name in TABLES:
        rows = table_module(name).ROWS
        for row in rows.values():
            if not row.twin:
                continue
            pairs += 1
            one, other = row.trial, rows[row.twin].trial
            assert isinstance(one, Trial | SequenceTrial)
            assert isinstance(other, Trial | SequenceTrial)
            assert not one.network.topology.forget_gate
            assert other.network.topology.forget_gate
            assert different(one, other) <= {"learner"}
            assert one.network.update == other.network.update
            topologies = [trial.network.topology for trial in (one, other)]
            gates = {"forget_gate", "forget_gate_bias", "biased"}
            assert different(*topologies) <= gates
            biased = [set(topology.biased or ()) - {"forget_gate"} for topology in topologies]
            assert biased[0] == biased[1]
    assert pairs >= 25


def test_every_experiment_of_1997_has_both() -> None:
    for name, row in long_lags.ROWS.items():
        if name.endswith("_standard"):
            assert row.twin == name.replace("_standard", "_forget_gates")


def test_a_page_has_a_line_for_each() -> None:
    lines = list(twins_lines([pair(trials(10, 10), trials(5, 10))]))
    assert (
        "| 6a temporal order, 4 classes | 10 of 10 [72 to 100 %] | 1,009 [1,004 to 1,014] | "
        "5 of 10 [24 to 76 %] | 1,008 [1,002 to 1,014] | less often |"
    ) in lines
