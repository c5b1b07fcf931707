"""Credit: exact gradients by four ways, the papers' algorithm as one of them, and known tasks."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

jax = pytest.importorskip("jax", reason='JAX is not installed: pip install "lethe-ml[baselines]"')
pytest.importorskip("optax", reason='optax is not installed: pip install "lethe-ml[baselines]"')

import jax.numpy as jnp  # noqa: E402
from jax.flatten_util import ravel_pytree  # noqa: E402

import lethe  # noqa: E402
from lethe.baselines import system  # noqa: E402
from lethe.baselines.cell import Cell, squashed  # noqa: E402
from lethe.baselines.credit import Credit  # noqa: E402
from lethe.baselines.credits.bptt import Bptt, Window  # noqa: E402
from lethe.baselines.credits.hybrid import Hybrid  # noqa: E402
from lethe.baselines.credits.rtrl import Rtrl  # noqa: E402
from lethe.baselines.engine import Learner  # noqa: E402
from lethe.baselines.rule import Descent  # noqa: E402
from lethe.baselines.systems.chunker import Chunker, Chunking  # noqa: E402
from lethe.baselines.systems.elman import Elman  # noqa: E402
from lethe.baselines.systems.fully_recurrent import FullyRecurrent  # noqa: E402
from lethe.baselines.systems.lstm import Lstm  # noqa: E402
from lethe.tasks import EmbeddedReber, Steps, TwoSequence  # noqa: E402

T = 11


@dataclass(frozen=True)
class Summed:
    """A rule whose weights stand still while the gradients of a credit are summed."""

    credit: Credit

    def start(self, cell: Cell, weights: Any, key: Any) -> Any:
        return self.credit.start(cell, weights), jax.tree.map(jnp.zeros_like, weights)

    def reset(self, cell: Cell, weights: Any, kept: Any) -> Any:
        return self.credit.start(cell, weights), kept[1]

    def learn(self, cell: Cell, weights: Any, kept: Any, moment: Any) -> tuple[Any, Any]:
        credit = self.credit.advance(cell, weights, kept[0], moment)
        due = self.credit.due(credit, moment)
        new = self.credit.gradient(cell, weights, credit, moment)
        total = jax.tree.map(lambda a, b: a + jnp.where(due, b, 0), kept[1], new)
        settled = self.credit.settled(cell, credit)
        credit = jax.tree.map(lambda a, b: jnp.where(due, a, b), settled, credit)
        return weights, (credit, total)


def summed(cell: Cell, credit: Credit, steps: Steps) -> np.ndarray:
    net = Learner(cell, Summed(credit), seed=3, dtype="float64")
    net.run(
        steps.inputs,
        steps.targets,
        has_target=steps.has_target,
        starts=steps.starts,
        reset_at_starts=True,
    )
    return np.concatenate([np.ravel(a) for a in jax.tree.leaves(net._kept[1])])


def loss(cell: Cell, weights: Any, steps: Steps) -> Any:
    """The error of one sequence: a scan, and the errors by their definitions."""
    taught = np.zeros((len(steps.starts), cell.outputs + 1))
    taught[1:, :-1] = steps.targets[:-1] * steps.has_target[:-1, None]
    taught[1:, -1] = steps.has_target[:-1]
    xs = steps.inputs
    if getattr(cell, "forced", False):
        xs = np.concatenate((xs, taught), axis=1)

    def step(state: Any, x: Any) -> Any:
        after = cell.step(weights["state"], state, x)
        return after, squashed(cell, cell.output(weights["output"], after, x))

    _, y = jax.lax.scan(step, jax.tree.map(jnp.asarray, cell.start()), jnp.asarray(xs))
    t = steps.targets
    match cell.output_units:
        case "softmax":
            by_unit = -t * jnp.log(y)
        case "logistic_cross_entropy":
            by_unit = -t * jnp.log(y) - (1 - t) * jnp.log(1 - y)
        case _:
            by_unit = (t - y) ** 2 / 2
    return jnp.sum(by_unit * steps.has_target[:, None])


def sequence(cell: Cell, seed: int = 1) -> Steps:
    draw = np.random.default_rng(seed)
    targets = draw.dirichlet(np.ones(cell.outputs), T)
    starts = np.arange(T) == 0
    has_target = draw.random(T) < 0.7
    has_target[-1] = True
    return Steps(draw.normal(size=(T, cell.inputs)), targets, starts, has_target)


CELLS: dict[str, Cell] = {
    "fully_recurrent": FullyRecurrent(2, 3, 2, forced=False, biased=True, initial_range=1.0),
    "forced": FullyRecurrent(2, 3, 2, "logistic_cross_entropy", forced=True, initial_range=1.0),
    "elman": Elman(2, 3, 4, "softmax", biased=True, initial_range=1.0),
    "lstm": Lstm(
        lethe.Topology(inputs=2, outputs=3, blocks=2, output_units="linear", initial_range=1.0),
        truncated=False,
    ),
}
CREDITS: dict[str, Credit] = {
    "rtrl": Rtrl(),
    "bptt": Bptt(T),
    "window": Window(T),
    "bptt_every_4": Bptt(T, 4),
    "hybrid_1": Hybrid(1),
    "hybrid_4": Hybrid(4),
    "hybrid_whole": Hybrid(T + 1),
}


# Which are tried together: each takes a second to compile.
PAIRS = {
    "fully_recurrent": ("rtrl", "bptt_every_4"),
    "forced": tuple(CREDITS),
    "elman": ("bptt", "hybrid_4"),
    "lstm": ("rtrl", "window", "hybrid_4"),
}


def autodiff(cell: Cell, steps: Steps) -> np.ndarray:
    """The gradient, through the whole sequence."""
    with jax.enable_x64(True):
        weights = jax.tree.map(jnp.asarray, cell.weights(np.random.default_rng(3)))
        gradient = jax.jit(jax.grad(lambda w: loss(cell, w, steps)))(weights)
        return np.asarray(ravel_pytree(gradient)[0])


@pytest.mark.parametrize("name", CELLS)
def test_every_credit_is_the_gradient(name: str) -> None:
    cell = CELLS[name]
    steps = sequence(cell)
    gradient = autodiff(cell, steps)
    size = np.abs(gradient).max()
    assert size > 0.01
    for credit in PAIRS[name]:
        assert np.abs(summed(cell, CREDITS[credit], steps) - gradient).max() < 1e-13 * size, credit


def test_autodiff_is_finite_differences() -> None:
    cell, h = CELLS["forced"], 1e-5
    steps = sequence(cell)
    with jax.enable_x64(True):
        weights = jax.tree.map(jnp.asarray, cell.weights(np.random.default_rng(3)))
        flat, as_weights = ravel_pytree(weights)
        error = jax.jit(jax.vmap(lambda w: loss(cell, as_weights(w), steps)))
        apart = h * jnp.eye(flat.size)
        found = np.asarray((error(flat + apart) - error(flat - apart)) / (2 * h))
    gradient = autodiff(cell, steps)
    assert np.abs(found - gradient).max() < 1e-8 * np.abs(gradient).max()


TOPOLOGIES = {
    "1999": {"blocks": 4, "cells_per_block": 2, "output_gate_bias": (-0.5, -1.0, -1.5, -2.0)},
    "1997": {
        "blocks": 3, "cells_per_block": 2, "forget_gate": False, "gates_are_sources": True,
        "shortcuts": False, "biased": ("input_gate", "output_gate"), "input_gate_bias": None,
        "output_gate_bias": (-1.0, -2.0, -3.0),
    },
    "no output gates": {
        "blocks": 2, "output_gate": False, "cell_output": "identity", "output_units": "softmax",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_rtrl_of_the_truncated_lstm_is_the_network(name: str) -> None:
    topology = lethe.Topology(inputs=7, outputs=7, **TOPOLOGIES[name])
    steps = EmbeddedReber("next").sequences(np.random.default_rng(2), 30)
    options: Any = {
        "target_table": EmbeddedReber("next").target_table,
        "starts": steps.starts,
        "reset_at_starts": True,
    }
    net = lethe.Network(topology, update=lethe.SGD(0.5), seed=5, dtype="float64")
    twin = Learner(Lstm(topology), Descent(Rtrl(), 0.5), seed=5, dtype="float64")
    expected = net.run(steps.inputs, steps.targets, **options)["output"]
    found = twin.run(steps.inputs, steps.targets, **options)["output"]
    assert np.abs(found - expected).max() < 1e-12


@settings(max_examples=4, deadline=None, phases=[Phase.generate])  # each compiles for seconds
@given(
    cell=st.builds(
        FullyRecurrent,
        st.integers(1, 2), st.integers(1, 2), st.integers(0, 2),
        biased=st.booleans(), forced=st.booleans(), initial_range=st.just(1.0),
    ),
    credit=st.sampled_from([Rtrl(), Bptt(3), Bptt(4, 2), Window(2), Hybrid(3)]),
    cuts=st.lists(st.integers(0, T), max_size=2),
    seed=st.integers(0, 1000),
)  # fmt: skip
def test_cutting_a_stream_changes_nothing(
    cell: Cell, credit: Credit, cuts: list[int], seed: int
) -> None:
    """Run at once, run in pieces, and step by step: the same weights and outputs, to the bit."""
    steps = sequence(cell, seed)
    whole, pieces, stepped = (
        Learner(cell, Descent(credit, 0.5), seed=seed, dtype="float64") for _ in range(3)
    )
    outputs = whole.run(steps.inputs, steps.targets, has_target=steps.has_target)["output"]
    ends = [0, *sorted(cuts), T]
    parts = [steps.piece(a, b) for a, b in pairwise(ends)]
    cut = [
        pieces.run(part.inputs, part.targets, has_target=part.has_target)["output"]
        for part in parts
    ]
    one_by_one = []
    for x, target, has_target in zip(steps.inputs, steps.targets, steps.has_target, strict=True):
        one_by_one.append(stepped.step(x))
        if has_target:
            stepped.learn(target)
    stepped.run(np.zeros((0, cell.inputs)))  # completes a step without a target
    assert np.array_equal(np.concatenate(cut), outputs)
    assert np.array_equal(one_by_one, outputs)
    for other in (pieces, stepped):
        for a, b in zip(
            jax.tree.leaves(whole.weights), jax.tree.leaves(other.weights), strict=True
        ):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("credit", [Rtrl(), Hybrid(5), Bptt(12)], ids=str)
def test_one_target_at_the_end_makes_all_credits_one(credit: Credit) -> None:
    """No weight changes within a sequence then, so none of them is an approximation."""
    task = TwoSequence(10)
    steps = task.sequences(np.random.default_rng(4), 30)
    outputs = []
    for each in (Window(12), credit):
        cell = FullyRecurrent(1, 1, 3, forced=False, biased=True, initial_range=2.0)
        net = Learner(cell, Descent(each, 0.5), seed=4, dtype="float64")
        run = net.run(
            steps.inputs,
            steps.targets,
            has_target=steps.has_target,
            starts=steps.starts,
            reset_at_starts=True,
        )
        outputs.append(run["output"])
    assert np.abs(outputs[0] - outputs[1]).max() < 1e-12


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("rtrl", {"rate": 4.0}),
        ("bptt", {"rate": 4.0, "h": 4}),
        ("bptt", {"rate": 2.0, "h": 8, "every": 4}),
        ("hybrid", {"rate": 2.0, "h": 4}),
    ],
    ids=["rtrl", "bptt(4)", "bptt(8;4)", "hybrid(4)"],
)
def test_delayed_exclusive_or_is_learned(name: str, options: dict[str, Any]) -> None:
    """Williams & Zipser (1989): the exclusive or of the last inputs, through hidden units.

    Their figure is not known to us. Here it is learned after 750 to 2,000 steps, by 24 of 24.
    """
    assert_learned(name, options, steps=4000)


def test_delayed_exclusive_or_is_not_learned_without_time() -> None:
    """Where errors do not go back in time the hidden units are not taught (Elman's procedure)."""
    with pytest.raises(AssertionError, match="wrong in the last 500"):
        assert_learned("bptt", {"rate": 4.0, "h": 1}, steps=4000)


def assert_learned(name: str, options: dict[str, Any], steps: int) -> None:
    draw = np.random.default_rng(1)
    x = draw.integers(2, size=(steps, 2))
    target = np.zeros((steps, 1))
    target[1:, 0] = x[:-1, 0] ^ x[:-1, 1]
    recipe = system(name, inputs=2, outputs=1, hidden=3, biased=True, **options)
    y = recipe.learner(1).run(x.astype(float), target)["output"]
    wrong = np.count_nonzero(np.abs(y - target)[-500:] >= 0.5)
    assert wrong == 0, f"{wrong} wrong in the last 500"


@pytest.mark.parametrize("forced", [True, False])
def test_oscillation_is_learned_by_teacher_forcing_alone(forced: bool) -> None:
    """Williams & Zipser (1989): two units learn 0 0 1 1 0 0 1 1 ... and go on by themselves."""
    recipe = system("rtrl", inputs=1, outputs=1, hidden=1, biased=True, forced=forced, rate=1.0)
    net = recipe.learner(1000)
    wave = np.resize([0.0, 0.0, 1.0, 1.0], 4000)[:, None]
    net.run(np.zeros((4000, 1)), wave)
    free = net.run(np.zeros((200, 1)), learn=False)["output"]
    assert bool((np.abs(free - wave[:200]) < 0.5).all()) == forced


def lagging(draw: np.random.Generator, n: int) -> Steps:
    """Schmidhuber (1992): a b1 ... b20 and x b1 ... b20 without a pause; the end tells which."""
    which = draw.integers(2, size=n)
    symbols = np.tile(np.arange(-1, 20), (n, 1))
    symbols[:, 0] = 20 + which
    last = np.tile(np.arange(21) == 20, n)
    return Steps(symbols.ravel(), np.repeat(which, 21)[:, None].astype(float), last, last)


@pytest.mark.parametrize(("answers", "sequences"), [("chunker", 500), ("automatizer", 3500)])
def test_chunker_bridges_twenty_steps(
    answers: Literal["automatizer", "chunker"], sequences: int
) -> None:
    """Fewer than 5,000 sequences in 13 of the source's 17 runs, errors going back 3 steps.

    Here the chunker answers rightly from about 120 sequences on, the automatizer from about 2,300.
    """
    net = system("chunker", inputs=22, outputs=1, answers=answers).learner(1000)
    steps = lagging(np.random.default_rng(1000), sequences)
    run = net.run(steps.inputs, steps.targets, has_target=steps.has_target)
    errors = np.abs(run["output"] - steps.targets)[steps.has_target, 0]
    right = np.convolve(errors < 0.3, np.ones(100), "valid") == 100
    assert right.any(), "never 100 sequences in a row"


def test_the_automatizer_alone_does_not_bridge_them() -> None:
    net = system("bptt", inputs=22, outputs=1, hidden=3, h=4, rate=1.0).learner(1000)
    steps = lagging(np.random.default_rng(1000), 5000)
    run = net.run(steps.inputs, steps.targets, has_target=steps.has_target)
    errors = np.abs(run["output"] - steps.targets)[steps.has_target, 0]
    assert errors[-500:].mean() > 0.45


def test_chunker_learns_by_the_gradient_of_both_networks_errors() -> None:
    """Over a sequence, of weights that all but stand still, against autodiff of the sums."""
    rate, n = 1e-6, T
    cell = Chunker(3, 2, 2, 2, surprise=0.35, initial_range=1.0)
    net = Learner(cell, Chunking(n, rate), seed=3, dtype="float64")
    steps = sequence(cell)
    x = np.eye(3)[np.random.default_rng(5).integers(3, size=n)]
    weights, states = net.weights["state"], [net._state]
    for t in range(n):
        piece = slice(t, t + 1)
        net.run(x[piece], steps.targets[piece], has_target=steps.has_target[piece])
        states.append(net._state)
    active = [bool(state["active"]) for state in states[1:]]
    assert 2 < sum(active) < n
    with jax.enable_x64(True):
        a, c = cell.networks

        def half(y: Any, target: Any) -> Any:
            return jnp.sum((jax.nn.sigmoid(y) - target) ** 2) / 2

        def error_of_a(w: Any) -> Any:
            state, total = jax.tree.map(jnp.asarray, a.start()), 0.0
            for t in range(n):
                if t:
                    total += half(state["net"][2:5], x[t])
                state = a.step(w, state, jnp.asarray(x[t]))
                mind = states[t + 1]["c"]
                imitated = jnp.concatenate((mind["h"], jax.nn.sigmoid(mind["net"])))
                total += half(state["net"][5:], imitated)
                total += steps.has_target[t] * half(state["net"][:2], steps.targets[t])
            return total

        def error_of_c(w: Any) -> Any:
            state, total = jax.tree.map(jnp.asarray, c.start()), 0.0
            for t in range(n):
                if active[t]:
                    if any(active[:t]):
                        total += half(state["net"][2:], x[t])
                    state = c.step(w, state, jnp.asarray(x[t]))
                failed = cell.off_target(states[t + 1]["a"], steps.targets[t]) >= cell.surprise
                failed &= steps.has_target[t]
                total += jnp.where(failed, half(state["net"][:2], steps.targets[t]), 0)
            return total

        for name, error in (("a", error_of_a), ("c", error_of_c)):
            gradient = np.asarray(jax.jit(jax.grad(error))(weights[name]))
            change = np.asarray(weights[name]) - np.asarray(net.weights["state"][name])
            assert np.abs(change / rate - gradient).max() < 1e-4 * np.abs(gradient).max(), name
