"""Late and missing targets: one set of weights, two states."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.number_records import Sizes
from support.lives import life
from support.models import (
    bits_of,
    labelled,
    mixed,
    numbers,
    of_task,
    predictor_of,
    small,
    stream_of,
    training_networks,
    waiting,
)
from support.number_blocks import record_of

from lethe import _kernel
from lethe.model.classes import network_topology
from lethe.model.networks import Ensemble, Group

RATES = (3e-3, 1e-2)
CLASSES = 5
THE_PAST = (
    "values",
    "level mean",
    "level variance",
    "counted",
    "total",
    "median",
    "profile",
    "gap",
)


# ---- the two states ----


class Symbols:
    """A stream of symbols whose classes may be late: its networks see nothing else."""

    def __init__(self) -> None:
        topology = network_topology(8, 8, 4, 1)
        self.ensemble = Ensemble([Group.of_rates(topology, RATES)], np.random.default_rng(0))
        self.stream = _kernel.ClassStream(
            0, False, True, 8, 8, 1, False, *self.ensemble.groups[0].described()
        )
        self.stream.start()
        self.ensemble.draw_first_weights(self.stream)
        for place in range(1, CLASSES + 1):  # a new class is an operation on weights
            self.learn(place, _kernel.Arrival(0, place, 0, False, False))

    def learn(self, symbol: int, came: Any) -> None:
        event = _kernel.EncodedEvent(np.empty(0), [], math.nan, None, symbol)
        self.stream.learn(event, None, came, 1000, self.redraw)

    def learn_late(self, number: int, came: Any, waiting: dict[int, Any]) -> None:
        """The class of an event that waits; events that are complete are learned from in order."""
        self.stream.set_pending_class(number, came, None)
        waiting[number] = came
        while self.stream.is_first_complete():
            came = waiting.pop(self.stream.pending_sequence)
            self.stream.learn_complete(came, None, self.redraw)

    def redraw(self, network: int, layer: int, block: int) -> None:
        self.ensemble.redraw(self.stream, network, layer, block)


def arrival(place: int | None) -> Any:
    return _kernel.Arrival(place or 0, place or 0, 0, False, place is None)


@settings(max_examples=40, deadline=None)
@given(
    lateness=st.integers(1, 6),
    stream=st.lists(
        st.tuples(st.integers(0, 7), st.none() | st.integers(1, CLASSES)), min_size=25, max_size=25
    ),
)
def test_however_late_targets_are_the_training_networks_become_the_same(
    lateness: int, stream: list[tuple[int, int | None]]
) -> None:
    ours, theirs = Symbols(), Symbols()
    for symbol, place in stream:
        theirs.learn(symbol, arrival(place))
    complete: dict[int, Any] = {}
    for n, (symbol, _) in enumerate(stream):
        ours.learn(symbol, None)
        if n >= lateness:
            ours.learn_late(CLASSES + n - lateness, arrival(stream[n - lateness][1]), complete)
    assert ours.stream.view("forked")[0] == 1
    for n in range(25 - lateness, 25):
        ours.learn_late(CLASSES + n, arrival(stream[n][1]), complete)
    assert ours.stream.view("forked")[0] == 0
    one, other = (each.ensemble.copies(each.stream) for each in (ours, theirs))
    for net, expected in zip(one, other, strict=True):
        for key, value in life(expected).items():
            assert np.array_equal(life(net)[key], value), key


@pytest.mark.parametrize("lateness", [0, 1, 5])
def test_the_training_networks_take_every_event_once(lateness: int) -> None:
    """Whether an event went ahead or not; test_stream.py has what they are fed."""
    model, stream = small("y"), numbers(60)
    for n, event in enumerate(stream):
        model.learn({"a": event["a"], "b": event["b"]}, id=n)
        if n >= lateness:
            late = n - lateness
            model.learn_target(late, None if late == 7 else stream[late]["y"])
        # The first that waits has been taken, where nothing waited when it came.
        ahead = min(n + 1, lateness)
        taken = {n + 1 - ahead, n + 2 - ahead if ahead else n + 1}
        predictor = predictor_of(model)
        networks = training_networks(predictor.stream, predictor.ensemble)
        assert {net.steps for net in networks} <= taken
    for late in range(60 - lateness, 60):
        model.learn_target(late, stream[late]["y"])
    assert [net.steps for net in model.networks] == [60, 60, 60]
    assert waiting(model) == 0


# ---- any order ----


@settings(max_examples=25, deadline=None)
@given(data=st.data(), task=st.sampled_from(["number", "two numbers", "class"]))
def test_targets_that_wait_for_an_earlier_one_may_come_in_any_order(
    data: st.DataObject, task: str
) -> None:
    """The past and classes know no order; linear predictors learn in that of targets."""
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
        if task == "class":
            assert bits_of(ours) == bits_of(theirs)
        for name in ("pending sequence", "pending count", *(THE_PAST if task != "class" else ())):
            one, other = stream_of(ours).view(name), stream_of(theirs).view(name)
            assert np.array_equal(one, other), name


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
            with pytest.raises(
                ValueError, match="id must be a string or whole number that no waiting event has"
            ):
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
    before = model.networks[0]
    report = model.learn({"a": 1.0, "b": 0.0}, missing)
    assert math.isnan(report.anomaly)
    assert report.prediction is not None
    after = model.networks[0]
    assert after.steps == before.steps + 1
    assert np.array_equal(after.weights("cell"), before.weights("cell"))
    assert not np.array_equal(after.partials("cell"), before.partials("cell"))
    model.learn({"a": 1.0, "b": 0.0}, 3.0)
    assert not np.array_equal(model.networks[0].weights("cell"), before.weights("cell"))


def test_one_of_two_targets_may_be_missing() -> None:
    model = small(("y", "z"))
    for event in numbers(40):
        model.learn({"a": event["a"]}, [event["y"], event["b"]])
    before = model.networks[0].weights("output")
    report = model.learn({"a": 0.5}, [math.nan, 2.0])
    assert report.column == "z"
    after = model.networks[0].weights("output")
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
def test_an_event_of_a_horizon_waits_for_all_its_targets(horizon: int) -> None:
    model, stream = small("y", horizon=horizon), numbers(30)
    for n, event in enumerate(stream):
        model.learn(event)
        assert waiting(model) == min(n + 1, horizon)
        assert stream_of(model).pending_sequence == max(0, n + 1 - horizon)
        # Each target teaches the distance at which it was predicted, as soon as it is there.
        taught = [max(0, n - ahead) for ahead in range(horizon)]
        assert list(stream_of(model).view("distances")) == taught
        # The targets of those that wait are there one after another, and NaN where they are not.
        for k in range(min(n + 1, horizon)):
            first = n + 1 - min(n + 1, horizon) + k
            wanted = [stream[m]["y"] for m in range(first + 1, n + 1)]
            found = pending_targets(model, k)
            assert list(found[: len(wanted)]) == wanted
            assert np.isnan(found[len(wanted) :]).all()


def pending_targets(model: Any, nth: int) -> np.ndarray:
    """The targets of the nth event that waits."""
    stream = stream_of(model)
    place = (int(stream.view("pending first")[0]) + nth) % stream.pending_capacity
    sizes = Sizes(len(model.targets), model.horizon, 8, 0, False)
    return record_of(stream, sizes, place=place)["targets"]


def test_a_missing_number_in_a_horizon() -> None:
    model = small("y", horizon=3)
    for n, event in enumerate(mixed(120)):
        model.learn(event if n % 4 else event | {"y": None})
    assert all(math.isfinite(value) for value in model.predict().forecast)
