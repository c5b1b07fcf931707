"""Lesions: which memory block carries the embedded Reber grammar's long lag (section 4.4).

The report looks at the states of one network and finds that only one block is directly responsible
for bridging the longest lag. Here each block in turn is silenced, and two kinds of prediction are
measured separately: those of the remembered symbol, T or P, at the end of a string, and all others.

A block can be silenced towards all units, or towards the output units only. The first also blinds
the other blocks, which may then not know what to store or when; it often breaks the long lag
whichever block it is. The second does not change the states of any block, to the bit; a block
whose silence then destroys the memory is directly responsible for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import check_int
from lethe.core.network import Network
from lethe.core.topology import UnitKind
from lethe.tasks import TARGETS, ReberStream, Steps
from lethe.tasks.reber import SYMBOLS
from lethe.trials.continual import Trial
from lethe.trials.progress import OnProgress

__all__ = ["BROKEN", "Errors", "Lesioned", "Lesions", "carrier", "errors", "lesion", "lesions"]

#: A long lag is broken where more than this share of its predictions takes T for P or P for T:
#: halfway between a network that remembers (0) and a coin (1/2).
BROKEN = 0.25

_BRANCHES = [SYMBOLS.index(symbol) for symbol in "TP"]
# The targets (rows of TARGETS) that only memory can predict: nothing but T or P is possible.
_LONG_LAG: NDArray[np.bool_] = (TARGETS.sum(1) == 1) & (TARGETS[:, _BRANCHES].sum(1) == 1)


class Errors(NamedTuple):
    """The errors of a frozen network on a stream that continues after errors.

    Attributes
    ----------
    long_lag : float
        Share of the predictions of the remembered symbol at which the other one of T and P was at
        least as active; 1/2 by chance. How active both are does not matter, so that other
        deficits of the network than its memory do not count.
    short_lag : float
        Share of the other predictions with an output that was wrong by the bound or more.
    first : int
        Correct predictions before the first wrong one of any kind.
    """

    long_lag: float
    short_lag: float
    first: int


def lesion(net: Network, block: int, *, direct: bool = False) -> Network:
    """A copy of a network in which one block is silent.

    Parameters
    ----------
    net : Network
        With one hidden layer. It does not change.
    block : int
        The block, from 0.
    direct : bool
        True: silent towards the output units only, so that the states of all blocks do not change.
        False: silent towards all units.

    Returns
    -------
    Network
        Its weights from this block are 0.

    Raises
    ------
    ValueError
        If there is no such block, or several hidden layers.
    """
    topology = net.topology
    if topology.layers != 1:
        raise ValueError(f"net must have one hidden layer, got {topology.layers}")
    block = check_int("block", block, 0, topology.blocks - 1)
    silent = net.clone()
    hidden: tuple[UnitKind, ...] = () if direct else (*topology.gates, "cell")
    cells = {f"cell {block}.{cell}" for cell in range(topology.cells_per_block)}
    its = cells | {f"layer 0 {cell}" for cell in cells}
    its |= {f"{gate} {block}" for gate in topology.gates}
    for kind in (*hidden, "output"):
        from_it = [source in its for source in topology.sources(kind)]
        silent.weights(kind)[..., from_it] = 0.0
    return silent


def errors(net: Network, steps: Steps, bound: float = 0.49) -> Errors:
    """Let a frozen network predict steps of the embedded Reber grammar, past any errors.

    Parameters
    ----------
    net : Network
        Starts with states of zero; only its states change.
    steps : Steps
        Of a `lethe.tasks.ReberStream`, with at least one complete string.
    bound : float
        As for `lethe.trials.continual.Trial`.

    Returns
    -------
    Errors
    """
    net.reset()
    outputs = net.run(steps.inputs, learn=False)["output"]
    targets = TARGETS[steps.targets]
    wrong = (np.abs(targets - outputs) >= bound).any(1)
    long = _LONG_LAG[steps.targets]
    two = outputs[long][:, _BRANCHES]
    due = targets[long][:, _BRANCHES].astype(bool)
    return Errors(
        long_lag=float(np.mean(two[~due] >= two[due])),
        short_lag=float(np.mean(wrong[~long])),
        first=int(np.argmax(wrong)) if wrong.any() else len(wrong),
    )


def lesions(
    net: Network, steps: Steps, bound: float = 0.49, *, direct: bool = False
) -> list[Errors]:
    """The errors of a network with each block in turn silenced, the first block first.

    Parameters
    ----------
    net : Network
        With one hidden layer.
    steps, bound : Steps, float
        As for `errors`.
    direct : bool
        As for `lesion`.

    Returns
    -------
    list of Errors
        One for each block.
    """
    blocks = range(net.topology.blocks)
    return [errors(lesion(net, block, direct=direct), steps, bound) for block in blocks]


def carrier(found: list[Errors]) -> int:
    """The block that carries the long lag: the one whose silence costs the most of it.

    Parameters
    ----------
    found : list of Errors
        Of the lesions towards the output units, each block's.

    Returns
    -------
    int
        The block; of equals the first.
    """
    return max(range(len(found)), key=lambda block: found[block].long_lag)


@dataclass(frozen=True)
class Lesioned:
    """The effect of lesions on a network. One that is not perfect is not lesioned; lists are empty.

    Attributes
    ----------
    perfect : bool
        Whether the trial ended with a perfect network.
    training_streams : int
        Number of training streams until then.
    intact_long_lag, intact_short_lag : float
        Error rates of the intact network, as in `Errors`.
    long_lag, short_lag, first : list
        Of each block's silence towards all units, as in `Errors`.
    direct_long_lag, direct_short_lag, direct_first : list
        The same of each block's silence towards the output units only.
    broken, direct_broken : int
        Blocks whose silence breaks the long lag: more than `BROKEN` of its predictions are wrong.
        `direct_broken` counts the blocks that are directly responsible for it.
    """

    perfect: bool
    training_streams: int
    intact_long_lag: float = 0.0
    intact_short_lag: float = 0.0
    long_lag: list[float] = field(default_factory=list)
    short_lag: list[float] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    direct_long_lag: list[float] = field(default_factory=list)
    direct_short_lag: list[float] = field(default_factory=list)
    direct_first: list[int] = field(default_factory=list)
    broken: int = 0
    direct_broken: int = 0


@dataclass(frozen=True, kw_only=True)
class Lesions:
    """Train a network and, if it becomes perfect, silence its blocks in turn.

    Parameters
    ----------
    trial : Trial
        How the network is trained, on the embedded Reber grammar and with one hidden layer.
    symbols : int
        Length of the stream on which lesions are measured, about 12 per string.

    Raises
    ------
    ValueError
        If the trial is of a different kind.
    """

    trial: Trial
    symbols: int = 50_000

    def __post_init__(self) -> None:
        """Check that there is a long lag to break."""
        if self.trial.stream is not ReberStream or self.trial.external_reset:
            raise ValueError("trial must be of lethe.tasks.ReberStream without external reset")
        if self.trial.network.topology.layers != 1:
            raise ValueError("trial must be of a topology with one hidden layer")

    @property
    def dtype(self) -> str:
        """Data type of the network."""
        return self.trial.dtype

    def configuration(self) -> dict[str, Any]:
        """Everything a reader needs to run this again, as plain JSON values."""
        return {
            "measurement": "lesions",
            "symbols": self.symbols,
            "trial": self.trial.configuration(),
        }

    def stream(self, seed: int) -> Steps:
        """The steps on which lesions are measured; the trial of this seed has not seen them."""
        *_, ours = np.random.SeedSequence(seed).spawn(4)
        return ReberStream(ours).take(self.symbols)

    def run(self, seed: int, on_progress: OnProgress | None = None) -> Lesioned:
        """Train and lesion.

        Parameters
        ----------
        seed : int
            At least 0. Seed of the trial and of the stream on which lesions are measured.
        on_progress : callable, optional
            As for the trial.

        Returns
        -------
        Lesioned
        """
        result, net = self.trial.train_network(seed, on_progress=on_progress)
        if not result.perfect:
            return Lesioned(False, result.training_streams)
        steps, bound = self.stream(seed), self.trial.bound
        intact = errors(net, steps, bound)
        silent = lesions(net, steps, bound)
        direct = lesions(net, steps, bound, direct=True)
        return Lesioned(
            perfect=True,
            training_streams=result.training_streams,
            intact_long_lag=intact.long_lag,
            intact_short_lag=intact.short_lag,
            long_lag=[found.long_lag for found in silent],
            short_lag=[found.short_lag for found in silent],
            first=[found.first for found in silent],
            direct_long_lag=[found.long_lag for found in direct],
            direct_short_lag=[found.short_lag for found in direct],
            direct_first=[found.first for found in direct],
            broken=sum(found.long_lag > BROKEN for found in silent),
            direct_broken=sum(found.long_lag > BROKEN for found in direct),
        )
