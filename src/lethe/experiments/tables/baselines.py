"""The other systems in the papers, compared with both LSTMs: all of Table 1, and more.

Every system has the same tasks under the same criteria, within the same number of sequences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lethe.baselines import system
from lethe.experiments.records import NO_FIELDS, Record, by_row
from lethe.experiments.table import Plan, Row
from lethe.experiments.tables import cerg, cnto, erg, long_lags, nto
from lethe.experiments.tables._contestants import CONTESTANTS, Contestant, Options
from lethe.experiments.tables._own_tasks import OWN
from lethe.experiments.tables._side_by_side import (
    Column,
    Table1,
    continual,
    known_for,
    matrix,
    table_1,
)
from lethe.tasks import Adding, Latch, SequenceTask, TwoSequence
from lethe.trials.sequence import SequenceTrial

__all__ = ["FULL", "RESULT", "ROWS", "SHORT", "TITLE", "compare"]

TITLE = "The other systems in the papers, compared with both LSTMs"

#: What `compare` reads depends on the row.
RESULT = NO_FIELDS


@dataclass(frozen=True)
class _Task:
    """A column: its title, the trials of both LSTMs, and the output units of the others."""

    title: str
    standard: SequenceTrial
    forget_gates: SequenceTrial
    output_units: str = "logistic"

    def of(self, name: str, options: Options) -> SequenceTrial:
        """The trial of another system."""
        task: SequenceTask = self.standard.task
        units = {"output_units": self.output_units} | dict(options)
        recipe = system(name, inputs=task.inputs, outputs=task.outputs, **units)
        return replace(self.standard, learner=recipe, dtype="float32")


def _like(key: str, title: str, task: SequenceTask, sequences: int, units: str) -> _Task:
    """A task with the networks and the criterion of one of 1997's experiments."""
    rows = (long_lags.ROWS[f"{key}_{kind}"] for kind in ("standard", "forget_gates"))
    standard, forget_gates = (replace(r.trial, task=task, sequences=sequences) for r in rows)
    return _Task(title, standard, forget_gates, units)


# The limits are what LSTM needs, with some margin: it solves the two-sequence problem of length 100
# after some 13,000 sequences, the latch problem after 30,000, adding after 84,000.
_TASKS: dict[str, _Task] = {
    "erg": _Task("Reber", erg.ROWS["unswapped"].trial, erg.ROWS["unswapped_forget_gates"].trial),
    "two_10": _like("3a_st1", "two 10", TwoSequence(10, 3), 50_000, "logistic"),
    "two_50": _like("3a_st1", "two 50", TwoSequence(50, 3), 50_000, "logistic"),
    "two_100": _like("3a_st1", "two 100", TwoSequence(100, 3), 50_000, "logistic"),
    "latch": _like("latch", "latch", Latch(100), 50_000, "logistic"),
    "adding_10": _like("4_100_linear", "add 10", Adding(10), 100_000, "linear"),
    "adding_100": _like("4_100_linear", "add 100", Adding(100), 100_000, "linear"),
}


def _of(contestant: Contestant, key: str) -> SequenceTrial:
    """A contestant's trial of a task."""
    options = {**contestant.options, **contestant.of_task.get(key, {})}
    trial = _TASKS[key].of(contestant.name, options)
    parts = contestant.parts.get(key, {})
    return replace(trial, sequences=trial.sequences // contestant.share, **parts)


def _rows() -> Iterator[tuple[str, Row[Any]]]:
    for key, task in _TASKS.items():
        for name, contestant in CONTESTANTS.items():
            yield f"{key}_{name}", Row(contestant.title, _of(contestant, key))
        yield f"{key}_lstm_1997", Row("LSTM of 1997", task.standard)
        yield f"{key}_lstm_1999", Row("LSTM with forget gates", task.forget_gates)


#: The continual tasks: the captions of Tables 2 and 3 mention BPTT and RTRL.
_CONTINUAL: dict[str, tuple[str, Any, int]] = {
    "cerg": ("CERG", cerg.ROWS["forget_gates"].trial, 7),
    "nto": ("NTO", nto.ROWS["forget_gates_5"].trial, 8),
    "cnto": ("CNTO", cnto.ROWS["forget_gates"].trial, 8),
}
_TABLE_1: dict[str, tuple[str, Table1]] = {
    "table_1_rtrl_3": ("RTRL", Table1("3", "170", "0.05", '"some fraction"', "173,000")),
    "table_1_rtrl_12": ("RTRL", Table1("12", "494", "0.1", '"some fraction"', "25,000")),
    "table_1_elman": ("ELM", Table1("15", "435", "", "0", ">200,000")),
    "table_1_cascade": ("RCC", Table1("7-9", "119-198", "", "50", "182,000")),
    "table_1_lstm_1997": (
        "Std. LSTM",
        Table1("3bl., size 2", "276", "0.5", "100", "8,440", judged=False),
    ),
}
# Slightly more presentations than the report gives the slowest of them.
_TABLE_1_LIMIT = 250_000


def _continual(key: str, name: str, options: Options) -> Any:
    _, trial, units = _CONTINUAL[key]
    recipe = system(name, inputs=units, outputs=units, **options)
    limit = {"sequences": 50_000} if key == "nto" else {"training_streams": 20_000}
    return replace(trial, learner=recipe, dtype="float32", **limit)


def _continual_rows() -> Iterator[tuple[str, Row[Any]]]:
    for key, (title, _, _) in _CONTINUAL.items():
        for name, who, options in _ONLINE:
            yield f"{key}_{name}", Row(f"{who}, {title}", _continual(key, name, options))


_ONLINE = (
    ("bptt", "BPTT, window of 50", {"h": 50, "hidden": 12}),
    ("rtrl", "RTRL, 12 hidden units", {"hidden": 12}),
)

#: All rows, named by task and system.
ROWS: dict[str, Row[Any]] = (
    dict(_rows())
    | dict(_continual_rows())
    | {f"own_{name}": Row(CONTESTANTS[name].title, own.trial) for name, own in OWN.items()}
)
# One criterion for all of Table 1, LSTM's (tables/erg.py). The matrix's is a reading of it.
for _row, (_, _report) in _TABLE_1.items():
    _in_matrix = _row.replace("table_1", "erg")
    _ranks = replace(ROWS[_in_matrix].trial, sequences=_TABLE_1_LIMIT)
    _title = ROWS[_in_matrix].title
    ROWS[_in_matrix] = Row(_title, _ranks, reading_of=_row)
    ROWS[_row] = Row(_title, replace(_ranks, scored="certain"), _report)
ROWS["table_1_lstm_1997"] = replace(
    ROWS["table_1_lstm_1997"],
    trial=replace(erg.ROWS["standard"].trial, sequences=_TABLE_1_LIMIT),
)

# Table 1 has ten networks a row, the matrix three, and fewer where each takes minutes; LSTM has
# three everywhere.
_NETWORKS = {"two_100": 2, "latch": 2, "adding_100": 1}
_FEWER = {
    row: 3 if "_lstm_" in row else _NETWORKS.get(row.removesuffix(f"_{name}"), 3)
    for name in (*CONTESTANTS, "lstm_1997", "lstm_1999")
    for row in (f"{key}_{name}" for key in _TASKS)
    if row.replace("erg", "table_1") not in _TABLE_1
}
_FEWER |= {row: 3 for row in ROWS if row.startswith("own_")}
_FEWER |= {row: 2 for row, _ in _continual_rows()}
FULL = Plan(
    rows=(*_TABLE_1, *(row for row in ROWS if row not in _TABLE_1)), trials=10, fewer=_FEWER
)

#: One network of each system, on its own task and on embedded Reber strings.
SHORT = Plan(
    rows=tuple(row for row in ROWS if row.startswith(("own_", "erg_"))),
    trials=1,
    limits={"sequences": 20_000},
)

_NOTE = """\
success and solved: of the networks, in per cent with its 95 % interval (Wilson) or as a number;
after: mean number of sequences (streams where they are continual) until then. The rows of Table 1
have at most 250,000 sequences; (1/n): it had one n-th of the sequences above, because its steps
take long. µs: of the processor for each training step, tests and compiling included."""


def compare(records: Sequence[Record], rows: Sequence[str]) -> str:
    """Table 1, the matrix of systems and tasks, continual tasks, and each system's own task."""
    trials = by_row(records, rows)
    lines = {
        name: one.title + (f" (1/{one.share})" if one.share > 1 else "")
        for name, one in CONTESTANTS.items()
    }
    lines |= {"lstm_1997": "LSTM of 1997", "lstm_1999": "LSTM with forget gates"}
    columns = [
        Column(key, task.title, task.standard.sequences)
        for key, task in _TASKS.items()
        if any(row.startswith(f"{key}_") for row in rows)
    ]
    parts = [
        "Table 1, embedded Reber grammar with resets\n" + table_1(_TABLE_1, trials),
        "Solved of all networks, and the mean number of sequences until then\n"
        + matrix(columns, lines, trials),
        "Continual tasks: the captions of Tables 2 and 3 say that BPTT fails\n"
        + continual({row: one.title for row, one in _continual_rows() if row in rows}, trials),
        "Each system's own task, with the figure that its source reports (*: unverified)\n"
        + known_for(
            {
                f"own_{name}": (CONTESTANTS[name].title, own.title, own.figure)
                for name, own in OWN.items()
                if f"own_{name}" in rows
            },
            trials,
        ),
        _NOTE,
    ]
    return "\n\n".join(parts)
