"""Streams of numbers with regular columns: horizons, times, periods, targets, sizes of networks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from itertools import islice
from random import Random

import numpy as np
from support.stream_parts import (
    START,
    Action,
    Stream,
    hours,
    kept,
    learn,
    learned,
    predict,
    score,
    walk,
    wave,
)

Arguments = dict[str, object]
Event = dict[str, object]


def one_column(name: str, number: int, times: Sequence[object] = (), **arguments: object) -> Stream:
    """A wave, with times where they are given."""
    values = islice(wave(name), number)
    events: list[Event] = [{"y": value} for value in values]
    for event, time in zip(events, times, strict=False):
        event["t"] = time
    return Stream({"target": "y", "cells": 8} | arguments, kept(learned(events)))


def columns(name: str, number: int, count: int) -> list[Event]:
    """Events of several number columns: waves and walks by turns."""
    sources = [
        wave(f"{name} {n}", 6 + 5 * n) if n % 2 == 0 else walk(f"{name} {n}") for n in range(count)
    ]
    return [{f"x{n}": next(s) for n, s in enumerate(sources)} for _ in range(number)]


def horizon_0() -> Stream:
    draw = Random("horizon 0")
    events = columns("horizon 0", 900, 3)
    for event in events:
        a, b, c = (float(str(event[f"x{n}"])) for n in range(3))
        event["y"] = round(a - 2 * b + 0.1 * a * c + draw.gauss(0, 0.1), 3)
    return Stream({"target": "y", "cells": 8}, kept(learned(events)))


def horizon_0_apart() -> Stream:
    """Targets that are given apart, in every form, and missing ones."""
    draw = Random("apart")
    actions: list[Action] = []
    for n, event in enumerate(columns("apart", 700, 2)):
        y = round(3.0 * float(str(event["x0"])) + draw.gauss(0, 1), 3)
        forms = (y, [y], {"y": y}, np.array([y]), np.float32(y), int(y), None, float("nan"))
        actions.append(learn(event, forms[n % len(forms)]))
    return Stream({"target": "y", "cells": 8}, kept(actions))


def default_model() -> Stream:
    """No argument but the target's, with hourly times."""
    events = [
        {"y": value, "t": time} for value, time in zip(wave("default"), hours(700), strict=False)
    ]
    return Stream({"target": "y"}, learned(events))


def default_24() -> Stream:
    return one_column("default 24", 500, hours(500), horizon=24, cells=32)


def horizon_1() -> Stream:
    return one_column("one", 1200, horizon=1)


def horizon_5() -> Stream:
    return one_column("five", 1000, horizon=5)


def horizon_24() -> Stream:
    return one_column("far", 900, horizon=24)


def horizon_100() -> Stream:
    return one_column("farther", 400, horizon=100, period=24, cells=4)


def times_1() -> Stream:
    return one_column("times 1", 1500, hours(1500), horizon=1)


def times_5_text() -> Stream:
    times = [time.isoformat(" ") for time in hours(900, timedelta(minutes=15))]
    return one_column("times 5", 900, times, horizon=5)


def times_24_seconds() -> Stream:
    times = [time.timestamp() for time in hours(900)]
    return one_column("times 24", 900, times, horizon=24, time="t")


def times_of_all_kinds() -> Stream:
    """Dates, datetime64, zones, texts and seconds, by turns, of days."""
    times: list[object] = []
    for n in range(800):
        day = START + timedelta(days=n)
        forms: tuple[object, ...] = (
            date(day.year, day.month, day.day),
            np.datetime64(day.replace(tzinfo=None), "s"),
            day.isoformat(),
            day.astimezone(timezone(timedelta(hours=5, minutes=30))),
            day.astimezone(timezone(timedelta(hours=-8))).isoformat(),
            datetime(day.year, day.month, day.day),
            day.timestamp(),
            np.datetime64("NaT"),
        )
        times.append(forms[n % len(forms)])
    return one_column("kinds", 800, times, horizon=1, period=7)


def gaps() -> list[timedelta]:
    return [timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=7)]


def irregular(name: str, number: int) -> list[object]:
    """Times with gaps of every length, repeated, backward and missing ones."""
    draw = Random(name)
    now = START
    times: list[object] = []
    for _ in range(number):
        chance = draw.random()
        if chance < 0.8:
            now += timedelta(seconds=draw.randrange(3000, 4200))
        elif chance < 0.9:
            now += draw.choice(gaps())
        elif chance < 0.93:
            now -= timedelta(minutes=draw.randrange(200))
        times.append(None if 0.95 < chance < 0.97 else now)
    return times


def irregular_1() -> Stream:
    return one_column("irregular 1", 1000, irregular("irregular 1", 1000), horizon=1)


def irregular_24() -> Stream:
    return one_column("irregular 24", 700, irregular("irregular 24", 700), horizon=24)


def irregular_0() -> Stream:
    events = columns("irregular 0", 700, 2)
    for event, time in zip(events, irregular("irregular 0", 700), strict=True):
        event["t"] = time
        event["y"] = event["x0"]
    return Stream({"target": "y", "cells": 8, "time": "t"}, kept(learned(events)))


def gaps_of_each_length() -> Stream:
    """A year by minutes, hours, days and weeks, each for a while."""
    times: list[object] = []
    now = START
    for n in range(800):
        now += gaps()[n // 50 % 4]
        times.append(now)
    return one_column("each length", 800, times, horizon=2)


def period_24() -> Stream:
    return one_column("period", 900, horizon=1, period=24)


def period_12_far() -> Stream:
    return one_column("period far", 800, horizon=24, period=12)


def period_with_times() -> Stream:
    return one_column("both", 700, hours(700), horizon=3, period=24)


def two_targets() -> Stream:
    events = columns("two", 900, 3)
    return Stream(
        {"target": ["x0", "x1"], "horizon": 1, "cells": 8, "period": 24}, kept(learned(events))
    )


def two_targets_24() -> Stream:
    events = columns("two far", 500, 2)
    for event, time in zip(events, hours(500), strict=True):
        event["t"] = time
    return Stream({"target": ["x1", "x0"], "horizon": 24, "cells": 8}, kept(learned(events)))


def five_targets() -> Stream:
    names = [f"x{n}" for n in range(5)]
    return Stream(
        {"target": names, "horizon": 5, "cells": 8}, kept(learned(columns("five targets", 500, 6)))
    )


def five_targets_0() -> Stream:
    """Some of the targets are missing now and then, given as a mapping or a list."""
    draw = Random("five at once")
    actions: list[Action] = []
    for n, event in enumerate(columns("five at once", 600, 7)):
        targets = {f"x{k}": event.pop(f"x{k}") for k in range(5)}
        if draw.random() < 0.2:
            targets[f"x{draw.randrange(5)}"] = None
        actions.append(learn(event, targets if n % 2 else list(targets.values())))
    names = [f"x{n}" for n in range(5)]
    return Stream({"target": names, "cells": 8}, kept(actions))


def no_target() -> Stream:
    events = columns("no target", 700, 4)
    for n, event in enumerate(events):
        event["kind"] = "ab"[n // 12 % 2]
    return Stream({"cells": 8}, kept(learned(events)))


def no_target_5() -> Stream:
    events = columns("no target 5", 400, 3)
    for event, time in zip(events, hours(400), strict=True):
        event["t"] = time
    return Stream({"cells": 8, "horizon": 5}, kept(learned(events)))


def columns_38() -> Stream:
    return Stream({}, learned(columns("38", 300, 38)))


def columns_38_small() -> Stream:
    events = columns("38 small", 500, 38)
    for n, event in enumerate(events):
        if n % 17 == 3:
            event[f"x{n % 38}"] = None
    return Stream({"cells": 4}, kept(learned(events)))


def columns_70() -> Stream:
    """More targets than 64: one past change of each is a feature."""
    return Stream({"cells": 2}, learned(columns("70", 120, 70)))


def layers_2() -> Stream:
    return one_column("layers", 700, horizon=1, layers=2)


def layers_2_late() -> Stream:
    return one_column("layers far", 500, hours(500), horizon=24, layers=2, cells=5)


def cells_4() -> Stream:
    return one_column("cells", 900, horizon=2, cells=4)


def one_rate() -> Stream:
    return one_column("rate", 700, horizon=1, rates=[5e-3])


def three_rates() -> Stream:
    return one_column("rates", 700, horizon=5, rates=(1e-3, 1e-2, 0.1))


def another_seed() -> Stream:
    return one_column("seed", 500, horizon=1, seed=7)


def not_detected() -> Stream:
    return one_column("quiet", 700, hours(700), horizon=1, detect=False)


def not_detected_0() -> Stream:
    """What the river adapter does: predict, then learn the same event with its target."""
    actions: list[Action] = []
    for event in columns("quiet 0", 800, 10):
        y = round(float(str(event["x0"])) + float(str(event["x3"])), 3)
        actions += [predict(event), learn(dict(event), y)]
    return Stream(
        {"target": "y", "cells": 8, "detect": False, "new_columns": "grow"}, kept(actions)
    )


def predicted_before() -> Stream:
    """Every way in which an answer that was kept for `learn` may or may not hold any more."""
    events = columns("before", 1100, 3)
    actions: list[Action] = []
    for n, event in enumerate(events):
        y = round(float(str(event["x0"])) * 2, 3)
        before = [
            [predict(event)],
            [predict(events[n - 3])],
            [predict(event), predict(events[n - 2]), score(events[n - 4], 40.0)],
            [predict(event), score(event, y)],
            [],
            [predict({**event, "x1": int(float(str(event["x1"])))})],
        ]
        actions += [*before[n % len(before)], learn(event, y)]
    return Stream({"target": "y", "cells": 8}, kept(actions, 207))


def scored_and_asked() -> Stream:
    """score and predict, with an event that has not come, between the events."""
    actions: list[Action] = [predict(), score({"y": 3.0, "z": 1.0})]
    y, z = wave("asked"), walk("asked")
    for n in range(600):
        event = {"y": next(y), "z": next(z)}
        if n % 5 == 0:
            actions += [predict(), score({"y": 99.0, "z": 0.0}), score(event)]
        if n % 29 == 0:
            actions.append(predict({"y": 21.5, "z": 0.5}))
        actions.append(learn(event))
    return Stream({"target": "y", "horizon": 3, "cells": 8}, kept(actions, 211))


def long_1() -> Stream:
    """Past two inspections of the networks, which come every 1,000 events."""
    return one_column("long", 2300, hours(2300), horizon=1)


def long_0() -> Stream:
    events = columns("long 0", 2200, 3)
    return Stream({"target": "x0", "cells": 4}, kept(learned(events), 509))


def long_24() -> Stream:
    """Past the first compaction of the history, at 8,192 events."""
    stream = one_column("long 24", 9000, hours(9000), horizon=24, cells=4)
    return Stream(stream.arguments, kept(stream.actions, 1999))


def saturated() -> Stream:
    """So high a rate that gates close for good: four blocks are restarted, after 20 inspections.

    These come every 1,000 events, so that they find the same columns each time. The samples of
    past errors begin to fade on the way, at event 16,000.
    """
    draw = Random("saturated")
    actions: list[Action] = []
    for n in range(20_700):
        noise = draw.gauss(0, 0.3) if n % 1000 else 0.0
        event: Event = {f"p{k}": float(n % 5 == k) for k in range(5)}
        event["y"] = round(n % 5 % 3 + noise, 3)
        if n > 18_500:
            actions.append(predict(event))
        actions.append(learn(event))
    return Stream({"target": "y", "cells": 6, "rates": [10.0]}, actions)


NUMBER_STREAMS = {
    make.__name__: make
    for make in (
        horizon_0, horizon_0_apart, default_model, default_24, horizon_1, horizon_5, horizon_24,
        horizon_100, times_1, times_5_text, times_24_seconds, times_of_all_kinds, irregular_1,
        irregular_24, irregular_0, gaps_of_each_length, period_24, period_12_far,
        period_with_times, two_targets, two_targets_24, five_targets, five_targets_0, no_target,
        no_target_5, columns_38, columns_38_small, columns_70, layers_2, layers_2_late, cells_4,
        one_rate, three_rates, another_seed, not_detected, not_detected_0, predicted_before,
        scored_and_asked, long_1, long_0, long_24, saturated,
    )
}  # fmt: skip
