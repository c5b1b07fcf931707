"""The experiments of 1997, each with standard LSTM and with forget gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from lethe.core.topology import Topology
from lethe.core.updates import SGD
from lethe.experiments.records import Record
from lethe.experiments.table import Plan, Row
from lethe.experiments.tables._solved import RESULT, Figures, compare_solved
from lethe.tasks import (
    Adding,
    LastTarget,
    Latch,
    LongLag,
    Multiplication,
    SequenceTask,
    TemporalOrder,
    TwoSequence,
    VeryLongLag,
)
from lethe.trials.growth import Growth
from lethe.trials.learner import NetworkRecipe
from lethe.trials.sequence import Criterion, Recent, SequenceTrial, Tested

__all__ = ["FULL", "RESULT", "ROWS", "SHORT", "TITLE", "compare"]

TITLE = "The experiments of 1997: long time lags, with a reset before each sequence"


@dataclass(frozen=True)
class _Experiment:
    """An experiment; it has two rows."""

    title: str
    task: SequenceTask
    topology: Topology
    rate: float
    criterion: Criterion
    limit: int
    report: Figures | None
    parts: dict[str, Any]
    forget_bias: float = 5.0
    reading_of: str = ""  # The experiment that it reads in another way.

    def _row(self, title: str, topology: Topology, report: Figures | None) -> Row[SequenceTrial]:
        trial = SequenceTrial(
            learner=NetworkRecipe(topology, SGD(self.rate)),
            task=self.task,
            criterion=self.criterion,
            sequences=self.limit,
            **self.parts,
        )
        return Row(title, trial, report)

    def standard(self) -> Row[SequenceTrial]:
        report = self.report
        if report is not None and isinstance(self.task, Adding | Multiplication):
            report = replace(report, factor=3.0)  # most of it is the last per cent of precision
        return self._row(self.title, self.topology, report)

    def with_forget_gates(self) -> Row[SequenceTrial]:
        topology = replace(
            self.topology,
            forget_gate=True,
            biased=(*self.topology.biased, "forget_gate"),
            forget_gate_bias=self.forget_bias,
        )
        return self._row("  with forget gates", topology, None)


def _network(inputs: int, outputs: int, blocks: int, size: int, **parts: Any) -> Topology:
    """A network of 1997: gates are sources, outputs read cells only (docs/reproduction.md)."""
    plain: dict[str, Any] = {
        "forget_gate": False,
        "gates_are_sources": True,
        "shortcuts": False,
        "biased": ("input_gate", "output_gate", "cell", "output"),
        "input_gate_bias": None,
        "output_gate_bias": None,
        "initial_range": 0.1,
    }
    return Topology(
        inputs=inputs, outputs=outputs, blocks=blocks, cells_per_block=size, **plain | parts
    )


# 2a and 2b: one cell with an input gate, which reads inputs only, as its gate does.
_AT_ONCE = _network(
    101, 101, 1, 1,
    output_gate=False, gates_are_sources=False, recurrent=False, shortcuts=True, biased=(),
    cell_input="logistic", cell_output="identity", initial_range=0.2,
)  # fmt: skip
# The same with g in [-1, 1]: with a g above 0 the state can only grow.
_ONE_CELL = replace(_AT_ONCE, cell_input="centred_logistic_1")
# 2b has as many last inputs as there are distractors: only a bias tells the outputs of all of them.
_BIASED_CELL = replace(_ONE_CELL, biased=("input_gate", "output"), input_gate_bias=-4.0)


def _construction(task: LongLag, *, last: bool = True) -> dict[str, Any]:
    """The cell comes once the outputs have learned the rest, for the last step alone (or all)."""
    return {
        "growth": Growth(decrease=0.01, task=task if last else None),
        "test_task": LastTarget(task),
    }


_THREE_CELLS = _network(
    1, 1, 3, 1,
    biased=("input_gate", "output_gate", "cell"),
    input_gate_bias=(-1.0, -3.0, -5.0), output_gate_bias=(-2.0, -4.0, -6.0),
)  # fmt: skip
_SUM = _network(2, 1, 2, 2, input_gate_bias=(-3.0, -6.0))
# With the logistic output of the notes adding takes twenty times as long as reported.
_LINEAR_SUM = replace(_SUM, output_units="linear")


# g in [-1, 1] and h in [-2, 2]: the other way round as in most of 1997's experiments.
_SWAPPED: dict[str, Any] = {
    "cell_input": "centred_logistic_1",
    "cell_output": "centred_logistic_2",
}


def _very_long(q: int, **parts: Any) -> Topology:
    return _network(q + 4, 2, 2, 1, biased=(), **parts)


def _order(marks: int) -> Topology:
    biases = tuple(-2.0 * (block + 1) for block in range(marks))
    return _network(8, 2**marks, marks, 2, input_gate_bias=biases)


_KINDS: dict[str, Literal["a", "b", "c"]] = {"a": "a", "b": "b", "c": "c"}


def _two_sequence(title: str, criterion: Tested, report: Figures | None) -> _Experiment:
    kind = _KINDS[title[1]]
    noisy = kind == "c"
    return _Experiment(
        f"{title}, T = 100, N = 3",
        TwoSequence(100, 3, kind),
        _THREE_CELLS,
        0.1 if noisy else 1.0,
        criterion,
        3_000_000,
        report,
        {"test_task": TwoSequence(100, 3, kind, target_noise=False)} if noisy else {},
    )


_FIXED, _RANDOM = LongLag(100), LongLag(100, "random")
_LAST = {"scored": "last"}
_LAST_RIGHT = Tested(10_000, 0.25)
_SUM_RIGHT = Recent(2000, 0.04, mean_error=0.01)
_ORDER_RIGHT = Recent(2000, 0.3, mean_error=0.1)

_EXPERIMENTS: dict[str, _Experiment] = {
    "2a": _Experiment(
        "2a two sequences, p = 100", LastTarget(_FIXED), _ONE_CELL, 1.0,
        _LAST_RIGHT, 50_000, Figures(5_040), _construction(_FIXED),
    ),
    "2a_all_steps": _Experiment(
        "  its cell's errors at all steps", _FIXED, _ONE_CELL, 1.0,
        _LAST_RIGHT, 50_000, None, _construction(_FIXED, last=False),
    ),
    "2a_at_once": _Experiment(
        "  all units at once, g in [0, 1]", _FIXED, _AT_ONCE, 1.0,
        _LAST_RIGHT, 50_000, None, _LAST,
    ),
    "2b": _Experiment(
        "2b random distractors, p = 100", LastTarget(_RANDOM), _BIASED_CELL, 1.0,
        _LAST_RIGHT, 50_000, Figures(5_680), _construction(_RANDOM),
    ),
    "2b_unbiased": _Experiment(
        "  no biases", LastTarget(_RANDOM), _ONE_CELL, 1.0,
        _LAST_RIGHT, 50_000, None, _construction(_RANDOM),
    ),
    "2b_at_once": _Experiment(
        "  all units at once, g in [0, 1]", _RANDOM, _AT_ONCE, 1.0,
        _LAST_RIGHT, 50_000, None, _LAST,
    ),
    **{
        f"2c_{q}": _Experiment(
            f"2c very long lag, p = q = {q:,}", VeryLongLag(q, q), _very_long(q, **_SWAPPED), 0.01,
            Tested(10_000, 0.2), limit, report, {}, bias,
        )
        for q, report, bias, limit in (
            (50, Figures(30_000), 5.0, 300_000),
            (100, Figures(31_000), 5.0, 310_000),
            (1000, Figures(49_000), 8.0, 500_000),
        )
    },
    **{
        f"2c_{q}_unswapped": _Experiment(
            f"  q = {q}, g and h as elsewhere, weights +-0.2", VeryLongLag(q, q),
            _very_long(q, initial_range=0.2), 0.01, Tested(10_000, 0.2), limit, None, {},
            reading_of=f"2c_{q}",
        )
        for q, limit in ((50, 300_000), (100, 310_000))
    },
    "3a_st1": _two_sequence("3a two-sequence, ST1", Tested(256, 0.2), Figures(27_380)),
    "3a_st2": _two_sequence(
        "3a two-sequence, ST2", Tested(256, 0.2, mean_error=0.01), Figures(39_850)
    ),
    "3b_st1": _two_sequence("3b with noise, ST1", Tested(256, 0.2, wrong=5), Figures(41_740)),
    "3b_st2": _two_sequence(
        "3b with noise, ST2", Tested(256, 0.2, wrong=5, mean_error=0.04),
        Figures(43_250),
    ),
    "3c": _two_sequence(
        "3c noisy targets", Tested(256, 0.1, mean_error=0.015), Figures(269_650)
    ),
    "latch": _Experiment(
        "latch problem (Bengio et al. 1994), T = 100", Latch(100), _THREE_CELLS, 1.0,
        Tested(256, 0.2), 3_000_000, None, {},
    ),
    "4_100": _Experiment(
        "4 adding, T = 100", Adding(100), _SUM, 0.5, _SUM_RIGHT, 3_000_000, Figures(74_000), {}
    ),
    **{
        f"4_{T}_linear": _Experiment(
            f"4 adding, T = {T:,}, linear output", Adding(T), _LINEAR_SUM, 0.5, _SUM_RIGHT,
            3_000_000, report, {}, bias, "4_100" if T == 100 else "",
        )
        for T, report, bias in (
            (100, Figures(74_000), 5.0),
            (500, Figures(209_000), 8.0),
            (1000, Figures(853_000), 8.0),
        )
    },
    "5_140": _Experiment(
        "5 multiplication, under 140 wrong", Multiplication(100), _SUM, 0.1,
        Recent(2000, 0.04, wrong=139), 5_000_000, Figures(482_000), {},
    ),
    **{
        f"5_{right}_linear": _Experiment(
            f"5 under {right} wrong, linear output", Multiplication(100), _LINEAR_SUM, 0.1,
            Recent(2000, 0.04, wrong=right - 1), 5_000_000, report, {},
            reading_of="5_140" if right == 140 else "",
        )
        for right, report in (
            (140, Figures(482_000)),
            (13, Figures(1_273_000)),
        )
    },
    "6a": _Experiment(
        "6a temporal order, 4 classes", TemporalOrder(2), _order(2), 0.5, _ORDER_RIGHT,
        1_000_000, Figures(31_390), {},
    ),
    "6b": _Experiment(
        "6b temporal order, 8 classes", TemporalOrder(3), _order(3), 0.1, _ORDER_RIGHT,
        5_000_000, Figures(571_100), {},
    ),
}  # fmt: skip

#: Every experiment twice: with standard LSTM, and with forget gates.
ROWS: dict[str, Row[SequenceTrial]] = {
    name: row
    for key, experiment in _EXPERIMENTS.items()
    for name, row in (
        (
            f"{key}_standard",
            replace(
                experiment.standard(),
                twin=f"{key}_forget_gates",
                reading_of=experiment.reading_of and f"{experiment.reading_of}_standard",
            ),
        ),
        (f"{key}_forget_gates", experiment.with_forget_gates()),
    )
}

# Each of these networks takes minutes: longer lags, a stricter criterion, adding as in the notes.
_LONG = tuple(
    name
    for name in ROWS
    if name.split("_")[1] in ("500", "1000", "13") or name.startswith(("4_100_s", "4_100_f"))
)

#: The whole table.
FULL = Plan(rows=tuple(ROWS), trials=10, fewer=dict.fromkeys(_LONG, 3))

#: What takes seconds.
SHORT = Plan(
    rows=tuple(
        f"{key}_{kind}" for key in ("3a_st1", "6a") for kind in ("standard", "forget_gates")
    ),
    trials=4,
    limits={"sequences": 300_000},
)


def compare(records: Sequence[Record], rows: Sequence[str]) -> str:
    """The paper's figures and ours."""
    return compare_solved(records, ROWS, rows)
