"""Checkpoints with a right digest and wrong contents: refused in one line, or they work."""

import json
import struct

import numpy as np
import pytest
from support.mutated import mutated
from support.mutations import KINDS, MODELS, NETWORKS, checkpoint, use_model

from lethe import CheckpointError, Model
from lethe.model import from_checkpoint

Path = tuple[str | int, ...]


def test_changed_checkpoints_are_refused_or_work() -> None:
    """`benchmarks/hostile.py` has thousands, and more events for each."""
    results = list(mutated(0, 12 * len(KINDS), 25))
    assert not [result for result in results if not result.is_fine]
    assert len(results) == 12 * len(KINDS)
    assert sum(result.outcome == "works" for result in results) > len(results) // 5


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_unchanged_loads(kind: str) -> None:
    given = checkpoint(kind)
    again = from_checkpoint(given.arrays, given.metadata).to_checkpoint()
    for name, array in given.arrays.items():
        assert np.array_equal(array, again[0][name])


# ---- the block ----


def with_number(kind: str, part: str, index: int, value: float) -> dict[str, np.ndarray]:
    """A model's arrays with another number in its block."""
    given = checkpoint(kind)
    arrays = {name: np.array(array) for name, array in given.arrays.items()}
    at, size = given.parts[part]
    arrays["block"][at : at + size].view(np.float64)[index] = value
    return arrays


@pytest.mark.parametrize(
    ("kind", "part", "value"),
    [
        ("numbers", "slots used", 1e6),
        ("numbers", "slots used", 0.0),
        ("numbers", "columns", 7.0),
        ("numbers", "column slot", 4096.0),
        ("numbers", "column mean", np.nan),
        ("numbers", "column variance", -1.0),
        ("numbers", "remembered", 0.5),
        ("numbers", "remembered", -1.0),
        ("numbers", "pending first", 5.0),
        ("numbers", "pending count", 2.0),
        ("numbers", "diverged", 4.0),
        ("numbers", "redraw", 1e9),
        ("numbers", "covariance", np.inf),
        ("numbers", "trust", 1.5),
        ("numbers", "anchor spread", -1.0),
        ("numbers", "anchor reach", 1e7),
        ("numbers", "error squares", 1e306),
        ("numbers", "tap source", 99.0),
        ("numbers", "tap lag", 1.0),
        ("numbers", "delay newest", 1024.0),
        ("numbers", "periods", 1e-300),
        ("numbers", "errors so far", -1.0),
        ("numbers", "blend weights", 2.0),
        ("numbers", "declared range", np.inf),
        ("late", "pending count", 1e9),
        ("classes", "classes known", 0.0),
        ("classes", "classes known", 100.0),
        ("classes", "last class", 7.0),
        ("classes", "class slot", 1000.0),
        ("classes", "weights", 1.5),
        ("classes", "repeats", 2.0),
        ("symbols", "class counts", 1e300),
    ],
)
def test_a_number_that_cannot_be(kind: str, part: str, value: float) -> None:
    arrays = with_number(kind, part, 0, value)
    with pytest.raises(CheckpointError, match=r"^a checkpoint must hold [^\n]*but not its [^\n]*$"):
        from_checkpoint(arrays, checkpoint(kind).metadata)


@pytest.mark.parametrize("index", range(1, 6))
@pytest.mark.parametrize("value", [-5.0, 0.5, 1e300, np.inf])
def test_a_record_that_waits_is_checked(index: int, value: float) -> None:
    """Its flags, its symbol, the classes that were known, and which of them came."""
    arrays = with_number("symbols", "records", index, value)
    with pytest.raises(CheckpointError, match="pending"):
        from_checkpoint(arrays, checkpoint("symbols").metadata)


@pytest.mark.parametrize("kind", ["numbers", *NETWORKS])
@pytest.mark.parametrize("count", [-1, 1 << 53, (1 << 63) - 1])
@pytest.mark.parametrize("field", range(1, 6))
def test_counters_of_a_network(kind: str, count: int, field: int) -> None:
    """Cases as attack/16 has them: they cannot overflow, and what is saved loads again."""
    if count == -1 and field == 5:
        pytest.skip("no symbol")
    given = checkpoint(kind)
    arrays = {name: np.array(array) for name, array in given.arrays.items()}
    at = given.parts["header 0"][0] + 8 * field
    arrays["block"][at : at + 8] = np.frombuffer(struct.pack("<q", count), np.uint8)
    with pytest.raises(CheckpointError, match=r"counters|symbol"):
        from_checkpoint(arrays, given.metadata)


@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind != "empty"])
def test_counters_stay_at_their_end(kind: str) -> None:
    given = checkpoint(kind)
    arrays = {name: np.array(array) for name, array in given.arrays.items()}
    for part in ("events", "missed", "skipped", "alarms", "lost steps"):
        at, size = given.parts[part]
        arrays["block"][at : at + size].view(np.float64)[...] = 2.0**53
    for name, (at, _) in given.parts.items():
        if name.startswith("header"):
            full = np.frombuffer(struct.pack("<4q", *(1 << 52,) * 4), np.uint8)
            arrays["block"][at + 8 : at + 40] = full
    model = from_checkpoint(arrays, given.metadata)
    assert isinstance(model, Model)
    from random import Random

    use_model(model, 20, Random(1))
    from_checkpoint(*model.to_checkpoint())


@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind != "empty"])
def test_a_block_of_another_size(kind: str) -> None:
    given = checkpoint(kind)
    block = given.arrays["block"]
    for wrong in (block[:-1], block[:0], np.append(block, block[:1]), block[None]):
        with pytest.raises(CheckpointError, match="bytes"):
            from_checkpoint({**given.arrays, "block": wrong}, given.metadata)


# ---- the state ----


def changed(kind: str, path: Path, value: object) -> dict[str, np.ndarray]:
    """A model's arrays with another value in its state."""
    given = checkpoint(kind)
    state = json.loads(given.arrays["state"].tobytes())
    node = state
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    text = np.frombuffer(json.dumps(state).encode(), np.uint8)
    return {**given.arrays, "state": text}  # type: ignore[dict-item]


OF = "predictor"


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("numbers", ("parameters", "target"), 5),
        ("numbers", ("parameters", "target"), []),
        ("numbers", ("parameters", "task"), "symbols"),
        ("numbers", ("parameters", "horizon"), 3),
        ("numbers", ("parameters", "horizon"), True),
        ("numbers", ("parameters", "cells"), 1 << 40),
        ("numbers", ("parameters", "cells"), 1 << 20),
        ("numbers", ("parameters", "layers"), 1000),
        ("numbers", ("parameters", "rates"), ["0.1"]),
        ("numbers", ("parameters", "rates"), [float("nan")]),
        ("numbers", ("parameters", "rates"), [0.5, 0.5]),
        ("numbers", ("parameters", "max_delay"), float("inf")),
        ("numbers", ("parameters", "bad"), "ignore"),
        ("numbers", ("generator", "bit_generator"), "MT19937"),
        ("numbers", ("generator", "state"), {}),
        ("numbers", ("skipped",), -1),
        ("numbers", (OF,), None),
        ("numbers", (OF, "targets"), ["y", "y"]),
        ("numbers", (OF, "targets"), [f"y{n}" for n in range(5000)]),
        ("numbers", (OF, "timed"), True),
        ("numbers", (OF, "slots"), 0),
        ("numbers", (OF, "slots"), 1 << 20),
        ("numbers", (OF, "pending"), 1 << 19),
        ("numbers", (OF, "numbers"), ["a"]),
        ("numbers", (OF, "numbers"), ["a", "a"]),
        ("numbers", (OF, "numbers"), ["a", "y"]),
        ("numbers", (OF, "ignored"), ["a"]),
        ("numbers", (OF, "time"), "a"),
        ("numbers", (OF, "classes"), [["sx"], [1]]),
        ("numbers", (OF, "ids"), [["a", 10**30]]),
        ("late", (OF, "ids", 0, 1), -1),
        ("late", (OF, "ids"), [["a", 49], ["b", 48]]),
        ("late", (OF, "complete", 0, 0), 10**9),
        ("timed", (OF, "categories", 0, 1), 4096),
        ("timed", (OF, "categories", 0, 3), [1]),
        ("timed", (OF, "categories", 0, 2), ["nothing"]),
        ("classes", (OF, "classes"), [["sx"], [1]]),
        ("classes", (OF, "categories"), []),
        ("symbols", (OF, "categories"), []),
        ("symbols", (OF, "time"), "symbol"),
        ("symbols", (OF, "places"), 1 << 20),
    ],
)
def test_a_field_that_does_not_fit(kind: str, path: Path, value: object) -> None:
    arrays = changed(kind, path, value)
    with pytest.raises(CheckpointError, match=r"^a checkpoint must hold the whole state[^\n]*$"):
        from_checkpoint(arrays, checkpoint(kind).metadata)


@pytest.mark.parametrize(
    "text",
    ["", "null", "5", "[]", "{}", '{"part":', "[" * 100_000, '{"a":[[' * 50_000, "\xff", "NaN"],
)
def test_a_text_that_is_no_state(text: str) -> None:
    given = checkpoint("numbers")
    state = np.frombuffer(text.encode("latin-1"), np.uint8)
    with pytest.raises(CheckpointError, match=r"^a checkpoint must hold the whole state[^\n]*$"):
        from_checkpoint({**given.arrays, "state": state}, given.metadata)


@pytest.mark.parametrize("text", ["[" + "[]," * 6_000_000 + "[]]", '"' + "x" * 30_000_000 + '"'])
def test_a_state_that_would_take_much_memory(text: str) -> None:
    given = checkpoint("numbers")
    state = np.frombuffer(text.encode(), np.uint8)
    with pytest.raises(CheckpointError, match=r"values|smaller"):
        from_checkpoint({**given.arrays, "state": state}, given.metadata)


def test_categories_of_many_commas_load() -> None:
    """Marks within strings are no values."""
    model = Model("y", cells=1, rates=(1e-2,))
    for n in range(40):
        model.learn({"word": f"{n}" + ",[{" * 3000, "y": 1.0})
    again = from_checkpoint(*model.to_checkpoint())
    assert isinstance(again, Model)
    assert again.events == 40
