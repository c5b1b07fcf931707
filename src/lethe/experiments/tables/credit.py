"""Credit compared: an LSTM with forget gates, five ways for errors to reach its weights.

Within a task all rows have the same network, initial weights, sequences and update rule, and only
the credit differs; each has its best rate among four (docs/credit.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lethe.baselines import Baseline
from lethe.core.topology import Topology
from lethe.core.updates import Adam
from lethe.data import topics
from lethe.experiments.analyses.cost import CostedTrial
from lethe.experiments.formatting import percentage
from lethe.experiments.records import Fields, Record, by_row, mean
from lethe.experiments.table import Plan, Row
from lethe.experiments.tables import cerg, long_lags, nto
from lethe.trials.continual import Trial
from lethe.trials.learner import NetworkRecipe
from lethe.trials.sequence import SequenceTrial
from lethe.trials.text import TextTrial

__all__ = ["FULL", "RESULT", "ROWS", "SHORT", "TITLE", "compare"]

TITLE = "Credit compared: LSTM with forget gates, five ways for errors to reach its weights"

#: How errors reach weights; see `lethe.baselines.systems.referee`. "network" is `lethe.Network`.
_CREDITS = {
    "network": "the report's truncation",
    "truncated": "  the same, in JAX",
    "rtrl": "exact RTRL",
    "bptt": "full BPTT",
    "immediate": "immediate derivatives",
    "one_step": "one-step BPTT",
}
_GRID = (0.0025, 0.005, 0.01, 0.02)


@dataclass(frozen=True)
class _Task:
    """A task: its title, its trial of a `Network`, its BPTT, and each credit's rate.

    `counts` is the unit counted until a solution, `scores` the meaning of the column of scores.
    """

    title: str
    trial: Trial | SequenceTrial | TextTrial
    full: dict[str, Any]
    rates: dict[str, float]
    counts: str
    scores: str

    def row(self, credit: str, rate: float, title: str) -> Row[CostedTrial]:
        """The row of a credit with a rate."""
        if credit == "network":
            recipe = replace(self.trial.network, update=Adam(rate))
            return Row(title, CostedTrial(replace(self.trial, learner=recipe)))
        t = self.trial.network.topology
        units = ("inputs", "outputs", "output_units")
        parts = {name: v for name, v in t.configuration().items() if name not in units}
        how = {
            "bptt": self.full,
            "immediate": {"credit": "window", "h": 1},
            "one_step": {"credit": "window", "h": 2},
        }.get(credit, {"credit": credit})
        options = {"topology": parts, "rate": rate, "optimizer": "adam"} | how
        baseline = Baseline(
            "referee", t.inputs, t.outputs, t.output_units, tuple(sorted(options.items()))
        )
        return Row(title, CostedTrial(replace(self.trial, learner=baseline)))


def _rates(
    truncated: float, rtrl: float, bptt: float, immediate: float, one_step: float
) -> dict[str, float]:
    """The best of the grid, on seeds from 1000 up (docs/credit.md)."""
    rates = (truncated, truncated, rtrl, bptt, immediate, one_step)
    return dict(zip(_CREDITS, rates, strict=True))


def _softmax(topology: Topology) -> Topology:
    return replace(topology, output_units="softmax")


_CERG = cerg.ROWS["improved"].trial
_NTO = nto.ROWS["forget_gates_5"].trial
_ADDING = long_lags.ROWS["4_100_linear_forget_gates"].trial
_BYTES = topics()[:20_000]
_SYMBOLS = TextTrial.symbols(_BYTES)
_READER = Topology(
    inputs=_SYMBOLS, outputs=_SYMBOLS, blocks=16, output_units="softmax", shortcuts=False
)
_FULL = {"credit": "bptt", "h": 128}  # Sequences have at most 110 steps.

_TASKS: dict[str, _Task] = {
    "cerg": _Task(
        "CERG, 8 cells",
        replace(_CERG, stream_length=10_000, training_streams=6000),
        {"credit": "window", "h": 50},
        _rates(0.02, 0.01, 0.01, 0.02, 0.0025),
        "streams",
        "test stream",
    ),
    "nto": _Task(
        "NTO, 8 cells",
        replace(
            _NTO,
            learner=replace(_NTO.network, topology=_softmax(_NTO.network.topology)),
            sequences=20_000,
        ),
        _FULL,
        _rates(0.01, 0.02, 0.02, 0.0025, 0.0025),
        "sequences",
        "wrong",
    ),
    "adding": _Task(
        "adding, T = 100, 4 cells",
        replace(_ADDING, sequences=30_000),
        _FULL,
        _rates(0.0025, 0.0025, 0.0025, 0.005, 0.005),
        "sequences",
        "wrong",
    ),
    "text": _Task(
        "text, 20,000 bytes, 16 cells",
        TextTrial(learner=NetworkRecipe(_READER, Adam(0.01)), text=_BYTES),
        {"credit": "window", "h": 50},
        _rates(0.01, 0.01, 0.01, 0.01, 0.02),
        "",
        "bits per byte",
    ),
}


def _rows() -> Iterator[tuple[str, Row[CostedTrial]]]:
    for key, task in _TASKS.items():
        for credit, title in _CREDITS.items():
            yield f"{key}_{credit}", task.row(credit, task.rates[credit], title)


def _grid() -> Iterator[tuple[str, Row[CostedTrial]]]:
    """All other rates. Not part of the table: ask for them with --row."""
    for key, task in _TASKS.items():
        for credit, title in _CREDITS.items():
            for rate in (rate for rate in _GRID if rate != task.rates[credit]):
                yield f"{key}_{credit}_{rate}", task.row(credit, rate, title)


ROWS: dict[str, Row[CostedTrial]] = dict(_rows())
FULL = Plan(rows=tuple(ROWS), trials=5)
#: One network a row, on the text.
SHORT = Plan(rows=tuple(row for row in ROWS if row.startswith("text")), trials=1)
ROWS |= dict(_grid())

#: What `compare` reads of a record.
RESULT: Fields = {
    "solved": (bool, type(None)),
    "training_sequences": int,
    "score": (int, float, type(None)),
    "late_score": (int, float, type(None)),
    "diverged": int,
    "microseconds": (int, float),
    "numbers_kept": int,
}

_NOTE = """\
the report's truncation: lethe.Network, in compiled code; all others in JAX. solved: in per cent,
with its 95 % interval (Wilson), and the mean number of training streams or sequences until then.
test stream: mean symbols without an error, of each trial's best network, at most 10,000; wrong:
share of 2,560 new sequences; bits per byte: of all bytes, and of the second half. µs: of a
training step, in the fastest trial; numbers: what credit stores from step to step. Full BPTT
is over 50 steps on CERG and text, where sequences have no end."""


def compare(records: Sequence[Record], rows: Sequence[str]) -> str:
    """Each credit's rate, quality and cost, task by task."""
    lines: list[str] = []
    groups = by_row(records, rows)
    for key, task in _TASKS.items():
        shown = [row for row in ROWS if row in rows and row.startswith(f"{key}_")]
        if not shown:
            continue
        solved = f"{'solved':>14}{task.counts:>11}" if task.counts else f"{'':25}"
        lines.append(
            f"{task.title:28}{'rate':>7}{'trials':>7}{solved}{task.scores:>14}{'µs':>8}{'numbers':>9}"
        )
        for row in shown:
            trials = groups[row]
            rate = _rate(ROWS[row].trial)
            lines.append(f"  {ROWS[row].title:26}{rate:>7}{len(trials):7}{_line(task, trials)}")
            if gone := sum(record["diverged"] > 0 for record in trials):
                lines.append(f"  ! diverged: {gone} of {len(trials)}")
        lines.append("")
    return "\n".join([*lines, _NOTE])


def _rate(costed: CostedTrial) -> float:
    recipe = costed.trial.learner
    if isinstance(recipe, NetworkRecipe):
        return recipe.update.rate
    assert isinstance(recipe, Baseline)
    rate = dict(recipe.options)["rate"]
    assert isinstance(rate, float)
    return rate


def _line(task: _Task, trials: Sequence[Record]) -> str:
    """The outcome of a row's trials."""
    if not trials:
        return ""
    scores = [record["score"] for record in trials if record["score"] is not None]
    if not task.counts:
        late = [record["late_score"] for record in trials if record["late_score"] is not None]
        line = f"{'':25}" + f"{mean(scores):.3f}, {mean(late):.3f}".rjust(14)
    else:
        solved = [record for record in trials if record["solved"]]
        share, interval = percentage(len(solved), len(trials))
        until = f"{mean(r['training_sequences'] for r in solved):,.0f}" if solved else "-"
        score = f"{mean(scores):,.0f}" if task.scores == "test stream" else f"{mean(scores):.2%}"
        line = f"{share:4.0f} {interval:>9}{until:>11}{score:>14}"
    return line + f"{min(r['microseconds'] for r in trials):8.1f}{trials[0]['numbers_kept']:9,}"
