"""Penalties on large weights, which the report tried on standard LSTM in vain (section 2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from lethe.core.network import Network
from lethe.core.topology import UNIT_KINDS

__all__ = ["Penalty", "WeightDecay", "WeightElimination"]


@dataclass(frozen=True)
class WeightDecay:
    """Every weight, biases too, loses the part `rate` of itself with each time step.

    Parameters
    ----------
    rate : float
        From 0 to 1.

    Examples
    --------
    >>> from lethe.core.topology import Topology
    >>> net = Network(Topology(inputs=2, outputs=1, blocks=1), seed=1)
    >>> before = float(net.weights("cell")[0, 0, 0])
    >>> WeightDecay(0.5).apply(net, steps=2)
    >>> bool(net.weights("cell")[0, 0, 0] == before / 4)
    True
    """

    rate: float

    def __post_init__(self) -> None:
        """Check the rate."""
        _check(self.rate)

    def apply(self, net: Network, steps: int) -> None:
        """Change a network's weights as this many time steps do."""
        for weights in _weights(net):
            weights *= (1 - self.rate) ** steps


@dataclass(frozen=True)
class WeightElimination:
    """Descent on w² / (1 + w²) of every weight w (Weigend, Rumelhart & Huberman 1991).

    Each time step takes ``rate · 2w / (1 + w²)²`` from each weight: small weights vanish as under
    decay, large ones are left alone.

    Parameters
    ----------
    rate : float
        From 0 to 1.
    """

    rate: float

    def __post_init__(self) -> None:
        """Check the rate."""
        _check(self.rate)

    def apply(self, net: Network, steps: int) -> None:
        """Change a network's weights by this many time steps in one."""
        for weights in _weights(net):
            # Together at most the whole weight, however many steps there were.
            weights -= min(1.0, 2 * self.rate * steps) * weights / (1 + weights**2) ** 2


Penalty = WeightDecay | WeightElimination


def _weights(net: Network) -> Iterator[NDArray[Any]]:
    t = net.topology
    yield net.weights("output")
    for layer in range(t.layers):
        for kind in UNIT_KINDS:
            if kind != "output" and t.has(kind):
                yield net.weights(kind, layer)


def _check(rate: float) -> None:
    if isinstance(rate, bool) or not isinstance(rate, float | int) or not 0 <= rate <= 1:
        raise ValueError(f"rate must be a number from 0 to 1, got {rate!r}")
