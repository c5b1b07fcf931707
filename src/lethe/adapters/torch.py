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

Array-likes are accepted as tensors, and PyTorch itself is needed only where tensors are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from lethe.adapters._torch_arrays import array_of, linear_arrays, lstm_arrays, tensors
from lethe.core._checks import Floating, check_bool, floating_dtype
from lethe.core.network import Network
from lethe.core.topology import GATES, OutputUnits, Topology, UnitKind
from lethe.core.updates import Update

if TYPE_CHECKING:
    import torch

__all__ = ["from_state_dict", "get_state", "set_state", "to_readout_state_dict", "to_state_dict"]

# PyTorch's four kinds of unit i, f, g, o, in the order of the rows of its weights.
_KINDS: tuple[UnitKind, ...] = ("input_gate", "forget_gate", "cell", "output_gate")

# What a network must be made of to be a torch.nn.LSTM; sizes, biases and layers are free.
_LSTM: dict[str, float | bool | str] = {
    "cells_per_block": 1,
    **dict.fromkeys(GATES, True),
    "gates_are_sources": False,
    "peepholes": False,
    "recurrent": True,
    "cell_input": "tanh",
    "cell_output": "tanh",
    "initial_activation": 0.0,
}


class _Slot(NamedTuple):
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
    """Make a network from a torch.nn.LSTM, which then learns at every step.

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
    output_units, update, seed, dtype
        As in `Topology` ("linear", "softmax", …) and `Network`.

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
    lstm, layers, biased = lstm_arrays(state_dict, at)
    hidden, inputs = len(lstm["weight_ih_l0"]) // 4, lstm["weight_ih_l0"].shape[1]
    if (readout is None) == (outputs is None):
        raise ValueError("from_state_dict takes either a readout or outputs")
    linear = {} if readout is None else linear_arrays(readout, hidden, at)
    output_bias = readout is None or "bias" in linear
    kinds = (_KINDS if biased else ()) + (("output",) if output_bias else ())
    count = len(linear["weight"]) if outputs is None else outputs
    topology = _topology(inputs, hidden, layers, count, output_units, kinds)
    net = Network(topology, update=update, seed=seed, dtype=at)
    _copy(lstm, _lstm_slots(net))
    _copy(linear, _linear_slots(net) if linear else [])
    return net


def _topology(
    inputs: int,
    hidden: int,
    layers: int,
    outputs: int,
    output_units: OutputUnits,
    biased: tuple[UnitKind, ...],
) -> Topology:
    """The topology of a torch.nn.LSTM; initial biases are drawn like other weights."""
    return Topology(
        inputs=inputs,
        outputs=outputs,
        blocks=hidden,
        layers=layers,
        shortcuts=False,
        biased=biased,
        cell_input="tanh",
        cell_output="tanh",
        output_units=output_units,
        input_gate_bias=None,
        forget_gate_bias=None,
        output_gate_bias=None,
    )


@overload
def to_state_dict(net: Network, *, arrays: Literal[False] = False) -> dict[str, torch.Tensor]: ...
@overload
def to_state_dict(net: Network, *, arrays: Literal[True]) -> dict[str, Floating]: ...
def to_state_dict(
    net: Network, *, arrays: bool = False
) -> dict[str, torch.Tensor] | dict[str, Floating]:
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
    _fill(found, net, _lstm_slots, "torch.nn.LSTM")
    return found if check_bool("arrays", arrays) else tensors(found)


@overload
def to_readout_state_dict(
    net: Network, *, arrays: Literal[False] = False
) -> dict[str, torch.Tensor]: ...
@overload
def to_readout_state_dict(net: Network, *, arrays: Literal[True]) -> dict[str, Floating]: ...
def to_readout_state_dict(
    net: Network, *, arrays: bool = False
) -> dict[str, torch.Tensor] | dict[str, Floating]:
    """The output units as torch.nn.Linear.load_state_dict takes them, to read the top layer.

    The Linear computes the net input of the output units, before softmax or the logistic function.

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
    _fill(found, net, _linear_slots, "torch.nn.Linear behind the top layer")
    return found if check_bool("arrays", arrays) else tensors(found)


@overload
def get_state(
    net: Network, *, arrays: Literal[False] = False
) -> tuple[torch.Tensor, torch.Tensor]: ...
@overload
def get_state(net: Network, *, arrays: Literal[True]) -> tuple[Floating, Floating]: ...
def get_state(
    net: Network, *, arrays: bool = False
) -> tuple[torch.Tensor, torch.Tensor] | tuple[Floating, Floating]:
    """The state from which the next step continues, as torch.nn.LSTM takes it: (h_0, c_0).

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
    if check_bool("arrays", arrays):
        return h, c
    found = tensors({"h": h, "c": c})
    return found["h"], found["c"]


def set_state(net: Network, h: ArrayLike, c: ArrayLike) -> None:
    """Continue from the state of a torch.nn.LSTM: its (h_n, c_n).

    The partials belong to another past and are reset. PyTorch's default is ``net.reset()``.

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
        array = array_of(name, value, net.dtype)
        if array.shape not in (shape, batch_of_one):
            raise ValueError(
                f"{name} must have shape {shape} or {batch_of_one}, got shape {array.shape}"
            )
        arrays.append(array.reshape(shape))
    for layer in range(shape[0]):
        net.state("cell_output", layer)[:, 0] = arrays[0][layer]
        net.state("cell_state", layer)[:, 0] = arrays[1][layer]
    net.reset_partials()


# ---- which weight is where ----


def _lstm_slots(net: Network) -> list[_Slot]:
    """All weights of the hidden units."""
    t, slots = net.topology, []
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
                slots.append(_Slot(key, rows, weights[:, first:last], kind, layer, first))
            if kind in t.biased:
                bias = _Slot(f"bias_ih_l{layer}", rows, weights[:, -1], kind, layer, 0)
                slots.append(bias)
    return slots


def _linear_slots(net: Network) -> list[_Slot]:
    """All weights of the output units."""
    t, weights = net.topology, net.weights("output")
    lower, cells = (t.layers - 1) * t.blocks, t.layers * t.blocks
    parts = [(None, 0, lower), ("weight", lower, cells), (None, cells, t.output_sources)]
    rows = slice(0, t.outputs)
    slots = [
        _Slot(key, rows, weights[:, first:last], "output", 0, first) for key, first, last in parts
    ]
    if "output" in t.biased:
        slots.append(_Slot("bias", rows, weights[:, -1], "output", 0, 0))
    return slots


def _copy(arrays: Mapping[str, Floating], slots: list[_Slot]) -> None:
    """Copy PyTorch's weights into the network's; those that PyTorch does not have are 0."""
    for slot in slots:
        slot.weights[...] = 0 if slot.key is None else arrays[slot.key][slot.rows]


def _fill(
    found: dict[str, Floating], net: Network, slots: Callable[[Network], list[_Slot]], of: str
) -> None:
    """Copy each weight to its slot; one that has none must be 0."""
    # A clone's weights, because to read the network's own would end a step that waits to learn.
    for slot in slots(net.clone()):
        if slot.key is not None:
            found[slot.key][slot.rows] = slot.weights
            continue
        for row, column in np.argwhere(slot.weights != 0)[:1]:
            layer = "" if slot.kind == "output" else f" of layer {slot.layer}"
            sources = net.topology.sources(slot.kind, slot.layer)
            raise ValueError(
                f"{net.topology.units(slot.kind)[row]}{layer} must have weight 0 from "
                f"{sources[slot.first_source + column]!r}, which {of} does not read, "
                f"got {slot.weights[row, column]:.3g}"
            )


def _check(net: Network) -> None:
    if not isinstance(net, Network):
        raise ValueError(f"net must be a lethe.Network, got {net!r:.60}")
    if net.topology.blocks == 0:
        raise ValueError("net must have memory blocks as a torch.nn.LSTM has units, got blocks=0")
    for name, needed in _LSTM.items():
        value = getattr(net.topology, name)
        if value != needed:
            raise ValueError(f"{name} must be {needed!r} as in torch.nn.LSTM, got {value!r}")
