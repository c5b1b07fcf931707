"""Tensors, columns and scalars of other libraries as inputs: understood, or refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.library_values import LIBRARIES, value_of
from support.lives import to_state

from lethe import SGD, Adam, FirstError, Network, RMSprop, Topology

THREE = Topology(inputs=3, outputs=3)
ONE = Topology(inputs=1, outputs=3)


def network(topology: Topology = THREE) -> Network:
    return Network(topology, update=SGD(0.1), seed=1)


VECTORS = {
    "python: range": [0.0, 1.0, 2.0],
    "numpy: three": [1.0, 1.0, 1.0],
    "pandas: numbered row": [1.0, 2.0, 3.0],
    "polars: column": [1.0, 2.0, 3.0],
    "arrow: array": [1.0, 2.0, 3.0],
    "jax: three": [1.0, 1.0, 1.0],
    "torch: three": [1.0, 1.0, 1.0],
    "torch: three that learn": [1.0, 1.0, 1.0],
    "torch: three bfloat16": [1.0, 1.0, 1.0],
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_of_any_library(name: str) -> None:
    value, plain = value_of(name), VECTORS[name]
    ours, theirs = network(), network()
    assert np.array_equal(ours.step(value), theirs.step(plain))
    ours.learn(value)
    theirs.learn(plain)
    assert to_state(ours)[0].tobytes() == to_state(theirs)[0].tobytes()


@pytest.mark.parametrize(
    "name",
    [
        *("numpy: whole", "numpy: whole without axes", "python: whole enum", "arrow: whole"),
        *("jax: whole", "torch: whole"),
    ],
)
def test_a_whole_number_of_any_library_is_a_symbol(name: str) -> None:
    value = value_of(name)
    ours, theirs = network(), network()
    assert np.array_equal(ours.peek(value), theirs.peek(1))
    assert np.array_equal(ours.step(value), theirs.step(1))
    ours.learn(value)
    theirs.learn(1)
    assert to_state(ours)[0].tobytes() == to_state(theirs)[0].tobytes()


@pytest.mark.parametrize(
    "name",
    [
        *("numpy: float", "numpy: single", "numpy: no axes", "jax: float", "jax: bfloat16"),
        *("torch: float", "torch: bfloat16", "arrow: float", "python: number", "python: zero"),
    ],
)
def test_a_number_with_a_fraction_is_no_symbol(name: str) -> None:
    for use in (network().step, network().peek):
        with pytest.raises(ValueError, match=r"^x must .* got shape \(\) of float\d+; symbols"):
            use(value_of(name))
    net = network()
    net.step(0)
    with pytest.raises(ValueError, match=r"^target must .*; symbols and classes are integers$"):
        net.learn(value_of(name))


@pytest.mark.parametrize("name", ["numpy: one", "jax: one", "torch: one"])
def test_a_vector_of_one_number_is_no_symbol(name: str) -> None:
    value = value_of(name)
    assert np.array_equal(network(ONE).step(value), network(ONE).step([0.5]))
    with pytest.raises(ValueError, match=r"^x must have shape \(3,\).* got shape \(1,\)$"):
        network().step(value)


@pytest.mark.parametrize("name", ["jax: one whole", "torch: one whole"])
def test_a_vector_of_one_integer_is_a_vector(name: str) -> None:
    value = value_of(name)
    assert np.array_equal(network(ONE).step(value), network(ONE).step([1.0]))
    for use in (
        lambda: Topology(inputs=value, outputs=1),
        lambda: Network(ONE, seed=value),
        lambda: network().weights("cell", value),
    ):
        with pytest.raises(ValueError, match=r"must be a whole number .* of shape \(1,\)$"):
            use()


@pytest.mark.parametrize("name", ["numpy: table", "jax: table", "torch: table"])
def test_series_of_any_library(name: str) -> None:
    theirs = network().run(np.ones((2, 3)), np.ones((2, 3)))["output"]
    ours = network().run(value_of(name), value_of(name))["output"]
    assert np.array_equal(ours, theirs)


def test_series_of_polars() -> None:
    theirs = network().run(np.ones((2, 3)), np.ones((2, 3)))["output"]
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: [1.0, 1.0] for name in "abc"})
    assert np.array_equal(network().run(frame, frame)["output"], theirs)
    assert np.array_equal(
        network().run(polars.Series([0, 1]))["output"], network().run([0, 1])["output"]
    )


def test_what_is_masked_is_refused() -> None:
    for name in ("numpy: masked", "numpy: with masked"):
        with pytest.raises(ValueError, match=r"^x must be an array of numbers, got .* masked$"):
            network().step(value_of(name))
    whole = np.ma.array([1.0, 2.0, 3.0], mask=False)
    assert np.array_equal(network().step(whole), network().step([1, 2, 3]))


def names_of(library: str) -> list[str]:
    return [f"{library}: {kind}" for kind in LIBRARIES[library]()]


def stepped() -> Network:
    net = network()
    net.step(0)
    return net


USES: dict[str, Any] = {
    "step": lambda net, value: net.step(value),
    "step learn": lambda net, value: net.step(1, learn=value),
    "peek": lambda net, value: net.peek(value),
    "learn": lambda net, value: net.learn(value),
    "error": lambda net, value: net.learn(error=value),
    "reset": lambda net, value: net.start_sequence(reset=value),
    "weights": lambda net, value: net.weights(value),
    "layer": lambda net, value: net.weights("cell", value),
    "moments": lambda net, value: net.moments(value),
    "order": lambda net, value: net.moments("cell", order=value),
    "partials": lambda net, value: net.partials(value),
    "state": lambda net, value: net.state(value),
    "rate": lambda net, value: setattr(net, "rate", value),
    "save": lambda net, value: None if isinstance(value, str) else net.save(value),
    "inputs": lambda net, value: net.run(value, [0, 1, 2]),
    "targets": lambda net, value: net.run([0, 1, 2], value),
    "table": lambda net, value: net.run([0, 1, 2], [0, 0, 0], target_table=value),
    "mask": lambda net, value: net.run([0, 1, 2], [0, 1, 2], has_target=value),
    "starts": lambda net, value: net.run([0, 1, 2], [0, 1, 2], starts=value),
    "reset_at_starts": lambda net, value: net.run([0, 1, 2], reset_at_starts=value),
    "run learn": lambda net, value: net.run([0, 1, 2], [0, 1, 2], learn=value),
    "stop": lambda net, value: net.run([0, 1, 2], [0, 1, 2], stop=value),
    "record": lambda net, value: net.run([0, 1, 2], record=value),
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("use", USES)
def test_anything_works_or_changes_nothing(use: str, library: str) -> None:
    before = to_state(stepped())[0].tobytes()
    for name in names_of(library):
        net, value = stepped(), value_of(name)
        try:
            USES[use](net, value)
        except ValueError as error:
            assert "\n" not in f"{error}"  # noqa: PT017
            assert len(f"{error}") < 500  # noqa: PT017
            assert to_state(net)[0].tobytes() == before


FIELDS: list[tuple[Any, str, dict[str, Any]]] = [
    *((Topology, name, {"inputs": 2, "outputs": 2}) for name in Topology.__dataclass_fields__),
    *((SGD, name, {"rate": 0.1}) for name in SGD.__dataclass_fields__),
    *((RMSprop, name, {"rate": 0.1}) for name in RMSprop.__dataclass_fields__),
    *((Adam, name, {"rate": 0.1}) for name in Adam.__dataclass_fields__),
    *((FirstError, name, {}) for name in FirstError.__dataclass_fields__),
    *((Network, name, {"topology": THREE}) for name in ("topology", "update", "seed", "dtype")),
]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_part_of_any_kind_is_understood_or_refused_by_name(library: str) -> None:
    for made, field, others in FIELDS:
        for name in names_of(library):
            try:
                made(**(others | {field: value_of(name)}))
            except ValueError as error:
                assert "must" in f"{error}"  # noqa: PT017
                assert "\n" not in f"{error}"  # noqa: PT017


@pytest.mark.parametrize("library", ["numpy", "jax", "torch"])
def test_numbers_of_any_library_make_equal_parts(library: str) -> None:
    values = LIBRARIES[library]()
    assert SGD(values["float"]) == SGD(0.5)
    assert Topology(inputs=values["whole"], outputs=2) == Topology(inputs=1, outputs=2)
    made = Topology(inputs=1, outputs=1, printed_eq21=values["boolean"])
    assert made.printed_eq21 is True


@pytest.mark.parametrize("wrong", ["numpy: three", "pandas: frame", "torch: three", "jax: three"])
def test_an_array_is_no_dtype(wrong: str) -> None:
    with pytest.raises(ValueError, match="dtype must be float32 or float64"):
        Network(THREE, dtype=value_of(wrong))
