"""What a model is made with becomes what it can use, or a ValueError that names it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeVar

__all__ = ["names_of", "one_of", "rates_of"]

Choice = TypeVar("Choice", bound=str)


def names_of(target: object) -> tuple[str, ...]:
    """The targets by name, none or several."""
    if target is None:
        return ()
    names = (target,) if isinstance(target, str) else ()
    if not names and isinstance(target, Iterable):
        names = tuple(target)
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"target must be the name of a column, or several, got {target!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"target must name each column once, got {target!r}")
    return names


def one_of(name: str, value: object, choices: tuple[Choice, ...]) -> Choice:
    """One of several strings."""
    for choice in choices:
        if isinstance(value, str) and value == choice:
            return choice
    raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def rates_of(rates: object) -> tuple[float, ...]:
    """Learning rates."""
    values: tuple[float, ...] = ()
    if isinstance(rates, Iterable) and not isinstance(rates, str | bytes):
        try:
            values = tuple(float(rate) for rate in rates)
        except (TypeError, ValueError, OverflowError):
            values = ()
    if not values or len(values) > 16 or not all(0 < rate < math.inf for rate in values):
        raise ValueError(f"rates must be 1 to 16 numbers above 0, got {rates!r}")
    return values
