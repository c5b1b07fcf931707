"""The ways in which partials may advance, beside that which eqs. 18 to 21 derive."""

from __future__ import annotations

from typing import Any, NamedTuple

from lethe.core.topology import PartialDecay, Topology

__all__ = ["ADVANCES", "AS_RUN", "Advance", "as_run"]


class Advance(NamedTuple):
    """Which partials the forget gate's activation multiplies, and what eq. 21 adds.

    Attributes
    ----------
    title : str
        For readers.
    partial_decay, printed_eq21
        As in `lethe.Topology`.
    """

    title: str
    partial_decay: PartialDecay
    printed_eq21: bool = False

    @property
    def parts(self) -> dict[str, Any]:
        """The parts of a topology that differ from the report's equations."""
        return {"partial_decay": self.partial_decay, "printed_eq21": self.printed_eq21}


#: By the end of a row's name. docs/reproduction.md says what each does to Tables 2 and 3.
ADVANCES: dict[str, Advance] = {
    "eq19_decays": Advance("only eq. 19's partials decay", "eq19"),
    "eq21_undecayed": Advance("all but eq. 21's partials decay", "eqs19_20"),
    "undecayed_partials": Advance("no partial decays", 1.0),
    "undecayed_partials_printed_eq21": Advance("no partial decays, eq. 21 as printed", 1.0, True),
    "eq21_decays": Advance("only eq. 21's partials decay", "eq21"),
    "eq21_decays_printed": Advance("only eq. 21's partials decay, as printed", "eq21", True),
}

#: How the partials of the report's networks with forget gates advanced, probably.
AS_RUN = "eq19_decays"


def as_run(topology: Topology) -> str:
    """How this network's advanced: without forget gates, as in the recursion of 1997."""
    return AS_RUN if topology.forget_gate else "undecayed_partials"
