"""Threads that share a model: their calls take turns and equal some order of them."""

import copy
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.models import bits_of, labelled, mixed, numbers, small, symbols

from lethe import Model, load

KINDS: dict[str, tuple[Callable[[], Model], list[object]]] = {
    "numbers": (lambda: small("y"), numbers(240)),
    "columns": (lambda: small("y", horizon=2), mixed(240)),
    "classes": (lambda: small("y", task="classification"), labelled(240)),
    "next class": (lambda: small("y", task="classification", horizon=1), labelled(240)),
    "symbols": (lambda: small(task="symbols"), symbols(240)),
}


@pytest.fixture(autouse=True)
def quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(calls: list[Callable[[], None]]) -> None:
    """All calls, each in a thread; the first error is raised."""
    errors: list[BaseException] = []

    def guarded(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_learners_equal_some_order(kind: str) -> None:
    """Reports say which event came when: the prediction before each is that of the replay."""
    make, events = KINDS[kind]
    model = make()
    model.learn(events[0])
    order: list[tuple[int, object]] = []
    ordering = threading.Lock()

    def learner(first: int) -> Callable[[], None]:
        def learn() -> None:
            for n in range(first, len(events), 3):
                with ordering:  # so that it is known which came first
                    order.append((n, model.learn(events[n]).prediction))

        return learn

    at_once([learner(n) for n in (1, 2, 3)])
    replay = make()
    replay.learn(events[0])
    for n, predicted in order:
        assert replay.learn(events[n]).prediction == predicted
    assert bits_of(replay) == bits_of(model)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_same_events_commute(kind: str) -> None:
    """Nobody locks here: whatever the order of equal events, the model becomes the same."""
    make, events = KINDS[kind]
    model = make()
    for event in events[:40]:
        model.learn(event)
    replay = copy.deepcopy(model)

    def learn() -> None:
        for _ in range(60):
            model.learn(events[40])

    at_once([learn] * 3)
    for _ in range(180):
        replay.learn(events[40])
    assert bits_of(replay) == bits_of(model)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_looking_changes_nothing(kind: str, tmp_path: Path) -> None:
    """Predict, score, copy, pickle and save while another thread learns."""
    make, events = KINDS[kind]
    model, alone = make(), make()
    for event in events[:20]:
        model.learn(event)
    seen: list[Model] = []
    learning = threading.Event()

    def learn() -> None:
        for event in events[20:]:
            model.learn(event)
        learning.set()

    def look(call: Callable[[], object]) -> Callable[[], None]:
        def repeat() -> None:
            while not learning.is_set():
                call()

        return repeat

    def saved() -> None:
        model.save(tmp_path / "model")
        loaded = load(tmp_path / "model")
        assert isinstance(loaded, Model)
        seen.append(loaded)

    asked = events[-1]
    at_once(
        [
            learn,
            look(lambda: model.predict(asked)),
            look(lambda: model.score(asked)),
            look(lambda: seen.append(copy.deepcopy(model))),
            look(lambda: seen.append(pickle.loads(pickle.dumps(model)))),
            look(saved),
            look(lambda: (model.networks, model.diagnostics(), model.configuration())),
        ]
    )
    states = {}
    for event in events:
        alone.learn(event)
        states[alone.events] = bits_of(alone)
    assert bits_of(model) == bits_of(alone)
    for copied in seen[::7]:
        assert bits_of(copied) == states[copied.events]


def test_targets_come_from_another_thread() -> None:
    model = small("y", max_delay=10_000)
    events = numbers(200)
    model.learn(events[0])
    asked: list[int] = []

    def ask() -> None:
        for n, event in enumerate(events[1:], 1):
            model.learn({"a": event["a"], "b": event["b"]}, id=n)
            asked.append(n)

    def answer() -> None:
        for n in range(1, len(events)):
            while n not in asked[-50:] and n not in asked:
                pass
            model.learn_target(n, events[n]["y"])

    at_once([ask, answer])
    assert model.waiting == 0
    assert model.missed == 0
    assert model.events == 200
