"""The practitioner's protocol as a trial: one pass over a text, predicting and then learning."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lethe.core._objects import shown
from lethe.core.network import NotFiniteError
from lethe.trials.checks import check_dtype, check_recipe, check_seed
from lethe.trials.learner import (
    DivergedError,
    FloatingName,
    NetworkRecipe,
    Recipe,
    configuration_of,
    network_recipe,
)
from lethe.trials.progress import OnProgress

__all__ = ["TextResult", "TextTrial"]

_CHUNK = 1000  # Bytes from one call to the next; it changes no numbers.


@dataclass(frozen=True)
class TextResult:
    """The result of one trial.

    Attributes
    ----------
    bytes : int
        How much of the text the network read.
    bits_per_byte, late_bits_per_byte : float or None
        Mean of -log2 of the probability that each byte had been given before it was seen: over all,
        and over the second half. None where the network's numbers did not stay finite.
    diverged : int
        1 where they did not.
    """

    bytes: int
    bits_per_byte: float | None
    late_bits_per_byte: float | None
    diverged: int


@dataclass(frozen=True, kw_only=True)
class TextTrial:
    """One network that reads a text once: a configuration that any seed can run.

    The first byte has nothing before it: it counts log2(symbols) bits, a uniform guess.

    Parameters
    ----------
    learner : NetworkRecipe or another Recipe
        How to make the learner, which has softmax outputs, and an input and an output unit for each
        of the text's different bytes, see `symbols`.
    text : bytes
        At least two.
    dtype : {"float32", "float64"}
        Of the network.

    Raises
    ------
    ValueError
        If a part is not what it should be, or parts do not fit.

    Examples
    --------
    >>> from lethe import RMSprop, Topology
    >>> text = b"to forget, or not to forget? " * 20
    >>> n = TextTrial.symbols(text)
    >>> topology = Topology(inputs=n, outputs=n, blocks=4, output_units="softmax")
    >>> result = TextTrial(learner=NetworkRecipe(topology, RMSprop(0.01)), text=text).run(seed=1)
    >>> result.late_bits_per_byte < result.bits_per_byte < math.log2(n)
    True
    """

    learner: Recipe
    text: bytes
    dtype: FloatingName = "float64"

    def __post_init__(self) -> None:
        """Check that there is a text, and that network and text fit."""
        check_recipe(self.learner)
        object.__setattr__(self, "dtype", check_dtype(self.dtype))
        if not isinstance(self.text, bytes):
            raise ValueError(f"text must be bytes, got {shown(self.text)}")
        if len(self.text) < 2:
            raise ValueError(f"text must have at least 2 bytes, got {len(self.text)}")
        symbols = self.symbols(self.text)
        units = (self.learner.inputs, self.learner.outputs)
        if units != (symbols, symbols):
            raise ValueError(
                f"learner must have an input and an output for each of the text's {symbols} "
                f"different bytes, got {units[0]} and {units[1]}"
            )

    @staticmethod
    def symbols(text: bytes) -> int:
        """How many different bytes a text has."""
        return len(set(text))

    @property
    def network(self) -> NetworkRecipe:
        """The learner's recipe, where it is that of a network."""
        return network_recipe(self.learner)

    def configuration(self) -> dict[str, object]:
        """All that a reader needs to run this again, as plain JSON values."""
        return {
            **configuration_of(self.learner),
            "bytes": len(self.text),
            "sha256": hashlib.sha256(self.text).hexdigest(),
            "dtype": self.dtype,
        }

    def steps(self) -> NDArray[np.int64]:
        """The text as symbols: numbers of its different bytes, in their order."""
        read = np.frombuffer(self.text, np.uint8)
        return np.unique(read, return_inverse=True)[1].astype(np.int64)

    def run(self, seed: int, on_progress: OnProgress | None = None) -> TextResult:
        """Run the trial.

        Parameters
        ----------
        seed : int
            At least 0: of the first weights.
        on_progress : callable, optional
            Told after each thousand bytes how many there were, see `lethe.trials.progress`.

        Returns
        -------
        TextResult
        """
        net = self.learner.learner(np.random.default_rng(check_seed(seed)), self.dtype)
        symbols = self.steps()
        bits = np.empty(len(symbols))
        bits[0] = math.log2(self.learner.outputs)
        for start in range(0, len(symbols) - 1, _CHUNK):
            chunk = symbols[start : start + _CHUNK + 1]
            inputs, targets = chunk[:-1], chunk[1:]
            try:
                outputs = net.run(inputs, targets)["output"]
            except (NotFiniteError, DivergedError):
                return TextResult(start + 1, None, None, 1)
            if on_progress is not None:
                on_progress(start + 1 + len(targets), len(symbols), "bytes")
            given = outputs[np.arange(len(targets)), targets]
            # A probability of zero in these digits is a small one, not an infinite surprise.
            least = np.finfo(given.dtype).tiny
            bits[start + 1 : start + 1 + len(targets)] = -np.log2(np.maximum(given, least))
        late = bits[len(bits) // 2 :]
        return TextResult(len(symbols), float(bits.mean()), float(late.mean()), 0)
