"""What a model is made with, checked once: a ValueError names what is wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Self, TypeGuard, get_args

from lethe.core._checks import as_float, check_bool, check_choice, check_int
from lethe.core._objects import items_of, shown
from lethe.model.alarms import Rules, checked_rules, rules_from_json, rules_to_json
from lethe.model.holidays import OWN_COLUMNS, checked_holidays
from lethe.model.rows import check_name
from lethe.model.values import ABSURD
from lethe.storage.fields import Fields, list_of

__all__ = ["Bad", "NewColumns", "Parameters", "Task"]

Task = Literal["regression", "classification", "symbols"]
Bad = Literal["missing", "skip", "raise"]
NewColumns = Literal["raise", "grow"]

#: As many columns as a model can have (`lethe.model.encoder`).
MOST_TARGETS = 10_000

_NAMES = (
    "target", "task", "horizon", "time", "period", "cells", "layers", "rates", "categories",
    "max_delay", "detect", "bad", "new_columns", "bounds", "holidays", "alarms",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of `lethe.Model`, by their names, but for its seed."""

    target: tuple[str, ...]
    task: Task
    horizon: int
    time: str | None
    period: int | tuple[int, int] | None
    cells: int
    layers: int
    rates: tuple[float, ...]
    categories: int
    max_delay: int
    detect: bool
    bad: Bad
    new_columns: NewColumns
    bounds: tuple[float, float]
    holidays: str | tuple[str, ...] | None  # a country, or dates
    alarms: Rules

    @classmethod
    def checked(
        cls,
        target: object,
        *,
        task: object,
        horizon: object,
        time: object,
        period: object,
        cells: object,
        layers: object,
        rates: object,
        categories: object,
        max_delay: object,
        detect: object,
        bad: object,
        new_columns: object,
        bounds: object,
        holidays: object,
        alarms: object,
    ) -> Self:
        """What a model was given.

        Raises
        ------
        ValueError
            If an argument is not one of these.
        """
        targets = _names("target", target)
        chosen: Task = check_choice("task", task, get_args(Task))
        if chosen == "symbols" and targets:
            raise ValueError(f"target must be left out for symbols, got {shown(target)}")
        if chosen == "classification" and len(targets) != 1:
            raise ValueError(f"target must be one column for classification, got {shown(target)}")
        if horizon is None:
            horizon = 0 if targets else 1
        horizon = _horizon(horizon, chosen)
        if horizon == 0 and not targets:
            raise ValueError("horizon must be at least 1 without a target, got 0")
        return cls(
            targets,
            chosen,
            horizon,
            _time(time, targets),
            _period(period),
            check_int("cells", cells, 1, 1 << 20),
            check_int("layers", layers, 1, 1000),
            _rates("rates", rates),
            check_int("categories", categories, 1, 100_000),
            check_int("max_delay", max_delay, 1, 1_000_000),
            check_bool("detect", detect),
            check_choice("bad", bad, get_args(Bad)),
            check_choice("new_columns", new_columns, get_args(NewColumns)),
            _bounds(bounds, chosen),
            _holidays(holidays, chosen, targets),
            checked_rules(alarms),
        )

    def to_json(self) -> dict[str, object]:
        """As plain JSON values."""
        found: dict[str, object] = {name: getattr(self, name) for name in _NAMES}
        ends = [end if math.isfinite(end) else None for end in self.bounds]
        found |= {"target": [*self.target], "rates": [*self.rates], "bounds": ends}
        for name, value in (("period", self.period), ("holidays", self.holidays)):
            found[name] = [*value] if isinstance(value, tuple) else value
        found["alarms"] = rules_to_json(self.alarms)
        return found

    @property
    def periods(self) -> tuple[int, int]:
        """The periods that are given, the shorter one first; 0 is none."""
        return self.period if isinstance(self.period, tuple) else (self.period or 0, 0)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The parameters that `to_json` wrote.

        Raises
        ------
        ValueError
            If it is something else.
        """
        given = Fields("parameters", value, _NAMES)
        return cls.checked(
            given.strings("target") or None,
            task=given.string("task"),
            horizon=given.integer("horizon"),
            time=given.optional("time", given.string),
            period=given["period"],
            cells=given.integer("cells"),
            layers=given.integer("layers"),
            rates=list_of("rates", given["rates"], None, _rate),
            categories=given.integer("categories"),
            max_delay=given.integer("max_delay"),
            detect=given.boolean("detect"),
            bad=given.string("bad"),
            new_columns=given.string("new_columns"),
            bounds=list_of("bounds", given["bounds"], 2, _end),
            holidays=_country_or_dates(given),
            alarms=rules_from_json(given["alarms"]) or None,
        )


def _period(value: object) -> int | tuple[int, int] | None:
    """One period, or two, the shorter one first."""
    if value is None:
        return None
    items = items_of(value, 2)
    if items is None or len(items) == 1:
        return check_int("period", items[0] if items else value, 1, 4096)
    if len(items) == 2:
        first, second = (check_int("each period", item, 1, 4096) for item in items)
        if first != second:
            return min(first, second), max(first, second)
    raise ValueError(
        f"period must be one number of events or two different ones, got {shown(value)}"
    )


def _holidays(value: object, task: Task, targets: tuple[str, ...]) -> str | tuple[str, ...] | None:
    """Where holidays are given, no target has the name of one of their columns."""
    found = checked_holidays(value)
    if found is not None and task == "symbols":
        raise ValueError(f"holidays must be left out for symbols, got {shown(value)}")
    if found is not None and not set(targets).isdisjoint(OWN_COLUMNS):
        raise ValueError(f"target must be none of {', '.join(OWN_COLUMNS)} with holidays, got one")
    return found


def _country_or_dates(given: Fields) -> object:
    found = given["holidays"]
    return found if found is None or isinstance(found, str) else given.strings("holidays")


def _end(value: object) -> float | None:
    return None if value is None else _rate(value)


def _bounds(value: object, task: Task) -> tuple[float, float]:
    """The range of the targets, infinite where it is open."""
    items = items_of(value, 2) or () if value is not None else (None, None)
    ends = [-math.inf, math.inf]
    for at, item in enumerate(items[:2]):
        if item is not None:
            ends[at] = as_float(item)
    low, high = ends
    far = [end for end in ends if math.isfinite(end) and abs(end) > ABSURD]
    if len(items) != 2 or not low <= high or low == math.inf or high == -math.inf or far:
        raise ValueError(
            f"bounds must be the least and the most that a target can be, within ±1e150, None "
            f"where there is none, got {shown(value)}"
        )
    if task != "regression" and (low, high) != (-math.inf, math.inf):
        raise ValueError(f"bounds must be left out for classes and symbols, got {shown(value)}")
    return low, high


def _rate(value: object) -> float:
    if not isinstance(value, float):
        raise ValueError(f"rates must be numbers, got {value!r:.40}")
    return value


def _names(name: str, value: object) -> tuple[str, ...]:
    """The targets by name, none or several."""
    if value is None:
        return ()
    items = (value,) if isinstance(value, str) else items_of(value, MOST_TARGETS)
    names = tuple(check_name(f"a column in {name}", each) for each in items or () if _is_name(each))
    if not items or len(names) < len(items):
        raise ValueError(f"{name} must be the name of a column, or several, got {shown(value)}")
    if len(names) > MOST_TARGETS:
        raise ValueError(f"{name} must be at most {MOST_TARGETS:,} columns, got more")
    if len(set(names)) < len(names):
        raise ValueError(f"{name} must name each column once, got {shown(value)}")
    return names


def _is_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _time(value: object, targets: tuple[str, ...]) -> str | None:
    """The column of times, or None."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"time must be the name of a column, got {shown(value)}")
    name = check_name("time", value)
    if name in targets:
        raise ValueError(f"time must be another column than those of target, got {name!r}")
    return name


def _horizon(value: object, task: Task) -> int:
    """How many events ahead."""
    if task == "regression":
        return check_int("horizon", value, 0, 1000)
    try:
        return check_int("horizon", value, 0, 1)
    except ValueError:
        raise ValueError(
            f"horizon must be 0 or 1 for classes and symbols, got {shown(value)}"
        ) from None


def _rates(name: str, value: object) -> tuple[float, ...]:
    """Learning rates."""
    values = tuple(map(as_float, items_of(value, 16) or ()))
    if not values or len(values) > 16 or not all(0 < rate < math.inf for rate in values):
        raise ValueError(f"{name} must be 1 to 16 numbers above 0, got {shown(value)}")
    return values
