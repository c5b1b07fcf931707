"""The same bits however a stream is cut, saved or copied; what runs record; who may do what when."""

from __future__ import annotations

import copy
import pickle
import signal
import subprocess
import sys
import threading
import time
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from topologies import stream, topologies, updates

from lethe import SGD, Adam, FirstError, Network, NotFiniteError, RMSprop, Topology
from lethe.run import RECORDABLE

SMALL = Topology(inputs=3, outputs=2, blocks=3, cells_per_block=2, layers=2)
STEPS = 40
dtypes = st.sampled_from(["float32", "float64"])
few_blocks = topologies(most_blocks=5)


def bits(net: Network) -> bytes:
    """A network's whole life."""
    return pickle.dumps(net)


def life(net: Network) -> dict[Any, Any]:
    """What a network has become, by name: its views, counters and rate, but no scratch memory."""
    t = net.topology
    found: dict[Any, Any] = {"rate": net.rate, "steps": net.steps}
    found["output"] = net.state("output")
    found["weights", "output"] = net.weights("output")
    for layer in range(t.layers):
        for name in ("cell_state", "cell_output", *t.gates):
            found[name, layer] = net.state(name, layer)
        for kind in (*t.gates, "cell"):
            found["weights", kind, layer] = net.weights(kind, layer)
            for order in {"SGD": (), "RMSprop": (2,)}.get(type(net.update).__name__, (1, 2)):
                found["moment", order, kind, layer] = net.moments(kind, layer, order=order)
            if kind != "output_gate":
                found["partials", kind, layer] = net.partials(kind, layer)
    return found


def assert_same(one: Network, other: Network) -> None:
    ours, theirs = life(one), life(other)
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        assert np.array_equal(value, theirs[key]), key


def cut(data: dict[str, Any], begin: int, end: int) -> dict[str, Any]:
    return {k: v[begin:end] if isinstance(v, np.ndarray) else v for k, v in data.items()}


def one_by_one(net: Network, data: dict[str, Any], one_hot: bool = False) -> None:
    """A stream through `step` and `learn`."""
    t = net.topology
    for i, (x, target) in enumerate(zip(data["inputs"], data["targets"], strict=True)):
        if data["starts"][i]:
            net.start_sequence(reset=data["reset_at_starts"])
        net.step(np.eye(t.inputs)[x] if one_hot and np.ndim(x) == 0 else x)
        if data["has_target"][i]:
            net.learn(np.eye(t.outputs)[target] if one_hot and np.ndim(target) == 0 else target)


# ---- bits ----


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
    in_parts, by_hand, as_vectors = (whole.clone() for _ in range(3))
    data = stream(topology, STEPS, seed)
    outputs = whole.run(**data)["output"]
    edges = [0, *cuts, STEPS]
    parts = [
        in_parts.run(**cut(data, a, b))["output"] for a, b in zip(edges, edges[1:], strict=False)
    ]
    one_by_one(by_hand, data)
    one_by_one(as_vectors, data, one_hot=True)
    assert np.array_equal(np.concatenate(parts), outputs)
    for other in (in_parts, by_hand, as_vectors):
        assert_same(whole, other)


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
    copies = [net.clone(), copy.copy(net), copy.deepcopy(net), pickle.loads(before)]
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


def test_pickle_of_another_size_is_refused() -> None:
    state = Network(SMALL).__getstate__()
    with pytest.raises(ValueError, match="block must have"):
        Network.__new__(Network).__setstate__(state | {"block": state["block"][:-64]})


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


@pytest.mark.parametrize("way_out", ["reset", "clear_partials"])
def test_learning_after_frozen_steps_needs_fresh_partials(way_out: str) -> None:
    net = Network(SMALL)
    net.run(np.ones((5, 3)), np.ones((5, 2)))
    net.step(np.ones(3), learn=False)
    before = bits(net)
    with pytest.raises(RuntimeError, match="clear_partials"):
        net.step(np.ones(3))
    with pytest.raises(RuntimeError, match="clear_partials"):
        net.run(np.ones((5, 3)), np.ones((5, 2)))
    with pytest.raises(RuntimeError, match="step"):
        net.learn(np.ones(2))
    assert bits(net) == before
    net.step(np.ones(3), learn=False)
    state = net.state("cell_state").copy()
    getattr(net, way_out)()
    assert np.array_equal(net.state("cell_state"), state) == (way_out == "clear_partials")
    net.run(np.ones((5, 3)), np.ones((5, 2)))


def test_reset_at_the_first_step_of_a_run_makes_partials_fresh() -> None:
    net = Network(SMALL)
    net.step(np.ones(3), learn=False)
    starts = np.array([True, False])
    with pytest.raises(RuntimeError, match="clear_partials"):
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


# ---- runs ----


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
    twin.run(np.eye(3)[[0, 1, 2, 0]], table[rows])
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
    with pytest.raises(NotFiniteError) as caught:
        for _ in range(3):
            if "step" in way:
                net.step(x[0], learn=way == "step")
                if way == "step":
                    net.learn([1e38, -1e38])
            else:
                net.run(x[:5], y[:5] + 1e38, learn=way == "run")
    assert net.steps == 1501
    assert 20 <= caught.value.steps_lost <= 40
    after = life(net)
    assert all(np.array_equal(after[key], good[key]) for key in good)
    net.run(x, y)
    assert np.isfinite(net.state("output")).all()


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


# ---- threads and signals ----


def test_two_threads_in_one_network() -> None:
    net = Network(Topology(inputs=4, outputs=4, blocks=64), seed=1)
    symbols = np.zeros(200_000, int)
    ended: list[object] = []

    def long_run() -> None:
        ended.append(net.run(symbols, symbols, record=()).steps)

    thread = threading.Thread(target=long_run)
    thread.start()
    refused = 0
    calls = (
        lambda: net.step(0), lambda: net.learn(0), lambda: net.peek(0), lambda: net.run([0], [0]),
        net.reset, net.clear_partials, net.start_sequence, net.clone, lambda: net.weights("cell"),
        lambda: net.partials("cell"), lambda: net.state("output"), lambda: pickle.dumps(net),
    )  # fmt: skip
    time.sleep(0.1)
    for call in calls:
        if not thread.is_alive():
            break
        with pytest.raises(RuntimeError, match="another thread"):
            call()
        refused += 1
    thread.join()
    assert refused == len(calls)
    assert ended == [200_000]
    assert net.steps == 200_000


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise there")
@pytest.mark.parametrize("learn", [False, True])
def test_ctrl_c_ends_a_run(learn: bool) -> None:
    code = (
        "import numpy as np, lethe\n"
        "net = lethe.Network(lethe.Topology(inputs=7, outputs=7, cells_per_block=2))\n"
        "symbols = np.zeros(400_000_000, np.int64)\n"
        "print('running', flush=True)\n"
        "try:\n"
        f"    net.run(symbols, symbols, learn={learn}, record=())\n"
        "except KeyboardInterrupt:\n"
        "    print(net.steps > 0, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "running\n"
        time.sleep(1.5)  # to be past the look at the arguments
        child.send_signal(signal.SIGINT)
        sent = time.perf_counter()
        assert child.stdout.readline() == "True\n"
        assert time.perf_counter() - sent < 0.5


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


def test_recordable_is_what_the_annotation_says() -> None:
    from lethe.run import Recordable

    assert get_args(Recordable) == RECORDABLE
