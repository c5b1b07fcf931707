"""Lesions: what a silent block is, what its silence costs, and who carries the long lag."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from lethe.core.network import Network
from lethe.core.topology import Topology
from lethe.experiments.analyses.lesions import (
    BROKEN,
    Errors,
    Lesions,
    carrier,
    errors,
    lesion,
    lesions,
)
from lethe.experiments.tables.cerg import ROWS
from lethe.tasks import TARGETS, ReberStream
from lethe.tasks.reber import SYMBOLS

B, T, P, E = (SYMBOLS.index(symbol) for symbol in "BTPE")
STEPS = ReberStream(5).take(3000)
SMALL = replace(ROWS["forget_gates_decay"].trial, training_streams=2, stream_length=20)


def carrying() -> Network:
    """A network made by hand: block 0 sees E, block 1 a B after it, block 2 holds what follows.

    Block 3 does nothing.
    """
    net = Network(Topology(inputs=7, outputs=7, blocks=4), dtype="float64")
    units = ("input_gate", "forget_gate", "output_gate", "cell", "output")
    weights = {kind: net.weights(kind) for kind in units}
    for array in weights.values():
        array[...] = 0.0
    cell = net.topology.sources("cell").index
    bias = -1
    weights["output_gate"][:, bias] = 30.0
    weights["forget_gate"][:2, bias] = -30.0
    weights["input_gate"][0, bias] = 30.0
    weights["cell"][0, 0, E] = 20.0
    weights["input_gate"][1, [B, cell("cell 0.0"), bias]] = 40.0, 40.0, -60.0
    weights["cell"][1, 0, :7] = 20.0
    weights["input_gate"][2, [cell("cell 1.0"), bias]] = 60.0, -25.0
    weights["forget_gate"][2, [cell("cell 1.0"), bias]] = -60.0, 20.0
    weights["cell"][2, 0, [T, P]] = 20.0, -20.0
    held = net.topology.sources("output").index("layer 0 cell 2.0")
    weights["output"][[T, P], held] = 10.0, -10.0
    return net


@pytest.mark.parametrize("gates_are_sources", [False, True])
def test_silent_block_might_as_well_be_absent(gates_are_sources: bool) -> None:
    topology = Topology(
        inputs=7,
        outputs=7,
        blocks=3,
        cells_per_block=2,
        gates_are_sources=gates_are_sources,
        input_gate_bias=0.0,
        forget_gate_bias=0.0,
        output_gate_bias=0.0,
        initial_range=1.0,
    )
    net = Network(topology, seed=2, dtype="float64")
    fewer = Network(replace(topology, blocks=2, **dict.fromkeys(_BIASES, 0.0)), dtype="float64")
    left = {"0": "0", "2": "1"}  # The blocks that are left, and their numbers there.
    for kind in (*topology.gates, "cell", "output"):
        places = [
            place
            for place, source in enumerate(topology.sources(kind))
            if not _of_block(source, "1")
        ]
        units = slice(None) if kind == "output" else [int(number) for number in left]
        fewer.weights(kind)[...] = net.weights(kind)[units][..., places]
    before = net.weights("output").copy()
    silent = lesion(net, 1).run(STEPS.inputs, learn=False, record=("output", "cell_state"))
    absent = fewer.run(STEPS.inputs, learn=False, record=("output", "cell_state"))
    np.testing.assert_allclose(silent["output"], absent["output"], atol=1e-12)
    np.testing.assert_allclose(silent["cell_state"][:, :, [0, 2]], absent["cell_state"], atol=1e-11)
    assert (net.weights("output") == before).all()


_BIASES = ("input_gate_bias", "forget_gate_bias", "output_gate_bias")


def _of_block(source: str, block: str) -> bool:
    name = source.split()[-1].split(".")[0]
    return name == block and not source.startswith("input ")


def test_direct_lesion_leaves_states_to_the_bit() -> None:
    net = Network(Topology(inputs=7, outputs=7, cells_per_block=2), seed=2)
    recorded = ("cell_state", "output")
    whole, silent = (
        one.run(STEPS.inputs, learn=False, record=recorded)
        for one in (net.clone(), lesion(net, 3, direct=True))
    )
    assert (whole["cell_state"] == silent["cell_state"]).all()
    assert (whole["output"] != silent["output"]).any(0).all()


def test_lesion_refuses_what_is_not_there() -> None:
    with pytest.raises(ValueError, match=r"block must be a whole number from 0 to 3, got 4"):
        lesion(carrying(), 4)
    with pytest.raises(ValueError, match=r"block must be a whole number from 0 to 3, got True"):
        lesion(carrying(), True)
    with pytest.raises(ValueError, match="one hidden layer, got 2"):
        lesion(Network(Topology(inputs=7, outputs=7, layers=2)), 0)


def test_errors_as_counted_one_by_one() -> None:
    net = Network(Topology(inputs=7, outputs=7), seed=1, dtype="float64")
    found = errors(net, STEPS)
    net.reset()
    confused, wrong = [], []
    ends = set(np.flatnonzero(STEPS.starts) - 3)  # The E of the inner string comes before the last.
    for step, (symbol, code) in enumerate(zip(STEPS.inputs, STEPS.targets, strict=True)):
        y, target = net.step(int(symbol), learn=False), TARGETS[code]
        if step in ends or (step + 3 == len(STEPS.inputs) and symbol == E and target[B] == 0):
            due, other = (T, P) if target[T] else (P, T)
            assert target.sum() == target[due] == 1
            confused.append(y[other] >= y[due])
        else:
            wrong.append((np.abs(target - y) >= 0.49).any())
    assert found.long_lag == pytest.approx(np.mean(confused), abs=1 / len(confused))
    assert found.short_lag == pytest.approx(np.mean(wrong), abs=1 / len(wrong))


def test_carrier_is_found_among_its_helpers() -> None:
    net = carrying()
    strings = np.count_nonzero(STEPS.starts)
    # Of the first string it cannot know where it starts, since no E comes before it.
    assert errors(net, STEPS).long_lag <= 1 / (strings - 1)
    direct = lesions(net, STEPS, direct=True)
    assert [one.long_lag > BROKEN for one in direct] == [False, False, True, False]
    assert carrier(direct) == 2
    # Silent towards everyone, the helpers break it too: the carrier no longer knows when to store.
    assert [one.long_lag > BROKEN for one in lesions(net, STEPS)] == [True, True, True, False]


def test_first_of_equal_carriers() -> None:
    assert carrier([Errors(0.0, 0.9, 3), Errors(0.5, 0.0, 9), Errors(0.5, 0.1, 5)]) == 1


def test_lesions_of_a_trial() -> None:
    easy = Lesions(trial=replace(SMALL, bound=2.0, test_streams=1), symbols=500)
    found = easy.run(7)
    assert found.perfect
    assert found.training_streams == 1
    assert len(found.long_lag) == len(found.direct_first) == 4
    assert found.direct_broken == sum(rate > BROKEN for rate in found.direct_long_lag)
    assert found.broken == sum(rate > BROKEN for rate in found.long_lag)
    assert json.loads(json.dumps(asdict(found))) == asdict(easy.run(7))
    assert json.loads(json.dumps(easy.configuration()))["symbols"] == 500
    assert easy.dtype == "float64"


def test_network_that_is_not_perfect_has_no_lesions() -> None:
    found = Lesions(trial=SMALL, symbols=500).run(7)
    assert (found.perfect, found.training_streams, found.long_lag) == (False, 2, [])


def test_trial_must_have_a_long_lag() -> None:
    with pytest.raises(ValueError, match="ReberStream without external reset"):
        Lesions(trial=replace(SMALL, external_reset=True))
    layers = replace(SMALL.network, topology=replace(SMALL.network.topology, layers=2))
    with pytest.raises(ValueError, match="one hidden layer"):
        Lesions(trial=replace(SMALL, learner=layers))
