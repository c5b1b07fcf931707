"""Targets as the heads want them: numbers, or the name of a class, None where it is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lethe.model.encoding import ABSURD, category_of, is_missing, number_of

__all__ = ["own_target", "target_of"]


def target_of(target: Any, task: str, names: tuple[str, ...], bad: str) -> Any:
    """A target that was given apart from its event.

    Parameters
    ----------
    target : float, mapping, sequence or object
        As `lethe.Model.learn` takes it.
    task, names, bad
        The model's own.

    Returns
    -------
    ndarray of float64, shape (targets,), or str or None
        NaN where a number is missing.

    Raises
    ------
    ValueError
        If it is none, or of other columns.
    """
    if type(target) is float and -ABSURD < target < ABSURD and task == "regression":
        if len(names) == 1:
            return np.array([target])
    elif task == "classification":
        return None if is_missing(names[0], target, bad) else category_of(names[0], target)
    if target is None:
        return np.full(len(names), math.nan)
    if isinstance(target, Mapping):
        unknown = [name for name in target if name not in names]
        if unknown:
            raise ValueError(f"target must have {', '.join(names)} alone, got {unknown[0]!r}")
        target = [target.get(name) for name in names]
    elif not isinstance(target, list | tuple | np.ndarray) or np.ndim(target) == 0:
        target = [target]
    if len(target) != len(names):
        raise ValueError(
            f"target must have {len(names)} numbers ({', '.join(names)}), got {len(target)}"
        )
    return np.array([number_of(n, value, bad) for n, value in zip(names, target, strict=True)])


def own_target(columns: Mapping[str, Any], task: str, names: tuple[str, ...], bad: str) -> Any:
    """The target that is among an event's columns, as `target_of` gives it."""
    if task == "classification":
        return target_of(columns.get(names[0]), task, names, bad)
    return np.array([number_of(name, columns.get(name), bad) for name in names])
