"""A learner: a cell and a rule with the interface of `lethe.Network`, compiled by JAX."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from lethe.baselines._compiled import Carry, Steps, frozen_run, learned_run
from lethe.baselines.cell import Cell, Tree
from lethe.baselines.rule import Rule
from lethe.core._checks import Dtype, Floating, flags, floating_dtype, generator, series
from lethe.core.run import FirstError, Run
from lethe.trials.learner import DivergedError

__all__ = ["Learner"]

# Runs are compiled for this many steps, for twice as many, and so on.
_MIN_CAPACITY = 64

_Flags: TypeAlias = NDArray[np.bool_]


class Learner:
    """A network of another system: its cell computes the state, its rule changes the weights.

    Parameters
    ----------
    cell : Cell
        What the state does. With ``forced = True`` a cell is trained by teacher forcing: while it
        learns, its inputs are followed by the last step's target and by 1 where there was one.
    rule : Rule
        How weights change.
    seed : int or numpy.random.Generator
        Seed of the initial weights and of the rule's own randomness.
    dtype : {"float32", "float64"}
        Data type of weights and states.

    Examples
    --------
    >>> import numpy as np
    >>> from lethe.baselines.credits.bptt import Window
    >>> from lethe.baselines.systems.elman import Elman
    >>> from lethe.baselines.rule import Descent
    >>> net = Learner(Elman(inputs=7, outputs=7, units=3), Descent(Window(1), rate=0.1), seed=1)
    >>> net.step(np.eye(7)[0]).shape
    (7,)
    >>> net.learn(np.eye(7)[1])
    >>> net.run(np.eye(7), np.eye(7), learn=False)["output"].shape
    (7, 7)
    """

    def __init__(
        self,
        cell: Cell,
        rule: Rule,
        *,
        seed: int | np.random.Generator = 0,
        dtype: Literal["float32", "float64"] = "float32",
    ) -> None:
        self.cell, self.rule = cell, rule
        self.dtype = floating_dtype(dtype)
        draw = generator(seed)
        with self._precision():
            self.weights: Tree = self._typed(cell.weights(draw))
            key = jax.random.key(int(draw.integers(2**32)))
            self._kept: Tree = rule.start(cell, self.weights, key)
            self._state: Tree = self._typed(cell.start())
        self._begin()

    def _begin(self) -> None:
        # The last step's target, for teacher forcing, and an input whose target may still come.
        self._last_target: Floating = np.zeros(self.cell.outputs + 1, self.dtype)
        self._pending: np.ndarray | None = None

    def _precision(self) -> AbstractContextManager[object]:
        precision: AbstractContextManager[object] = jax.enable_x64(self.dtype == np.float64)
        return precision

    def _typed(self, tree: Tree) -> Tree:
        return jax.tree.map(lambda a: jnp.asarray(a, self.dtype), tree)

    @property
    def parameters(self) -> int:
        """Number of adjustable weights."""
        return sum(int(np.size(a)) for a in jax.tree.leaves(self.weights))

    def reset(self) -> None:
        """Start a new stream: reset the state and what credit keeps."""
        with self._precision():
            self._state = self._typed(self.cell.start())
            self._kept = self.rule.reset(self.cell, self.weights, self._kept)
        self._begin()

    def clone(self) -> Learner:
        """An independent copy."""
        return copy.copy(self)  # Arrays never change in place.

    def peek(self, x: ArrayLike) -> Floating:
        """What `step` would return; does not change the learner."""
        self._complete_step()
        return self._predict(self.clone(), x)

    def step(self, x: ArrayLike, learn: bool = True) -> Floating:
        """Take one time step.

        Parameters
        ----------
        x : (inputs,) floats, or int
            Input vector, or a symbol.
        learn : bool
            False: frozen; credit is not propagated.

        Returns
        -------
        (outputs,) ndarray
            The activations of the output units.
        """
        self._complete_step()
        if not learn:
            return self._predict(self, x)
        # As in `run`, the last target forces a cell that is forced; learning comes later.
        y: Floating = self.clone()._run(_one(x), _Given(ends=np.zeros(1, bool)))["output"][0]
        self._pending = _one(x)
        return y

    def learn(self, target: ArrayLike, *, ends: bool = False) -> None:
        """Learn the target of the last `step`.

        Parameters
        ----------
        target : (outputs,) floats, or int
            Target vector, or a class.
        ends : bool
            Whether the sequence ends here; some systems learn then.

        Raises
        ------
        ValueError
            If there is no such step, or the target is invalid; nothing has changed.
        lethe.trials.learner.DivergedError
            As `run`.
        """
        if self._pending is None:
            raise ValueError("learn must follow a step that learns, once, got no such step")
        self._run(self._pending, _Given(_one(target), ends=np.array([ends])))
        self._pending = None  # After a refused target, the step can still be learned.

    def _complete_step(self) -> None:
        """Propagate credit over a step that had no target."""
        if self._pending is not None:
            x, self._pending = self._pending, None
            self._run(x, _Given(ends=np.zeros(1, bool)))

    @staticmethod
    def _predict(net: Learner, x: ArrayLike) -> Floating:
        y: Floating = net.run(_one(x), learn=False)["output"][0]
        return y

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
        record: tuple[str, ...] = ("output",),
    ) -> Run:
        """Take many steps in compiled code.

        Parameters
        ----------
        inputs, targets, target_table, has_target, starts, reset_at_starts, learn, stop
            As for `lethe.Network.run`. With `reset_at_starts` a sequence ends before each start
            and with the last step; without it no sequence ends.
        record : tuple of str
            "output" or nothing.

        Returns
        -------
        Run

        Raises
        ------
        ValueError
            If an array is invalid; nothing has changed then.
        lethe.trials.learner.DivergedError
            If weights or state are no longer finite. There is no way back.
        """
        if set(record) - {"output"}:
            raise ValueError(f'record must be ("output",) or (), got {record!r}')
        xs = _vectors("inputs", inputs, self.cell.inputs, None, self.dtype)
        n = len(xs)
        ends, begins = np.zeros(n, bool), flags("starts", starts, n)
        if not reset_at_starts:
            begins = None
        elif begins is not None and n:
            ends[:-1] = begins[1:]
            ends[-1] = True
        self._complete_step()
        given = _Given(targets, target_table, has_target, begins, ends)
        return self._run(xs, given, learn, stop)

    def _run(
        self, inputs: ArrayLike, given: _Given, learn: bool = True, stop: FirstError | None = None
    ) -> Run:
        xs = _vectors("inputs", inputs, self.cell.inputs, None, self.dtype)
        n = len(xs)
        ts, has = self._targets(given, n)
        starts = np.zeros(n, bool) if given.starts is None else given.starts
        if getattr(self.cell, "forced", False):
            xs = np.concatenate((xs, self._forcing(ts, has, starts, learn)), axis=1)
        bound = np.inf if stop is None else stop.bound
        last = stop is None or stop.learn  # Whether the step that ends the run is learned from.
        capacity = max(_MIN_CAPACITY, 1 << (n - 1).bit_length()) if n else _MIN_CAPACITY
        with self._precision():
            steps = Steps._make(_padded(a, capacity) for a in (xs, ts, has, starts, given.ends))
            if learn:
                self._carried, ran = learned_run(
                    self.cell, self.rule, last, self._carried, steps, n, bound
                )
            else:
                self._state, ran = frozen_run(
                    self.cell, self.weights, self._state, steps._replace(ends=None), n, bound
                )
        if learn and not ran.finite:
            raise DivergedError("the system's numbers are no longer finite")
        done = int(ran.steps)
        return Run(done, bool(ran.stopped), {"output": np.asarray(ran.outputs)[:done]})

    def _targets(self, given: _Given, n: int) -> tuple[Floating, _Flags]:
        """Target vectors, and which steps have one."""
        if given.targets is None:
            return np.zeros((n, self.cell.outputs), self.dtype), np.zeros(n, bool)
        ts = _vectors("targets", given.targets, self.cell.outputs, given.table, self.dtype)
        if len(ts) != n:
            raise ValueError(f"targets must have {n} steps, as inputs have, got {len(ts)}")
        has = flags("has_target", given.has_target, n)
        return ts, np.ones(n, bool) if has is None else has

    @property
    def _carried(self) -> Carry:
        return Carry(self.weights, self._kept, self._state)

    @_carried.setter
    def _carried(self, carry: Carry) -> None:
        self.weights, self._kept, self._state = carry

    def _forcing(self, ts: Floating, has: _Flags, starts: _Flags, learn: bool) -> Floating:
        """What teacher forcing adds to each input: the last target, and whether there was one."""
        forcing = np.zeros((len(ts) + 1, self.cell.outputs + 1), self.dtype)
        if not learn:
            self._last_target = forcing[-1]
            return forcing[:-1]
        forcing[0] = self._last_target
        forcing[1:, :-1] = np.where(has[:, None], ts, 0)
        forcing[1:, -1] = has
        self._last_target = forcing[-1]
        forcing[:-1][starts] = 0
        return forcing[:-1]


class _Given(NamedTuple):
    """The series of a run besides its inputs; `ends` is always given."""

    targets: ArrayLike | None = None
    table: ArrayLike | None = None
    has_target: ArrayLike | None = None
    starts: _Flags | None = None
    ends: _Flags = np.zeros(0, bool)


def _one(x: ArrayLike) -> np.ndarray:
    return np.asarray(x)[None]


def _vectors(
    name: str, values: ArrayLike, width: int, table: ArrayLike | None, dtype: Dtype
) -> Floating:
    """Vectors (T, width) of vectors, or of the rows of a table (one-hot by default)."""
    rows = None if table is None else np.asarray(table, dtype)
    checked = series(name, values, width, dtype, limit=width if rows is None else len(rows))
    if checked.ndim == 1:
        checked = (np.eye(width, dtype=dtype) if rows is None else rows)[checked]
    vectors: Floating = checked.astype(dtype, copy=False)
    return vectors


def _padded(a: np.ndarray, capacity: int) -> np.ndarray:
    padded = np.zeros((capacity, *a.shape[1:]), a.dtype)
    padded[: len(a)] = a
    return padded
