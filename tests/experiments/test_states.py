"""What becomes of states and partials: sections 2.1 and 3.2."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from lethe.core.network import Network
from lethe.core.topology import Topology
from lethe.core.updates import SGD, RMSprop
from lethe.experiments.analyses.states import (
    PartialsForgotten,
    StateGrowth,
    _explained,
    _followed,
    _read,
    _without_learning,
)
from lethe.experiments.tables.cerg import ROWS
from lethe.tasks import ReberStream
from lethe.trials.continual import Trial
from lethe.trials.learner import NetworkRecipe

STANDARD = replace(ROWS["standard"].trial, training_streams=1000)
FORGET = replace(ROWS["forget_gates"].trial, training_streams=3000)
STRINGS = (1, 10, 100)


def test_states_of_standard_lstm_grow_until_cells_are_their_output_gates() -> None:
    grown = StateGrowth(trial=STANDARD, strings=STRINGS, streams=4).run(seed=1)
    assert grown.strings == list(STRINGS)
    first, later, last = grown.state
    assert later > 3 * first
    assert last > 3 * later
    assert grown.slope[0] > 0.1  # (a) h' vanishes, and errors are blocked
    assert grown.slope[2] < 0.05
    assert grown.squashed[2] > 0.9  # (b) |y^c| is y^out
    assert grown.gate_share[2] > 0.9 > grown.gate_share[0]
    assert grown.saturated[2] > grown.saturated[0]


def test_states_of_forget_gates_do_not_grow() -> None:
    grown = StateGrowth(trial=FORGET, strings=(10, 100), streams=4).run(seed=16)
    assert grown.state[1] < 1.5 * grown.state[0]
    assert grown.slope[1] > 0.1
    assert grown.gate_share[1] < 0.9


def test_a_closed_forget_gate_forgets_the_partials() -> None:
    closed = replace(FORGET.network.topology, forget_gate_bias=(-4.0, -4.0, 4.0, 4.0))
    trial = replace(FORGET, learner=replace(FORGET.network, topology=closed), training_streams=5)
    found = PartialsForgotten(trial=trial, steps=500).run(seed=0)
    assert found.resets > 20
    assert found.opened > 20
    assert found.largest_difference < 1e-12
    assert found.kept_at_resets == pytest.approx(found.gate_at_resets, rel=1e-12)
    assert found.gate_at_resets < 0.1
    assert found.kept_when_open > 0.9
    assert found.all_at_resets > found.kept_at_resets  # the step itself adds to them again


@pytest.mark.parametrize("kind", [StateGrowth, PartialsForgotten])
def test_results_and_configurations_are_plain_json(
    kind: type[StateGrowth] | type[PartialsForgotten],
) -> None:
    measured = kind(trial=replace(FORGET, training_streams=5))
    if isinstance(measured, StateGrowth):
        measured = replace(measured, strings=(1, 2), streams=1)
    result = asdict(measured.run(0))
    assert json.loads(json.dumps(result)) == result
    assert result == asdict(measured.run(0))
    configuration = measured.configuration()
    assert json.loads(json.dumps(configuration)) == configuration
    assert measured.dtype == "float64"


def test_partials_need_forget_gates() -> None:
    with pytest.raises(ValueError, match="forget gates"):
        PartialsForgotten(trial=STANDARD)


def test_followed_ratios_are_the_gates_in_a_network_of_any_rule() -> None:
    topology = Topology(inputs=7, outputs=7, cells_per_block=3, biased=(), gates_are_sources=True)
    trained = Network(topology, update=RMSprop(0.01), seed=3, dtype="float64")
    net = _without_learning(trained)
    before = net.weights("cell").copy()
    symbols = ReberStream(0).take(50).inputs.tolist()
    gates, kept, everything, states = _followed(net, symbols)
    assert gates.shape == (50, 4)
    assert kept.shape == everything.shape == (50, 4, 3)
    assert states.shape == (51, 4, 3)
    assert np.isnan(kept[0]).all()  # no partials before the first step
    there = np.isfinite(kept)
    assert there[2:].all()
    every = np.broadcast_to(gates[..., None], kept.shape)
    np.testing.assert_allclose(kept[there], every[there], rtol=1e-12)
    np.testing.assert_array_equal(net.weights("cell"), before)
    np.testing.assert_array_equal(trained.weights("cell"), before)


def test_explained_is_one_for_a_gate_and_little_for_a_memory() -> None:
    random = np.random.default_rng(0)
    gates = random.random((500, 1, 2))
    turned = gates[..., None] * np.array([1.0, -1.0, 0.5])
    assert _explained(turned, gates) == pytest.approx(1.0)
    assert _explained(gates[..., None] * random.choice([-1, 1], (500, 1, 2, 3)), gates) < 0.05
    assert _explained(np.ones((5, 1, 1, 1)), np.ones((5, 1, 1))) == 1.0


def test_read_gives_whole_strings_from_the_start_of_one() -> None:
    stream = ReberStream(0)
    stream.advance(3)
    steps = _read(stream, strings=700)
    assert steps.starts[0]
    assert steps.starts.sum() > 700
    assert len(_read(stream, steps=5000).starts) >= 5000


def test_new_streams_are_not_the_trials() -> None:
    trial = Trial(
        learner=NetworkRecipe(Topology(inputs=7, outputs=7), SGD(0.1)), training_streams=1
    )
    grown = StateGrowth(trial=trial, strings=(1,), streams=2)
    assert grown.run(0) != grown.run(1)
