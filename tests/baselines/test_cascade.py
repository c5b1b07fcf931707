"""The plain Reber grammar, and the two systems known for it: Elman's network and cascades."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from lethe.tasks import EmbeddedReber, Reber, Steps, joined

REASON = 'JAX is not installed: pip install "lethe-ml[baselines]"'
jax = pytest.importorskip("jax", reason=REASON)
pytest.importorskip("optax", reason=REASON)

import jax.numpy as jnp  # noqa: E402

from lethe.baselines.engine import Learner  # noqa: E402
from lethe.baselines.systems import cascade, elman  # noqa: E402
from lethe.baselines.systems._quickprop import quickprop, still  # noqa: E402

# The grammar written once more, independently: what may follow, as {symbol: next node}.
GRAMMAR = [{0: 1}, {1: 2, 2: 3}, {3: 2, 4: 4}, {1: 3, 5: 5}, {4: 3, 3: 6}, {2: 4, 5: 6}, {6: 7}]
POSSIBLE = Reber("possible").target_table
NEXT = Reber("next").target_table
E = 6


def legal(string: np.ndarray) -> bool:
    node = 0
    for symbol in string:
        if node == 7 or symbol not in GRAMMAR[node]:
            return False
        node = GRAMMAR[node][symbol]
    return node == 7


def pieces(steps: Steps) -> list[Steps]:
    bounds = np.append(np.flatnonzero(steps.starts), len(steps.starts))
    return [steps.piece(start, stop) for start, stop in pairwise(bounds.tolist())]


def drawn(n: int, seed: int) -> Steps:
    return Reber("next").sequences(np.random.default_rng(seed), n)


def answers(net: Learner, inputs: np.ndarray, starts: np.ndarray) -> np.ndarray:
    y = net.run(inputs, starts=starts, reset_at_starts=True, learn=False)["output"]
    net.reset()
    return y


def learn(net: Learner, steps: Steps, table: Any = NEXT) -> None:
    net.run(
        steps.inputs, steps.targets, target_table=table, starts=steps.starts, reset_at_starts=True
    )


def test_reber_strings_are_legal_and_their_targets_say_what_follows() -> None:
    steps = drawn(2000, 1)
    for string in pieces(steps):
        assert legal(np.append(string.inputs, E))
        following = np.append(string.inputs[1:], E)
        np.testing.assert_array_equal(NEXT[string.targets].argmax(1), following)
        node = 0
        for symbol, target in zip(string.inputs, POSSIBLE[string.targets], strict=True):
            node = GRAMMAR[node][symbol]
            assert set(np.flatnonzero(target)) == set(GRAMMAR[node])


def test_reber_choices_are_fair_and_lengths_follow() -> None:
    steps = drawn(40_000, 2)
    lengths = np.diff(np.append(np.flatnonzero(steps.starts), len(steps.starts)))
    # The mean of the embedded grammar's strings is 12 with four symbols more, and E is not here.
    assert lengths.mean() == pytest.approx(7, abs=5 * lengths.std() / 200)
    assert lengths.min() == 4
    possible, following = POSSIBLE[steps.targets], NEXT[steps.targets].argmax(1)
    for row in np.unique(possible, axis=0):
        options = np.flatnonzero(row)
        chosen = following[(possible == row).all(1)]
        share = np.mean(chosen == options[0])
        assert share == pytest.approx(1 / options.size, abs=2.5 / chosen.size**0.5)


def test_reber_is_what_the_embedded_grammar_embeds() -> None:
    inner = pieces(drawn(50, 3))
    outer = pieces(EmbeddedReber("next").sequences(np.random.default_rng(3), 50))
    for a, b in zip(inner, outer, strict=True):
        np.testing.assert_array_equal(np.append(a.inputs, E), b.inputs[2:-1])


def test_reber_refuses_other_targets() -> None:
    with pytest.raises(ValueError, match="targets must be one of next, possible, got 'all'"):
        Reber("all")  # type: ignore[arg-type]


def test_table_1_counts_elmans_weights() -> None:
    assert Learner(*elman.make(7, 7, units=15)).parameters == 435


def accepted(net: Learner, strings: list[np.ndarray]) -> np.ndarray:
    """Whether each symbol of a string is above 0.3 before it comes (Cleeremans et al. 1989)."""
    inputs, following = (
        np.concatenate([s[part] for s in strings]) for part in (np.s_[:-1], np.s_[1:])
    )
    first = np.cumsum([0, *(len(s) - 1 for s in strings[:-1])])
    starts = np.zeros(len(inputs), bool)
    starts[first] = True
    y = answers(net, inputs, starts)[np.arange(len(inputs)), following]
    return np.minimum.reduceat(y, first) > 0.3


def test_elmans_network_becomes_a_perfect_recognizer_of_the_reber_grammar() -> None:
    """The source: all of 70,000 legal strings accepted, all others rejected (from memory)."""
    net = Learner(*elman.make(7, 7, units=15, rate=0.05), seed=1000)
    training = np.random.default_rng(1000)
    for _ in range(30):
        learn(net, Reber("next").sequences(training, 2000))
    strings = [np.append(s.inputs, E) for s in pieces(drawn(20_000, 99))]
    assert accepted(net, strings).all()
    # One symbol of each is another: most of these are illegal, and close to legal ones.
    draw = np.random.default_rng(5)
    for string in strings:
        string[draw.integers(1, len(string) - 1)] = draw.integers(1, E)
    of_grammar = np.array([legal(string) for string in strings])
    assert of_grammar.mean() < 0.3
    np.testing.assert_array_equal(accepted(net, strings), of_grammar)


def test_quickprop_lands_at_the_minimum_of_a_parabola() -> None:
    """After a gradient step that leads more than a third of the way, the next one jumps there."""
    bend, at = np.array([1.0, 3.0, 0.5]), np.array([2.0, -1.0, 0.3])
    w, jumps = jnp.zeros(3), still(jnp.zeros(3))
    for _ in range(2):
        # Without the gradient step that goes with a jump.
        rate = 0.5 / bend if not np.any(jumps.change) else 0.0
        jumps = quickprop(bend * (w - at), jumps, rate, 1.75)
        w = w + jumps.change
    np.testing.assert_allclose(w, at, rtol=1e-5)


def test_quickprop_grows_its_steps_by_no_more_than_its_limit() -> None:
    jumps = quickprop(jnp.ones(1), still(jnp.ones(1)), 0.1, 1.75)
    again = quickprop(jnp.ones(1), jumps, 0.1, 1.75)  # a slope that does not change
    np.testing.assert_allclose(again.change, -(0.1 + 1.75 * 0.1), rtol=1e-6)


def growing(seed: int, strings: int = 16) -> tuple[Learner, Steps]:
    """A network whose candidates have just been drawn, with one unit grown, and its epoch."""
    net = Learner(
        *cascade.make(7, 7, units=3, candidates=2, epoch=strings, patience=1, longest=2),
        seed=seed,
        dtype="float64",
    )
    steps = drawn(strings, seed)
    while not (int(net._kept.grown) == 1 and bool(net._kept.growing)):
        learn(net, steps)
    return net, steps


def test_candidates_climb_the_covariance_that_they_are_scored_by() -> None:
    """∂S/∂w of one epoch, from sums that go forward in time, is JAX's of the whole epoch."""
    net, steps = growing(1)
    kept, cell = net._kept, net.cell
    with jax.enable_x64(True):
        y = answers(net, steps.inputs, steps.starts)
        error = jnp.asarray((y - NEXT[steps.targets]) * (y * (1 - y) + 0.1))

        def scores(pool: Any) -> Any:
            """S of each candidate, written as it is defined."""

            def step(carry: Any, now: Any) -> Any:
                symbol, start = now
                v, state = jax.tree.map(lambda a: jnp.where(start, 0, a), carry)
                x = jnp.eye(7)[symbol]
                state = cell.step(net.weights["state"], state, x)
                z = jnp.concatenate((x, jnp.ones(1), state)).at[9].set(0.0)
                # Its own past is where unit 1 will be: after 7 inputs, the bias and unit 0.
                v = jax.nn.sigmoid(pool @ z + pool[:, 9] * v) - 0.5
                return (v, state), v

            begin = (jnp.zeros(2), jnp.zeros(3))
            _, values = jax.lax.scan(step, begin, (steps.inputs, steps.starts))
            terms = (values - jnp.mean(values, 0)).T @ (error - jnp.mean(error, 0))
            return jnp.sum(jnp.abs(terms), axis=1) / jnp.sum(error**2)

        wanted = np.asarray(jax.jit(scores)(kept.pool))
        slope = np.asarray(jax.jit(jax.grad(lambda pool: jnp.sum(scores(pool))))(kept.pool))
    learn(net, steps)
    after = net._kept
    # What quickprop was given, and what the pool is judged by.
    np.testing.assert_allclose(-np.asarray(after.pool_jumps.slope), slope, rtol=1e-9, atol=1e-12)
    assert float(after.best) == pytest.approx(wanted.max(), rel=1e-9)
    assert wanted.max() > 0


def test_what_has_grown_is_frozen_and_what_has_not_is_nothing() -> None:
    net, steps = growing(2)
    first = np.asarray(net.weights["state"])
    assert first[0].any()
    assert not first[0, 9:].any()  # it reads inputs, bias and itself
    assert not first[1:].any()
    for _ in range(12):
        learn(net, steps)
    assert int(net._kept.grown) == 3
    later = np.asarray(net.weights["state"])
    np.testing.assert_array_equal(later[0], first[0])
    assert later[1:].any(axis=1).all()
    assert not later[1, 10:].any()


def test_a_cascade_learns_the_reber_grammar_with_two_or_three_units() -> None:
    """The source: two or three units, about 25,000 strings (from memory). Ours: 2, 20,000."""
    net = Learner(*cascade.make(7, 7, units=6, epoch=128), seed=1000)
    order = np.random.default_rng(1000)
    training = Reber("next").sequences(order, 128)
    strings, new = pieces(training), drawn(256, 7)
    tests = joined([training, new])
    possible = POSSIBLE[tests.targets] > 0

    def solved() -> bool:
        """Whether what may come next is always the most active."""
        y = answers(net, tests.inputs, tests.starts)
        others = np.where(possible, -np.inf, y).max(1)
        return bool((others < np.where(possible, y, np.inf).min(1)).all())

    epochs = 0
    while not solved() and epochs < 300:
        learn(net, joined([strings[i] for i in order.permutation(128)]))
        epochs += 1
    assert solved()
    assert int(net._kept.grown) in (2, 3)
