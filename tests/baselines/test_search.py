"""Search without gradients, and the pseudo-Newton rule (Bengio et al. 1994); random guessing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason='JAX is not installed: pip install "lethe-ml[baselines]"')
pytest.importorskip("optax", reason='optax is not installed: pip install "lethe-ml[baselines]"')

from lethe.baselines.catalogue import system  # noqa: E402
from lethe.baselines.cell import squashed  # noqa: E402
from lethe.baselines.credits.bptt import Bptt  # noqa: E402
from lethe.baselines.engine import Learner  # noqa: E402
from lethe.baselines.rule import Descent  # noqa: E402
from lethe.baselines.systems import annealing, grid_search, guessing, pseudo_newton  # noqa: E402
from lethe.baselines.systems._search import Search  # noqa: E402
from lethe.baselines.systems.annealing import Annealing  # noqa: E402
from lethe.baselines.systems.elman import Elman  # noqa: E402
from lethe.baselines.systems.grid_search import MultiGrid  # noqa: E402
from lethe.baselines.systems.guessing import Guessing  # noqa: E402
from lethe.baselines.systems.pseudo_newton import PseudoNewton, one_back  # noqa: E402
from lethe.tasks import Steps, TwoSequence  # noqa: E402
from lethe.trials import sequence as sequence_trial  # noqa: E402

jnp = jax.numpy


@dataclass(frozen=True)
class LatchUnit:
    """Bengio's latch: one tanh unit; its weight and the first input of each class are learned.

    An input is the class as one of two symbols at the first step, and noise at the others.
    """

    initial_range: float = 1.0
    inputs: ClassVar[int] = 3
    outputs: ClassVar[int] = 1
    output_units: ClassVar[Any] = "linear"

    def weights(self, draw: np.random.Generator) -> dict[str, Any]:
        a = self.initial_range
        return {"state": {"w": draw.uniform(-a, a), "first": draw.uniform(-a, a, 2)}, "output": ()}

    def start(self) -> Any:
        return np.zeros(())

    def step(self, weights: Any, state: Any, x: Any) -> Any:
        return jnp.tanh(weights["w"] * state + x[:2] @ weights["first"] + x[2])

    def output(self, weights: Any, state: Any, x: Any) -> Any:
        return state[None]


def latch(generator: np.random.Generator, n: int, T: int) -> Steps:
    """Half of each class; targets 0.8 and -0.8 at the last of T steps; noise of variance 0.2."""
    classes = generator.permutation(np.arange(n) % 2)
    x, target = np.zeros((n, T, 3)), np.zeros((n, T, 1))
    x[np.arange(n), 0, classes] = 1
    x[:, 1:, 2] = 0.2**0.5 * generator.standard_normal((n, T - 1))
    target[:, -1, 0] = np.where(classes == 0, 0.8, -0.8)
    first, last = np.zeros((2, n, T), bool)
    first[:, 0], last[:, -1] = True, True
    return Steps(x.reshape(-1, 3), target.reshape(-1, 1), first.ravel(), last.ravel())


def present(net: Learner, steps: Steps, *, learn: bool = True) -> np.ndarray:
    """The last outputs of all sequences."""
    run = net.run(
        steps.inputs,
        steps.targets,
        has_target=steps.has_target,
        starts=steps.starts,
        reset_at_starts=True,
        learn=learn,
    )
    if not learn:
        net.reset()
    return run["output"][steps.has_target]


def presentations(
    rule: Any, T: int, seed: int, *, training_set: int = 0, initial_range: float, limit: int
) -> int | None:
    """Sequences until the classes of 200 others are told apart (at most 1 % wrong)."""
    generator = np.random.default_rng(seed)
    net = Learner(LatchUnit(initial_range), rule, seed=generator)
    tests = latch(generator, 200, T)
    training = latch(generator, training_set or 100, T)
    for done in range(0, limit, len(training.starts) // T):
        right = np.sign(present(net, tests, learn=False)) == np.sign(
            tests.targets[tests.has_target]
        )
        if right.mean() > 0.99:
            return done
        present(net, training)
        training = training if training_set else latch(generator, 100, T)
    return None


@dataclass(frozen=True)
class Parity:
    """Is the number of 1s among 1s and -1s odd? 25 to 50 steps, as in Bengio et al. (1994)."""

    inputs: ClassVar[int] = 1
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        lengths = generator.integers(25, 51, n)
        ends, firsts = np.cumsum(lengths) - 1, np.cumsum(lengths) - lengths
        ones = generator.integers(2, size=lengths.sum())
        targets, starts, has_target = np.zeros((3, len(ones)))
        targets[ends] = np.add.reduceat(ones, firsts) % 2
        starts[firsts], has_target[ends] = 1, 1
        x = 2.0 * ones - 1
        return Steps(x[:, None], targets[:, None], starts.astype(bool), has_target.astype(bool))


# --- random guessing -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("architecture", "to_itself", "sources"),
    [  # of a hidden unit, and of the output unit, with 2 inputs and 4 hidden units
        ("A1", True, (2 + 1 + 4 + 1, 2 + 1 + 4)),
        ("A2", True, (2 + 1 + 1 + 1, 2 + 4 + 1)),
        ("A2", False, (2 + 1 + 1, 2 + 4 + 1)),
    ],
)
def test_architectures(architecture: Any, to_itself: bool, sources: tuple[int, int]) -> None:
    cell, rule = guessing.make(2, 1, architecture=architecture, hidden=4, to_itself=to_itself)
    net = Learner(cell, rule, seed=1)
    assert net.parameters == 4 * sources[0] + sources[1]


def test_guessing_keeps_correct_weights_and_draws_again_after_a_wrong_sequence() -> None:
    cell, rule = guessing.make(1, 1, bound=0.6)
    net = Learner(cell, rule, seed=1)
    first = jax.tree.map(np.asarray, net.weights)
    x, starts = np.ones((4, 1)), np.array([True, False, True, False])
    y = net.run(x, starts=starts, reset_at_starts=True, learn=False)["output"]
    net.reset()
    net.run(x, y, starts=starts, reset_at_starts=True)  # its own outputs: no error
    assert jax.tree.all(jax.tree.map(np.array_equal, first, net.weights))
    net.run(x, y + 1, has_target=~starts, starts=starts, reset_at_starts=True)
    state = net.weights["state"]
    assert not np.any(state["hidden"] == first["state"]["hidden"])
    assert 10 < np.abs(state["hidden"]).max() <= 100
    assert int(net._kept["draws"]) == 3  # two sequences, both wrong


@pytest.mark.parametrize(
    ("options", "reported", "limit"),
    [
        ({"architecture": "A2", "hidden": 10, "to_itself": False}, 250, 2_000),
        ({"architecture": "A1", "hidden": 1}, 2_906, 20_000),
    ],
)
def test_guessing_solves_parity(options: dict[str, Any], reported: int, limit: int) -> None:
    """Mean draws of some networks: 250 and 2,906 in the source, whose sequences are longer."""
    draws = []
    for seed in range(2):
        cell, rule = guessing.make(1, 1, **options)
        generator = np.random.default_rng(seed)
        net, task = Learner(cell, rule, seed=generator), Parity()
        for _ in range(limit // 50):
            present(net, task.sequences(generator, 100))
            before = int(net._kept["draws"])
            present(net, task.sequences(generator, 100))
            if int(net._kept["draws"]) == before:
                break
        tests = task.sequences(generator, 300)
        wrong = np.abs(present(net, tests, learn=False) - tests.targets[tests.has_target]) >= 0.1
        assert wrong.mean() <= 0.01
        draws.append(before)
    assert reported / 5 < np.mean(draws) < reported * 5


def test_guessing_solves_the_latch_problem_in_a_few_draws() -> None:
    """6 draws in the source, whose sequences are longer."""
    draws = []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        net = Learner(LatchUnit(100.0), Guessing(bound=0.3), seed=generator)
        for _ in range(20):
            present(net, latch(generator, 10, 100))
        draws.append(int(net._kept["draws"]))
        tests = latch(generator, 100, 100)
        y = present(net, tests, learn=False)
        assert np.mean(np.sign(y) != np.sign(tests.targets[tests.has_target])) <= 0.02
    assert np.mean(draws) < 30


# --- search by the cost of candidates ------------------------------------------------------------


@dataclass(frozen=True)
class Counting:
    """A method that adds 1 to all weights, and remembers the cost."""

    def start(self, w: Any, key: Any) -> dict[str, Any]:
        return {"cost": jnp.zeros((), w.dtype)}

    def following(self, w: Any, cost: Any, kept: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return w + 1, {"cost": cost}


def test_a_candidate_is_tried_on_a_batch_of_sequences() -> None:
    net = Learner(LatchUnit(), Search(Counting(), batch=4), seed=1)
    first = float(net.weights["state"]["w"])
    steps = latch(np.random.default_rng(1), 12, 5)
    targets = steps.targets[steps.has_target]
    costs = []
    for i in range(12):
        y = present(net, steps.piece(5 * i, 5 * i + 5))
        assert float(net.weights["state"]["w"]) == pytest.approx(first + (i + 1) // 4)
        costs.append(0.5 * float(np.sum((y - targets[i]) ** 2)))
    assert float(net._kept[0]["cost"]) == pytest.approx(np.mean(costs[8:]), rel=1e-5)


def minimum(method: Any, cost: Any, w: Any, trials: int) -> tuple[Any, dict[str, Any]]:
    """What is left of so many trials: costs in their order, and what the method keeps."""

    def one(carry: Any, _: None) -> tuple[Any, Any]:
        w, kept = carry
        c = cost(w)
        return method.following(w, c, kept), c

    begin = w, method.start(w, jax.random.key(1))
    (_, kept), costs = jax.lax.scan(one, begin, length=trials)
    return costs, kept


def rosenbrock(w: Any) -> Any:
    return 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2


def test_annealing_finds_the_minimum_of_rosenbrock() -> None:
    """Corana et al. (1987) begin with it, at cost 24.2 and more."""
    method = Annealing(temperature=100.0, cooling=0.85, rounds=20, adjustments=10)
    _, kept = minimum(method, rosenbrock, jnp.array([-1.2, 1.0]), 40_000)
    assert float(kept["best_cost"]) < 1e-3
    np.testing.assert_allclose(kept["best_w"], [1, 1], atol=0.1)


def test_annealing_lets_weights_go_as_far_as_half_of_the_moves_are_taken() -> None:
    method = Annealing(temperature=1.0, rounds=10, adjustments=3)
    # All moves of the first weight are taken, and none of the second.
    _, kept = minimum(
        method, lambda w: jnp.where(w[1] == 0, 0.0, 1e9), jnp.zeros(2), 1 + 2 * 10 * 2
    )
    np.testing.assert_allclose(kept["reach"], [9, 1 / 9], rtol=1e-5)  # (1 + c)² and its inverse
    assert float(kept["temperature"]) == 1.0
    _, kept = minimum(method, lambda w: jnp.sum(w * w), jnp.zeros(2), 1 + 2 * 10 * 3)
    assert float(kept["temperature"]) == pytest.approx(0.85)
    assert float(kept["cost"]) == float(kept["best_cost"]) == 0  # back at the best point


def test_annealing_takes_worse_points_as_metropolis_says() -> None:
    method = Annealing(temperature=0.5)
    start = method.start(jnp.zeros(1), jax.random.key(1)) | {"cost": jnp.array(1.0)}

    def taken(key: Any) -> Any:
        _, kept = method.following(jnp.ones(1), jnp.array(1.5), start | {"key": key})
        return kept["w"][0]

    share = jnp.mean(jax.vmap(taken)(jax.random.split(jax.random.key(2), 4_000)))
    assert float(share) == pytest.approx(np.exp(-1), abs=0.03)


def test_multi_grid_takes_only_what_is_better_and_halves_its_box() -> None:
    method = MultiGrid(size=4.0)
    costs, kept = minimum(method, lambda w: jnp.sum((w - 1) ** 2), jnp.zeros(2), 2_000)
    records = np.minimum.accumulate(np.asarray(costs))
    better = np.count_nonzero(np.diff(records))
    assert float(kept["cost"]) == records[-1] < 0.1
    assert float(kept["size"]) == 4.0 / 2**better


@pytest.mark.parametrize(
    ("method", "T"),
    [
        (Annealing(temperature=0.1, rounds=5, adjustments=2, reach=1.0), 50),
        (MultiGrid(size=10.0), 50),
    ],
)
def test_search_solves_the_latch_problem(method: Any, T: int) -> None:
    """About 1,600 presentations in the source "with several methods"."""
    took = [
        presentations(
            Search(method, batch=20), T, seed, training_set=20, initial_range=1.0, limit=6_000
        )
        for seed in range(4)
    ]
    solved = [n for n in took if n is not None]
    assert len(solved) >= 3
    assert np.mean(solved) < 5_000


@pytest.mark.parametrize("name", ["annealing", "grid_search", "guessing"])
def test_a_trial_of_the_two_sequence_problem_is_solved(name: str) -> None:
    """Not all are: see the modules."""
    trial = sequence_trial.SequenceTrial(
        learner=system(name, inputs=1, outputs=1),
        task=TwoSequence(10),
        criterion=sequence_trial.Tested(256, 0.2),
        sequences=3_000,
        test_sequences=256,
        dtype="float32",
    )
    result = next(filter(lambda r: r.solved, map(trial.run, range(1001, 1004))))
    assert result.test_wrong < 0.05


# --- time-weighted pseudo-Newton -----------------------------------------------------------------


@pytest.mark.parametrize("output_units", ["logistic", "softmax"])
def test_curvature_is_that_of_the_unfolded_network(output_units: Any) -> None:
    T, draw = 4, np.random.default_rng(1)
    cell = Elman(2, 2, 2, output_units, True, "tanh", 1.0)
    x, target = draw.normal(size=(T, 2)), np.eye(2)[draw.integers(2, size=T)]
    has_target = np.array([False, True, False, True])
    with jax.enable_x64(True):
        weights = jax.tree.map(jnp.asarray, cell.weights(draw))
        w, as_weights = jax.flatten_util.ravel_pytree(weights)

        def error(unfolded: Any) -> Any:
            state, total = cell.start(), 0.0
            for t in range(T):
                own = as_weights(unfolded[t])
                state = cell.step(own["state"], state, x[t])
                y = squashed(cell, cell.output(own["output"], state, x[t]))
                squared, entropy = (y - target[t]) ** 2 / 2, -target[t] * jnp.log(y)
                total += has_target[t] * jnp.sum(entropy if output_units == "softmax" else squared)
            return total

        unfolded = jnp.tile(w, (T, 1))
        gradient, hessian = jax.jit(lambda u: (jax.grad(error)(u), jax.hessian(error)(u)))(unfolded)
        states = [jnp.asarray(cell.start())]
        for t in range(T):
            states.append(cell.step(weights["state"], states[-1], x[t]))
        slope, curvature = jnp.zeros(2), jnp.zeros((2, 2))
        back = jax.jit(one_back, static_argnums=0)
        for t in reversed(range(T)):
            step = states[t], x[t], target[t], has_target[t]
            first, second, slope, curvature = back(cell, weights, step, slope, curvature)
            np.testing.assert_allclose(first, gradient[t], atol=1e-13)
            np.testing.assert_allclose(second, np.diag(hessian[t, :, t]), atol=1e-13)


def test_far_above_all_curvatures_it_is_back_propagation() -> None:
    """Rate η/μ."""
    nets = [
        Learner(LatchUnit(), Descent(credit, rate), seed=1, dtype="float64")
        for credit, rate in ((PseudoNewton(mu=1e9), 1e8), (Bptt(), 0.1))
    ]
    steps = latch(np.random.default_rng(1), 50, 20)
    for net in nets:
        present(net, steps)
    one, other = (net.weights["state"] for net in nets)
    for name in one:
        np.testing.assert_allclose(np.asarray(one[name]), np.asarray(other[name]), rtol=1e-6)


def test_pseudo_newton_solves_the_latch_problem() -> None:
    """About 1,600 presentations in the source "with several methods"; of 20 networks 12 do."""
    rule = Descent(PseudoNewton(mu=0.01), 0.1)
    took = [presentations(rule, 20, seed, initial_range=1.0, limit=3_000) for seed in range(6)]
    solved = [n for n in took if n is not None]
    assert len(solved) >= 2


def test_pseudo_newton_makes_a_learner() -> None:
    cell, rule = pseudo_newton.make(1, 1, units=2)
    net = Learner(cell, rule, seed=1)
    steps = TwoSequence(10).sequences(np.random.default_rng(1), 20)
    before = jax.tree.map(np.asarray, net.weights)
    present(net, steps)
    assert not np.allclose(before["state"], net.weights["state"])


@pytest.mark.parametrize("module", [annealing, grid_search, guessing, pseudo_newton])
def test_a_seed_gives_the_same_life(module: Any) -> None:
    steps = TwoSequence(10).sequences(np.random.default_rng(1), 60)
    lives = [present(Learner(*module.make(1, 1), seed=3), steps) for _ in range(2)]
    assert np.array_equal(*lives)
