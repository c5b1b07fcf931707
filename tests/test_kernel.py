"""The kernel against the oracle, array by array, and its exponential against NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from topologies import stream, topologies, updates

from lethe import SGD, Adam, Network, RMSprop, Topology, _kernel
from lethe.equations import Oracle

REPORT = Topology(inputs=7, outputs=7, blocks=4, cells_per_block=2)
LAYERS = Topology(
    inputs=5, outputs=6, blocks=9, layers=3, output_units="softmax", cell_input="tanh",
    cell_output="tanh", forget_gate_bias=1.5, input_gate_bias=None, output_gate_bias=None,
)  # fmt: skip


def parts(net: Network) -> dict[Any, Any]:
    """Everything that a network holds, by the oracle's names."""
    t = net.topology
    kinds = (*t.gates, "cell")
    found: dict[Any, Any] = {("weights", "output", 0): net.weights("output")}
    found["output", 0] = net.state("output")
    for layer in range(t.layers):
        for kind in kinds:
            found["weights", kind, layer] = net.weights(kind, layer)
            if kind != "output_gate":
                found["partials", kind, layer] = net.partials(kind, layer)
        for name in ("cell_state", "cell_output", *t.gates):
            found[name, layer] = net.state(name, layer)
    return found


def oracle_of(net: Network) -> Oracle:
    """An oracle with a network's weights."""
    weights = {key[1:]: w for key, w in parts(net).items() if key[0] == "weights"}
    return Oracle(net.topology, net.update, weights)


def lockstep(oracle: Oracle, data: dict[str, Any]) -> None:
    """Take the oracle through a stream as `Network.run` takes a network."""
    t = oracle.topology
    for i, x in enumerate(data["inputs"]):
        if data["starts"][i]:
            oracle.start_sequence(data["reset_at_starts"])
        oracle.step(np.eye(t.inputs)[x] if np.ndim(x) == 0 else x)
        if data["has_target"][i]:
            target = data["targets"][i]
            oracle.learn(np.eye(t.outputs)[target] if np.ndim(target) == 0 else target)
    oracle.advance()


def assert_close(net: Network, oracle: Oracle, tolerance: float) -> None:
    """Each array to `tolerance` of its greatest entry."""
    for key, ours in parts(net).items():
        if key[0] in ("weights", "partials"):
            theirs = getattr(oracle, key[0])[key[1:]]
        else:
            theirs = oracle.state[key]
        scale = np.abs(theirs).max(initial=0.0)
        assert np.abs(ours - theirs).max(initial=0.0) <= tolerance * scale, key
    assert net.rate == pytest.approx(oracle.rate, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(topology=topologies(), update=updates(), seed=st.integers(0, 2**32))
@example(topology=REPORT, update=SGD(0.5, decay=0.99), seed=1)
@example(topology=REPORT, update=SGD(0.1), seed=2)
@example(topology=LAYERS, update=RMSprop(0.002, epsilon=1e-2), seed=3)
@example(topology=LAYERS, update=Adam(0.001, epsilon=1e-2), seed=4)
def test_kernel_agrees_with_oracle(topology: Topology, update: Any, seed: int) -> None:
    """Float64: 1e-12 of each array's greatest entry after 1,000 learning steps."""
    net = Network(topology, update=update, seed=seed, dtype="float64")
    oracle = oracle_of(net)
    data = stream(topology, 1000, seed)
    net.run(**data, record=())
    lockstep(oracle, data)
    assert_close(net, oracle, 1e-12)


@settings(max_examples=15, deadline=None)
@given(topology=topologies(most_blocks=6), seed=st.integers(0, 2**32))
def test_float32_follows_the_oracle(topology: Topology, seed: int) -> None:
    """Single precision stays within its rounding over 50 steps."""
    net = Network(topology, update=SGD(0.05), seed=seed)
    oracle = oracle_of(net)
    data = stream(topology, 50, seed)
    net.run(**data, record=())
    lockstep(oracle, data)
    assert_close(net, oracle, 2e-4)


def test_error_from_outside() -> None:
    """`learn(error=δ)` is the oracle's, and equals a target where δ is what the target gives."""
    net = Network(LAYERS, update=SGD(0.1), seed=5, dtype="float64")
    twin, oracle = net.clone(), oracle_of(net)
    rng = np.random.default_rng(5)
    for _ in range(100):
        x, target = rng.normal(size=5), int(rng.integers(6))
        error = np.eye(6)[target] - net.step(x)
        net.learn(error=error)
        twin.step(x)
        twin.learn(target)
        oracle.step(x)
        oracle.learn(error=error)
    assert_close(net, oracle, 1e-12)
    assert np.array_equal(net.weights("cell", 1), twin.weights("cell", 1))


@pytest.mark.parametrize(("dtype", "most", "edge"), [("float32", 2e-7, 87), ("float64", 4e-16, 707)])
def test_exponential(dtype: str, most: float, edge: float) -> None:
    """The vectorised exponential's stated relative error, over its whole range and near zero."""
    x = np.concatenate([np.linspace(-edge, edge, 400_000), np.linspace(-1, 1, 100_000)])
    x = x.astype(dtype)
    y = np.empty_like(x)
    _kernel.exponential(x, y)
    exact = np.exp(x.astype(np.longdouble))
    assert float(np.abs(y / exact - 1).max()) < most


def test_exponential_passes_nan_on() -> None:
    """Not a number stays one: the network must notice it."""
    y = np.zeros(16)
    _kernel.exponential(np.full(16, np.nan), y)
    assert np.isnan(y).all()
