"""What a stream of numbers is predicted by: its predictors, its networks, and their inputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from lethe.core.topology import Topology
from lethe.model.networks import Group
from lethe.model.parameters import Parameters

__all__ = [
    "PREDICTORS",
    "has_seasons",
    "input_names",
    "lags_of",
    "memory_topology",
    "network_topology",
    "number_groups",
    "number_inputs",
    "predictor_names",
]

#: The predictors that are blended, before the networks: the first fourteen are those of the past
#: and its seasons.
PREDICTORS = (
    "last value",
    "mean",
    "smoothed fast",
    "smoothed slowly",
    "median",
    "same time last period",
    "same time last long period",
    "period and level",
    "long period and level",
    "period and slow level",
    "long period and slow level",
    "period, level and drift",
    "scaled period and level",
    "linear and period",
    "linear, slow",
    "linear, fast",
    "linear, open",
)

_SEASONAL = ("distance", "next step", "far step")
_TURNS = ("day", "half day", "week", "year", "half year")

#: The network for memory: its blocks and its learning rate.
MEMORY_BLOCKS = 16
MEMORY_RATE = 5e-3

#: Past changes of each target that are features, where there are few targets.
LAGS = 8
MOST_LAGS = 64


def network_topology(inputs: int, outputs: int, cells: int, layers: int) -> Topology:
    """The network for numbers: it adds to what is linear, so it needs no shortcuts."""
    return Topology(
        inputs=inputs,
        outputs=outputs,
        blocks=cells,
        layers=layers,
        shortcuts=False,
        output_units="linear",
        cell_input="tanh",
        cell_output="tanh",
        input_gate_bias=0.0,
        forget_gate_bias=1.0,
        output_gate_bias=0.0,
        initial_range=0.1,
    )


def memory_topology(inputs: int, outputs: int) -> Topology:
    """The network for memory: it starts by remembering, each block for a time of its own.

    Forget gates keep from 2 to 1,000 events, evenly on a logarithmic scale, and input gates open as
    rarely (Tallec & Ollivier 2018), so that what is rare is kept and what is common does not fill
    the cells.
    """
    biases = np.log(np.geomspace(2.0, 1000.0, MEMORY_BLOCKS)).tolist()
    return dataclasses.replace(
        network_topology(inputs, outputs, MEMORY_BLOCKS, 1),
        input_gate_bias=[-bias for bias in biases],
        forget_gate_bias=biases,
    )


def number_groups(parameters: Parameters, targets: int, timed: bool, slots: int) -> list[Group]:
    """The networks: of what comes next, for memory, and, with a horizon, of what lies further."""
    inputs = number_inputs(parameters, targets, timed, slots)
    cells, layers = parameters.cells, parameters.layers
    groups = [
        Group.of_rates(network_topology(inputs, targets, cells, layers), parameters.rates),
        Group.of_rates(memory_topology(targets + slots, targets), [MEMORY_RATE]),
    ]
    if parameters.horizon > 1:
        far = network_topology(inputs, targets * parameters.horizon, cells, layers)
        groups.append(Group.of_rates(far, parameters.rates))
    return groups


def lags_of(targets: int) -> int:
    """How many past changes of each target are features: fewer where there are many targets."""
    return max(1, min(LAGS, MOST_LAGS // targets))


#: Targets up to which periods are looked for where nobody says when they are.
MOST_PROFILED = 16


def has_seasons(parameters: Parameters, targets: int, timed: bool) -> bool:
    """Whether there is a season to look back over, or may be one to find."""
    return timed or bool(parameters.period) or targets <= MOST_PROFILED


def number_inputs(parameters: Parameters, targets: int, timed: bool, slots: int) -> int:
    """How many inputs the networks have: features but for the constant."""
    lags = lags_of(targets)
    seasonal = 2 * len(_SEASONAL) * targets if has_seasons(parameters, targets, timed) else 0
    return targets * (2 + lags) + seasonal + (2 * len(_TURNS) if timed else 0) + slots


def predictor_names(rates: Sequence[float]) -> list[str]:
    """Everything that is blended, by name and in order."""
    networks = [f"network, rate {rate:g}" for rate in rates]
    return [*PREDICTORS, *networks, "network for memory", "delayed columns"]


def input_names(
    parameters: Parameters, targets: Sequence[str], timed: bool, slots: int
) -> list[str]:
    """What the networks' inputs are, in order: of the targets' past, then of the columns."""
    lags = lags_of(len(targets))
    names = [f"level of {target}" for target in targets]
    names += [f"change {lag + 1} of {target}" for lag in range(lags) for target in targets]
    if has_seasons(parameters, len(targets), timed):
        for season in ("period", "long period"):
            for target in targets:
                names += [f"{what} of {target}, last {season}" for what in _SEASONAL]
    if timed:
        names += [f"{wave} of {turns}" for turns in _TURNS for wave in ("sine", "cosine")]
    names += [f"last surprise of {target}" for target in targets]
    return [*names, *(f"slot {slot}" for slot in range(slots))]
