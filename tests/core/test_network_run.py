"""Runs: what they record, when they end, and what comes of numbers that are not finite."""

from __future__ import annotations

import pickle
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lives import assert_same, bits, cut, from_state, life, to_state
from support.topologies import stream, topologies

from lethe import SGD, FirstError, Network, NotFiniteError, Topology
from lethe.core.run import RECORDABLE

SMALL = Topology(inputs=3, outputs=2, blocks=3, cells_per_block=2, layers=2)
STEPS = 40
dtypes = st.sampled_from(["float32", "float64"])
few_blocks = topologies(most_blocks=5)


@settings(max_examples=15, deadline=None)
@given(topology=few_blocks, dtype=dtypes, seed=st.integers(0, 2**32))
def test_records_are_the_states_step_by_step(topology: Topology, dtype: str, seed: int) -> None:
    net = Network(topology, update=SGD(0.1), seed=seed, dtype=dtype)
    twin = net.clone()
    data = stream(topology, 12, seed)
    names = [name for name in RECORDABLE if name != "loss"]
    run = net.run(**data, record=RECORDABLE)
    blocks = (12, topology.layers, topology.blocks)
    cells = (*blocks, topology.cells_per_block)
    assert (run.steps, run.stopped, list(run), len(run)) == (12, False, list(RECORDABLE), 7)
    for name in names:
        shape = {"o": (12, topology.outputs), "c": cells}.get(name[0], blocks)
        assert run[name].shape == (blocks if name.endswith("gate") else shape), name
        assert run[name].dtype == dtype
    assert run["loss"].dtype == np.float64
    assert np.array_equal(np.isnan(run["loss"]), ~data["has_target"])
    for i in range(12):
        twin.run(**cut(data, i, i + 1), record=())
        for name in names:
            found = [twin.state(name, layer) for layer in range(topology.layers)]
            expected = found[0] if name == "output" else np.stack(found)
            assert np.array_equal(run[name][i], expected), name


@pytest.mark.parametrize("units", ["logistic", "linear", "softmax", "logistic_cross_entropy"])
def test_loss(units: Any) -> None:
    topology = Topology(inputs=3, outputs=4, output_units=units)
    net = Network(topology, update=SGD(0.1), dtype="float64")
    targets = np.eye(4)[[0, 3, 1, 1, 2]]
    run = net.run([0, 1, 2, 0, 1], targets, record=("loss", "output"))
    y = run["output"]
    expected = {
        "softmax": lambda: -(targets * np.log(y)).sum(1),
        "logistic_cross_entropy": lambda: -np.log(np.where(targets == 1, y, 1 - y)).sum(1),
    }.get(units, lambda: 0.5 * ((targets - y) ** 2).sum(1))()
    assert run["loss"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("learn", [False, True])
def test_first_error_ends_a_run(learn: bool) -> None:
    topology = Topology(inputs=3, outputs=2, output_units="linear")
    net = Network(topology, update=SGD(0.01), seed=1)
    x = np.zeros((10, 3))
    targets = np.zeros((10, 2))
    targets[3] = targets[6] = 40.0  # wrong, but the first has no target
    has_target = np.arange(10) != 3
    twin = net.clone()
    run = net.run(x, targets, has_target=has_target, stop=FirstError(20, learn=learn))
    assert (run.steps, run.stopped, len(run["output"]), net.steps) == (7, True, 7, 7)
    has_target[6] = learn
    twin.run(x[:7], targets[:7], has_target=has_target[:7])
    assert_same(net, twin)
    assert not twin.run(x, targets * 0, stop=FirstError(20)).stopped


def test_the_bound_of_an_error_is_an_error() -> None:
    net = Network(Topology(inputs=1, outputs=1, output_units="linear"), dtype="float64")
    net.weights("output")[...] = 0.0
    assert not net.run([0], [[0.4]], learn=False, stop=FirstError(0.5)).stopped
    assert net.run([0], [[0.5]], learn=False, stop=FirstError(0.5)).stopped


def test_targets_that_are_not_there_are_not_read() -> None:
    net = Network(SMALL, seed=1)
    twin = net.clone()
    x, targets, there = np.ones((6, 3)), np.ones((6, 2)), np.arange(6) % 2 == 0
    net.run(x, targets, has_target=there)
    twin.run(x, np.where(there[:, None], targets, np.nan), has_target=there)
    assert bits(net) == bits(twin)
    net.run(x, np.zeros(6, int), has_target=there)
    twin.run(x, np.where(there, 0, -7), has_target=there)
    assert bits(net) == bits(twin)


def test_integer_targets_are_rows_of_the_table() -> None:
    net = Network(SMALL, seed=1)
    twin = net.clone()
    table = np.array([[0, 1], [1, 1], [0.5, 0]])
    rows = np.array([2, 0, 1, 1])
    net.run([0, 1, 2, 0], rows, target_table=table)
    twin.run([0, 1, 2, 0], table[rows])
    assert_same(net, twin)


@pytest.mark.parametrize("nothing", [np.empty((0, 3)), np.empty(0, int)])
def test_a_run_of_no_steps(nothing: Any) -> None:
    net = Network(SMALL)
    before = bits(net)
    run = net.run(nothing, np.empty((0, 2)), record=RECORDABLE)
    assert (run.steps, run.stopped, run["output"].shape) == (0, False, (0, 2))
    assert bits(net) == before


@pytest.mark.parametrize("order", ["F", "strided", "unaligned", "big-endian", "half", "list"])
def test_any_layout_of_an_array_is_read(order: str) -> None:
    net = Network(SMALL, seed=1)
    twin = net.clone()
    x = np.arange(12, dtype="f").reshape(4, 3) / 8
    y = np.arange(8, dtype="f").reshape(4, 2) / 8

    def laid_out(a: Any) -> Any:
        if order == "unaligned":
            raw = np.frombuffer(b"\0" + a.tobytes(), "u1")[1:]
            return raw.view("f").reshape(a.shape)
        return {
            "F": np.asfortranarray(a),
            "strided": np.repeat(a, 2, axis=-1)[..., ::2],
            "big-endian": a.astype(">f4"),
            "half": a.astype("f2"),
            "list": a.tolist(),
        }[order]

    net.run(x, y)
    twin.run(laid_out(x), laid_out(y))
    net.step(x[0])
    net.learn(y[0])
    twin.step(laid_out(x[0]))
    twin.learn(laid_out(y[0]))
    assert_same(net, twin)


# ---- numbers that are no longer finite ----


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e38])
@pytest.mark.parametrize("way", ["step", "run", "frozen run", "frozen step"])
def test_back_to_the_last_good_snapshot(bad: float, way: str) -> None:
    topology = Topology(inputs=3, outputs=2, output_units="linear")
    net = Network(topology, update=SGD(0.01), seed=1)
    x, y = np.ones((1500, 3)), np.zeros((1500, 2))
    net.run(x, y)
    net.weights("cell")  # a new snapshot after the next pass
    net.run(x[:1], y[:1])
    good = life(net.clone())
    net.run(x[:20], y[:20])
    net.weights("output")[...] = bad
    net.weights("output")[0, 0] = -bad

    def go_on() -> None:
        if "run" in way:
            net.run(x[:5], y[:5] + 1e38, learn=way == "run")
            return
        net.step(x[0], learn=way == "step")
        net.learn([1e38, -1e38])

    with pytest.raises(NotFiniteError) as caught:
        go_on()
    if "frozen" in way and np.isfinite(bad):
        # Frozen steps change no weights: what was there before them, however large, is kept.
        assert net.steps == 1521
        assert 1 <= caught.value.steps_lost <= 5
        assert np.abs(net.weights("output")).max() == np.float32(bad)
        return
    assert net.steps == 1501
    assert 20 <= caught.value.steps_lost <= 25
    after = life(net)
    assert all(np.array_equal(after[key], good[key]) for key in good)
    net.run(x, y)
    assert np.isfinite(net.state("output")).all()


def test_a_frozen_outlier_costs_nothing_that_was_learned() -> None:
    net = Network(Topology(inputs=3, outputs=2, output_units="linear"), update=SGD(0.01), seed=1)
    net.run(np.ones((900, 3)), np.full((900, 2), 5.0))
    learned = net.weights("output").copy()
    with pytest.raises(NotFiniteError) as caught:
        net.step([3e38] * 3, learn=False)
    assert (net.steps, caught.value.steps_lost) == (900, 1)
    assert np.array_equal(net.weights("output"), learned)


def test_a_roll_back_keeps_the_rate_that_was_set() -> None:
    net = Network(Topology(inputs=3, outputs=2, output_units="linear"), update=SGD(1.0), seed=1)
    net.rate = 0.25
    net.weights("output")[...] = np.nan
    with pytest.raises(NotFiniteError):
        net.run(np.ones((10, 3)), np.ones((10, 2)))
    assert net.rate == 0.25


def test_frozen_sequences_keep_the_rate() -> None:
    rule = SGD(0.5, decay=0.5, decay_per="sequence", restart=False)
    net = Network(Topology(inputs=3, outputs=2), update=rule, seed=1)
    starts = np.arange(10) % 2 == 0
    net.run(np.ones((10, 3)), starts=starts, learn=False)
    assert net.rate == 0.5


def test_partials_that_were_written_are_used() -> None:
    net = Network(Topology(inputs=3, outputs=2), seed=1)
    net.step(0)
    net.partials("cell")[..., 2] = 1  # of an input that was never seen
    net.step(0)
    assert (net.partials("cell")[..., 2] < 1).all()


def test_a_block_with_impossible_counters_is_refused() -> None:
    net = Network(Topology(inputs=3, outputs=2), seed=1)
    block, configuration = to_state(net)
    header = block.view("i8").copy()
    header[5] = 10**12  # the last symbol
    with pytest.raises(ValueError, match="block must be what a network"):
        from_state(header.view(np.uint8), configuration)


def test_divergence_is_noticed_in_a_run() -> None:
    net = Network(Topology(inputs=3, outputs=2, output_units="linear"), update=SGD(1e6), seed=1)
    with pytest.raises(NotFiniteError) as caught:
        net.run(np.ones((100, 3)), np.ones((100, 2)))
    assert 0 < caught.value.steps_lost <= 100
    assert all(np.isfinite(value).all() for value in life(net).values())
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.steps_lost == caught.value.steps_lost


def test_peek_into_a_network_that_is_not_finite() -> None:
    net = Network(SMALL)
    net.weights("cell", 1)[...] = np.nan
    before = bits(net)
    with pytest.raises(NotFiniteError):
        net.peek([0, 0, 1])
    assert bits(net) == before


def test_recordable_is_what_the_annotation_says() -> None:
    from lethe.core.run import Recordable

    assert get_args(Recordable) == RECORDABLE
