"""Columns and categories that come and go, and the room that grows with them."""

import math
from typing import Any

import numpy as np
import pytest
from support.models import bits_of, numbers, small, symbols

from lethe import Model
from lethe.model.encoding import Encoder, Seen, category_of, label_of


def wide(count: int, columns: int, seed: int = 0) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    events = []
    for event in numbers(count, seed):
        more = {f"c{n}": float(random.normal()) for n in range(columns)}
        events.append(event | more)
    return events


# ---- new columns ----


@pytest.mark.parametrize("late", [False, True])
def test_room_grows_and_what_was_learned_stays(late: bool) -> None:
    """8, 16, 32, 64, 128 places: also past the 64 that linear predictors see."""
    model = small("y", new_columns="grow", detect=False)
    stream = numbers(400)
    for n, event in enumerate(stream[:200]):
        x = {"a": event["a"], "b": event["b"]}
        model.learn(x, *(() if late else (event["y"],)), id=n if late else None)
        if late and n >= 5:
            model.learn_target(n - 5, stream[n - 5]["y"])
    assert model.heads.places == 8
    columns: dict[str, float] = {}
    for places in (8, 16, 32, 64, 128):
        event = stream[200 + places]
        x = {"a": event["a"], "b": event["b"]}
        before = [
            model.predict({"a": a, "b": b}).value for a in (-1.0, 0.0, 2.0) for b in (0.0, 1.0)
        ]
        room = {f"c{places}.{n}": 0.0 for n in range(places - encoder_of(model).used - 1)}
        columns |= room | {f"c{places}.last": 0.0, f"c{places}.one more": 0.0}
        seen = model._read(x | columns)
        model._make_room(encoder_of(model).admit(seen))
        assert model.heads.places == 2 * places
        # The old columns' answers are the same: a missing column is at its mean.
        after = [
            model.predict({"a": a, "b": b}).value for a in (-1.0, 0.0, 2.0) for b in (0.0, 1.0)
        ]
        np.testing.assert_allclose(after, before, rtol=1e-6)
        report = model.learn(x | columns, event["y"], id="x" if late else None)
        assert report.prediction is not None
        if late:
            while model.owed:
                owed = model.owed[0]
                model.learn_target(owed.id, 1.0)
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
    assert model.heads.places == 16
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
    assert list(encoder_of(model).categories) == ["y", "word"] if task == "classification" else ["word"]
    assert encoder_of(model).time == "at"
    assert len(encoder_of(model).numbers) == 11


def test_growing_changes_no_learned_number_of_a_class_model() -> None:
    model = small("y", task="classification", new_columns="grow")
    for n in range(200):
        model.learn({"a": float(n % 2)}, "even" if n % 2 else "odd")
    before = model.predict({"a": 1.0}).probabilities
    seen = model._read({"a": 1.0} | {f"c{n}": 0.0 for n in range(20)})
    model._make_room(encoder_of(model).admit(seen))
    after = model.predict({"a": 1.0}).probabilities
    assert model.heads.places == 32
    assert dict(after) == pytest.approx(dict(before), rel=1e-5)


# ---- categories ----


def encoder(most: int) -> Encoder:
    made = Encoder(None, most, "raise", "missing")
    made.declare("c")
    return made


def test_the_least_recently_used_category_becomes_other() -> None:
    made = encoder(3)
    category = made.categories["c"]

    def use(value: str) -> list[int]:
        return made.admit(Seen(np.empty(0), (("c", value),), math.nan, ()))

    for value in "abc":
        assert use(value) == []
    place = category.places["b"]
    assert use("a") == []
    assert use("d") == [place]  # b was used least recently
    assert category.places == {"c": 3, "a": 1, "d": place}
    assert made.used == 4
    out = np.zeros(8)
    made.places(Seen(np.empty(0), (("c", "b"),), math.nan, ()), out)
    assert list(out) == [1, 0, 0, 0, 0, 0, 0, 0]  # other


@pytest.mark.parametrize("count", [3, 8, 50])
def test_categories_beyond_the_cap(count: int) -> None:
    random = np.random.default_rng(0)
    model = small("y", categories=5)
    for _ in range(300):
        k = int(random.integers(count))
        model.learn({"word": f"w{k}", "n": k}, float(k))
    places = encoder_of(model).categories["word"].slots
    assert len(places) == min(count, 5)
    assert model.heads.places == 8
    assert math.isfinite(model.predict({"word": "never seen"}).value)
    if count == 3:
        for k in range(3):
            assert model.predict({"word": f"w{k}", "n": k}).value == pytest.approx(k, abs=0.3)


def test_a_category_that_gave_way_leaves_nothing_behind() -> None:
    """A new category in its place is met as one that nothing is known of."""
    model = small("y", categories=2, detect=False)
    for n in range(400):
        model.learn({"word": "up" if n % 2 else "down"}, 10.0 if n % 2 else -10.0)
    place = encoder_of(model).categories["word"].slots["sdown"]
    model.learn({"word": "up"}, 10.0)
    model.learn({"word": "new"}, None)
    assert encoder_of(model).categories["word"].slots == {"sup": 3 - place, "snew": place}
    feature = model.heads._features - model.heads.places + place
    assert not model.heads.part("weights")[..., feature].any()
    covariance = model.heads.part("covariance")[0]
    assert np.count_nonzero(covariance[feature]) >= 1
    for net in model.heads.racers.learners:
        for kind in ("input_gate", "forget_gate", "output_gate", "cell"):
            assert not net.weights(kind)[..., feature - 1].any()


def test_a_category_that_gave_way_leaves_nothing_behind_in_a_class_model() -> None:
    model = small("y", task="classification", categories=2, detect=False)
    for n in range(400):
        model.learn({"word": "up" if n % 2 else "down"}, n % 2)
    places = encoder_of(model).categories["word"].slots
    place = places["sdown"]
    model.learn({"word": "up"}, 1)
    model.learn({"word": "new"}, None)
    assert places["snew"] == place
    for net in model.heads.racers.learners:
        names = net.topology.sources("output")
        weights = net.weights("output")
        assert not weights[:, names.index(f"input {model.heads.fixed + place}")].any()
        assert weights[:, names.index(f"input {model.heads.fixed + places['sup']}")].any()


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
    assert len(model.heads.classes) == 5
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
            if any(owed.id == id and not owed.known for owed in model.owed):
                model.learn_target(id, f"class {random.integers(8)}")
    assert len(model.heads.classes) == 3
    assert model.predict({"a": 0.0}).value is not None


def test_many_symbols() -> None:
    model = small(task="symbols")
    text = symbols(500) + [chr(1000 + n) for n in range(60)] + symbols(500)
    for symbol in text:
        model.learn(symbol)
    assert model.heads.known == len(set(text))
    assert model.heads.racers.learners[0].topology.inputs == model.heads.places == 128


# ---- what is bounded ----


def sizes(model: Model) -> dict[str, int]:
    encoder, heads = encoder_of(model), model.heads
    found = {
        "owed": waiting(model),
        "used": encoder.used,
        "places": heads.places,
        "categories": sum(len(c.places) for c in encoder.categories.values()),
        "ignored": len(encoder.ignored),
        "stuck": len(model.health.stuck),
    }
    if model.task == "regression":
        return found | {"block": heads.block.size}
    return found | {"classes": len(heads.classes), "keys": len(heads.keys), "room": heads.room}


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
    assert found[0]["owed"] <= 7


def test_bits_do_not_depend_on_the_order_of_columns() -> None:
    ours, theirs = small("y"), small("y")
    for n, event in enumerate(numbers(30)):
        ours.learn(event)
        theirs.learn(dict(reversed(event.items())) if n else event)
    assert bits_of(ours) == bits_of(theirs)


def test_columns_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lethe.model.encoding.MOST_COLUMNS", 10)
    model = Model("y", cells=1, new_columns="grow")
    for n in range(10):
        model.learn({f"x{n}": 1.0, "y": 2.0})
    before = bits_of(model)
    with pytest.raises(ValueError, match="events must have at most 10 columns in all, got 10"):
        model.learn({"one more": 1.0, "y": 2.0})
    assert bits_of(model) == before
    model.learn({"x3": 1.0, "y": 2.0})
