"""The same bits however a stream is cut, saved or copied; streams, sequences, threads."""

from __future__ import annotations

import copy
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lives import assert_same, bits, cut, life, one_by_one
from support.topologies import stream, topologies, updates

from lethe import SGD, Adam, Network, RMSprop, Topology
from lethe.core.run import Recordable

SMALL = Topology(inputs=3, outputs=2, blocks=3, cells_per_block=2, layers=2)
STEPS = 40
dtypes = st.sampled_from(["float32", "float64"])
few_blocks = topologies(most_blocks=5)


@settings(max_examples=25, deadline=None)
@given(
    topology=few_blocks,
    update=updates(),
    dtype=dtypes,
    seed=st.integers(0, 2**32),
    cuts=st.lists(st.integers(0, STEPS), max_size=4).map(sorted),
)
def test_any_cutting_gives_the_same_bits(
    topology: Topology, update: Any, dtype: str, seed: int, cuts: list[int]
) -> None:
    whole = Network(topology, update=update, seed=seed, dtype=dtype)
    in_parts, by_hand = whole.clone(), whole.clone()
    data = stream(topology, STEPS, seed)
    outputs = whole.run(**data)["output"]
    edges = [0, *cuts, STEPS]
    parts = [in_parts.run(**cut(data, a, b))["output"] for a, b in pairwise(edges)]
    one_by_one(by_hand, data)
    assert np.array_equal(np.concatenate(parts), outputs)
    assert_same(whole, in_parts)
    assert_same(whole, by_hand)


@settings(max_examples=15, deadline=None)
@given(topology=few_blocks, seed=st.integers(0, 2**31).map(lambda n: 2 * n + 1))
def test_a_symbol_is_its_one_hot_vector(topology: Topology, seed: int) -> None:
    """To rounding: sums over all inputs and over those that are not 0 differ in their order."""
    net = Network(topology, update=SGD(0.02), seed=seed, dtype="float64")
    twin = net.clone()
    data = stream(topology, STEPS, seed)
    one_by_one(net, data)
    one_by_one(twin, data, one_hot=True)
    theirs = life(twin)
    for key, value in life(net).items():
        assert np.allclose(value, theirs[key], rtol=1e-9, atol=1e-12), key


@pytest.mark.parametrize("pending", [False, True])
@settings(max_examples=15, deadline=None)
@given(topology=few_blocks, update=updates(), dtype=dtypes, seed=st.integers(0, 2**32))
def test_copies_go_on_with_the_same_bits(
    pending: bool, topology: Topology, update: Any, dtype: str, seed: int
) -> None:
    net = Network(topology, update=update, seed=seed, dtype=dtype)
    data = stream(topology, STEPS, seed)
    net.run(**cut(data, 0, STEPS // 2))
    if pending:
        net.step(data["inputs"][0])
    before = bits(net)
    copies = [net.clone(), copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    assert all(bits(other) == before for other in copies)
    for other in (net, *copies):
        if pending:
            other.learn(data["targets"][0])
        other.run(**cut(data, STEPS // 2, STEPS))
    assert all(bits(other) == bits(net) for other in copies)
    assert bits(net) != before


def test_copies_share_nothing() -> None:
    net = Network(SMALL)
    twin = net.clone()
    before = bits(net)
    twin.run(np.ones((5, 3)), np.ones((5, 2)))
    twin.weights("cell")[...] = 7
    assert bits(net) == before


@settings(max_examples=15, deadline=None)
@given(topology=few_blocks, dtype=dtypes, seed=st.integers(0, 2**32), pending=st.booleans())
def test_peek_changes_not_a_bit(topology: Topology, dtype: str, seed: int, pending: bool) -> None:
    net = Network(topology, update=SGD(0.1), seed=seed, dtype=dtype)
    data = stream(topology, 20, seed)
    net.run(**data)
    if pending:
        net.step(data["inputs"][1])
    before = bits(net)
    symbol, dense = topology.inputs - 1, np.linspace(-1, 1, topology.inputs)
    by_symbol, by_vector = net.peek(symbol), net.peek(dense)
    assert np.array_equal(net.peek(np.eye(topology.inputs)[symbol]), by_symbol)
    assert bits(net) == before
    assert np.array_equal(net.clone().step(dense), by_vector)
    assert np.array_equal(net.step(symbol), by_symbol)


def test_the_same_seed_makes_the_same_network() -> None:
    assert bits(Network(SMALL, seed=3)) == bits(Network(SMALL, seed=np.random.default_rng(3)))
    assert bits(Network(SMALL, seed=3)) != bits(Network(SMALL, seed=4))


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        ({"topology": 3}, "topology must be a lethe.Topology, got 3"),
        ({"update": 3}, "update must be a lethe.SGD, RMSprop or Adam, got 3"),
        ({"dtype": "int8"}, "dtype must be float32 or float64, got 'int8'"),
    ],
)
def test_other_parts_are_refused(spoiled: Any, message: str) -> None:
    parts = {"topology": Topology(inputs=2, outputs=1)}
    with pytest.raises(ValueError, match=message):
        Network(**(parts | spoiled))


def test_outputs_are_read_only() -> None:
    net = Network(Topology(inputs=2, outputs=1))
    outputs = net.state("output")
    with pytest.raises(ValueError, match="read-only"):
        outputs[0] = 1.0
    net.state("cell_state")[...] = 1.0


# ---- streams, sequences, frozen steps ----


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("decay_per", ["step", "sequence"])
def test_starts_are_calls_of_start_sequence(reset: bool, decay_per: Any) -> None:
    net = Network(SMALL, update=SGD(0.1, decay=0.9, decay_per=decay_per), seed=1)
    twin = net.clone()
    data = stream(SMALL, 60, 2)
    data["starts"] = np.arange(60) % 7 == 0
    data["reset_at_starts"] = reset
    net.run(**data)
    one_by_one(twin, data)
    assert_same(net, twin)
    sequences = 8  # the first of nine starts ends none
    expected = 0.1 * 0.9 ** (60 if decay_per == "step" else sequences)
    assert net.rate == pytest.approx(expected, rel=1e-12)


def test_a_stream_starts_with_the_initial_activations() -> None:
    topology = replace(SMALL, gates_are_sources=True, initial_activation=0.5)
    net = Network(topology, seed=1)

    def starts() -> dict[str, bool]:
        names: tuple[Recordable, ...] = ("cell_output", *topology.gates, "cell_state")
        return {
            name: all(bool((net.state(name, layer) == 0.5).all()) for layer in range(2))
            for name in names
        }

    first = starts()
    assert not first.pop("cell_state")
    assert all(first.values())
    first_outputs = net.run(np.ones((9, 3)), np.ones((9, 2)), learn=False)["output"]
    assert not any(starts().values())
    net.reset()
    assert all(started for name, started in starts().items() if name != "cell_state")
    net.run(np.ones((3, 3)), np.ones((3, 2)), learn=False)
    net.start_sequence(reset=True)
    again = net.run(np.ones((9, 3)), np.ones((9, 2)), learn=False)["output"]
    assert np.array_equal(first_outputs, again)


@pytest.mark.parametrize("restart", [False, True])
def test_reset_starts_a_new_stream(restart: bool) -> None:
    net = Network(SMALL, update=Adam(0.1, decay=0.9, restart=restart))
    net.run(np.ones((9, 3)), np.ones((9, 2)))
    moments = net.moments("cell").copy()
    net.reset()
    assert net.rate == pytest.approx(0.1 if restart else 0.1 * 0.9**9)
    for layer in range(2):
        assert not net.state("cell_state", layer).any()
        assert not net.partials("cell", layer).any()
    assert moments.any()
    assert np.array_equal(net.moments("cell"), moments)


@pytest.mark.parametrize("way_out", ["reset", "reset_partials"])
def test_learning_after_frozen_steps_needs_fresh_partials(way_out: str) -> None:
    net = Network(SMALL)
    net.run(np.ones((5, 3)), np.ones((5, 2)))
    net.step(np.ones(3), learn=False)
    before = bits(net)
    with pytest.raises(RuntimeError, match="reset_partials"):
        net.step(np.ones(3))
    with pytest.raises(RuntimeError, match="reset_partials"):
        net.run(np.ones((5, 3)), np.ones((5, 2)))
    with pytest.raises(RuntimeError, match="step"):
        net.learn(np.ones(2))
    assert bits(net) == before
    net.step(np.ones(3), learn=False)
    state = net.state("cell_state").copy()
    getattr(net, way_out)()
    assert np.array_equal(net.state("cell_state"), state) == (way_out == "reset_partials")
    net.run(np.ones((5, 3)), np.ones((5, 2)))


def test_reset_at_the_first_step_of_a_run_makes_partials_fresh() -> None:
    net = Network(SMALL)
    net.step(np.ones(3), learn=False)
    starts = np.array([True, False])
    with pytest.raises(RuntimeError, match="reset_partials"):
        net.run(np.ones((2, 3)), np.ones((2, 2)), starts=starts)
    net.run(np.ones((2, 3)), np.ones((2, 2)), starts=starts, reset_at_starts=True)


def test_frozen_steps_learn_nothing() -> None:
    net = Network(SMALL, update=SGD(0.5, decay=0.9))
    net.run(np.ones((5, 3)), np.ones((5, 2)))
    weights, partials, rate = net.weights("cell").copy(), net.partials("cell").copy(), net.rate
    net.run(np.ones((5, 3)), np.ones((5, 2)), learn=False)
    assert np.array_equal(net.weights("cell"), weights)
    assert np.array_equal(net.partials("cell"), partials)
    assert (net.rate, net.steps) == (rate, 10)


def test_each_step_is_learned_from_once() -> None:
    net = Network(SMALL)
    with pytest.raises(RuntimeError, match="step"):
        net.learn([0, 1])
    net.step([1, 0, 0])
    net.learn([0, 1])
    before = bits(net)
    with pytest.raises(RuntimeError, match="once"):
        net.learn([0, 1])
    assert bits(net) == before


# ---- threads and signals ----


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise there")
@pytest.mark.parametrize("learn", [False, True])
def test_ctrl_c_ends_a_run(learn: bool) -> None:
    code = (
        "import numpy as np, lethe\n"
        "net = lethe.Network(lethe.Topology(inputs=7, outputs=7, blocks=256))\n"
        "symbols = np.zeros(2_000_000, np.int64)\n"
        "print('running', flush=True)\n"
        "try:\n"
        f"    net.run(symbols, symbols, learn={learn}, record=())\n"
        "except KeyboardInterrupt:\n"
        "    print(net.steps > 0, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "running\n"
        time.sleep(0.7)  # to be past the look at the arguments
        child.send_signal(signal.SIGINT)
        sent = time.perf_counter()
        assert child.stdout.readline() == "True\n"
        assert time.perf_counter() - sent < 2  # 0.1, and what a busy machine adds


def test_rules_keep_the_moments_that_they_need() -> None:
    orders = {SGD(0.1): (), SGD(0.1, momentum=0.5): (1,), RMSprop(0.1): (2,), Adam(0.1): (1, 2)}
    for update, kept in orders.items():
        net = Network(SMALL, update=update)
        net.run(np.ones((3, 3)), np.ones((3, 2)))
        for order in (1, 2):
            if order in kept:
                assert net.moments("cell", order=order).any()
            else:
                with pytest.raises(ValueError, match="order"):
                    net.moments("cell", order=order)
