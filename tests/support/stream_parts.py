"""What the streams of `answer_streams` are made of: actions, and numbers that repeat everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

#: The first time of every stream that has times: a Friday.
START = datetime(2021, 1, 1, tzinfo=UTC)

#: What no target was given is told by, since None is a target that is missing.
ABSENT = object()


class Action(NamedTuple):
    """One call of a model's method; ``copy``, ``pickle`` and ``save_load`` replace the model."""

    do: str
    arguments: tuple[object, ...] = ()
    keywords: Mapping[str, object] = {}


class Stream(NamedTuple):
    """A model's arguments, and what is done with the model, in order."""

    arguments: Mapping[str, object]
    actions: Sequence[Action]


def learn(event: object, target: object = ABSENT, id: object = ABSENT) -> Action:
    """`Model.learn` with as few arguments as there are."""
    given = (event,) if target is ABSENT else (event, target)
    return Action("learn", given, {} if id is ABSENT else {"id": id})


def learn_target(id: object, target: object) -> Action:
    return Action("learn_target", (id, target))


def follow(*arguments: object) -> Action:
    return Action("follow", arguments)


def score(*arguments: object) -> Action:
    return Action("score", arguments)


def predict(*arguments: object) -> Action:
    return Action("predict", arguments)


COPY, PICKLE, SAVE_LOAD = Action("copy"), Action("pickle"), Action("save_load")


def learned(events: Iterable[object]) -> list[Action]:
    """Every event is learned from."""
    return [learn(event) for event in events]


def kept(actions: Iterable[Action], every: int = 151) -> list[Action]:
    """The same, but now and then the model is copied, pickled, or saved and loaded."""
    ways = (COPY, SAVE_LOAD, PICKLE)
    result: list[Action] = []
    for number, action in enumerate(actions, 1):
        result.append(action)
        if number % every == 0:
            result.append(ways[number // every % 3])
    return result


def wave(name: str, period: float = 24, noise: float = 0.3, level: float = 20) -> Iterator[float]:
    """A sine with noise without end, rounded, so that no library's last bit has a say in it."""
    draw = Random(name)
    step = 0
    while True:
        value = level + 5 * math.sin(2 * math.pi * step / period) + draw.gauss(0, noise)
        yield round(value, 3)
        step += 1


def walk(name: str, step: float = 1.0) -> Iterator[float]:
    """A random walk without end."""
    draw = Random(name)
    value = 0.0
    while True:
        yield round(value, 3)
        value += draw.gauss(0, step)


def hours(number: int, gap: timedelta = timedelta(hours=1)) -> list[datetime]:
    """Times at the same distance."""
    return [START + gap * n for n in range(number)]


def texts(name: str, number: int, choices: int) -> list[str]:
    """Categories, the first ones more frequent, each most often followed by its neighbour."""
    draw = Random(name)
    at = 0
    found = []
    for _ in range(number):
        if draw.random() < 0.6:
            at = (at + 1) % choices
        else:
            at = min(draw.randrange(choices), draw.randrange(choices))
        found.append(f"c{at}")
    return found
