"""A predictor's state as JSON and one block of bytes, and back: checked once, whole.

A digest says that a file is whole, not who wrote it. Nothing is executed when a state is restored,
and what does not fit together is refused here, before it is used.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lethe.model.beginning import class_column, new_encoder
from lethe.model.classes import ClassPredictor
from lethe.model.early import Early
from lethe.model.numbers import NumberPredictor
from lethe.model.parameters import Parameters
from lethe.model.predictor import Predictor
from lethe.model.slots import Category
from lethe.model.values import category_of, label_of
from lethe.model.words import MOST_BYTES, size_of, size_of_targets
from lethe.storage.fields import MOST_JSON_BYTES, Fields, is_integer, list_of, parse_json
from lethe.storage.file import CheckpointError

__all__ = [
    "MOST_COUNT",
    "arrays_of",
    "checked_arrays",
    "checked_category",
    "early_from_json",
    "generator_from_json",
    "predictor_from_json",
    "predictor_to_json",
    "words_of",
]

#: Counts up with each change of what a block holds.
FORMAT = 3
EARLIER = (1, 2)
_EARLIER = (
    "it is a model in an earlier format, which is no longer read: "
    "let a new one learn again from the stream"
)

#: As many as float64 tells apart.
MOST_COUNT = (1 << 52) - 1
MOST_SIZE = 1 << 20
_FIELDS = (
    "targets", "timed", "slots", "pending", "classes", "places", "started", "time", "numbers",
    "categories", "ignored", "ids", "complete",
)  # fmt: skip


def generator_from_json(state: object) -> np.random.Generator:
    """The generator whose ``bit_generator.state`` this is."""
    outer = Fields("generator", state, ("bit_generator", "state", "has_uint32", "uinteger"))
    inner = Fields("generator", outer["state"], ("state", "inc"))
    outer.one_of("bit_generator", ("PCG64",))
    made = np.random.PCG64()
    made.state = {
        "bit_generator": "PCG64",
        "state": {
            "state": inner.integer("state", high=(1 << 128) - 1),
            "inc": inner.integer("inc", high=(1 << 128) - 1),
        },
        "has_uint32": outer.integer("has_uint32", high=1),
        "uinteger": outer.integer("uinteger", high=(1 << 32) - 1),
    }
    return np.random.Generator(made)


# ---- writing ----


def arrays_of(
    parameters: Parameters,
    generator: np.random.Generator,
    skipped: int,
    predictor: Predictor | None,
    early: Early | None,
) -> dict[str, NDArray[np.generic]]:
    """The arrays of a model's checkpoint: its block, and a state that says what it belongs to."""
    state: dict[str, object] = {
        "format": FORMAT,
        "parameters": parameters.to_json(),
        "generator": generator.bit_generator.state,
        "skipped": skipped,
        "predictor": None if predictor is None else predictor_to_json(predictor),
    }
    if early is not None and predictor is not None:
        state["early"] = early.to_json(predictor.stream.events)
    block = b"" if predictor is None else predictor.stream.save()
    # As an array: a model that knows thousands of categories has a long state.
    text = json.dumps(state).encode("ascii")
    if len(text) > min(MOST_BYTES + len(block), MOST_JSON_BYTES):
        raise CheckpointError(
            f"a model's categories must take at most {MOST_BYTES + len(block):,} bytes of its "
            f"checkpoint, got {len(text):,}; shorten long texts before the model sees them"
        )
    return {"block": np.frombuffer(block, np.uint8), "state": np.frombuffer(text, np.uint8)}


def _columns_of(places: dict[str, int]) -> list[object]:
    """Keys, the one that was used least recently first, and their places."""
    return [list(places), list(places.values())]


def predictor_to_json(predictor: Predictor) -> dict[str, object]:
    """What a predictor knows besides its block, as plain JSON values."""
    encoder, waiting = predictor.encoder, predictor.waiting
    places = predictor.places
    return {
        "targets": list(predictor.targets),
        "timed": predictor.timed,
        "slots": predictor.stream.slots,
        "pending": predictor.stream.pending_capacity,
        "classes": None if places is None else _columns_of(places),
        "places": predictor.ensemble.current(predictor.stream).outputs,
        "started": encoder.started,
        "time": encoder.time,
        "numbers": list(encoder.number_names),
        "categories": [
            [name, category.other, *_columns_of(category.slots)]
            for name, category in encoder.categories.items()
        ],
        "ignored": list(encoder.ignored),
        "ids": [[id, number] for id, number in waiting.ids.items()],
        # The order in which late targets came says nothing.
        "complete": [[number, waiting.complete[number]] for number in sorted(waiting.complete)],
    }


# ---- reading ----


def checked_arrays(
    arrays: Mapping[str, NDArray[np.generic]],
) -> tuple[Fields, NDArray[np.uint8]]:
    """The state and the block of a model's checkpoint.

    Raises
    ------
    ValueError
        If these are no such arrays.
    """
    if "life" in arrays:
        raise ValueError(_EARLIER)
    block, text = (arrays.get(name) for name in ("block", "state"))
    if block is None or text is None or block.dtype != np.uint8 or block.ndim != 1:
        raise ValueError("it must have a block and a state, both of bytes")
    if text.nbytes > MOST_BYTES + block.nbytes:
        raise ValueError(f"its state must be smaller beside its block, got {text.nbytes:,} bytes")
    # Each category has a slot, and each slot some hundred bytes of weights.
    found = parse_json(text, 100_000 + block.nbytes // 40)
    if isinstance(found, dict) and "parameters" in found and found.get("format", 1) in EARLIER:
        raise ValueError(_EARLIER)
    names = ["format", "parameters", "generator", "skipped", "predictor"]
    if isinstance(found, dict) and "early" in found:
        names.append("early")
    state = Fields("state", found, names)
    if state.integer("format", 1) != FORMAT:
        raise ValueError(f"its format must be {FORMAT}, got {state.integer('format')}")
    return state, np.ascontiguousarray(block, np.uint8)


def early_from_json(state: Fields, parameters: Parameters) -> Early | None:
    """The first events, where a column of the first one has had no value yet."""
    if "early" not in state:
        return None
    if parameters.target or parameters.task != "regression":
        raise ValueError("early must be left out where the targets are known, got events")
    fields = Fields("early", state["early"], Early.FIELDS)
    return Early.from_json(fields, generator_from_json(fields["generator"]))


def predictor_from_json(
    value: object,
    block: NDArray[np.uint8],
    parameters: Parameters,
    generator: np.random.Generator,
) -> Predictor:
    """The predictor whose `predictor_to_json` and block these are.

    Parameters
    ----------
    value : object
        As from `predictor_to_json`.
    block : ndarray of uint8
        As from its stream's ``save``.
    parameters, generator
        Of the model that it belongs to.

    Raises
    ------
    ValueError
        If they are not those of one predictor.
    """
    fields = Fields("predictor", value, _FIELDS)
    made = _empty(fields, parameters, generator)
    if made.stream.size != block.nbytes:  # before any memory is taken
        raise ValueError(f"its block must have {made.stream.size:,} bytes, got {block.nbytes:,}")
    made.stream.load(block)
    if not parameters.horizon and made.stream.pending_count > parameters.max_delay:
        raise ValueError(f"at most {parameters.max_delay:,} events must wait, got more")
    _restore_encoder(fields, made)
    _restore_waiting(fields, made)
    if isinstance(made, ClassPredictor):
        _restore_classes(fields, made)
    elif fields["classes"] is not None:
        raise ValueError("predictor: classes must be null for numbers")
    made.encoder.words.size = words_of(made)
    return made


def words_of(predictor: NumberPredictor | ClassPredictor) -> int:
    """What names take: each that an event can change (`Words.changes`), and the targets."""
    encoder, waiting = predictor.encoder, predictor.waiting
    size = size_of_targets(predictor.targets)
    size += size_of(encoder.numbers) + size_of(encoder.ignored)
    size += size_of(waiting.ids) + size_of(waiting.complete)
    for name, category in encoder.categories.items():
        size += size_of(category.slots) + (0 if name in predictor.targets else size_of([name]))
    size += 2 * size_of(key for key in waiting.complete.values() if key is not None)
    return size + size_of(predictor.places or ())


def _empty(
    fields: Fields, parameters: Parameters, generator: np.random.Generator
) -> NumberPredictor | ClassPredictor:
    """A predictor of the sizes that these fields say, without memory."""
    targets, timed = tuple(fields.strings("targets")), fields.boolean("timed")
    slots = fields.integer("slots", 1, MOST_SIZE)
    pending = fields.integer("pending", 1, max(parameters.horizon, 2 * parameters.max_delay + 2))
    places = fields.integer("places", 1, MOST_SIZE)
    encoder, column = new_encoder(parameters), class_column(parameters)
    if column is None:
        if not targets or (parameters.target and targets != parameters.target):
            raise ValueError(f"predictor: targets must be the model's, got {targets!r:.60}")
        numbers = NumberPredictor(
            parameters, targets, encoder, generator, timed=timed, slots=slots, pending=pending
        )
        if places != numbers.ensemble.groups[0].topology.outputs:
            raise ValueError(f"predictor: places must be that of all targets, got {places:,}")
        return numbers
    if targets != (column,):
        raise ValueError(f"predictor: targets must be the model's, got {targets!r:.60}")
    return ClassPredictor(
        parameters,
        column,
        encoder,
        generator,
        timed=timed,
        slots=slots,
        classes=places,
        pending=pending,
    )


def _places_of(name: str, keys: object, places: object, end: int) -> dict[str, int]:
    """Categories, each with a place below `end` of its own."""
    names = list_of(name, keys, None, checked_category)
    numbers = list_of(name, places, len(names), lambda place: _integer(name, place, end))
    if len(set(names)) < len(names) or len(set(numbers)) < len(numbers):
        raise ValueError(f"{name} must have places of their own, got one twice")
    return dict(zip(names, numbers, strict=True))


def _restore_encoder(fields: Fields, predictor: NumberPredictor | ClassPredictor) -> None:
    encoder, stream = predictor.encoder, predictor.stream
    used = stream.slots_used
    encoder.started = fields.boolean("started")
    time = fields.optional("time", fields.string)
    if encoder.time is not None and time != encoder.time:
        raise ValueError(f"predictor: time must be the model's column, got {time!r:.60}")
    found_time = [] if time is None or time == encoder.time else [time]
    encoder.time = time
    names = fields.strings("numbers")
    if len(names) != stream.columns:
        raise ValueError(f"predictor: numbers must be {stream.columns:,}, got {len(names):,}")
    encoder.numbers = {name: index for index, name in enumerate(names)}
    encoder.ignored = dict.fromkeys(fields.strings("ignored"), True)
    declared = list(encoder.categories)
    encoder.categories = {}
    for item in list_of("categories", fields["categories"], None, lambda item: item):
        match item:
            case [str(name), other, keys, slots]:
                places = _places_of("categories", keys, slots, used)
                category = Category(places, _integer("categories", other, used))
            case _:
                raise ValueError(f"categories must be columns, got {item!r:.40}")
        if name in encoder.categories or len(places) > encoder.most:
            raise ValueError(f"categories must be one for each column, got {name!r:.40}")
        encoder.categories[name] = category
    if not set(declared) <= set(encoder.categories):
        raise ValueError(f"categories must have {declared[0]!r}, got none")
    columns = [*names, *encoder.categories, *encoder.ignored, *found_time]
    if isinstance(predictor, NumberPredictor):
        columns += predictor.targets
    if len(set(columns)) < len(columns):
        raise ValueError("predictor: columns must be of one kind each, got one of two")


def _restore_waiting(fields: Fields, predictor: NumberPredictor | ClassPredictor) -> None:
    stream, waiting = predictor.stream, predictor.waiting
    first = stream.pending_sequence
    end = first + stream.pending_count
    last = -1
    for item in list_of("ids", fields["ids"], None, lambda item: item):
        match item:
            case [str() | int() as id, number] if id not in waiting.ids:
                # In the order in which the events came.
                waiting.ids[id] = last = _integer("ids", number, end, last + 1)
            case _:
                raise ValueError(f"ids must be of events, got {item!r:.40}")
    for item in list_of("complete", fields["complete"], None, lambda item: item):
        match item:
            case [number, None | str() as key]:
                waiting.complete[_integer("complete", number, end)] = (
                    None if key is None else checked_category(key)
                )
            case _:
                raise ValueError(f"complete must be of events, got {item!r:.40}")
    waiting.prune(first)


def _restore_classes(fields: Fields, predictor: ClassPredictor) -> None:
    stream = predictor.stream
    match fields["classes"]:
        case [keys, places]:
            classes = _places_of("classes", keys, places, stream.known)
        case _:
            raise ValueError("classes must be keys and places, got something else")
    if len(classes) != stream.known - 1 or 0 in classes.values():
        raise ValueError(f"classes must be {stream.known - 1:,}, got {len(classes):,}")
    predictor.classes = classes
    predictor.keys = ["", *sorted(classes, key=classes.__getitem__)]
    if predictor.symbols:
        return
    slots = predictor.encoder.categories[predictor.column].slots
    given = stream.view("class slot")
    if list(slots) != list(classes) or any(
        given[place] != slots[key] for key, place in classes.items()
    ):
        raise ValueError("classes must be those of their column, got others")


def _integer(name: str, value: object, end: int, first: int = 0) -> int:
    if not isinstance(value, int) or not is_integer(value, first, end - 1):
        raise ValueError(f"{name} must be from {first:,} to below {end:,}, got {value!r:.40}")
    return value


def checked_category(key: object) -> str:
    """A category's name, as `category_of` makes it."""
    with contextlib.suppress(ValueError, IndexError):
        if isinstance(key, str):
            name = category_of("", label_of(key))
            if name == key or key[0] in "sy":  # a long text of an earlier version, as it is now
                return name
    raise ValueError(f"categories must be names that begin with a type, got {key!r:.40}")
