"""What looks after networks that live long, and what it found.

Every 1,000 events each memory block is inspected (kernels/stream/ensemble.hpp): gates that are
saturated, states that drift, and blocks that are shut. A block that was shut at 20 inspections in a
row is dead, since no error reaches it: it gets new weights that add nothing at first.
"""

from __future__ import annotations

from dataclasses import dataclass

from lethe import _kernel

__all__ = ["Diagnostics", "diagnose"]


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """How the networks of a model have fared so far.

    Attributes
    ----------
    saturated_gates : int
        How often a gate was found saturated at 20 inspections in a row.
    drifting_states : int
        How often an inspection found a block with a cell state beyond ±1,000.
    restarted_blocks : int
        How many blocks were restarted.
    lost_steps : int
        Steps that were lost with networks whose numbers stopped being finite.
    """

    saturated_gates: int = 0
    drifting_states: int = 0
    restarted_blocks: int = 0
    lost_steps: int = 0


def diagnose(stream: _kernel.NumberStream | _kernel.ClassStream) -> Diagnostics:
    """Read off a stream's block."""
    saturated, drifting, restarted = (int(count) for count in stream.view("alarms"))
    return Diagnostics(saturated, drifting, restarted, int(stream.view("lost steps")[0]))
