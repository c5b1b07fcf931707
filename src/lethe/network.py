"""Network: weights, states and partials in one block; step, learn, run, peek, reset."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from lethe import _kernel
from lethe.topology import SQUASHINGS, GateKind, Topology, UnitKind
from lethe.updates import SGD, Update

__all__ = ["FirstError", "Network", "NotFiniteError", "Run", "instruction_set"]

Floating = NDArray[np.floating[Any]]
Recordable = Literal[
    "output", "loss", "input_gate", "forget_gate", "output_gate", "cell_state", "cell_output"
]
_CORES = {"float32": _kernel.Core32, "float64": _kernel.Core64}
_GATE_ROWS: dict[str, int] = {"input_gate": 0, "forget_gate": 1, "output_gate": 2}


class NotFiniteError(FloatingPointError):
    """The network's own numbers were no longer finite; it is back at its last good snapshot.

    Attributes
    ----------
    steps_lost : int
        Time steps between the snapshot and the step that failed.
    """

    def __init__(self, steps_lost: int) -> None:
        super().__init__(
            "the network's numbers are no longer finite; it went back to its last good snapshot, "
            f"{steps_lost:,} steps ago. A smaller rate or a bound on the step may keep it finite"
        )
        self.steps_lost = steps_lost

    def __reduce__(self) -> tuple[type[NotFiniteError], tuple[int]]:
        return NotFiniteError, (self.steps_lost,)


_kernel.set_not_finite_error(NotFiniteError)


@dataclass(frozen=True)
class FirstError:
    """End a run at the first step with a target where some output is wrong by `bound` or more.

    Parameters
    ----------
    bound : float
        A prediction is right when \\|t_k - y_k\\| < bound at every output (section 4.1).
    learn : bool
        Whether the step with the wrong prediction still learns.
    """

    bound: float = 0.49
    learn: bool = True

    def __post_init__(self) -> None:
        """Check the bound."""
        if not isinstance(self.bound, int | float) or not 0 < self.bound < math.inf:
            raise ValueError(f"bound must be a number above 0, got {self.bound!r}")


@dataclass(frozen=True)
class Run(Mapping[str, NDArray[Any]]):
    """What `Network.run` did, and, as a mapping, what it recorded.

    Attributes
    ----------
    steps : int
        Time steps done.
    stopped : bool
        Whether `stop` ended the run.
    records : dict of str to ndarray
        What was recorded; the first axis has length `steps`.
    """

    steps: int
    stopped: bool
    records: dict[str, NDArray[Any]]

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.records[name]

    def __iter__(self) -> Any:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)


def instruction_set() -> str:
    """Name the instruction set that the compiled step uses: "baseline", "avx2" or "avx512".

    The widest that the processor has, unless LETHE_INSTRUCTION_SET named another before the import.
    """
    return _kernel.instruction_set()


class Network:
    """A recurrent network that learns at every step of a stream.

    Its whole life (weights, states, partials, moments, counters) is one block of memory, so copies
    and pickles have the same bits and go on with the same bits.

    Parameters
    ----------
    topology : Topology
        What the network is made of.
    update : SGD, RMSprop or Adam, optional
        How an error becomes a weight change; by default ``SGD(0.5)``, the report's.
    seed : int or numpy.random.Generator
        Draws the initial weights.
    dtype : {"float32", "float64"}
        Of weights and states.

    Raises
    ------
    ValueError
        If an argument is not one of these.

    Examples
    --------
    >>> import lethe
    >>> topology = lethe.Topology(inputs=2, outputs=2, blocks=4, output_units="softmax")
    >>> net = lethe.Network(topology, update=lethe.SGD(0.1), seed=1)
    >>> net
    <Network: 2 inputs, 4 blocks of 1 cell, 2 outputs, 134 weights, SGD(rate=0.1), float32, step 0>
    >>> for t in range(1000):
    ...     y = net.step(t % 2)
    ...     net.learn((t + 1) % 2)
    >>> bool(net.peek(0)[1] > 0.9)
    True
    """

    def __init__(
        self,
        topology: Topology,
        *,
        update: Update | None = None,
        seed: int | np.random.Generator = 0,
        dtype: DTypeLike = "float32",
    ) -> None:
        update = SGD(0.5) if update is None else update
        if not isinstance(topology, Topology):
            raise ValueError(f"topology must be a lethe.Topology, got {topology!r}")
        if not isinstance(update, Update):
            raise ValueError(f"update must be a lethe.SGD, RMSprop or Adam, got {update!r}")
        self._build(topology, update, _dtype_name(dtype))
        _draw_weights(self, _generator(seed))
        self._core.snapshot()

    def _build(self, topology: Topology, update: Update, dtype: str) -> None:
        self.topology = topology
        self.update = update
        self.dtype = np.dtype(dtype)
        self._core = _CORES[dtype](
            topology, update, SQUASHINGS[topology.cell_input], SQUASHINGS[topology.cell_output]
        )
        self._outputs = self._core.array("output", 0)

    # ---- one time step ----

    def step(self, x: ArrayLike | int, *, learn: bool = True) -> Floating:
        """Advance one time step: states, outputs, and (with `learn`) partials.

        Parameters
        ----------
        x : array_like, shape (inputs,), or int
            The input; an int is a symbol, its one-hot vector.
        learn : bool
            False: a frozen step, which costs no pass; learning again needs `reset` or
            `clear_partials` afterwards.

        Returns
        -------
        ndarray, shape (outputs,)
            The activations of the output units.

        Raises
        ------
        ValueError
            If `x` is not finite, or of another shape; nothing has changed then.
        RuntimeError
            If `learn` follows frozen steps, or another thread is at work in this network.
        NotFiniteError
            If the network's own numbers stop being finite.
        """
        try:
            self._core.step(x, learn)
        except TypeError:
            self._core.step(self._vector("x", x, self.topology.inputs, "inputs"), learn)
        return self._outputs.copy()

    def learn(self, target: ArrayLike | int | None = None, *, error: ArrayLike | None = None) -> None:
        """Change the weights by the error of the last step, now.

        Parameters
        ----------
        target : array_like, shape (outputs,), or int
            What the outputs should have been; an int is a class, its one-hot vector.
        error : array_like, shape (outputs,)
            Instead of a target: -∂E/∂net of the output units, for any loss from outside.

        Raises
        ------
        ValueError
            If the target or error is not finite, or of another shape; nothing has changed then.
        RuntimeError
            If there was no `step` before, or it has been learned from already.
        NotFiniteError
            If the network's own numbers stop being finite.
        """
        if (target is None) == (error is None):
            raise ValueError("learn takes either a target or an error")
        given, name = (target, "target") if error is None else (error, "error")
        try:
            if error is None:
                self._core.learn(given)
            else:
                self._core.learn(given, True)
        except TypeError:
            row = self._vector(name, given, self.topology.outputs, "outputs")
            self._core.learn(row, error is not None)

    def peek(self, x: ArrayLike | int) -> Floating:
        """What `step` would answer; not a bit of the network changes.

        Parameters
        ----------
        x : array_like, shape (inputs,), or int
            As in `step`.

        Returns
        -------
        ndarray, shape (outputs,)
            The activations of the output units.
        """
        y = np.empty(self.topology.outputs, self.dtype)
        if _is_index(x):
            self._core.peek(None, int(x), y)  # type: ignore[arg-type]
        else:
            self._core.peek(self._vector("x", x, self.topology.inputs, "inputs"), -1, y)
        return y

    # ---- streams and sequences ----

    def reset(self) -> None:
        """Start a new stream: states and partials are zero, the rate starts again."""
        self._core.reset()

    def clear_partials(self) -> None:
        """Forget which weights the states came from; the states stay."""
        self._core.clear_partials()

    def start_sequence(self, *, reset: bool = False) -> None:
        """Say that the next step starts a new sequence within the stream.

        Parameters
        ----------
        reset : bool
            Whether states and partials go to zero, as an external teacher would have it. The rate
            goes on from where it is.
        """
        self._core.start_sequence(bool(reset))

    def run(
        self,
        inputs: ArrayLike,
        targets: ArrayLike | None = None,
        *,
        target_table: ArrayLike | None = None,
        has_target: ArrayLike | None = None,
        starts: ArrayLike | None = None,
        reset_at_starts: bool = False,
        learn: bool = True,
        stop: FirstError | None = None,
        record: Iterable[Recordable] = ("output",),
    ) -> Run:
        """Take many steps in compiled code: `step`, and `learn` where there is a target.

        However a stream is cut into runs, or into `step` and `learn`, the bits are the same.

        Parameters
        ----------
        inputs : array_like, shape (T, inputs), or integers (T,)
            Input vectors, or symbols.
        targets : array_like, shape (T, outputs), or integers (T,), optional
            Target vectors, or rows of `target_table`.
        target_table : array_like, shape (n, outputs), optional
            By default the identity: integer targets are classes.
        has_target : array_like of bool, shape (T,), optional
            Where there is a target; by default everywhere. What `targets` holds elsewhere is not
            read.
        starts : array_like of bool, shape (T,), optional
            Where a new sequence starts: `start_sequence` comes before these steps.
        reset_at_starts : bool
            Whether states and partials go to zero there.
        learn : bool
            False: frozen steps.
        stop : FirstError, optional
            When to end early.
        record : iterable of str
            Any of "output" (T, outputs), "loss" (T,) (E of eq. 12, or the cross-entropy in nats;
            NaN where there is no target), "input_gate", "forget_gate", "output_gate"
            (T, layers, blocks), "cell_state", "cell_output" (T, layers, blocks, cells_per_block).

        Returns
        -------
        Run
            Steps done, whether `stop` ended it, and the records.

        Raises
        ------
        ValueError
            If an argument is not one of these; nothing has changed then.
        NotFiniteError
            If the network's own numbers stop being finite.
        KeyboardInterrupt
            Within 0.1 s of Ctrl-C, between two steps.
        """
        t = self.topology
        dense, symbols = self._series("inputs", inputs, t.inputs, None, None)
        steps = len(dense if symbols is None else symbols)
        mask = _flags("has_target", has_target, steps)
        table = wanted = classes = None
        if targets is not None:
            if target_table is not None:
                table, _ = self._series("target_table", target_table, t.outputs, None, None)
                if table is None:
                    raise ValueError(
                        f"target_table must have shape (n, {t.outputs}), got a row of integers"
                    )
            limit = t.outputs if table is None else len(table)
            wanted, classes = self._series("targets", targets, t.outputs, mask, limit)
            got = len(wanted if classes is None else classes)
            if got != steps:
                raise ValueError(f"targets must have {steps} rows as inputs have, got {got}")
        elif mask is not None or target_table is not None or stop is not None:
            raise ValueError("has_target, target_table and stop need targets, got None")
        if stop is not None and not isinstance(stop, FirstError):
            raise ValueError(f"stop must be a lethe.FirstError, got {stop!r}")
        records = self._records(record, steps)
        stopped, done = self._core.run(
            dense, symbols, wanted, classes, table, mask, _flags("starts", starts, steps),
            bool(reset_at_starts), bool(learn), math.inf if stop is None else float(stop.bound),
            stop is None or stop.learn, records,
        )  # fmt: skip
        return Run(
            done,
            stopped,
            # The kernel writes cell 0 of every block, then cell 1, …; readers want block by block.
            {k: v[:done].swapaxes(-1, -2) if v.ndim == 4 else v[:done] for k, v in records.items()},
        )

    def _records(self, names: Iterable[str], steps: int) -> dict[str, NDArray[Any]]:
        t = self.topology
        names = (names,) if isinstance(names, str) else tuple(names)
        records: dict[str, NDArray[Any]] = {}
        for name in names:
            if name not in get_args(Recordable):
                raise ValueError(
                    f"record must be of {', '.join(get_args(Recordable))}, got {name!r}"
                )
            if name == "loss":
                records[name] = np.empty(steps)
                continue
            shape: tuple[int, ...] = (steps, t.layers, t.blocks)
            if name == "output":
                shape = (steps, t.outputs)
            elif name.startswith("cell"):
                shape = (steps, t.layers, t.cells_per_block, t.blocks)
            records[name] = np.empty(shape, self.dtype)
        return records

    # ---- what it holds ----

    def weights(self, kind: UnitKind, layer: int = 0) -> Floating:
        """The weights of a kind of unit, as a view that can be written.

        Parameters
        ----------
        kind : str
            "input_gate", "forget_gate", "output_gate", "cell" or "output".
        layer : int
            The hidden layer; of no meaning for "output".

        Returns
        -------
        ndarray
            Gates: (blocks, sources); cells: (blocks, cells_per_block, sources); outputs:
            (outputs, sources). `Topology.sources` names the last axis.
        """
        sources = len(self.topology.sources(kind, layer))
        self._core.finish()
        self._core.snapshot_due()
        return self._view("weights", kind, sources, layer)

    def moments(self, kind: UnitKind, layer: int = 0, *, order: Literal[1, 2] = 2) -> Floating:
        """The update rule's first or second moments, shaped like the weights, as a view."""
        keeps = {"SGD": (1,) if getattr(self.update, "momentum", 0) else (), "RMSprop": (2,)}
        orders = keeps.get(type(self.update).__name__, (1, 2))
        if order not in orders:
            raise ValueError(f"order must be one of {orders} for {self.update!r}, got {order!r}")
        sources = len(self.topology.sources(kind, layer))
        self._core.finish()
        return self._view("first_moment" if order == 1 else "second_moment", kind, sources, layer)

    def _view(self, array: str, kind: UnitKind, sources: int, layer: int) -> Floating:
        t = self.topology
        if kind == "output":
            outputs: Floating = self._core.array(f"output_{array}", 0)
            return outputs[:sources, : t.outputs].T
        rows = self._core.array(array, layer)
        if kind == "cell":
            return rows[:sources, 3:, : t.blocks].transpose(2, 1, 0)
        return rows[:sources, _GATE_ROWS[kind], : t.blocks].T

    def partials(self, kind: UnitKind, layer: int = 0) -> Floating:
        """The partials ∂s_c/∂w (eqs. 19-21) of the weights to a kind of unit, as a view.

        Parameters
        ----------
        kind : {"input_gate", "forget_gate", "cell"}
            Whose weights; output gates and output units need no partials.
        layer : int
            The hidden layer.

        Returns
        -------
        ndarray, shape (blocks, cells_per_block, sources)
            Of each cell's state by each weight.
        """
        if kind in ("output_gate", "output"):
            raise ValueError(f"kind must be input_gate, forget_gate or cell, got {kind!r}")
        sources = len(self.topology.sources(kind, layer))
        self._core.finish()
        rows = self._core.array("partials", layer)
        part = 2 if kind == "cell" else _GATE_ROWS[kind]
        return rows[:sources, part, :, : self.topology.blocks].transpose(2, 1, 0)

    def state(self, name: Recordable, layer: int = 0) -> Floating:
        """The activations of a kind of unit at the last step, as a view that can be written.

        Parameters
        ----------
        name : str
            "cell_state", "cell_output" (blocks, cells_per_block), "input_gate", "forget_gate",
            "output_gate" (blocks,) or "output" (outputs,).
        layer : int
            The hidden layer.

        Returns
        -------
        ndarray
            The activations.
        """
        names = [name for name in get_args(Recordable) if name != "loss"]
        if name not in names:
            raise ValueError(f"name must be one of {', '.join(names)}, got {name!r}")
        self.topology.sources("cell", layer)  # checks the layer
        array: Floating = self._core.array(name, layer)
        if name == "output":
            return array
        return array[..., : self.topology.blocks].T

    @property
    def rate(self) -> float:
        """The learning rate α now. Setting it holds until `reset` restarts it."""
        return self._core.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._core.rate = SGD(rate).rate

    @property
    def steps(self) -> int:
        """Time steps so far, frozen ones included."""
        return self._core.steps

    # ---- copies ----

    def clone(self) -> Self:
        """An independent copy that goes on with the same bits."""
        return copy.copy(self)

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        twin._build(self.topology, self.update, self.dtype.name)
        twin._core.block()[:] = self._core.block()
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.__copy__()

    def __getstate__(self) -> dict[str, Any]:
        block = self._core.block().tobytes()
        return {
            "topology": self.topology,
            "update": self.update,
            "dtype": self.dtype.name,
            "block": block,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._build(state["topology"], state["update"], state["dtype"])
        block = self._core.block()
        saved = np.frombuffer(state["block"], np.uint8)
        if saved.size != block.size:
            raise ValueError(f"block must have {block.size} bytes, got {saved.size}")
        block[:] = saved

    def __repr__(self) -> str:
        t = self.topology
        cells = "1 cell" if t.cells_per_block == 1 else f"{t.cells_per_block} cells"
        layers = f"{t.layers} layers of " if t.layers > 1 else ""
        return (
            f"<Network: {t.inputs} inputs, {layers}{t.blocks} blocks of {cells}, "
            f"{t.outputs} outputs, {t.weights:,} weights, {self.update!r}, {self.dtype}, "
            f"step {self.steps:,}>"
        )

    # ---- what comes from outside ----

    def _vector(self, name: str, value: object, length: int, what: str) -> Floating:
        """One vector of numbers in the network's dtype, or a ValueError."""
        array = _numbers(name, value)
        if array.shape != (length,):
            raise ValueError(
                f"{name} must have shape ({length},), one number for each of the {what}, "
                f"got shape {array.shape}"
            )
        return _converted(name, array, self.dtype)

    def _series(
        self,
        name: str,
        value: ArrayLike,
        width: int,
        used: NDArray[np.bool_] | None,
        limit: int | None,
    ) -> tuple[Floating | None, NDArray[np.int64] | None]:
        """Rows of numbers (T, width), or symbols (T,) below `limit`; `used` says which are read."""
        array = _numbers(name, value)
        if array.ndim == 1 and array.dtype.kind in "iu":
            most = width if limit is None else limit
            looked_at = array if used is None or len(used) != len(array) else array[used]
            if looked_at.size and (looked_at.min() < 0 or looked_at.max() >= most):
                wrong = looked_at[(looked_at < 0) | (looked_at >= most)][0]
                raise ValueError(f"{name} must be symbols from 0 to {most - 1}, got {wrong}")
            return None, np.ascontiguousarray(array, np.int64)
        if array.ndim != 2 or array.shape[1] != width:
            raise ValueError(
                f"{name} must have shape (T, {width}), or (T,) with integers, "
                f"got shape {array.shape} of {array.dtype}"
            )
        if used is not None and len(used) == len(array):
            array = np.where(used[:, None], array, 0)
        return _converted(name, array, self.dtype), None


def _numbers(name: str, value: object) -> NDArray[Any]:
    """An array of real numbers, or a ValueError that names the argument."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be an array of numbers, got {value!r}: {error}") from None
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be an array of numbers, got {array.dtype} {value!r:.60}")
    return array


def _converted(name: str, array: NDArray[Any], dtype: np.dtype[Any]) -> Floating:
    with np.errstate(over="ignore"):
        converted: Floating = np.ascontiguousarray(array, dtype)
    finite = np.isfinite(converted)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        place = where[0] if len(where) == 1 else where
        raise ValueError(f"{name} must be finite in {dtype}, got {array[where]} at index {place}")
    return converted


def _flags(name: str, value: ArrayLike | None, steps: int) -> NDArray[np.bool_] | None:
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype != np.bool_ or array.shape != (steps,):
        raise ValueError(
            f"{name} must be truth values of shape ({steps},), "
            f"got {array.dtype} of shape {array.shape}"
        )
    return np.ascontiguousarray(array)


def _is_index(value: object) -> bool:
    if isinstance(value, bool | np.ndarray):
        return isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iu"
    return hasattr(value, "__index__")


def _dtype_name(dtype: DTypeLike) -> str:
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = repr(dtype)
    if name not in _CORES:
        raise ValueError(f"dtype must be float32 or float64, got {name}")
    return name


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or int(seed) < 0:
        raise ValueError(f"seed must be a whole number at least 0 or a Generator, got {seed!r}")
    return np.random.default_rng(int(seed))


def _draw_weights(net: Network, generator: np.random.Generator) -> None:
    """Draw every weight in the papers' range, then set the gates' initial biases (section 4.2)."""
    t = net.topology
    kinds: tuple[UnitKind, ...] = (*t.gates, "cell")
    for layer in range(t.layers):
        for kind in kinds:
            weights = net.weights(kind, layer)
            weights[...] = generator.uniform(-t.initial_range, t.initial_range, weights.shape)
    weights = net.weights("output")
    weights[...] = generator.uniform(-t.initial_range, t.initial_range, weights.shape)
    for layer in range(t.layers):
        for gate in t.gates:
            _set_initial_bias(net, gate, layer)


def _set_initial_bias(net: Network, gate: GateKind, layer: int) -> None:
    bias = net.topology.initial_bias(gate)
    if bias is not None:
        net.weights(gate, layer)[:, -1] = bias
