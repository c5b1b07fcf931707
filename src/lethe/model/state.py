"""A predictor's state as JSON and one block of bytes, and back: checked once, whole.

A digest says that a file is whole, not who wrote it. Nothing is executed when a state is restored,
and what does not fit together is refused here, before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lethe import _kernel
from lethe.model.classes import SYMBOL, ClassPredictor
from lethe.model.encoder import Category, Encoder
from lethe.model.numbers import NumberPredictor
from lethe.model.predictor import Options
from lethe.model.values import category_of, label_of

__all__ = ["JSON", "Fields", "generator_from", "parsed", "predictor_from", "state_of"]

#: What JSON can hold.
JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]

Kind = TypeVar("Kind", bool, int, float, str)

#: Names and categories that a state may hold: a file of some megabytes must not take gigabytes.
MOST_WORDS = 2_000_000
MOST_COUNT = 1 << 52


class Fields:
    """The fields of a JSON object, each read with its type; a ValueError names what is wrong.

    Parameters
    ----------
    value : JSON
        What must be an object.
    name : str
        What it is called.
    fields : tuple of str
        The fields that it must have, and no others.
    """

    def __init__(self, value: JSON, name: str, fields: tuple[str, ...]) -> None:
        if not isinstance(value, dict) or set(value) != set(fields):
            raise ValueError(f"its {name} must have the fields {', '.join(fields)}")
        self._values = value
        self._name = name

    def __getitem__(self, field: str) -> JSON:
        return self._values[field]

    def wrong(self, field: str) -> ValueError:
        """What to raise where a field does not fit."""
        return ValueError(f"its {self._name}'s {field} is not what a model saves")

    def get(self, field: str, kind: type[Kind]) -> Kind:
        """A field of one type; a boolean is no number."""
        value = self._values[field]
        if type(value) is not kind:
            raise self.wrong(field)
        return value

    def count(self, field: str, most: int = MOST_COUNT) -> int:
        """A whole number from 0."""
        value = self.get(field, int)
        if not 0 <= value <= most:
            raise self.wrong(field)
        return value

    def maybe(self, field: str, kind: type[Kind]) -> Kind | None:
        """A field of one type, or None."""
        return None if self._values[field] is None else self.get(field, kind)

    def list(self, field: str) -> list[JSON]:
        """A list."""
        value = self._values[field]
        if not isinstance(value, list) or len(value) > MOST_WORDS:
            raise self.wrong(field)
        return value

    def strings(self, field: str) -> tuple[str, ...]:
        """Strings that differ."""
        values = tuple(value for value in self.list(field) if isinstance(value, str))
        if len(values) != len(self.list(field)) or len(set(values)) != len(values):
            raise self.wrong(field)
        return values

    def places(self, field: str, end: int) -> dict[str, int]:
        """Strings, each with a whole number below `end`, and no number twice."""
        found: dict[str, int] = {}
        for pair in self.list(field):
            match pair:
                case [str(key), int(place)] if type(place) is int and 0 <= place < end:
                    found[key] = place
                case _:
                    raise self.wrong(field)
        if len(found) != len(self.list(field)) or len(set(found.values())) != len(found):
            raise self.wrong(field)
        return found


def parsed(text: NDArray[np.uint8]) -> JSON:
    """The JSON that bytes are."""
    limit = sum(int(np.count_nonzero(text == ord(mark))) for mark in ",[{")
    if limit > MOST_WORDS * 3:
        raise ValueError(f"its state has up to {limit:,} values, more than {3 * MOST_WORDS:,}")
    try:
        found: JSON = json.loads(text.tobytes())
    except (ValueError, RecursionError):
        raise ValueError("its state is no JSON") from None
    return found


def generator_from(state: JSON) -> np.random.Generator:
    """The generator whose ``bit_generator.state`` this is."""
    outer = Fields(state, "generator", ("bit_generator", "state", "has_uint32", "uinteger"))
    inner = Fields(outer["state"], "generator", ("state", "inc"))
    if outer["bit_generator"] != "PCG64":
        raise outer.wrong("bit_generator")
    made = np.random.PCG64()
    made.state = {
        "bit_generator": "PCG64",
        "state": {name: inner.count(name, (1 << 128) - 1) for name in ("state", "inc")},
        "has_uint32": outer.count("has_uint32", 1),
        "uinteger": outer.count("uinteger", (1 << 32) - 1),
    }
    return np.random.Generator(made)


# ---- writing ----


def _pairs(places: dict[str, int]) -> JSON:
    return [[key, place] for key, place in places.items()]  # the order says what was used last


def state_of(predictor: NumberPredictor | ClassPredictor) -> dict[str, JSON]:
    """What a predictor knows besides its block, as JSON."""
    encoder, stream, waiting = predictor.encoder, predictor.stream, predictor.waiting
    classes = isinstance(predictor, ClassPredictor)
    return {
        "targets": list(predictor.targets),
        "timed": predictor.timed,
        "slots": stream.slots,
        "pending": stream.pending_capacity,
        "classes": _pairs(predictor.classes) if isinstance(predictor, ClassPredictor) else None,
        "class_places": predictor.stream.classes if isinstance(predictor, ClassPredictor) else None,
        "started": encoder.started,
        "time": encoder.time,
        "numbers": list(encoder.number_names),
        "categories": [
            [name, category.other, _pairs(category.slots)]
            for name, category in encoder.categories.items()
        ],
        "ignored": list(encoder.ignored),
        "ids": [[id, number] for id, number in waiting.ids.items()],
        "complete": [
            [number, waiting.complete[number] if classes else None]
            for number in sorted(waiting.complete)  # the order in which they came says nothing
        ],
    }


_FIELDS = (
    "targets", "timed", "slots", "pending", "classes", "class_places", "started", "time", "numbers",
    "categories", "ignored", "ids", "complete",
)  # fmt: skip


# ---- reading ----


def predictor_from(
    state: JSON,
    block: NDArray[np.uint8],
    task: str,
    options: Options,
    encoder: Encoder,
    targets: tuple[str, ...],
    generator: np.random.Generator,
) -> NumberPredictor | ClassPredictor:
    """The predictor whose `state_of` and block these are.

    Parameters
    ----------
    state : JSON
        As from `state_of`.
    block : ndarray of uint8
        As from its stream.
    task, options, encoder, targets, generator
        Of the model that it belongs to; the encoder has seen no event, and targets are those that
        were asked for.

    Raises
    ------
    ValueError
        If they are not those of one predictor.
    """
    fields = Fields(state, "state", _FIELDS)
    slots = fields.count("slots", 1 << 20)
    pending = fields.count("pending", 1 << 20)
    if pending > max(1, 2 * options.max_delay + 2, options.horizon):
        raise fields.wrong("pending")
    names = fields.strings("targets")
    timed = fields.get("timed", bool)
    made: NumberPredictor | ClassPredictor
    if task == "regression":
        if not names or (targets and names != targets):
            raise fields.wrong("targets")
        made = NumberPredictor(
            options, names, encoder, generator, timed=timed, slots=slots, pending=pending
        )
    else:
        symbols = task == "symbols"
        made = ClassPredictor(
            options,
            SYMBOL if symbols else targets[0],
            encoder,
            generator,
            symbols=symbols,
            timed=timed,
            slots=slots,
            classes=fields.count("class_places", 1 << 20),
            pending=pending,
        )
        if names != made.targets:
            raise fields.wrong("targets")
    if made.stream.size != block.nbytes:  # before any memory is taken
        raise ValueError(f"its block must have {made.stream.size:,} bytes, got {block.nbytes:,}")
    made.stream.load(block)
    _restore_encoder(fields, made, made.targets if task == "classification" else ())
    _restore_waiting(fields, made)
    if isinstance(made, ClassPredictor):
        _restore_classes(fields, made)
    elif fields["classes"] is not None or fields["class_places"] is not None:
        raise fields.wrong("classes")
    return made


def _restore_encoder(
    fields: Fields, predictor: NumberPredictor | ClassPredictor, declared: tuple[str, ...]
) -> None:
    encoder, stream = predictor.encoder, predictor.stream
    used = stream.slots_used
    encoder.started = fields.get("started", bool)
    time = fields.maybe("time", str)
    if encoder.time is not None and time != encoder.time:
        raise fields.wrong("time")
    encoder.time = time
    names = fields.strings("numbers")
    if len(names) != stream.columns:
        raise fields.wrong("numbers")
    encoder.numbers = {name: index for index, name in enumerate(names)}
    encoder.ignored = dict.fromkeys(fields.strings("ignored"), True)
    needed = set(encoder.categories)
    encoder.categories = {}
    for item in fields.list("categories"):
        match item:
            case [str(name), int(other), list(pairs)] if type(other) is int and 0 <= other < used:
                places = Fields({"slots": pairs}, "categories", ("slots",)).places("slots", used)
            case _:
                raise fields.wrong("categories")
        if len(places) > encoder.most or not _are_categories(places):
            raise fields.wrong("categories")
        encoder.categories[name] = Category(places, other)
    if len(encoder.categories) != len(fields.list("categories")):
        raise fields.wrong("categories")
    if not needed <= set(encoder.categories) or not set(declared) <= set(encoder.categories):
        raise fields.wrong("categories")


def _restore_waiting(fields: Fields, predictor: NumberPredictor | ClassPredictor) -> None:
    stream, waiting = predictor.stream, predictor.waiting
    first = stream.pending_sequence
    end = first + stream.pending_count
    for item in fields.list("ids"):
        match item:
            case [str() | int() as id, int(number)] if type(number) is int and 0 <= number < end:
                waiting.ids[id] = number
            case _:
                raise fields.wrong("ids")
    for item in fields.list("complete"):
        match item:
            case [int(number), None | str() as key] if first <= number < end:
                waiting.complete[number] = key
            case _:
                raise fields.wrong("complete")
        if key is not None and not _are_categories([key]):
            raise fields.wrong("complete")
    waiting.prune(first)


def _restore_classes(fields: Fields, predictor: ClassPredictor) -> None:
    stream = predictor.stream
    known = stream.known
    classes = fields.places("classes", known)
    if len(classes) != known - 1 or 0 in classes.values() or not _are_categories(classes):
        raise fields.wrong("classes")
    predictor.classes = classes
    predictor.keys = ["", *sorted(classes, key=classes.__getitem__)]
    if predictor.symbols:
        return
    slots = predictor.encoder.categories[predictor.column].slots
    if list(slots) != list(classes):
        raise fields.wrong("classes")
    given = stream.view("class slot")
    if any(given[place] != slots[key] for key, place in classes.items()):
        raise fields.wrong("classes")


def _are_categories(keys: Iterable[str]) -> bool:
    """Whether these are what `category_of` makes."""
    for key in keys:
        try:
            if category_of("", label_of(key)) != key:
                return False
        except (ValueError, IndexError, OverflowError):
            return False
    return True
