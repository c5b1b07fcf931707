"""Table 1 of the report, its row for LSTM: the embedded Reber grammar with resets (1997)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lethe.core.topology import Topology
from lethe.core.updates import SGD, RMSprop
from lethe.experiments.records import Record
from lethe.experiments.table import Plan, Row
from lethe.experiments.tables._solved import RESULT, Figures, compare_solved
from lethe.tasks import EmbeddedReber
from lethe.trials.learner import NetworkRecipe
from lethe.trials.sequence import SequenceTrial, Tested

__all__ = ["FULL", "RESULT", "ROWS", "SHORT", "TITLE", "compare"]

TITLE = "Table 1: embedded Reber grammar (ERG) with a reset before each string"

# 1997: three blocks of two cells; gates are sources too and biased, cells and outputs are not. It
# learns the symbol that comes next, and is right where the possible ones are the most active.
_STANDARD = Topology(
    inputs=7,
    outputs=7,
    blocks=3,
    cells_per_block=2,
    forget_gate=False,
    gates_are_sources=True,
    shortcuts=False,
    biased=("input_gate", "output_gate"),
    input_gate_bias=None,
    output_gate_bias=(-1.0, -2.0, -3.0),
)
_FORGET_GATES = replace(
    _STANDARD,
    forget_gate=True,
    biased=("input_gate", "forget_gate", "output_gate"),
    forget_gate_bias=5.0,
)
_UPDATE = SGD(0.5)
_TRIAL = SequenceTrial(
    learner=NetworkRecipe(_STANDARD, _UPDATE),
    task=EmbeddedReber("next"),
    test_task=EmbeddedReber("possible"),
    criterion=Tested(256, bound=0.0, fixed=True),
    scored="ranks",
    training_set=256,
    sequences=100_000,
)

#: The table's row, and readings and networks of ours.
ROWS: dict[str, Row[SequenceTrial]] = {
    "standard": Row(
        "Standard LSTM, 3 blocks of 2 (276)",
        _TRIAL,
        Figures(8_440, 100, place="Table 1", factor=1.5),
        twin="forget_gates",
        experiment="Embedded Reber grammar (ERG)",
    ),
    "standard_new_strings": Row(
        "  each training string a new one",
        replace(_TRIAL, training_set=0),
        reading_of="standard",
    ),
    "standard_possible": Row(
        "  it learns all possible next symbols",
        replace(_TRIAL, task=EmbeddedReber("possible")),
        reading_of="standard",
    ),
    "standard_shortcuts": Row(
        "  the same, with shortcuts (325)",
        replace(
            _TRIAL,
            task=EmbeddedReber("possible"),
            learner=NetworkRecipe(replace(_STANDARD, shortcuts=True), _UPDATE),
        ),
        reading_of="standard",
    ),
    "forget_gates": Row(
        "Forget gates, biases 5.0",
        replace(_TRIAL, learner=NetworkRecipe(_FORGET_GATES, _UPDATE)),
    ),
    "improved": Row(
        "Ours: standard, cross-entropy, RMSprop",
        replace(
            _TRIAL,
            learner=NetworkRecipe(
                replace(_STANDARD, output_units="logistic_cross_entropy"),
                RMSprop(0.01, bound_step=0.05),
            ),
        ),
    ),
}
FULL = Plan(rows=tuple(ROWS), trials=30)
SHORT = replace(FULL, trials=6)


def compare(records: Sequence[Record], rows: Sequence[str]) -> str:
    """The paper's figures and ours."""
    return compare_solved(records, ROWS, rows)
