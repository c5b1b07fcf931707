"""A run of many steps: when it ends early, what it records, and what it returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from lethe.core._checks import Floating, above_zero, check_bool

__all__ = ["RECORDABLE", "FirstError", "NotFiniteError", "Recordable", "Run"]

Recordable = Literal[
    "output", "loss", "input_gate", "forget_gate", "output_gate", "cell_state", "cell_output"
]
RECORDABLE: tuple[Recordable, ...] = get_args(Recordable)


class NotFiniteError(FloatingPointError):
    """The network's own numbers were no longer finite; it is back at its last good snapshot.

    Attributes
    ----------
    steps_lost : int
        Time steps between the snapshot and the step that failed.
    """

    def __init__(self, steps_lost: int) -> None:
        super().__init__(
            "the network's numbers are no longer finite; it went back to its last good snapshot, "
            f"{steps_lost:,} steps ago. A smaller rate or a bound on the step may keep it finite"
        )
        self.steps_lost = steps_lost

    def __reduce__(self) -> tuple[type[NotFiniteError], tuple[int]]:
        return NotFiniteError, (self.steps_lost,)


@dataclass(frozen=True)
class FirstError:
    """End a run at the first step with a target where some output is wrong by `bound` or more.

    Parameters
    ----------
    bound : float
        A prediction is right when ``|t_k - y_k| < bound`` at every output (section 4.1).
    learn : bool
        Whether the step with the wrong prediction still learns.

    Raises
    ------
    ValueError
        If `bound` is not a finite number above 0, or `learn` is no boolean.
    """

    bound: float = 0.49
    learn: bool = True

    def __post_init__(self) -> None:
        """Check both."""
        object.__setattr__(self, "bound", above_zero("bound", self.bound))
        object.__setattr__(self, "learn", check_bool("learn", self.learn))


@dataclass(frozen=True)
class Run(Mapping[str, Floating]):
    """What `Network.run` did, and, as a mapping, what it recorded.

    Attributes
    ----------
    steps : int
        Time steps done.
    stopped : bool
        Whether `stop` ended the run.
    records : dict of str to ndarray
        What was recorded; the first axis has length `steps`.
    """

    steps: int
    stopped: bool
    records: dict[str, Floating]

    def __getitem__(self, name: str) -> Floating:
        return self.records[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)
