"""A text as a trial: one pass, each byte predicted before it is learned."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lethe.core.network import Network, Run
from lethe.core.topology import Topology
from lethe.core.updates import SGD, Adam
from lethe.evaluate.prequential import predict_symbols
from lethe.trials.learner import DivergedError, NetworkRecipe
from lethe.trials.text import TextTrial

TEXT = b"to forget, or not to forget: " * 80
SYMBOLS = TextTrial.symbols(TEXT)
TOPOLOGY = Topology(inputs=SYMBOLS, outputs=SYMBOLS, blocks=2, output_units="softmax")
TRIAL = TextTrial(learner=NetworkRecipe(TOPOLOGY, Adam(0.01)), text=TEXT)


class Symbols:
    """The text's symbols as a stream."""

    def __init__(self, symbols: np.ndarray[Any, Any]) -> None:
        self._left = symbols

    def take(self, n: int) -> np.ndarray[Any, Any]:
        taken, self._left = self._left[:n], self._left[n:]
        return taken


def test_bits_are_those_of_the_prequential_protocol() -> None:
    result = TRIAL.run(seed=4)
    draw = np.random.default_rng(4)
    net = Network(TOPOLOGY, update=Adam(0.01), seed=draw, dtype="float64")
    *_, score = predict_symbols(net, Symbols(TRIAL.steps()), chunk=77)
    assert result.bits_per_byte == pytest.approx(score.bits_per_symbol, rel=1e-12)
    assert (result.bytes, result.diverged) == (len(TEXT), 0)


def test_it_learns() -> None:
    result = TRIAL.run(seed=4)
    assert result.late_bits_per_byte is not None
    assert result.bits_per_byte is not None
    assert result.late_bits_per_byte < result.bits_per_byte < math.log2(SYMBOLS)


class Breaking:
    """A system that has no number left after a thousand steps."""

    inputs = outputs = SYMBOLS

    def configuration(self) -> dict[str, Any]:
        return {"name": "breaking"}

    def learner(self, seed: Any, dtype: str = "float64") -> Any:
        net = Network(TOPOLOGY, update=SGD(0.1), seed=seed, dtype="float64")

        class Learner:
            def run(self, *series: Any, **options: Any) -> Run:
                if net.steps:
                    raise DivergedError("the system's numbers are no longer finite")
                return net.run(*series, **options)

        return Learner()


def test_a_system_that_diverges_is_counted() -> None:
    trial = TextTrial(learner=Breaking(), text=TEXT)
    result = trial.run(seed=0)
    assert (result.bytes, result.bits_per_byte, result.late_bits_per_byte) == (1001, None, None)
    assert result.diverged == 1
    assert json.loads(json.dumps(trial.configuration()))["system"] == {"name": "breaking"}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"text": b"t"}, "text must have at least 2 bytes, got 1"),
        ({"text": TEXT + b"!"}, "learner must have an input and an output for each"),
    ],
)
def test_what_does_not_fit_is_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TRIAL, **parts)
