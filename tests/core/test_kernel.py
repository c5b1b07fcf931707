"""The kernel against the oracle, array by array, and its exponential against NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from support.topologies import stream, topologies, updates

from lethe import SGD, Adam, Network, RMSprop, Topology, _kernel
from lethe.core.equations import Oracle

REPORT = Topology(inputs=7, outputs=7, blocks=4, cells_per_block=2)
LAYERS = Topology(
    inputs=5, outputs=6, blocks=9, layers=3, output_units="softmax", cell_input="tanh",
    cell_output="tanh", forget_gate_bias=1.5, input_gate_bias=None, output_gate_bias=None,
)  # fmt: skip


PEEPHOLES = Topology(inputs=3, outputs=2, blocks=4, cells_per_block=2, layers=2, peepholes=True)


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
        for peepholes in t.peephole_kinds:
            found["weights", peepholes, layer] = net.weights(peepholes, layer)
            if peepholes != "output_gate_peepholes":
                found["partials", peepholes, layer] = net.partials(peepholes, layer)
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


def parts_of_oracle(oracle: Oracle) -> dict[Any, Any]:
    """Everything that an oracle holds, by the same names."""
    weights = {("weights", *key): w for key, w in oracle.weights.items()}
    return weights | {("partials", *key): p for key, p in oracle.partials.items()} | oracle.state


def relative(ours: Any, theirs: Any, least: float = 0.0) -> float:
    """The greatest difference as a fraction of the greatest entry, or of `least`."""
    scale = np.abs(theirs).max(initial=least)
    return float(np.abs(ours - theirs).max(initial=0.0) / (scale or 1.0))


def assert_close(net: Network, oracle: Oracle, tolerance: float, least: float = 0.0) -> None:
    """Each array to `tolerance` of its greatest entry."""
    theirs = parts_of_oracle(oracle)
    for key, ours in parts(net).items():
        assert relative(ours, theirs[key], least) <= tolerance, key
    assert net.rate == pytest.approx(oracle.rate, rel=1e-12)


def amplified(oracle: Oracle, weights: dict[Any, Any], data: dict[str, Any], seed: int) -> float:
    """How far apart a stream drives the oracle and one whose first weights differ by 1e-15.

    Some networks are chaotic: they double the last bit's difference every few steps, and then no
    two programs agree, be they right or not. The oracle alone says which ones.
    """
    rng = np.random.default_rng(seed)
    moved = {key: w * (1 + 1e-15 * rng.choice((-1, 1), w.shape)) for key, w in weights.items()}
    other = Oracle(oracle.topology, oracle.update, moved)
    lockstep(other, data)
    theirs = parts_of_oracle(other)
    apart = []
    for key, ours in parts_of_oracle(oracle).items():
        apart.append(relative(ours, theirs[key]))
        if key in oracle.state and ours.any():  # a centred logistic near 0 is a difference
            apart.append(4e-16 / np.abs(ours).max())
    return float(np.max(apart))  # NaN where some number is not finite


@settings(max_examples=30, deadline=None)
@given(topology=topologies(), update=updates(), seed=st.integers(0, 2**32))
@example(topology=REPORT, update=SGD(0.5, decay=0.99), seed=1)
@example(topology=REPORT, update=SGD(0.1), seed=2)
@example(topology=LAYERS, update=RMSprop(0.002, epsilon=1e-2), seed=3)
@example(topology=PEEPHOLES, update=SGD(0.05, momentum=0.5), seed=5)
@example(topology=LAYERS, update=Adam(0.001, epsilon=1e-2), seed=4)
def test_kernel_agrees_with_oracle(topology: Topology, update: Any, seed: int) -> None:
    """Float64: 1e-12 of each array's greatest entry after 1,000 learning steps.

    Where a change of 1e-15 in the first weights stays below 2e-13, one of some epsilons in every
    step stays below five times that.
    """
    net = Network(topology, update=update, seed=seed, dtype="float64")
    oracle = oracle_of(net)
    first_weights = {key: w.copy() for key, w in oracle.weights.items()}
    data = stream(topology, 1000, seed)
    with np.errstate(over="ignore", invalid="ignore"):
        lockstep(oracle, data)
        assume(amplified(oracle, first_weights, data, seed) < 2e-13)
    net.run(**data, record=())
    assert_close(net, oracle, 1e-12)


@settings(max_examples=15, deadline=None)
@given(topology=topologies(most_blocks=6), seed=st.integers(0, 2**32))
def test_float32_follows_the_oracle(topology: Topology, seed: int) -> None:
    """Single precision stays within its rounding over 50 steps; squashing rounds as for 0.01.

    2e-4 is 50 steps, each of which rounds sums of up to 64 terms by half an epsilon each.
    """
    net = Network(topology, update=SGD(0.02), seed=seed)
    oracle = oracle_of(net)
    first_weights = {key: w.copy() for key, w in oracle.weights.items()}
    data = stream(topology, 50, seed)
    with np.errstate(over="ignore", invalid="ignore"):
        lockstep(oracle, data)
        assume(amplified(oracle, first_weights, data, seed) < 2e-13)
    net.run(**data, record=())
    assert_close(net, oracle, 2e-4, least=0.01)


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


@pytest.mark.parametrize(
    ("dtype", "most", "edge"), [("float32", 2.5e-7, 87), ("float64", 5e-16, 707)]
)
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
