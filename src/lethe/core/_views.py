"""A network's one block of memory: the compiled core that owns it, and its parts as arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import numpy as np

from lethe.core._checks import Floating
from lethe.core.run import NotFiniteError, Recordable
from lethe.core.topology import GATES, SQUASHINGS, Topology, UnitKind
from lethe.core.updates import Update

__all__ = [
    "Core",
    "draw_weights",
    "kernel",
    "new_core",
    "partials_view",
    "state_view",
    "weights_view",
]

# Rows of each source: input gates, forget gates, output gates, then the cells.
_GATE_ROWS: dict[str, int] = {"input_gate": 0, "forget_gate": 1, "output_gate": 2}
_CELL_ROWS = 3
# Partials have no row for output gates: they change no state.
_CELL_PARTIALS = 2


class Core(Protocol):
    """What `_kernel.Core32` and `Core64` have in common; the generated stub leaves arrays open."""

    rate: float
    steps: int
    step: Callable[[Any, bool], None]  # x or a symbol, learn
    learn: Callable[..., None]  # target or class or error, is_error
    peek: Callable[[Floating | None, int, Floating], None]  # x, symbol, y
    run: Callable[..., tuple[bool, int]]
    finish: Callable[[], None]
    reset: Callable[[], None]
    clear_partials: Callable[[], None]
    start_sequence: Callable[[bool], None]  # reset
    snapshot_due: Callable[[], None]
    snapshot: Callable[[], None]
    array: Callable[[str, int], Floating]  # name, layer
    save: Callable[[], bytes]  # the whole block
    load: Callable[[bytes], None]
    take_counters: Callable[[Any], None]


@cache
def kernel() -> Any:
    """The compiled module, imported when the first network is made, so that help needs no kernel.

    Raises
    ------
    ValueError
        If LETHE_INSTRUCTION_SET names none that this machine has.
    """
    try:
        from lethe import _kernel
    except ImportError as error:
        if "LETHE_INSTRUCTION_SET" in str(error):
            raise ValueError(str(error)) from None
        raise
    _kernel.set_not_finite_error(NotFiniteError)
    return _kernel


def new_core(topology: Topology, update: Update, dtype: np.dtype[Any], memory: Any = None) -> Core:
    """A block of zeros, or one that lies in `memory`, and the compiled functions on it."""
    made = kernel().Core32 if dtype == np.float32 else kernel().Core64
    g, h = SQUASHINGS[topology.cell_input], SQUASHINGS[topology.cell_output]
    core: Core = made(topology, update, g, h, *(() if memory is None else (memory,)))
    return core


def weights_view(
    core: Core, topology: Topology, array: str, kind: UnitKind, layer: int
) -> Floating:
    """The weights of a kind of unit, or one of their moments: `array` is the kernel's name."""
    sources = len(topology.sources(kind, layer))
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


def partials_view(core: Core, topology: Topology, kind: UnitKind, layer: int) -> Floating:
    """The partials of the weights of input gates, forget gates or cells."""
    sources = len(topology.sources(kind, layer))
    row = _CELL_PARTIALS if kind == "cell" else _GATE_ROWS[kind]
    rows = core.array("partials", layer)
    return rows[:sources, row, :, : topology.blocks].transpose(2, 1, 0)


def state_view(core: Core, topology: Topology, name: Recordable, layer: int) -> Floating:
    """The activations of a kind of unit; those of the output units read-only."""
    array = core.array(name, layer)
    if name != "output":
        return array[..., : topology.blocks].T
    outputs = array.view()
    outputs.flags.writeable = False
    return outputs
