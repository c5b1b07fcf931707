"""Columns and categories that come and go, and the slots that grow with them."""

import copy
import math
from typing import Any

import numpy as np
import pytest
from support.models import (
    bits_of,
    encoder_of,
    numbers,
    predictor_of,
    small,
    stream_of,
    symbols,
    waiting,
)

from lethe import Model
from lethe.model.encoder import Fields
from lethe.model.values import category_of, label_of


def wide(count: int, columns: int, seed: int = 0) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    events = []
    for event in numbers(count, seed):
        more = {f"c{n}": float(random.normal()) for n in range(columns)}
        events.append(event | more)
    return events


# ---- new columns ----


PROBES = [{"a": a, "b": b} for a in (-1.0, 0.0, 2.0) for b in (0.0, 1.0)]


@pytest.mark.parametrize("late", [False, True])
def test_slots_grow_and_what_was_learned_stays(late: bool) -> None:
    """8, 16, 32, 64, 128 slots: also past the 64 that linear predictors see."""
    model = small("y", new_columns="grow", detect=False)
    stream = numbers(400)
    for n, event in enumerate(stream[:200]):
        x = {"a": event["a"], "b": event["b"]}
        model.learn(x, *(() if late else (event["y"],)), id=n if late else None)
        if late and n >= 5:
            model.learn_target(n - 5, stream[n - 5]["y"])
    assert stream_of(model).slots == 8
    for slots in (8, 16, 32, 64, 128):
        event = stream[200 + slots]
        x = {"a": event["a"], "b": event["b"]}
        room = {f"c{slots}.{n}": 0.0 for n in range(slots - stream_of(model).slots_used - 1)}
        columns = room | {f"c{slots}.last": 0.0, f"c{slots}.one more": 0.0}
        smaller = copy.deepcopy(model)
        for one, more in ((smaller, {}), (model, columns)):
            one.learn(x | more, *(() if late else (None,)), id="x" if late else None)
        assert (stream_of(smaller).slots, stream_of(model).slots) == (slots, 2 * slots)
        # The new columns have said nothing yet: the old ones' answers are the same.
        answers = [[one.predict(probe).value for probe in PROBES] for one in (smaller, model)]
        np.testing.assert_allclose(*answers, rtol=1e-6)
        report = model.learn(x | columns, event["y"])
        assert report.prediction is not None
        for id in list(predictor_of(model).waiting.ids):
            model.learn_target(id, 1.0)
        assert waiting(model) == 0
    for event in wide(60, 3):
        model.learn({"a": event["a"], "b": event["b"]}, event["y"])
    assert math.isfinite(model.predict({"a": 1.0, "b": 0.0}).value)


def test_a_model_that_grew_learns_from_the_new_columns() -> None:
    random = np.random.default_rng(0)
    model, errors = small("y", new_columns="grow"), []
    for n in range(2500):
        values = {f"c{k}": float(random.normal()) for k in range(2 if n < 500 else 12)}
        y = values["c0"] + 3 * values.get("c11", 0.0)
        report = model.learn(values, y)
        assert report.prediction is not None
        errors.append(abs(report.prediction.value - y))
    assert stream_of(model).slots == 16
    assert np.mean(errors[-300:]) < 0.3


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_new_columns_of_every_kind(task: Any) -> None:
    model = small("y", task=task, new_columns="grow")
    for n in range(60):
        event: dict[str, Any] = {"a": 1.0}
        if n >= 10:
            event["word"] = "xyz"[n % 3]
        if n >= 20:
            event["at"] = f"2024-01-01T00:{n:02d}:00"
        if n >= 30:
            event |= {f"n{k}": float(k) for k in range(10)}
        model.learn(event, float(n % 2))
    words = ["y", "word"] if task == "classification" else ["word"]
    assert list(encoder_of(model).categories) == words
    assert encoder_of(model).time == "at"
    assert len(encoder_of(model).numbers) == 11


def test_growing_changes_no_learned_number_of_a_class_model() -> None:
    model = small("y", task="classification", new_columns="grow")
    for n in range(200):
        model.learn({"a": float(n % 2)}, "even" if n % 2 else "odd")
    smaller = copy.deepcopy(model)
    smaller.learn({"a": 1.0}, None)
    model.learn({"a": 1.0} | {f"c{n}": 0.0 for n in range(20)}, None)
    assert (stream_of(smaller).slots, stream_of(model).slots) == (8, 32)
    before, after = (one.predict({"a": 1.0}).probabilities for one in (smaller, model))
    assert dict(after) == pytest.approx(dict(before), rel=1e-5)


# ---- categories ----


def test_the_least_recently_used_category_becomes_other() -> None:
    model = small("y", categories=3)

    def use(value: str) -> list[int]:
        """The slots that get another meaning."""
        before = dict(encoder_of(model).categories["c"].slots) if model.events else {}
        model.learn({"c": value}, 1.0)
        now = encoder_of(model).categories["c"].slots
        return [slot for name, slot in before.items() if name not in now]

    for value in "abc":
        assert use(value) == []
    category = encoder_of(model).categories["c"]
    slot = category.slots["sb"]
    assert use("a") == []
    assert use("d") == [slot]  # b was used least recently
    assert category.slots == {"sc": 3, "sa": 1, "sd": slot}
    assert list(category.slots) == ["sc", "sa", "sd"]
    assert stream_of(model).slots_used == 4
    known = Fields(np.empty(0), (("c", "sb"),), math.nan, ())
    assert encoder_of(model).slots(known) == [category.other] == [0]


@pytest.mark.parametrize("count", [3, 8, 50])
def test_categories_beyond_the_cap(count: int) -> None:
    random = np.random.default_rng(0)
    model = small("y", categories=5)
    for _ in range(300):
        k = int(random.integers(count))
        model.learn({"word": f"w{k}", "n": k}, float(k))
    assert len(encoder_of(model).categories["word"].slots) == min(count, 5)
    assert stream_of(model).slots == 8
    assert math.isfinite(model.predict({"word": "never seen"}).value)
    if count == 3:
        for k in range(3):
            assert model.predict({"word": f"w{k}", "n": k}).value == pytest.approx(k, abs=0.3)


def test_a_category_that_gave_way_leaves_nothing_behind() -> None:
    """A new category in its place is met as one that nothing is known of."""
    model = small("y", categories=2, detect=False)
    for n in range(400):
        model.learn({"word": "up" if n % 2 else "down"}, 10.0 if n % 2 else -10.0)
    slots = encoder_of(model).categories["word"].slots
    slot = slots["sdown"]
    model.learn({"word": "up"}, 10.0)
    model.learn({"word": "new"}, None)
    assert slots == {"sup": 3 - slot, "snew": slot}
    stream = stream_of(model)
    first = 1 + stream.inputs - stream.slots
    assert not stream.view("weights")[..., first + slot].any()
    assert stream.view("weights")[..., first + slots["sup"]].any()
    size = stream.view("weights").shape[-1]
    lower = np.zeros((size, size))
    lower[np.tril_indices(size)] = stream.view("covariance")[0]
    assert lower[first + slot].any()
    for net in model.networks:
        # Slots come last, of what any network sees.
        own = net.topology.inputs - stream.slots + slot
        for kind in ("input_gate", "forget_gate", "output_gate", "cell"):
            assert not net.weights(kind)[..., own].any()


def test_a_category_that_gave_way_leaves_nothing_behind_in_a_class_model() -> None:
    model = small("y", task="classification", categories=2, detect=False)
    for n in range(400):
        model.learn({"word": "up" if n % 2 else "down"}, n % 2)
    slots = encoder_of(model).categories["word"].slots
    slot = slots["sdown"]
    model.learn({"word": "up"}, 1)
    model.learn({"word": "new"}, None)
    assert slots["snew"] == slot
    first = stream_of(model).inputs - stream_of(model).slots
    for net in model.networks:
        names = net.topology.sources("output")
        weights = net.weights("output")
        assert not weights[:, names.index(f"input {first + slot}")].any()
        assert weights[:, names.index(f"input {first + slots['sup']}")].any()


def test_a_category_in_use_is_told_apart() -> None:
    random = np.random.default_rng(0)
    model, errors = small("y"), []
    means = {"x": 1.0, "y": 5.0, "z": -3.0}
    for _ in range(800):
        word = random.choice(list(means))
        y = means[word] + 0.1 * random.normal()
        report = model.learn({"word": word}, y)
        assert report.prediction is not None
        errors.append(abs(report.prediction.value - y))
    assert np.mean(errors[-200:]) < 0.3


@pytest.mark.parametrize(
    "value",
    ["", "text", "ü\ud800", True, False, 0, -5, 10**30, 1.0, -0.0, 1e300, b"\xff", np.int8(3)],
)
def test_a_category_has_one_name(value: Any) -> None:
    label = label_of(category_of("c", value))
    assert label == value
    assert category_of("c", label) == category_of("c", value)


@pytest.mark.parametrize("value", [1.5, math.nan, math.inf, 1j, [1], None, object()])
def test_what_is_no_category(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^column 'c' must be a category[^\n]*$"):
        category_of("c", value)


# ---- classes ----


@pytest.mark.parametrize("count", [2, 7, 8, 9, 40])
def test_more_classes_than_there_is_room_for(count: int) -> None:
    random = np.random.default_rng(0)
    model = small("y", task="classification")
    for n in range(400):
        k = n % count if n < count else int(random.integers(count))
        model.learn({"a": k / count}, f"class {k}")
    prediction = model.predict({"a": 0.0})
    assert len(prediction.probabilities) == count
    assert sum(prediction.probabilities.values()) + prediction.new == pytest.approx(1)
    assert all(probability > 0 for probability in prediction.probabilities.values())


@pytest.mark.parametrize("task", ["classification", "symbols"])
def test_classes_beyond_the_cap(task: Any) -> None:
    model = small(None if task == "symbols" else "y", task=task, categories=5)
    for n in range(300):
        k = n % 3 if n < 200 else n
        model.learn(f"class {k}") if task == "symbols" else model.learn({"a": 1.0}, f"class {k}")
    assert len(predictor_of(model).classes) == 5
    prediction = model.predict() if task == "symbols" else model.predict({"a": 1.0})
    assert set(prediction.probabilities) == {f"class {n}" for n in range(295, 300)}
    assert sum(prediction.probabilities.values()) + prediction.new == pytest.approx(1)
    assert prediction.new > 0.2  # most were new lately
    for _ in range(400):
        event: Any = "class 0" if task == "symbols" else {"a": 1.0}
        model.learn(event) if task == "symbols" else model.learn(event, "class 0")
    prediction = model.predict() if task == "symbols" else model.predict({"a": 1.0})
    assert prediction.value == "class 0"
    assert prediction.probabilities["class 0"] > 0.5


def test_one_class_alone() -> None:
    model = small("y", task="classification")
    for _ in range(100):
        model.learn({"a": 1.0}, "only")
    prediction = model.predict({"a": 1.0})
    assert prediction.value == "only"
    assert prediction.probabilities["only"] > 0.95


def test_late_classes_that_have_given_way() -> None:
    """A class can be new again by the time its event is learned from."""
    random = np.random.default_rng(0)
    model = small("y", task="classification", categories=3, max_delay=10)
    waiting: list[int] = []
    for n in range(200):
        model.learn({"a": float(random.normal())}, id=n)
        waiting.append(n)
        if random.random() < 0.8:
            id = waiting.pop(random.integers(len(waiting)))
            if predictor_of(model).waiting.find(id) is not None:
                model.learn_target(id, f"class {random.integers(8)}")
    assert len(predictor_of(model).classes) == 3
    assert model.predict({"a": 0.0}).value is not None


def test_many_symbols() -> None:
    model = small(task="symbols")
    text = symbols(500) + [chr(1000 + n) for n in range(60)] + symbols(500)
    for symbol in text:
        model.learn(symbol)
    assert stream_of(model).known == 1 + len(set(text))
    assert model.networks[0].topology.inputs == stream_of(model).slots == 128


# ---- what is bounded ----


def sizes(model: Model) -> dict[str, int]:
    encoder, stream = encoder_of(model), stream_of(model)
    found = {
        "waiting": waiting(model),
        "ids": len(predictor_of(model).waiting.ids),
        "complete": len(predictor_of(model).waiting.complete),
        "used": stream.slots_used,
        "slots": stream.slots,
        "size": model.size,
        "categories": sum(len(c.slots) for c in encoder.categories.values()),
        "ignored": len(encoder.ignored),
    }
    if model.task == "regression":
        return found
    predictor = predictor_of(model)
    return found | {"classes": len(predictor.classes), "keys": len(predictor.keys)}


@pytest.mark.parametrize("task", ["regression", "classification", "symbols"])
def test_nothing_grows_without_end(task: Any) -> None:
    random = np.random.default_rng(0)
    target = None if task == "symbols" else "y"
    model = small(target, task=task, categories=20, max_delay=7, detect=False)
    found = []
    for n in range(1500):
        if task == "symbols":
            model.learn(f"s{random.integers(100)}")
        else:
            event = {"a": float(random.normal()), "word": f"w{random.integers(100)}"}
            model.learn(event, id=n)
            if n % 3 == 0:
                model.learn_target(n, float(random.normal()) if task == "regression" else n % 50)
        if n in (500, 1499):
            found.append(sizes(model))
    assert found[0] == found[1]
    assert found[0]["waiting"] <= 7


def test_bits_do_not_depend_on_the_order_of_columns() -> None:
    ours, theirs = small("y"), small("y")
    for n, event in enumerate(numbers(30)):
        ours.learn(event)
        theirs.learn(dict(reversed(event.items())) if n else event)
    assert bits_of(ours) == bits_of(theirs)


def test_columns_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lethe.model.encoder.MOST_COLUMNS", 10)
    model = Model("y", cells=1, new_columns="grow")
    for n in range(10):
        model.learn({f"x{n}": 1.0, "y": 2.0})
    before = bits_of(model)
    with pytest.raises(ValueError, match="events must have at most 10 columns in all, got 10"):
        model.learn({"one more": 1.0, "y": 2.0})
    assert bits_of(model) == before
    model.learn({"x3": 1.0, "y": 2.0})
