"""ONNX: one frozen step of a Network as a graph, for environments without Lethe.

The graph has no operator for recurrent networks: it is the forward pass of `lethe.core.equations`
in elementary operators (MatMul, Add, Mul, Sigmoid, Tanh, Softmax, …). The state goes in and comes
out:

=====================  =========================  ===============================================
input                  output                     what it is
=====================  =========================  ===============================================
``x``                  ``y``                      (inputs,) and (outputs,): what `Network.step`
                                                  takes and gives; a symbol as its one-hot vector
``cell_state_0``       ``next_cell_state_0``      (blocks, cells_per_block), of layer 0
``cell_output_0``      ``next_cell_output_0``     (blocks, cells_per_block); where ``recurrent``
``input_gate_0``, …    ``next_input_gate_0``, …   (blocks,), of each gate that the blocks have;
                                                  where ``gates_are_sources``
=====================  =========================  ===============================================

Each layer has these states, in this order, and the outputs are in the order of the inputs. At the
start of a stream they are zeros, but for cell outputs and gates where ``initial_activation`` is
another number; `states` returns those of a network as it is. Numbers are of the network's dtype.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from lethe.core._checks import Dtype, Floating, check_path
from lethe.core.network import Network
from lethe.core.run import Recordable
from lethe.core.topology import (
    PEEPHOLES,
    SQUASHINGS,
    GateKind,
    Squashing,
    Topology,
    UnitKind,
)
from lethe.model import Model
from lethe.storage.output import output_errors, write_file
from lethe.version import __version__

try:
    import onnx
    from onnx import helper, numpy_helper
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        'onnx is not installed: pip install "lethe-ml[onnx]"', name=missing.name
    ) from None

__all__ = ["export_model", "export_step", "states"]

# The oldest operator set with these definitions, so that old runtimes can read the graph.
_OPERATORS = 13
_IR_VERSION = 7

_MOST_BYTES = 2**31 - 2**20  # of a file: what protobuf can hold, less some for the graph itself


def export_step(
    net: Network,
    path: str | os.PathLike[str] | None = None,
    *,
    encoder: Mapping[str, object] | None = None,
) -> onnx.ModelProto:
    """Export what ``net.step(x, learn=False)`` does, with the current weights.

    Parameters
    ----------
    net : Network
        Of any topology, dtype and update rule.
    path : str or os.PathLike, optional
        The file to write; one that is there is replaced in one move.
    encoder : mapping, optional
        How events become ``x`` and ``y`` becomes predictions, as plain JSON values; written to the
        graph's path with ".json" appended.

    Returns
    -------
    onnx.ModelProto
        The graph; its ``metadata_props`` have the version of Lethe ("lethe_version"), the
        "topology" as JSON that ``Topology(**…)`` takes, the "dtype" and the network's "steps".

    Raises
    ------
    ValueError
        If an argument is wrong, the weights exceed ONNX's 2 GiB, or a file cannot be written.

    Examples
    --------
    >>> from lethe import Network, Topology
    >>> net = Network(Topology(inputs=3, outputs=2, blocks=4))
    >>> model = export_step(net)
    >>> [part.name for part in model.graph.input]
    ['x', 'cell_state_0', 'cell_output_0']
    >>> [part.name for part in model.graph.output]
    ['y', 'next_cell_state_0', 'next_cell_output_0']
    """
    t = _checked(net)
    if encoder is not None and path is None:
        raise ValueError("path must be given where there is an encoder, got None")
    description = None if encoder is None else _json(encoder)
    if t.weights * net.dtype.itemsize > _MOST_BYTES:
        raise ValueError(f"net must have weights of less than 2 GiB in all, got {t.weights:,}")
    model = helper.make_model(
        # A clone, because reading weights would end a step that waits for its target.
        _Graph(net.dtype).build(net.clone()),
        producer_name="lethe",
        producer_version=__version__,
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", _OPERATORS)],
    )
    helper.set_model_props(model, _properties(net))
    onnx.checker.check_model(model)
    if path is not None:
        if description is not None:
            _write(f"{os.fspath(check_path('path', path))}.json", description)
        _write(check_path("path", path), model.SerializeToString())
    return model


def export_model(model: Model, folder: str | os.PathLike[str]) -> list[Path]:
    """Export the networks of a model, each with a JSON file on how events become its inputs.

    Only the networks are exported, not the predictors they are mixed with. Each predicts the
    residual of the linear predictor, in units of the mean absolute distance from the last value, or
    the probabilities of classes. Of a model of numbers, those with the model's learning rates
    predict what comes next; one is for memory, sees the last surprises and the columns alone, and
    predicts in a unit of large errors; with a horizon above 1, as many again predict all heads.

    Parameters
    ----------
    model : Model
        That has learned from an event.
    folder : str or os.PathLike
        Where ``network-0.onnx``, ``network-0.onnx.json``, … are written; it must exist.

    Returns
    -------
    list of Path
        The graphs, in the order of `Model.networks`.

    Raises
    ------
    ValueError
        If the model has learned from no event, or a file cannot be written.
    """
    if not isinstance(model, Model):
        raise ValueError(f"model must be a lethe.Model, got {type(model).__name__}")
    networks = model.networks
    if not networks:
        raise ValueError("model must have learned from an event before it is exported")
    encoder: dict[str, object] = {
        "task": model.task,
        "targets": list(model.targets),
        "horizon": model.horizon,
        "columns": model.configuration(),
    }
    if model.task != "regression":
        encoder["classes"] = [str(label) for label in model.classes]
    paths = []
    for n, net in enumerate(networks):
        paths.append(Path(check_path("folder", folder, folder=True)) / f"network-{n}.onnx")
        # The network for memory sees the last of the features.
        inputs = model.input_names()[-net.topology.inputs :]
        export_step(net, paths[-1], encoder=encoder | {"inputs": inputs})
    return paths


def _properties(net: Network) -> dict[str, str]:
    return {
        "lethe_version": __version__,
        "topology": json.dumps(net.topology.configuration()),
        "dtype": net.dtype.name,
        "steps": str(net.steps),
    }


def states(net: Network) -> dict[str, Floating]:
    """The state from which the graph continues: a network's states, by the names of the inputs.

    Parameters
    ----------
    net : Network
        Whose states.

    Returns
    -------
    dict of str to ndarray
        Copies, in the order of the graph's inputs.

    Examples
    --------
    >>> from lethe import Network, Topology
    >>> {name: a.shape for name, a in states(Network(Topology(inputs=3, outputs=2))).items()}
    {'cell_state_0': (4, 1), 'cell_output_0': (4, 1)}
    """
    t = _checked(net)
    return {
        f"{name}_{layer}": np.ascontiguousarray(net.state(name, layer)).copy()
        for layer in range(t.layers)
        for name in _state_names(t)
    }


class _Graph:
    """The parts of a graph while it is built; values are known by their names."""

    def __init__(self, dtype: Dtype) -> None:
        self.dtype = dtype
        self.number = helper.np_dtype_to_tensor_dtype(dtype)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def build(self, net: Network) -> onnx.GraphProto:
        """All layers, then the output units."""
        t = net.topology
        x = self.input("x", (t.inputs,))
        self.outputs.append(self.value("y", (t.outputs,)))
        layers: list[str] = []
        for layer in range(t.layers):
            layers.append(self.layer(net, layer, x, layers[-1:]))
        z = self.add("Concat", [*layers, *([x] if t.shortcuts else [])], "output_sources", axis=0)
        function = {"linear": "Identity", "softmax": "Softmax"}.get(t.output_units, "Sigmoid")
        net_k = self.net_input(net, "output", 0, z, "output")
        self.add(function, [net_k], "y", **({"axis": -1} if function == "Softmax" else {}))
        constants = list(self.constants.values())
        return helper.make_graph(self.nodes, "lethe_step", self.inputs, self.outputs, constants)

    def layer(self, net: Network, layer: int, x: str, below: list[str]) -> str:
        """Eqs. 1-11 for one layer; gives its cell outputs as sources."""
        t = net.topology
        shapes = {"cell_state": (t.blocks, t.cells_per_block)}
        shapes["cell_output"] = shapes["cell_state"]
        names = _state_names(t)
        before = {
            name: self.state(f"{name}_{layer}", shapes.get(name, (t.blocks,))) for name in names
        }
        sources = [x]
        if t.recurrent:
            sources.append(self.as_sources(before["cell_output"]))
        sources += [before[gate] for gate in names[2:]]
        z = self.add("Concat", [*sources, *below], f"sources_{layer}", axis=0)

        kept = before["cell_state"]
        gate = {
            kind: self.gate(net, kind, layer, z, kept) for kind in t.gates if kind != "output_gate"
        }
        net_c = self.net_input(net, "cell", layer, z, f"cell_{layer}")
        shape = self.constant("cells", np.array(shapes["cell_state"]))
        net_c = self.add("Reshape", [net_c, shape], f"cell_{layer}_by_block")
        g = self.squash(t.cell_input, net_c, f"cell_input_{layer}")
        if t.input_gate:
            g = self.add("Mul", [gate["input_gate"], g], f"gated_input_{layer}")
        if t.forget_gate:
            kept = self.add("Mul", [gate["forget_gate"], kept], f"kept_state_{layer}")
        elif t.state_decay != 1:
            decay = self.constant("state_decay", np.array([t.state_decay], self.dtype))
            kept = self.add("Mul", [decay, kept], f"kept_state_{layer}")
        s = self.add("Add", [kept, g], f"next_cell_state_{layer}")
        y_c = self.squash(t.cell_output, s, f"squashed_state_{layer}")
        opened = [self.gate(net, "output_gate", layer, z, s), y_c] if t.output_gate else [y_c]
        operator = "Mul" if t.output_gate else "Identity"
        return self.as_sources(self.add(operator, opened, f"next_cell_output_{layer}"))

    def gate(self, net: Network, kind: GateKind, layer: int, z: str, states: str) -> str:
        """One kind of gate, for each cell of its block; peepholes read these states."""
        name = f"{kind}_{layer}"
        net_input = self.net_input(net, kind, layer, z, name)
        column = self.constant("column", np.array([1]))
        if net.topology.peepholes:
            weights = net.weights(PEEPHOLES[kind], layer)
            peepholes = self.constant(f"{name}_peepholes", weights)
            read = self.add("Mul", [peepholes, states], f"{name}_states_read")
            read = self.add("ReduceSum", [read, column], f"{name}_read", keepdims=0)
            net_input = self.add("Add", [net_input, read], f"{name}_net_with_peepholes")
        y = self.add("Sigmoid", [net_input], f"next_{name}")
        return self.add("Unsqueeze", [y, column], f"{name}_of_each_cell")

    def net_input(self, net: Network, kind: UnitKind, layer: int, z: str, name: str) -> str:
        """Weights times sources, and the bias where there is one; cells block by block."""
        t = net.topology
        weights = net.weights(kind, layer)
        weights = weights.reshape(-1, weights.shape[-1]).T
        count = t.output_sources if kind == "output" else t.hidden_sources(layer)
        matrix = self.constant(f"{name}_weights", weights[:count])
        product = self.add("MatMul", [z, matrix], f"{name}_product")
        if kind not in t.biased:
            return product
        bias = self.constant(f"{name}_bias", weights[count])
        return self.add("Add", [product, bias], f"{name}_net")

    def squash(self, squashing: Squashing, x: str, name: str) -> str:
        """Apply g or h."""
        single = {"identity": "Identity", "tanh": "Tanh", "logistic": "Sigmoid"}.get(squashing)
        if single:
            return self.add(single, [x], name)
        _, scale, _, shift = SQUASHINGS[squashing]  # the centred logistics: scale·σ(x) + shift
        y = self.add("Sigmoid", [x], f"{name}_logistic")
        times = self.constant(f"{squashing}_scale", np.array([scale], self.dtype))
        y = self.add("Mul", [times, y], f"{name}_scaled")
        plus = self.constant(f"{squashing}_shift", np.array([shift], self.dtype))
        return self.add("Add", [y, plus], name)

    def as_sources(self, cells: str) -> str:
        """The first cell of every block before the second of any."""
        turned = self.add("Transpose", [cells], f"{cells}_turned", perm=[1, 0])
        flat = self.constant("flat", np.array([-1]))
        return self.add("Reshape", [turned, flat], f"{cells}_sources")

    def add(
        self, operator: str, inputs: list[str], output: str, **attributes: int | list[int]
    ) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def constant(self, name: str, array: ArrayLike) -> str:
        # The same name always stands for the same array.
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def state(self, name: str, shape: tuple[int, ...]) -> str:
        """An input for the state before this step, and an output for the one after it."""
        self.outputs.append(self.value(f"next_{name}", shape))
        return self.input(name, shape)

    def input(self, name: str, shape: tuple[int, ...]) -> str:
        self.inputs.append(self.value(name, shape))
        return name

    def value(self, name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, self.number, shape)


def _state_names(topology: Topology) -> list[Recordable]:
    """What a layer's next step reads of this one."""
    names: list[Recordable] = ["cell_state"]
    if topology.recurrent:
        names.append("cell_output")
    if topology.gates_are_sources:
        names += topology.gates
    return names


def _checked(net: Network) -> Topology:
    if not isinstance(net, Network):
        raise ValueError(f"net must be a lethe.Network, got {net!r:.60}")
    if net.topology.blocks == 0:
        raise ValueError("net must have memory blocks to be exported, got blocks=0")
    return net.topology


def _json(encoder: object) -> bytes:
    if not isinstance(encoder, Mapping):
        raise ValueError(f"encoder must be a mapping of plain JSON values, got {encoder!r:.60}")
    try:
        return json.dumps(dict(encoder), allow_nan=False, indent=1).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"encoder must be a mapping of plain JSON values, got {error}") from None


def _write(path: str | os.PathLike[str], content: bytes) -> None:
    with output_errors(f"the file {path}"):
        write_file(path, [content])
