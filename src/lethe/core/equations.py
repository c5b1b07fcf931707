"""The papers, forward and backward, in NumPy: one small function for each equation.

This module is there to be read and to be checked against: it is the oracle of every test. The
equation numbers are those of Gers, Schmidhuber & Cummins, "Learning to Forget: Continual Prediction
with LSTM", report IDSIA-01-99 (1999); without the forget gate they are the LSTM of Hochreiter &
Schmidhuber (1997). What the papers leave open or misprint is in docs/errata.md; hidden layers on
top of each other, which they do not have, are derived in docs/algorithm.md.

=================  ===================  ===============  ======================================
paper              name here            shape            what it is
=================  ===================  ===============  ======================================
j, v, k, m         axes B, S, K, M                       blocks, cells of a block, output units,
                                                         sources
y^m                sources, z           (M,)             what a unit reads, 1 last where biased
w_in, w_φ, w_out   weights[gate, l]     (B, M)           weights of the gates of layer l
w_c                weights["cell", l]   (B, S, M)        weights of the cells of layer l
w_k                weights["output", 0] (K, M)           weights of the output units
y^in, y^φ, y^out   input_gate,          (B,)             activations of the gates
                   forget_gate,
                   output_gate
net_c, g(net_c)    net, g               (B, S)           cell inputs, and squashed
s_c                cell_state, s        (B, S)           states of the cells
h(s_c)             h                    (B, S)           squashed states
y^c                cell_output          (B, S)           outputs of the cells
net_k, y^k         net, output          (K,)             output units
t^k, e_k           target, e            (K,)             targets, and their distance to y^k
δ_k, δ_out         delta                (K,), (B,)       -∂E/∂net of output units, output gates
(of eqs. 15, 17)   cell_error           (B, S)           -∂E/∂y^c, the sum over k of w_kc δ_k
e_s                state_error          (B, S)           -∂E/∂s_c
(of eqs. 19-21)    injection            (B, S)           ∂s_c(t)/∂net of a unit of the same step
∂s_c/∂w, dS        partials[kind, l]    (B, S, M)        how each weight has moved each state
Δw / α             gradient             as w             -∂E/∂w, truncated
α                  rate                                  learning rate
f', g', h'         ..._derivative                        derivatives of the squashing functions
=================  ===================  ===============  ======================================

All numbers are float64. Cells come as (B, S) arrays; as *sources* they are in the order of
`Topology.sources`: the first cell of every block, then the second of every block, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lethe.core.topology import Topology
from lethe.core.updates import SGD, Adam, RMSprop, Update

Array = npt.NDArray[np.float64]
Key = tuple[str, int]

GATES = ("input_gate", "forget_gate", "output_gate")
PEEPHOLES = {gate: f"{gate}_peepholes" for gate in GATES}
#: Whose partials the forget gate's activation multiplies, by `lethe.Topology`'s partial_decay.
DECAYING = {
    "forget_gate": ("cell", "input_gate", "forget_gate"),
    "eq19": ("cell",),
    "eqs19_20": ("cell", "input_gate"),
    "eq21": ("forget_gate",),
}
WITH_PARTIALS = (
    "input_gate",
    "forget_gate",
    "cell",
    "input_gate_peepholes",
    "forget_gate_peepholes",
)


# Forward pass: section 2, and eqs. 10 and 11 of section 3.1


def gates(weights: Array, sources: Array, read: Array | float = 0.0) -> Array:
    """Activations y^out, y^in, y^φ of one kind of gate: eqs. 1, 2 and 10.

    ``read`` is what the gates read through peepholes, where there are any.
    """
    return logistic(weights @ sources + read)


def through_peepholes(weights: Array, states: Array) -> Array:
    """What each block's gate reads of its own cells' states (Gers et al. 2002)."""
    read: Array = np.sum(weights * states, axis=1)
    return read


@np.errstate(over="ignore")
def logistic(x: Array) -> Array:
    """Return the logistic function f with range [0, 1]: eq. 3."""
    return 1.0 / (1.0 + np.exp(-x))


def logistic_derivative(y: Array) -> Array:
    """Return f'(x) of the logistic function from its value y = f(x)."""
    return y * (1.0 - y)


def cell_inputs(weights: Array, sources: Array) -> Array:
    """Net inputs net_c of the cells: eq. 4."""
    return weights @ sources


def centred_logistic_2(x: Array) -> Array:
    """Return the cell input squashing g with range [-2, 2]: eq. 5."""
    return 4.0 * logistic(x) - 2.0


def cell_states(s_before: Array, forget_gate: Array, input_gate: Array, g: Array) -> Array:
    """Cell states s_c(t) from s_c(t-1): eq. 11, and eq. 6 where ``forget_gate`` is 1."""
    return forget_gate[:, None] * s_before + input_gate[:, None] * g


def cell_outputs(output_gate: Array, h: Array) -> Array:
    """Cell outputs y^c from the squashed states h(s_c): eq. 7."""
    return output_gate[:, None] * h


def centred_logistic_1(x: Array) -> Array:
    """Return the cell output squashing h with range [-1, 1]: eq. 8."""
    return 2.0 * logistic(x) - 1.0


Function = Callable[[Array], Array]

#: Each squashing function and its derivative, both functions of the net input.
SQUASHINGS: dict[str, tuple[Function, Function]] = {
    "centred_logistic_2": (centred_logistic_2, lambda x: 4.0 * logistic_derivative(logistic(x))),
    "centred_logistic_1": (centred_logistic_1, lambda x: 2.0 * logistic_derivative(logistic(x))),
    "logistic": (logistic, lambda x: logistic_derivative(logistic(x))),
    "tanh": (np.tanh, lambda x: 1.0 - np.tanh(x) ** 2),
    "identity": (lambda x: x, np.ones_like),
}


def output_units(kind: str, weights: Array, sources: Array) -> tuple[Array, Array]:
    """Net inputs net_k and activations y^k of the output units: eq. 9, of the same time step."""
    net = weights @ sources
    if kind == "linear":
        return net, net
    if kind == "softmax":
        powers = np.exp(net - net.max())
        return net, powers / powers.sum()
    return net, logistic(net)


# Backward pass: section 3.2


def loss(kind: str, net: Array, output: Array, target: Array) -> float:
    """E(t): eq. 12, or the cross-entropy in nats of softmax or logistic output units."""
    if kind == "softmax":
        return float(target @ (np.logaddexp.reduce(net) - net))
    if kind == "logistic_cross_entropy":
        return float(np.sum(np.logaddexp(0.0, net) - target * net))
    return float(0.5 * np.sum((target - output) ** 2))


def gradients(delta: Array, sources: Array) -> Array:
    """Δw/α of output units and output gates: eq. 13."""
    return np.outer(delta, sources)


def output_errors(kind: str, output: Array, target: Array) -> Array:
    """Errors δ_k of the output units: eqs. 12 and 14.

    With linear units, and with the cross-entropy that belongs to softmax or logistic units, f'
    drops out and δ_k = e_k.
    """
    e = target - output
    return logistic_derivative(output) * e if kind == "logistic" else e


def output_gate_errors(output_gate: Array, h: Array, cell_error: Array) -> Array:
    """Errors δ_out of the output gates, summed over each block's cells: eq. 15."""
    over_cells: Array = np.sum(h * cell_error, axis=1)
    return logistic_derivative(output_gate) * over_cells


def state_errors(output_gate: Array, h_derivative: Array, cell_error: Array) -> Array:
    """Errors e_s of the cell states: eq. 17."""
    return output_gate[:, None] * h_derivative * cell_error


def cell_injection(g_derivative: Array, input_gate: Array) -> Array:
    """∂s_c(t)/∂net_c(t), the second term of eq. 18; enters eq. 19."""
    return g_derivative * input_gate[:, None]


def input_gate_injection(g: Array, input_gate: Array) -> Array:
    """∂s_c(t)/∂net_in(t), the third term of eq. 18; enters eq. 20."""
    return g * logistic_derivative(input_gate)[:, None]


def forget_gate_injection(s_before: Array, forget_gate: Array) -> Array:
    """∂s_c(t)/∂net_φ(t), the fourth term of eq. 18; enters eq. 21.

    Equation 21 prints h(s_c(t)) where eq. 18 has s_c(t-1); ``Topology(printed_eq21=True)`` passes
    that instead. docs/errata.md tells which one is right.
    """
    return s_before * logistic_derivative(forget_gate)[:, None]


def partials(before: Array, forget_gate: Array, injection: Array, sources: Array) -> Array:
    """Advance the partials ∂s_c/∂w of cells, input gates and forget gates: eqs. 19, 20 and 21."""
    return forget_gate[:, None, None] * before + injection[:, :, None] * sources


def cell_gradients(state_error: Array, partials: Array) -> Array:
    """Δw/α of the cells: eq. 23."""
    return state_error[:, :, None] * partials


def gate_gradients(state_error: Array, partials: Array) -> Array:
    """Δw/α of input or forget gates, summed over each block's cells: eq. 24."""
    over_cells: Array = np.einsum("jv,jvm->jm", state_error, partials)
    return over_cells


def complexity(
    blocks: int, cells_per_block: int, inputs: int, outputs: int, *, printed: bool = False
) -> int:
    """Count the updates per time step W_c of a network without shortcuts: eq. 25.

    The equation counts B·(S + 2) recurrent sources. In this report gates have no outgoing
    connections, so B·S is what holds; ``printed=True`` gives the number as printed.
    """
    updates = blocks * (cells_per_block + 2 * cells_per_block + 1)
    recurrent = blocks * (cells_per_block + 2 * printed)
    bias = blocks * (2 * cells_per_block + 1)
    to_output = (blocks * cells_per_block + 1) * outputs
    return updates * recurrent + bias + to_output + updates * inputs


# Layers (docs/algorithm.md) and update rules (lethe.core.updates)


def as_sources(cells: Array) -> Array:
    """(B, S) cells as sources: the first cell of every block before the second of any."""
    return cells.T.ravel()


def from_sources(sources: Array, blocks: int, cells_per_block: int) -> Array:
    """(B, S) cells from their order as sources."""
    return sources.reshape(cells_per_block, blocks).T


def within_step_deltas(kind: str, state_error: Array, injection: Array) -> Array:
    """-∂E/∂net within one step of cells (B, S), input or forget gates (B,); for the layer below."""
    deltas: Array = state_error * injection
    return deltas if kind == "cell" else np.add.reduce(deltas, axis=1)


def weight_change(
    rule: Update, rate: float, gradient: Array, mean: Array, square: Array, count: int
) -> Array:
    """Δw of one array of weights; ``mean`` and ``square`` are the rule's moments, kept in place.

    ``count`` is the number of steps with an error so far, this one included.
    """
    match rule:
        case SGD():
            mean[...] = rule.momentum * mean + gradient
            change = rate * mean
        case RMSprop():
            square[...] = rule.smoothing * square + (1.0 - rule.smoothing) * gradient**2
            change = rate * gradient / np.sqrt(square + rule.epsilon**2)
        case Adam():
            mean[...] = rule.first * mean + (1.0 - rule.first) * gradient
            square[...] = rule.second * square + (1.0 - rule.second) * gradient**2
            mean_hat = mean / (1.0 - rule.first**count)
            square_hat = square / (1.0 - rule.second**count)
            change = rate * mean_hat / np.sqrt(square_hat + rule.epsilon**2)
    return np.clip(change, -rule.bound_step, rule.bound_step)


@dataclass
class LayerStep:
    """What one layer's forward pass leaves for its backward pass; names as in the table above."""

    sources: dict[str, Array]
    gate: dict[str, Array]
    injection: dict[str, Array]
    h: Array
    h_derivative: Array


class Oracle:
    """The network of a Topology, step by step, from the equations above.

    Parameters
    ----------
    topology : Topology
        What the network is made of.
    update : Update
        How an error becomes a weight change.
    weights : mapping, optional
        Initial weights by (kind, layer); arrays that are left out start at 0. They are copied.

    Attributes
    ----------
    weights, partials, gradients : dict
        Arrays by (kind, layer), output units at ("output", 0); the last axis is in the order of
        ``topology.sources(kind, layer)``. ``gradients`` is that of the last `learn`.
    state : dict
        "cell_state" and "cell_output" (B, S), the three gates (B,), by (name, layer); and
        ("output", 0) (K,). A gate that is absent holds its constant from the first step on.
    rate : float
        The learning rate, as the next `learn` will use it.
    loss : float
        E(t) of the last `learn`, in nats or as half the squared error; NaN for an error from
        outside.
    """

    def __init__(
        self, topology: Topology, update: Update, weights: Mapping[Key, Array] | None = None
    ) -> None:
        self.topology, self.update = topology, update
        t, self.kinds = topology, (*topology.gates, "cell")
        block, cell = (t.blocks,), (t.blocks, t.cells_per_block)
        self.weights: dict[Key, Array] = {}
        self.partials: dict[Key, Array] = {}
        self.state: dict[Key, Array] = {("output", 0): np.zeros(t.outputs)}
        for layer in range(t.layers):
            for kind in self.kinds:
                sources = t.hidden_sources(layer) + (kind in t.biased)
                shape = cell if kind == "cell" else block
                self.weights[kind, layer] = np.zeros((*shape, sources))
                if kind in WITH_PARTIALS:
                    self.partials[kind, layer] = np.zeros((*cell, sources))
            for kind in t.peephole_kinds:
                self.weights[kind, layer] = np.zeros(cell)
                if kind in WITH_PARTIALS:
                    self.partials[kind, layer] = np.zeros((*cell, t.cells_per_block))
            for name in GATES:
                self.state[name, layer] = np.full(block, t.initial_activation)
            self.state["cell_state", layer] = np.zeros(cell)
            self.state["cell_output", layer] = np.full(cell, t.initial_activation)
        sources = t.output_sources + ("output" in t.biased)
        self.weights["output", 0] = np.zeros((t.outputs, sources))
        for key, array in (weights or {}).items():
            self.weights[key][...] = array
        self.gradients = {key: np.zeros_like(w) for key, w in self.weights.items()}
        self.means = {key: np.zeros_like(w) for key, w in self.weights.items()}
        self.squares = {key: np.zeros_like(w) for key, w in self.weights.items()}
        self.errors = 0  # steps with an error, which Adam counts
        self.rate, self.loss = update.rate, float("nan")
        self._sequence_steps = 0  # learning steps since the sequence started
        self._open = False  # whether the last step may still learn
        self._layers: list[LayerStep] = []

    def step(self, x: npt.ArrayLike, learn: bool = True) -> Array:
        """One time step on ``x`` (inputs,) or a symbol; the partials advance if ``learn``."""
        self.advance()
        t = self.topology
        x = _vector(x, t.inputs)
        self._layers = [self._layer_forward(layer, x) for layer in range(t.layers)]
        outputs = [as_sources(self.state["cell_output", layer]) for layer in range(t.layers)]
        self._output_sources = self._with_bias("output", [*outputs, *([x] if t.shortcuts else [])])
        self._net, self.state["output", 0] = output_units(
            t.output_units, self.weights["output", 0], self._output_sources
        )
        if learn:
            for layer, now in enumerate(self._layers):
                for kind, injection in now.injection.items():
                    before = self.partials[kind, layer]
                    decay, z = now.gate["forget_gate"], now.sources[kind]
                    if not isinstance(t.partial_decay, str):
                        decay = np.full(t.blocks, t.partial_decay)
                    elif not kind.startswith(DECAYING[t.partial_decay]):
                        decay = np.ones(t.blocks)
                    self.partials[kind, layer] = partials(before, decay, injection, z)
            self._open = True
            self._sequence_steps += 1
        return self.state["output", 0].copy()

    def _with_bias(self, kind: str, parts: list[Array]) -> Array:
        return np.concatenate([*parts, np.ones(int(kind in self.topology.biased))])

    def _layer_forward(self, layer: int, x: Array) -> LayerStep:
        """Eqs. 1-11 for one layer; its state becomes that of this step."""
        t, state = self.topology, self.state
        parts = [x]
        if t.recurrent:
            parts.append(as_sources(state["cell_output", layer]))
        if t.gates_are_sources:
            parts += [state[gate, layer] for gate in t.gates]
        if layer:
            parts.append(as_sources(state["cell_output", layer - 1]))
        z = {kind: self._with_bias(kind, parts) for kind in self.kinds}
        gate = {name: np.ones(t.blocks) for name in GATES}  # a gate that is absent is open
        gate["forget_gate"] *= t.state_decay
        s_before = state["cell_state", layer]
        for kind in t.gates:
            if kind != "output_gate":
                gate[kind] = self._gates(kind, layer, z[kind], s_before)
        net = cell_inputs(self.weights["cell", layer], z["cell"])
        (g, g_derivative), (h, h_derivative) = SQUASHINGS[t.cell_input], SQUASHINGS[t.cell_output]
        s = cell_states(s_before, gate["forget_gate"], gate["input_gate"], g(net))
        if t.output_gate:
            gate["output_gate"] = self._gates("output_gate", layer, z["output_gate"], s)
        y = cell_outputs(gate["output_gate"], h(s))
        state |= {(name, layer): a for name, a in gate.items()}
        state |= {("cell_state", layer): s, ("cell_output", layer): y}
        injection = {"cell": cell_injection(g_derivative(net), gate["input_gate"])}
        if t.input_gate:
            injection["input_gate"] = input_gate_injection(g(net), gate["input_gate"])
        if t.forget_gate:
            of = h(s) if t.printed_eq21 else s_before
            injection["forget_gate"] = forget_gate_injection(of, gate["forget_gate"])
        if t.peepholes:  # one more source for each cell of the block
            for kind in t.gates:
                z[PEEPHOLES[kind]] = s if kind == "output_gate" else s_before[:, None, :]
                if kind in injection:
                    injection[PEEPHOLES[kind]] = injection[kind]
        return LayerStep(z, gate, injection, h(s), h_derivative(s))

    def _gates(self, kind: str, layer: int, sources: Array, states: Array) -> Array:
        """One kind of gate of a layer; ``states`` are what its peepholes read."""
        weights = self.weights[kind, layer]
        if not self.topology.peepholes:
            return gates(weights, sources)
        peepholes = self.weights[PEEPHOLES[kind], layer]
        return gates(weights, sources, through_peepholes(peepholes, states))

    def learn(
        self, target: npt.ArrayLike | None = None, *, error: npt.ArrayLike | None = None
    ) -> None:
        """Change the weights by the error of the last step: its target, or δ_k from outside."""
        if not self._open:
            raise RuntimeError("learn needs a step before it")
        t, bound = self.topology, self.update.bound_error
        if error is None:
            output, target = self.state["output", 0], _vector(target, t.outputs)
            delta = output_errors(t.output_units, output, target)
            self.loss = loss(t.output_units, self._net, output, target)
        else:
            delta, self.loss = _vector(error, t.outputs), float("nan")
        delta = np.clip(delta, -bound, bound)
        self.gradients["output", 0] = gradients(delta, self._output_sources)
        to_below = np.zeros(t.cells)  # -∂E/∂y^c by way of the layer above
        for layer in reversed(range(t.layers)):
            columns = slice(layer * t.cells, (layer + 1) * t.cells)
            to_cells = self.weights["output", 0][:, columns].T @ delta + to_below
            cell_error = from_sources(to_cells, t.blocks, t.cells_per_block)
            to_below = self._layer_backward(layer, cell_error)
        self.errors += 1
        for key, gradient in self.gradients.items():
            moments = self.means[key], self.squares[key]
            change = weight_change(self.update, self.rate, gradient, *moments, self.errors)
            self.weights[key] += change
        self.advance()

    def _layer_backward(self, layer: int, cell_error: Array) -> Array:
        """Eqs. 13-24 for one layer; returns the error of the cell outputs of the layer below."""
        t, now, bound = self.topology, self._layers[layer], self.update.bound_error
        y_out = now.gate["output_gate"]
        state_error = state_errors(y_out, now.h_derivative, cell_error)
        state_error = np.clip(state_error, -bound, bound)
        delta: dict[str, Array] = {}
        for kind, injection in now.injection.items():
            rule = cell_gradients if kind == "cell" else gate_gradients
            self.gradients[kind, layer] = rule(state_error, self.partials[kind, layer])
            delta[kind] = within_step_deltas(kind, state_error, injection)
        if t.output_gate:
            d = np.clip(output_gate_errors(y_out, now.h, cell_error), -bound, bound)
            self.gradients["output_gate", layer] = gradients(d, now.sources["output_gate"])
            delta["output_gate"] = d
            if t.peepholes:
                peepholes = PEEPHOLES["output_gate"]
                self.gradients[peepholes, layer] = d[:, None] * now.sources[peepholes]
        to_below = np.zeros(t.cells)
        if layer:
            last = t.hidden_sources(layer)
            for kind in self.kinds:  # nothing goes back through peepholes
                d = delta[kind]
                of_below = self.weights[kind, layer][..., last - t.cells : last]
                to_below += np.tensordot(d, of_below, axes=d.ndim)
        return to_below

    def advance(self) -> None:
        """Close the last step: it can no longer learn, and the rate has decayed by it."""
        if self._open and self.update.decay_per == "step":
            self.rate *= self.update.decay
        self._open = False

    def start_sequence(self, reset: bool = False) -> None:
        """Start a new sequence within the stream; ``reset`` zeroes states and partials."""
        self.advance()
        if self._sequence_steps and self.update.decay_per == "sequence":
            self.rate *= self.update.decay
        self._sequence_steps = 0
        if reset:
            self._zero()

    def reset(self) -> None:
        """Start a new stream: zero states and partials, and the first rate if the rule restarts."""
        self.advance()
        self._sequence_steps = 0
        self._zero()
        if self.update.restart:
            self.rate = self.update.rate

    def reset_partials(self) -> None:
        """Set the partials to zero (eq. 22) and leave the states."""
        self.advance()
        for array in self.partials.values():
            array[...] = 0.0

    def _zero(self) -> None:
        self.reset_partials()
        for (name, layer), array in self.state.items():
            past = name in (*GATES, "cell_output")
            start = self.topology.initial_activation if past else 0.0
            self.state[name, layer] = np.full_like(array, start)


def _vector(value: npt.ArrayLike | None, size: int) -> Array:
    """Return a float64 copy of a vector, or the one-hot vector of a symbol."""
    array = np.asarray(value)
    if array.ndim == 0 and np.issubdtype(array.dtype, np.integer):
        one_hot: Array = np.eye(size)[int(array)]
        return one_hot
    if array.shape != (size,):
        raise ValueError(f"expected {size} numbers or a symbol, got an array {array.shape}")
    return np.array(array, dtype=np.float64)
