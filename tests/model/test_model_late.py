"""Late and missing targets: one set of weights, two states."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lives import life
from support.models import bits_of, labelled, mixed, numbers, of_task, small

from lethe.core._surgery import take_weights
from lethe.model.numbers import NumberHeads, network_topology
from lethe.model.racing import Racers

RATES = (3e-3, 1e-2)


def racers(seed: int = 0) -> Racers:
    return Racers(network_topology(3, 2, 4, 1), RATES, np.random.default_rng(seed))


def same(ours: Racers, theirs: Racers) -> bool:
    """Whether the learners have become the same, by all that can be seen of them."""
    pairs = zip(ours.learners, theirs.learners, strict=True)
    return all(
        np.array_equal(value, life(other)[key])
        for one, other in pairs
        for key, value in life(one).items()
    )


# ---- the two states ----


@settings(max_examples=40, deadline=None)
@given(
    lateness=st.integers(1, 6),
    missing=st.lists(st.booleans(), min_size=25, max_size=25),
    seed=st.integers(0, 99),
)
def test_however_late_targets_are_the_learners_become_the_same(
    lateness: int, missing: list[bool], seed: int
) -> None:
    random = np.random.default_rng(seed)
    stream = []
    for gone in missing:
        x = random.normal(size=3).astype(np.float32)
        stream.append((x, None if gone else random.normal(size=2).astype(np.float32)))
    ours, theirs = racers(), racers()
    for x, target in stream:
        theirs.step(x, owed=False)
        theirs.learn(x, True, target)
    owed: list[tuple[Any, Any, bool]] = []
    for x, target in stream:
        ours.step(x, owed=bool(owed))
        owed.append((x, target, not owed))
        if len(owed) > lateness:
            first, wanted, stepped = owed.pop(0)
            ours.learn(first, stepped, wanted)
    for first, wanted, stepped in owed:
        ours.learn(first, stepped, wanted)
    ours.rejoin()
    assert same(ours, theirs)


def test_the_front_steps_with_the_weights_of_then() -> None:
    """An oracle in networks: a front that takes the learner's weights whenever it has learned."""
    random = np.random.default_rng(0)
    ours = racers()
    fronts = [net.clone() for net in ours.learners]
    learners = [net.clone() for net in ours.learners]
    stream = [random.normal(size=(2, 3)).astype(np.float32) for _ in range(40)]
    owed: list[Any] = []
    for n, (x, target) in enumerate(stream):
        y = ours.step(x, owed=bool(owed))
        assert np.array_equal(y, [net.step(x, learn=False) for net in fronts])
        owed.append((x, target[:2], not owed))
        if n >= 3:
            first, wanted, stepped = owed.pop(0)
            ours.learn(first, stepped, wanted)
            for front, learner in zip(fronts, learners, strict=True):
                learner.step(first)
                learner.learn(wanted)
                take_weights(front, learner)
    assert np.array_equal(ours.peek(stream[0][0]), [net.peek(stream[0][0]) for net in fronts])


@pytest.mark.parametrize("lateness", [0, 1, 5])
def test_the_learner_is_a_network_that_was_fed_in_order(
    lateness: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the networks were given is written down; a network by itself becomes the same of it."""
    fed: list[tuple[Any, Any]] = []
    learn = Racers.learn

    def note(self: Racers, x: Any, stepped: bool, target: Any = None, known: Any = None) -> None:
        assert known is None
        fed.append((x.copy(), None if target is None else target.copy()))
        learn(self, x, stepped, target, known)

    monkeypatch.setattr(Racers, "learn", note)
    model, stream = small("y"), numbers(60)
    for n, event in enumerate(stream):
        model.learn({"a": event["a"], "b": event["b"]}, id=n)
        if n >= lateness:
            late = n - lateness
            model.learn_target(late, None if late == 7 else stream[late]["y"])
    for late in range(60 - lateness, 60):
        model.learn_target(late, stream[late]["y"])
    assert len(fed) == 60
    ours = model.heads.racers.learners
    for net, learner in zip(
        Racers(ours[0].topology, RATES, np.random.default_rng(0)).learners, ours, strict=True
    ):
        for x, target in fed:
            net.step(x)
            if target is not None:
                net.learn(target)
        for key, value in life(net).items():
            assert np.array_equal(value, life(learner)[key]), key


# ---- any order ----


@settings(max_examples=25, deadline=None)
@given(data=st.data(), task=st.sampled_from(["number", "two numbers", "class"]))
def test_targets_that_wait_for_an_earlier_one_may_come_in_any_order(
    data: st.DataObject, task: str
) -> None:
    """Only when they can be learned from matters, not the order in which they came."""
    ours, events = of_task(task, detect=False)
    theirs, _ = of_task(task, detect=False)
    waiting: list[int] = []
    stream = events(25)
    for n, event in enumerate(stream):
        x = {name: value for name, value in event.items() if name not in ours.targets}
        for model in (ours, theirs):
            model.learn(x, id=n)
        waiting.append(n)
        brought = data.draw(st.lists(st.sampled_from(waiting), unique=True)) if waiting else []
        for model, order in ((ours, brought), (theirs, sorted(brought))):
            for id in order:
                model.learn_target(
                    id,
                    {name: stream[id][name] for name in ours.targets}
                    if len(ours.targets) > 1
                    else stream[id][ours.targets[0]],
                )
        waiting = [id for id in waiting if id not in brought]
        assert bits_of(ours) == bits_of(theirs)


@pytest.mark.parametrize("task", ["number", "class"])
def test_a_target_that_is_told_at_once_is_one_that_was_given(task: str) -> None:
    ours, events = of_task(task)
    theirs, _ = of_task(task)
    for n, event in enumerate(events(60)):
        x = {name: value for name, value in event.items() if name != "y"}
        first = ours.learn(x, id=n)
        told = ours.learn_target(n, event["y"])
        report = theirs.learn(x, event["y"])
        assert math.isnan(first.anomaly)
        assert (told.actual, told.expected, told.column) == (
            report.actual,
            report.expected,
            report.column,
        )
        assert told.anomaly == report.anomaly or math.isnan(told.anomaly)
    assert bits_of(ours) == bits_of(theirs)


def test_an_event_with_an_id_may_bring_its_target() -> None:
    ours, theirs = small("y"), small("y")
    for n, event in enumerate(numbers(20)):
        ours.learn(event, id=n)
        theirs.learn(event)
    assert bits_of(ours) == bits_of(theirs)
    assert waiting(ours) == 0


def test_late_targets_are_learned_from() -> None:
    model, errors = small("y"), []
    stream = numbers(1500)
    for n, event in enumerate(stream):
        prediction = model.learn({"a": event["a"], "b": event["b"]}, id=n).prediction
        assert prediction is not None
        errors.append(abs(prediction.value - event["y"]))
        if n >= 3:
            model.learn_target(n - 3, stream[n - 3]["y"])
    assert waiting(model) == 3
    spread = np.std([event["y"] for event in stream])
    assert np.mean(errors[-300:]) < 0.7 * spread


# ---- ids ----


def test_ids() -> None:
    model = small("y")
    model.learn({"a": 1.0}, id="one")
    model.learn({"a": 1.0}, id=2)
    before = bits_of(model)
    for wrong in ("one", 2, 1.5, None, ("a",)):
        if wrong is not None:
            with pytest.raises(ValueError, match="id must be a string or whole number that none has"):
                model.learn({"a": 2.0}, id=wrong)  # type: ignore[arg-type]
        if wrong not in ("one", 2):
            with pytest.raises(ValueError, match="id must be that of an event that waits"):
                model.learn_target(wrong, 1.0)  # type: ignore[arg-type]
    for target in ("text", [1.0, 2.0], {"y": "text"}, 1j):
        with pytest.raises(ValueError, match=r"^(column|target)[^\n]*$"):
            model.learn_target("one", target)
    assert bits_of(model) == before
    model.learn_target(2, 5.0)
    assert waiting(model) == 2  # the first still waits
    with pytest.raises(ValueError, match="waits"):
        model.learn_target(2, 5.0)
    model.learn_target("one", 4.0)
    assert waiting(model) == 0
    model.learn({"a": 3.0}, id="one")  # it is free again


def test_an_id_needs_a_horizon_of_zero() -> None:
    model = small("y", horizon=1)
    with pytest.raises(ValueError, match="id must be left out"):
        model.learn({"y": 1.0}, id=1)


# ---- what never comes ----


@pytest.mark.parametrize("targets", ["y", ("y", "z")])
def test_a_target_that_is_waited_for_too_long_is_missing(targets: Any) -> None:
    ours, theirs = small(targets, max_delay=4), small(targets)
    for n, event in enumerate(numbers(30)):
        x = {"a": event["a"], "b": event["b"]}
        ours.learn(x, id=n)
        theirs.learn(x, id=n)
        if n >= 4:
            theirs.learn_target(n - 4, None)
        assert waiting(ours) <= 4
    assert (ours.missed, theirs.missed) == (26, 0)
    own = ("missed", "max_delay")
    assert bits_of(ours, without=own) == bits_of(theirs, without=own)
    with pytest.raises(ValueError, match="waits"):
        ours.learn_target(3, 1.0)
    ours.learn_target(26, 1.0 if targets == "y" else [1.0, 2.0])


def test_classes_that_are_waited_for_too_long_are_missing() -> None:
    model = small("y", task="classification", max_delay=2)
    for n, event in enumerate(labelled(30)):
        model.learn({"a": event["a"]}, id=n)
    assert model.missed == 28
    assert waiting(model) == 2


@pytest.mark.parametrize("missing", [None, math.nan, "", np.float32("nan")])
def test_missing_targets_advance_the_partials(missing: Any) -> None:
    """As a network's step without a target; the weights stay as they are."""
    model = small("y")
    for event in numbers(50):
        model.learn(event)
    learner = model.heads.racers.learners[0]
    weights, partials = (learner.weights("cell").copy(), learner.partials("cell").copy())
    steps = learner.steps
    report = model.learn({"a": 1.0, "b": 0.0}, missing)
    assert math.isnan(report.anomaly)
    assert report.prediction is not None
    assert learner.steps == steps + 1
    assert np.array_equal(learner.weights("cell"), weights)
    assert not np.array_equal(learner.partials("cell"), partials)
    model.learn({"a": 1.0, "b": 0.0}, 3.0)
    assert not np.array_equal(learner.weights("cell"), weights)


def test_one_of_two_targets_may_be_missing() -> None:
    model = small(("y", "z"))
    for event in numbers(40):
        model.learn({"a": event["a"]}, [event["y"], event["b"]])
    before = model.heads.racers.learners[0].weights("output").copy()
    report = model.learn({"a": 0.5}, [math.nan, 2.0])
    assert report.column == "z"
    after = model.heads.racers.learners[0].weights("output")
    assert np.array_equal(after[0], before[0])
    assert not np.array_equal(after[1], before[1])
    model.learn({"a": 0.5}, None)
    model.learn({"a": 0.5}, {"z": 1.0})
    assert math.isfinite(model.predict({"a": 0.5}).value["y"])


def test_all_targets_missing_from_the_start() -> None:
    for task in ("number", "two numbers", "class", "one ahead", "next class"):
        model, events = of_task(task)
        for event in events(30):
            x = {name: value for name, value in event.items() if name not in model.targets}
            model.learn(x)
        for event in events(30):
            model.learn(event)
        assert model.events == 60


# ---- over a horizon ----


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_an_event_of_a_horizon_is_learned_from_when_all_its_targets_are_there(
    horizon: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small("y", horizon=horizon)
    fed: list[tuple[int, Any]] = []
    stream = numbers(30)
    settle = NumberHeads.settle

    def note(self: NumberHeads, owed: Any) -> None:
        fed.append((model.events, self.of_record(owed.record, "wanted").copy()))
        settle(self, owed)

    monkeypatch.setattr(NumberHeads, "settle", note)
    for n, event in enumerate(stream):
        model.learn(event)
        assert waiting(model) == min(n + 1, horizon)
    assert len(fed) == 30 - horizon
    for first, (when, wanted) in enumerate(fed):
        assert when == first + horizon  # the event that brings the last of them
        assert list(wanted) == [stream[first + ahead]["y"] for ahead in range(1, horizon + 1)]


def test_a_missing_number_in_a_horizon() -> None:
    model = small("y", horizon=3)
    for n, event in enumerate(mixed(120)):
        model.learn(event if n % 4 else event | {"y": None})
    assert all(math.isfinite(value) for value in model.predict().forecast)
