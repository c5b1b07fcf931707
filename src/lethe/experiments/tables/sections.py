"""Other claims of sections 2 to 4 of the report, one small table each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lethe.core.topology import Topology
from lethe.core.updates import SGD
from lethe.experiments.analyses.lesions import Lesions
from lethe.experiments.analyses.states import PartialsForgotten, StateGrowth
from lethe.experiments.formatting import bracketed, percentage
from lethe.experiments.records import NO_FIELDS, Record, by_row, mean
from lethe.experiments.table import Plan, Row, RowTrial
from lethe.experiments.tables import cerg
from lethe.experiments.tables._partials import ADVANCES, as_run
from lethe.experiments.tables._streams import outcomes
from lethe.trials.continual import Trial
from lethe.trials.learner import NetworkRecipe
from lethe.trials.penalty import Penalty, WeightDecay, WeightElimination

__all__ = ["FULL", "RESULT", "ROWS", "SHORT", "TITLE", "compare"]

TITLE = "Claims of sections 2 to 4, on CERG"

_STANDARD = cerg.ROWS["standard"].trial
_RESET = cerg.ROWS["standard_external_reset"].trial
_STATE_DECAY = cerg.ROWS["state_decay"].trial
_FORGET_GATES = cerg.ROWS["forget_gates"].trial
_DECAY = cerg.ROWS["forget_gates_decay"].trial


@dataclass(frozen=True)
class _Claim:
    """A claim of the report, and the rows that measure it."""

    text: str
    rows: Mapping[str, Row[RowTrial]]
    same_as: str = ""  # A row of Table 2 to compare them with.


def _penalties() -> Mapping[str, Row[RowTrial]]:
    kinds: tuple[tuple[str, type[Penalty]], ...] = (
        ("weight_decay", WeightDecay),
        ("weight_elimination", WeightElimination),
    )
    return {
        f"{name}_{rate:g}": Row(
            f"{name.replace('_', ' ')} {rate:g} a step", replace(_STANDARD, penalty=kind(rate))
        )
        for name, kind in kinds
        for rate in (1e-5, 1e-4, 1e-3)
    } | _both(
        {
            f"state_decay_{decay:g}": Row(
                f"state decay {decay:g}",
                _with(_STANDARD, topology=replace(_STANDARD.network.topology, state_decay=decay)),
            )
            for decay in (0.5, 0.8, 0.95, 0.99)
        }
    )


def _with(trial: Trial, topology: Topology | None = None, update: SGD | None = None) -> Trial:
    """A trial with another topology or update rule."""
    recipe = trial.network
    return replace(
        trial, learner=NetworkRecipe(topology or recipe.topology, update or recipe.update)
    )


def _with_decay(trial: Trial) -> Trial:
    return _with(trial, update=SGD(0.5, decay=0.99))


def _with_biases(gates: Sequence[float], forget: Sequence[float]) -> Trial:
    topology = replace(
        _DECAY.network.topology,
        input_gate_bias=gates,
        output_gate_bias=gates,
        forget_gate_bias=forget,
    )
    return _with(_DECAY, topology=topology)


def _both(rows: Mapping[str, Row[Trial]]) -> dict[str, Row[RowTrial]]:
    """Rows whose partials are as derived, each with one as the report's was probably run.

    How that was is told in docs/reproduction.md.
    """
    both: dict[str, Row[RowTrial]] = {}
    for name, row in rows.items():
        derived = row.trial.network.topology
        end = as_run(derived)
        topology = replace(derived, **ADVANCES[end].parts)
        both[name] = row
        both[f"{name}_{end}"] = Row(f"  {ADVANCES[end].title}", _with(row.trial, topology=topology))
    return both


_CLAIMS = (
    _Claim(
        "2.1: weight decay, weight elimination and state decay do not save standard LSTM",
        _penalties(),
        "standard",
    ),
    _Claim(
        "4.2: other initial biases of the gates work as well (with alpha decay)",
        _both(
            {
                "biases_same": Row("all blocks -1 and +1", _with_biases([-1.0] * 4, [1.0] * 4)),
                "biases_reversed": Row(
                    "-2 to -0.5 and +2 to +0.5",
                    _with_biases([-2.0, -1.5, -1.0, -0.5], [2.0, 1.5, 1.0, 0.5]),
                ),
                "biases_double": Row(
                    "-1 to -4 and +1 to +4",
                    _with_biases([-1.0, -2.0, -3.0, -4.0], [1.0, 2.0, 3.0, 4.0]),
                ),
                "biases_zero": Row("all blocks 0", _with_biases([0.0] * 4, [0.0] * 4)),
            }
        ),
        "forget_gates_decay",
    ),
    _Claim(
        "4.3: alpha decay does not help standard LSTM, with or without reset, or state decay",
        {
            "standard_external_reset_decay": Row(
                "external reset, with alpha decay", _with_decay(_RESET)
            ),
            "standard_decay": Row("standard LSTM, with alpha decay", _with_decay(_STANDARD)),
            **_both(
                {
                    "state_decay_decay": Row(
                        "state decay 0.9, with alpha decay", _with_decay(_STATE_DECAY)
                    )
                }
            ),
        },
        "standard_external_reset",
    ),
    _Claim(
        "4.5: alpha's decay in (0.9, 0.999) and its start in (0.1, 1) are not critical",
        _both(
            {
                **{
                    f"decay_{decay:g}": Row(
                        f"0.5, decay {decay:g}", _with(_DECAY, update=SGD(0.5, decay=decay))
                    )
                    for decay in (0.9, 0.95, 0.999)
                },
                **{
                    f"rate_{rate:g}": Row(
                        f"{rate:g}, decay 0.99", _with(_DECAY, update=SGD(rate, decay=0.99))
                    )
                    for rate in (0.1, 0.2, 1.0)
                },
            }
        ),
        "forget_gates_decay",
    ),
    _Claim(
        "4.5: restarted after 20,000 streams without a perfect solution, all networks find one",
        _both(
            {
                "restart": Row(
                    "forget gates, at most ten starts",
                    replace(_FORGET_GATES, restart_after=20_000, training_streams=200_000),
                )
            }
        ),
        "forget_gates",
    ),
)
_LESIONS = {"lesions": Row("forget gates with alpha decay", Lesions(trial=_DECAY))}
_FEW = replace(_STANDARD, training_streams=5000)
_GROWTH = {
    "growth_standard": Row("standard LSTM", StateGrowth(trial=_FEW)),
    "growth_forget_gates": Row("forget gates with alpha decay", StateGrowth(trial=_DECAY)),
}
_PARTIALS = {"partials": Row("forget gates with alpha decay", PartialsForgotten(trial=_DECAY))}

#: All rows, claim by claim; those with other measurements last.
ROWS: dict[str, Row[RowTrial]] = {
    name: row for claim in _CLAIMS for name, row in claim.rows.items()
}
ROWS |= {**_LESIONS, **_GROWTH, **_PARTIALS}

FULL = Plan(
    rows=tuple(ROWS),
    trials=20,
    fewer=dict.fromkeys(ROWS.keys() - _LESIONS.keys(), 6) | dict.fromkeys(_GROWTH | _PARTIALS, 10),
)
SHORT = Plan(
    rows=("weight_decay_0.0001", "standard_decay", "growth_standard"),
    trials=4,
    limits={"training_streams": 10_000, "stream_length": 10_000},
)

#: What `compare` reads depends on the row.
RESULT = NO_FIELDS

_NOTE = """\
perfect: in per cent, with its 95 % interval (Wilson), and the mean number of training streams until
then; in angle brackets the mean test stream of the other networks, each at its best. Limits as in
Table 2."""


def compare(records: Sequence[Record], rows: Sequence[str]) -> str:
    """One small table for each claim."""
    trials = by_row(records, (name for name in ROWS if name in rows))
    blocks = []
    try:
        for claim in _CLAIMS:
            shown = {name: row for name, row in claim.rows.items() if name in trials}
            if shown:
                lines = [claim.text, f"{'':42}{'networks':>9}  perfect"]
                lines += [f"  {row.title:40}{_trials(trials[name])}" for name, row in shown.items()]
                if claim.same_as:
                    lines.append(f"  compare with: {claim.same_as} in Table 2")
                blocks.append("\n".join(lines))
        if blocks:
            blocks.append(_NOTE)
        for described, described_rows in (
            (_lesions, _LESIONS),
            (_growth, _GROWTH),
            (_partials, _PARTIALS),
        ):
            shown = {name: row for name, row in described_rows.items() if name in trials}
            if shown:
                blocks.append(described(shown, trials))
    except KeyError as missing:
        raise ValueError(f"a record of {TITLE} lacks {missing}") from None
    return "\n\n".join(blocks)


def _trials(records: Sequence[Record]) -> str:
    if not records:
        return f"{0:9}"
    perfect, rest = outcomes(records)
    share, interval = percentage(len(perfect), len(records))
    streams = bracketed(mean(perfect), "()")
    return (
        f"{len(records):9}  {share:3.0f} % {interval:9} {streams:>8}  {bracketed(mean(rest), '<>')}"
    )


_Trials = Mapping[str, Sequence[Record]]
_Rows = Mapping[str, Row[RowTrial]]


def _growth(rows: _Rows, trials: _Trials) -> str:
    lines = [
        "2.1: as states grow, (a) the derivative of h vanishes, (b) the cell is its output gate",
        f"{'':32}{'string':>8}{'|state|':>10}{'slope of h':>12}{'|h|':>8}{'gate share':>12}",
    ]
    for name, row in rows.items():
        lines.append(f"  {row.title}, {len(trials[name])} networks")
        for index in (0, 3, 6, 9):
            picked = [_numbers(record, index) for record in trials[name]]
            if not picked:
                continue
            string, state, slope, squashed, share = (
                mean(numbers) for numbers in zip(*picked, strict=True)
            )
            lines.append(
                f"{'':32}{string:8,.0f}{state:10,.1f}{slope:12.3f}{squashed:8.3f}{share:12.3f}"
            )
    return "\n".join([*lines, "", _GROWTH_NOTE])


_GROWTH_NOTE = """\
Means over networks, and over all cells in the string of that number of a frozen stream; gate share:
how much of the variance of a cell's output its output gate alone explains (squared correlation)."""


def _numbers(record: Record, index: int) -> tuple[float, ...]:
    measured = (record["state"], record["slope"], record["squashed"], record["gate_share"])
    return record["strings"][index], *(values[index] for values in measured)


def _partials(rows: _Rows, trials: _Trials) -> str:
    lines = [
        "3.2: when the forget gate closes, partials are forgotten with the state",
        f"{'':42}{'networks':>9}{'resets':>8}{'gate':>8}{'kept':>8}{'difference':>12}",
    ]
    for name, row in rows.items():
        records = trials[name]
        line = f"  {row.title:40}{len(records):9}"
        if records:
            resets = sum(record["resets"] for record in records)
            gate = mean(r["gate_at_resets"] for r in records if r["resets"])
            kept = mean(r["kept_at_resets"] for r in records if r["resets"])
            greatest = max(record["largest_difference"] for record in records)
            line += f"{resets:8,}{gate:8.4f}{kept:8.4f}{greatest:12.1e}"
        lines.append(line)
    return "\n".join([*lines, "", _PARTIALS_NOTE])


_PARTIALS_NOTE = """\
resets: steps of a block with its forget gate below 0.1; gate: its mean activation there; kept: what
remains of the partials of silent sources; difference: largest |kept / gate - 1| of all steps."""


def _lesions(rows: _Rows, trials: _Trials) -> str:
    lines = ["4.4: only one block is directly responsible for bridging the longest lag"]
    for name, row in rows.items():
        perfect = [record for record in trials[name] if record["perfect"]]
        lines.append(f"  {row.title}: {len(trials[name])} networks, {len(perfect)} perfect")
        if not perfect:
            continue
        direct = [(r["direct_broken"], r["direct_long_lag"]) for r in perfect]
        every = [(r["broken"], r["long_lag"]) for r in perfect]
        for silence, lesions in (
            ("towards the output units alone", direct),
            ("towards all units", every),
        ):
            counts = [broken for broken, _ in lesions]
            spread = ", ".join(
                f"{blocks}: {counts.count(blocks)}" for blocks in sorted(set(counts))
            )
            worst = mean(max(long_lag) for _, long_lag in lesions)
            lines.append(
                f"  one block silent {silence}; blocks that break the long lag: networks\n"
                f"{'':6}{spread}; the worst block costs {100 * worst:.0f} % of T and P"
            )
    return "\n".join([*lines, "", _LESIONS_NOTE])


_LESIONS_NOTE = """\
The long lag is broken where more than a quarter of its predictions take T for P or P for T; a coin
takes half. Towards the output units alone: the states of all blocks do not change."""
