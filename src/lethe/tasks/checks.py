"""What the methods of tasks and streams are given, checked alike for all of them."""

from __future__ import annotations

import numpy as np

from lethe.core._checks import check_int, generator
from lethe.core._objects import shown

__all__ = [
    "MOST_AT_ONCE",
    "MOST_STEPS",
    "check_in_sight",
    "check_sequences",
    "check_steps",
    "check_task",
    "stream_generator",
]

#: The longest sequence, lag or period of a task; a million is also about what a network can read.
MOST_STEPS = 1_000_000
#: Steps that are made at once, at most: some gigabytes.
MOST_AT_ONCE = 100 * MOST_STEPS


def check_sequences(draws: object, n: object, length: int) -> int:
    """How many sequences of about this length to draw, by what must be a generator."""
    if not isinstance(draws, np.random.Generator):
        raise ValueError(
            "generator must be a numpy.random.Generator, such as numpy.random.default_rng(1), "
            f"got {shown(draws)}"
        )
    most = MOST_AT_ONCE // length
    return _up_to(n, most, f"{most:,} sequences of {length:,} steps")


def check_steps(n: object) -> int:
    """How many steps of a stream are asked for."""
    return check_int("n", n, 1)


def check_in_sight(n: object, left: int) -> int:
    """How many of the steps that a stream shows to go on by."""
    return _up_to(n, left, f"the {left} steps in sight")


def _up_to(n: object, most: int, those: str) -> int:
    try:
        return check_int("n", n, 0, most)
    except ValueError:
        raise ValueError(f"n must be a whole number from 0 to {those}, got {shown(n)}") from None


def check_task(name: str, task: object, *more: str) -> None:
    """See that a value has what `SequenceTask` asks for, and these attributes too."""
    parts = ("inputs", "outputs", "target_table", "sequences", *more)
    if isinstance(task, type) or not all(hasattr(task, part) for part in parts):
        raise ValueError(
            f"{name} must be a task, made from a class of lethe.tasks or with its own "
            f"{', '.join(parts)}, got {shown(task)}"
        )


def stream_generator(seed: object) -> np.random.Generator:
    """The generator of a stream, by its seed."""
    if isinstance(seed, np.random.SeedSequence):
        return np.random.default_rng(seed)
    return generator(seed)
