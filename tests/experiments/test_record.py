"""The record: one configuration, in networks of the papers' sizes."""

from __future__ import annotations

from lethe.experiments.table import Row, RowTrial
from lethe.experiments.tables import cerg, cnto, erg, long_lags, nto
from lethe.experiments.tables.record import FULL, ROWS, compare
from lethe.trials.continual import Trial
from lethe.trials.learner import NetworkRecipe
from lethe.trials.sequence import SequenceTrial

OURS = [name for name in ROWS if "rmsprop" not in name]
PAPERS: dict[str, Row[RowTrial]] = {
    "cerg": cerg.ROWS["forget_gates"],
    "cnto": cnto.ROWS["forget_gates"],
    "erg": erg.ROWS["standard"],
    "nto": nto.ROWS["standard"],
    "adding": long_lags.ROWS["4_100_linear_standard"],
    "6b": long_lags.ROWS["6b_standard"],
}


def network(trial: object) -> NetworkRecipe:
    assert isinstance(trial, Trial | SequenceTrial)
    return trial.network


def test_all_rows_have_one_configuration() -> None:
    assert len({network(ROWS[name].trial).update for name in OURS}) == 1
    sizes = {"inputs", "outputs", "blocks", "cells_per_block", "output_units"}
    gates = {"input_gate_bias", "forget_gate_bias", "output_gate_bias"}
    others, biases = set(), set()
    for name in OURS:
        parts = network(ROWS[name].trial).topology.configuration()
        others.add(tuple((k, v) for k, v in parts.items() if k not in sizes | gates))
        values = [parts[gate] for gate in sorted(gates)]
        assert all(isinstance(value, list) and len(set(value)) == 1 for value in values)
        biases.add(tuple(value[0] for value in values if isinstance(value, list)))
    assert len(others) == len(biases) == 1


def test_blocks_cells_and_tasks_are_the_papers() -> None:
    for name, paper in PAPERS.items():
        ours, theirs = ROWS[name].trial, paper.trial
        assert network(ours).topology.blocks == network(theirs).topology.blocks
        assert network(ours).topology.cells_per_block == network(theirs).topology.cells_per_block
        for part in ("task", "criterion", "sequences", "stream", "stream_length", "bound"):
            assert getattr(ours, part, None) == getattr(theirs, part, None)


def test_the_float32_rows_differ_in_nothing_else() -> None:
    for name in ("cerg", "cnto"):
        one, other = (ROWS[row].trial.configuration() for row in (name, f"{name}_float32"))
        assert (one.pop("dtype"), other.pop("dtype")) == ("float64", "float32")
        assert one == other


def test_networks_that_solve_nothing_have_no_mean() -> None:
    trial = ROWS["nto"].trial
    record = {
        "experiment": "record", "row": "nto", "seed": 0, "configuration": trial.configuration(),
        "solved": False, "training_sequences": 1_000_000,
    }  # fmt: skip
    line = compare([record], ["nto"]).splitlines()[1]  # type: ignore[list-item]
    assert line.split() == ["NTO", "-", "1", "0", "[0,", "79]", "-"]
    assert {FULL.planned(name) for name in ROWS} == {30, 100}
