"""Checkpoints with a right digest and a wrong life: refused in one line, or they work."""

import copy
import functools
import json
import math
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import TASKS, of_task

from lethe import CheckpointError, Model
from lethe.model import from_checkpoint

Arrays = dict[str, np.ndarray]


@functools.cache
def parts(task: str, late: bool) -> tuple[str, Arrays, dict[str, Any], list[Any]]:
    """A life as JSON, its arrays, the metadata, and events to come."""
    model, events = of_task(task, categories=3, wait=5)
    stream = events(16)
    for n, event in enumerate(stream[:12]):
        if not late or model.horizon:
            model.learn(event)
            continue
        x = {name: value for name, value in event.items() if name not in model.targets}
        model.learn(x, id=n)
        if n % 2:
            target = {name: event[name] for name in model.targets}
            model.tell(n, target if len(target) > 1 else event["y"])
    arrays, metadata = model.to_checkpoint()
    life = arrays.pop("life").tobytes().decode()
    return life, arrays, metadata, stream[12:]


def restored(life: Any, arrays: Arrays, metadata: dict[str, Any]) -> Model:
    text = np.frombuffer(json.dumps(life).encode(), np.uint8)
    copies = {name: np.array(array) for name, array in arrays.items()}
    return from_checkpoint(copies | {"life": text}, metadata)  # type: ignore[no-any-return]


def use(model: Model, events: list[Any]) -> None:
    for event in events:
        model.predict(*(() if model.horizon else (event,)))
        model.learn(event)
    if model.owed and model.owed[0].id is not None:
        model.tell(model.owed[0].id, None)
    model.to_checkpoint()


# ---- anything, anywhere ----

ANYTHING: list[Any] = [
    None, True, False, 0, 1, -1, 5, 2**31, 2**63, 2**64, 10**30, 1.5, -1.0, 1e308, math.nan,
    math.inf, "", "x", "sx", [], [1], {}, {"list": []}, {"tuple": [1]}, {"deque": [None]},
    {"dict": []}, {"dict": [["a", 1]]}, {"dict": [[1, 2]]}, {"dict": [5]}, {"array": "none"},
    {"stack": "list", "of": {}}, {"part": "Model", "life": {}}, {"part": "os", "life": {}},
    {"generator": {}}, {"network": "x", "configuration": {}},
]  # fmt: skip


def paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(node, dict | list):
        return []
    found = []
    for key, item in node.items() if isinstance(node, dict) else enumerate(node):
        found += [(*path, key), *paths(item, (*path, key))]
    return found


def at(node: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        node = node[key]
    return node


def change_life(life: Any, random: Random) -> None:
    places = paths(life)
    *above, key = random.choice(places)
    parent, how = at(life, tuple(above)), random.random()
    if how < 0.6:
        parent[key] = copy.deepcopy(random.choice(ANYTHING))
    elif how < 0.75:
        del parent[key]
    elif how < 0.9 or isinstance(parent, list):
        parent[key] = copy.deepcopy(at(life, random.choice(places)))
    else:
        parent[f"{key}x"] = parent.pop(key)


def change_arrays(arrays: Arrays, random: Random) -> None:
    name = random.choice(sorted(arrays))
    array, how = arrays[name], random.random()
    with np.errstate(all="ignore"):
        if how < 0.2:
            arrays[name] = array[:-1]
        elif how < 0.35:
            arrays[name] = np.concatenate((array, array))
        elif how < 0.5:
            arrays[name] = array.astype(random.choice("dflB?"))
        elif how < 0.6:
            arrays[name] = array[None]
        elif how < 0.9 and array.size:
            changed = array.reshape(-1).copy()
            value = np.array(random.choice([0, 1, 255, -1, 2**40, math.nan, math.inf, 1e300]))
            changed[random.randrange(changed.size)] = value.astype(array.dtype)
            arrays[name] = changed.reshape(array.shape)
        else:
            arrays[name] = arrays[random.choice(sorted(arrays))]


@settings(max_examples=250, deadline=None)
@given(task=st.sampled_from(sorted(TASKS)), late=st.booleans(), seed=st.integers(0, 2**32))
def test_a_changed_life_is_refused_or_works(task: str, late: bool, seed: int) -> None:
    text, whole, metadata, events = parts(task, late)
    random, life, arrays = Random(seed), json.loads(text), dict(whole)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        if random.random() < 0.6:
            change_life(life, random)
        else:
            change_arrays(arrays, random)
    refusal = ""
    try:
        model = restored(life, arrays, metadata)
    except CheckpointError as error:
        refusal = str(error)
    else:
        try:
            use(model, events)
        except (ValueError, RuntimeError) as error:  # a life can also be one that makes no sense
            refusal = str(error)
    assert "\n" not in refusal


# ---- each of these by name ----


@pytest.mark.parametrize("task", sorted(TASKS))
@pytest.mark.parametrize("late", [False, True])
def test_an_unchanged_life_works(task: str, late: bool) -> None:
    text, arrays, metadata, events = parts(task, late)
    use(restored(json.loads(text), arrays, metadata), events)


def field(life: Any, *names: str) -> Any:
    """The life of a part within a life."""
    for name in names:
        life = life["life"][name]
    return life


@pytest.mark.parametrize(
    ("task", "where", "value"),
    [
        ("number", ("targets",), 5),
        ("number", ("targets",), {"list": ["y"]}),
        ("number", ("targets",), {"tuple": []}),
        ("number", ("task",), "symbols"),
        ("number", ("horizon",), 3),
        ("number", ("horizon",), True),
        ("number", ("cells",), 1 << 40),
        ("number", ("rates",), {"tuple": ["0.1"]}),
        ("number", ("wait",), math.inf),
        ("number", ("generator",), {"generator": {"bit_generator": "MT19937"}}),
        ("number", ("events",), -1),
        ("number", ("owed",), {"deque": [5]}),
        ("number", ("scorer",), None),
        ("number", ("heads",), None),
        ("number", ("heads", "sizes"), {"list": [1, 1, 8, 0]}),
        ("number", ("heads", "sizes"), {"list": [1, 1 << 40, 8, 0, False]}),
        ("number", ("heads", "sizes"), {"list": [2, 1, 8, 0, False]}),
        ("number", ("heads", "places"), 16),
        ("number", ("heads", "networks"), 3),
        ("number", ("heads", "racers", "stumbled"), 1 << 70),
        ("number", ("heads", "racers", "apart"), True),
        ("number", ("heads", "racers", "learners"), {"list": []}),
        ("number", ("encoder", "used"), 1000),
        ("number", ("encoder", "used"), 0),
        ("number", ("encoder", "numbers"), {"dict": [["a", 0], ["b", 7]]}),
        ("number", ("encoder", "scale"), None),
        ("number", ("encoder", "bad"), "ignore"),
        ("number", ("health", "alarms"), {"dict": []}),
        ("class", ("heads", "keys"), {"list": ["", "", "", ""]}),
        ("class", ("heads", "keys"), {"list": ["", "slow"]}),
        ("class", ("heads", "last"), 99),
        ("class", ("heads", "room"), 2),
        ("class", ("heads", "classes"), {"dict": [["slow", 900]]}),
        ("symbols", ("heads", "symbols"), False),
        ("symbols", ("encoder", "categories"), {"dict": []}),
        ("three ahead", ("horizon",), 2),
    ],
)
def test_a_part_that_does_not_fit(task: str, where: tuple[str, ...], value: Any) -> None:
    text, arrays, metadata, _ = parts(task, False)
    life = json.loads(text)
    field(life, *where[:-1])["life"][where[-1]] = value
    with pytest.raises(CheckpointError, match=r"^a checkpoint must hold the whole life[^\n]*$"):
        restored(life, arrays, metadata)


@pytest.mark.parametrize("value", [-1.0, 1e9, math.nan, math.inf])
def test_a_past_that_is_longer_than_its_room(value: float) -> None:
    text, whole, metadata, _ = parts("number", False)
    arrays = {name: array.copy() for name, array in whole.items()}
    arrays["model.heads.block"][0] = value
    with pytest.raises(CheckpointError, match="damaged"):
        restored(json.loads(text), arrays, metadata)


@pytest.mark.parametrize(
    "text",
    ["", "null", "5", "[]", "{}", '{"part":', "[" * 100_000, '{"dict":[[' * 50_000, "\xff", "NaN"],
)
def test_a_text_that_is_no_life(text: str) -> None:
    _, arrays, metadata, _ = parts("number", False)
    life = np.frombuffer(text.encode("latin-1"), np.uint8)
    with pytest.raises(CheckpointError, match=r"^a checkpoint must hold the whole life[^\n]*$"):
        from_checkpoint(arrays | {"life": life}, metadata)


def test_a_life_is_not_executed() -> None:
    """Names are those of parts, whatever else could be imported by them."""
    _, arrays, metadata, _ = parts("number", False)
    for name in ("os.system", "Network", "dict", "Past", "Report", "__builtins__"):
        life: dict[str, Any] = {"part": name, "life": {}}
        with pytest.raises(CheckpointError, match="must be of a part that this version knows"):
            restored(life, arrays, metadata)
