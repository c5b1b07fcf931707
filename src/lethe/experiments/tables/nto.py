"""Noisy temporal order (NTO, section 4.6): the cost of a gate that must not forget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lethe.core.topology import Topology
from lethe.core.updates import SGD
from lethe.experiments.records import Record, mean
from lethe.experiments.table import Plan, Row
from lethe.experiments.tables._partials import ADVANCES, AS_RUN
from lethe.experiments.tables._solved import RESULT, Compared, compare_solved
from lethe.tasks import TemporalOrder
from lethe.trials.learner import NetworkRecipe
from lethe.trials.sequence import Recent, SequenceTrial

__all__ = ["FULL", "RESULT", "ROWS", "SHORT", "TITLE", "compare"]

TITLE = "Noisy temporal order (NTO): standard LSTM, and forget gates that start open"

_OPEN = Topology(inputs=8, outputs=8, blocks=4, cells_per_block=2, forget_gate_bias=5.0)
_UPDATE = SGD(0.5)
# The network of section 4.2 and its α; the criterion is that of 1997, experiment 6b.
_TRIAL = SequenceTrial(
    learner=NetworkRecipe(_OPEN, _UPDATE),
    task=TemporalOrder(marks=3),
    criterion=Recent(2000, 0.3, mean_error=0.1),
    sequences=1_000_000,
)


def _forgetting(bias: float | tuple[float, ...], **parts: Any) -> SequenceTrial:
    """Forget gates that start with a bias, with other parts of the topology."""
    topology = replace(_OPEN, forget_gate_bias=bias, **parts)
    return replace(_TRIAL, learner=NetworkRecipe(topology, _UPDATE))


#: The report's claims: biases of 5.0 as quick as standard LSTM, of 1.0 about three times slower.
_CLAIMS = {
    5.0: Compared("standard", 1.0, "Section 4.6"),
    1.0: Compared("standard", 3.0, "Section 4.6"),
}

#: Its networks as they were probably run, and then other readings.
ROWS: dict[str, Row[SequenceTrial]] = {
    "standard": Row(
        "Standard LSTM",
        replace(
            _TRIAL,
            learner=NetworkRecipe(
                replace(_OPEN, forget_gate=False, forget_gate_bias=None), _UPDATE
            ),
        ),
        twin="forget_gates_5",
        experiment="Noisy temporal order (NTO)",
    ),
    **{
        f"forget_gates_{bias:.0f}_{AS_RUN}": Row(
            f"Forget gates, biases {bias}", _forgetting(bias, **ADVANCES[AS_RUN].parts), claim
        )
        for bias, claim in _CLAIMS.items()
    },
    **{
        f"forget_gates_{name}": Row(
            f"  biases {title}, partials as derived",
            _forgetting(bias),
            reading_of="" if of is None else f"forget_gates_{of:.0f}_{AS_RUN}",
            reading="" if of != bias else "partials as derived",
        )
        for name, title, bias, of in (
            ("5", "5.0", 5.0, 5.0),
            ("3", "3.0", 3.0, None),
            ("2", "2.0", 2.0, None),
            ("1", "1.0", 1.0, 1.0),
            # "A moderate bias like the one used for CERG (1.0)."
            ("cerg", "0.5 to 2 as in CERG", (0.5, 1.0, 1.5, 2.0), 1.0),
        )
    },
    **{
        f"forget_gates_{bias:.0f}_{end}": Row(
            f"  biases {bias}, {advance.title}",
            # At most some fifteen times the median of standard LSTM.
            replace(_forgetting(bias, **advance.parts), sequences=400_000),
            reading_of=f"forget_gates_{bias:.0f}_{AS_RUN}",
            reading=advance.title,
        )
        for bias in (1.0, 5.0)
        for end, advance in ADVANCES.items()
        if end != AS_RUN
    },
}

FULL = Plan(rows=tuple(ROWS), trials=20)
SHORT = Plan(
    rows=("standard", "forget_gates_5", "forget_gates_3"),
    trials=6,
    limits={"sequences": 200_000},
)


def compare(records: Sequence[Record], rows: Sequence[str]) -> str:
    """The paper's figures and ours, and how the kinds of network compare."""
    times = {
        name: mean(r["training_sequences"] for r in records if r["row"] == name and r["solved"])
        for name in rows
    }
    plain = times.get("standard", 0.0)
    note = "\nThe report: biases 5.0 as quick as standard LSTM, 1.0 about three times slower."
    for name, sequences in times.items():
        if name != "standard" and sequences > 0 and plain > 0:
            note += (
                f"\n{ROWS[name].title}: {sequences / plain:.2f} times standard LSTM's sequences."
            )
    return compare_solved(records, ROWS, rows, note)
