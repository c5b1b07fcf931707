"""A learner: a cell and a rule, with the face of a `lethe.Network`, compiled by JAX."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray

from lethe.baselines.cell import Array, Cell, Tree, error, squashed
from lethe.baselines.credit import Moment
from lethe.baselines.rule import Rule
from lethe.core._checks import flags, floating_dtype, generator, series
from lethe.core.run import FirstError, Run
from lethe.trials.learner import DivergedError

__all__ = ["Learner"]

# Runs are compiled for room for so many steps, and twice as many, and so on.
_LEAST_ROOM = 64


class Learner:
    """A network of another system: what its state does is its cell's, how it learns its rule's.

    Parameters
    ----------
    cell : Cell
        What the state does. A cell with ``forced = True`` is taught by force: in learning, its
        inputs are followed by the last step's target and by 1 where there was one.
    rule : Rule
        How weights change.
    seed : int or numpy.random.Generator
        Of the first weights and of the rule's own randomness.
    dtype : {"float32", "float64"}
        Of weights and states.

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
        # The last step's target, for teacher forcing, and an input that may yet be learned from.
        self._taught = np.zeros(self.cell.outputs + 1, self.dtype)
        self._pending: NDArray[Any] | None = None

    def _precision(self) -> AbstractContextManager[Any]:
        precision: AbstractContextManager[Any] = jax.enable_x64(self.dtype == np.float64)
        return precision

    def _typed(self, tree: Tree) -> Tree:
        return jax.tree.map(lambda a: jnp.asarray(a, self.dtype), tree)

    @property
    def parameters(self) -> int:
        """Number of adjustable weights."""
        return sum(int(np.size(a)) for a in jax.tree.leaves(self.weights))

    def reset(self) -> None:
        """Start a new stream: the state is as at first, and so is what credit keeps."""
        with self._precision():
            self._state = self._typed(self.cell.start())
            self._kept = self.rule.reset(self.cell, self.weights, self._kept)
        self._begin()

    def clone(self) -> Learner:
        """A twin, which goes its own way from here."""
        return copy.copy(self)  # Its arrays never change in place.

    def peek(self, x: Any) -> NDArray[Any]:
        """What `step` would answer; nothing changes."""
        self._complete()
        return self._answer(self.clone(), x)

    def step(self, x: Any, learn: bool = True) -> NDArray[Any]:
        """Take one time step.

        Parameters
        ----------
        x : (inputs,) floats, or int
            Input vector, or a symbol.
        learn : bool
            False: frozen; credit is not carried on.

        Returns
        -------
        (outputs,) ndarray
            The activations of the output units.
        """
        self._complete()
        if not learn:
            return self._answer(self, x)
        # As in `run`, forced by the last target where the cell is; what is learned comes later.
        none = np.zeros(1, bool)
        run = self.clone()._run(self._one(x), None, None, None, None, none, True, None)
        y: NDArray[Any] = run["output"][0]
        self._pending = self._one(x)
        return y

    def learn(self, target: Any, *, ends: bool = False) -> None:
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
            If there is no such step, or the target is not as it should be; nothing has changed.
        lethe.trials.learner.DivergedError
            As `run`.
        """
        if self._pending is None:
            raise ValueError("learn must follow a step that learns, once, got no such step")
        x = self._pending
        self._run(x, self._one(target), None, None, None, np.array([ends]), True, None)
        self._pending = None  # A target that was refused leaves the step to be learned.

    def _complete(self) -> None:
        """Carry credit over a step that was not learned from."""
        if self._pending is not None:
            x, self._pending = self._pending, None
            self._run(x, None, None, None, None, np.zeros(1, bool), True, None)

    @classmethod
    def _answer(cls, net: Learner, x: Any) -> NDArray[Any]:
        y: NDArray[Any] = net.run(cls._one(x), learn=False)["output"][0]
        return y

    @staticmethod
    def _one(x: Any) -> NDArray[Any]:
        return np.asarray(x)[None]

    def run(
        self,
        inputs: Any,
        targets: Any = None,
        *,
        target_table: Any = None,
        has_target: Any = None,
        starts: Any = None,
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
            If an array is not as it should be; nothing has changed then.
        lethe.trials.learner.DivergedError
            If weights or state are no longer finite. There is no way back.
        """
        if set(record) - {"output"}:
            raise ValueError(f'record must be ("output",) or (), got {record!r}')
        inputs = _vectors("inputs", inputs, self.cell.inputs, None, self.dtype)
        n = len(inputs)
        ends, begins = np.zeros(n, bool), flags("starts", starts, n)
        if not reset_at_starts:
            begins = None
        elif begins is not None and n:
            ends[:-1] = begins[1:]
            ends[-1] = True
        self._complete()
        return self._run(inputs, targets, target_table, has_target, begins, ends, learn, stop)

    def _run(
        self,
        inputs: Any,
        targets: Any,
        table: Any,
        has_target: Any,
        starts: NDArray[np.bool_] | None,
        ends: NDArray[np.bool_],
        learn: bool,
        stop: FirstError | None,
    ) -> Run:
        xs = _vectors("inputs", inputs, self.cell.inputs, None, self.dtype)
        n = len(xs)
        if targets is None:
            ts = np.zeros((n, self.cell.outputs), self.dtype)
            there = np.zeros(n, bool)
        else:
            ts = _vectors("targets", targets, self.cell.outputs, table, self.dtype)
            if len(ts) != n:
                raise ValueError(f"targets must have {n} steps, as inputs have, got {len(ts)}")
            said = flags("has_target", has_target, n)
            there = np.ones(n, bool) if said is None else said
        begins = np.zeros(n, bool) if starts is None else starts
        if getattr(self.cell, "forced", False):
            xs = np.concatenate((xs, self._teaching(ts, there, begins, learn)), axis=1)
        bound = np.inf if stop is None else stop.bound
        last = stop is None or stop.learn  # Whether the step that ends the run is learned from.
        room = max(_LEAST_ROOM, 1 << (n - 1).bit_length()) if n else _LEAST_ROOM
        padded = [_padded(a, room) for a in (xs, ts, there, begins, ends)]
        with self._precision():
            if learn:
                *self._life, steps, stopped, finite, outputs = _learned(
                    self.cell, self.rule, last, *self._life, *padded, n, bound
                )
            else:
                self._state, steps, stopped, finite, outputs = _frozen(
                    self.cell, self.weights, self._state, *padded[:4], n, bound
                )
        if learn and not finite:
            raise DivergedError("the system's numbers are no longer finite")
        done = int(steps)
        return Run(done, bool(stopped), {"output": np.asarray(outputs)[:done]})

    @property
    def _life(self) -> list[Tree]:
        return [self.weights, self._kept, self._state]

    @_life.setter
    def _life(self, life: list[Tree]) -> None:
        self.weights, self._kept, self._state = life

    def _teaching(
        self, ts: NDArray[Any], has: NDArray[np.bool_], starts: NDArray[np.bool_], learn: bool
    ) -> NDArray[Any]:
        """What a teacher adds to each input: the last step's target, and whether there was one."""
        taught = np.zeros((len(ts) + 1, self.cell.outputs + 1), self.dtype)
        if not learn:
            self._taught = taught[-1]
            return taught[:-1]
        taught[0] = self._taught
        taught[1:, :-1] = np.where(has[:, None], ts, 0)
        taught[1:, -1] = has
        self._taught = taught[-1]
        taught[:-1][starts] = 0
        return taught[:-1]


def _vectors(name: str, values: Any, width: int, table: Any, dtype: Any) -> NDArray[Any]:
    """Vectors (T, width) of vectors, or of the rows of a table (one-hot by default)."""
    rows = width if table is None else len(table)
    checked = series(name, values, width, dtype, limit=rows)
    if checked.ndim == 2:
        return checked
    return np.asarray(np.eye(width) if table is None else table, dtype)[checked]


def _padded(a: NDArray[Any], room: int) -> NDArray[Any]:
    whole = np.zeros((room, *a.shape[1:]), a.dtype)
    whole[: len(a)] = a
    return whole


def _chosen(which: Array, yes: Tree, no: Tree) -> Tree:
    return jax.tree.map(lambda a, b: jnp.where(which, a, b), yes, no)


def _finite(*trees: Tree) -> Array:
    return jnp.all(jnp.isfinite(ravel_pytree(trees)[0]))


def _learn(
    cell: Cell,
    rule: Rule,
    last: bool,
    weights: Tree,
    kept: Tree,
    state: Tree,
    xs: Array,
    ts: Array,
    has: Array,
    starts: Array,
    ends: Array,
    n: Array,
    bound: Array,
) -> tuple[Any, ...]:
    """The loop over time of a run that learns."""
    first = jax.tree.map(lambda a, b: jnp.asarray(b, a.dtype), state, cell.start())

    def going(carry: tuple[Any, ...]) -> Array:
        return (carry[0] < n) & ~carry[1]

    def step(carry: tuple[Any, ...]) -> tuple[Any, ...]:
        t, _, weights, kept, state, outputs = carry
        x, target, has_target = xs[t], ts[t], has[t]
        before = _chosen(starts[t], first, state)
        kept = jax.lax.cond(
            starts[t], lambda kept: rule.reset(cell, weights, kept), lambda kept: kept, kept
        )
        after = cell.step(weights["state"], before, x)
        y = squashed(cell, cell.output(weights["output"], after, x))
        wrong = has_target & ~(jnp.max(jnp.abs(target - y)) < bound)
        heard = has_target & (last | ~wrong)
        by = jnp.where(heard, error(cell, y, target), 0)
        moment = Moment(before, after, x, y, target, by, heard, ends[t])
        weights, kept = rule.learn(cell, weights, kept, moment)
        return t + 1, wrong, weights, kept, after, outputs.at[t].set(y)

    begin = (jnp.zeros((), int), jnp.zeros((), bool), weights, kept, state, jnp.zeros_like(ts))
    t, stopped, weights, kept, state, outputs = jax.lax.while_loop(going, step, begin)
    return weights, kept, state, t, stopped, _finite(weights, state, outputs), outputs


def _freeze(
    cell: Cell,
    weights: Tree,
    state: Tree,
    xs: Array,
    ts: Array,
    has: Array,
    starts: Array,
    n: Array,
    bound: Array,
) -> tuple[Any, ...]:
    """The loop over time of a run that does not learn."""
    first = jax.tree.map(lambda a, b: jnp.asarray(b, a.dtype), state, cell.start())

    def going(carry: tuple[Any, ...]) -> Array:
        return (carry[0] < n) & ~carry[1]

    def step(carry: tuple[Any, ...]) -> tuple[Any, ...]:
        t, _, state, outputs = carry
        after = cell.step(weights["state"], _chosen(starts[t], first, state), xs[t])
        y = squashed(cell, cell.output(weights["output"], after, xs[t]))
        wrong = has[t] & ~(jnp.max(jnp.abs(ts[t] - y)) < bound)
        return t + 1, wrong, after, outputs.at[t].set(y)

    begin = (jnp.zeros((), int), jnp.zeros((), bool), state, jnp.zeros_like(ts))
    t, stopped, state, outputs = jax.lax.while_loop(going, step, begin)
    return state, t, stopped, _finite(state), outputs


_learned = jax.jit(_learn, static_argnums=(0, 1, 2))
_frozen = jax.jit(_freeze, static_argnums=0)
