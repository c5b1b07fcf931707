"""What the gradient check does not see: numbers by hand, update rules, rates, resets."""

import math
from typing import Any

import numpy as np
import pytest

from lethe.core import equations
from lethe.core.equations import Oracle
from lethe.core.topology import Topology
from lethe.core.updates import SGD, Adam, RMSprop, Update


def test_one_step_by_hand() -> None:
    topology = Topology(inputs=1, outputs=1, blocks=1)
    weights = {
        ("input_gate", 0): np.array([[0.3, 0.0, -0.5]]),
        ("forget_gate", 0): np.array([[0.1, 0.0, 0.5]]),
        ("output_gate", 0): np.array([[-0.2, 0.0, -0.5]]),
        ("cell", 0): np.array([[[0.7, 0.0]]]),
        ("output", 0): np.array([[1.5, 0.4, 0.1]]),
    }
    oracle = Oracle(topology, SGD(0.5), weights)
    y = oracle.step([2.0])

    def f(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    y_in, y_out = f(0.6 - 0.5), f(-0.4 - 0.5)
    s = y_in * (4 * f(1.4) - 2)
    h = 2 * f(s) - 1
    y_k = f(1.5 * y_out * h + 0.4 * 2.0 + 0.1)
    assert oracle.state["cell_state", 0] == pytest.approx(np.array([[s]]))
    assert y == pytest.approx([y_k])

    oracle.learn([1.0])
    delta = y_k * (1 - y_k) * (1 - y_k)
    delta_out = y_out * (1 - y_out) * h * 1.5 * delta
    state_error = y_out * 2 * f(s) * (1 - f(s)) * 1.5 * delta
    cell = state_error * 4 * f(1.4) * (1 - f(1.4)) * y_in
    input_gate = state_error * (4 * f(1.4) - 2) * y_in * (1 - y_in)
    for key, expected in {
        ("output", 0): [[delta * y_out * h, delta * 2.0, delta]],
        ("output_gate", 0): [[delta_out * 2.0, 0.0, delta_out]],
        ("input_gate", 0): [[input_gate * 2.0, 0.0, input_gate]],
        ("forget_gate", 0): [[0.0, 0.0, 0.0]],  # the state was 0: nothing to forget
        ("cell", 0): [[[cell * 2.0, 0.0]]],
    }.items():
        assert oracle.gradients[key] == pytest.approx(np.array(expected))
        assert oracle.weights[key] == pytest.approx(weights[key] + 0.5 * np.array(expected))
    assert oracle.loss == pytest.approx((1 - y_k) ** 2 / 2)


def small_oracle(update: Update) -> tuple[Oracle, np.random.Generator]:
    topology = Topology(inputs=3, outputs=2, blocks=2, cells_per_block=2, layers=2)
    oracle, rng = Oracle(topology, update), np.random.default_rng(3)
    for w in oracle.weights.values():
        w[...] = rng.normal(0, 0.7, w.shape)
    return oracle, rng


def test_a_step_without_a_target_still_advances_the_partials() -> None:
    oracle, rng = small_oracle(SGD(0.5))
    weights = {key: w.copy() for key, w in oracle.weights.items()}
    oracle.step(rng.normal(size=3))
    before = oracle.partials["input_gate", 1].copy()
    oracle.step(rng.normal(size=3))
    assert np.abs(oracle.partials["input_gate", 1] - before).max() > 1e-3
    for key, w in oracle.weights.items():
        np.testing.assert_array_equal(w, weights[key])
    partials = {key: p.copy() for key, p in oracle.partials.items()}
    oracle.step(rng.normal(size=3), learn=False)
    for key, p in oracle.partials.items():
        np.testing.assert_array_equal(p, partials[key])


def test_momentum_rmsprop_and_adam() -> None:
    g = [np.array([[0.3, -2.0]]), np.array([[-0.1, 0.5]])]

    def changes(rule: Update) -> list[Any]:
        mean, square = np.zeros((1, 2)), np.zeros((1, 2))
        return [
            equations.weight_change(rule, rule.rate, gradient, mean, square, count)
            for count, gradient in enumerate(g, start=1)
        ]

    first, second = changes(SGD(0.1, momentum=0.9))
    np.testing.assert_allclose(first, 0.1 * g[0])
    np.testing.assert_allclose(second, 0.1 * (0.9 * g[0] + g[1]))
    first, second = changes(RMSprop(0.1, smoothing=0.75, epsilon=0.01))
    np.testing.assert_allclose(first, 0.1 * g[0] / np.sqrt(0.25 * g[0] ** 2 + 1e-4))
    square = 0.75 * 0.25 * g[0] ** 2 + 0.25 * g[1] ** 2
    np.testing.assert_allclose(second, 0.1 * g[1] / np.sqrt(square + 1e-4))
    first, second = changes(Adam(0.1, first=0.5, second=0.75, epsilon=0.01))
    np.testing.assert_allclose(first, 0.1 * g[0] / np.sqrt(g[0] ** 2 + 1e-4))
    mean = (0.25 * g[0] + 0.5 * g[1]) / 0.75
    np.testing.assert_allclose(second, 0.1 * mean / np.sqrt(square / 0.4375 + 1e-4))
    first, _ = changes(SGD(0.1, bound_step=0.05))
    np.testing.assert_allclose(first, [[0.03, -0.05]])


def test_bound_error_limits_every_error() -> None:
    free, _ = small_oracle(SGD(0.0))
    bound, rng = small_oracle(SGD(0.0, bound_error=1e-3))
    x = rng.normal(size=3)
    for oracle in (free, bound):
        oracle.step(x)
        oracle.learn(error=[5.0, -4.0])
    z = bound.weights["output", 0].shape[-1] - 1  # the bias: its source is 1
    np.testing.assert_allclose(bound.gradients["output", 0][:, z], [1e-3, -1e-3])
    assert np.abs(free.gradients["output_gate", 0][:, -1]).max() > 1e-3
    assert np.abs(bound.gradients["output_gate", 0][:, -1]).max() <= 1e-3


def test_the_rate_decays_per_step_and_restarts() -> None:
    oracle, rng = small_oracle(SGD(0.5, decay=0.9))
    x = rng.normal(size=3)
    oracle.step(x)
    assert oracle.rate == 0.5
    before = oracle.weights["output", 0].copy()
    oracle.learn([1.0, 0.0])  # with the rate of its own step
    change = oracle.weights["output", 0] - before
    np.testing.assert_allclose(change, 0.5 * oracle.gradients["output", 0])
    assert oracle.rate == pytest.approx(0.45)
    oracle.step(x)  # no target: it counts as well
    oracle.step(x, learn=False)  # frozen: it does not
    oracle.advance()
    assert oracle.rate == pytest.approx(0.405)
    oracle.reset()
    assert oracle.rate == 0.5
    oracle, _ = small_oracle(SGD(0.5, decay=0.9, restart=False))
    oracle.step(x)
    oracle.reset()
    assert oracle.rate == pytest.approx(0.45)


def test_the_rate_decays_per_sequence() -> None:
    oracle, rng = small_oracle(SGD(0.5, decay=0.9, decay_per="sequence"))
    oracle.start_sequence()  # the first: none has ended
    assert oracle.rate == 0.5
    for _ in range(3):
        oracle.step(rng.normal(size=3))
    oracle.start_sequence()
    oracle.start_sequence()
    assert oracle.rate == pytest.approx(0.45)


def test_resets() -> None:
    oracle, rng = small_oracle(Adam(0.01, decay=0.9))
    xs = rng.normal(size=(3, 3))

    def live() -> None:
        for x in xs:
            oracle.step(x)
            oracle.learn([1.0, 0.0])

    live()
    weights = {key: w.copy() for key, w in oracle.weights.items()}
    state = {key: a.copy() for key, a in oracle.state.items()}
    oracle.reset_partials()
    assert not any(p.any() for p in oracle.partials.values())
    assert all((a == state[key]).all() for key, a in oracle.state.items())
    live()
    rate = oracle.rate
    oracle.start_sequence(reset=True)
    assert not any(a.any() for a in (*oracle.partials.values(), *oracle.state.values()))
    assert oracle.rate == rate
    means = {key: m.copy() for key, m in oracle.means.items()}
    oracle.reset()
    assert oracle.errors == 6
    assert all((m == means[key]).all() for key, m in oracle.means.items())
    assert any((w != weights[key]).any() for key, w in oracle.weights.items())


def test_learn_needs_a_step() -> None:
    oracle, _ = small_oracle(SGD(0.5))
    with pytest.raises(RuntimeError, match="step"):
        oracle.learn([1.0, 0.0])
    oracle.step(0)  # a symbol
    oracle.learn(1)
    with pytest.raises(RuntimeError, match="step"):
        oracle.learn(1)
    with pytest.raises(ValueError, match="3 numbers"):
        oracle.step([1.0])
