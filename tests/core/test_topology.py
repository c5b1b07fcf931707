"""What a Topology counts, names and refuses."""

import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lethe.core._objects import shown
from lethe.core.equations import Oracle
from lethe.core.topology import Topology
from lethe.core.updates import SGD

GATES = ("input_gate", "forget_gate", "output_gate")
ALL = (*GATES, "cell", "output")
REPORT: dict[str, Any] = {"inputs": 7, "outputs": 7, "blocks": 4, "cells_per_block": 2}
CNTO: dict[str, Any] = {"inputs": 8, "outputs": 8, "blocks": 4, "cells_per_block": 2}
IN_1997: dict[str, Any] = {"forget_gate": False, "gates_are_sources": True, "shortcuts": False}
EMBEDDED_REBER = IN_1997 | {"inputs": 7, "outputs": 7, "biased": ("input_gate", "output_gate")}

PAPERS: dict[str, tuple[int, dict[str, Any]]] = {
    "CERG, no shortcuts": (375, REPORT | {"shortcuts": False}),
    "CERG": (424, REPORT),
    "CERG, standard, no shortcuts": (311, REPORT | {"forget_gate": False, "shortcuts": False}),
    "CERG, standard": (360, REPORT | {"forget_gate": False}),
    "CNTO, no shortcuts": (404, CNTO | {"shortcuts": False}),
    "CNTO": (468, CNTO),
    "1997, 1: 4 blocks of 1": (264, EMBEDDED_REBER | {"blocks": 4}),
    "1997, 1: 3 blocks of 2": (276, EMBEDDED_REBER | {"blocks": 3, "cells_per_block": 2}),
    "1997, 2a": (
        10_504,
        {
            "inputs": 101,
            "outputs": 101,
            "blocks": 1,
            "forget_gate": False,
            "output_gate": False,
            "recurrent": False,
            "biased": (),
            "cell_input": "logistic",
            "cell_output": "identity",
        },
    ),
    "1997, 2c": (
        6 * 54 + 40,
        IN_1997 | {"inputs": 54, "outputs": 2, "blocks": 2, "biased": ()},
    ),
    "1997, 3": (
        102,
        IN_1997
        | {"inputs": 1, "outputs": 1, "blocks": 3}
        | {"biased": ("input_gate", "output_gate", "cell")},
    ),
    "1997, 4 and 5": (
        93,
        IN_1997
        | {"inputs": 2, "outputs": 1, "blocks": 2, "cells_per_block": 2}
        | {"biased": ("input_gate", "output_gate", "cell", "output")},
    ),
    "1997, 6a": (
        156,
        IN_1997
        | {"inputs": 8, "outputs": 4, "blocks": 2, "cells_per_block": 2}
        | {"biased": ("input_gate", "output_gate", "cell", "output")},
    ),
    "1997, 6b": (
        308,
        IN_1997
        | {"inputs": 8, "outputs": 8, "blocks": 3, "cells_per_block": 2}
        | {"biased": ("input_gate", "output_gate", "cell", "output")},
    ),
}


@pytest.mark.parametrize(("weights", "options"), PAPERS.values(), ids=PAPERS.keys())
def test_the_papers_networks(weights: int, options: dict[str, Any]) -> None:
    topology = Topology(**options)
    assert topology.weights == weights
    assert sum(w.size for w in Oracle(topology, SGD(0.5)).weights.values()) == weights


@given(
    sizes=st.tuples(*[st.integers(1, 4)] * 5),
    biased=st.sets(st.sampled_from(ALL)),
    flags=st.tuples(*[st.booleans()] * 5),
)
def test_counts_and_names_agree(
    sizes: tuple[int, ...], biased: set[Any], flags: tuple[bool, ...]
) -> None:
    inputs, outputs, blocks, cells_per_block, layers = sizes
    topology = Topology(
        inputs=inputs,
        outputs=outputs,
        blocks=blocks,
        cells_per_block=cells_per_block,
        layers=layers,
        biased=tuple(biased),
        input_gate=flags[0],
        forget_gate=flags[1],
        output_gate=flags[2],
        gates_are_sources=flags[3],
        shortcuts=flags[4],
    )
    oracle = Oracle(topology, SGD(0.5))
    assert sum(w.size for w in oracle.weights.values()) == topology.weights
    for (kind, layer), w in oracle.weights.items():
        sources = topology.sources(kind, layer)  # type: ignore[arg-type]
        units = topology.units(kind)  # type: ignore[arg-type]
        assert w.shape[-1] == len(sources) == len(set(sources))
        assert w.size // w.shape[-1] == len(units) == len(set(units))
        assert ("bias" in sources) == (kind in topology.biased)
        hidden = topology.output_sources if kind == "output" else topology.hidden_sources(layer)
        assert len(sources) == hidden + (kind in topology.biased)


def test_names_of_sources_and_units() -> None:
    topology = Topology(
        inputs=1,
        outputs=2,
        blocks=2,
        cells_per_block=2,
        layers=2,
        gates_are_sources=True,
        forget_gate=False,
    )
    past = ("input 0", "cell 0.0", "cell 1.0", "cell 0.1", "cell 1.1")
    gates = ("input_gate 0", "input_gate 1", "output_gate 0", "output_gate 1")
    below = ("below 0.0", "below 1.0", "below 0.1", "below 1.1")
    assert topology.sources("cell") == past + gates
    assert topology.sources("input_gate") == (*past, *gates, "bias")
    assert topology.sources("output_gate", 1) == (*past, *gates, *below, "bias")
    cells = tuple(name.replace("below", "cell") for name in below)
    assert topology.sources("output") == (
        *(f"layer 0 {name}" for name in cells),
        *(f"layer 1 {name}" for name in cells),
        "input 0",
        "bias",
    )
    assert topology.units("cell") == ("cell 0.0", "cell 0.1", "cell 1.0", "cell 1.1")
    assert topology.units("input_gate") == ("input_gate 0", "input_gate 1")
    assert topology.units("output") == ("output 0", "output 1")
    assert topology.gates == ("input_gate", "output_gate")
    assert topology.cells == 4


def test_peepholes_are_a_weight_for_each_gate_and_cell_of_a_block() -> None:
    """One block of one cell with them is the network of 2002: 17 weights."""
    of_2002: dict[str, Any] = {"shortcuts": False, "biased": (*GATES, "cell", "output")}
    one = Topology(inputs=1, outputs=1, blocks=1, peepholes=True, **of_2002)
    assert one.weights == 17
    assert one.peephole_kinds == tuple(f"{gate}_peepholes" for gate in GATES)
    assert one.configuration()["peepholes"] is True
    topology = Topology(**REPORT, layers=2, peepholes=True, input_gate=False)
    plain = dataclasses.replace(topology, peepholes=False)
    assert topology.weights - plain.weights == 2 * 2 * 4 * 2
    assert "peepholes" not in plain.configuration()
    assert topology.sources("output_gate_peepholes", 1) == ("state 0", "state 1")
    oracle = Oracle(topology, SGD(0.5))
    assert sum(w.size for w in oracle.weights.values()) == topology.weights
    for wrong, of in (("input_gate_peepholes", topology), ("forget_gate_peepholes", plain)):
        with pytest.raises(ValueError, match=f"kind must be one of .* got '{wrong}'"):
            of.sources(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="kind must be one of"):
        topology.units("output_gate_peepholes")  # type: ignore[arg-type]


def test_initial_biases_are_the_reports() -> None:
    topology = Topology(**(REPORT | {"blocks": 6}))
    assert topology.initial_bias("forget_gate") == (0.5, 1.0, 1.5, 2.0, 0.5, 1.0)
    assert topology.initial_bias("input_gate") == (-0.5, -1.0, -1.5, -2.0, -0.5, -1.0)
    assert topology.initial_bias("output_gate") == topology.initial_bias("input_gate")
    topology = Topology(**REPORT, forget_gate_bias=5, input_gate_bias=None)
    assert topology.initial_bias("forget_gate") == (5.0,) * 4
    assert topology.initial_bias("input_gate") is None
    array: Any = np.array([1.0, 2.0, 3.0, 4.0])
    assert Topology(**REPORT, forget_gate_bias=array).forget_gate_bias == (1.0, 2.0, 3.0, 4.0)
    standard = Topology(**REPORT, forget_gate=False, biased=("input_gate",))
    assert standard.initial_bias("forget_gate") is None
    assert standard.initial_bias("output_gate") is None


def test_a_topology_is_a_value() -> None:
    topology = Topology(**REPORT)
    assert topology == Topology(**REPORT, biased=("output", *GATES))
    assert hash(topology) == hash(Topology(**REPORT))
    assert topology != Topology(**REPORT, shortcuts=False)
    assert pickle.loads(pickle.dumps(topology)) == topology
    assert eval(repr(topology)) == topology
    assert dataclasses.replace(topology, forget_gate=False).weights == 360
    with pytest.raises(dataclasses.FrozenInstanceError):
        topology.inputs = 8  # type: ignore[misc]


WRONG: list[tuple[str, Any, str, dict[str, Any]]] = [
    *[(name, 0, "whole number", {}) for name in ("inputs", "outputs", "layers")],
    ("blocks", -1, "whole number", {}),
    ("blocks", 0, "at least 1 where there are no shortcuts", {"shortcuts": False}),
    ("cells_per_block", 1.5, "whole number", {}),
    ("cells_per_block", True, "whole number", {}),
    ("inputs", "7", "whole number", {}),
    ("inputs", 1 << 21, "whole number", {}),
    *[(name, 1, "True or False", {}) for name in (*GATES, "recurrent", "shortcuts")],
    ("gates_are_sources", None, "True or False", {}),
    ("peepholes", 1, "True or False", {}),
    ("printed_eq21", "yes", "True or False", {}),
    ("cell_input", "relu", "tanh", {}),
    ("cell_output", None, "identity", {}),
    ("output_units", "sigmoid", "softmax", {}),
    ("partial_decay", "some", "eq21", {}),
    *[
        (
            "partial_decay",
            v,
            '"forget_gate", "eq19", "eqs19_20", "eq21" or a number from 0 to 1',
            {},
        )
        for v in (-0.1, 1.1, np.nan, None, True, 2, ["eq21"], np.array(["eq21", "eq21"]))
    ],
    *[("initial_activation", v, "number", {}) for v in (-0.1, 1.1, np.nan, None)],
    *[("state_decay", v, "number", {"forget_gate": False}) for v in (0.0, 1.1, -1, np.nan, "1")],
    ("state_decay", 0.9, "must be 1", {}),
    *[("initial_range", v, "number", {}) for v in (-0.1, np.inf, np.nan, None, 10**400, [0.2])],
    ("initial_range", np.array([0.2]), "number", {}),
    ("gates_are_sources", True, "must be False", {"recurrent": False}),
    ("outputs", 1, "at least 2", {"output_units": "softmax"}),
    ("biased", ("gate",), "input_gate", {}),
    ("biased", "cell", "tuple", {}),
    ("biased", None, "tuple", {}),
    ("biased", (["cell"],), "tuple", {}),
    *[("forget_gate_bias", v, "one for each block", {}) for v in ("1", np.nan, True, object())],
    ("forget_gate_bias", (1.0, "2", 3.0, 4.0), "one for each block", {}),
    ("forget_gate_bias", (1.0, np.inf, 3.0, 4.0), "one for each block", {}),
    *[("output_gate_bias", v, "each of the 4 blocks", {}) for v in ((), (1.0, 2.0), (1.0,) * 5)],
    *[("input_gate_bias", v, "each of the 0 blocks", {"blocks": 0}) for v in ((1.0,), [1.0, 2.0])],
    # A bias that would be dropped without a word is a mistake; the defaults may be dropped.
    *[(f"{gate}_bias", 5.0, "no biased", {gate: False}) for gate in GATES],
    ("input_gate_bias", 5.0, "no biased", {"biased": ("cell",)}),
    ("forget_gate_bias", (1.0,) * 4, "no biased", {"forget_gate": False}),
]


@pytest.mark.parametrize(("name", "value", "expected", "others"), WRONG)
def test_what_is_refused(name: str, value: Any, expected: str, others: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=expected) as refusal:
        Topology(**(REPORT | others | {name: value}))
    message = str(refusal.value)
    assert message.startswith(f"{name} must ")
    assert f"got {shown(value)}" in message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("partial_decay", "eq21"),
        ("cell_input", "tanh"),
        ("cell_output", "tanh"),
        ("output_units", "softmax"),
    ],
)
def test_texts_of_numpy_become_plain_ones(name: str, text: str) -> None:
    topology = Topology(**(REPORT | {name: np.str_(text)}))
    assert type(getattr(topology, name)) is str
    assert repr(topology) == repr(Topology(**(REPORT | {name: text})))


def test_without_blocks_there_is_no_bias_to_give() -> None:
    none = Topology(inputs=2, outputs=1, blocks=0)
    assert none == Topology(inputs=2, outputs=1, blocks=0, input_gate_bias=())
    assert none.initial_bias("input_gate") == ()


def test_units_that_are_not_there() -> None:
    topology = Topology(**REPORT, forget_gate=False)
    with pytest.raises(ValueError, match=r"kind must be one of .*cell.* got 'forget_gate'"):
        topology.sources("forget_gate")
    with pytest.raises(ValueError, match=r"layer must be a whole number from 0 to 0, got 1"):
        topology.sources("cell", 1)
    with pytest.raises(ValueError, match=r"layer must be a whole number from 0 to 0, got 0\.5"):
        topology.sources("cell", 0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"kind must be .* got 'cells'"):
        topology.units("cells")  # type: ignore[arg-type]


def test_more_cells_than_the_kernel_counts() -> None:
    most: dict[str, Any] = {"inputs": 1, "outputs": 1, "blocks": 1 << 12, "layers": 1 << 6}
    assert Topology(cells_per_block=1 << 6, **most).cells == 1 << 18
    message = (
        r"layers \* blocks \* cells_per_block must be at most 16,777,216, got 64 \* 4096 \* 65"
    )
    with pytest.raises(ValueError, match=message):
        Topology(cells_per_block=65, **most)
