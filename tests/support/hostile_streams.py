"""Streams of bad values, wrong calls, constants, steps and absurd spikes."""

from __future__ import annotations

from itertools import islice
from random import Random

from support.number_streams import columns
from support.stream_parts import (
    Action,
    Stream,
    follow,
    hours,
    kept,
    learn,
    learn_target,
    learned,
    predict,
    score,
    walk,
    wave,
)

Event = dict[str, object]

BAD: list[object] = [
    float("nan"), float("inf"), -float("inf"), 1e200, -1e151, "text", [1.0], {"a": 1}, 10**400,
    2 + 1j, object,
]  # fmt: skip


def with_bad(name: str, number: int, count: int = 3) -> list[Event]:
    """Every seventh event has a value that is no measurement, in one column or another."""
    draw = Random(f"{name} bad")
    events = columns(name, number, count)
    for n, event in enumerate(events):
        if n % 7 == 6:
            event[f"x{draw.randrange(count)}"] = BAD[n // 7 % len(BAD)]
        if n % 60 == 59:
            event["surprise"] = 1.0  # a column that is new
    return events


def bad_missing() -> Stream:
    events = with_bad("bad missing", 700)
    return Stream({"target": "x0", "horizon": 1, "cells": 8}, kept(learned(events)))


def bad_skip() -> Stream:
    events = with_bad("bad skip", 700)
    arguments = {"target": "x0", "horizon": 2, "cells": 8, "bad": "skip"}
    return Stream(arguments, kept(learned(events)))


def bad_raise() -> Stream:
    events = with_bad("bad raise", 700)
    arguments = {"target": "x0", "cells": 8, "bad": "raise"}
    return Stream(arguments, kept(learned(events)))


def bad_targets() -> Stream:
    """Targets that cannot be read, late ones too, are skipped and counted."""
    actions: list[Action] = []
    for n, event in enumerate(columns("bad targets", 500, 2)):
        y = event["x0"] if n % 5 else BAD[n // 5 % len(BAD)]
        if n % 3:
            actions.append(learn(event, y))
        else:
            actions += [learn(event, id=n), learn_target(n, y), learn_target(n, event["x0"])]
        if n % 20 == 0:
            actions += [predict({"x0": "text"}), score(event, y)]
    return Stream({"target": "y", "cells": 8, "bad": "skip", "max_delay": 5}, kept(actions))


def bad_times() -> Stream:
    events = columns("bad times", 500, 2)
    wrong: list[object] = ["soon", "", None, True, 1e200, float("nan"), [1], "2021-13-45"]
    for n, (event, time) in enumerate(zip(events, hours(500), strict=True)):
        event["t"] = time if n % 9 or not n else wrong[n // 9 % len(wrong)]
    return Stream({"target": "x0", "horizon": 1, "cells": 8}, kept(learned(events)))


def bad_classes() -> Stream:
    draw = Random("bad classes")
    labels: list[object] = ["a", "b", 3, 2.5, [1], {"a": 1}, float("nan"), None]
    actions: list[Action] = []
    for event in columns("bad classes", 400, 2):
        label = draw.choice(labels)
        actions.append(learn(event, label) if draw.random() < 0.5 else learn({**event, "y": label}))
    arguments = {"target": "y", "task": "classification", "cells": 8, "bad": "skip"}
    return Stream(arguments, kept(actions))


def wrong_calls() -> Stream:
    """Calls that are refused, between others: nothing has changed after them."""
    event = {"x": 1.0}
    wrong: list[Action] = [
        follow({"x": 1.0}), predict(), predict(None), predict(7), learn(3.0), learn("text"),
        learn({"x": "text"}, 1.0), learn({"unknown": 1.0}, 1.0), learn({1: 1.0}, 1.0),
        learn(event, [1.0, 2.0]), learn(event, {"z": 1.0}), learn(event, "text"),
        learn(event, id=1.5), learn(event, id=None), learn_target("nobody", 1.0),
        learn_target(3, None), learn(event, 1.0, id="given"), learn_target("given", 2.0),
        learn(event, id="twice"), learn(event, id="twice"), score({"x": 1.0}, "text"),
        score(7), learn_target("twice", "text"), learn_target("twice", 1.0),
        learn({}, 1.0), learn([], 1.0), learn([2.0], 1.0),
    ]  # fmt: skip
    actions: list[Action] = [*wrong[:6], predict(event), score(event, 1.0)]
    for n, (x, y) in enumerate(zip(wave("wrong"), walk("wrong"), strict=False)):
        if n == 200:
            break
        actions += [learn({"x": x}, y), wrong[n % (len(wrong) - 1) + 1]]
    return Stream({"target": "y", "cells": 8}, kept(actions))


def wrong_calls_1() -> Stream:
    wrong: list[Action] = [
        learn({"y": 1.0}, 1.0), learn({"y": 1.0}, id=3), learn(None), predict("text"),
        predict({"z": 1.0}), score({"z": 1.0}), score({"y": 1.0}, 1.0), learn_target(3, 1.0),
        learn({"y": 1.0, "z": 2.0}),
    ]  # fmt: skip
    actions: list[Action] = list(wrong)
    for n, y in enumerate(wave("wrong 1")):
        if n == 200:
            break
        actions += [learn({"y": y}), wrong[n % len(wrong)]]
    return Stream({"target": "y", "horizon": 1, "cells": 8}, kept(actions))


def no_numbers() -> Stream:
    """A first event without a number cannot be learned from where there is no target."""
    actions: list[Action] = learned([{"a": "text"}, {}, {"a": None}, {"t": hours(1)[0]}])
    actions += learned([{"a": "text", "y": 1.0}, {"a": "more", "y": 2.0}] * 30)
    return Stream({"cells": 4}, actions)


def constant() -> Stream:
    events: list[Event] = [{"y": 7.3, "z": 0.0} for _ in range(400)]
    return Stream({"target": "y", "horizon": 2, "cells": 8}, kept(learned(events)))


def constant_then_not() -> Stream:
    events: list[Event] = [{"y": 3.0} for _ in range(300)]
    events += [{"y": y} for y in islice(wave("at last"), 300)]
    events += [{"y": 3.0} for _ in range(300)]
    return Stream({"target": "y", "horizon": 1, "cells": 8}, kept(learned(events)))


def steps() -> Stream:
    """Levels of very different size, each for a while, in the target and in a column."""
    draw = Random("steps")
    levels = (0.0, 1.0, -50.0, 1e6, 1e-6, 3.0)
    events: list[Event] = []
    for n in range(900):
        level = levels[n // 75 % 6]
        events.append({"y": level + round(draw.gauss(0, 0.01), 4), "x": levels[n // 30 % 6]})
    return Stream({"target": "y", "horizon": 3, "cells": 8}, kept(learned(events)))


def spiky(name: str, number: int, spikes: tuple[float, ...]) -> list[Event]:
    events: list[Event] = []
    for n, (y, x) in enumerate(zip(wave(name), walk(name), strict=False)):
        if n == number:
            break
        event: Event = {"x": x, "y": y}
        if n % 53 == 50:
            event["y"] = spikes[n // 53 % len(spikes)]
        if n % 71 == 60:
            event["x"] = spikes[n // 71 % len(spikes)]
        events.append(event)
    return events


def spikes_1e9() -> Stream:
    events = spiky("1e9", 800, (1e9, -1e9, 1e6))
    return Stream({"target": "y", "horizon": 1, "cells": 8}, kept(learned(events)))


def spikes_1e9_0() -> Stream:
    events = spiky("1e9 0", 800, (1e9, -1e9, 1e6))
    return Stream({"target": "y", "cells": 8}, kept(learned(events)))


def spikes_1e9_24() -> Stream:
    events = spiky("1e9 24", 600, (1e9, -1e5))
    return Stream({"target": "y", "horizon": 24, "cells": 8}, kept(learned(events)))


def spikes_1e100() -> Stream:
    events = spiky("1e100", 600, (1e100, -1e100, 1e149, 1e-300))
    return Stream({"target": "y", "horizon": 1, "cells": 8}, kept(learned(events)))


def spikes_1e100_0() -> Stream:
    events = spiky("1e100 0", 600, (1e100, -1e149, 5e-324))
    return Stream({"target": "y", "cells": 8, "layers": 2}, kept(learned(events)))


def tiny() -> Stream:
    events: list[Event] = [{"y": y * 1e-140} for y in islice(wave("tiny"), 400)]
    return Stream({"target": "y", "horizon": 2, "cells": 8}, kept(learned(events)))


HOSTILE_STREAMS = {
    make.__name__: make
    for make in (
        bad_missing, bad_skip, bad_raise, bad_targets, bad_times, bad_classes, wrong_calls,
        wrong_calls_1, no_numbers, constant, constant_then_not, steps, spikes_1e9, spikes_1e9_0,
        spikes_1e9_24, spikes_1e100, spikes_1e100_0, tiny,
    )
}  # fmt: skip
