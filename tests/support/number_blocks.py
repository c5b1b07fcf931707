"""Compiled streams of numbers without a model around them, and their records by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from oracles.delays import MOST_TARGETS, TAPS
from oracles.heads import LINEAR, NAIVE
from oracles.number_records import Sizes

from lethe import _kernel
from lethe.model import number_parts
from lethe.model.networks import Ensemble, Group

RATES = (3e-3, 1e-2)


def groups_of(
    sizes: Sizes, slots: int, cells: int = 2, layers: int = 1, rates: Sequence[float] = RATES
) -> list[Group]:
    """The groups of networks that a stream of these sizes has."""
    t = sizes.targets
    seasonal = sizes.timed or sizes.period > 0 or t <= number_parts.MOST_PROFILED
    inputs = t * (2 + sizes.lags) + 6 * t * seasonal + 10 * sizes.timed + slots
    groups = [
        Group.of_rates(number_parts.network_topology(inputs, t, cells, layers), rates),
        Group.of_rates(number_parts.memory_topology(t + slots, t), [number_parts.MEMORY_RATE]),
    ]
    if sizes.horizon > 1:
        far = number_parts.network_topology(inputs, t * sizes.horizon, cells, layers)
        groups.append(Group.of_rates(far, rates))
    return groups


def number_stream(
    sizes: Sizes, slots: int, ensemble: Ensemble, *, scored: bool
) -> _kernel.NumberStream:
    """Not started yet."""
    return _kernel.NumberStream(
        sizes.targets, sizes.horizon, sizes.lags, sizes.period, sizes.long_period, sizes.timed,
        slots, 1, scored, [group.described() for group in ensemble.groups],
    )  # fmt: skip


def record_of(
    stream: _kernel.NumberStream, sizes: Sizes, networks: int = len(RATES), place: int = 0
) -> dict[str, NDArray[np.float64]]:
    """The record at a place of the ring, part by part as views."""
    t, m = sizes.targets, sizes.targets * max(sizes.horizon, 1)
    k, linear = NAIVE + LINEAR + networks + 2, stream.view("weights").shape[-1]
    shapes: dict[str, tuple[int, ...]] = {
        "seconds": (), "stepped": (), "complete": (), "features": (1 + stream.inputs,),
        "gains": (2, linear), "last value": (t,), "scale": (m,), "base": (m,),
        "predictions": (m, k), "blends": (m, 2), "plain": (m,), "blended": (m,),
        "mean absolute error": (m,), "residuals seen": (m,), "spread": (m,), "bounds": (t, 2),
        "targets": (m,), "remainder": (m,), "useful": (m,),
        "taps": (t if t <= MOST_TARGETS else 0, TAPS), "delayed": (t,), "number": (),
    }  # fmt: skip
    record, found, at = stream.view("records")[place], {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        found[name] = record[at : at + size].reshape(shape)
        at += size
    assert at == len(record)
    return found
