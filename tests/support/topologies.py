"""Random topologies, update rules and streams for property tests."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from hypothesis import strategies as st

from lethe import SGD, Adam, RMSprop, Topology
from lethe.core.topology import UNIT_KINDS, OutputUnits, Squashing

bounds = st.sampled_from([float("inf"), 0.02])


@st.composite
def topologies(draw: st.DrawFn, *, least_blocks: int = 0, most_blocks: int = 18) -> Topology:
    """Any option of Topology with any other; sizes that fill their vectors and that do not."""
    forget_gate = draw(st.booleans())
    recurrent, shortcuts = draw(st.booleans()), draw(st.booleans())
    units = draw(st.sampled_from(get_args(OutputUnits)))
    # With an identity inside a loop states grow without bound, and no tolerance is meaningful.
    squashings = [s for s in get_args(Squashing) if s != "identity"]
    return Topology(
        inputs=draw(st.integers(1, 9)),
        outputs=draw(st.integers(2 if units == "softmax" else 1, 18)),
        blocks=draw(st.integers(least_blocks if shortcuts else 1, most_blocks)),
        cells_per_block=draw(st.integers(1, 3)),
        layers=draw(st.integers(1, 3)),
        input_gate=draw(st.booleans()),
        forget_gate=forget_gate,
        output_gate=draw(st.booleans()),
        state_decay=1.0 if forget_gate else draw(st.sampled_from([1.0, 0.9])),
        gates_are_sources=recurrent and draw(st.booleans()),
        peepholes=draw(st.booleans()),
        recurrent=recurrent,
        shortcuts=shortcuts,
        biased=tuple(draw(st.sets(st.sampled_from(UNIT_KINDS)))),
        cell_input=draw(st.sampled_from(squashings)),
        cell_output=draw(st.sampled_from(squashings)),
        output_units=units,
        printed_eq21=draw(st.booleans()),
        partial_decay=draw(
            st.sampled_from(["forget_gate", "eq19", "eqs19_20", "eq21", 0.0, 0.5, 1.0])
        ),
        initial_activation=draw(st.sampled_from([0.0, 0.5])),
    )


@st.composite
def updates(draw: st.DrawFn) -> SGD | RMSprop | Adam:
    """Any rule with any decay and bound, at rates that do not make a stream chaotic."""
    common: dict[str, Any] = {
        "decay": draw(st.sampled_from([1.0, 0.999])),
        "decay_per": draw(st.sampled_from(["step", "sequence"])),
        "restart": draw(st.booleans()),
        "bound_error": draw(bounds),
        "bound_step": draw(bounds),
    }
    rule = draw(st.sampled_from(["sgd", "momentum", "rmsprop", "adam"]))
    if rule == "rmsprop":
        return RMSprop(0.001, smoothing=0.9, epsilon=1e-2, **common)
    if rule == "adam":
        return Adam(0.001, epsilon=1e-2, **common)
    return SGD(0.02, momentum=0.5 if rule == "momentum" else 0.0, **common)


def stream(topology: Topology, steps: int, seed: int) -> dict[str, Any]:
    """Inputs, targets that the output units can reach, and where there are targets and starts."""
    rng = np.random.default_rng(seed)
    symbols = rng.integers(0, topology.inputs, steps)
    inputs: Any = symbols if seed % 2 else rng.normal(scale=0.5, size=(steps, topology.inputs))
    if topology.output_units == "softmax":
        targets: Any = rng.integers(0, topology.outputs, steps)
    else:
        targets = rng.random((steps, topology.outputs))
    return {
        "inputs": inputs,
        "targets": targets,
        "has_target": rng.random(steps) < 0.8,
        "starts": rng.random(steps) < 0.02,
        "reset_at_starts": bool(seed % 3),
    }
