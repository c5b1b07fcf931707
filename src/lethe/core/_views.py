"""A network's one block of memory: the compiled core that owns it, and its parts as arrays."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lethe import _kernel
from lethe._kernel import Core32, Core64
from lethe.core._checks import Dtype, Floating
from lethe.core._objects import shown
from lethe.core.run import RECORDABLE, NotFiniteError, Recordable
from lethe.core.topology import GATES, PEEPHOLES, SQUASHINGS, Topology, UnitKind, WeightKind
from lethe.core.updates import MomentOrder, Update

__all__ = [
    "Core",
    "draw_weights",
    "instruction_set",
    "moment_name",
    "new_core",
    "partials_view",
    "restored_core",
    "state_view",
    "weights_view",
]

# Rows of each source: input gates, forget gates, output gates, then the cells.
_GATE_ROWS: dict[str, int] = {"input_gate": 0, "forget_gate": 1, "output_gate": 2}
_PEEPHOLE_ROWS: dict[str, int] = {PEEPHOLES[gate]: row for row, gate in enumerate(GATES)}
_CELL_ROWS = 3
#: Kinds whose weights change no state.
WITHOUT_PARTIALS = ("output_gate", "output", "output_gate_peepholes")
# Partials have no row for output gates.
_CELL_PARTIALS = 2

_PEEPHOLE_ARRAYS = {
    "weights": "peepholes",
    "first_moment": "peephole_first_moment",
    "second_moment": "peephole_second_moment",
}

#: The compiled functions on a block, and the block.
Core = Core32 | Core64
MomentName = Literal["first_moment", "second_moment"]

_kernel.set_not_finite_error(NotFiniteError)


def instruction_set() -> str:
    """Name the instruction set that the compiled step uses: "baseline", "avx2" or "avx512".

    It is the widest that the processor has, unless LETHE_INSTRUCTION_SET named another one before
    the first network was made.

    Raises
    ------
    ValueError
        If LETHE_INSTRUCTION_SET names an instruction set that this machine does not have.
    """
    return _kernel.instruction_set()


def new_core(
    topology: Topology, update: Update, dtype: Dtype, memory: NDArray[np.uint8] | None = None
) -> Core:
    """A block of zeros, or one that lies in `memory`, and the compiled functions on it."""
    g, h = SQUASHINGS[topology.cell_input], SQUASHINGS[topology.cell_output]
    made = _core_class(dtype)
    return made(topology, update, g, h) if memory is None else made(topology, update, g, h, memory)


def restored_core(
    topology: Topology, update: Update, dtype: Dtype, block: NDArray[np.uint8]
) -> Core:
    """A copy of a block that `Core.save` wrote, and the compiled functions on it.

    Raises
    ------
    ValueError
        If the block is not that of such a network; nothing is allocated before sizes agree.
    """
    g, h = SQUASHINGS[topology.cell_input], SQUASHINGS[topology.cell_output]
    return _core_class(dtype).from_block(topology, update, g, h, block)


def _core_class(dtype: Dtype) -> type[Core32] | type[Core64]:
    return Core32 if dtype == np.float32 else Core64


def moment_name(order: MomentOrder) -> MomentName:
    """The kernel's name for the moments of an order."""
    return "first_moment" if order == 1 else "second_moment"


def weights_view(
    core: Core,
    topology: Topology,
    array: Literal["weights"] | MomentName,
    kind: WeightKind,
    layer: int,
) -> Floating:
    """The weights of a kind of unit, or one of their moments: `array` is the kernel's name."""
    sources = len(topology.sources(kind, layer))
    if kind in _PEEPHOLE_ROWS:
        rows = core.array(_PEEPHOLE_ARRAYS[array], layer)
        return rows[:, _PEEPHOLE_ROWS[kind], : topology.blocks].T
    if kind == "output":
        return core.array(f"output_{array}", 0)[:sources, : topology.outputs].T
    rows = core.array(array, layer)
    if kind == "cell":
        return rows[:sources, _CELL_ROWS:, : topology.blocks].transpose(2, 1, 0)
    return rows[:sources, _GATE_ROWS[kind], : topology.blocks].T


def draw_weights(core: Core, topology: Topology, generator: np.random.Generator) -> None:
    """Draw every weight in the papers' range, then set the gates' initial biases (section 4.2)."""
    t = topology
    hidden: tuple[UnitKind, ...] = (*t.gates, "cell")
    units: list[tuple[UnitKind, int]] = [(kind, n) for n in range(t.layers) for kind in hidden]
    for kind, layer in [*units, ("output", 0)]:
        weights = weights_view(core, t, "weights", kind, layer)
        weights[...] = generator.uniform(-t.initial_range, t.initial_range, weights.shape)
        bias = t.initial_bias(kind) if kind in GATES else None
        if bias is not None:
            weights[:, -1] = bias
    # The last ones, so that a seed draws all others as it does without peepholes.
    for layer in range(t.layers):
        for peepholes in t.peephole_kinds:
            weights = weights_view(core, t, "weights", peepholes, layer)
            weights[...] = generator.uniform(-t.initial_range, t.initial_range, weights.shape)


def partials_view(core: Core, topology: Topology, kind: WeightKind, layer: int) -> Floating:
    """The partials of the weights of input gates, forget gates or cells, or of peepholes."""
    if not isinstance(kind, str) or kind in WITHOUT_PARTIALS:
        raise ValueError(f"kind must be input_gate, forget_gate or cell, got {shown(kind)}")
    sources = len(topology.sources(kind, layer))
    if kind in _PEEPHOLE_ROWS:
        rows = core.array("peephole_partials", layer)
        return rows[:, _PEEPHOLE_ROWS[kind], :, : topology.blocks].transpose(2, 1, 0)
    row = _CELL_PARTIALS if kind == "cell" else _GATE_ROWS[kind]
    rows = core.array("partials", layer)
    return rows[:sources, row, :, : topology.blocks].transpose(2, 1, 0)


def state_view(core: Core, topology: Topology, name: Recordable, layer: int) -> Floating:
    """The activations of a kind of unit; those of the output units read-only."""
    if not isinstance(name, str) or name == "loss" or name not in RECORDABLE:
        names = ", ".join(name for name in RECORDABLE if name != "loss")
        raise ValueError(f"name must be one of {names}, got {shown(name)}")
    topology.sources("cell", layer)  # checks the layer
    array = core.array(name, layer)
    if name != "output":
        return array[..., : topology.blocks].T
    outputs = array.view()
    outputs.flags.writeable = False
    return outputs
