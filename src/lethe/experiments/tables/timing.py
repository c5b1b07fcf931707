"""Rhythm and timing: spikes and waves with and without peepholes (Gers et al. 2002)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Protocol

import numpy as np

from lethe.core.network import NotFiniteError
from lethe.core.topology import GATES, OutputUnits, PartialDecay, Topology
from lethe.core.updates import SGD
from lethe.experiments.formatting import percentage
from lethe.experiments.records import Fields, Record, by_row, mean
from lethe.experiments.table import Plan, Row
from lethe.tasks import Continual, Periodic, SpikeDelays
from lethe.tasks.timing import Wave
from lethe.trials.continual import Stream, Trial, TrialResult
from lethe.trials.learner import FloatingName, Learner, NetworkRecipe
from lethe.trials.progress import OnProgress

__all__ = ["FULL", "RESULT", "ROWS", "SHORT", "TITLE", "TimingResult", "TimingTrial", "compare"]

TITLE = "Rhythm and timing, with and without peepholes"
RESULT: Fields = {
    "perfect": bool,
    "training_streams": int,
    "best_mean_stream": (int, float),
    "mean_squared_error": (int, float, type(None)),
}


@dataclass(frozen=True)
class TimingResult(TrialResult):
    """The result of one trial.

    Attributes
    ----------
    mean_squared_error : float or None
        Of the frozen network that the trial ended with, over one more test stream, errors or not;
        None where it, or a number of the network, is not finite.
    """

    mean_squared_error: float | None


@dataclass(frozen=True, kw_only=True)
class TimingTrial:
    """A `lethe.trials.Trial` of these tasks, with the mean squared error at its end.

    Parameters
    ----------
    learner, stream, external_reset, bound, stream_length, test_length, training_streams, dtype
        As in `lethe.trials.Trial`, which tests one stream after each training stream.
    """

    learner: NetworkRecipe
    stream: Callable[[np.random.SeedSequence], Stream]
    bound: float
    stream_length: int
    test_length: int
    external_reset: bool = False
    training_streams: int = 300_000
    dtype: FloatingName = "float64"

    @property
    def _trial(self) -> Trial:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return Trial(**given, test_streams=1)

    def configuration(self) -> dict[str, object]:
        """All that a reader needs to run this again, as plain JSON values."""
        return self._trial.configuration()

    def run(self, seed: int, on_progress: OnProgress | None = None) -> TimingResult:
        """Run the trial; see `lethe.trials.Trial.run`."""
        result, net = self._trial.train(seed, on_progress=on_progress)
        try:
            error = self._mean_squared_error(net, np.random.SeedSequence(seed).spawn(4)[3])
        except NotFiniteError:
            error = math.inf
        found = error if math.isfinite(error) else None
        return TimingResult(**asdict(result), mean_squared_error=found)

    @np.errstate(over="ignore")
    def _mean_squared_error(self, net: Learner, seed: np.random.SeedSequence) -> float:
        stream = self.stream(seed)
        net.reset()
        squares, done = 0.0, 0
        while done < self.test_length:
            ahead = stream.look(self.test_length - done)
            run = net.run(
                ahead.inputs,
                starts=ahead.starts if self.external_reset else None,
                reset_at_starts=self.external_reset,
                learn=False,
            )
            there = slice(None) if ahead.has_target is None else ahead.has_target
            squares += float(np.sum((ahead.targets[there] - run["output"][there]) ** 2))
            done += ahead.predictions
            stream.advance(len(ahead.starts))
        return squares / done


class _Make(Protocol):
    def __call__(self, *, peepholes: bool) -> TimingTrial: ...


@dataclass(frozen=True)
class _Reading:
    """How a task is learned: the rate, its momentum, forget gates' biases, which partials decay."""

    rate: float
    momentum: float
    forget_gate_bias: float
    partial_decay: PartialDecay = "forget_gate"

    def recipe(self, output_units: OutputUnits, *, peepholes: bool) -> NetworkRecipe:
        """One block of one cell, g and h the identity: 17 weights with peepholes."""
        topology = Topology(
            inputs=1,
            outputs=1,
            blocks=1,
            peepholes=peepholes,
            shortcuts=False,
            biased=(*GATES, "cell", "output"),
            cell_input="identity",
            cell_output="identity",
            output_units=output_units,
            input_gate_bias=0.0,
            forget_gate_bias=self.forget_gate_bias,
            output_gate_bias=2.0,
            initial_range=0.1,
            partial_decay=self.partial_decay,
        )
        return NetworkRecipe(topology, SGD(self.rate, momentum=self.momentum))


def _delays(reading: _Reading, interval: int, *, continual: bool = False) -> _Make:
    def make(*, peepholes: bool) -> TimingTrial:
        return TimingTrial(
            learner=reading.recipe("logistic", peepholes=peepholes),
            stream=Continual(SpikeDelays(interval)),
            bound=0.49,
            stream_length=100 if continual else 1,
            test_length=1000,
            external_reset=not continual,
        )

    return make


def _wave(reading: _Reading, shape: Wave, period: int) -> _Make:
    spikes = shape == "spikes"

    def make(*, peepholes: bool) -> TimingTrial:
        return TimingTrial(
            learner=reading.recipe("logistic" if spikes else "linear", peepholes=peepholes),
            stream=Periodic(shape, period),
            bound=0.49 if spikes else 0.3,
            stream_length=100 * period,
            test_length=1000 * period,
            training_streams=500_000,
        )

    return make


# Readings chosen on seeds from 1000 up; docs/timing.md has those that were tried.
_DELAYS = _Reading(rate=1e-5, momentum=0.999, forget_gate_bias=2.0)
_CONTINUAL = replace(_DELAYS, momentum=0.9999)
_WAVES = _Reading(rate=2e-4, momentum=0.99, forget_gate_bias=0.0)
_LONG_SPIKES = replace(_WAVES, forget_gate_bias=2.0)
#: The paper's rate, momentum and biases, with partials that do not decay, and that do.
_AS_GIVEN = _Reading(rate=1e-5, momentum=0.999, forget_gate_bias=-2.0, partial_decay=1.0)
_AS_DERIVED = replace(_AS_GIVEN, partial_decay="forget_gate")

# Name, title, which kinds of network solve it in 2002 (as known), and how it is made.
_TASKS: tuple[tuple[str, str, str | None, _Make], ...] = (
    ("delays_10", "NMSD, F = 10", "both", _delays(_DELAYS, 10)),
    ("delays_20", "NMSD, F = 20", "both", _delays(_DELAYS, 20)),
    ("continual_delays_10", "MSD, F = 10", "both", _delays(_CONTINUAL, 10, continual=True)),
    ("spikes_10", "GTS, F = 10", "peepholes", _wave(_WAVES, "spikes", 10)),
    ("spikes_10_undecayed", "GTS, F = 10, undecayed", None, _wave(_AS_GIVEN, "spikes", 10)),
    ("spikes_10_decayed", "GTS, F = 10, decayed", None, _wave(_AS_DERIVED, "spikes", 10)),
    ("spikes_20", "GTS, F = 20", "peepholes", _wave(_LONG_SPIKES, "spikes", 20)),
    ("cosine_10", "PFG, cosine, F = 10", "both", _wave(_WAVES, "cosine", 10)),
    ("cosine_25", "PFG, cosine, F = 25", "peepholes", _wave(_WAVES, "cosine", 25)),
    ("triangular_10", "PFG, triangular, F = 10", "peepholes", _wave(_WAVES, "triangular", 10)),
    ("rectangular_10", "PFG, rectangular, F = 10", "peepholes", _wave(_WAVES, "rectangular", 10)),
)

ROWS: dict[str, Row[TimingTrial]] = {
    name + suffix: Row(
        f"{title}, {'peepholes' if suffix else 'no peepholes'}", make(peepholes=bool(suffix)), known
    )
    for name, title, known, make in _TASKS
    for suffix in ("_peepholes", "")
}

#: What only ``--row`` runs: what no network that we looked at solves within the limit.
_LEFT_OUT = (
    "spikes_10_decayed",
    "rectangular_10",
    "rectangular_10_peepholes",
)

#: Rows whose networks mostly take all the streams that there are.
_LONG = (
    "cosine_10",
    "cosine_25",
    "triangular_10",
    "triangular_10_peepholes",
    "continual_delays_10",
    "continual_delays_10_peepholes",
)

#: The whole table.
FULL = Plan(
    rows=tuple(name for name in ROWS if name not in _LEFT_OUT),
    trials=10,
    fewer=dict.fromkeys(_LONG, 5),
    fillers=("delays_10", "delays_10_peepholes"),
)

#: Whether peepholes matter, in a minute.
SHORT = Plan(
    rows=("delays_10_peepholes", "delays_10", "spikes_10_peepholes", "spikes_10"),
    trials=2,
    limits={"training_streams": 200_000},
)

_NOTE = """\
solved: networks whose test stream had no error (1,000 delays or periods), in per cent with the 95 %
interval (Wilson); streams: mean number of training streams until then, in thousands; error: root of
the mean squared error over one more test stream, the mean over the solved networks. 2002: which
kinds of network solve it there."""


def compare(records: Sequence[Record], rows: Sequence[str]) -> str:
    """What is known of the paper's results, and ours."""
    head = f"{'':42}{'2002':>11}{'networks':>10}{'solved':>16}{'streams':>10}{'error':>8}"
    groups = by_row(records, (name for name in ROWS if name in rows))
    lines = [
        f"{ROWS[name].title:42}{ROWS[name].report or '-':>11}{_ours(trials)}"
        for name, trials in groups.items()
    ]
    return "\n".join([head, *lines, "", _NOTE])


def _ours(records: Sequence[Record]) -> str:
    if not records:
        return f"{0:10}"
    solved = [record for record in records if record["perfect"]]
    share, interval = percentage(len(solved), len(records))
    line = f"{len(records):10}{share:6.0f} {interval:>9}"
    if not solved:
        return line + f"{'-':>10}{'-':>8}"
    streams = mean(record["training_streams"] for record in solved) / 1000
    errors = [e**0.5 for record in solved if (e := record["mean_squared_error"]) is not None]
    return line + f"{streams:10.1f}" + (f"{mean(errors):8.3f}" if errors else f"{'-':>8}")
