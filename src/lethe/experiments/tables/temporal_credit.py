"""Temporal credit: what immediate derivatives can learn online, and from which lag on they cannot.

Tests two papers of 2026 on small networks: Shalev Merin's, in which immediate derivatives with
RMSprop do what exact credit does, and Farr et al.'s, in which they fail on long chains. Within a
task all rows of a network have the same first weights and the same signals or sequences; rates are
the best of a grid (docs/credit.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal, TypeAlias

from lethe.baselines import Baseline
from lethe.core.topology import PartialDecay, Topology
from lethe.core.updates import SGD, RMSprop
from lethe.experiments.formatting import percentage
from lethe.experiments.records import NO_FIELDS, Record, by_row, mean
from lethe.experiments.table import Plan, Row
from lethe.experiments.tables._temporal_rates import CHAIN_RATES, SIGNAL_RATES
from lethe.tasks import DelayedCopy, Lorenz, MemoryChain, Sine
from lethe.trials.learner import NetworkRecipe, Recipe
from lethe.trials.sequence import Recent, SequenceTrial
from lethe.trials.signal import SignalTask, SignalTrial

__all__ = ["FULL", "RESULT", "ROWS", "SHORT", "TITLE", "compare"]

TITLE = "Temporal credit: immediate derivatives, fading partials, the truncation, exact RTRL"

_Trial: TypeAlias = SignalTrial | SequenceTrial
#: The rates that were tried: on chains, and on signals by RMSprop and by plain descent.
_CHAIN, _RMSPROP, _SGD = (
    (0.003, 0.01, 0.03, 0.1),
    (0.001, 0.003, 0.01, 0.03),
    (0.03, 0.1, 0.3, 1.0),
)
_Kind = Literal["forget_gates", "open", "plain"]


def _topology(kind: _Kind, inputs: int, *, chain: bool) -> Topology:
    """Eight blocks of one cell, their gates open or not at first; or sixteen tanh units."""
    units: Literal["logistic_cross_entropy", "linear"]
    units = "logistic_cross_entropy" if chain else "linear"
    blocks = Topology(inputs=inputs, outputs=1, blocks=8, output_units=units, shortcuts=False)
    if kind == "forget_gates":
        return blocks
    if kind == "open":
        return replace(blocks, forget_gate_bias=5.0)
    return Topology(
        inputs=inputs,
        outputs=1,
        blocks=16,
        output_units=units,
        shortcuts=False,
        input_gate=False,
        forget_gate=False,
        output_gate=False,
        state_decay=0.1,
        biased=("cell", "output"),
        cell_input="tanh",
        cell_output="identity",
    )


@dataclass(frozen=True)
class _Way:
    """A way to learn: a network, a credit, and an update rule.

    `decay` is `partial_decay`, and `smoothing` RMSprop's, None for plain
    descent. `exact` credit is in JAX, all else a `lethe.Network`.
    """

    title: str
    decay: PartialDecay = "forget_gate"
    exact: bool = False
    smoothing: float | None = 0.99
    kind: _Kind = "forget_gates"

    def recipe(self, inputs: int, rate: float, *, chain: bool) -> Recipe:
        """How to make its learner."""
        t = _topology(self.kind, inputs, chain=chain)
        if not self.exact:
            smoothing = self.smoothing
            update = SGD(rate) if smoothing is None else RMSprop(rate, smoothing=smoothing)
            return NetworkRecipe(replace(t, partial_decay=self.decay), update)
        units = ("inputs", "outputs", "output_units")
        options: dict[str, object] = {
            "topology": {name: v for name, v in t.configuration().items() if name not in units},
            "credit": "rtrl",
            "rate": rate,
            "optimizer": "sgd" if self.smoothing is None else "rmsprop",
        }
        if self.smoothing is not None:
            options["smoothing"] = self.smoothing
        return Baseline(
            "referee", t.inputs, t.outputs, t.output_units, tuple(sorted(options.items()))
        )


_CREDITS: dict[str, _Way] = {
    "truncated": _Way("the report's truncation"),
    "exact": _Way("exact RTRL", exact=True),
    "immediate": _Way("immediate derivatives", 0.0),
    "decay_0.5": _Way("partials fade by 0.5", 0.5),
    "decay_0.9": _Way("partials fade by 0.9", 0.9),
    "decay_0.99": _Way("partials fade by 0.99", 0.99),
}
_OPEN: dict[str, _Way] = {
    f"open_{key}": replace(_CREDITS[key], title=title, kind="open")
    for key, title in (
        ("truncated", "truncation, gates open at first"),
        ("immediate", "immediate, gates open at first"),
    )
}
_PLAIN: dict[str, _Way] = {
    f"plain_{key}": replace(_CREDITS[key], title=title, kind="plain")
    for key, title in (
        ("exact", "tanh units, exact RTRL"),
        ("immediate", "tanh units, immediate"),
    )
}
_SMOOTHING: dict[str, _Way] = {
    f"{key}_{name}": replace(_CREDITS[key], title=f"{title}, {rule}", smoothing=smoothing)
    for key, title in (("truncated", "truncation"), ("exact", "exact"), ("immediate", "immediate"))
    for name, rule, smoothing in (
        ("sgd", "plain descent", None),
        ("0.9", "smoothing 0.9", 0.9),
        ("0.999", "smoothing 0.999", 0.999),
    )
    if (key, smoothing) not in (("exact", 0.9), ("exact", 0.999))  # each takes long
}

_LENGTHS = (2, 4, 8, 16, 32, 64, 128)
_ON_CHAINS = {**_CREDITS, **_OPEN, **_PLAIN}
_ON_SIGNALS = {**_ON_CHAINS, **_SMOOTHING}

#: The signals: what a reader sees of each, and the task.
_SIGNALS: dict[str, tuple[str, SignalTask]] = {
    "sine_1": ("sine, 1 ahead", Sine()),
    "sine_50": ("sine, 50 ahead", Sine(ahead=50)),
    "lorenz": ("Lorenz, 1 ahead", Lorenz()),
    "copy": ("delayed copy, t+50", DelayedCopy()),
}


def _on_chain(way: _Way, length: int, rate: float) -> Row[_Trial]:
    trial = SequenceTrial(
        learner=way.recipe(MemoryChain.inputs, rate, chain=True),
        task=MemoryChain(length),
        criterion=Recent(200, 0.3),
        sequences=2000,
        test_sequences=256,
    )
    return Row(way.title, trial)


def _on_signal(way: _Way, task: SignalTask, rate: float) -> Row[_Trial]:
    learner = way.recipe(task.inputs, rate, chain=False)
    return Row(way.title, SignalTrial(learner=learner, task=task))


def _rows(*, chosen: bool) -> Iterator[tuple[str, Row[_Trial]]]:
    """The rows with the chosen rates; or all others of the grid, under names that end with it."""

    def rates(grid: tuple[float, ...], best: float) -> Iterator[tuple[str, float]]:
        if chosen:
            yield "", best
        else:
            yield from ((f"_at_{rate}", rate) for rate in grid if rate != best)

    for length in _LENGTHS:
        for key, way in _ON_CHAINS.items():
            for end, rate in rates(_CHAIN, CHAIN_RATES[key]):
                yield f"chain_{length}_{key}{end}", _on_chain(way, length, rate)
    for name, (_, task) in _SIGNALS.items():
        for key, best in SIGNAL_RATES[name].items():
            way = _ON_SIGNALS[key]
            grid = _SGD if way.smoothing is None else _RMSPROP
            for end, rate in rates(grid, best):
                yield f"{name}_{key}{end}", _on_signal(way, task, rate)


ROWS: dict[str, Row[_Trial]] = dict(_rows(chosen=True))
FULL = Plan(
    rows=tuple(ROWS),
    trials=10,
    fewer={f"chain_{length}_plain_exact": 3 for length in (64, 128)},  # each takes long
)
SHORT = Plan(
    rows=tuple(
        f"{task}_{key}"
        for task in ("chain_16", "chain_64", "sine_50")
        for key in ("truncated", "immediate", "decay_0.99")
    ),
    trials=1,
)
#: Not part of the table: ask for them with --row.
ROWS |= dict(_rows(chosen=False))

#: What `compare` reads depends on the row.
RESULT = NO_FIELDS

_NOTE = """\
8 cells with forget gates (the report's biases; open: 5.0), or 16 tanh units that keep a tenth of
their state; RMSprop with smoothing 0.99 where nothing else is said; exact RTRL in JAX, all else
lethe.Network. Chains: solved (200 in a row without an error of 0.3) within 2,000, in per cent, with
its 95 % interval (Wilson); mean chains until then; wrong: mean share of 256 new ones. Signals:
squared error over the targets' variance, median of the trials: of the last tenth before the change,
of the first and the last tenth after it, and of the last one by the network as it was at the change
(frozen). Below 0.1: trials whose late error is. Recovered: median of (frozen − late) / (frozen −
before) in per cent, over trials in which the change at least doubles the error."""


def compare(records: Sequence[Record], rows: Sequence[str]) -> str:
    """Chains, then signals: each credit's rate and what it learned."""
    trials = by_row(records, (row for row in ROWS if row in rows))
    try:
        blocks = [_matrix(trials), *_chains(trials), *_signals(trials)]
    except KeyError as missing:
        raise ValueError(f"a record of {TITLE} lacks {missing}") from None
    except (TypeError, ArithmeticError):
        raise ValueError(f"the records of {TITLE} cannot be read") from None
    return "\n\n".join([*filter(None, blocks), _NOTE])


_Trials = Mapping[str, Sequence[Record]]


def _matrix(trials: _Trials) -> str:
    """Chains solved by way and length."""
    lines = [f"{'chains solved, by length':34}" + "".join(f"{n:8}" for n in _LENGTHS)]
    for key, way in _ON_CHAINS.items():
        cells = [trials.get(f"chain_{n}_{key}", ()) for n in _LENGTHS]
        if any(cells):
            shares = [f"{sum(_solved(r) for r in c)}/{len(c)}" if c else "" for c in cells]
            lines.append(f"  {way.title:32}" + "".join(f"{share:>8}" for share in shares))
    return "\n".join(lines) if len(lines) > 1 else ""


def _chains(trials: _Trials) -> Iterator[str]:
    for n in _LENGTHS:
        shown = [row for row in trials if row.startswith(f"chain_{n}_")]
        if shown:
            title = f"chain of {n}"
            head = f"{title:34}{'rate':>7}{'trials':>8}{'solved':>16}{'chains':>9}{'wrong':>9}"
            yield "\n".join([head, *(_chain_line(row, trials[row]) for row in shown)])


def _chain_line(row: str, trials: Sequence[Record]) -> str:
    line = f"  {ROWS[row].title:32}{_rate(row):>7}{len(trials):8}"
    if not trials:
        return line
    solved = [record for record in trials if _solved(record)]
    share, interval = percentage(len(solved), len(trials))
    until = f"{mean(r['training_sequences'] for r in solved):,.0f}" if solved else "-"
    wrong = mean(record["test_wrong"] for record in trials)
    return line + f"{share:6.0f} {interval:>9}{until:>9}{wrong:9.1%}" + _diverged(trials)


def _signals(trials: _Trials) -> Iterator[str]:
    for name, (title, task) in _SIGNALS.items():
        shown = [row for row in trials if row.startswith(f"{name}_")]
        if shown:
            columns = ["late"] if task.change is None else ["before", "after", "late", "frozen"]
            head = f"{title:34}{'rate':>7}{'trials':>7}" + "".join(f"{c:>8}" for c in columns)
            head += f"{'below 0.1':>10}" + (f"{'recovered':>10}" if task.change is not None else "")
            yield "\n".join([head, *(_signal_line(row, trials[row]) for row in shown)])


def _signal_line(row: str, trials: Sequence[Record]) -> str:
    line = f"  {ROWS[row].title:32}{_rate(row):>7}{len(trials):7}"
    late = [record["late"] for record in trials if record["late"] is not None]
    if not late:
        return line + _diverged(trials)
    changed = [
        (record["before"], record["after"], record["late"], record["frozen"]) for record in trials
    ]
    known = [
        (before, after, last, frozen)
        for before, after, last, frozen in changed
        if before is not None and after is not None and last is not None and frozen is not None
    ]
    columns: list[Sequence[float]] = [*zip(*known, strict=True)] or [late]
    line += "".join(f"{median(column):8.2g}" for column in columns)
    line += f"{sum(value < 0.1 for value in late)}/{len(trials)}".rjust(10)
    recovered = [
        (frozen - last) / (frozen - before)
        for before, _, last, frozen in known
        if frozen > 2 * before
    ]
    return line + (f"{median(recovered):10.0%}" if recovered else "") + _diverged(trials)


def _diverged(trials: Sequence[Record]) -> str:
    gone = sum(record["diverged"] > 0 for record in trials)
    return f"\n  ! diverged: {gone} of {len(trials)}" if gone else ""


def _solved(record: Record) -> bool:
    return bool(record["solved"])


def _rate(row: str) -> float:
    recipe = ROWS[row].trial.learner
    if isinstance(recipe, NetworkRecipe):
        return recipe.update.rate
    assert isinstance(recipe, Baseline)
    rate = dict(recipe.options)["rate"]
    assert isinstance(rate, float)
    return rate
