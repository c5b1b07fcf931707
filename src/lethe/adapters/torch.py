"""PyTorch: a Network from the `state_dict` of a torch.nn.LSTM, and back.

With one cell in each block and tanh for g and h, a memory block is a unit of torch.nn.LSTM: its
input gate i, forget gate f, cell g and output gate o. The network's output units are a
torch.nn.Linear that reads the top layer. What differs is what upper layers and output units read:

- In Lethe an upper layer also reads the input, and output units all layers (and, with `shortcuts`,
  the input). PyTorch has no place for these weights. They are 0 after an import, so the outputs are
  equal, but learning moves them like any others; an export of a network where one of them is not 0
  is an error that names it. One layer without `shortcuts` has none of them and always goes back.
- PyTorch has two biases for each unit, and one of them is enough: an import adds them up, an export
  puts the sum into ``bias_ih`` and zeros into ``bias_hh``.

Anything array-like will do as a tensor, and PyTorch itself is needed only where tensors are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from lethe.core._checks import Floating, floating_dtype
from lethe.core.network import Network
from lethe.core.topology import GATES, OutputUnits, Topology, UnitKind
from lethe.core.updates import Update

__all__ = ["from_state_dict", "get_state", "set_state", "to_readout_state_dict", "to_state_dict"]

# PyTorch's four kinds of unit i, f, g, o, in the order of the rows of its weights.
_KINDS: tuple[UnitKind, ...] = ("input_gate", "forget_gate", "cell", "output_gate")

# What a network must be made of to be a torch.nn.LSTM; sizes, biases and layers are free.
_LSTM: dict[str, Any] = {
    "cells_per_block": 1,
    **dict.fromkeys(GATES, True),
    "gates_are_sources": False,
    "recurrent": True,
    "cell_input": "tanh",
    "cell_output": "tanh",
}


class _Place(NamedTuple):
    """Some of the network's weights, as a view, and where PyTorch keeps them."""

    key: str | None  # None: nowhere
    rows: slice
    weights: Floating
    kind: UnitKind
    layer: int
    first_source: int


def from_state_dict(
    state_dict: Mapping[str, ArrayLike],
    readout: Mapping[str, ArrayLike] | None = None,
    *,
    outputs: int | None = None,
    output_units: OutputUnits = "linear",
    update: Update | None = None,
    seed: int | np.random.Generator = 0,
    dtype: DTypeLike = "float32",
) -> Network:
    """Make the network that a torch.nn.LSTM is, to learn on at every step.

    Parameters
    ----------
    state_dict : mapping of str to array_like
        Of a torch.nn.LSTM of any number of layers, with biases or without: "weight_ih_l0"
        (4 * hidden_size, input_size), "weight_hh_l0", …. Not with `proj_size` or `bidirectional`.
    readout : mapping of str to array_like, optional
        The `state_dict` of the torch.nn.Linear behind it: "weight" (outputs, hidden_size) and, if
        it has one, "bias" (outputs,).
    outputs : int, optional
        Without a readout: the number of output units, whose weights are drawn.
    output_units : str
        What follows the readout, as in `Topology`: "linear", "softmax", ….
    update, seed, dtype
        As in `Network`.

    Returns
    -------
    Network
        With ``net.step(x)`` the outputs of the readout, and the LSTM's own in
        ``net.state("cell_output", layers - 1)``.

    Raises
    ------
    ValueError
        If a key is missing, unknown or of another shape, or an argument is not one of these.

    Examples
    --------
    >>> from lethe.adapters import torch as exchange
    >>> lstm = {"weight_ih_l0": np.ones((8, 3)), "weight_hh_l0": np.ones((8, 2))}
    >>> net = exchange.from_state_dict(lstm, {"weight": np.ones((1, 2))})
    >>> net.step([1, 0, 0]).round(3)
    array([0.739], dtype=float32)
    >>> list(exchange.to_state_dict(net, arrays=True))
    ['weight_ih_l0', 'weight_hh_l0']
    """
    at = floating_dtype(dtype)
    lstm, layers, biased = _lstm_arrays(state_dict, at)
    hidden, inputs = len(lstm["weight_ih_l0"]) // 4, lstm["weight_ih_l0"].shape[1]
    if (readout is None) == (outputs is None):
        raise ValueError("from_state_dict takes either a readout or outputs")
    linear = {} if readout is None else _linear_arrays(readout, hidden, at)
    topology = Topology(
        inputs=inputs,
        outputs=outputs if outputs is not None else len(linear["weight"]),
        blocks=hidden,
        layers=layers,
        shortcuts=False,
        biased=(_KINDS if biased else ())
        + (("output",) if readout is None or "bias" in linear else ()),
        cell_input="tanh",
        cell_output="tanh",
        output_units=output_units,
        input_gate_bias=None,
        forget_gate_bias=None,
        output_gate_bias=None,
    )
    net = Network(topology, update=update, seed=seed, dtype=at)
    for place in _lstm_places(net):
        place.weights[...] = 0 if place.key is None else lstm[place.key][place.rows]
    if readout is not None:
        for place in _linear_places(net):
            place.weights[...] = 0 if place.key is None else linear[place.key][place.rows]
    return net


def to_state_dict(net: Network, *, arrays: bool = False) -> dict[str, Any]:
    """The hidden layers as torch.nn.LSTM.load_state_dict takes them.

    Parameters
    ----------
    net : Network
        Of one cell per block with all three gates, tanh for g and h, recurrent, without gates as
        sources. Where kinds of hidden unit are biased, those that are not get zeros.
    arrays : bool
        NumPy arrays instead of tensors, for which PyTorch need not be there.

    Returns
    -------
    dict of str to torch.Tensor or ndarray
        "weight_ih_l0" (4 * blocks, inputs), …, copies in the network's dtype.

    Raises
    ------
    ValueError
        If torch.nn.LSTM has no place for a part of the topology, or for a weight that is not 0.
    ModuleNotFoundError
        If tensors are asked for and PyTorch is not there.
    """
    _check(net)
    t = net.topology
    biased = any(kind in t.biased for kind in _KINDS)
    found: dict[str, Floating] = {}
    for layer in range(t.layers):
        reads = t.blocks if layer else t.inputs
        found[f"weight_ih_l{layer}"] = np.zeros((4 * t.blocks, reads), net.dtype)
        found[f"weight_hh_l{layer}"] = np.zeros((4 * t.blocks, t.blocks), net.dtype)
        if biased:
            found[f"bias_ih_l{layer}"] = np.zeros(4 * t.blocks, net.dtype)
            found[f"bias_hh_l{layer}"] = np.zeros(4 * t.blocks, net.dtype)
    _fill(found, net, _lstm_places, "torch.nn.LSTM")
    return found if arrays else _tensors(found)


def to_readout_state_dict(net: Network, *, arrays: bool = False) -> dict[str, Any]:
    """The output units as torch.nn.Linear.load_state_dict takes them, to read the top layer.

    What the Linear answers is the net input of the output units, before softmax or the logistic
    function.

    Parameters
    ----------
    net, arrays
        As in `to_state_dict`.

    Returns
    -------
    dict of str to torch.Tensor or ndarray
        "weight" (outputs, blocks) and, where output units are biased, "bias" (outputs,).

    Raises
    ------
    ValueError, ModuleNotFoundError
        As in `to_state_dict`: weights from the lower layers or the inputs must be 0.
    """
    _check(net)
    t = net.topology
    found: dict[str, Floating] = {"weight": np.zeros((t.outputs, t.blocks), net.dtype)}
    if "output" in t.biased:
        found["bias"] = np.zeros(t.outputs, net.dtype)
    _fill(found, net, _linear_places, "torch.nn.Linear behind the top layer")
    return found if arrays else _tensors(found)


def get_state(net: Network, *, arrays: bool = False) -> tuple[Any, Any]:
    """What the next step goes on from, as torch.nn.LSTM takes it: (h_0, c_0).

    Parameters
    ----------
    net, arrays
        As in `to_state_dict`.

    Returns
    -------
    tuple of torch.Tensor or ndarray, shape (layers, blocks)
        Copies of the cell outputs and of the cell states: of one stream, without a batch.

    Raises
    ------
    ValueError, ModuleNotFoundError
        As in `to_state_dict`.
    """
    _check(net)
    layers = range(net.topology.layers)
    h = np.stack([net.state("cell_output", layer)[:, 0] for layer in layers])
    c = np.stack([net.state("cell_state", layer)[:, 0] for layer in layers])
    return (h, c) if arrays else tuple(_tensors({"h": h, "c": c}).values())


def set_state(net: Network, h: ArrayLike, c: ArrayLike) -> None:
    """Go on from where a torch.nn.LSTM is: its (h_n, c_n).

    The partials belong to another past and are cleared. PyTorch's default is ``net.reset()``.

    Parameters
    ----------
    net : Network
        As in `to_state_dict`.
    h, c : array_like, shape (layers, blocks) or (layers, 1, blocks)
        Cell outputs and cell states of one stream.

    Raises
    ------
    ValueError
        If an array is of another shape or not finite; nothing has changed then.
    """
    _check(net)
    shape = (net.topology.layers, net.topology.blocks)
    batch_of_one = (shape[0], 1, shape[1])
    arrays = []
    for name, value in (("h", h), ("c", c)):
        array = _array(name, value, net.dtype)
        if array.shape not in (shape, batch_of_one):
            raise ValueError(
                f"{name} must have shape {shape} or {batch_of_one}, got shape {array.shape}"
            )
        arrays.append(array.reshape(shape))
    for layer in range(shape[0]):
        net.state("cell_output", layer)[:, 0] = arrays[0][layer]
        net.state("cell_state", layer)[:, 0] = arrays[1][layer]
    net.reset_partials()


# ---- where the weights lie ----


def _lstm_places(net: Network) -> list[_Place]:
    """All weights of the hidden units."""
    t, places = net.topology, []
    for layer in range(t.layers):
        past = t.inputs + t.blocks
        parts = [
            (None if layer else "weight_ih_l0", 0, t.inputs),
            (f"weight_hh_l{layer}", t.inputs, past),
        ]
        if layer:
            parts.append((f"weight_ih_l{layer}", past, past + t.blocks))
        for number, kind in enumerate(_KINDS):
            rows = slice(number * t.blocks, (number + 1) * t.blocks)
            weights = net.weights(kind, layer)
            if kind == "cell":
                weights = weights[:, 0]
            for key, first, last in parts:
                places.append(_Place(key, rows, weights[:, first:last], kind, layer, first))
            if kind in t.biased:
                bias = _Place(f"bias_ih_l{layer}", rows, weights[:, -1], kind, layer, 0)
                places.append(bias)
    return places


def _linear_places(net: Network) -> list[_Place]:
    """All weights of the output units."""
    t, weights = net.topology, net.weights("output")
    lower, cells = (t.layers - 1) * t.blocks, t.layers * t.blocks
    parts = [(None, 0, lower), ("weight", lower, cells), (None, cells, t.output_sources)]
    rows = slice(0, t.outputs)
    places = [
        _Place(key, rows, weights[:, first:last], "output", 0, first) for key, first, last in parts
    ]
    if "output" in t.biased:
        places.append(_Place("bias", rows, weights[:, -1], "output", 0, 0))
    return places


def _fill(
    found: dict[str, Floating], net: Network, places: Callable[[Network], list[_Place]], of: str
) -> None:
    """Copy each weight to its place; one that has none must be 0."""
    # A clone's weights, because to read the network's own would end a step that waits to learn.
    for place in places(net.clone()):
        if place.key is not None:
            found[place.key][place.rows] = place.weights
            continue
        for row, column in np.argwhere(place.weights != 0)[:1]:
            layer = "" if place.kind == "output" else f" of layer {place.layer}"
            sources = net.topology.sources(place.kind, place.layer)
            raise ValueError(
                f"{net.topology.units(place.kind)[row]}{layer} must have weight 0 from "
                f"{sources[place.first_source + column]!r}, which {of} does not read, "
                f"got {place.weights[row, column]:.3g}"
            )


def _check(net: Network) -> None:
    if not isinstance(net, Network):
        raise ValueError(f"net must be a lethe.Network, got {net!r:.60}")
    for name, needed in _LSTM.items():
        value = getattr(net.topology, name)
        if value != needed:
            raise ValueError(f"{name} must be {needed!r} as in torch.nn.LSTM, got {value!r}")


# ---- what comes from outside, and what goes there ----


def _lstm_arrays(
    state_dict: Mapping[str, ArrayLike], dtype: np.dtype[Any]
) -> tuple[dict[str, Floating], int, bool]:
    """Checked arrays with the two biases added up as "bias_ih", the layers, and whether biased."""
    name = "state_dict"
    keys = _keys(name, state_dict, "torch.nn.LSTM")
    for mark, option in (("weight_hr", "proj_size=0"), ("_reverse", "bidirectional=False")):
        for key in keys:
            if mark in key:
                raise ValueError(f"{name} must be of an LSTM with {option}, got the key {key!r}")
    first = _array(f"{name}['weight_ih_l0']", _get(name, state_dict, "weight_ih_l0"), dtype)
    if first.ndim != 2 or not len(first) or len(first) % 4:
        raise ValueError(
            f"{name}['weight_ih_l0'] must have shape (4 * hidden_size, input_size), "
            f"got shape {first.shape}"
        )
    rows, inputs = first.shape
    biased = any(key.startswith("bias_") for key in keys)
    layers = 0
    expected: dict[str, tuple[int, ...]] = {}
    while not layers or f"weight_ih_l{layers}" in state_dict:
        expected[f"weight_ih_l{layers}"] = (rows, rows // 4 if layers else inputs)
        expected[f"weight_hh_l{layers}"] = (rows, rows // 4)
        if biased:
            expected |= {f"bias_ih_l{layers}": (rows,), f"bias_hh_l{layers}": (rows,)}
        layers += 1
    arrays = _arrays(name, state_dict, expected, dtype)
    for layer in range(layers if biased else 0):
        both = arrays[f"bias_ih_l{layer}"] + arrays.pop(f"bias_hh_l{layer}")
        arrays[f"bias_ih_l{layer}"] = _finite(f"bias_ih_l{layer} + bias_hh_l{layer}", both, dtype)
    return arrays, layers, biased


def _linear_arrays(
    readout: Mapping[str, ArrayLike], hidden: int, dtype: np.dtype[Any]
) -> dict[str, Floating]:
    name = "readout"
    keys = _keys(name, readout, "torch.nn.Linear")
    weight = _array(f"{name}['weight']", _get(name, readout, "weight"), dtype)
    if weight.ndim != 2 or weight.shape[1] != hidden:
        raise ValueError(
            f"{name}['weight'] must have shape (outputs, {hidden}), got shape {weight.shape}"
        )
    expected: dict[str, tuple[int, ...]] = {"weight": weight.shape}
    if "bias" in keys:
        expected["bias"] = weight.shape[:1]
    return _arrays(name, readout, expected, dtype)


def _arrays(
    name: str,
    state_dict: Mapping[str, ArrayLike],
    expected: Mapping[str, tuple[int, ...]],
    dtype: np.dtype[Any],
) -> dict[str, Floating]:
    """Arrays of these shapes, and no others."""
    arrays = {}
    for key, shape in expected.items():
        array = _array(f"{name}[{key!r}]", _get(name, state_dict, key), dtype)
        if array.shape != shape:
            raise ValueError(f"{name}[{key!r}] must have shape {shape}, got shape {array.shape}")
        arrays[key] = array
    for key in state_dict:
        if key not in expected:
            raise ValueError(f"{name} must hold {', '.join(expected)} alone, got the key {key!r}")
    return arrays


def _keys(name: str, state_dict: object, of: str) -> list[str]:
    if not isinstance(state_dict, Mapping) or not all(isinstance(key, str) for key in state_dict):
        raise ValueError(f"{name} must be the state_dict of a {of}, got {state_dict!r:.60}")
    return list(state_dict)


def _get(name: str, state_dict: Mapping[str, ArrayLike], key: str) -> ArrayLike:
    if key not in state_dict:
        raise ValueError(f"{name} must hold {key!r}, got {', '.join(state_dict) or 'no keys'}")
    return state_dict[key]


def _array(name: str, value: Any, dtype: np.dtype[Any]) -> Floating:
    """What is array-like, a tensor of any device and precision too, as finite float64 numbers."""
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu().double().numpy()
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{name} must be an array of numbers, got {error}") from None
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be an array of numbers, got {array.dtype} {value!r:.60}")
    return _finite(name, array.astype(np.float64), dtype)


def _finite(name: str, array: Floating, dtype: np.dtype[Any]) -> Floating:
    with np.errstate(over="ignore"):
        wrong = array[~np.isfinite(array.astype(dtype))]
    if wrong.size:
        raise ValueError(f"{name} must be finite in {dtype}, got {wrong[0]}")
    return array


def _tensors(arrays: Mapping[str, Floating]) -> dict[str, Any]:
    try:
        import torch
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            'PyTorch is not installed: pip install "lethe-ml[torch]", or ask for arrays=True',
            name=missing.name,
        ) from None
    return {key: torch.from_numpy(array) for key, array in arrays.items()}
