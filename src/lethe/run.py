"""What a run of many steps gives back, when it ends early, and what it can record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lethe.arguments import above_zero, truth
from lethe.topology import Topology

__all__ = ["RECORDABLE", "FirstError", "NotFiniteError", "Recordable", "Run", "empty_records"]

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
        If `bound` is not a finite number above 0, or `learn` not a truth value.
    """

    bound: float = 0.49
    learn: bool = True

    def __post_init__(self) -> None:
        """Check both."""
        object.__setattr__(self, "bound", above_zero("bound", self.bound))
        object.__setattr__(self, "learn", truth("learn", self.learn))


@dataclass(frozen=True)
class Run(Mapping[str, NDArray[Any]]):
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
    records: dict[str, NDArray[Any]]

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.records[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)


def empty_records(
    names: object, topology: Topology, steps: int, dtype: np.dtype[Any]
) -> dict[str, NDArray[Any]]:
    """Arrays that the kernel can record into: cell 0 of every block, then cell 1, and so on."""
    asked = (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
    t = topology
    records: dict[str, NDArray[Any]] = {}
    for name in asked:
        if not isinstance(name, str) or name not in RECORDABLE:
            raise ValueError(f"record must be of {', '.join(RECORDABLE)}, got {name!r}")
        if name == "loss":
            records[name] = np.empty(steps)
            continue
        shape: tuple[int, ...] = (steps, t.layers, t.blocks)
        if name == "output":
            shape = (steps, t.outputs)
        elif name.startswith("cell"):
            shape = (steps, t.layers, t.cells_per_block, t.blocks)
        records[name] = np.empty(shape, dtype)
    return records
