"""Update rules: how an error becomes a weight change. The kernel applies them in its one pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple, get_args

from lethe.core._checks import as_float, check_bool, check_choice
from lethe.core._objects import shown

__all__ = ["SGD", "Adam", "Coefficients", "MomentOrder", "RMSprop", "Update", "update_of"]

DecayPer = Literal["step", "sequence"]
#: 1: the running mean of the gradient; 2: that of its square.
MomentOrder = Literal[1, 2]

_LEAST_EPSILON = 1e-15
_EPSILON = "at least 1e-15 (its square must be a normal number in float32) and finite"


class Coefficients(NamedTuple):
    """An update rule as the kernel reads it; what a rule does not have is 0."""

    kind: Literal["sgd", "momentum", "rmsprop", "adam"]
    rate: float
    decay: float
    decay_per_sequence: bool
    restart: bool
    bound_error: float
    bound_step: float
    first: float = 0.0
    second: float = 0.0
    epsilon: float = 0.0


@dataclass(frozen=True)
class SGD:
    """Gradient descent as in the report (eqs. 13, 23, 24), with its decays, and with momentum.

    Each weight changes by ``rate · m``, where ``m`` is the negative gradient g, or, with momentum,
    ``m := momentum · m + g`` at each step that has an error.

    Parameters
    ----------
    rate : float
        The learning rate α, at least 0. At 0 the partials advance and nothing is learned.
    decay : float
        In (0, 1]: α := decay · α after each time step (section 4.5), with or without an error, or
        after each sequence (section 4.6).
    decay_per : {"step", "sequence"}
        What ``decay`` counts. Sequences end where ``Network.run`` or ``Network.start_sequence``
        says that the next one starts.
    restart : bool
        Whether ``Network.reset`` sets α back to ``rate``, as the report does with each stream.
    momentum : float
        In [0, 1).
    bound_error : float
        Limit of each |δ| and |e_s| (eqs. 14-17) before the pass.
    bound_step : float
        Limit of each weight's change at one step.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Examples
    --------
    >>> SGD(0.5, decay=0.99)
    SGD(rate=0.5, decay=0.99)
    """

    rate: float
    decay: float = 1.0
    decay_per: DecayPer = "step"
    restart: bool = True
    momentum: float = 0.0
    bound_error: float = math.inf
    bound_step: float = math.inf

    def __post_init__(self) -> None:
        """Check every number."""
        _check_common(self)
        _check(self, "momentum", 0.0, 1.0, "at least 0 and below 1", closed="low")

    def __repr__(self) -> str:
        return _repr(self)

    @property
    def moments(self) -> tuple[MomentOrder, ...]:
        """The orders of the moments that are kept for each weight."""
        return (1,) if self.momentum else ()

    def coefficients(self) -> Coefficients:
        """The rule as the kernel reads it."""
        kind: Literal["sgd", "momentum"] = "momentum" if self.momentum else "sgd"
        return Coefficients(kind, *_common(self), first=self.momentum)

    def configuration(self) -> dict[str, str | float | bool]:
        """The rule's name, the rate, and what differs from the defaults, as plain JSON values."""
        return _configuration(self)


@dataclass(frozen=True)
class RMSprop:
    """Steps scaled by a running mean of the squared gradient (Tieleman & Hinton 2012).

    At each step that has an error, ``s := smoothing · s + (1 - smoothing) · g²`` and the weight
    changes by ``rate · g / √(s + epsilon²)``.

    Parameters
    ----------
    rate, decay, decay_per, restart, bound_error, bound_step
        As in `SGD`.
    smoothing : float
        In [0, 1).
    epsilon : float
        At least 1e-15, so that its square is a normal number in float32.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Examples
    --------
    >>> RMSprop(0.002, smoothing=0.999)
    RMSprop(rate=0.002, smoothing=0.999)
    """

    rate: float
    decay: float = 1.0
    decay_per: DecayPer = "step"
    restart: bool = True
    smoothing: float = 0.99
    epsilon: float = 1e-6
    bound_error: float = math.inf
    bound_step: float = math.inf

    def __post_init__(self) -> None:
        """Check every number."""
        _check_common(self)
        _check(self, "smoothing", 0.0, 1.0, "at least 0 and below 1", closed="low")
        _check(self, "epsilon", _LEAST_EPSILON, math.inf, _EPSILON, closed="low")

    def __repr__(self) -> str:
        return _repr(self)

    @property
    def moments(self) -> tuple[MomentOrder, ...]:
        """The orders of the moments that are kept for each weight."""
        return (2,)

    def coefficients(self) -> Coefficients:
        """The rule as the kernel reads it."""
        return Coefficients("rmsprop", *_common(self), 0.0, self.smoothing, self.epsilon)

    def configuration(self) -> dict[str, str | float | bool]:
        """The rule's name, the rate, and what differs from the defaults, as plain JSON values."""
        return _configuration(self)


@dataclass(frozen=True)
class Adam:
    """Steps from running means of the gradient and of its square (Kingma & Ba 2015).

    At the n-th step that has an error, ``m := first · m + (1 - first) · g``,
    ``s := second · s + (1 - second) · g²``, and the weight changes by
    ``rate · m̂ / √(ŝ + epsilon²)`` with ``m̂ = m / (1 - firstⁿ)`` and ``ŝ = s / (1 - secondⁿ)``.

    Parameters
    ----------
    rate, decay, decay_per, restart, bound_error, bound_step
        As in `SGD`.
    first, second : float
        In [0, 1).
    epsilon : float
        At least 1e-15, so that its square is a normal number in float32.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Examples
    --------
    >>> Adam(0.001)
    Adam(rate=0.001)
    """

    rate: float
    decay: float = 1.0
    decay_per: DecayPer = "step"
    restart: bool = True
    first: float = 0.9
    second: float = 0.999
    epsilon: float = 1e-6
    bound_error: float = math.inf
    bound_step: float = math.inf

    def __post_init__(self) -> None:
        """Check every number."""
        _check_common(self)
        _check(self, "first", 0.0, 1.0, "at least 0 and below 1", closed="low")
        _check(self, "second", 0.0, 1.0, "at least 0 and below 1", closed="low")
        _check(self, "epsilon", _LEAST_EPSILON, math.inf, _EPSILON, closed="low")

    def __repr__(self) -> str:
        return _repr(self)

    @property
    def moments(self) -> tuple[MomentOrder, ...]:
        """The orders of the moments that are kept for each weight."""
        return (1, 2)

    def coefficients(self) -> Coefficients:
        """The rule as the kernel reads it."""
        return Coefficients("adam", *_common(self), self.first, self.second, self.epsilon)

    def configuration(self) -> dict[str, str | float | bool]:
        """The rule's name, the rate, and what differs from the defaults, as plain JSON values."""
        return _configuration(self)


Update = SGD | RMSprop | Adam
_RULES: dict[str, type[SGD] | type[RMSprop] | type[Adam]] = {
    "SGD": SGD,
    "RMSprop": RMSprop,
    "Adam": Adam,
}


def _common(rule: Update) -> tuple[float, float, bool, bool, float, float]:
    """What all rules have, in the order of `Coefficients`."""
    per_sequence = rule.decay_per == "sequence"
    return rule.rate, rule.decay, per_sequence, rule.restart, rule.bound_error, rule.bound_step


def _check_common(rule: Update) -> None:
    _check(rule, "rate", 0.0, math.inf, "at least 0 and finite", closed="low")
    _check(rule, "decay", 0.0, 1.0, "above 0 and at most 1", closed="high")
    _check(rule, "bound_error", 0.0, math.inf, "above 0", closed="high")
    _check(rule, "bound_step", 0.0, math.inf, "above 0", closed="high")
    object.__setattr__(
        rule, "decay_per", check_choice("decay_per", rule.decay_per, get_args(DecayPer))
    )
    object.__setattr__(rule, "restart", check_bool("restart", rule.restart))


def _check(
    rule: Update, name: str, low: float, high: float, expected: str, closed: str = ""
) -> None:
    """Convert a number of a rule to float, or say what is wrong with it."""
    value: object = getattr(rule, name)
    number = as_float(value)
    inside = low < number < high
    at_edge = (closed == "low" and number == low) or (closed == "high" and number == high)
    if not (inside or at_edge):
        raise ValueError(f"{name} must be a number {expected}, got {shown(value)}")
    object.__setattr__(rule, name, number)


def _changed(rule: Update) -> dict[str, str | float | bool]:
    """The rate, and what differs from the defaults."""
    changed: dict[str, str | float | bool] = {}
    for field in fields(rule):
        value: str | float | bool = getattr(rule, field.name)
        if field.name == "rate" or value != field.default:
            changed[field.name] = value
    return changed


def _configuration(rule: Update) -> dict[str, str | float | bool]:
    """The rule's name, the rate, and what differs from the defaults, as plain JSON values."""
    return {"rule": type(rule).__name__, **_changed(rule)}


def update_of(configuration: Mapping[str, object]) -> Update:
    """The rule that has this `configuration`.

    Raises
    ------
    ValueError
        If no rule has it.

    Examples
    --------
    >>> update_of(SGD(0.5, momentum=0.9).configuration())
    SGD(rate=0.5, momentum=0.9)
    """
    parts = dict(configuration)
    made = _RULES.get(str(parts.pop("rule", None)))
    if made is None:
        raise ValueError(f"rule must be one of {', '.join(_RULES)}, got {configuration!r:.200}")
    try:
        return made(**parts)  # type: ignore[arg-type]  # each number is checked there
    except TypeError as error:
        raise ValueError(f"an update rule must have its own numbers: {error}") from None


def _repr(rule: Update) -> str:
    """The rule as code: the rate, and what differs from the defaults."""
    changed = _changed(rule)
    rate = changed.pop("rate")
    words = [f"{name}={value!r}" for name, value in changed.items()]
    return f"{type(rule).__name__}({', '.join([f'rate={rate!r}', *words])})"
