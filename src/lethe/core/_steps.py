"""Many steps in one compiled call: the series that go in, and the records that come out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import Dtype, Floating, check_bool, flags, series
from lethe.core._objects import items_of, shown
from lethe.core._views import Core
from lethe.core.run import RECORDABLE, FirstError, Run
from lethe.core.topology import Topology

__all__ = ["Series", "checked_series", "run_steps"]

Symbols = NDArray[np.int64]


class Series(NamedTuple):
    """What a run takes, as the kernel reads it; None where there is none."""

    inputs: Floating | None
    symbols: Symbols | None
    targets: Floating | None
    classes: Symbols | None
    target_table: Floating | None
    has_target: NDArray[np.bool_] | None
    starts: NDArray[np.bool_] | None

    @property
    def steps(self) -> int:
        """How many time steps."""
        given = self.symbols if self.inputs is None else self.inputs
        return 0 if given is None else len(given)


def checked_series(
    topology: Topology,
    dtype: Dtype,
    inputs: object,
    targets: object,
    target_table: object,
    has_target: object,
    starts: object,
) -> Series:
    """The series of `Network.run`, if they are all of one length and of this topology's widths."""
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
    return Series(
        *_rows_or_symbols(xs),
        *_rows_or_symbols(wanted),
        None if table is None else table.astype(dtype, copy=False),
        used,
        flags("starts", starts, steps),
    )


def run_steps(
    core: Core,
    topology: Topology,
    dtype: Dtype,
    series: Series,
    reset_at_starts: bool,
    learn: bool,
    stop: FirstError | None,
    record: Iterable[str],
) -> Run:
    """`Network.run` on checked series."""
    if stop is not None and not isinstance(stop, FirstError):
        raise ValueError(f"stop must be a lethe.FirstError, got {shown(stop)}")
    if stop is not None and series.targets is None and series.classes is None:
        raise ValueError("stop needs targets, got None")
    records = _empty_records(record, topology, series.steps, dtype)
    stopped, done = core.run(
        *series,
        check_bool("reset_at_starts", reset_at_starts),
        check_bool("learn", learn),
        math.inf if stop is None else stop.bound,
        stop is None or stop.learn,
        records,
    )
    return Run(done, stopped, {name: _in_blocks(array[:done]) for name, array in records.items()})


def _rows_or_symbols(given: Floating | Symbols | None) -> tuple[Floating | None, Symbols | None]:
    """Vectors, or symbols."""
    if given is None:
        return None, None
    if given.dtype.kind == "i":
        return None, given.astype(np.int64, copy=False)
    return given.astype(given.dtype, copy=False), None


def _empty_records(
    names: Iterable[str], topology: Topology, steps: int, dtype: Dtype
) -> dict[str, Floating]:
    """Arrays that the kernel can record into: cell 0 of every block, then cell 1, and so on."""
    items = items_of(names, ordered=False)
    asked = (names,) if items is None else items
    t = topology
    records: dict[str, Floating] = {}
    for name in asked:
        if not isinstance(name, str) or name not in RECORDABLE:
            raise ValueError(f"record must be of {', '.join(RECORDABLE)}, got {shown(name)}")
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


def _in_blocks(record: Floating) -> Floating:
    """A record with the cells of each block next to each other."""
    return record.swapaxes(-1, -2) if record.ndim == 4 else record
