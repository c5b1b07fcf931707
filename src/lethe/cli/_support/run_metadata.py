"""What `lethe learn` keeps in a checkpoint besides the model: options, position, output, scores.

All of it is read at once: every field's type and range is checked, and its relation to other fields
and to the model. So the commands can use it without further checks.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lethe.cli._support.anomaly_log import AnomalyLog
from lethe.cli._support.event_writer import OutputState
from lethe.cli._support.learn_options import OWN_RULE, UPDATES, Bad
from lethe.cli._support.scores_state import scores_from_state, scores_to_state, tally_from_state
from lethe.cli._support.writer import FORMATS
from lethe.core.network import Network
from lethe.data.places import check_place, check_position
from lethe.evaluate.naive import ClassScores, NumberScores
from lethe.evaluate.prequential import Tally
from lethe.model import AlarmRule, Model
from lethe.model.parameters import Parameters
from lethe.storage.fields import Fields, parse_json

__all__ = [
    "MOST_SEED",
    "USUAL",
    "Position",
    "RecordsMetadata",
    "RecordsOptions",
    "RunMetadata",
    "TextMetadata",
    "TextOptions",
    "parse_run",
    "take_run_arrays",
    "usual_rule",
]

Arrays: TypeAlias = dict[str, NDArray[np.generic]]
Position: TypeAlias = dict[str, object]

#: Where a checkpoint keeps what is not the model's: the array with the scores as JSON, and the
#: beginning of the names of further arrays.
SCORES = "scores"

#: Seeds of 128 bits are what `secrets.randbits(128)` gives, as NumPy's documentation has it.
MOST_SEED = (1 << 128) - 1

#: What alarms are by default.
USUAL = AlarmRule()

BAD: tuple[Bad, ...] = ("raise", "missing", "skip")


@dataclass(frozen=True)
class RecordsOptions:
    """What a run on records was started with and keeps; the names are those of the options."""

    target: list[str]
    classify: bool
    detect: bool
    rate: float
    cooldown: int
    horizon: int
    time: str | None
    period: int | tuple[int, int] | None
    holidays: str | tuple[str, ...] | None
    cells: int
    layers: int
    seed: int
    bad: Bad
    text: list[str]
    missing: list[str]
    out: str | None
    format: str


@dataclass(frozen=True)
class TextOptions:
    """What a run on a text was started with and keeps; the names are those of the options."""

    layers: int
    cells: int
    update: str
    rate: float
    seed: int


@dataclass(frozen=True)
class RecordsMetadata:
    """Everything about a run on records that its model does not hold.

    Attributes
    ----------
    events : int
        Of the model.
    before : int
        Events that the model had learned from, elsewhere, before the first run.
    options : RecordsOptions
    position : dict
        The attribute `position` of the source.
    several : bool
        Whether each line of ``--out`` names its source.
    output : OutputState or None
        How far ``--out`` is; None where there is none, or nothing has been written.
    time : str or None
        The column with the times, as `EventScores` has found it.
    scores : NumberScores, ClassScores or None
    anomalies : AnomalyLog
    unreadable : int
        Lines of the source that were skipped.
    """

    events: int
    before: int
    options: RecordsOptions
    position: Position
    several: bool
    output: OutputState | None
    time: str | None
    scores: NumberScores | ClassScores | None
    anomalies: AnomalyLog
    unreadable: int

    def to_checkpoint(self) -> tuple[Arrays, dict[str, object]]:
        """Return the arrays and the JSON object that `parse_run` reads."""
        arrays: Arrays = {}
        record: dict[str, object] = {
            "mode": "records",
            "events": self.events,
            "before": self.before,
            "options": {name: _plain(value) for name, value in vars(self.options).items()},
            "position": self.position,
            "several": self.several,
            "output": self.output,
        }
        scores: dict[str, object] = {
            "time": self.time,
            "scores": scores_to_state(self.scores, arrays),
            "anomalies": self.anomalies.to_state(),
            "unreadable": self.unreadable,
        }
        arrays[SCORES] = _json_array(scores)
        return arrays, record


@dataclass(frozen=True)
class TextMetadata:
    """Everything about a run on a text that its network does not hold.

    Attributes
    ----------
    before : int
        Steps that the network had made, elsewhere, before the first run.
    options : TextOptions
    place : dict or None
        The attribute `place` of the text; None where it has none.
    tally : Tally
    """

    before: int
    options: TextOptions
    place: Position | None
    tally: Tally

    @property
    def events(self) -> int:
        """Symbols so far, and the steps before."""
        return self.before + self.tally.symbols

    def to_checkpoint(self) -> tuple[Arrays, dict[str, object]]:
        """Return the arrays and the JSON object that `parse_run` reads."""
        record: dict[str, object] = {
            "mode": "text",
            "events": self.events,
            "before": self.before,
            "options": dataclasses.asdict(self.options),
            "place": self.place,
        }
        tally = self.tally
        scores: dict[str, object] = {
            "symbols": tally.symbols,
            "bits": tally.bits,
            "last": tally.last,
            "window": [list(chunk) for chunk in tally.window],
        }
        return {SCORES: _json_array(scores)}, record


RunMetadata: TypeAlias = RecordsMetadata | TextMetadata


def _json_array(value: Mapping[str, object]) -> NDArray[np.generic]:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def parse_run(record: object, arrays: Arrays, model: Model | Network) -> RunMetadata:
    """Read what `to_checkpoint` of one of these classes gave.

    Parameters
    ----------
    record : object
        JSON from the checkpoint's metadata.
    arrays : dict of str to ndarray
        As `take_run_arrays` returns them.
    model : Model or Network
        The checkpoint's.

    Raises
    ------
    ValueError
        If anything in it is missing, unknown, of another type, out of range, or contradicts
        another part or the model.
    """
    left = dict(arrays)
    if SCORES not in left:
        raise ValueError(f"the array {SCORES} must be there, got none")
    scores = parse_json(left.pop(SCORES))
    if isinstance(model, Model):
        run: RunMetadata = _records(record, scores, left, model)
    else:
        run = _text(record, scores, model)
    if left:
        raise ValueError(f"arrays of the scores must be in use, got {min(left)!r:.60}")
    return run


def _plain(value: object) -> object:
    return [*value] if isinstance(value, tuple) else value


def take_run_arrays(arrays: Arrays) -> Arrays:
    """Move the arrays that are not the model's out of those of a checkpoint."""
    names = [name for name in arrays if name == SCORES or name.startswith(f"{SCORES}.")]
    return {name: arrays.pop(name) for name in names}


def _records(record: object, scores: object, arrays: Arrays, model: Model) -> RecordsMetadata:
    names = ("mode", "events", "before", "options", "position", "several", "output")
    fields = Fields("learn", record, names)
    fields.one_of("mode", ("records",))
    events = fields.integer("events", model.events, model.events)
    before = fields.integer("before", 0, events)
    options = _records_options(fields["options"], model)
    rest = Fields(SCORES, scores, ("time", "scores", "anomalies", "unreadable"))
    output = fields.optional("output", lambda key: _output(fields[key]))
    if output is not None and options.out is None:
        raise ValueError("output must be null where there is no option out")
    return RecordsMetadata(
        events=events,
        before=before,
        options=options,
        position=check_position(fields["position"]),
        several=fields.boolean("several"),
        output=output,
        time=rest.optional("time", rest.string),
        scores=scores_from_state(rest["scores"], arrays, model, events - before),
        anomalies=AnomalyLog.from_state(rest["anomalies"], events),
        unreadable=rest.integer("unreadable"),
    )


def usual_rule(parameters: Parameters) -> AlarmRule:
    """The rule of alarms of every column that has none of its own."""
    return dict(parameters.alarms).get("", USUAL)


def _records_options(value: object, model: Model) -> RecordsOptions:
    names = [field.name for field in dataclasses.fields(RecordsOptions)]
    fields = Fields("options", value, names)
    parameters = model.parameters
    known = parameters.to_json()
    rule = usual_rule(parameters)
    is_own = all(fields[name] == known[name] for name in ("period", "holidays"))
    options = RecordsOptions(
        target=fields.strings("target"),
        classify=fields.boolean("classify"),
        detect=fields.boolean("detect"),
        rate=fields.number("rate"),
        cooldown=fields.integer("cooldown"),
        horizon=fields.integer("horizon", 0, 1000),
        time=fields.optional("time", fields.string),
        period=parameters.period,
        holidays=parameters.holidays,
        cells=fields.integer("cells", 1, 1 << 20),
        layers=fields.integer("layers", 1, 1000),
        seed=fields.integer("seed", high=MOST_SEED),
        bad=fields.one_of("bad", BAD),
        text=fields.strings("text"),
        missing=fields.strings("missing"),
        out=fields.optional("out", fields.string),
        format=fields.one_of("format", FORMATS),
    )
    expected = RecordsOptions(
        target=list(model.targets) if options.target else [],
        classify=model.task == "classification",
        detect=options.detect,
        rate=rule.rate,
        cooldown=rule.cooldown,
        horizon=parameters.horizon,
        time=options.time,
        period=parameters.period,
        holidays=parameters.holidays,
        cells=parameters.cells,
        layers=parameters.layers,
        seed=options.seed,
        bad=parameters.bad,
        text=options.text,
        missing=options.missing,
        out=options.out,
        format=options.format,
    )
    if not is_own or options != expected or model.task == "symbols":
        raise ValueError("options must be those of the model, got others")
    return options


def _output(value: object) -> OutputState:
    fields = Fields("output", value, ("bytes", "sha256"))
    return {"bytes": fields.integer("bytes"), "sha256": fields.digest("sha256")}


def _text(record: object, scores: object, net: Network) -> TextMetadata:
    fields = Fields("learn", record, ("mode", "events", "before", "options", "place"))
    fields.one_of("mode", ("text",))
    tally = tally_from_state(scores)
    if net.topology.inputs != 256 or net.topology.outputs != 256:
        raise ValueError("the network of a text must have 256 inputs and outputs, got others")
    before = fields.integer("before", 0, net.steps)
    if net.steps != before + tally.symbols - 1:
        raise ValueError(
            f"symbols must be one more than the network's {net.steps - before:,} steps, "
            f"got {tally.symbols:,}"
        )
    fields.integer("events", before + tally.symbols, before + tally.symbols)
    place = fields.optional("place", lambda key: check_place(fields[key]))
    return TextMetadata(
        before=before,
        options=_text_options(fields["options"], net),
        place=place,
        tally=tally,
    )


def _text_options(value: object, net: Network) -> TextOptions:
    names = [field.name for field in dataclasses.fields(TextOptions)]
    fields = Fields("options", value, names)
    options = TextOptions(
        layers=fields.integer("layers", net.topology.layers, net.topology.layers),
        cells=fields.integer("cells", net.topology.cells, net.topology.cells),
        update=fields.one_of("update", (*UPDATES, OWN_RULE)),
        rate=fields.number("rate"),
        seed=fields.integer("seed", high=MOST_SEED),
    )
    own = options.update == OWN_RULE
    expected = net.update if own else UPDATES[options.update][0](options.rate)
    if expected != net.update or options.rate != net.update.rate:
        raise ValueError("options must be those of the network, got another update or rate")
    return options
