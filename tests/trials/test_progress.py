"""A trial says how far it is, and finds the same as one that nobody asks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lethe.core.topology import Topology
from lethe.core.updates import SGD
from lethe.experiments.analyses.cost import CostedTrial
from lethe.experiments.analyses.states import StateGrowth
from lethe.experiments.table import RowTrial
from lethe.experiments.tables import cerg, erg
from lethe.trials import NetworkRecipe, TextTrial

_STREAMS = replace(
    cerg.ROWS["standard"].trial, training_streams=6, stream_length=100, test_streams=1
)
_SEQUENCES = replace(erg.ROWS["standard"].trial, sequences=300, test_sequences=20)
_TEXT = TextTrial(
    learner=NetworkRecipe(Topology(inputs=3, outputs=3, output_units="softmax"), SGD(0.1)),
    text=b"abc" * 700,
)


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        (_STREAMS, [(streams, 6, "streams") for streams in range(1, 7)]),
        (_SEQUENCES, [(sequences, 300, "sequences") for sequences in (280, 290, 300)]),
        (_TEXT, [(read, 2100, "bytes") for read in (1001, 2001, 2100)]),
        (StateGrowth(trial=_STREAMS, strings=(1, 2), streams=1), [(6, 6, "streams")]),
        (CostedTrial(_STREAMS), [(6, 6, "streams")]),
    ],
    ids=["streams", "sequences", "bytes", "analysis", "cost"],
)
def test_a_trial_says_how_far_it_is_and_finds_the_same(
    trial: RowTrial, said: list[tuple[int, int, str]]
) -> None:
    heard: list[tuple[int, int, str]] = []
    found = trial.run(3, lambda *told: heard.append(told))
    assert heard[-len(said) :] == said
    alone = trial.run(3)
    timed = {"microseconds": 0.0} if isinstance(trial, CostedTrial) else {}
    assert replace(found, **timed) == replace(alone, **timed)  # type: ignore[type-var]
