"""Network: weights, states and partials in one block; step, learn, run, peek, reset."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from lethe import storage
from lethe.core import _checks, _views
from lethe.core._checks import Floating
from lethe.core._objects import shown
from lethe.core._state import Parts, checked_state
from lethe.core._steps import checked_series, run_steps
from lethe.core._views import Core, instruction_set
from lethe.core.run import FirstError, NotFiniteError, Recordable, Run
from lethe.core.topology import Topology, WeightKind
from lethe.core.updates import SGD, MomentOrder, Update
from lethe.version import __version__

__all__ = ["FirstError", "Network", "NotFiniteError", "Run", "instruction_set"]


class Network:
    """A recurrent network that learns at every step of a stream.

    Its whole state (weights, states, partials, moments, counters) is one block of memory, so copies
    and pickles have the same bits, and continue with the same bits.

    Parameters
    ----------
    topology : Topology
        The network's sizes, gates and connections.
    update : SGD, RMSprop or Adam, optional
        How an error becomes a weight change; by default ``SGD(0.5)``, the report's.
    seed : int or numpy.random.Generator
        Draws the initial weights.
    dtype : {"float32", "float64"}
        Of weights and states.

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
        parts = Parts.checked(topology, SGD(0.5) if update is None else update, dtype)
        random = _checks.generator(seed)
        self._own(parts, _views.new_core(*parts))
        _views.draw_weights(self._core, topology, random)
        self._core.snapshot()

    def _own(self, parts: Parts, core: Core) -> None:
        self.topology, self.update, self.dtype = parts
        self._core = core
        self._outputs = core.array("output", 0)

    def step(self, x: ArrayLike | int, *, learn: bool = True) -> Floating:
        """Advance one time step: states, outputs, and (with `learn`) partials.

        Parameters
        ----------
        x : array_like, shape (inputs,), or int
            The input; an int is a symbol, its one-hot vector.
        learn : bool
            False: a frozen step, which costs no pass; learning again needs `reset` or
            `reset_partials` afterwards.

        Returns
        -------
        ndarray, shape (outputs,)
            The activations of the output units.

        Raises
        ------
        ValueError
            If `x` is not finite, or of another shape; nothing has changed then.
        RuntimeError
            If `learn` follows frozen steps.
        NotFiniteError
            If the network's own numbers stop being finite.
        """
        given: Floating | int
        if type(x) is int:
            given = x
        else:
            given = _checks.vector_or_symbol("x", x, "inputs", self.topology.inputs, self.dtype)
        if learn is not True:
            learn = _checks.check_bool("learn", learn)
        try:
            return self._core.step(given, learn, self._outputs)
        except TypeError:  # an int with more than 64 bits
            if isinstance(given, int):
                _checks.symbol("x", given, self.topology.inputs)
            raise

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
            self._core.learn(_checks.vector("error", error, "outputs", outputs, self.dtype), True)
            return
        if type(target) is not int:
            target = _checks.vector_or_symbol("target", target, "outputs", outputs, self.dtype)
        try:
            self._core.learn(target)
        except TypeError:  # an int with more than 64 bits
            if isinstance(target, int):
                _checks.symbol("target", target, outputs)
            raise

    def peek(self, x: ArrayLike | int) -> Floating:
        """What `step` would return; the network does not change.

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
        given = _checks.vector_or_symbol("x", x, "inputs", self.topology.inputs, self.dtype)
        if isinstance(given, int):
            self._core.peek(None, given, y)
        else:
            self._core.peek(given, -1, y)
        return y

    def reset(self) -> None:
        """Start a new stream: states and partials are zero, the rate starts again."""
        self._core.reset()

    def reset_partials(self) -> None:
        """Set the partials to zero; the states stay."""
        self._core.reset_partials()

    def start_sequence(self, *, reset: bool = False) -> None:
        """Say that the next step starts a new sequence within the stream.

        Parameters
        ----------
        reset : bool
            Whether states and partials become zero, as with an external teacher; the rate stays.
        """
        self._core.start_sequence(_checks.check_bool("reset", reset))

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
            Where there is a target; by default everywhere. `targets` is not read elsewhere.
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
        series = checked_series(
            self.topology, self.dtype, inputs, targets, target_table, has_target, starts
        )
        return run_steps(
            self._core, self.topology, self.dtype, series, reset_at_starts, learn, stop, record
        )

    def weights(self, kind: WeightKind, layer: int = 0) -> Floating:
        """The weights of a kind of unit, as a view that can be written.

        Parameters
        ----------
        kind : str
            "input_gate", "forget_gate", "output_gate", "cell" or "output"; "input_gate_peepholes",
            "forget_gate_peepholes" or "output_gate_peepholes" where there are peepholes.
        layer : int
            The hidden layer; of no meaning for "output".

        Returns
        -------
        ndarray
            Gates: (blocks, sources); cells: (blocks, cells_per_block, sources); peepholes: (blocks,
            cells_per_block); outputs: (outputs, sources). Their last axis: `Topology.sources`.
        """
        view = _views.weights_view(self._core, self.topology, "weights", kind, layer)
        self._core.complete_step()
        self._core.snapshot_due()
        return view

    def moments(self, kind: WeightKind, layer: int = 0, *, order: MomentOrder = 2) -> Floating:
        """The update rule's first or second moments, shaped like the weights, as a view."""
        orders = self.update.moments
        if not isinstance(order, int) or order not in orders:
            raise ValueError(f"order must be of {orders} for {self.update!r}, got {shown(order)}")
        name = _views.moment_name(order)
        view = _views.weights_view(self._core, self.topology, name, kind, layer)
        self._core.complete_step()
        return view

    def partials(self, kind: WeightKind, layer: int = 0) -> Floating:
        """The partials ∂s_c/∂w (eqs. 19-21) of the weights to a kind of unit, as a view.

        Parameters
        ----------
        kind : str
            "input_gate", "forget_gate", "cell", "input_gate_peepholes" or "forget_gate_peepholes".
        layer : int
            The hidden layer.

        Returns
        -------
        ndarray, shape (blocks, cells_per_block, sources)
            Of each cell's state by each weight; the other kinds of weight need none.
        """
        view = _views.partials_view(self._core, self.topology, kind, layer)
        self._core.complete_step()
        return view

    def state(self, name: Recordable, layer: int = 0) -> Floating:
        """The activations of a kind of unit at the last step, as a view.

        "output" is read-only. The others can be written, and the next step continues from them;
        between `step` and `learn` only "cell_state" and "cell_output" may be.

        Parameters
        ----------
        name : str
            "cell_state", "cell_output" (blocks, cells_per_block), "input_gate", "forget_gate",
            "output_gate" (blocks,) or "output" (outputs,).
        layer : int
            The hidden layer.
        """
        return _views.state_view(self._core, self.topology, name, layer)

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

    @property
    def _parts(self) -> Parts:
        return Parts(self.topology, self.update, self.dtype)

    @classmethod
    def _made(cls, parts: Parts, core: Core) -> Self:
        made = cls.__new__(cls)
        made._own(parts, core)
        return made

    @classmethod
    def _restored(cls, parts: Parts, block: bytes | NDArray[np.uint8]) -> Self:
        return cls._made(parts, _views.restored_core(*parts, np.frombuffer(block, np.uint8)))

    @classmethod
    def on_memory(cls, topology: Topology, update: Update, memory: NDArray[np.uint8]) -> Self:
        """A float32 network whose block lies in `memory`, without a snapshot."""
        parts = Parts.checked(topology, update, "float32")
        return cls._made(parts, _views.new_core(*parts, memory))

    @classmethod
    def from_memory(cls, topology: Topology, update: Update, block: bytes) -> Self:
        """A float32 network of its own, copied from a block without a snapshot."""
        parts = Parts.checked(topology, update, "float32")
        return cls._restored(parts, block + block)

    def clone(self) -> Self:
        """An independent copy that continues with the same bits."""
        return self._restored(self._parts, self._core.save())

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self.clone()

    __copy__ = clone

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Parts, bytes]]:
        return type(self)._restored, (self._parts, self._core.save())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole state into one file, which `lethe.load` reads.

        Parameters
        ----------
        path : str or os.PathLike
            The file; at every moment either the old file or the new one exists.

        Raises
        ------
        CheckpointError
            If the file cannot be written; an old file stays unchanged.
        """
        storage.write(_checks.check_path("path", path), *self.to_checkpoint())

    def to_checkpoint(self) -> tuple[dict[str, NDArray[np.uint8]], dict[str, object]]:
        """The arrays and metadata of a checkpoint, for `lethe.storage.write`."""
        block = np.frombuffer(self._core.save(), np.uint8)
        kind = {"kind": "Network", "version": __version__}
        return {"block": block}, {**kind, "configuration": self._parts.configuration()}

    @classmethod
    def from_checkpoint(
        cls, arrays: Mapping[str, NDArray[np.generic]], metadata: Mapping[str, object]
    ) -> Self:
        """The network that has this `to_checkpoint`; ValueError if none has."""
        return cls._restored(*checked_state(arrays, metadata))

    def __repr__(self) -> str:
        return f"<Network: {self._parts}, step {self.steps:,}>"
