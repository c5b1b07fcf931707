"""What a model answers: predictions in the user's own units, and what it noticed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lethe.model.classes import ClassHeads, OwedClass
from lethe.model.encoding import label_of
from lethe.model.intervals import Past
from lethe.model.numbers import NumberHeads, OwedNumbers

__all__ = ["Diagnostics", "Prediction", "Report", "class_prediction", "number_prediction"]


@dataclass(slots=True)
class Prediction:
    """What a model expects, at the time it was asked.

    Attributes
    ----------
    value : float, dict or object
        Of the next event (or, with ``horizon=0``, of this one): a number, a number by target where
        there are several, or the most probable class (None before the first).
    forecast : tuple
        Values for 1, 2, … events ahead; with ``horizon=0`` the one value.
    probabilities : dict
        Of each class seen so far; empty for numbers.
    new : float
        The probability of a class not seen so far.
    """

    value: Any
    forecast: tuple[Any, ...]
    probabilities: Mapping[Any, float] = field(default_factory=dict)
    new: float = 0.0
    _targets: tuple[str, ...] = field(default=(), repr=False)
    _past: Past | None = field(default=None, compare=False, repr=False)

    def interval(
        self, level: float = 0.9, *, target: str | None = None, ahead: int = 1
    ) -> tuple[float, float]:
        """Where a number will lie with a given probability, if the stream goes on as it was.

        Parameters
        ----------
        level : float
            In (0, 1).
        target : str, optional
            Which, where there are several.
        ahead : int
            How many events ahead, from 1.

        Returns
        -------
        tuple of float
            The ends; infinite until some errors have been seen.

        Raises
        ------
        ValueError
            If an argument is not one of these, or there are no numbers.
        """
        if not self._targets:
            raise ValueError("interval must be asked of numbers, got a prediction of classes")
        if not 0 < level < 1:
            raise ValueError(f"level must be between 0 and 1, got {level!r}")
        if target is None and len(self._targets) == 1:
            target = self._targets[0]
        if target not in self._targets:
            raise ValueError(f"target must be one of {', '.join(self._targets)}, got {target!r}")
        horizon = len(self.forecast)
        if not 1 <= ahead <= horizon:
            raise ValueError(f"ahead must be from 1 to {horizon}, got {ahead!r}")
        head = self._targets.index(target) * horizon + ahead - 1
        if self._past is None:
            return -math.inf, math.inf
        return self._past.interval(head, level)


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What a model's networks went through.

    Attributes
    ----------
    saturated_gates, drifting_states, restarted_blocks : int
        How often a gate was saturated or shut for long, a state large, a dead block restarted.
    lost_steps : int
        Steps undone because numbers stopped being finite.
    """

    saturated_gates: int
    drifting_states: int
    restarted_blocks: int
    lost_steps: int


@dataclass(slots=True)
class Report:
    """What a model noticed when it learned from an event.

    Attributes
    ----------
    prediction : Prediction or None
        What it had expected of this event before it saw its target.
    anomaly : float
        From 0, as usual, to 1, as never before; NaN while nothing can be said.
    column : str or None
        The target that was most anomalous.
    expected, actual : object
        What was predicted of it, and what it was.
    skipped : bool
        Whether the event was left out as bad, by policy ``bad="skip"``.
    """

    prediction: Prediction | None
    anomaly: float = float("nan")
    column: str | None = None
    expected: Any = None
    actual: Any = None
    skipped: bool = False

    @property
    def explanation(self) -> str:
        """The anomaly in a sentence.

        Examples
        --------
        >>> Report(None, 0.999, "flow", 4.25, 93.0).explanation
        'flow: expected 4.25, got 93'
        """
        if self.column is None:
            return ""
        return f"{self.column}: expected {_short(self.expected)}, got {_short(self.actual)}"


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def number_prediction(
    heads: NumberHeads, event: OwedNumbers | None, names: tuple[str, ...], horizon: int
) -> Prediction:
    """What was answered to an event; 0 where there was none yet."""
    if event is None:
        value: Any = 0.0 if len(names) <= 1 else dict.fromkeys(names, 0.0)
        return Prediction(value, (value,) * horizon, {}, 0.0, names)
    past = heads.past(event)
    mixed = event.record[past.places[0]]
    forecast: tuple[Any, ...]
    if len(names) == 1:
        forecast = tuple(mixed.tolist())
    else:
        rows = mixed.reshape(len(names), horizon)
        forecast = tuple(dict(zip(names, row, strict=True)) for row in rows.T.tolist())
    return Prediction(forecast[0], forecast, {}, 0.0, names, past)


def class_prediction(heads: ClassHeads, event: OwedClass | None) -> Prediction:
    """What was answered to an event; no class where there was none yet."""
    mixed = None if event is None else heads.mixed(event)
    if mixed is None or len(mixed) == 1:
        return Prediction(None, (None,), {}, 1.0)
    labels = [label_of(key) for key in heads.keys[1 : len(mixed)]]
    best = labels[int(np.argmax(mixed[1:]))]
    probabilities: dict[Any, float] = {}
    for label, probability in zip(labels, mixed[1:].tolist(), strict=True):
        probabilities[label] = probabilities.get(label, 0.0) + probability  # True is 1, too
    return Prediction(best, (best,), probabilities, float(mixed[0]))
