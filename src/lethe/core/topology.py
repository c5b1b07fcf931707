"""Topology: what a network is made of. Sizes, gates, squashing, connections, initial biases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple, get_args

from lethe.core._checks import as_float, check_bool, check_choice, check_int
from lethe.core._objects import items_of, shown

__all__ = [
    "SQUASHINGS",
    "OutputUnits",
    "PeepholeKind",
    "Squash",
    "Squashing",
    "Topology",
    "UnitKind",
    "WeightKind",
]

UnitKind = Literal["input_gate", "forget_gate", "output_gate", "cell", "output"]
GateKind = Literal["input_gate", "forget_gate", "output_gate"]
PeepholeKind = Literal["input_gate_peepholes", "forget_gate_peepholes", "output_gate_peepholes"]
#: Weights by what reads their sources: a kind of unit, or a kind of gate through its peepholes.
WeightKind = UnitKind | PeepholeKind
Squashing = Literal["centred_logistic_2", "centred_logistic_1", "logistic", "tanh", "identity"]
OutputUnits = Literal["logistic", "linear", "softmax", "logistic_cross_entropy"]
PartialDecay = float | Literal["forget_gate", "eq19", "eqs19_20", "eq21"]

GATES: tuple[GateKind, ...] = get_args(GateKind)
UNIT_KINDS: tuple[UnitKind, ...] = get_args(UnitKind)
_DECAYS: tuple[str, ...] = get_args(get_args(PartialDecay)[1])
PEEPHOLES: dict[GateKind, PeepholeKind] = dict(zip(GATES, get_args(PeepholeKind), strict=True))


class Squash(NamedTuple):
    """A squashing function as four numbers: ``linear·x + scale·σ(slope·x) + shift``.

    σ is the logistic function, eq. 3. One formula serves every squashing function, so the
    kernel does not branch on which one it is. The oracle has each one as the papers print it.
    """

    linear: float
    scale: float
    slope: float
    shift: float


#: The squashing functions by name: eqs. 3, 5, 8 of the report, tanh and the identity.
SQUASHINGS: dict[Squashing, Squash] = {
    "centred_logistic_2": Squash(0.0, 4.0, 1.0, -2.0),  # eq. 5, range [-2, 2]
    "centred_logistic_1": Squash(0.0, 2.0, 1.0, -1.0),  # eq. 8, range [-1, 1]
    "logistic": Squash(0.0, 1.0, 1.0, 0.0),  # eq. 3, range [0, 1]
    "tanh": Squash(0.0, 2.0, 2.0, -1.0),
    "identity": Squash(1.0, 0.0, 1.0, 0.0),
}

Bias = float | Sequence[float] | None

# The report's initial biases, block by block (section 4.2), repeated after the fourth block:
# growing on "and so forth" would shut the gates of a network of a hundred blocks forever.
_REPORT_BIASES = (0.5, 1.0, 1.5, 2.0)
_NEGATIVE_BIASES = tuple(-b for b in _REPORT_BIASES)


@dataclass(frozen=True, kw_only=True)
class Topology:
    """What a network is made of: sizes, gates, squashing, connections, initial biases.

    The defaults are the network of the report's section 4.2 (4 blocks of 2 cells, forget gates,
    shortcuts). A topology is a value: it never changes, and two that are equal make equal networks.

    Parameters
    ----------
    inputs, outputs : int
        Numbers of input and of output units.
    blocks, cells_per_block : int
        Memory blocks in each layer, and cells that share a block's gates. With shortcuts there may
        be no blocks: inputs and output units alone.
    layers : int
        Hidden layers, of at most 2**24 cells together. Each reads the input, its own past cell
        outputs and the present cell outputs of the layer below; output units read all layers.
    input_gate, forget_gate, output_gate : bool
        Gates that the blocks have. A gate that is absent is always open (1).
    state_decay : float
        In (0, 1]: the fixed weight of a cell's connection to itself where there is no forget gate.
        1 is the constant error carousel of 1997, smaller values the report's "state decay".
    gates_are_sources : bool
        Whether past gate activations feed the hidden units, as in 1997.
    peepholes : bool
        Whether the gates of a block read the states of its cells (Gers, Schraudolph & Schmidhuber
        2002): input and forget gates those of the step before, output gates those of this step.
        Blocks without gates have none.
    recurrent : bool
        False: hidden units read inputs only (1997, experiments 2a and 2b).
    shortcuts : bool
        Whether output units read the inputs too.
    biased : tuple of str
        Kinds of unit that have a bias: any of "input_gate", "forget_gate", "output_gate", "cell",
        "output".
    cell_input, cell_output : str
        The squashing functions g (eq. 5) and h (eq. 8): "centred_logistic_2" with range [-2, 2],
        "centred_logistic_1" with range [-1, 1], "logistic", "tanh" or "identity".
    output_units : str
        "logistic" with the squared error (the papers'), "linear" with the squared error, "softmax"
        with the cross-entropy or "logistic_cross_entropy".
    input_gate_bias, forget_gate_bias, output_gate_bias : float, sequence of float or None
        Initial biases: one for all blocks, or one for each block (the same in every layer). None
        draws them like other weights. The default is the report's: -0.5, -1, -1.5, -2 for input and
        output gates, the same positive for forget gates, repeated after the fourth block. One given
        for a gate that is absent or not in `biased` is an error.
    initial_range : float
        All other weights start uniformly in [-initial_range, initial_range].
    initial_activation : float
        What the hidden units read as the past activations of cells and gates at the first step of a
        stream, and after a reset. The states are 0 then.
    printed_eq21 : bool
        Advance the forget gate's partials with h(s_c(t)) as eq. 21 prints it and not with s_c(t-1)
        as eq. 18 derives it; for the ablation in docs/errata.md.
    partial_decay : {"forget_gate", "eq19", "eqs19_20", "eq21"} or float
        What partials are multiplied by at each step. "forget_gate": the forget gate's activation,
        or `state_decay`, as eqs. 19 to 21 derive it. Everything else is no gradient. A number in
        [0, 1] in its place makes partials fade as traces do in random feedback local online
        learning (RFLO, docs/credit.md): at 1 none decays, as in the recursion of 1997, which had no
        forget gates; at 0 derivatives are immediate. "eq19", "eqs19_20" and "eq21": the forget
        gate's activation in these equations alone, those of the weights of cells, of cells and
        input gates, and of forget gates; other partials do not decay. docs/reproduction.md has
        Tables 2 and 3 with each.

    Raises
    ------
    ValueError
        If the parts do not make a network; the message names the parameter.

    Examples
    --------
    >>> Topology(inputs=7, outputs=7, blocks=4, cells_per_block=2).weights
    424
    >>> Topology(inputs=7, outputs=7, blocks=4, cells_per_block=2, shortcuts=False).weights
    375
    >>> Topology(inputs=2, outputs=1, blocks=1).sources("cell")
    ('input 0', 'input 1', 'cell 0.0')
    """

    inputs: int
    outputs: int
    blocks: int = 4
    cells_per_block: int = 1
    layers: int = 1
    input_gate: bool = True
    forget_gate: bool = True
    output_gate: bool = True
    state_decay: float = 1.0
    gates_are_sources: bool = False
    peepholes: bool = False
    recurrent: bool = True
    shortcuts: bool = True
    biased: tuple[UnitKind, ...] = ("input_gate", "forget_gate", "output_gate", "output")
    cell_input: Squashing = "centred_logistic_2"
    cell_output: Squashing = "centred_logistic_1"
    output_units: OutputUnits = "logistic"
    input_gate_bias: Bias = _NEGATIVE_BIASES
    forget_gate_bias: Bias = _REPORT_BIASES
    output_gate_bias: Bias = _NEGATIVE_BIASES
    initial_range: float = 0.2
    initial_activation: float = 0.0
    printed_eq21: bool = False
    partial_decay: PartialDecay = "forget_gate"

    def __post_init__(self) -> None:
        """Check every part, and bring each into its one canonical form."""
        for name in ("inputs", "outputs", "blocks", "cells_per_block", "layers"):
            least = int(name != "blocks")
            object.__setattr__(self, name, check_int(name, getattr(self, name), least, 1 << 20))
        if self.layers * self.cells > 1 << 24:
            raise ValueError(
                "layers * blocks * cells_per_block must be at most 16,777,216, "
                f"got {self.layers} * {self.blocks} * {self.cells_per_block}"
            )
        for field in fields(self):
            if field.type == "bool":
                name = field.name
                object.__setattr__(self, name, check_bool(name, getattr(self, name)))
        # Without gates nothing reads states; the canonical form makes equals equal.
        object.__setattr__(self, "peepholes", self.peepholes and bool(self.gates))
        if self.blocks == 0 and not self.shortcuts:
            raise ValueError("blocks must be at least 1 where there are no shortcuts, got 0")
        for name in ("cell_input", "cell_output", "output_units"):
            kinds = get_args(OutputUnits if name == "output_units" else Squashing)
            object.__setattr__(self, name, check_choice(name, getattr(self, name), kinds))
        self._check_number("state_decay", above=0.0, most=1.0)
        self._check_number("initial_range", above=-1e-300, most=1e6)
        self._check_number("initial_activation", above=-1e-300, most=1.0)
        self._check_partial_decay()
        if self.forget_gate and self.state_decay != 1.0:
            raise ValueError(
                "state_decay must be 1 where the blocks have forget gates, "
                f"got {self.state_decay!r} with forget_gate=True"
            )
        if self.gates_are_sources and not self.recurrent:
            raise ValueError("gates_are_sources must be False where recurrent is False, got True")
        if self.output_units == "softmax" and self.outputs < 2:
            raise ValueError(f"outputs must be at least 2 for softmax units, got {self.outputs}")
        self._check_biases()

    def _check_number(self, name: str, *, above: float, most: float) -> None:
        value: object = getattr(self, name)
        number = as_float(value)
        if not above < number <= most:
            low = "at least 0" if above < 0 else f"above {above:g}"
            raise ValueError(
                f"{name} must be a number {low} and at most {most:g}, got {shown(value)}"
            )
        object.__setattr__(self, name, number)

    def _check_partial_decay(self) -> None:
        given: object = self.partial_decay
        decay = str(given) if isinstance(given, str) else as_float(given)
        if not (0 <= decay <= 1 if isinstance(decay, float) else decay in _DECAYS):
            raise ValueError(
                'partial_decay must be "forget_gate", "eq19", "eqs19_20", "eq21" or a number from '
                f"0 to 1, got {shown(given)}"
            )
        object.__setattr__(self, "partial_decay", decay)

    def _check_biases(self) -> None:
        kinds = items_of(self.biased, ordered=False)
        if kinds is None or not all(isinstance(k, str) and k in UNIT_KINDS for k in kinds):
            raise ValueError(
                f"biased must be a tuple of {', '.join(UNIT_KINDS)}, got {shown(self.biased)}"
            )
        # Kinds of unit that the blocks lack have no bias; the canonical order makes equals equal.
        present = tuple(k for k in UNIT_KINDS if k in kinds and self.has(k))
        object.__setattr__(self, "biased", present)
        for gate in GATES:
            name = f"{gate}_bias"
            value: object = getattr(self, name)
            values = None if value is None else self._one_for_each_block(name, value)
            if gate not in present:
                report = _REPORT_BIASES if gate == "forget_gate" else _NEGATIVE_BIASES
                if values not in (None, self._repeated(report)):
                    raise ValueError(
                        f"{name} must be left out where the blocks have no biased {gate}, "
                        f"got {shown(value)}"
                    )
                values = None
            object.__setattr__(self, name, values)

    def _one_for_each_block(self, name: str, value: object) -> tuple[float, ...]:
        values = items_of(value)
        numbers = tuple(map(as_float, [value] if values is None else values))
        if not all(map(math.isfinite, numbers)):
            raise ValueError(
                f"{name} must be a finite number or one for each block, got {shown(value)}"
            )
        if len(numbers) == 1 and (self.blocks or values is None):
            numbers *= self.blocks
        if numbers in (_REPORT_BIASES, _NEGATIVE_BIASES):
            numbers = self._repeated(numbers)
        if len(numbers) != self.blocks:
            raise ValueError(
                f"{name} must hold one finite number for each of the {self.blocks} blocks, "
                f"got {shown(value)}"
            )
        return numbers

    def _repeated(self, four: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(four[j % 4] for j in range(self.blocks))

    def has(self, kind: UnitKind) -> bool:
        """Whether the network has units of this kind."""
        return kind in ("cell", "output") or bool(getattr(self, kind))

    def configuration(self) -> dict[str, object]:
        """The sizes, and what differs from the defaults, as plain JSON values."""
        plain = Topology(inputs=1, outputs=1)
        sizes = ("inputs", "outputs", "blocks", "cells_per_block")
        configuration: dict[str, object] = {}
        for name in (field.name for field in fields(Topology)):
            value: object = getattr(self, name)
            if name in sizes or value != getattr(plain, name):
                configuration[name] = list(value) if isinstance(value, tuple) else value
        return configuration

    @classmethod
    def of_configuration(cls, configuration: Mapping[str, object]) -> Topology:
        """The topology that has this `configuration`.

        Raises
        ------
        ValueError
            If no topology has it.
        """
        try:
            return cls(**configuration)  # type: ignore[arg-type]  # each part is checked there
        except TypeError as error:
            raise ValueError(f"a topology must have its own parts: {error}") from None

    @property
    def gates(self) -> tuple[GateKind, ...]:
        """The kinds of gate that each block has, in the kernel's order."""
        return tuple(gate for gate in GATES if self.has(gate))

    @property
    def peephole_kinds(self) -> tuple[PeepholeKind, ...]:
        """The kinds of peephole that each block has, in the order of its gates."""
        return tuple(PEEPHOLES[gate] for gate in self.gates) if self.peepholes else ()

    @property
    def cells(self) -> int:
        """Memory cells in each layer."""
        return self.blocks * self.cells_per_block

    def initial_bias(self, gate: GateKind) -> tuple[float, ...] | None:
        """Initial biases of a kind of gate, one for each block, or None where they are drawn."""
        value: tuple[float, ...] | None = getattr(self, f"{gate}_bias")
        return value

    def sources(self, kind: WeightKind, layer: int = 0) -> tuple[str, ...]:
        """Names of the sources of a kind of unit, in the order of the weights' last axis.

        Parameters
        ----------
        kind : str
            "input_gate", "forget_gate", "output_gate", "cell" or "output"; or, with peepholes,
            "input_gate_peepholes", "forget_gate_peepholes" or "output_gate_peepholes".
        layer : int
            The hidden layer; of no meaning for "output".

        Returns
        -------
        tuple of str
            For hidden units: "input i", then "cell j.v" (cell v of block j, the first cell of every
            block before the second of any) and "input_gate j", … of the same layer one step ago,
            then "below j.v", this step's cell outputs of the layer below, then "bias". For output
            units: "layer l cell j.v", then "input i" where there are shortcuts, then "bias". For
            peepholes: "state v", of cell v of the gate's own block.
        """
        self._check_kind(kind, (*self._unit_kinds, *self.peephole_kinds))
        check_int("layer", layer, 0, self.layers - 1)
        if kind in self.peephole_kinds:
            return tuple(f"state {v}" for v in range(self.cells_per_block))
        cells = [f"{j}.{v}" for v in range(self.cells_per_block) for j in range(self.blocks)]
        inputs = [f"input {i}" for i in range(self.inputs)]
        bias = ["bias"] if kind in self.biased else []
        if kind == "output":
            below = [f"layer {k} cell {c}" for k in range(self.layers) for c in cells]
            return tuple(below + (inputs if self.shortcuts else []) + bias)
        names = inputs
        if self.recurrent:
            names += [f"cell {c}" for c in cells]
        if self.gates_are_sources:
            names += [f"{gate} {j}" for gate in self.gates for j in range(self.blocks)]
        if layer:
            names += [f"below {c}" for c in cells]
        return tuple(names + bias)

    def units(self, kind: UnitKind) -> tuple[str, ...]:
        """Names of the units of a kind within a layer: "cell j.v" block by block, "output k", …."""
        self._check_kind(kind, self._unit_kinds)
        if kind == "output":
            return tuple(f"output {k}" for k in range(self.outputs))
        if kind == "cell":
            return tuple(
                f"cell {j}.{v}" for j in range(self.blocks) for v in range(self.cells_per_block)
            )
        return tuple(f"{kind} {j}" for j in range(self.blocks))

    def hidden_sources(self, layer: int) -> int:
        """Number of sources of a layer's hidden units, without the bias."""
        past = self.recurrent * self.cells + self.gates_are_sources * self.blocks * len(self.gates)
        return self.inputs + past + (self.cells if layer else 0)

    @property
    def output_sources(self) -> int:
        """Number of sources of the output units, without the bias."""
        return self.layers * self.cells + (self.inputs if self.shortcuts else 0)

    @property
    def weights(self) -> int:
        """Number of adjustable weights."""
        units = {"cell": self.cells} | {gate: self.blocks for gate in self.gates}
        hidden = sum(
            number * (self.hidden_sources(layer) + (kind in self.biased))
            for layer in range(self.layers)
            for kind, number in units.items()
        )
        hidden += self.layers * self.cells * len(self.peephole_kinds)
        return hidden + self.outputs * (self.output_sources + ("output" in self.biased))

    @property
    def _unit_kinds(self) -> tuple[UnitKind, ...]:
        return tuple(kind for kind in UNIT_KINDS if self.has(kind))

    def _check_kind(self, kind: WeightKind, kinds: tuple[WeightKind, ...]) -> None:
        check_choice("kind", kind, kinds)
