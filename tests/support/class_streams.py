"""Streams of classes and symbols."""

from __future__ import annotations

from random import Random

import numpy as np
from support.column_streams import followed
from support.number_streams import columns
from support.stream_parts import (
    Action,
    Stream,
    hours,
    kept,
    learn,
    learn_target,
    learned,
    predict,
    score,
    texts,
)

Event = dict[str, object]

CLASSES: dict[str, object] = {"target": "y", "task": "classification", "cells": 8}


def classified(name: str, number: int, choices: int = 4) -> list[Event]:
    """Events of three numbers whose class follows from the numbers, and from the class before."""
    draw = Random(f"{name} class")
    before = 0
    events = columns(name, number, 3)
    for event in events:
        if draw.random() < 0.5:
            before = int(float(str(event["x0"])) + float(str(event["x2"]))) % choices
        else:
            before = (before + 1) % choices
        event["y"] = f"k{before}"
    return events


def drifting(name: str, number: int, choices: int = 12) -> list[Event]:
    """Classes that come and go: three are there at a time."""
    events = classified(name, number, 3)
    for n, event in enumerate(events):
        event["y"] = f"k{(int(str(event['y'])[1:]) + n // 60) % choices}"
    return events


def classes_0() -> Stream:
    return Stream(CLASSES, kept(learned(classified("classes 0", 800))))


def classes_default() -> Stream:
    """Ten columns of numbers, the default network."""
    events = columns("default", 400, 10)
    for event in events:
        event["y"] = "ab"[float(str(event["x0"])) > float(str(event["x2"]))]
    return Stream({"target": "y", "task": "classification"}, learned(events))


def classes_1() -> Stream:
    return Stream({**CLASSES, "horizon": 1}, kept(learned(classified("classes 1", 800))))


def classes_times() -> Stream:
    events = classified("classes times", 600)
    for event, time in zip(events, hours(600), strict=True):
        event["t"] = time if time.hour != 3 else None
    return Stream({**CLASSES, "horizon": 1}, kept(learned(events)))


def classes_times_0() -> Stream:
    events = classified("classes times 0", 500)
    for n, (event, time) in enumerate(zip(events, hours(500), strict=True)):
        event["t"] = time
        event["code"] = f"c{n * n % 7}"
    return Stream(CLASSES, kept(learned(events)))


def classes_come_and_go() -> Stream:
    return Stream(CLASSES, kept(learned(drifting("come", 900))))


def classes_evicted() -> Stream:
    """More classes than `categories`: the least recently used gives way."""
    return Stream({**CLASSES, "categories": 4}, kept(learned(drifting("evicted", 900))))


def classes_evicted_1() -> Stream:
    arguments = {**CLASSES, "horizon": 1, "categories": 5}
    return Stream(arguments, kept(learned(drifting("evicted 1", 900, 20))))


def classes_many() -> Stream:
    """Room for classes is made again and again."""
    events = classified("many", 600, 70)
    return Stream({**CLASSES, "horizon": 1}, kept(learned(events)))


def classes_late() -> Stream:
    """Late by five events; classes come and go, and columns of categories change meaning."""
    actions: list[Action] = []
    codes = texts("late codes", 700, 12)
    late: list[object] = []
    for n, event in enumerate(drifting("late", 700)):
        late.append(event.pop("y"))
        event["code"] = codes[n]
        actions.append(learn(event, id=n))
        if n >= 5:
            actions.append(learn_target(n - 5, late[n - 5]))
    return Stream({**CLASSES, "categories": 5}, kept(actions, 203))


def classes_any_order() -> Stream:
    draw = Random("any")
    actions: list[Action] = []
    waiting: list[tuple[int, object]] = []
    for n, event in enumerate(drifting("any", 700)):
        y = event.pop("y")
        if draw.random() < 0.3:
            actions.append(learn(event, y if n % 13 else None))
        else:
            actions.append(learn(event, id=n))
            waiting.append((n, y if n % 7 else None))
        while waiting and draw.random() < 0.55:
            actions.append(learn_target(*waiting.pop(draw.randrange(len(waiting)))))
    return Stream({**CLASSES, "max_delay": 12, "categories": 8}, kept(actions, 203))


def classes_of_all_kinds() -> Stream:
    """Truth values, whole numbers, texts, bytes and missing ones; True equals 1, yet is another."""
    labels: list[object] = [True, 1, "1", b"1", False, 0, 1.0, "", None, np.int64(7), np.bool_(1)]
    draw = Random("labels")
    events = columns("labels", 700, 2)
    for n, event in enumerate(events):
        event["y"] = labels[(n + draw.randrange(3)) % len(labels)]
    return Stream(CLASSES, kept(learned(events)))


def classes_missing() -> Stream:
    """Missing classes, one event ahead, the first event's too."""
    events = classified("classes missing", 500)
    for n, event in enumerate(events):
        if n % 9 == 0:
            event["y"] = None
        if n % 31 == 4:
            del event["y"]
    return Stream({**CLASSES, "horizon": 1}, kept(learned(events)))


def classes_grow() -> Stream:
    events = classified("classes grow", 500)
    for n, event in enumerate(events):
        if n > 50:
            event["new"] = n % 10
        if n > 100:
            event["code"] = f"c{n * n % 11}"
        if n % 6 == 5:
            del event["x1"]
    return Stream({**CLASSES, "new_columns": "grow"}, kept(learned(events)))


def classes_grow_1() -> Stream:
    events = classified("classes grow 1", 500)
    for n, event in enumerate(events):
        if n > 60:
            event["code"] = f"c{n * n % 23}"
    return Stream({**CLASSES, "horizon": 1, "new_columns": "grow"}, kept(learned(events)))


def classes_asked() -> Stream:
    """predict before learn, with the same event and with others, and score."""
    events = classified("classes asked", 700)
    actions: list[Action] = [predict({"x0": 1.0})]
    for n, event in enumerate(events):
        y = event.pop("y")
        if n % 4 != 3:
            actions.append(predict(event))
        if n % 5 == 0:
            actions += [predict(events[n - 1]), score(event, y), score(event, "never")]
        actions.append(learn(event, y))
    return Stream(CLASSES, kept(actions, 203))


def classes_asked_1() -> Stream:
    actions: list[Action] = [predict()]
    for n, event in enumerate(classified("asked 1", 500)):
        if n % 5 == 0:
            actions += [predict(), score({**event, "y": "never"}), score(event)]
        if n % 41 == 40:
            actions.append(predict(event))
        actions.append(learn(event))
    return Stream({**CLASSES, "horizon": 1}, kept(actions, 203))


def classes_quiet() -> Stream:
    return Stream({**CLASSES, "detect": False}, learned(classified("quiet", 400)))


def classes_layers() -> Stream:
    arguments = {**CLASSES, "layers": 2, "rates": (3e-3,)}
    return Stream(arguments, kept(learned(classified("classes layers", 500))))


def classes_long() -> Stream:
    return Stream({**CLASSES, "cells": 4}, kept(learned(drifting("classes long", 2200)), 509))


def classes_follow_0() -> Stream:
    actions = []
    for event in drifting("classes follow", 600):
        y = event.pop("y")
        actions.append(learn(event, y))
    return Stream(CLASSES, followed(actions, 400))


def classes_follow_1() -> Stream:
    actions = learned(drifting("classes follow 1", 600))
    return Stream({**CLASSES, "horizon": 1, "categories": 5}, followed(actions, 400))


TEXT = "the quick brown fox jumps over the lazy dog; "


def symbols() -> Stream:
    """A text whose letters are exchanged now and then."""
    draw = Random("text")
    letters = [c if draw.random() < 0.97 else draw.choice(TEXT) for c in TEXT * 25]
    return Stream({"task": "symbols", "cells": 8}, kept(learned(letters)))


def symbols_of_numbers() -> Stream:
    """Whole numbers as symbols, more than `categories`."""
    draw = Random("numbers")
    found = [(n // 40 + draw.choice((0, 1, 1, 2))) % 30 for n in range(1200)]
    return Stream({"task": "symbols", "cells": 8, "categories": 9}, kept(learned(found)))


def symbols_asked() -> Stream:
    actions: list[Action] = [predict(), score("a")]
    for n, letter in enumerate(TEXT * 10):
        if n % 7 == 0:
            actions += [predict(), score(letter), score("never")]
        if n % 61 == 60:
            actions.append(predict(letter))
        actions.append(learn(letter))
    return Stream({"task": "symbols", "cells": 8, "layers": 2}, kept(actions, 203))


def symbols_follow() -> Stream:
    actions = learned((TEXT * 12) + "éàü" * 20)
    return Stream({"task": "symbols", "cells": 8}, followed(actions, 450))


def symbols_of_all_kinds() -> Stream:
    """Among them events that are no symbols: errors."""
    draw = Random("any symbol")
    kinds: list[object] = [True, 1, "1", b"1", 0, False, "", 2.0, 2.5, None, [1], {"a": 1}]
    return Stream(
        {"task": "symbols", "cells": 8}, kept(learned(draw.choice(kinds) for _ in range(600)))
    )


CLASS_STREAMS = {
    make.__name__: make
    for make in (
        classes_0, classes_default, classes_1, classes_times, classes_times_0,
        classes_come_and_go, classes_evicted, classes_evicted_1, classes_many, classes_late,
        classes_any_order, classes_of_all_kinds, classes_missing, classes_grow, classes_grow_1,
        classes_asked, classes_asked_1, classes_quiet, classes_layers, classes_long,
        classes_follow_0, classes_follow_1, symbols, symbols_of_numbers, symbols_asked,
        symbols_follow, symbols_of_all_kinds,
    )
}  # fmt: skip
