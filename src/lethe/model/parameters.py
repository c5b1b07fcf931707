"""What a model is made with, checked once: a ValueError names what is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self, TypeVar, get_args

from lethe.core._checks import check_bool, check_int
from lethe.storage.fields import Fields, list_of

__all__ = ["Bad", "NewColumns", "Parameters", "Task"]

Task = Literal["regression", "classification", "symbols"]
Bad = Literal["missing", "skip", "raise"]
NewColumns = Literal["raise", "grow"]

Choice = TypeVar("Choice", bound=str)

_NAMES = (
    "target", "task", "horizon", "time", "period", "cells", "layers", "rates", "categories",
    "max_delay", "detect", "bad", "new_columns",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of `lethe.Model`, by their names, but for its seed."""

    target: tuple[str, ...]
    task: Task
    horizon: int
    time: str | None
    period: int | None
    cells: int
    layers: int
    rates: tuple[float, ...]
    categories: int
    max_delay: int
    detect: bool
    bad: Bad
    new_columns: NewColumns

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
    ) -> Self:
        """What a model was given.

        Raises
        ------
        ValueError
            If an argument is not one of these.
        """
        targets = _names("target", target)
        chosen: Task = _one_of("task", task, get_args(Task))
        if chosen == "symbols" and targets:
            raise ValueError(f"target must be left out for symbols, got {target!r}")
        if chosen == "classification" and len(targets) != 1:
            raise ValueError(f"target must be one column for classification, got {target!r}")
        if horizon is None:
            horizon = 0 if targets else 1
        horizon = check_int("horizon", horizon, 0, 1000 if chosen == "regression" else 1)
        if horizon == 0 and not targets:
            raise ValueError("horizon must be at least 1 without a target, got 0")
        if time is not None and not isinstance(time, str):
            raise ValueError(f"time must be the name of a column, got {time!r}")
        return cls(
            targets,
            chosen,
            horizon,
            time,
            None if period is None else check_int("period", period, 1, 4096),
            check_int("cells", cells, 1, 1 << 20),
            check_int("layers", layers, 1, 1000),
            _rates("rates", rates),
            check_int("categories", categories, 1, 100_000),
            check_int("max_delay", max_delay, 1, 1_000_000),
            check_bool("detect", detect),
            _one_of("bad", bad, get_args(Bad)),
            _one_of("new_columns", new_columns, get_args(NewColumns)),
        )

    def to_json(self) -> dict[str, object]:
        """As plain JSON values."""
        found: dict[str, object] = {name: getattr(self, name) for name in _NAMES}
        return found | {"target": [*self.target], "rates": [*self.rates]}

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
            period=given.optional("period", given.integer),
            cells=given.integer("cells"),
            layers=given.integer("layers"),
            rates=list_of("rates", given["rates"], None, _rate),
            categories=given.integer("categories"),
            max_delay=given.integer("max_delay"),
            detect=given.boolean("detect"),
            bad=given.string("bad"),
            new_columns=given.string("new_columns"),
        )


def _rate(value: object) -> float:
    if not isinstance(value, float):
        raise ValueError(f"rates must be numbers, got {value!r:.40}")
    return value


def _names(name: str, value: object) -> tuple[str, ...]:
    """The targets by name, none or several."""
    if value is None:
        return ()
    names = (value,) if isinstance(value, str) else ()
    if not names and isinstance(value, Iterable):
        names = tuple(value)
    if not names or not all(isinstance(each, str) for each in names):
        raise ValueError(f"{name} must be the name of a column, or several, got {value!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"{name} must name each column once, got {value!r}")
    return names


def _one_of(name: str, value: object, choices: tuple[Choice, ...]) -> Choice:
    """One of several strings."""
    for choice in choices:
        if isinstance(value, str) and value == choice:
            return choice
    raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def _rates(name: str, value: object) -> tuple[float, ...]:
    """Learning rates."""
    values: tuple[float, ...] = ()
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        try:
            values = tuple(float(rate) for rate in value)
        except (TypeError, ValueError, OverflowError):
            values = ()
    if not values or len(values) > 16 or not all(0 < rate < math.inf for rate in values):
        raise ValueError(f"{name} must be 1 to 16 numbers above 0, got {value!r}")
    return values
