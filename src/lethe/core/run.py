"""A run of many steps: what it takes, when it ends early, what it records and gives back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import above_zero, check_bool, flags, series
from lethe.core.topology import Topology

__all__ = [
    "RECORDABLE",
    "FirstError",
    "NotFiniteError",
    "Recordable",
    "Run",
    "block_by_block",
    "checked_series",
    "empty_records",
]

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
        object.__setattr__(self, "learn", check_bool("learn", self.learn))


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


def checked_series(
    topology: Topology,
    dtype: np.dtype[Any],
    inputs: object,
    targets: object,
    target_table: object,
    has_target: object,
    starts: object,
) -> tuple[int, tuple[Any, ...]]:
    """The number of steps, and the series as the kernel takes them, None where there is none.

    They are input vectors, symbols, target vectors, classes, the table, has_target and starts.
    """
    t = topology
    xs = series("inputs", inputs, t.inputs, dtype, limit=t.inputs)
    steps = len(xs)
    used = flags("has_target", has_target, steps)
    wanted = table = None
    if targets is not None:
        if target_table is not None:
            table = series("target_table", target_table, t.outputs, dtype)
        limit = t.outputs if table is None else len(table)
        wanted = series("targets", targets, t.outputs, dtype, limit=limit, used=used)
        if len(wanted) != steps:
            raise ValueError(f"targets must have {steps} rows as inputs have, got {len(wanted)}")
    elif used is not None or target_table is not None:
        raise ValueError("has_target and target_table need targets, got None")
    parts = (*_rows_or_symbols(xs), *_rows_or_symbols(wanted))
    return steps, (*parts, table, used, flags("starts", starts, steps))


def _rows_or_symbols(given: Any) -> tuple[Any, Any]:
    return (None, given) if given is not None and given.ndim == 1 else (given, None)


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


def block_by_block(records: dict[str, NDArray[Any]], steps: int) -> dict[str, NDArray[Any]]:
    """The records of so many steps, with each block's cells side by side."""
    return {
        name: array[:steps].swapaxes(-1, -2) if array.ndim == 4 else array[:steps]
        for name, array in records.items()
    }
