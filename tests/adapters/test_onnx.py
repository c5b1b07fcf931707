"""One frozen step as an ONNX graph answers what `Network.step` answers."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.topologies import topologies

from lethe import SGD, Adam, Model, Network, Topology, __version__
from lethe.core.topology import OutputUnits, Squashing

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
adapter = pytest.importorskip("lethe.adapters.onnx")
export_model, export_step, states = adapter.export_model, adapter.export_step, adapter.states

NEAR = {"float32": 1e-5, "float64": 1e-12}
DOCS = Path(__file__).parents[2] / "docs" / "exchange.md"
SMALL = Topology(inputs=3, outputs=2, blocks=3, cells_per_block=2, layers=2)
NAMED = {
    "the report's": Topology(inputs=7, outputs=7, blocks=4, cells_per_block=2),
    "of 1997": Topology(
        inputs=7,
        outputs=7,
        blocks=4,
        cells_per_block=2,
        forget_gate=False,
        gates_are_sources=True,
        shortcuts=False,
    ),
    "state decay, inputs only": Topology(
        inputs=4,
        outputs=1,
        blocks=5,
        forget_gate=False,
        output_gate=False,
        state_decay=0.9,
        recurrent=False,
        output_units="linear",
    ),
    "stacked": Topology(
        inputs=20,
        outputs=20,
        blocks=30,
        layers=3,
        cell_input="tanh",
        cell_output="tanh",
        output_units="softmax",
    ),
    "stacked, all sources and biases": Topology(
        inputs=5,
        outputs=3,
        blocks=6,
        cells_per_block=3,
        layers=2,
        gates_are_sources=True,
        biased=("input_gate", "forget_gate", "output_gate", "cell", "output"),
        output_units="logistic_cross_entropy",
    ),
    "peepholes": Topology(
        inputs=3, outputs=2, blocks=3, cells_per_block=2, layers=2, peepholes=True
    ),
    "no gates, no biases": Topology(
        inputs=3,
        outputs=2,
        blocks=3,
        cells_per_block=2,
        input_gate=False,
        forget_gate=False,
        output_gate=False,
        state_decay=0.5,
        biased=(),
        cell_output="identity",
    ),
}


def session(model: Any) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def trained(topology: Topology, dtype: str, seed: int, steps: int = 500) -> Network:
    """A network that has learned, in the midst of a stream."""
    net = Network(topology, update=Adam(0.005, bound_error=1.0), seed=seed, dtype=dtype)
    rng = np.random.default_rng(seed)
    targets = rng.random((steps, topology.outputs))
    net.run(rng.normal(size=(steps, topology.inputs)), targets / targets.sum(1, keepdims=True))
    return net


def differences(
    net: Network, steps: int, seed: int = 0, *, together: bool = False
) -> tuple[float, float]:
    """The largest of the outputs, and of the states, those relative to their largest entry.

    ``together``: each step of the graph goes on from the network's states, not from its own.
    """
    step, state = session(export_step(net)), states(net)
    worst, worst_state = 0.0, 0.0
    largest = {name: 1.0 for name in state}
    rng = np.random.default_rng(seed)
    for x in rng.normal(size=(steps, net.topology.inputs)).astype(net.dtype):
        y, *following = step.run(None, {"x": x, **(states(net) if together else state)})
        state = dict(zip(state, following, strict=True))
        worst = max(worst, abs(net.step(x, learn=False) - y).max())
        for name, ours in states(net).items():
            assert state[name].shape == ours.shape
            assert state[name].dtype == y.dtype == net.dtype
            largest[name] = max(largest[name], abs(ours).max())
            worst_state = max(worst_state, abs(ours - state[name]).max() / largest[name])
    return worst, worst_state


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMED)
def test_a_thousand_steps(name: str, dtype: str) -> None:
    assert max(differences(trained(NAMED[name], dtype, seed=1), 1000)) <= NEAR[dtype]


@settings(max_examples=40, deadline=None)
@given(
    topology=topologies(least_blocks=1, most_blocks=6),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**32),
)
def test_any_topology(topology: Topology, dtype: str, seed: int) -> None:
    """Step by step, since what rounding grows to over many steps is the network's own affair.

    A sum of n products rounds by less than n epsilons of its terms, which are of order one, and a
    squashing function by some; the sums of these topologies have at most 9 + 3 x 18 + 1 terms.
    """
    net = Network(topology, seed=seed, dtype=dtype)
    assert max(differences(net, 30, seed, together=True)) <= (64 + 16) * np.finfo(dtype).eps


@pytest.mark.parametrize("cell_output", get_args(Squashing))
@pytest.mark.parametrize("cell_input", get_args(Squashing))
def test_every_squashing(cell_input: Squashing, cell_output: Squashing) -> None:
    topology = Topology(
        inputs=3, outputs=2, blocks=3, layers=2, cell_input=cell_input, cell_output=cell_output
    )
    assert max(differences(Network(topology, dtype="float64"), 20)) <= 1e-12


@pytest.mark.parametrize("units", get_args(OutputUnits))
def test_large_net_inputs_stay_finite(units: OutputUnits) -> None:
    topology = Topology(inputs=3, outputs=2, blocks=3, output_units=units)
    net = Network(topology, seed=2)
    net.weights("output")[...] *= 2000
    net.weights("cell")[...] *= 2000
    worst, worst_state = differences(net, 50)
    assert worst <= (1e-3 if units == "linear" else 1e-5)  # net inputs of some hundreds
    assert worst_state <= 1e-5


def test_the_graph_is_elementary_and_says_what_it_is() -> None:
    net = trained(NAMED["of 1997"], "float32", seed=3, steps=20)
    model = export_step(net)
    kinds = {node.op_type for node in model.graph.node}
    assert kinds <= {
        "Add", "Concat", "Identity", "MatMul", "Mul", "Reshape", "Sigmoid", "Softmax", "Tanh",
        "Transpose", "Unsqueeze",
    }  # fmt: skip
    assert {(part.domain, part.version) for part in model.opset_import} == {("", 13)}
    assert model.ir_version == 7
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert told.pop("lethe_version") == model.producer_version == __version__
    assert Topology(**json.loads(told.pop("topology"))) == net.topology
    assert told == {"dtype": "float32", "steps": "20"}
    inputs = [part.name for part in model.graph.input]
    gates = ["input_gate_0", "output_gate_0"]
    assert inputs == ["x", "cell_state_0", "cell_output_0", *gates] == ["x", *states(net)]
    assert [part.name for part in model.graph.output] == ["y", *(f"next_{n}" for n in inputs[1:])]


def test_an_export_changes_nothing_even_between_step_and_learn() -> None:
    net = Network(SMALL, update=SGD(0.1), seed=4)
    twin = net.clone()
    for each in (net, twin):
        each.step(np.ones(3))
    export_step(net)
    for each in (net, twin):
        each.learn(np.zeros(2))
        each.step(np.ones(3))
    assert np.array_equal(net.step(np.ones(3)), twin.step(np.ones(3)))
    assert np.array_equal(net.weights("cell", 1), twin.weights("cell", 1))


def test_file_and_encoder(tmp_path: Path) -> None:
    path = tmp_path / "step.onnx"
    path.write_bytes(b"an older one")
    encoder = {"columns": ["a", "b"], "scale": 2.0}
    model = export_step(Network(SMALL), path, encoder=encoder)
    assert sorted(os.listdir(tmp_path)) == ["step.onnx", "step.onnx.json"]
    assert onnx.load(path) == model
    assert json.loads((tmp_path / "step.onnx.json").read_text(encoding="utf-8")) == encoder
    export_step(Network(SMALL), str(tmp_path / "other.onnx"))
    assert not (tmp_path / "other.onnx.json").exists()


def test_the_example_of_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = trained(SMALL, "float32", seed=5, steps=20)
    stream = np.random.default_rng(5).normal(size=(10, 3)).astype(np.float32)
    names = {"net": net, "stream": stream, "onnxruntime": runtime}
    exec(re.findall(r"```\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[2], names)
    ours = [net.step(x, learn=False) for x in stream][-1]
    assert abs(names["y"] - ours).max() <= 1e-5


def test_a_network_without_memory_blocks_is_refused(tmp_path: Path) -> None:
    net = Network(Topology(inputs=3, outputs=2, blocks=0))
    with pytest.raises(ValueError, match=r"^net must have memory blocks to be exported, got"):
        export_step(net, tmp_path / "net.onnx")
    with pytest.raises(ValueError, match=r"^net must have memory blocks to be exported, got"):
        states(net)


def test_wrong_arguments_write_nothing(tmp_path: Path) -> None:
    net, path = Network(SMALL), tmp_path / "step.onnx"
    path.write_bytes(b"an older one")
    for wrong in ({"a": object()}, {"a": float("nan")}, ["a"]):
        with pytest.raises(ValueError, match=r"^encoder must be a mapping of plain JSON values, "):
            export_step(net, path, encoder=wrong)
    with pytest.raises(ValueError, match=r"^path must be given where there is an encoder"):
        export_step(net, encoder={})
    for function in (export_step, states):
        with pytest.raises(ValueError, match=r"^net must be a lethe.Network, got 3$"):
            function(3)
    nowhere = tmp_path / "none" / "step.onnx"
    with pytest.raises(ValueError, match=r"step.onnx cannot be written: No such file"):
        export_step(net, nowhere)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=r"folder cannot be written: Is a directory"):
        export_step(net, tmp_path / "folder")
    assert sorted(os.listdir(tmp_path)) == ["folder", "step.onnx"]
    assert path.read_bytes() == b"an older one"


@pytest.mark.parametrize("horizon", [0, 3])
def test_a_model_is_exported_with_its_encoder(horizon: int, tmp_path: Path) -> None:
    model = Model("y", horizon=horizon, cells=4, seed=3)
    for n in range(200):
        model.learn(
            {"x": n % 7, "day": f"2024-01-{n % 28 + 1:02}", "kind": "ab"[n % 2], "y": n % 5}
        )
    paths = export_model(model, tmp_path)
    rates, nets = len(model.parameters.rates), model.networks
    assert len(paths) == rates + 1 + rates * (horizon > 1)  # of what comes next, for memory, all
    encoder = json.loads(paths[0].with_suffix(".onnx.json").read_text())
    assert encoder["inputs"] == model.input_names()
    of_memory = json.loads(paths[rates].with_suffix(".onnx.json").read_text())
    assert of_memory["inputs"][0] == "last surprise of y"
    assert set(encoder["columns"]["numbers"]) == {"x"}
    assert set(encoder["columns"]["categories"]["kind"]["slots"]) == {"a", "b"}
    for path, net in zip(paths, nets, strict=True):
        x = np.linspace(-1, 1, net.topology.inputs).astype(np.float32)
        session = runtime.InferenceSession(path)
        (y,) = session.run(["y"], {"x": x, **states(net)})
        np.testing.assert_allclose(y, net.peek(x), atol=1e-5)


def test_a_model_without_events_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="model must have learned"):
        export_model(Model("y"), tmp_path)
