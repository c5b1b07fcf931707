"""Classes that follow from the columns of their own event, and the probabilities of all of them."""

import copy
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import bits_of, small, stream_of

import lethe
from lethe import Model, Prediction
from lethe.model.classes import EXPERTS

Labelled = list[tuple[dict[str, Any], str]]


def rings(count: int, seed: int = 0) -> Labelled:
    """Whether a point lies within a ring: no line tells them apart."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(count, 2))
    inside = np.abs(np.hypot(*points.T) - 1.2) < 0.45
    return [
        ({"a": float(a), "b": float(b)}, "in" if near else "out")
        for (a, b), near in zip(points, inside, strict=True)
    ]


def codes(count: int, seed: int = 0) -> Labelled:
    """A class that follows from two columns of categories, some of them missing."""
    random = np.random.default_rng(seed)
    events: Labelled = []
    for a, b, gone in zip(*random.integers(5, size=(2, count)), random.random(count), strict=True):
        event: dict[str, Any] = {"a": f"a{a}", "b": f"b{b}", "c": float(random.normal())}
        if gone < 0.1:
            event["c"] = None
        events.append((event, f"y{(a + 2 * b) % 3}"))
    return events


def answer(model: Model, event: dict[str, Any], y: Any = ..., **more: Any) -> Prediction:
    """What had been predicted of an event that is learned now."""
    found = model.learn(event, y, **more).prediction
    assert found is not None
    return found


def accuracy(model: Model, events: Labelled) -> float:
    hits = [answer(model, event, y).value == y for event, y in events]
    return float(np.mean(hits[len(hits) // 3 :]))


def test_what_no_line_tells_apart_is_learned_within_hundreds_of_events() -> None:
    assert accuracy(Model("y", task="classification"), rings(1500)) > 0.85


def test_combinations_of_categories_are_learned() -> None:
    assert accuracy(Model("y", task="classification"), codes(1500)) > 0.9


def test_a_rule_that_changes_is_followed() -> None:
    events = rings(1500)
    turned = [(event, "out" if y == "in" else "in") for event, y in rings(1500, 1)]
    model = Model("y", task="classification")
    assert accuracy(model, events) > 0.85
    assert accuracy(model, turned) > 0.7


def test_probabilities_are_calibrated() -> None:
    """Of what is called as probable as p, about p comes."""
    random = np.random.default_rng(0)
    model = Model("y", task="classification")
    said, came = [], []
    for n in range(4000):
        a = float(random.normal())
        y = bool(random.random() < 1 / (1 + math.exp(-3 * a)))
        found = answer(model, {"a": a, "b": float(random.normal())}, y)
        if n >= 1000:
            said.append(found.probabilities.get(True, 0.0))
            came.append(y)
    order = np.argsort(said)
    for part in np.array_split(order, 10):
        assert np.mean(np.array(said)[part]) == pytest.approx(
            np.mean(np.array(came)[part]), abs=0.08
        )


def test_weights_name_the_experts_and_sum_to_one() -> None:
    model = Model("y", task="classification")
    accuracy(model, rings(300))
    weights = model.predictor_weights()
    assert set(EXPERTS) < set(weights)
    assert sum(weights.values()) == pytest.approx(1)
    assert min(weights.values()) >= 0


def test_streams_of_symbols_have_no_experts() -> None:
    model = small(task="symbols")
    for letter in "abcab" * 20:
        model.learn(letter)
    assert not set(EXPERTS) & set(model.predictor_weights())
    assert stream_of(model).view("stored features").size == 0
    assert stream_of(model).view("tree runs").size == 0


VALUES = st.one_of(
    st.none(),
    st.floats(-1e150, 1e150),
    st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e149, -1e149]),
)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.tuples(VALUES, VALUES, st.sampled_from("pqr"), st.integers(0, 7)), min_size=1),
    repeats=st.integers(1, 8),
    horizon=st.integers(0, 1),
    categories=st.sampled_from([2, 3, 1000]),
)
def test_probabilities_are_from_0_to_1_and_sum_to_1(
    rows: list[Any], repeats: int, horizon: int, categories: int
) -> None:
    model = small("y", task="classification", horizon=horizon, categories=categories)
    for a, b, c, y in rows * repeats:
        model.learn({"a": a, "b": b, "c": c, "y": y})
        found = model.predict() if horizon else model.predict({"a": b, "b": a, "c": c})
        chances = [*found.probabilities.values(), found.new]
        assert all(0 <= chance <= 1 + 1e-12 for chance in chances)
        assert sum(chances) == pytest.approx(1, abs=1e-9)
    loaded = Model.from_checkpoint(*model.to_checkpoint())
    assert bits_of(loaded) == bits_of(model)


def test_one_class_alone_is_certain() -> None:
    model = small("y", task="classification")
    for n in range(100):
        model.learn({"a": float(n)}, "only")
    found = model.predict({"a": 5.0})
    assert found.value == "only"
    assert found.probabilities["only"] > 0.98


def test_absurd_values_do_not_stay() -> None:
    events = rings(1200)
    model = Model("y", task="classification")
    accuracy(model, events[:600])
    for n in range(5):
        model.learn({"a": (-1) ** n * 1e149, "b": 1e-300}, "in")
    assert accuracy(model, events[600:]) > 0.8


@pytest.mark.parametrize("events", [rings(700), codes(700)], ids=["numbers", "categories"])
def test_the_same_bits_however_a_stream_is_cut(events: Labelled, tmp_path: Path) -> None:
    whole, cut = small("y", task="classification"), small("y", task="classification")
    for n, (event, y) in enumerate(events):
        whole.learn(event, y)
        cut.predict(event)
        cut.learn(event, y)
        if n % 97 == 0:
            cut = copy.deepcopy(cut)
        elif n % 97 == 30:
            cut = pickle.loads(pickle.dumps(cut))
        elif n % 97 == 60:
            cut.save(tmp_path / "model.safetensors")
            loaded = lethe.load(tmp_path / "model.safetensors")
            assert isinstance(loaded, Model)
            cut = loaded
    assert bits_of(whole) == bits_of(cut)


def test_late_classes_are_learned_in_order() -> None:
    """The experts that a late class finds are those that learned all before it."""
    events = rings(400)
    at_once, late = small("y", task="classification"), small("y", task="classification")
    for event, y in events:
        at_once.learn(event, y)
    for first in range(0, len(events), 8):
        for n in range(first, first + 8):
            late.learn(events[n][0], id=n)
        stored = stream_of(late).view("stored count")[0]
        for n in reversed(range(first, first + 8)):
            assert stream_of(late).view("stored count")[0] == stored
            late.learn_target(n, events[n][1])
    for name in ("stored class", "bayes classes", "trees grown"):  # features have the last class
        ours, theirs = stream_of(at_once).view(name), stream_of(late).view(name)
        np.testing.assert_array_equal(ours, theirs)


def test_late_classes_cost_little() -> None:
    events = rings(1500)
    model = Model("y", task="classification")
    hits = []
    for n, (event, y) in enumerate(events):
        hits.append(answer(model, event, id=n).value == y)
        if n >= 100:
            model.learn_target(n - 100, events[n - 100][1])
    assert np.mean(hits[500:]) > 0.83
