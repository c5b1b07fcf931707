"""What trials are made of, checked alike by all of them when they are made."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from lethe.core._checks import as_float, check_int, floating_dtype
from lethe.core._objects import shown
from lethe.tasks import SequenceTask
from lethe.tasks.checks import check_task
from lethe.trials.learner import FloatingName, Recipe

__all__ = ["check_dtype", "check_number", "check_recipe", "check_seed", "check_units"]


def check_seed(seed: object) -> int:
    """What a trial is run with."""
    return check_int("seed", seed, 0)


def check_dtype(dtype: DTypeLike) -> FloatingName:
    """The name of single or double precision."""
    return "float32" if floating_dtype(dtype) == np.float32 else "float64"


def check_number(name: str, value: float, *, zero: bool = False) -> float:
    """A number above 0, or infinity; Python's as it is, so that its repr is the same."""
    number = as_float(value)
    if not (number > 0 or (zero and number == 0)):
        least = "of at least" if zero else "above"
        raise ValueError(f"{name} must be a number {least} 0, got {shown(value)}")
    return value if type(value) is int else number


def check_units(recipe: Recipe, task: SequenceTask, *more: str) -> None:
    """See that learner and task are such, and fit; the task has these attributes too."""
    check_recipe(recipe)
    check_task("task", task, *more)
    units = (recipe.inputs, recipe.outputs)
    if units != (task.inputs, task.outputs):
        raise ValueError(
            f"learner must have the {task.inputs} inputs and {task.outputs} outputs "
            f"of {shown(task)}, got {units[0]} and {units[1]}"
        )


def check_recipe(recipe: object) -> None:
    """See that a value has what `Recipe` asks for."""
    parts = ("inputs", "outputs", "configuration", "learner")
    if isinstance(recipe, type) or not all(hasattr(recipe, part) for part in parts):
        raise ValueError(
            "learner must be a NetworkRecipe or what lethe.baselines.system makes, "
            f"got {shown(recipe)}"
        )
