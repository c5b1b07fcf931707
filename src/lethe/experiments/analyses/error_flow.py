"""Error flow (sections 1 and 2 of the report): how an error decays as it propagates back in time.

An error at time t + q reaches time t multiplied by the derivative of the state at t + q with
respect to the state at t. Its size is measured in two ways:

- **through the whole network**: every path counts, those through gates and recurrent connections
  too. It is the Frobenius norm of the derivative over the square root of the number of units: the
  root mean square of what remains of an error of size 1, over all directions. (It is the same for
  an error propagated back and for a change propagated forward, so one measurement covers both.)
- **along the cells**: what the learning algorithm carries. Truncation cuts all paths but the cells'
  connections to themselves, and the partials measure these: a weight whose source was
  active at step t alone has a partial that nothing adds to afterwards, so its size q steps later,
  over its size at t, is the share of an error at t + q that this weight still feels. By eqs. 19-21
  it is the product of the forget gates between them.

A simple recurrent network has only the first. "The constant error carousel", and hence the
report's claim, is the second; the first shows what truncation omits.

Sizes are stored as decimal logarithms, because they fall far below the range of floating-point
numbers: each perturbation is rescaled after every step, as for Lyapunov exponents.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lethe.core.equations import SQUASHINGS
from lethe.core.network import Network
from lethe.core.run import Recordable
from lethe.core.topology import Topology
from lethe.core.updates import SGD
from lethe.tasks import ReberStream
from lethe.trials.checks import check_seed

__all__ = ["LAGS", "NETWORKS", "ErrorFlow", "MemoryBlocks", "SimpleRecurrent"]

Floats = NDArray[np.float64]

#: The lags at which sizes are reported: 1 to 1,000, evenly on a logarithmic scale.
LAGS: tuple[int, ...] = tuple(np.unique(np.geomspace(1, 1000, 61).round().astype(int)).tolist())
_SYMBOLS = 7  # Of the stream that all networks read, the continual embedded Reber grammar.
_BURN_IN = 100  # Steps before the error, so that it meets a network at work.
# Size of a perturbation: central differences err by its square, rounding by 1e-16 over it.
_SMALL = 1e-5


@dataclass(frozen=True)
class ErrorFlow:
    """The remaining size of an error after each of `lags` steps in one network.

    Attributes
    ----------
    lags : list of int
        Steps between the error and where it is measured.
    whole : list of float
        Decimal logarithm of its size through the whole network.
    cells : list of float or None
        The same along the cells, from the partials; None where there are none.
    theory : list of float
        What theory says of `cells`: 0 (a factor of 1) for the constant error carousel, the gate's
        initial activation to the power of the lag for forget gates. In a simple recurrent network,
        of `whole`: the spectral radius of its Jacobian with all units at their steepest, to the
        power of the lag.
    bound : list of float or None
        In a simple recurrent network: the greatest singular value in place of the spectral radius,
        which no error exceeds.
    gate_difference : float or None
        Greatest relative difference between the partials' ratio and the product of the forget gates
        that the same run recorded.
    """

    lags: list[int]
    whole: list[float]
    cells: list[float] | None
    theory: list[float]
    bound: list[float] | None = None
    gate_difference: float | None = None


@dataclass(frozen=True, kw_only=True)
class SimpleRecurrent:
    """A simple recurrent network: fully connected units that read their own past and the input.

    Parameters
    ----------
    units : int
        Number of units; by default as many as the report's network has cells.
    squashing : {"logistic", "tanh"}
        Of the units.
    initial_range : float
        Weights are drawn uniformly in [-initial_range, initial_range].
    spectral_radius : float or None
        Recurrent weights are drawn normally instead, and scaled so that this is the spectral radius
        of the Jacobian with all units at their steepest. At 1 an error would last if the units were
        linear.
    lags : tuple of int
        Ascending lags to report.

    Examples
    --------
    >>> flow = SimpleRecurrent(lags=(1, 10)).run(seed=0)
    >>> flow.whole[1] < -9  # after ten steps less than a billionth remains
    True
    """

    units: int = 8
    squashing: Literal["logistic", "tanh"] = "logistic"
    initial_range: float = 0.2
    spectral_radius: float | None = None
    lags: tuple[int, ...] = LAGS
    dtype: ClassVar[str] = "float64"

    def configuration(self) -> dict[str, Any]:
        """Everything a reader needs to run this again, as plain JSON values."""
        return {"network": "simple recurrent"} | asdict(self) | {"lags": list(self.lags)}

    def run(self, seed: int) -> ErrorFlow:
        """Multiply the Jacobians of every step on the way, exactly.

        Parameters
        ----------
        seed : int
            At least 0. It determines weights and stream.

        Returns
        -------
        ErrorFlow
        """
        for_weights, for_stream = np.random.SeedSequence(check_seed(seed)).spawn(2)
        random = np.random.default_rng(for_weights)
        squash, slope = SQUASHINGS[self.squashing]
        steepest = float(slope(np.zeros(1))[0])
        recurrent, from_input = self._draw(random, steepest)
        y = np.zeros(self.units)
        product, scale = np.eye(self.units), 0.0
        whole: dict[int, float] = {}
        for lag, symbol in enumerate(_symbols(for_stream, self.lags[-1]), start=-_BURN_IN + 1):
            net = recurrent @ y + from_input[:, symbol]
            y = squash(net)
            if lag < 1:
                continue
            product = (slope(net)[:, None] * recurrent) @ product
            size = float(np.linalg.norm(product))
            scale += math.log10(size)
            product /= size
            whole[lag] = scale - 0.5 * math.log10(self.units)
        steep = steepest * recurrent
        radius = float(np.abs(np.linalg.eigvals(steep)).max())
        greatest = float(np.linalg.norm(steep, 2))
        return ErrorFlow(
            list(self.lags),
            [whole[lag] for lag in self.lags],
            None,
            [lag * math.log10(radius) for lag in self.lags],
            [lag * math.log10(greatest) for lag in self.lags],
        )

    def _draw(self, random: np.random.Generator, steepest: float) -> tuple[Floats, Floats]:
        """Weights between the units, and from the inputs."""
        reach = self.initial_range
        from_input = random.uniform(-reach, reach, (self.units, _SYMBOLS))
        if self.spectral_radius is None:
            return random.uniform(-reach, reach, (self.units, self.units)), from_input
        recurrent = random.standard_normal((self.units, self.units))
        radius = np.abs(np.linalg.eigvals(recurrent)).max()
        return recurrent * (self.spectral_radius / (steepest * radius)), from_input


@dataclass(frozen=True, kw_only=True)
class MemoryBlocks:
    """A `Network` of memory blocks with its initial weights.

    Parameters
    ----------
    topology : Topology
        Of one layer, with 8 inputs: 7 symbols of the stream, and one that appears only at the step
        whose partials are followed.
    lags : tuple of int
        Ascending lags to report.

    Raises
    ------
    ValueError
        If the topology has more layers or another number of inputs.

    Examples
    --------
    >>> carousel = Topology(inputs=8, outputs=7, forget_gate=False)
    >>> flow = MemoryBlocks(topology=carousel, lags=(1, 10)).run(seed=0)
    >>> flow.cells  # nothing is lost
    [0.0, 0.0]
    """

    topology: Topology
    lags: tuple[int, ...] = LAGS
    dtype: ClassVar[str] = "float64"

    def __post_init__(self) -> None:
        """Check that the error can be measured in it."""
        if self.topology.layers != 1:
            raise ValueError(f"topology must have 1 layer, got {self.topology.layers}")
        if self.topology.inputs != _SYMBOLS + 1:
            raise ValueError(f"topology must have 8 inputs, got {self.topology.inputs}")

    def configuration(self) -> dict[str, Any]:
        """Everything a reader needs to run this again, as plain JSON values."""
        topology = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self.topology).items()
        }
        return {"network": "memory blocks", "topology": topology, "lags": list(self.lags)}

    def run(self, seed: int) -> ErrorFlow:
        """Follow perturbations of a frozen network, and the partials of one that learns at rate 0.

        Parameters
        ----------
        seed : int
            At least 0. It determines weights and stream.

        Returns
        -------
        ErrorFlow
        """
        for_weights, for_stream = np.random.SeedSequence(check_seed(seed)).spawn(2)
        symbols = _symbols(for_stream, self.lags[-1])
        symbols[_BURN_IN - 1] = _SYMBOLS
        net = Network(
            self.topology,
            update=SGD(0.0),
            seed=np.random.default_rng(for_weights),
            dtype="float64",
        )
        cells, difference = self._along_cells(net.clone(), symbols)
        whole = self._through_network(net, symbols)
        return ErrorFlow(list(self.lags), whole, cells, self._theory(), gate_difference=difference)

    def _along_cells(self, net: Network, symbols: NDArray[np.int64]) -> tuple[list[float], float]:
        """What remains of the partials of a source that was active once, compared with eq. 19."""
        net.run(symbols[:_BURN_IN], record=())
        marked = net.partials("cell")[..., _SYMBOLS]
        remaining = np.zeros(marked.shape)
        gates = np.zeros(marked.shape)
        sizes = []
        for before, lag in zip((0, *self.lags[:-1]), self.lags, strict=True):
            first = marked.copy()
            piece = symbols[_BURN_IN + before : _BURN_IN + lag]
            run = net.run(piece, record=("forget_gate",))
            remaining += np.log10(net.partials("cell")[..., _SYMBOLS] / first)
            gates += np.log10(run["forget_gate"][:, 0]).sum(axis=0)[:, None]
            marked[...] = first
            sizes.append(_root_mean_square(remaining))
        return sizes, float(np.abs(10.0 ** (remaining - gates) - 1.0).max())

    def _through_network(self, net: Network, symbols: NDArray[np.int64]) -> list[float]:
        """What remains of a change of each cell's state, by central differences."""
        t = self.topology
        net.run(symbols[:_BURN_IN], learn=False, record=())
        past: tuple[Recordable, ...] = t.gates if t.gates_are_sources else ()
        views = [net.state(name) for name in ("cell_state", "cell_output", *past)]
        ends = np.cumsum([view.size for view in views])[:-1]

        def stepped(state: Floats, symbol: int) -> Floats:
            """One frozen step as a function of the state."""
            for view, part in zip(views, np.split(state, ends), strict=True):
                view[...] = part.reshape(view.shape)
            net.step(symbol, learn=False)
            return np.concatenate([view.ravel() for view in views], dtype=np.float64)

        base: Floats = np.concatenate([view.ravel() for view in views], dtype=np.float64)
        _, slope = SQUASHINGS[t.cell_output]
        changes = np.zeros((t.cells, base.size))  # One of each state, with the output of its cell.
        to_output = net.state("output_gate")[:, None] * slope(views[0].astype(np.float64))
        changes[:, : t.cells] = np.eye(t.cells)
        changes[:, t.cells : 2 * t.cells] = np.diag(to_output.ravel())
        scales = np.zeros(t.cells)
        sizes: dict[int, float] = {}
        for lag, symbol in enumerate(symbols[_BURN_IN:].tolist(), start=1):
            for number, change in enumerate(changes):
                length = np.linalg.norm(change)
                ahead = base + change * (_SMALL / length)
                behind = base - change * (_SMALL / length)
                change[...] = (stepped(ahead, symbol) - stepped(behind, symbol)) / (2 * _SMALL)
                scales[number] += math.log10(length)
            base = stepped(base, symbol)
            lengths = np.linalg.norm(changes[:, : t.cells], axis=1)
            sizes[lag] = _root_mean_square(scales + np.log10(lengths))
        return [sizes[lag] for lag in self.lags]

    def _theory(self) -> list[float]:
        t = self.topology
        kept = np.full(t.blocks, t.state_decay)
        if t.forget_gate:
            kept = 1.0 / (1.0 + np.exp(-np.array(t.initial_bias("forget_gate") or 0.0)))
            kept = np.broadcast_to(kept, t.blocks)
        return [_root_mean_square(lag * np.log10(kept)) for lag in self.lags]


def _symbols(seed: np.random.SeedSequence, longest: int) -> NDArray[np.int64]:
    """The steps before the error, and those on which it is followed."""
    return np.array(ReberStream(seed).take(_BURN_IN + longest).inputs)


def _root_mean_square(logarithms: Floats) -> float:
    """Of sizes given as decimal logarithms, as a decimal logarithm."""
    greatest = float(logarithms.max())
    return greatest + 0.5 * math.log10(float(np.mean(100.0 ** (logarithms - greatest))))


def _blocks(**parts: Any) -> MemoryBlocks:
    """The report's network of section 4.2, with the input that marks a step."""
    return MemoryBlocks(
        topology=Topology(inputs=_SYMBOLS + 1, outputs=_SYMBOLS, cells_per_block=2, **parts)
    )


#: The networks of the figure.
NETWORKS: dict[str, SimpleRecurrent | MemoryBlocks] = {
    "srn_logistic": SimpleRecurrent(),
    "srn_tanh": SimpleRecurrent(squashing="tanh", spectral_radius=1.0),
    "standard": _blocks(forget_gate=False),
    "forget_open": _blocks(forget_gate_bias=5.0),
    "forget_half": _blocks(forget_gate_bias=0.0),
}
