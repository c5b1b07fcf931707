"""How states and partials evolve: claims of sections 2.1 and 3.2 as measurements.

Section 2.1: as states grow without bound, (a) the derivative of h vanishes and blocks incoming
errors, and (b) the cell's output equals the output gate's activation: `StateGrowth`. Section 3.2:
when a forget gate closes, the partials are forgotten with the state: `PartialsForgotten`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lethe.core.equations import SQUASHINGS, Array
from lethe.core.network import Network
from lethe.core.topology import UnitKind
from lethe.core.updates import SGD
from lethe.tasks import Steps, joined
from lethe.trials.continual import Stream, Trial
from lethe.trials.progress import OnProgress

__all__ = [
    "NUMBERS",
    "GrownStates",
    "PartialsAtResets",
    "PartialsForgotten",
    "StateGrowth",
]

#: The strings of a stream that `StateGrowth` measures, by number.
NUMBERS: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_WINDOW = 10  # Strings over which a cell's output is compared with its output gate.
_SATURATED = 0.99  # A squashed state |h(s_c)| beyond this is as good as constant.


@dataclass(frozen=True)
class GrownStates:
    """The cells of a trained network in the first, second, … string of a stream.

    All but `strings` and `learned` have one entry for each of these strings, over all cells, steps
    and streams.

    Attributes
    ----------
    strings : list of int
        Numbers of the strings.
    state : list of float
        Mean |s_c|.
    slope : list of float
        Mean h'(s_c), by which eq. 17 multiplies an error that enters a cell. It is 0.5 at most.
    squashed : list of float
        Mean |h(s_c)|: the ratio of the cell's output to its output gate (eq. 7).
    saturated : list of float
        Share of the cells' steps with |h(s_c)| above 0.99.
    gate_share : list of float
        How much of the variance of a cell's output its output gate alone explains over ten strings
        from this one on: the squared correlation of y^c and y^out, mean of cells and streams. 1:
        the cell equals its gate, up to a constant factor.
    learned : bool
        Whether the trial ended with a perfect network.
    """

    strings: list[int]
    state: list[float]
    slope: list[float]
    squashed: list[float]
    saturated: list[float]
    gate_share: list[float]
    learned: bool


@dataclass(frozen=True, kw_only=True)
class StateGrowth:
    """Train a network, freeze it, and record its cells over long streams.

    Parameters
    ----------
    trial : Trial
        How the network is trained. Its `training_streams` may be few: states grow long before a
        network is good.
    strings : tuple of int
        Numbers of the strings to measure, ascending.
    streams : int
        Number of streams, each from states of zero. Wrong predictions do not end them.
    """

    trial: Trial
    strings: tuple[int, ...] = NUMBERS
    streams: int = 20

    @property
    def dtype(self) -> str:
        """Data type of the network."""
        return self.trial.dtype

    def configuration(self) -> dict[str, Any]:
        """Everything a reader needs to run this again, as plain JSON values."""
        return {
            "measurement": "state growth",
            "strings": list(self.strings),
            "streams": self.streams,
            "trial": self.trial.configuration(),
        }

    def run(self, seed: int, on_progress: OnProgress | None = None) -> GrownStates:
        """Train and measure.

        Parameters
        ----------
        seed : int
            At least 0. Seed of the trial and of the measured streams, which are new.
        on_progress : callable, optional
            As for the trial.

        Returns
        -------
        GrownStates
        """
        result, net = self.trial.train_network(seed, on_progress=on_progress)
        seen: list[list[tuple[float, ...]]] = [[] for _ in self.strings]
        for stream in _new_streams(self.trial, seed, self.streams):
            steps = _read(stream, strings=self.strings[-1] + _WINDOW)
            bounds = np.flatnonzero(steps.starts)
            net.reset()
            run = net.run(
                steps.inputs,
                learn=False,
                record=("cell_state", "cell_output", "output_gate"),
            )
            for number, measured in zip(self.strings, seen, strict=True):
                ends = (number - 1, number, number - 1 + _WINDOW)
                first, end, last = (int(bounds[string]) for string in ends)
                gates = run["output_gate"][first:last]
                share = _explained(run["cell_output"][first:last], gates)
                measured.append((*self._means_of(run["cell_state"][first:end]), share))
        means = [np.mean(measured, axis=0) for measured in seen]
        columns = ([float(mean[column]) for mean in means] for column in range(5))
        state, slope, squashed, saturated, shares = columns
        return GrownStates(
            list(self.strings), state, slope, squashed, saturated, shares, result.perfect
        )

    def _means_of(self, states: NDArray[Any]) -> tuple[float, float, float, float]:
        """Means of |s_c|, h'(s_c) and |h(s_c)|, and how often the last is near 1."""
        h, slope = SQUASHINGS[self.trial.network.topology.cell_output]
        s = states.astype(np.float64)
        squashed = np.abs(h(s))
        values = (np.abs(s), slope(s), squashed, squashed > _SATURATED)
        size, steep, large, saturated = (float(value.mean()) for value in values)
        return size, steep, large, saturated


@dataclass(frozen=True)
class PartialsAtResets:
    """A network's partials where its forget gates close.

    A "reset" is a step at which a block's forget gate is below the threshold; an "open" step is one
    at which it is above 1 minus the threshold.

    Attributes
    ----------
    resets, opened : int
        Steps of a block that were resets, and open steps.
    gate_at_resets, gate_when_open : float
        Mean activation of the forget gate at these.
    kept_at_resets, kept_when_open : float
        Mean norm of a cell's partials after the step over that before, at the sources that were
        silent in it, to which this step adds nothing.
    all_at_resets : float
        The same at resets over all sources, with what the step adds.
    state_before, state_after : float
        Mean |s_c| just before and after resets.
    largest_difference : float
        Largest |kept / gate - 1| over all steps of all blocks, resets or not: the partials are
        multiplied by the forget gate's activation, up to rounding.
    learned : bool
        Whether the trial ended with a perfect network.
    """

    resets: int
    opened: int
    gate_at_resets: float
    gate_when_open: float
    kept_at_resets: float
    kept_when_open: float
    all_at_resets: float
    state_before: float
    state_after: float
    largest_difference: float
    learned: bool


@dataclass(frozen=True, kw_only=True)
class PartialsForgotten:
    """Train a network with forget gates, and follow its partials over a new stream.

    The network continues with a learning rate of 0, so that partials advance and weights do not
    change.

    Parameters
    ----------
    trial : Trial
        How the network is trained; its streams are of symbols, so that most inputs are silent at
        each step.
    steps : int
        Number of steps over which to follow the partials.
    threshold : float
        A forget gate below it resets its block.

    Raises
    ------
    ValueError
        If the blocks have no forget gates.
    """

    trial: Trial
    steps: int = 2000
    threshold: float = 0.1

    def __post_init__(self) -> None:
        """Check that there are gates to close."""
        if not self.trial.network.topology.forget_gate:
            raise ValueError("trial must be of a topology with forget gates")

    @property
    def dtype(self) -> str:
        """Data type of the network."""
        return self.trial.dtype

    def configuration(self) -> dict[str, Any]:
        """Everything a reader needs to run this again, as plain JSON values."""
        return {
            "measurement": "partials forgotten",
            "steps": self.steps,
            "threshold": self.threshold,
            "trial": self.trial.configuration(),
        }

    def run(self, seed: int, on_progress: OnProgress | None = None) -> PartialsAtResets:
        """Train and measure.

        Parameters
        ----------
        seed : int
            At least 0. Seed of the trial and of the measured stream, which is new.
        on_progress : callable, optional
            As for the trial.

        Returns
        -------
        PartialsAtResets
        """
        result, trained = self.trial.train_network(seed, on_progress=on_progress)
        net = _without_learning(trained)
        (stream,) = _new_streams(self.trial, seed, 1)
        symbols = _read(stream, steps=self.steps).inputs[: self.steps]
        gates, kept, everything, states = _followed(net, symbols.tolist())
        gates = np.broadcast_to(gates[..., None], kept.shape)
        there = np.isfinite(kept)  # There are partials before this step.
        resets = there & (gates < self.threshold)
        opened = there & (gates > 1.0 - self.threshold)
        return PartialsAtResets(
            resets=int(resets.any(axis=-1).sum()),
            opened=int(opened.any(axis=-1).sum()),
            gate_at_resets=_mean(gates[resets]),
            gate_when_open=_mean(gates[opened]),
            kept_at_resets=_mean(kept[resets]),
            kept_when_open=_mean(kept[opened]),
            all_at_resets=_mean(everything[resets]),
            state_before=_mean(np.abs(states[:-1][resets])),
            state_after=_mean(np.abs(states[1:][resets])),
            largest_difference=float(np.abs(kept[there] / gates[there] - 1.0).max(initial=0.0)),
            learned=result.perfect,
        )


def _followed(net: Network, symbols: list[int]) -> tuple[Array, Array, Array, Array]:
    """Step by step: forget gates (T, B), the ratios of silent and of all partials, states.

    Ratios are (T, B, S), NaN where there is nothing before; states (T + 1, B, S), of the first
    layer.
    """
    inputs = net.topology.inputs
    kinds = [kind for kind in _kinds(net) if kind != "output_gate"]
    views = [net.partials(kind) for kind in kinds]
    sources = [view.shape[-1] for view in views]
    silent_sources = [np.arange(number) < inputs for number in sources]
    before = np.concatenate(views, axis=-1)
    gates, kept, everything = [], [], []
    states = [net.state("cell_state").astype(np.float64)]
    for symbol in symbols:
        net.step(symbol)
        gates.append(net.state("forget_gate").astype(np.float64))
        states.append(net.state("cell_state").astype(np.float64))
        after = np.concatenate([net.partials(kind) for kind in kinds], axis=-1)
        silent = np.concatenate(
            [inside & (np.arange(len(inside)) != symbol) for inside in silent_sources]
        )
        kept.append(_ratio(after[..., silent], before[..., silent]))
        everything.append(_ratio(after, before))
        before = after
    return np.array(gates), np.array(kept), np.array(everything), np.array(states)


def _kinds(net: Network) -> tuple[UnitKind, ...]:
    """The kinds of hidden unit."""
    return (*net.topology.gates, "cell")


def _ratio(after: NDArray[Any], before: NDArray[Any]) -> Array:
    """Of the norms over the last axis; NaN where there is nothing before."""
    sizes = np.linalg.norm(before.astype(np.float64), axis=-1)
    there = sizes > 0
    ratio = np.linalg.norm(after.astype(np.float64), axis=-1) / np.where(there, sizes, 1.0)
    return np.where(there, ratio, np.nan)


def _without_learning(trained: Network) -> Network:
    """The same network with a learning rate of 0, at the start of a stream."""
    net = Network(trained.topology, update=SGD(0.0), dtype=trained.dtype)
    for layer in range(trained.topology.layers):
        for kind in _kinds(trained):
            net.weights(kind, layer)[...] = trained.weights(kind, layer)
    net.weights("output")[...] = trained.weights("output")
    return net


def _new_streams(trial: Trial, seed: int, number: int) -> list[Stream]:
    """Streams that the trial of this seed has not seen."""
    *_, ours = np.random.SeedSequence(seed).spawn(4)
    return [trial.stream(child) for child in ours.spawn(number)]


def _read(stream: Stream, *, strings: int = 0, steps: int = 0) -> Steps:
    """At least this many complete strings or steps of a stream, from the start of a string."""
    stream.next_string()
    pieces: list[Steps] = []
    starts = read = 0
    while starts <= strings or read < steps:
        piece = stream.look(4096)
        stream.advance(len(piece.starts))
        starts += int(np.count_nonzero(piece.starts))
        read += len(piece.starts)
        pieces.append(piece)
    return joined(pieces)


def _explained(outputs: NDArray[Any], gates: NDArray[Any]) -> float:
    """Mean over the cells of the squared correlation of y^c (T, L, B, S) and y^out (T, L, B)."""
    y = outputs.astype(np.float64)
    gate = gates.astype(np.float64)[..., None]
    y = y - y.mean(axis=0)
    gate = gate - gate.mean(axis=0)
    varies = (y**2).sum(axis=0) * (gate**2).sum(axis=0)
    together = (y * gate).sum(axis=0) ** 2
    return float(np.divide(together, varies, out=np.ones_like(varies), where=varies > 0).mean())


def _mean(values: Array) -> float:
    return float(values.mean()) if values.size else 0.0
