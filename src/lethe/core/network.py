"""Network: weights, states and partials in one block; step, learn, run, peek, reset."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Iterable
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from lethe import storage
from lethe.core._checks import (
    Floating,
    check_bool,
    floating_dtype,
    generator,
    symbol,
    vector,
    vector_or_symbol,
)
from lethe.core._views import (
    draw_weights,
    kernel,
    new_core,
    partials_view,
    state_view,
    weights_view,
)
from lethe.core.run import (
    RECORDABLE,
    FirstError,
    NotFiniteError,
    Recordable,
    Run,
    block_by_block,
    checked_series,
    empty_records,
)
from lethe.core.topology import Topology, UnitKind
from lethe.core.updates import SGD, Update, update_of
from lethe.version import __version__

__all__ = [
    "FirstError",
    "Network",
    "NotFiniteError",
    "Run",
    "instruction_set",
]


def instruction_set() -> str:
    """Name the instruction set that the compiled step uses: "baseline", "avx2" or "avx512".

    The widest that the processor has, unless LETHE_INSTRUCTION_SET named another one before the
    first network was made.

    Raises
    ------
    ValueError
        If LETHE_INSTRUCTION_SET names none that this machine has.
    """
    name: str = kernel().instruction_set()
    return name


@storage.block
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
    <Network: 2 inputs, 4 blocks of 1 cell, 2 outputs, 122 weights, SGD(rate=0.1), float32, step 0>
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
        _check_parts(topology, update)
        random = generator(seed)
        self._build(topology, update, floating_dtype(dtype))
        draw_weights(self._core, topology, random)
        self._core.snapshot()

    def _build(self, topology: Topology, update: Update, dtype: np.dtype[Any]) -> None:
        self.topology = topology
        self.update = update
        self.dtype = dtype
        self._core = new_core(topology, update, dtype)
        self._outputs = self._core.array("output", 0)

    @classmethod
    def on_memory(cls, topology: Topology, update: Update, memory: NDArray[np.uint8]) -> Self:
        """A float32 network on a block that lies in somebody else's memory, without a snapshot."""
        made = cls.__new__(cls)
        made.topology, made.update, made.dtype = topology, update, np.dtype(np.float32)
        made._core = new_core(topology, update, made.dtype, memory)
        made._outputs = made._core.array("output", 0)
        return made

    @classmethod
    def from_memory(cls, topology: Topology, update: Update, block: bytes) -> Self:
        """A float32 network of its own, from a block without a snapshot."""
        made = cls.__new__(cls)
        made._build(topology, update, np.dtype(np.float32))
        made._core.load(block + block)
        return made

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
        if type(x) is not int:
            x = vector_or_symbol("x", x, "inputs", self.topology.inputs, self.dtype)
        if learn is not True:
            learn = check_bool("learn", learn)
        try:
            self._core.step(x, learn)
        except TypeError:  # an int with more than 64 bits
            symbol("x", x, self.topology.inputs)
            raise
        return self._outputs.copy()

    def learn(
        self, target: ArrayLike | int | None = None, *, error: ArrayLike | None = None
    ) -> None:
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
        outputs = self.topology.outputs
        if error is not None:
            self._core.learn(vector("error", error, "outputs", outputs, self.dtype), True)
            return
        if type(target) is not int:
            target = vector_or_symbol("target", target, "outputs", outputs, self.dtype)
        try:
            self._core.learn(target)
        except TypeError:  # an int with more than 64 bits
            symbol("target", target, outputs)
            raise

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
        given = vector_or_symbol("x", x, "inputs", self.topology.inputs, self.dtype)
        if isinstance(given, int):
            self._core.peek(None, given, y)
        else:
            self._core.peek(given, -1, y)
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
        self._core.start_sequence(check_bool("reset", reset))

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
        steps, series = checked_series(
            self.topology, self.dtype, inputs, targets, target_table, has_target, starts
        )
        if stop is not None and not isinstance(stop, FirstError):
            raise ValueError(f"stop must be a lethe.FirstError, got {stop!r}")
        if stop is not None and targets is None:
            raise ValueError("stop needs targets, got None")
        records = empty_records(record, self.topology, steps, self.dtype)
        stopped, done = self._core.run(
            *series,
            check_bool("reset_at_starts", reset_at_starts),
            check_bool("learn", learn),
            math.inf if stop is None else stop.bound,
            stop is None or stop.learn,
            records,
        )
        return Run(done, stopped, block_by_block(records, done))

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
        view = weights_view(self._core, self.topology, "weights", kind, layer)
        self._core.finish()
        self._core.snapshot_due()
        return view

    def moments(self, kind: UnitKind, layer: int = 0, *, order: Literal[1, 2] = 2) -> Floating:
        """The update rule's first or second moments, shaped like the weights, as a view."""
        orders = self.moment_orders
        if order not in orders:
            raise ValueError(f"order must be one of {orders} for {self.update!r}, got {order!r}")
        name = "first_moment" if order == 1 else "second_moment"
        view = weights_view(self._core, self.topology, name, kind, layer)
        self._core.finish()
        return view

    @property
    def moment_orders(self) -> tuple[Literal[1, 2], ...]:
        """Which moments the update rule keeps."""
        keeps: dict[str, tuple[Literal[1, 2], ...]] = {
            "SGD": (1,) if getattr(self.update, "momentum", 0) else (),
            "RMSprop": (2,),
        }
        return keeps.get(type(self.update).__name__, (1, 2))

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
        view = partials_view(self._core, self.topology, kind, layer)
        self._core.finish()
        return view

    def state(self, name: Recordable, layer: int = 0) -> Floating:
        """The activations of a kind of unit at the last step, as a view.

        "output" is read-only. The others can be written, for the next step to go on from; between
        `step` and `learn` only "cell_state" and "cell_output" may be: the gates belong to the step
        that waits for its target.

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
        if name == "loss" or name not in RECORDABLE:
            names = ", ".join(name for name in RECORDABLE if name != "loss")
            raise ValueError(f"name must be one of {names}, got {name!r}")
        self.topology.sources("cell", layer)  # checks the layer
        return state_view(self._core, self.topology, name, layer)

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
        twin._build(self.topology, self.update, self.dtype)
        twin._core.load(self._core.save())
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.__copy__()

    def __getstate__(self) -> dict[str, Any]:
        return {
            "topology": self.topology,
            "update": self.update,
            "dtype": self.dtype.name,
            "block": self._core.save(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        topology: Any = state.get("topology")
        update: Any = state.get("update")
        dtype: Any = state.get("dtype")
        block: Any = state.get("block")
        _check_parts(topology, update)
        if not isinstance(block, bytes):
            raise ValueError(f"block must be bytes, got {type(block).__name__}")
        self._build(topology, update, floating_dtype(dtype))
        self._core.load(block)

    def life(self) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """The whole life: the block as bytes, and the configuration that it belongs to, as JSON."""
        configuration = {
            "topology": self.topology.configuration(),
            "update": self.update.configuration(),
            "dtype": self.dtype.name,
        }
        return np.frombuffer(self._core.save(), np.uint8), configuration

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole life into one file, which `lethe.load` reads.

        Parameters
        ----------
        path : str or os.PathLike
            The file, made or replaced; the old file or the new one is there at every moment.

        Raises
        ------
        CheckpointError
            If it cannot be written; an old file is as it was.
        """
        storage.write(path, *self.to_checkpoint())

    def to_checkpoint(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arrays and metadata of a checkpoint, for `lethe.storage.file`."""
        block, configuration = self.life()
        metadata = {"kind": "Network", "version": __version__, "configuration": configuration}
        return {"block": block}, metadata

    @classmethod
    def of_life(cls, block: NDArray[np.uint8], configuration: dict[str, Any]) -> Self:
        """The network whose `life` this is.

        Raises
        ------
        ValueError
            If the two do not belong together.
        """
        try:
            topology = Topology(**configuration["topology"])
            update = update_of(configuration["update"])
            dtype = floating_dtype(configuration["dtype"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"configuration must be a network's, got {error}") from None
        # Before any memory is taken: the block holds each weight and its snapshot at least.
        least = topology.layers * topology.cells
        if least <= block.nbytes:
            least = 2 * topology.weights * dtype.itemsize
        if least > block.nbytes:
            raise ValueError(f"block must have more than {least:,} bytes, got {block.nbytes:,}")
        made = cls.__new__(cls)
        made.__setstate__(
            {"topology": topology, "update": update, "dtype": dtype, "block": block.tobytes()}
        )
        return made

    @property
    def _moments(self) -> tuple[str, ...]:
        return tuple(("first_moment", "second_moment")[order - 1] for order in self.moment_orders)

    def __repr__(self) -> str:
        t = self.topology
        cells = "1 cell" if t.cells_per_block == 1 else f"{t.cells_per_block} cells"
        layers = f"{t.layers} layers of " if t.layers > 1 else ""
        return (
            f"<Network: {t.inputs} inputs, {layers}{t.blocks} blocks of {cells}, "
            f"{t.outputs} outputs, {t.weights:,} weights, {self.update!r}, {self.dtype}, "
            f"step {self.steps:,}>"
        )


def _check_parts(topology: object, update: object) -> None:
    if not isinstance(topology, Topology):
        raise ValueError(f"topology must be a lethe.Topology, got {topology!r}")
    if not isinstance(update, Update):
        raise ValueError(f"update must be a lethe.SGD, RMSprop or Adam, got {update!r}")
