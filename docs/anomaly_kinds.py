"""Draw docs/anomaly_kinds.png, a picture of each kind of alarm. Needs matplotlib: ".[plot]".

Each panel is a part of a stream of 1,500 events to which one thing happens at event 1,301: what
came, between what 99 in 100 events were expected, and from where to where there was an alarm. The
program fails if an alarm is not called what its panel says.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

import lethe
from lethe.figures.style import BLUE, GREY, ORANGE, frame, panels
from lethe.model.alarms import Kind

EVENTS, AT = 1500, 1300
FIRST, LAST = AT - 60, AT + 140  # what is shown
STATES = ("off", "start", "on", "fault")
Values = NDArray[np.float64]
Drawn = tuple[Values, Values, list[lethe.Alarm]]


def changed(kind: str, random: np.random.Generator) -> Values:
    """A season of 48 and noise, or for a drift noise alone, to which one thing happens."""
    season = 30 + 10 * np.sin(2 * np.pi * np.arange(EVENTS, dtype=float) / 48)
    noise = random.normal(size=EVENTS)
    there, after = slice(AT, AT + 80), np.arange(EVENTS - AT)
    if kind == "drift":
        season[:] = 30
    elif kind == "change of noise":
        noise[there] *= 5
    elif kind == "too quiet":
        noise[there] *= 0.05
    values: Values = season + noise
    if kind == "spike":
        values[AT : AT + 2] += 12
    elif kind == "dip":
        values[AT] -= 12
    elif kind == "level shift":
        values[AT:] += 12
    elif kind == "drift":
        values[AT:] += 10 * np.minimum(after / 80, 1)
    elif kind == "stuck":
        values[there] = values[AT - 1]
    elif kind == "missing data":
        values[AT : AT + 40] = np.nan
    elif kind == "out of range":
        values[AT:] += 9 * np.minimum(after / 100, 1)
    return values


def states(kind: str, random: np.random.Generator) -> list[str]:
    """A machine that starts after it was off, until it is on again; then something else."""
    found: list[str] = []
    while len(found) < EVENTS:
        found += ["off"] * int(random.integers(3, 9)) + ["start"] * 2
        found += ["on"] * int(random.integers(6, 15))
    found = found[:EVENTS]
    found[AT] = "fault" if kind == "unseen category" else "start"
    return found


def watched(events: Sequence[float | str], model: lethe.Model) -> Drawn:
    """Between what numbers were expected, and the alarms as they were last told."""
    told: dict[int, lethe.Alarm] = {}
    low, high = np.full(EVENTS, np.nan), np.full(EVENTS, np.nan)
    for place, event in enumerate(events):
        if FIRST <= place < LAST and isinstance(event, float):
            low[place], high[place] = model.predict().interval(0.99)
        alarm = model.learn({"value": event}).alarm
        if alarm is not None:
            told[alarm.begin] = alarm
    return low, high, [alarm for alarm in told.values() if (alarm.end or EVENTS) > FIRST]


def draw(axes: Axes, kind: str, seed: int) -> None:
    """One panel."""
    random = np.random.default_rng(seed)
    shown = np.arange(FIRST, LAST)
    if kind.endswith("category"):
        names = states(kind, random)
        model = lethe.Model("value", task="classification", horizon=1)
        _, _, alarms = watched(names, model)
        axes.step(shown + 1, [STATES.index(names[i]) for i in shown], color=BLUE, lw=1, where="mid")
        axes.set_yticks(range(len(STATES)), STATES)
    else:
        values = changed(kind, random)
        high = 46.0 if kind == "out of range" else None
        rule = lethe.AlarmRule(rate=1e-6 if high else 1e-3, high=high)
        model = lethe.Model("value", horizon=1, alarms=rule)
        low, most, alarms = watched(values.tolist(), model)
        axes.fill_between(
            shown + 1, low[shown], most[shown], color=GREY, alpha=0.3, lw=0, step="mid"
        )
        axes.plot(shown + 1, values[shown], color=BLUE, lw=1)
        if high:
            axes.axhline(high, color=ORANGE, lw=0.8, ls="--")
    for alarm in alarms:
        axes.axvspan(alarm.begin - 0.5, (alarm.end or LAST) + 0.5, color=ORANGE, alpha=0.18, lw=0)
        axes.axvline(alarm.begin, color=ORANGE, lw=1)
        print(f"{kind:18}{alarm.words}, {alarm.state}")
    if not any(alarm.kind == kind for alarm in alarms):
        raise RuntimeError(f"no alarm is called {kind}")
    axes.set_xlim(FIRST, LAST)
    frame(axes, kind, "", "")


def main() -> None:
    kinds = get_args(Kind)
    figure = plt.figure(figsize=(10, 10), layout="constrained")
    grid = [axes for row in panels(figure, 6, 2) for axes in row]
    for seed, (kind, axes) in enumerate(zip(kinds, grid, strict=False), start=40):
        draw(axes, kind, seed)
    grid[-1].axis("off")
    grid[-1].text(
        0.02,
        0.5,
        "what came (blue), event by event,\nwhere 99 in 100 events were expected (grey),\n"
        "and an alarm, from where it begins to where it is over (orange)",
        va="center",
    )
    figure.savefig(Path(__file__).parent / "anomaly_kinds.png", dpi=110)


if __name__ == "__main__":
    main()
