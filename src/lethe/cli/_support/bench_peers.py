"""The peers of ``lethe bench``: the same network in PyTorch, and the same algorithm in JAX.

Each maker returns a contestant: a function that does so many learning steps. They raise
`ModuleNotFoundError` where the peer is not installed. `lethe.trials.workers.one_thread` goes before
any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lethe.core.network import Network

if TYPE_CHECKING:
    import jax

__all__ = [
    "Contestant",
    "Stream",
    "jax_scan",
    "jax_state",
    "jax_steps",
    "torch_steps",
    "torch_windows",
]

Contestant = Callable[[int], object]
Array = NDArray[np.float32]

#: Hidden weights, output weights, cell states, cell outputs and partials.
Carry: TypeAlias = "tuple[jax.Array, jax.Array, jax.Array, jax.Array, jax.Array]"
Event: TypeAlias = "tuple[jax.Array, jax.Array]"


class Stream(NamedTuple):
    """The stream to learn: inputs (T, inputs) and targets (T, outputs), float32."""

    inputs: Array
    targets: Array


def torch_steps(stream: Stream, cells: int, rate: float) -> Contestant:
    """PyTorch a step at a time: ``LSTMCell``, a logistic layer, ``backward``, SGD.

    The gradient is cut after each step, which is less work than partials with no limit.
    """
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    inputs, targets = (torch.from_numpy(part) for part in stream)
    cell = torch.nn.LSTMCell(inputs.shape[1], cells)
    head = torch.nn.Linear(cells, targets.shape[1])
    rule = torch.optim.SGD([*cell.parameters(), *head.parameters()], lr=rate)
    state = (torch.zeros(1, cells), torch.zeros(1, cells))

    def learn(steps: int) -> object:
        nonlocal state
        for t in range(steps):
            at = t % len(inputs)
            state = cell(inputs[at : at + 1], state)
            error = torch.sigmoid(head(state[0])) - targets[at : at + 1]
            rule.zero_grad()
            (0.5 * (error * error).sum()).backward()
            rule.step()
            state = (state[0].detach(), state[1].detach())
        return state

    return learn


def torch_windows(stream: Stream, cells: int, rate: float, window: int = 100) -> Contestant:
    """PyTorch's ``nn.LSTM`` on windows of steps: one weight change for each window."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    inputs, targets = (torch.from_numpy(part) for part in stream)
    layer = torch.nn.LSTM(inputs.shape[1], cells)
    head = torch.nn.Linear(cells, targets.shape[1])
    rule = torch.optim.SGD([*layer.parameters(), *head.parameters()], lr=rate / window)
    state = (torch.zeros(1, cells), torch.zeros(1, cells))
    windows = len(inputs) // window

    def learn(steps: int) -> object:
        nonlocal state
        for n in range(steps // window):
            at = n % windows * window
            hidden, state = layer(inputs[at : at + window], state)
            error = torch.sigmoid(head(hidden)) - targets[at : at + window]
            rule.zero_grad()
            (0.5 * (error * error).sum()).backward()
            rule.step()
            state = (state[0].detach(), state[1].detach())
        return state

    return learn


def jax_state(net: Network) -> Carry:
    """A network's weights, state and partials as the arrays that JAX's step takes.

    Parameters
    ----------
    net : Network
        With the report's topology: one layer, all gates, shortcuts, cells without biases.

    Returns
    -------
    tuple
        Rows of the hidden weights are cells (block by block), then input, forget and output gates;
        columns inputs, cell outputs, bias. A cell's bias weight is 0 and has no partial.
    """
    import jax.numpy as jnp

    blocks, per_block = net.topology.blocks, net.topology.cells_per_block
    cells, sources = net.topology.cells, net.topology.hidden_sources(0) + 1
    by_block = cell_order(net)
    cell = np.zeros((cells, sources), np.float32)
    cell[:, :-1] = net.weights("cell").reshape(cells, sources - 1)[:, by_block[:-1]]
    gates = [
        net.weights(kind)[:, by_block] for kind in ("input_gate", "forget_gate", "output_gate")
    ]
    start = len(net.topology.sources("output")) - cells
    output = np.arange(cells + start)
    output[:cells] = by_block[net.topology.inputs : -1] - net.topology.inputs
    zeros = np.zeros((3, blocks, per_block, sources), np.float32)
    state = np.zeros((blocks, per_block), np.float32)
    arrays = (np.concatenate([cell, *gates]), net.weights("output")[:, output], state, state, zeros)
    hidden, out, s, y_c, partials = (jnp.asarray(array, jnp.float32) for array in arrays)
    return hidden, out, s, y_c, partials


def cell_order(net: Network) -> NDArray[np.intp]:
    """Where the sources of a hidden unit go when cells lie block by block."""
    inputs, blocks, per_block = (
        net.topology.inputs,
        net.topology.blocks,
        net.topology.cells_per_block,
    )
    cells = inputs + np.arange(blocks * per_block).reshape(per_block, blocks).T.ravel()
    return np.concatenate((np.arange(inputs), cells, [inputs + blocks * per_block]))


def _jax_step(
    blocks: int, per_block: int, rate: float
) -> Callable[[Carry, Event], tuple[Carry, jax.Array]]:
    """Build one learning step of the report: eqs. 1-9 forward, eqs. 12-24 backward, in JAX."""
    import jax
    import jax.numpy as jnp

    cells = blocks * per_block

    def step(carry: Carry, event: Event) -> tuple[Carry, jax.Array]:
        hidden, output, s, y_c, partials = carry
        x, target = event
        z = jnp.concatenate([x, y_c.ravel(), jnp.ones(1, x.dtype)])
        net = hidden @ z
        g = jax.nn.sigmoid(net[:cells].reshape(blocks, per_block))
        y_in, y_f, y_out = jax.nn.sigmoid(net[cells:].reshape(3, blocks, 1))
        g_slope = 4 * g * (1 - g)
        g = 4 * g - 2
        past, s = s, y_f * s + y_in * g
        h = jax.nn.sigmoid(s)
        h_slope = 2 * h * (1 - h)
        h = 2 * h - 1
        y_c = y_out * h
        z_out = jnp.concatenate([y_c.ravel(), x, jnp.ones(1, x.dtype)])
        y = jax.nn.sigmoid(output @ z_out)

        delta = y * (1 - y) * (target - y)
        err = (output[:, :cells].T @ delta).reshape(blocks, per_block)
        e_s = y_out * h_slope * err
        delta_out = y_out * (1 - y_out) * (h * err).sum(1, keepdims=True)
        injections = jnp.stack([y_in * g_slope, y_in * (1 - y_in) * g, y_f * (1 - y_f) * past])
        partials = y_f[None, :, :, None] * partials + injections[..., None] * z
        change = e_s[None, :, :, None] * partials
        cell_change = change[0].at[..., -1].set(0).reshape(cells, -1)
        gate_change = change[1:].sum(2).reshape(2 * blocks, -1)
        change = jnp.concatenate([cell_change, gate_change, delta_out * z])
        carry = (
            hidden + rate * change,
            output + rate * delta[:, None] * z_out,
            s,
            y_c,
            partials,
        )
        return carry, y

    return step


def jax_scan(stream: Stream, net: Network) -> Contestant:
    """JAX's ``lax.scan`` over the algorithm that Lethe runs, from a network's weights."""
    import jax

    carry = jax_state(net)
    step = _jax_step(net.topology.blocks, net.topology.cells_per_block, net.rate)
    scan = jax.jit(lambda carry, events: jax.lax.scan(step, carry, events), donate_argnums=0)
    events = tuple(jax.numpy.asarray(part) for part in stream)

    def learn(steps: int) -> object:
        nonlocal carry
        outputs: jax.Array | None = None
        for _ in range(steps // len(stream.inputs)):
            carry, outputs = scan(carry, events)
        return jax.block_until_ready(outputs)

    return learn


def jax_steps(stream: Stream, net: Network) -> Contestant:
    """The same step in JAX, called a step at a time, as one must when events arrive one by one."""
    import jax

    carry = jax_state(net)
    step = jax.jit(_jax_step(net.topology.blocks, net.topology.cells_per_block, net.rate))

    def learn(steps: int) -> object:
        nonlocal carry
        y: Array | None = None
        for t in range(steps):
            at = t % len(stream.inputs)
            carry, output = step(carry, (stream.inputs[at], stream.targets[at]))
            y = np.asarray(output)
        return y

    return learn
