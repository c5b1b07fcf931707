"""The oracle against an independent forward pass, differentiated numerically.

Truncation means: one weight is perturbed at every step, while everything that a hidden unit read,
its sources z(τ), stays as it was recorded, and so do the states that gates read through peepholes.
So the state of a cell can be replayed alone, for one perturbed weight, from the recorded sources.
A layer above lives only at the step of the error: its last state is held as recorded, and it reads
the perturbed outputs of the layer below once.

The forward pass here is as plain as can be and shares nothing with `lethe.core.equations`: it looks
every source up by the name that `Topology.sources` gives it, and it takes complex numbers. A weight
w + ih with h = 1e-30 then has the derivative in the error's imaginary part, free of cancellation. A
few networks are also checked with central differences of real numbers.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lethe.core import equations
from lethe.core.equations import Oracle
from lethe.core.topology import SQUASHINGS, PartialDecay, Topology
from lethe.core.updates import SGD

GATES = ("input_gate", "forget_gate", "output_gate")
Key = tuple[str, int]

SQUASH: dict[str, Callable[[Any], Any]] = {
    "centred_logistic_2": lambda x: 4 / (1 + np.exp(-x)) - 2,
    "centred_logistic_1": lambda x: 2 / (1 + np.exp(-x)) - 1,
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    "identity": lambda x: x,
}


class Moment(NamedTuple):
    """One time step as it was recorded, real numbers only."""

    values: list[dict[str, Any]]  # layer -> what its hidden units read, by name
    s_before: list[Any]
    outputs_read: dict[str, Any]


def layer_forward(
    topology: Topology, weights: dict[Key, Any], layer: int, values: dict[str, Any], s_before: Any
) -> tuple[dict[str, Any], Any, Any]:
    """Return gates by name, the cell states and the cell outputs of one layer."""
    t = topology

    def net(kind: str, *unit: int) -> Any:
        z = np.array([values[name] for name in t.sources(kind, layer)])  # type: ignore[arg-type]
        return weights[kind, layer][unit] @ z

    def through_peepholes(gate: str, j: int, states: str) -> Any:
        if not t.peepholes:
            return 0.0
        read = [values[f"{states} {j}.{v}"] for v in range(t.cells_per_block)]
        return weights[f"{gate}_peepholes", layer][j] @ np.array(read)

    s = np.zeros((t.blocks, t.cells_per_block), complex)
    y = np.zeros((t.blocks, t.cells_per_block), complex)
    gates: dict[str, Any] = {}
    for j in range(t.blocks):
        opening = {"input_gate": 1.0, "forget_gate": t.state_decay, "output_gate": 1.0}
        for gate in ("input_gate", "forget_gate"):
            if getattr(t, gate):
                read = through_peepholes(gate, j, "past state")
                opening[gate] = gates[f"{gate} {j}"] = SQUASH["logistic"](net(gate, j) + read)
        for v in range(t.cells_per_block):
            g = SQUASH[t.cell_input](net("cell", j, v))
            s[j, v] = opening["forget_gate"] * s_before[j, v] + opening["input_gate"] * g
            # The first time, which is recorded, these are the states that others read.
            values.setdefault(f"present state {j}.{v}", s[j, v].real)
        if t.output_gate:
            read = through_peepholes("output_gate", j, "present state")
            opened = SQUASH["logistic"](net("output_gate", j) + read)
            opening["output_gate"] = gates[f"output_gate {j}"] = opened
        for v in range(t.cells_per_block):
            y[j, v] = opening["output_gate"] * SQUASH[t.cell_output](s[j, v])
    return gates, s, y


def named_cells(prefix: str, cells: Any) -> dict[str, Any]:
    return {f"{prefix} {j}.{v}": cells[j, v] for j, v in np.ndindex(*cells.shape)}


def error(topology: Topology, weights: dict[Key, Any], read: dict[str, Any], target: Any) -> Any:
    """Return E(t), or -Σ δ_k net_k for errors from outside, which come as a tuple."""
    z = np.array([read[name] for name in topology.sources("output")])
    net = weights["output", 0] @ z
    if isinstance(target, tuple):
        return -np.sum(np.array(target) * net)
    if topology.output_units == "softmax":
        return -np.sum(target * np.log(np.exp(net) / np.sum(np.exp(net))))
    if topology.output_units == "linear":
        return np.sum((target - net) ** 2) / 2
    if topology.output_units == "logistic_cross_entropy":
        # -t ln y - (1 - t) ln(1 - y), where 1 - y may be less than rounding leaves of it.
        return np.sum(np.log(1 + np.exp(net)) - target * net)
    return np.sum((target - 1 / (1 + np.exp(-net))) ** 2) / 2


def record(topology: Topology, weights: dict[Key, Any], xs: Any) -> list[Moment]:
    """Run the network and keep what every unit read."""
    t = topology
    s = [np.zeros((t.blocks, t.cells_per_block)) for _ in range(t.layers)]
    y = [np.zeros((t.blocks, t.cells_per_block)) for _ in range(t.layers)]
    gates = [{f"{g} {j}": 0.0 for g in GATES for j in range(t.blocks)} for _ in range(t.layers)]
    moments = []
    for x in xs:
        inputs = {f"input {i}": value for i, value in enumerate(x)}
        read: dict[str, Any] = inputs | {"bias": 1.0}
        before, values = list(s), []
        for layer in range(t.layers):
            here = inputs | gates[layer] | named_cells("cell", y[layer]) | {"bias": 1.0}
            here |= named_cells("past state", s[layer])
            if layer:
                here |= named_cells("below", y[layer - 1])
            values.append(here)
            gates[layer], s[layer], y[layer] = layer_forward(t, weights, layer, here, s[layer])
            gates[layer] = {name: gate.real for name, gate in gates[layer].items()}
            s[layer], y[layer] = s[layer].real, y[layer].real
            read |= named_cells(f"layer {layer} cell", y[layer])
        moments.append(Moment(values, before, read))
    return moments


def replayed_error(
    topology: Topology, weights: dict[Key, Any], key: Key, moments: list[Moment], target: Any
) -> Any:
    """Return the last moment's error where only the unit of `key` has lived with these weights."""
    kind, changed = key
    now = moments[-1]
    read = dict(now.outputs_read)
    if kind != "output":
        s = np.zeros((topology.blocks, topology.cells_per_block), complex)
        for moment in moments:
            _, s, y = layer_forward(topology, weights, changed, moment.values[changed], s)
        read |= named_cells(f"layer {changed} cell", y)
        for layer in range(changed + 1, topology.layers):
            values = now.values[layer] | named_cells("below", y)
            _, _, y = layer_forward(topology, weights, layer, values, now.s_before[layer])
            read |= named_cells(f"layer {layer} cell", y)
    return error(topology, weights, read, target)


def numerical_gradients(
    topology: Topology,
    weights: dict[Key, Any],
    moments: list[Moment],
    target: Any,
    *,
    complex_step: bool = True,
) -> dict[Key, Any]:
    """Return -∂E/∂w for every weight, one at a time."""
    result = {key: np.zeros_like(w) for key, w in weights.items()}
    for key, w in weights.items():
        for index in np.ndindex(*w.shape):

            def at(h: complex, key: Key = key, index: Any = index) -> Any:
                moved = weights[key].astype(complex)
                moved[index] += h
                return replayed_error(topology, weights | {key: moved}, key, moments, target)

            if complex_step:
                result[key][index] = -at(1e-30j).imag / 1e-30
            else:
                near, far = at(1e-3) - at(-1e-3), at(2e-3) - at(-2e-3)
                result[key][index] = -(8 * near - far).real / 12e-3
    return result


def random_weights(topology: Topology, rng: np.random.Generator) -> dict[Key, Any]:
    shapes = {key: w.shape for key, w in Oracle(topology, SGD(0.0)).weights.items()}
    # Net inputs of about 1.5, so that identities do not grow past what exp can take.
    return {key: rng.normal(0, 1.5 / shape[-1] ** 0.5, shape) for key, shape in shapes.items()}


def random_target(topology: Topology, rng: np.random.Generator, outside: bool = False) -> Any:
    if outside:
        return tuple(rng.normal(0, 1, topology.outputs))
    target = rng.uniform(0.05, 0.95, topology.outputs)
    return target / target.sum() if topology.output_units == "softmax" else target


def worst_difference(
    topology: Topology,
    *,
    seed: int = 0,
    steps: int = 7,
    outside: bool = False,
    complex_step: bool = True,
) -> float:
    """Return the greatest difference of any array, as a fraction of its greatest entry."""
    rng = np.random.default_rng(seed)
    weights, target = random_weights(topology, rng), random_target(topology, rng, outside)
    xs = rng.normal(0, 1, (steps, topology.inputs))
    oracle = Oracle(topology, SGD(0.0), weights)
    for t, x in enumerate(xs):  # errors on the way change nothing, and some steps have none
        oracle.step(x)
        if t % 3 == 1 and t < steps - 1:
            oracle.learn(random_target(topology, rng))
    oracle.learn(error=target) if outside else oracle.learn(target)
    for key, w in oracle.weights.items():
        np.testing.assert_array_equal(w, weights[key])
    moments = record(topology, weights, xs)
    if not outside:
        plain = error(topology, weights, moments[-1].outputs_read, target)
        assert oracle.loss == pytest.approx(plain, rel=1e-12)
    expected = numerical_gradients(topology, weights, moments, target, complex_step=complex_step)
    assert set(oracle.gradients) == set(expected)
    return max(
        np.abs(oracle.gradients[key] - g).max() / (np.abs(g).max() or 1.0)
        for key, g in expected.items()
    )


SMALL: dict[str, Any] = {"inputs": 3, "outputs": 2, "blocks": 2, "cells_per_block": 2}
OPTIONS: dict[str, dict[str, Any]] = {
    "paper": {"inputs": 7, "outputs": 7, "blocks": 4},
    "no shortcuts": {"shortcuts": False},
    "no input gate": {"input_gate": False},
    "no forget gate": {"forget_gate": False},
    "no output gate": {"output_gate": False},
    "no gates": {"input_gate": False, "forget_gate": False, "output_gate": False},
    "state decay": {"forget_gate": False, "state_decay": 0.9},
    "gates are sources": {"gates_are_sources": True},
    "as in 1997": {"gates_are_sources": True, "forget_gate": False, "shortcuts": False},
    "peepholes": {"peepholes": True},
    "peepholes without an input gate": {"peepholes": True, "input_gate": False},
    "peepholes without an output gate": {"peepholes": True, "output_gate": False},
    "peepholes as in 2002": {
        "peepholes": True,
        "blocks": 1,
        "cells_per_block": 1,
        "cell_input": "identity",
        "cell_output": "identity",
        "output_units": "linear",
        "biased": (*GATES, "cell", "output"),
    },
    "peepholes in layers": {"peepholes": True, "layers": 2, "gates_are_sources": True},
    "inputs only": {"recurrent": False},
    "one cell": {"blocks": 1, "cells_per_block": 1, "inputs": 1, "outputs": 2},
    "three cells": {"blocks": 1, "cells_per_block": 3},
    "no biases": {"biased": ()},
    "all biases": {"biased": (*GATES, "cell", "output")},
    **{f"only {kind}s biased": {"biased": (kind,)} for kind in (*GATES, "cell", "output")},
    **{f"cell input {name}": {"cell_input": name} for name in SQUASHINGS},
    **{f"cell output {name}": {"cell_output": name} for name in SQUASHINGS},
    **{
        f"{units} units": {"output_units": units}
        for units in ("logistic", "linear", "softmax", "logistic_cross_entropy")
    },
    "two layers": {"layers": 2},
    "three layers": {"layers": 3},
    "three layers, all at once": {
        "layers": 3,
        "gates_are_sources": True,
        "biased": (*GATES, "cell", "output"),
        "cell_input": "tanh",
        "cell_output": "tanh",
        "output_units": "softmax",
    },
    "layers without recurrence": {"layers": 2, "recurrent": False, "forget_gate": False},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_gradients(options: dict[str, Any]) -> None:
    assert worst_difference(Topology(**(SMALL | options))) < 1e-10


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("units", ["logistic", "linear", "softmax", "logistic_cross_entropy"])
def test_gradients_by_central_differences(layers: int, units: Any) -> None:
    topology = Topology(**SMALL, layers=layers, output_units=units)
    assert worst_difference(topology, complex_step=False) < 1e-7


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_gradients_of_an_error_from_outside(layers: int) -> None:
    topology = Topology(**SMALL, layers=layers, output_units="softmax")
    assert worst_difference(topology, outside=True) < 1e-10


@pytest.mark.parametrize("layers", [1, 2])
def test_equation_21_as_printed_is_not_the_gradient(layers: int) -> None:
    assert worst_difference(Topology(**SMALL, layers=layers)) < 1e-10
    assert worst_difference(Topology(**SMALL, layers=layers, printed_eq21=True)) > 1e-2


@pytest.mark.parametrize("decay", ["eq19", "eqs19_20", "eq21", 0.0, 0.9, 1.0])
def test_partials_that_fade_by_anything_else_are_not_the_gradient(decay: PartialDecay) -> None:
    assert worst_difference(Topology(**SMALL, partial_decay=decay)) > 1e-2


def test_a_constant_that_is_the_states_own_decay_is_the_gradient() -> None:
    parts = SMALL | {"forget_gate": False, "state_decay": 0.9}
    assert worst_difference(Topology(**parts, partial_decay=0.9)) < 1e-10


def test_without_decay_all_partials_are_the_gradient() -> None:
    parts = SMALL | {"forget_gate": False}
    assert worst_difference(Topology(**parts, partial_decay=1.0)) < 1e-10


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Draw any small Topology."""
    flag, squashing = st.booleans(), st.sampled_from(sorted(SQUASHINGS))
    forget_gate, recurrent = draw(flag), draw(flag)
    kinds = (*GATES, "cell", "output")
    return Topology(
        inputs=draw(st.integers(1, 3)),
        outputs=draw(st.integers(2, 3)),
        blocks=draw(st.integers(1, 3)),
        cells_per_block=draw(st.integers(1, 3)),
        layers=draw(st.integers(1, 3)),
        input_gate=draw(flag),
        forget_gate=forget_gate,
        output_gate=draw(flag),
        state_decay=1.0 if forget_gate else draw(st.sampled_from([0.5, 0.9, 1.0])),
        gates_are_sources=recurrent and draw(flag),
        peepholes=draw(flag),
        recurrent=recurrent,
        shortcuts=draw(flag),
        biased=tuple(kind for kind in kinds if draw(flag)),  # type: ignore[arg-type]
        cell_input=draw(squashing),
        cell_output=draw(squashing),
        output_units=draw(
            st.sampled_from(["logistic", "linear", "softmax", "logistic_cross_entropy"])
        ),
    )


@settings(max_examples=25, deadline=None)
@given(topology=topologies(), seed=st.integers(0, 2**32 - 1), outside=st.booleans())
def test_gradients_of_any_topology(topology: Topology, seed: int, outside: bool) -> None:
    """Complex steps err by rounding alone: some 1e-12 where entries cancel a thousand times."""
    assert worst_difference(topology, seed=seed, steps=5, outside=outside) < 1e-9


@settings(max_examples=25, deadline=None)
@given(topology=topologies(), seed=st.integers(0, 2**32 - 1))
def test_forward_pass_of_any_topology(topology: Topology, seed: int) -> None:
    """Two ways of adding a thousand terms of order one in float64: 1e-13, or 1e-11 of the sum."""
    rng = np.random.default_rng(seed)
    weights = random_weights(topology, rng)
    xs = rng.normal(0, 1, (5, topology.inputs))
    oracle = Oracle(topology, SGD(0.0), weights)
    for x, moment in zip(xs, record(topology, weights, xs), strict=True):
        oracle.step(x, learn=False)
        for layer in range(topology.layers):
            y = oracle.state["cell_output", layer]
            for name, value in named_cells(f"layer {layer} cell", y).items():
                assert value == pytest.approx(moment.outputs_read[name], rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("name", sorted(SQUASHINGS))
def test_squashing_functions_are_those_of_the_kernel(name: Any) -> None:
    """The kernel has one formula with four numbers for all, the oracle the papers' functions."""
    x = np.linspace(-6, 6, 25)
    linear, scale, slope, shift = SQUASHINGS[name]
    y = equations.logistic(slope * x)
    function, derivative = equations.SQUASHINGS[name]
    np.testing.assert_allclose(function(x), linear * x + scale * y + shift, atol=1e-14)
    np.testing.assert_allclose(
        derivative(x), linear + scale * slope * y * (1 - y), rtol=1e-12, atol=1e-14
    )
    np.testing.assert_allclose(function(x), SQUASH[name](x), atol=1e-14)
