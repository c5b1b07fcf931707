"""Streams of numbers whose columns are not regular: categories, new and missing columns, rows."""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from random import Random
from types import MappingProxyType

import numpy as np
from support.number_streams import columns
from support.stream_parts import (
    ABSENT,
    SAVE_LOAD,
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
    texts,
    walk,
    wave,
)

Event = dict[str, object]


def categories(name: str, number: int, choices: int = 5) -> list[Event]:
    """A number that depends on its categories."""
    draw = Random(f"{name} noise")
    codes = texts(name, number, choices)
    other = texts(f"{name} other", number, 3)
    return [
        {"y": round(len(b) * int(a[1:]) + draw.gauss(0, 0.2), 3), "a": a, "b": b, "on": a > b}
        for a, b in zip(codes, other, strict=True)
    ]


def categories_1() -> Stream:
    return Stream({"target": "y", "horizon": 1, "cells": 8}, kept(learned(categories("one", 700))))


def categories_0_evicted() -> Stream:
    """More values than `categories`: the least recently used gives way."""
    events = categories("evicted", 800, 20)
    return Stream({"target": "y", "cells": 8, "categories": 6}, kept(learned(events)))


def categories_1_evicted() -> Stream:
    events = categories("evicted 1", 700, 30)
    return Stream({"target": "y", "horizon": 1, "cells": 8, "categories": 4}, kept(learned(events)))


def categories_24() -> Stream:
    """Room for columns is made while 24 events wait for their targets."""
    events = categories("far", 500, 25)
    return Stream({"target": "y", "horizon": 24, "cells": 8}, kept(learned(events), 97))


def categories_24_evicted() -> Stream:
    events = categories("far evicted", 400, 25)
    arguments = {"target": "y", "horizon": 24, "cells": 8, "categories": 9}
    return Stream(arguments, kept(learned(events), 97))


def categories_late() -> Stream:
    """Room is made, and places change their meaning, while targets are late."""
    actions: list[Action] = []
    for n, event in enumerate(categories("late", 600, 18)):
        y = event.pop("y")
        actions.append(learn(event, id=n))
        if n >= 7:
            actions.append(learn_target(n - 7, y))
    return Stream({"target": "y", "cells": 8, "categories": 7}, kept(actions, 203))


def categories_asked() -> Stream:
    """Predictions with categories that are new, which do not change the model."""
    actions: list[Action] = []
    for n, event in enumerate(categories("asked", 500, 8)):
        y = event.pop("y")
        if n % 3 == 0:
            actions.append(predict(event))
        if n % 7 == 0:
            actions.append(predict({**event, "a": f"never {n}"}))
        actions.append(learn(event, y))
    return Stream({"target": "y", "cells": 8, "categories": 5}, kept(actions, 203))


def grown(name: str, number: int) -> list[Event]:
    """Events with ever more columns, of numbers, categories and times, that also go again."""
    draw = Random(name)
    events = columns(name, number, 12)
    codes = texts(name, number, 6)
    for n, event in enumerate(events):
        for k in range(2, 12):
            if n < 30 * k or draw.random() < 0.2:
                del event[f"x{k}"]
        if n > 150:
            event["code"] = codes[n]
        if n > 220 and n % 3:
            event["flag"] = n % 5 == 0
    return events


def grow_0() -> Stream:
    actions = [learn(event, event["x0"]) for event in grown("grow 0", 600)]
    return Stream({"target": "y", "cells": 8, "new_columns": "grow"}, kept(actions))


def grow_1() -> Stream:
    arguments = {"target": "x0", "horizon": 1, "cells": 8, "new_columns": "grow"}
    return Stream(arguments, kept(learned(grown("grow 1", 600))))


def grow_24() -> Stream:
    arguments = {"target": "x0", "horizon": 24, "cells": 8, "new_columns": "grow"}
    return Stream(arguments, kept(learned(grown("grow 24", 500)), 97))


def grow_no_target() -> Stream:
    """Columns that come later are inputs, not targets."""
    return Stream({"cells": 8, "new_columns": "grow"}, kept(learned(grown("grow all", 400))))


def grow_late() -> Stream:
    actions: list[Action] = []
    for n, event in enumerate(grown("grow late", 500)):
        y = event["x1"]
        actions.append(learn(event, id=f"n{n}"))
        if n % 4 == 3:  # four at once, the last first
            actions += [learn_target(f"n{n - k}", y) for k in range(4)]
    return Stream({"target": "y", "cells": 8, "new_columns": "grow"}, kept(actions))


def grow_time() -> Stream:
    """The first event has no time; later ones do."""
    events: list[Event] = [{"y": value} for value in islice(wave("grow time"), 400)]
    for event, time in list(zip(events, hours(400), strict=True))[50:]:
        event["when"] = time
    arguments = {"target": "y", "horizon": 2, "cells": 8, "new_columns": "grow"}
    return Stream(arguments, kept(learned(events)))


def columns_missing() -> Stream:
    """None, NaN, empty text and no such column at all; the columns' order changes, too."""
    draw = Random("missing")
    events: list[Event] = []
    for n, event in enumerate(columns("missing", 800, 5)):
        for name in list(event):
            chance = draw.random()
            if chance < 0.04 and n > 3:
                event[name] = (None, float("nan"), "")[n % 3]
            elif chance < 0.08 and n > 3:
                del event[name]
        if n % 2:
            event = dict(reversed(event.items()))
        events.append(event)
    return Stream({"target": ["x0", "x1"], "horizon": 1, "cells": 8}, kept(learned(events)))


def columns_missing_0() -> Stream:
    draw = Random("missing 0")
    actions: list[Action] = []
    for event in columns("missing 0", 700, 4):
        y: object = event["x0"] if draw.random() < 0.9 else None
        event = {name: value for name, value in event.items() if draw.random() < 0.9}
        actions.append(learn(event, y))
    return Stream({"target": "y", "cells": 8, "new_columns": "grow"}, kept(actions))


def columns_missing_24() -> Stream:
    draw = Random("missing 24")
    events = columns("missing 24", 500, 3)
    for event, time in zip(events, hours(500), strict=True):
        event["t"] = time if draw.random() < 0.95 else None
        for name in ("x0", "x2"):
            if draw.random() < 0.1:
                event[name] = None
    return Stream({"target": "x0", "horizon": 24, "cells": 8}, kept(learned(events)))


def first_incomplete() -> Stream:
    """The first event has a target and columns without values."""
    actions: list[Action] = [
        learn({"y": None, "a": 3.0, "b": None, "c": "", "t": None}),
        learn({"y": 2.0, "a": None, "b": None, "t": hours(1)[0]}),
    ]
    for n, (y, b) in enumerate(zip(wave("first"), walk("first"), strict=False)):
        if n == 400:
            break
        event: Event = {"y": y, "a": b, "t": hours(n + 2)[-1]}
        if n > 20:
            event["b"] = b
        if n > 50:
            event["c"] = "xy"[n % 2]
        actions.append(learn(event))
    return Stream({"target": "y", "horizon": 1, "cells": 8}, kept(actions))


def target_missing_long() -> Stream:
    """No target comes for longer than anything remembers."""
    events: list[Event] = [{"y": y, "z": y} for y in islice(wave("gone"), 700)]
    for event in events[200:300]:
        event["y"] = None
    for event in events[400:600]:
        del event["y"]
    return Stream({"target": "y", "horizon": 5, "cells": 8}, kept(learned(events)))


def rows() -> Stream:
    """Lists, tuples and arrays instead of mappings; columns have numbers for names."""
    actions: list[Action] = []
    for n, event in enumerate(columns("rows", 500, 4)):
        row = list(event.values())
        actions.append(learn((row, tuple(row), np.array(row, float))[n % 3]))
    return Stream({"target": "2", "horizon": 1, "cells": 8}, kept(actions))


def rows_0() -> Stream:
    actions: list[Action] = []
    for n, event in enumerate(columns("rows 0", 500, 5)):
        row = np.array(list(event.values()), float)
        if n % 4 == 0:
            actions.append(predict(row))
        actions.append(learn(row, float(row[0] - row[1])))
    return Stream({"target": "y", "cells": 8}, kept(actions))


def kinds_of_numbers() -> Stream:
    """Whole numbers, decimals, fractions, NumPy's numbers, truth values, other mappings."""
    actions: list[Action] = []
    for n, (x, y) in enumerate(zip(wave("kinds"), walk("kinds"), strict=False)):
        if n == 600:
            break
        forms: list[object] = [x, int(x), np.float32(x), Decimal(str(x)), Fraction(int(x), 3)]
        forms += [np.int64(x), n % 2 == 0, np.bool_(n % 2), -0.0, np.float64(x)]
        event: Event = {"x": x if n == 0 else forms[n % 10], "y": y if n == 0 else forms[n * 7 % 5]}
        mappings = (event, OrderedDict(event), MappingProxyType(event))
        actions.append(learn(mappings[n % 3] if n % 50 else event))
    return Stream({"target": "y", "horizon": 1, "cells": 8}, actions)


def late_in_order() -> Stream:
    """Each target comes five events later."""
    actions: list[Action] = []
    for n, event in enumerate(columns("in order", 600, 3)):
        y = event.pop("x0")
        actions.append(learn(event, id=n))
        if n >= 5:
            actions.append(learn_target(n - 5, y))
    return Stream({"target": "y", "cells": 8}, kept(actions, 203))


def late_in_any_order() -> Stream:
    """Targets in any order, some at once, some missing, some never; with times."""
    draw = Random("any order")
    actions: list[Action] = []
    waiting: list[tuple[str, object]] = []
    events = columns("any order", 700, 3)
    for n, (event, time) in enumerate(zip(events, hours(700), strict=True)):
        y: object = event.pop("x0")
        event["t"] = time
        chance = draw.random()
        if chance < 0.2:
            actions.append(learn(event, y))
        elif chance < 0.3:
            actions.append(learn({**event, "y": y}, id=f"own {n}"))
        else:
            actions.append(learn(event, id=f"late {n}"))
            if chance < 0.98:
                waiting.append((f"late {n}", y if chance < 0.9 else (None, float("nan"))[n % 2]))
        while waiting and draw.random() < 0.52:
            actions.append(learn_target(*waiting.pop(draw.randrange(len(waiting)))))
    return Stream({"target": "y", "cells": 8, "max_delay": 30}, kept(actions, 203))


def too_late() -> Stream:
    """Later than `max_delay`: the targets count as missing, and their ids are unknown then."""
    draw = Random("too late")
    actions: list[Action] = []
    for n, event in enumerate(columns("too late", 500, 2)):
        y = event["x0"]
        actions.append(learn(event, id=n))
        back = n - draw.randrange(3, 14)
        if back >= 0:
            actions.append(learn_target(back, y))  # an error where it has come, or is too late
    return Stream({"target": "y", "cells": 8, "max_delay": 8}, kept(actions, 203))


def late_all_at_once() -> Stream:
    """A hundred targets wait, then all come, and that again; two targets, given as mappings."""
    actions: list[Action] = []
    held: list[tuple[int, object]] = []
    for n, event in enumerate(columns("all", 400, 4)):
        targets = {name: event.pop(name) for name in ("x0", "x1")}
        actions.append(learn(event, id=n))
        held.append((n, targets if n % 9 else {"x0": targets["x0"]}))
        if len(held) == 100:
            actions += [learn_target(*late) for late in held[::-1]]
            held = []
        if n % 10 == 0:
            actions += [predict(event), score(event, targets)]
    return Stream({"target": ["x0", "x1"], "cells": 8}, kept(actions))


def late_and_seasons() -> Stream:
    actions: list[Action] = []
    for n, (y, x) in enumerate(zip(wave("season"), wave("season x", 7), strict=False)):
        if n == 500:
            break
        actions.append(learn({"x": x}, id=n))
        if n >= 3:
            actions.append(learn_target(n - (3 if n % 2 else 2), y))
    return Stream({"target": "y", "cells": 8, "period": 24, "layers": 2}, kept(actions))


def followed(actions: list[Action], start: int) -> list[Action]:
    """From `start` on the model follows what it would have learned, and is asked about it."""
    result = list(actions[:start])
    for n, (_, arguments, _) in enumerate(actions[start:]):
        if n % 11 == 5:
            result.append(score(*arguments))
        result.append(follow(*arguments))
        if n == 40:
            result.append(SAVE_LOAD)
        if n == 50:
            result += actions[:1]  # a model that has followed does not learn again: an error
    return kept(result)


def follow_0() -> Stream:
    actions = [learn(event, event["x1"]) for event in columns("follow 0", 600, 3)]
    for n in range(450, 600, 9):
        actions[n] = learn(actions[n].arguments[0])  # no target
    return Stream({"target": "y", "cells": 8}, followed(actions, 400))


def follow_1() -> Stream:
    actions = learned(columns("follow 1", 600, 2))
    return Stream({"target": "x0", "horizon": 1, "cells": 8}, followed(actions, 400))


def follow_24() -> Stream:
    events = columns("follow 24", 500, 2)
    for event, time in zip(events, hours(500), strict=True):
        event["t"] = time
    return Stream({"target": "x0", "horizon": 24, "cells": 8}, followed(learned(events), 350))


def follow_soon() -> Stream:
    """Fewer events were learned from than the horizon."""
    events = categories("soon", 150, 6)
    return Stream({"target": "y", "horizon": 24, "cells": 8}, followed(learned(events), 10))


def follow_late() -> Stream:
    """Targets are still late when the model begins to follow."""
    actions: list[Action] = []
    for n, event in enumerate(columns("follow late", 300, 3)):
        y = event.pop("x0")
        if n < 200:
            actions.append(learn(event, id=n))
            if n >= 6:
                actions.append(learn_target(n - 6, y))
        else:
            actions += [predict(event), follow(event, y if n % 8 else ABSENT)]
    return Stream({"target": "y", "cells": 8}, kept([a for a in actions if ABSENT not in a[1]]))


COLUMN_STREAMS = {
    make.__name__: make
    for make in (
        categories_1, categories_0_evicted, categories_1_evicted, categories_24,
        categories_24_evicted, categories_late, categories_asked, grow_0, grow_1, grow_24,
        grow_no_target, grow_late, grow_time, columns_missing, columns_missing_0,
        columns_missing_24, first_incomplete, target_missing_long, rows, rows_0,
        kinds_of_numbers, late_in_order, late_in_any_order, too_late, late_all_at_once,
        late_and_seasons, follow_0, follow_1, follow_24, follow_soon, follow_late,
    )
}  # fmt: skip
