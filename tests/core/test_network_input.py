"""Bad input: a ValueError says which argument, what was expected and what came; nothing changes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.lives import to_state

from lethe import SGD, FirstError, Network, Topology

NAN, INF = float("nan"), float("inf")
LINEAR = Topology(inputs=3, outputs=2, output_units="linear")


def with_one(value: Any, shape: tuple[int, ...], dtype: Any = float) -> Any:
    """Zeros, and one of another value."""
    array = np.zeros(shape, dtype)
    array.flat[-1] = value
    return array


def vectors(n: int) -> dict[str, tuple[Any, str]]:
    """What is no vector of n numbers, and what the message must say came."""
    return {
        "nan": (with_one(NAN, (n,)), f"got nan at index {n - 1}"),
        "infinity": (with_one(-INF, (n,)), f"got -inf at index {n - 1}"),
        "nan in single": (with_one(NAN, (n,), "f"), f"got nan at index {n - 1}"),
        "nan in half": (with_one(NAN, (n,), "f2"), f"got nan at index {n - 1}"),
        "nan in a list": ([0.0] * (n - 1) + [NAN], f"got nan at index {n - 1}"),
        "too large for float32": (with_one(1e39, (n,)), "finite in float32, got 1e+39"),
        "too short": (np.zeros(n - 1), f"({n},), one number for each .* got shape ({n - 1},)"),
        "too long": (np.zeros(n + 1, "f"), f"got shape ({n + 1},)"),
        "a matrix": (np.zeros((1, n)), f"got shape (1, {n})"),
        "a number": (0.5, "got shape ()"),
        "a number of NumPy": (np.float32(1), "got shape ()"),
        "strings": (["a"] * n, "array of numbers, got <U1"),
        "a string": ("1", "array of numbers, got <U1"),
        "complex": (np.zeros(n, complex), "array of numbers, got complex128"),
        "booleans": (np.zeros(n, bool), "array of numbers, got bool"),
        "objects": (np.zeros(n, object), "array of numbers, got object"),
        "ragged": ([[0], [0, 1]], "array of numbers, got [[0], [0, 1]]"),
        "None": (None, "array of numbers, got object None"),
        "a negative symbol": (-1, f"symbol from 0 to {n - 1}, got -1"),
        "too large a symbol": (n, f"symbol from 0 to {n - 1}, got {n}"),
        "a huge symbol": (1 << 70, f"symbol from 0 to {n - 1}, got {1 << 70}"),
        "a negative symbol of NumPy": (np.int8(-1), f"symbol from 0 to {n - 1}, got -1"),
        "a large symbol of NumPy": (np.uint64(2**63 + 1), f"symbol from 0 to {n - 1}, got 92"),
        "a truth value": (True, "array of numbers, got bool True"),
        "a truth value of NumPy": (np.bool_(1), "array of numbers, got bool"),
    }


def tables(n: int) -> dict[str, tuple[Any, str]]:
    """What is no series of four rows of n numbers, nor of symbols below n."""
    return {
        "nan": (with_one(NAN, (4, n)), f"finite in float32, got nan at index (3, {n - 1})"),
        "nan in single": (with_one(NAN, (4, n), "f"), f"got nan at index (3, {n - 1})"),
        "too large for float32": (with_one(-1e39, (4, n)), "got -1e+39 at index"),
        "too narrow": (np.zeros((4, n - 1)), f"shape (T, {n}).*got shape (4, {n - 1}) of float64"),
        "too deep": (np.zeros((4, n, 1)), f"got shape (4, {n}, 1)"),
        "float symbols": (np.zeros(4), "(T,) with integers, got shape (4,) of float64"),
        "a number": (3, "got shape () of int64"),
        "strings": (["a"] * 4, "array of numbers, got <U1"),
        "complex": (np.zeros((4, n), complex), "array of numbers, got complex128"),
        "booleans": (np.zeros((4, n), bool), "array of numbers, got bool"),
        "objects": (np.zeros((4, n), object), "array of numbers, got object"),
        "ragged": ([[0] * n, [0]], "array of numbers, got [[0"),
        "a negative symbol": ([0, 0, -1, 0], f"symbols from 0 to {n - 1}, got -1"),
        "too large a symbol": ([0, 0, n, 0], f"symbols from 0 to {n - 1}, got {n}"),
        "unsigned": (np.full(4, 2**64 - 1, "u8"), f"symbols from 0 to {n - 1}, got 1844"),
    }


def run(**given: Any) -> Callable[[Network], Any]:
    arguments = {"inputs": np.zeros((4, 3)), "targets": np.zeros((4, 2))} | given
    return lambda net: net.run(**arguments)


CASES: list[tuple[str, Callable[[Network], Any], str, str]] = []
for _name, (_value, _came) in vectors(3).items():
    CASES += [
        (f"step {_name}", lambda net, v=_value: net.step(v), "x", _came),
        (f"peek {_name}", lambda net, v=_value: net.peek(v), "x", _came),
    ]
for _name, (_value, _came) in vectors(2).items():
    if _name != "None":
        CASES.append((f"learn {_name}", lambda net, v=_value: net.learn(v), "target", _came))
    if "symbol" not in _name and _name != "None":
        CASES.append((f"error {_name}", lambda net, v=_value: net.learn(error=v), "error", _came))
for _name, (_value, _came) in tables(3).items():
    CASES.append((f"inputs {_name}", run(inputs=_value), "inputs", _came))
for _name, (_value, _came) in tables(2).items():
    CASES.append((f"targets {_name}", run(targets=_value), "targets", _came))
    if "symbol" not in _name and _name != "unsigned":
        case = (f"table {_name}", run(targets=[0] * 4, target_table=_value), "target_table", _came)
        CASES.append(case)
ZEROS = np.zeros((4, 2))
CASES += [
    ("both", lambda net: net.learn([0, 0], error=[0, 0]), "learn", "target or an error"),
    ("neither", lambda net: net.learn(), "learn", "target or an error"),
    ("error class", lambda net: net.learn(error=1), "error", "got shape ()"),
    ("more targets", run(targets=np.zeros((5, 2))), "targets", "4 rows .* got 5"),
    ("fewer targets", run(targets=[0, 1]), "targets", "4 rows .* got 2"),
    ("no targets", run(targets=None, stop=FirstError()), "stop", "needs targets, got None"),
    ("no targets 2", run(targets=None, has_target=[True] * 4), "has_target", "need targets"),
    ("rows", run(targets=[0, 3, 0, 0], target_table=np.zeros((3, 2))), "targets", "0 to 2, got 3"),
    ("no rows", run(targets=[0] * 4, target_table=np.zeros((0, 2))), "targets", "got 0"),
    ("vector table", run(targets=[0] * 4, target_table=[0, 1]), "target_table", "(T, 2), got"),
    ("used nan", run(targets=with_one(NAN, (4, 2)), has_target=[True] * 4), "targets", "got nan"),
    ("mask 1", run(has_target=np.ones(4)), "has_target", "booleans .* got float64"),
    ("mask 2", run(has_target=[True] * 3), "has_target", "shape (4,), got bool of shape (3,)"),
    ("mask 3", run(has_target=[[True], [True, False]]), "has_target", "got [[True], [True"),
    ("mask and rows", run(has_target=[True] * 5, targets=np.zeros((5, 2))), "has_target", "(5,)"),
    ("starts", run(starts=[0, 1, 0, 0]), "starts", "booleans of shape (4,), got int64"),
    ("reset_at_starts", run(reset_at_starts="no"), "reset_at_starts", "True or False, got 'no'"),
    ("learn", run(learn=1), "learn", "True or False, got 1"),
    ("step learn", lambda net: net.step(0, learn="no"), "learn", "True or False, got 'no'"),
    ("sequence", lambda net: net.start_sequence(reset=2), "reset", "True or False, got 2"),
    ("stop", run(stop=0.49), "stop", "lethe.FirstError, got 0.49"),
    ("record", run(record=["output", "cell"]), "record", "of output, loss, .* got 'cell'"),
    ("record number", run(record=5), "record", "got 5"),
    ("record string", run(record="outputs"), "record", "got 'outputs'"),
    ("record array", run(record=[np.zeros(2)]), "record", "got a numpy.ndarray of shape (2,)"),
    ("kind", lambda net: net.weights("gate"), "kind", "one of input_gate, .* got 'gate'"),
    ("layer", lambda net: net.weights("cell", 1), "layer", "from 0 to 0, got 1"),
    ("negative layer", lambda net: net.state("cell_state", -1), "layer", "got -1"),
    ("partials", lambda net: net.partials("output_gate"), "kind", "got 'output_gate'"),
    ("state", lambda net: net.state("loss"), "name", "one of output, .* got 'loss'"),
    ("moments", lambda net: net.moments("cell"), "order", "got 2"),
    ("rate", lambda net: setattr(net, "rate", -1), "rate", "at least 0 .* got -1"),
]  # fmt: skip


@pytest.mark.parametrize("pending", [True, False])
@pytest.mark.parametrize(
    ("use", "argument", "came"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_nothing_changes(use: Any, argument: str, came: str, pending: bool) -> None:
    net = Network(LINEAR, update=SGD(0.1), seed=1)
    net.run(np.ones((5, 3)), np.ones((5, 2)))
    if pending:
        net.step(0)
    before = to_state(net)[0].tobytes()
    pattern = ".*".join(map(escaped, [argument, *came.split(".*")]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=pattern):
            use(net)
    assert to_state(net)[0].tobytes() == before


def escaped(text: str) -> str:
    return re.escape(text.strip())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"topology": "LSTM"}, "topology must be a lethe.Topology, got 'LSTM'"),
        ({"update": 0.5}, "update must be a lethe.SGD, RMSprop or Adam, got 0.5"),
        ({"update": SGD}, "update must be a lethe.SGD, RMSprop or Adam, got <class"),
        ({"seed": -1}, "seed must be a whole number at least 0 or a Generator, got -1"),
        ({"seed": 0.5}, "seed must be .* got 0.5"),
        ({"seed": True}, "seed must be .* got True"),
        ({"seed": "1"}, "seed must be .* got '1'"),
        ({"seed": None}, "seed must be .* got None"),
        ({"dtype": "float16"}, "dtype must be float32 or float64, got 'float16'"),
        ({"dtype": "real"}, "dtype must be float32 or float64, got 'real'"),
        ({"dtype": int}, "dtype must be float32 or float64, got <class 'int'>"),
        ({"dtype": None}, "dtype must be float32 or float64, got None"),
        ({"dtype": 5}, "dtype must be float32 or float64, got 5"),
    ],
)
def test_no_such_network(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Network(**({"topology": LINEAR} | arguments))


def test_a_network_that_no_memory_holds() -> None:
    with pytest.raises(ValueError, match="topology must fit into"):
        Network(Topology(inputs=1 << 20, outputs=1, blocks=1 << 20))


@pytest.mark.parametrize("bound", [0, -1, NAN, INF, "0.5", None, True, np.ones(2), 1j])
def test_no_such_bound(bound: Any) -> None:
    with pytest.raises(ValueError, match="bound must be a finite number above 0, got"):
        FirstError(bound)


def test_an_error_without_a_choice() -> None:
    with pytest.raises(ValueError, match="learn must be True or False, got 1"):
        FirstError(0.5, learn=1)  # type: ignore[arg-type]
    assert FirstError(np.float32(0.5)).bound == 0.5  # type: ignore[arg-type]


@pytest.mark.parametrize("symbol", [np.int64(2), np.uint8(2), np.array(2)])
def test_integers_of_numpy_are_symbols(symbol: Any) -> None:
    net = Network(LINEAR, seed=1)
    assert np.array_equal(net.peek(symbol), net.peek(2))
    assert np.array_equal(net.clone().step(symbol), net.peek(2))


@pytest.mark.parametrize("given", [np.full((2, 3), 1e25, "f"), np.full((2, 3), 3e4, "f2")])
def test_large_numbers_give_no_warning(given: Any) -> None:
    net = Network(LINEAR, seed=1)
    for row in given:
        net.peek(row.astype(given.dtype.newbyteorder()))  # not as the kernel reads it
    net.run(given, learn=False)
