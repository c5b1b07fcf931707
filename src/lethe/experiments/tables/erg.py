"""Table 1 of the report, its row for LSTM: the embedded Reber grammar with resets (1997)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lethe.core.topology import Topology
from lethe.core.updates import SGD, RMSprop
from lethe.experiments.records import Record
from lethe.experiments.table import Plan, Row
from lethe.experiments.tables._solved import READINGS_OF_1997, RESULT, Figures, compare_solved
from lethe.tasks import EmbeddedReber
from lethe.trials.learner import NetworkRecipe
from lethe.trials.sequence import SequenceTrial, Tested

__all__ = ["FULL", "RESULT", "ROWS", "SHORT", "TITLE", "compare"]

TITLE = "Table 1: embedded Reber grammar (ERG) with a reset before each string"

# 1997: three blocks of two cells; gates are sources too and biased, cells and outputs are not.
_WITHOUT_SHORTCUTS = Topology(
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
# The reading that fits best (docs/reproduction.md): g and h of the 1999 report, and shortcuts,
# which neither paper's number of weights counts; first weights in +-0.1, past activations of 0.5
# at first, a look after every ten strings.
_STANDARD = replace(_WITHOUT_SHORTCUTS, shortcuts=True, initial_range=0.1, initial_activation=0.5)
# As 1997 has g and h, and its first weights.
_SWAPPED = replace(
    _WITHOUT_SHORTCUTS,
    cell_input="centred_logistic_1",
    cell_output="centred_logistic_2",
    initial_activation=0.5,
)
_UPDATE = SGD(0.5)


def _four_blocks(topology: Topology) -> Topology:
    return replace(topology, blocks=4, cells_per_block=1, output_gate_bias=(-1.0, -2.0, -3.0, -4.0))


def _forgetting(topology: Topology) -> Topology:
    return replace(
        topology,
        forget_gate=True,
        biased=("input_gate", "forget_gate", "output_gate"),
        forget_gate_bias=5.0,
    )


# It learns the symbol that comes next, and is right where, of one possible symbol, its output is
# the most active.
_TRIAL = SequenceTrial(
    learner=NetworkRecipe(_STANDARD, _UPDATE),
    task=EmbeddedReber("next"),
    test_task=EmbeddedReber("possible"),
    criterion=Tested(256, bound=0.0, fixed=True),
    scored="certain",
    training_set=256,
    sequences=100_000,
    check_every=10,
)
_RANKS = replace(
    _TRIAL,
    learner=NetworkRecipe(_WITHOUT_SHORTCUTS, _UPDATE),
    scored="ranks",
    check_every=100,
)


def _of(topology: Topology, rate: float = 0.5) -> SequenceTrial:
    return replace(_TRIAL, learner=NetworkRecipe(topology, SGD(rate)))


def _reading(title: str, trial: SequenceTrial) -> Row[SequenceTrial]:
    return Row(title, trial, reading_of="standard")


# 1997's five networks, and what it reports of them.
_IN_1997 = {
    "standard": (
        "Standard LSTM, 3 blocks of 2, rate 0.5",
        0.5,
        Figures(8_440, 100, "Table 1", 1.5),
    ),
    "4x1_0.1": ("ERG, 4 blocks of 1, rate 0.1", 0.1, Figures(39_740, 100)),
    "3x2_0.1": ("ERG, 3 blocks of 2, rate 0.1", 0.1, Figures(21_730, 100)),
    "3x2_0.2": ("ERG, 3 blocks of 2, rate 0.2", 0.2, Figures(14_060, 97)),
    "4x1_0.5": ("ERG, 4 blocks of 1, rate 0.5", 0.5, Figures(9_500, 97)),
}


def _of_1997(row: str, topology: Topology) -> SequenceTrial:
    """The trial of one of them, in a network like this one."""
    _, rate, _ = _IN_1997[row]
    return _of(_four_blocks(topology) if row.startswith("4x1") else topology, rate)


def _paper(row: str) -> Row[SequenceTrial]:
    title, _, report = _IN_1997[row]
    return Row(title, _of_1997(row, _STANDARD), report, readings=READINGS_OF_1997)


def _five(key: str, name: str, topology: Topology) -> dict[str, Row[SequenceTrial]]:
    """A reading of all of them."""
    titles = {row: f"  {title.removeprefix('ERG, ')}" for row, (title, _, _) in _IN_1997.items()}
    titles["standard"] = f"Reading: {name}"
    return {
        key if row == "standard" else f"{key}_{row}": Row(
            title, _of_1997(row, topology), reading_of=row, reading=name
        )
        for row, title in titles.items()
    }


#: The paper's rows, then readings and networks of ours.
ROWS: dict[str, Row[SequenceTrial]] = {
    "standard": replace(
        _paper("standard"), twin="forget_gates", experiment="Embedded Reber grammar (ERG)"
    ),
    "forget_gates": Row("  with forget gates, biases 5.0", _of(_forgetting(_STANDARD))),
    **{row: _paper(row) for row in _IN_1997 if row != "standard"},
    "wider": _reading(
        "Reading: first weights in +-0.2", _of(replace(_STANDARD, initial_range=0.2))
    ),
    "most_active": _reading(
        "  the most active output is possible", replace(_TRIAL, scored="most_active")
    ),
    "ranks": _reading("  all possible above all others", replace(_TRIAL, scored="ranks")),
    **_five("g_and_h_swapped", "g and h swapped", replace(_SWAPPED, shortcuts=True)),
    **_five("g_and_h_swapped_no_shortcuts", "g and h swapped, no shortcuts", _SWAPPED),
    "g_and_h_swapped_no_shortcuts_0": _reading(
        "  past activations 0 at first", _of(replace(_SWAPPED, initial_activation=0.0))
    ),
    "unswapped": _reading("Reading: no shortcuts, ranks, looked at every 100", _RANKS),
    "unswapped_new_strings": _reading(
        "    each training string a new one", replace(_RANKS, training_set=0)
    ),
    "unswapped_possible": _reading(
        "    it learns all possible next symbols", replace(_RANKS, task=EmbeddedReber("possible"))
    ),
    "unswapped_shortcuts": _reading(
        "    the same, with shortcuts (325)",
        replace(
            _RANKS,
            task=EmbeddedReber("possible"),
            learner=NetworkRecipe(replace(_WITHOUT_SHORTCUTS, shortcuts=True), _UPDATE),
        ),
    ),
    "unswapped_forget_gates": Row(
        "    forget gates, biases 5.0",
        replace(_RANKS, learner=NetworkRecipe(_forgetting(_WITHOUT_SHORTCUTS), _UPDATE)),
    ),
    "shortcuts_and_biases": Row(
        "Ours: g and h swapped, biased outputs",
        _of(replace(_SWAPPED, shortcuts=True, biased=("input_gate", "output_gate", "output"))),
    ),
    "improved": Row(
        "Ours: no shortcuts, cross-entropy, RMSprop",
        replace(
            _RANKS,
            learner=NetworkRecipe(
                replace(_WITHOUT_SHORTCUTS, output_units="logistic_cross_entropy"),
                RMSprop(0.01, bound_step=0.05),
            ),
        ),
    ),
}
FULL = Plan(rows=tuple(ROWS), trials=100, fewer={name: 30 for name in ROWS if name not in _IN_1997})
SHORT = Plan(
    rows=("standard", "unswapped", "shortcuts_and_biases"), trials=4, limits={"sequences": 30_000}
)


def compare(records: Sequence[Record], rows: Sequence[str]) -> str:
    """The paper's figures and ours."""
    return compare_solved(records, ROWS, rows)
