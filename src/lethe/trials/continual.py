"""The report's protocol (section 4): learn until the first error, freeze, test, until solved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import above_zero, check_bool, check_int
from lethe.core._objects import shown
from lethe.core.network import FirstError, Network, NotFiniteError
from lethe.core.topology import WeightKind
from lethe.tasks import ReberStream, Steps
from lethe.trials.checks import check_dtype, check_recipe, check_seed
from lethe.trials.learner import (
    DivergedError,
    FloatingName,
    Learner,
    NetworkRecipe,
    Recipe,
    configuration_of,
    network_of,
    network_recipe,
)
from lethe.trials.penalty import Penalty
from lethe.trials.progress import OnProgress

__all__ = ["Stream", "Trial", "TrialResult"]

_LAST_CHUNK = 16384  # Streams are fed in chunks that grow up to this many predictions.


class Stream(Protocol):
    """What a trial asks of a source of events."""

    @property
    def target_table(self) -> NDArray[np.float32] | None:
        """The target vectors that integer targets are rows of; None: they are classes."""

    @property
    def first_look(self) -> int:
        """Predictions to look at first: most training streams end within them."""

    def look(self, n: int) -> Steps:
        """Show the next steps, with at least one and at most `n` predictions, up to the last."""

    def advance(self, n: int) -> None:
        """Go on by `n` steps."""

    def next_string(self) -> None:
        """Skip to where a string starts."""


@dataclass(frozen=True)
class TrialResult:
    """The result of one trial.

    Attributes
    ----------
    perfect : bool
        Whether the network predicted all test streams up to the limit.
    training_streams, training_symbols : int
        Streams and symbols (time steps) that it had learned from by then.
    best_mean_stream, final_mean_stream : float
        Mean number of right predictions before the first error, over all test streams (symbols
        where each has a target, sequences where the last of each has): of the
        network whose first test stream was the longest, and of the last network. The streams are
        new ones, so the choice of the best does not flatter it.
    diverged : int
        Training streams that ended because the network's numbers were no longer finite. A
        `Network` goes back to its last good snapshot and on; another system's trial ends there.
    """

    perfect: bool
    training_streams: int
    training_symbols: int
    best_mean_stream: float
    final_mean_stream: float
    diverged: int


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One network on one task, as the report tries it: a configuration that any seed can run.

    After each training stream the network is frozen and tested. A test ends at its first failed
    stream, since "perfect" is ruled out by then. States and partials are zeroed where a stream
    starts, be it for training or for a test.

    Parameters
    ----------
    learner : NetworkRecipe or another Recipe
        How to make the learner: a topology with its update rule, or a baseline of
        `lethe.baselines`.
    stream : callable
        Makes the source of events from a `numpy.random.SeedSequence`: a class, or a value such as
        `lethe.tasks.Continual`.
    external_reset : bool
        Whether a teacher zeroes states and partials at the start of each string, in tests too.
    zero_at_stream_start : bool
        False: states and partials live on from one training stream to the next (the report does
        not say; see docs/errata.md).
    learn_from_error : bool
        Whether the step with the error that ends a training stream is still learned from. Where it
        is not, a network that is wrong at the first symbol of every stream stays so.
    bound : float
        A prediction is right if the error of every output unit is smaller.
    stream_length, training_streams, test_streams : int
        The limits: predictions in a stream, streams to learn from, streams in a test.
    test_length : int
        Predictions in a test stream; 0: as many as in one to learn from.
    restart_after : int
        After this many training streams without a perfect solution a new network is made (section
        4.5), and again after as many more; 0: never.
    penalty : WeightDecay or WeightElimination, optional
        Takes from the weights after each training stream, for as many steps as it had.
    dtype : {"float32", "float64"}
        Of the network.

    Raises
    ------
    ValueError
        If a part is not what it should be, or parts do not fit.

    Examples
    --------
    >>> from lethe import SGD, Topology
    >>> trial = Trial(
    ...     learner=NetworkRecipe(Topology(inputs=7, outputs=7, cells_per_block=2), SGD(0.5)),
    ...     training_streams=3,
    ... )
    >>> result = trial.run(seed=1)
    >>> result.perfect, result.training_streams
    (False, 3)
    """

    learner: Recipe
    stream: Callable[[np.random.SeedSequence], Stream] = ReberStream
    external_reset: bool = False
    zero_at_stream_start: bool = True
    learn_from_error: bool = True
    bound: float = 0.49
    stream_length: int = 100_000
    training_streams: int = 30_000
    test_streams: int = 10
    test_length: int = 0
    restart_after: int = 0
    penalty: Penalty | None = None
    dtype: FloatingName = "float32"

    def __post_init__(self) -> None:
        """Check the limits and the parts."""
        for name in ("stream_length", "training_streams", "test_streams"):
            object.__setattr__(self, name, check_int(name, getattr(self, name), 1))
        for name in ("test_length", "restart_after"):
            object.__setattr__(self, name, check_int(name, getattr(self, name), 0))
        for field in fields(self):
            if field.type == "bool":
                name = field.name
                object.__setattr__(self, name, check_bool(name, getattr(self, name)))
        object.__setattr__(self, "bound", above_zero("bound", self.bound))
        object.__setattr__(self, "dtype", check_dtype(self.dtype))
        self._check_parts()

    def _check_parts(self) -> None:
        check_recipe(self.learner)
        made = ("look", "advance", "next_string") if isinstance(self.stream, type) else ()
        if not callable(self.stream) or not all(hasattr(self.stream, part) for part in made):
            raise ValueError(
                "stream must make a source of events from a numpy.random.SeedSequence, as "
                f"ReberStream and Continual(task) do, got {shown(self.stream)}"
            )
        if not (self.penalty is None or isinstance(self.penalty, Penalty)):
            raise ValueError(
                "penalty must be a WeightDecay, a WeightElimination or None, "
                f"got {shown(self.penalty)}"
            )
        if not isinstance(self.learner, NetworkRecipe):
            if not self.zero_at_stream_start:
                raise ValueError("zero_at_stream_start must be True for a baseline, got False")
            if self.penalty is not None:
                raise ValueError(f"penalty must be None for a baseline, got {self.penalty!r}")

    @property
    def network(self) -> NetworkRecipe:
        """The learner's recipe, where it is that of a network."""
        return network_recipe(self.learner)

    def configuration(self) -> dict[str, object]:
        """All that a reader needs to run this again, as plain JSON values."""
        configuration: dict[str, object] = (
            configuration_of(self.learner)
            | {
                "stream": getattr(self.stream, "__name__", None) or repr(self.stream),
            }
            | {field.name: getattr(self, field.name) for field in fields(self)[2:]}
        )
        # What a trial does not have is not part of it.
        if self.penalty is None:
            del configuration["penalty"]
        else:
            configuration["penalty"] = repr(self.penalty)
        for name in ("test_length", "restart_after"):
            if not configuration[name]:
                del configuration[name]
        return configuration

    def run(self, seed: int, on_progress: OnProgress | None = None) -> TrialResult:
        """Run the trial.

        Parameters
        ----------
        seed : int
            At least 0. Weights, training streams and test streams each have a generator of their
            own that follows from it.
        on_progress : callable, optional
            Told after each training stream how many there were, see `lethe.trials.progress`.

        Returns
        -------
        TrialResult
        """
        return self.train(seed, on_progress=on_progress)[0]

    def train(
        self,
        seed: int,
        on_stream: Callable[[int], None] | None = None,
        on_progress: OnProgress | None = None,
    ) -> tuple[TrialResult, Learner]:
        """Run the trial, and return its last network too.

        Parameters
        ----------
        seed : int
            As for `run`.
        on_stream : callable, optional
            Called after each training stream with its number of right predictions.
        on_progress : callable, optional
            As for `run`.

        Returns
        -------
        TrialResult
        Network or Learner
            The one that was perfect, or the last one after all training streams.
        """
        for_weights, for_training, for_tests = np.random.SeedSequence(check_seed(seed)).spawn(3)
        draw = np.random.default_rng(for_weights)
        net = self.learner.learner(draw, self.dtype)
        training, tests = self.stream(for_training), self.stream(for_tests)
        symbols = diverged = 0
        longest, best = -1, net
        for streams in range(1, self.training_streams + 1):
            try:
                steps, right, finite = self._present(net, training, learn=True)
            except DivergedError:
                diverged += 1
                break
            symbols += steps
            if on_stream is not None:
                on_stream(right)
            if on_progress is not None:
                on_progress(streams, self.training_streams, "streams")
            diverged += not finite
            if self.penalty is not None and isinstance(net, Network):
                self.penalty.apply(net, steps)
            tested = net if self.zero_at_stream_start else net.clone()
            lengths = self._test(tested, tests)
            if min(lengths) == self._tested_length:
                limit = float(self._tested_length)
                return TrialResult(True, streams, symbols, limit, limit, diverged), net
            if lengths[0] > longest:
                longest, best = lengths[0], net.clone()
            if self.restart_after and streams % self.restart_after == 0:
                net = self.learner.learner(draw, self.dtype)
        result = TrialResult(
            perfect=False,
            training_streams=streams,
            training_symbols=symbols,
            best_mean_stream=float(np.mean(self._test(best, tests, to_the_end=True))),
            final_mean_stream=float(np.mean(self._test(net, tests, to_the_end=True))),
            diverged=diverged,
        )
        return result, net

    def train_network(
        self,
        seed: int,
        on_stream: Callable[[int], None] | None = None,
        on_progress: OnProgress | None = None,
    ) -> tuple[TrialResult, Network]:
        """`train`, of a trial whose learner is a network."""
        result, learner = self.train(seed, on_stream, on_progress)
        return result, network_of(learner)

    @property
    def _tested_length(self) -> int:
        return self.test_length or self.stream_length

    def _test(self, net: Learner, stream: Stream, *, to_the_end: bool = False) -> list[int]:
        """Right predictions in each test stream, up to the first that failed or in all of them."""
        lengths: list[int] = []
        for _ in range(self.test_streams):
            _, right, _ = self._present(net, stream, learn=False)
            lengths.append(right)
            if right < self._tested_length and not to_the_end:
                break
        return lengths

    def _present(self, net: Learner, stream: Stream, *, learn: bool) -> tuple[int, int, bool]:
        """Present one stream: steps done, right predictions, and whether all stayed finite."""
        self._start_stream(net)
        stream.next_string()
        stop = FirstError(self.bound, learn=self.learn_from_error)
        recipe = self.learner
        decays = isinstance(recipe, NetworkRecipe) and recipe.update.decay_per == "sequence"
        sequences = self.external_reset or decays
        done = right = 0
        size = stream.first_look
        length = self.stream_length if learn else self._tested_length
        while right < length:
            ahead = stream.look(min(size, length - right))
            if not ahead.predictions:
                raise ValueError(
                    "look of stream must show at least one step with a target, "
                    f"got {len(ahead.starts)} steps with none"
                )
            try:
                run = net.run(
                    ahead.inputs,
                    ahead.targets,
                    target_table=stream.target_table,
                    has_target=ahead.has_target,
                    starts=ahead.starts if sequences else None,
                    reset_at_starts=self.external_reset,
                    learn=learn,
                    stop=stop,
                    record=(),
                )
            except NotFiniteError:
                stream.advance(len(ahead.starts))
                return done, right, False
            stream.advance(run.steps)
            done += run.steps
            right += ahead.piece(0, run.steps).predictions
            if run.stopped:
                return done, right - 1, True
            size = min(4 * size, _LAST_CHUNK)
        return done, right, True

    def _start_stream(self, net: Learner) -> None:
        """Start a stream: the learning rate starts again, and states and partials with it."""
        if self.zero_at_stream_start or not isinstance(net, Network):
            net.reset()
            return
        t = net.topology
        every: tuple[WeightKind, ...] = (*t.gates, "cell", *t.peephole_kinds)
        kinds = [kind for kind in every if not kind.startswith("output_gate")]
        kept = [
            (array, array.copy())
            for layer in range(net.topology.layers)
            for array in (
                *(net.state(name, layer) for name in ("cell_state", "cell_output")),
                *(net.state(gate, layer) for gate in net.topology.gates),
                *(net.partials(kind, layer) for kind in kinds),
            )
        ]
        net.reset()
        for array, values in kept:
            array[...] = values
