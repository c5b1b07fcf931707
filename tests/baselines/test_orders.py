"""Second-order networks and Tomita's languages, which they are known for; Ring's orders."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lethe.tasks import LongLag, Reber, Steps, Tomita
from lethe.tasks.tomita import AUTOMATA

jax = pytest.importorskip("jax", reason='JAX is not installed: pip install "lethe-ml[baselines]"')
pytest.importorskip("optax", reason='optax is not installed: pip install "lethe-ml[baselines]"')

import jax.numpy as jnp  # noqa: E402

from lethe.baselines.cell import squashed  # noqa: E402
from lethe.baselines.credits.bptt import Bptt  # noqa: E402
from lethe.baselines.credits.rtrl import Rtrl  # noqa: E402
from lethe.baselines.engine import Learner  # noqa: E402
from lethe.baselines.rule import Descent  # noqa: E402
from lethe.baselines.systems import ring, second_order  # noqa: E402


def learn(net: Learner, steps: Steps, table: Any = None) -> None:
    net.run(
        steps.inputs,
        steps.targets,
        target_table=table,
        has_target=steps.has_target,
        starts=steps.starts,
        reset_at_starts=True,
    )


def outputs(net: Learner, steps: Steps) -> Any:
    twin = net.clone()
    run = twin.run(steps.inputs, starts=steps.starts, reset_at_starts=True, learn=False)
    return run["output"]


def wrong(net: Learner, steps: Steps) -> int:
    """Strings on the wrong side of 0.5."""
    errors = np.abs(outputs(net, steps) - steps.targets)[steps.has_target]
    return int(np.count_nonzero(~(errors < 0.5)))


# Second-order network


def loss(cell: Any, state: Any, steps: Steps) -> Any:
    """Half the squared error at the last step of one string."""
    after = jax.tree.map(jnp.asarray, cell.start())
    for x in np.eye(cell.inputs)[steps.inputs]:
        after = cell.step(state, after, x)
    y = squashed(cell, cell.output((), after, x))
    return jnp.sum((y - steps.targets[-1]) ** 2) / 2


@pytest.mark.parametrize("credit", [Bptt(16), Rtrl()])
@pytest.mark.parametrize("biased", [False, True])
def test_second_order_gradient_is_exact(credit: Any, biased: bool) -> None:
    cell = second_order.SecondOrder(3, 1, hidden=3, biased=biased)
    net = Learner(cell, Descent(credit, rate=1.0), seed=5, dtype="float64")
    before = np.array(net.weights["state"])
    steps = Steps(
        np.array([1, 0, 0, 1, 1, 0, 2]),
        np.full((7, 1), 1.0),
        np.arange(7) == 0,
        np.arange(7) == 6,
    )
    learn(net, steps)
    with jax.enable_x64(True):
        gradient = np.asarray(jax.jit(jax.grad(lambda w: loss(cell, w, steps)))(before))
    assert np.abs(gradient).max() > 1e-3
    change = np.asarray(net.weights["state"]) - before
    np.testing.assert_allclose(change, -gradient, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("language", AUTOMATA)
def test_second_order_weights_hold_an_automaton(language: int) -> None:
    """A unit for each state; at the marker unit 0, the output, says whether it accepts."""
    leads, accepting = AUTOMATA[language]
    w = np.full((len(leads), len(leads), 3), -20.0)
    for state, targets in enumerate(leads):
        for bit, target in enumerate(targets):
            w[target, state, bit] = 20.0
        w[0, state, 2] = 20.0 if state in accepting else -20.0
    net = Learner(*second_order.make(3, 1, hidden=len(leads) - 1))
    net.weights = {**net.weights, "state": jnp.asarray(w, jnp.float32)}
    steps = Tomita(language, longest=500).sequences(np.random.default_rng(1), 100)
    errors = np.abs(outputs(net, steps) - steps.targets)[steps.has_target]
    assert errors.max() < 1e-6


@pytest.mark.parametrize("language", AUTOMATA)
def test_second_order_learns_tomita(language: int) -> None:
    """Known for: Tomita's languages, from strings that are short, for strings of any length.

    Watrous & Kuhn's abstract (1992): "solutions are obtained that correctly recognize strings of
    arbitrary length"; that of Giles et al. (1992): "usually converge after approximately a hundred
    epochs". Here, of six networks for each language, 41 of 42 needed 500 to 6,250 strings of up to
    10 bits until all test strings of up to 1,000 were right; then 37 of them had 200 more right
    too, and the others 2 to 6 wrong. The last, of language 7, had 10 wrong after 20,000.
    """
    task, long = Tomita(language), Tomita(language, longest=1000)
    draw = np.random.default_rng(1000)
    tests = [of.sequences(np.random.default_rng(7), n) for of, n in ((task, 500), (long, 50))]
    net = Learner(*second_order.make(3, 1, rate=1.0, longest=16), seed=1000)
    for _ in range(40):
        learn(net, task.sequences(draw, 250))
        if not any(wrong(net, test) for test in tests):
            break
    else:
        pytest.fail("not solved by 10,000 strings")
    assert wrong(net, long.sequences(np.random.default_rng(8), 200)) <= 2


# Ring's higher-order units


def test_ring_gradient_is_exact() -> None:
    """Forward, with what was read as its only memory, it is back-propagation through all orders."""
    task = Reber("next")
    cell, rule = ring.make(7, 7, "logistic", capacity=24, rate=1.0)
    net = Learner(cell, rule, dtype="float64")
    draw = np.random.default_rng(1)
    for _ in range(100):
        learn(net, task.sequences(draw, 1), task.target_table)
    assert np.asarray(net._kept["lag"]).max() >= 2
    string = task.sequences(draw, 1)
    last = np.arange(len(string.starts)) == len(string.starts) - 1
    before = {name: np.array(a) for name, a in net.weights["state"].items()}
    learn(net, string._replace(has_target=last), task.target_table)
    target = np.asarray(task.target_table, float)[string.targets]
    with jax.enable_x64(True):
        of_w = jax.grad(lambda w: loss(cell, {**before, "w": w}, string._replace(targets=target)))
        gradient = np.asarray(jax.jit(of_w)(jnp.asarray(before["w"])))
    assert np.count_nonzero(np.abs(gradient[7:]) > 1e-6) >= 2  # Of higher-order units.
    change = np.asarray(net.weights["state"]["w"]) - before["w"]
    np.testing.assert_allclose(change, -gradient, rtol=1e-9, atol=1e-15)


def test_ring_adds_no_unit_where_nothing_conflicts() -> None:
    net = Learner(*ring.make(3, 3, "linear"))
    cycle = Steps(np.tile([0, 1, 2], 40), np.tile([1, 2, 0], 40), np.arange(120) == 0)
    learn(net, cycle)
    assert int(net._kept["added"]) == 0
    assert (outputs(net, cycle).argmax(axis=1) == cycle.targets).all()


def strings_until_right(seed: int) -> int:
    """Reber strings until the possible symbols are the most active in 128 new ones."""
    task, possible = Reber("next"), Reber("possible")
    draw = np.random.default_rng(seed)
    test = possible.sequences(np.random.default_rng(seed + 10**6), 128)
    may_come = possible.target_table[test.targets] > 0
    net = Learner(*ring.make(7, 7, "linear", capacity=40))
    for strings in range(4, 401, 4):
        learn(net, task.sequences(draw, 4), task.target_table)
        y = outputs(net, test)
        highest = np.where(may_come, -np.inf, y).max(axis=1)
        if (highest < np.where(may_come, y, np.inf).min(axis=1)).all():
            return strings
    return 401


def test_ring_learns_reber() -> None:
    """Known for: the Reber grammar, two orders of magnitude faster than recurrent networks.

    That is the abstract's. As we remember his table (unverified): 206 strings on average, at best
    176, with 40 units; Elman's network 20,000 at best, RTRL 19,000, recurrent cascade-correlation
    25,000. Here 79 on average (48 to 132, 20 seeds) with room for 40 units.
    """
    assert max(strings_until_right(seed) for seed in range(1000, 1005)) <= 200


GAPS = {2: (5, 4), 4: (8, 8), 6: (10, 12), 8: (12, 16), 10: (14, 20)}


@pytest.mark.parametrize("gap", [2, 6, 10])
def test_ring_bridges_gaps(gap: int) -> None:
    """Known for: Mozer's gaps, in about as many training sets as the gap is long.

    As we remember his table (unverified): 4, 6, 8, 10, 12 sets and 10, 15, 19, 23, 27 units for
    gaps of 2 to 10, where back-propagation through time needs 468 to more than 10,000. Here, with
    two sequences a set and without what follows the second X or Y, sets and units are in `GAPS`.
    """
    task = LongLag(gap + 1)
    both = task.sequences(np.random.default_rng(2), 2)
    assert both.inputs[0] != both.inputs[gap + 1]
    net = Learner(
        *ring.make(task.inputs, task.outputs, "linear", rate=0.15, average=0.3), dtype="float64"
    )
    sets, units = GAPS[gap]
    for _ in range(sets):
        assert not (outputs(net, both).argmax(axis=1) == both.targets).all()
        learn(net, both)
    assert (outputs(net, both).argmax(axis=1) == both.targets).all()
    assert int(net._kept["added"]) == units


# Tomita's languages


def runs(string: str) -> list[tuple[str, int]]:
    return [(bit, len(list(group))) for bit, group in itertools.groupby(string)]


def no_odd_zeros_after_odd_ones(string: str) -> bool:
    odd = [bit for bit, length in runs(string) if length % 2]
    return "1" not in odd or "0" not in odd[odd.index("1") :]


DEFINITIONS: dict[int, Callable[[str], bool]] = {
    1: lambda s: "0" not in s,
    2: lambda s: re.fullmatch("(10)*", s) is not None,
    3: no_odd_zeros_after_odd_ones,
    4: lambda s: "000" not in s,
    5: lambda s: (
        len(s) % 2 == 0 and sum(a != b for a, b in zip(s[::2], s[1::2], strict=True)) % 2 == 0
    ),
    6: lambda s: (s.count("1") - s.count("0")) % 3 == 0,
    7: lambda s: re.fullmatch("0*1*0*1*", s) is not None,
}


def strings(steps: Steps) -> list[str]:
    pieces = np.split(steps.inputs, np.flatnonzero(steps.starts)[1:])
    assert all(piece[-1] == 2 for piece in pieces)
    return ["".join(map(str, piece[:-1])) for piece in pieces]


@pytest.mark.parametrize("language", DEFINITIONS)
def test_tomita_is_as_defined(language: int) -> None:
    task = Tomita(language)
    for bits in range(11):
        for string in map("".join, itertools.product("01", repeat=bits)):
            assert task.accepts(string) == DEFINITIONS[language](string)


@pytest.mark.parametrize("language", DEFINITIONS)
def test_tomita_draws_as_it_says(language: int) -> None:
    task = Tomita(language, longest=4)
    steps = task.sequences(np.random.default_rng(3), 20_000)
    drawn, right = strings(steps), steps.targets[steps.has_target][:, 0]
    assert abs(right.mean() - 0.5) < 0.02
    every = ["".join(s) for n in range(5) for s in itertools.product("01", repeat=n)]
    for answer in (True, False):
        of_class = [s for s in every if DEFINITIONS[language](s) == answer]
        got = [s for s, one in zip(drawn, right, strict=True) if one == answer]
        lengths = {len(s) for s in of_class}
        for string in of_class:
            alike = sum(len(s) == len(string) for s in of_class)
            expected = len(got) / len(lengths) / alike
            assert abs(got.count(string) - expected) < 5 * expected**0.5
        assert set(got) <= set(of_class)


@pytest.mark.parametrize(
    "options", [{"n": 0}, {"n": 8}, {"n": True}, {"n": 1, "longest": 0}, {"n": 1, "longest": 1001}]
)
def test_tomita_refuses(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Tomita(**options)
