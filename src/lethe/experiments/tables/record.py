"""A record beyond the papers: six of their tasks, learned by one learner of ours.

Sizes of the networks, tasks, limits and criteria are the papers'; everything else is one
configuration for all of them, chosen on seeds from 1000 up (docs/improvements.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from lethe.core.topology import OutputUnits, Topology
from lethe.core.updates import Adam
from lethe.experiments.formatting import percentage
from lethe.experiments.records import NO_FIELDS, Record, by_row, mean
from lethe.experiments.reported import until_solved
from lethe.experiments.table import Plan, Row, RowTrial
from lethe.experiments.tables import cerg, cnto, erg, long_lags, nto
from lethe.trials.continual import Trial
from lethe.trials.learner import NetworkRecipe
from lethe.trials.sequence import SequenceTrial

__all__ = ["FULL", "RESULT", "ROWS", "SHORT", "TITLE", "Best", "compare"]

TITLE = "A record: six tasks of the papers, one learner of ours"

#: What is read of a record depends on its row; `compare` says what one lacks.
RESULT = NO_FIELDS


@dataclass(frozen=True)
class Best:
    """The best that the papers report of a task.

    Attributes
    ----------
    sequences : int
        Mean number of training sequences, or streams, of the networks that learned it.
    solved : str
        Per cent of the networks that did, as printed.
    """

    sequences: int
    solved: str


# The rate halves in 35,000 sequences; a reset of the whole network, before each stream of CERG and
# CNTO and after each test of ERG, restarts it.
_UPDATE = Adam(0.01, first=0.95, epsilon=0.003, decay=0.99998, decay_per="sequence")


def _learner(papers: NetworkRecipe, output_units: OutputUnits) -> NetworkRecipe:
    """Our learner of a task, in a network with as many blocks and cells as the papers'."""
    size = papers.topology
    topology = Topology(
        inputs=size.inputs,
        outputs=size.outputs,
        blocks=size.blocks,
        cells_per_block=size.cells_per_block,
        cell_input="centred_logistic_1",
        cell_output="centred_logistic_2",
        output_units=output_units,
        input_gate_bias=-2.0,
        forget_gate_bias=5.0,
        output_gate_bias=-1.0,
    )
    return NetworkRecipe(topology, _UPDATE)


def _continual(trial: Trial, output_units: OutputUnits) -> Trial:
    return replace(trial, learner=_learner(trial.network, output_units))


def _sequences(trial: SequenceTrial, output_units: OutputUnits) -> SequenceTrial:
    return replace(trial, learner=_learner(trial.network, output_units))


_CERG = _continual(cerg.ROWS["forget_gates"].trial, "logistic_cross_entropy")
_CNTO = _continual(cnto.ROWS["forget_gates"].trial, "softmax")

#: The tasks on streams, in either precision, and then those of sequences.
ROWS: dict[str, Row[RowTrial]] = {
    "cerg": Row("CERG", _CERG, Best(7_441, "74 %")),
    "cerg_float32": Row("CERG, float32", replace(_CERG, dtype="float32"), Best(7_441, "74 %")),
    "cerg_rmsprop_float32": Row(
        "CERG, float32, RMSprop",
        replace(cerg.ROWS["improved"].trial, dtype="float32"),
        Best(7_441, "74 %"),
    ),
    "cnto": Row("CNTO", _CNTO, Best(79_354, "37 %")),
    "cnto_float32": Row("CNTO, float32", replace(_CNTO, dtype="float32"), Best(79_354, "37 %")),
    "cnto_rmsprop_float32": Row(
        "CNTO, float32, RMSprop",
        replace(cnto.ROWS["improved"].trial, dtype="float32"),
        Best(79_354, "37 %"),
    ),
    "erg": Row("ERG", _sequences(erg.ROWS["unswapped"].trial, "softmax"), Best(8_440, "100 %")),
    "erg_certain": Row(
        "ERG, paper's criterion",
        _sequences(erg.ROWS["standard"].trial, "softmax"),
        Best(8_440, "100 %"),
    ),
    "nto": Row("NTO", _sequences(nto.ROWS["standard"].trial, "softmax")),
    "adding": Row(
        "4, adding, T = 100",
        _sequences(long_lags.ROWS["4_100_linear_standard"].trial, "linear"),
        Best(74_000, "100 %"),
    ),
    "6b": Row(
        "6b, temporal order",
        _sequences(long_lags.ROWS["6b_standard"].trial, "softmax"),
        Best(571_100, "100 %"),
    ),
}

_STREAMS = tuple(name for name in ROWS if name.startswith(("cerg", "cnto")))

FULL = Plan(rows=tuple(ROWS), trials=100, fewer={name: 30 for name in ROWS if name not in _STREAMS})
#: Seconds each.
SHORT = Plan(rows=("cnto_float32", "erg", "nto", "adding", "6b"), trials=4)

_NOTE = """\
papers: their best row, with its share of solved networks and their mean number of sequences (CERG
and CNTO: streams; CERG's has a teacher that resets the network). solved: ours in per cent, with its
95 % interval (Wilson). sequences, median, most: training sequences (streams) until then, over the
solved. NTO: the report has no figure; standard LSTM's here is in nto.md.
ERG is right where all possible symbols are more active than all others, on 512 strings, looked at
after every 100; by the paper's criterion, see erg.md. RMSprop: the last rows of cerg.md and of
cnto.md, which are float64."""


def compare(records: Sequence[Record], rows: Sequence[str]) -> str:
    """The papers' best and ours."""
    head = (
        f"{'':23}{'papers':>16}{'networks':>10}{'solved':>16}"
        f"{'sequences':>12}{'median':>11}{'most':>11}"
    )
    groups = by_row(records, (name for name in ROWS if name in rows))
    lines = [
        f"{ROWS[name].title:23}{_papers(ROWS[name].report):>16}{_ours(trials)}"
        for name, trials in groups.items()
    ]
    return "\n".join([head, *lines, "", _NOTE])


def _papers(report: object) -> str:
    return f"{report.solved} {report.sequences:,}" if isinstance(report, Best) else "-"


def _ours(records: Sequence[Record]) -> str:
    if not records:
        return f"{0:10}"
    taken = [n for n in map(until_solved, records) if n is not None]
    share, interval = percentage(len(taken), len(records))
    line = f"{len(records):10}{share:6.0f} {interval:>9}"
    if not taken:
        return line + f"{'-':>12}"
    return line + f"{mean(taken):12,.0f}{median(taken):11,.0f}{max(taken):11,.0f}"
