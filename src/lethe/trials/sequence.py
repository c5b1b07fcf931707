"""The protocol of 1997: learn from sequences with a reset before each, until a criterion is met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields

import numpy as np

from lethe.core._checks import check_bool, check_choice, check_int
from lethe.core._objects import shown
from lethe.core.network import NotFiniteError
from lethe.tasks import SequenceTask, Steps, joined
from lethe.tasks.checks import check_task
from lethe.trials.checks import check_dtype, check_seed, check_units
from lethe.trials.criteria import SCORED, Criterion, Errors, Presented, Recent, Scored, Tested
from lethe.trials.growth import Construction, Growth
from lethe.trials.learner import (
    DivergedError,
    FloatingName,
    Learner,
    NetworkRecipe,
    Recipe,
    configuration_of,
    network_recipe,
)
from lethe.trials.progress import OnProgress

__all__ = ["Criterion", "Recent", "SequenceResult", "SequenceTrial", "Tested"]

# Sequences that a test begins with (most tests end within them), and those it goes on with.
_FIRST_PIECE, _LAST_PIECE = 8, 128


@dataclass(frozen=True)
class SequenceResult:
    """The result of one trial.

    Attributes
    ----------
    solved : bool
        Whether the criterion was met.
    training_sequences, training_steps : int
        Sequences and time steps that the network had learned from by then.
    test_wrong : float
        Share of new test sequences that the network then has wrong.
    test_mean_error : float or None
        Its mean error over them; None where there is no network left.
    diverged : int
        Pieces of training that ended because the network's numbers were no longer finite. A
        `Network` goes back to its last good snapshot and on; another system's trial ends there.
    """

    solved: bool
    training_sequences: int
    training_steps: int
    test_wrong: float
    test_mean_error: float | None
    diverged: int


@dataclass(frozen=True, kw_only=True)
class SequenceTrial:
    """One network on one task of sequences, as in 1997: a configuration that any seed can run.

    States and partials are zeroed before each sequence. After every `check_every` training
    sequences the criterion is looked at.

    Parameters
    ----------
    learner : NetworkRecipe or another Recipe
        How to make the learner: a topology with its update rule, or a baseline of
        `lethe.baselines`.
    task : SequenceTask
        Where the sequences come from.
    criterion : Recent or Tested
        When it is solved.
    sequences : int
        The limit of training sequences. Training goes by pieces of `check_every`: the last one goes
        on beyond a limit that is no multiple of it.
    check_every : int
        Training sequences between two looks at the criterion.
    scored : {"all", "last", "ranks", "most_active", "certain"}
        Which errors count: at all steps with a target, at the last step of each sequence, or, at
        all steps, not the error but a margin, of the most active output among those whose target is
        0: such a task has at least 2 outputs. "ranks": over the least active of the others (below
        0: the possible next symbols are the most active outputs); "most_active": over the most
        active of them (below 0: the most active output is a possible symbol); "certain": the same
        where one symbol alone is possible.
    training_set : int
        This many sequences are drawn once, and training presents them in random order; the tests of
        `Tested` then go over them too. 0: every training sequence is a new one.
    passes : bool
        Whether the training set is presented in passes, each in an order of its own, as what learns
        by epochs wants it; `check_every` is a pass then. Else sequences are drawn one by one.
    test_task : SequenceTask, optional
        Where test sequences come from, by default `task`. A training set is tested with its table
        of targets.
    test_sequences : int
        New sequences for the result's test, at least 1.
    dtype : {"float32", "float64"}
        Of the network.
    growth : Growth, optional
        How the network is built while it learns; the criterion is looked at once it is. By default
        it has all its blocks from the start.

    Raises
    ------
    ValueError
        If a part is not what it should be, or parts do not fit.

    Examples
    --------
    >>> from lethe.tasks import TemporalOrder
    >>> from lethe import SGD, Topology
    >>> trial = SequenceTrial(
    ...     learner=NetworkRecipe(
    ...         Topology(inputs=8, outputs=4, blocks=2, cells_per_block=2), SGD(0.5)
    ...     ),
    ...     task=TemporalOrder(marks=2),
    ...     criterion=Recent(100),
    ...     sequences=300,
    ... )
    >>> result = trial.run(seed=1)
    >>> result.solved, result.training_sequences
    (False, 300)
    """

    learner: Recipe
    task: SequenceTask
    criterion: Criterion
    sequences: int
    check_every: int = 100
    scored: Scored = "all"
    training_set: int = 0
    passes: bool = False
    test_task: SequenceTask | None = None
    test_sequences: int = 2560
    dtype: FloatingName = "float64"
    growth: Growth | None = None

    def __post_init__(self) -> None:
        """Check the limits, and that all parts are what they should be and fit."""
        for name in ("sequences", "check_every", "training_set", "test_sequences"):
            least = int(name != "training_set")
            object.__setattr__(self, name, check_int(name, getattr(self, name), least))
        object.__setattr__(self, "scored", check_choice("scored", self.scored, SCORED))
        object.__setattr__(self, "passes", check_bool("passes", self.passes))
        object.__setattr__(self, "dtype", check_dtype(self.dtype))
        check_units(self.learner, self.task)
        self._check_scoring()
        if self.passes and self.check_every != self.training_set:
            raise ValueError(
                f"check_every must be the training set of {self.training_set} sequences where it "
                f"is presented in passes, got {self.check_every}"
            )
        self._check_growth()

    def _check_scoring(self) -> None:
        """What says when it is solved."""
        if not isinstance(self.criterion, Criterion):
            raise ValueError(f"criterion must be a Recent or a Tested, got {shown(self.criterion)}")
        # Of one output there is no other one that could be more active: no margin, and no error.
        if self.scored not in ("all", "last") and self.task.outputs < 2:
            raise ValueError(
                f'task must have at least 2 outputs where scored is "{self.scored}", '
                f"got {shown(self.task)} with {self.task.outputs}"
            )
        if self.test_task is not None:
            check_task("test_task", self.test_task)
            if not _same_units(self.test_task, self.task):
                raise ValueError(
                    f"test_task must have the {self.task.inputs} inputs and {self.task.outputs} "
                    f"outputs of {shown(self.task)}, got {shown(self.test_task)} with "
                    f"{self.test_task.inputs} and {self.test_task.outputs}"
                )

    def _check_growth(self) -> None:
        if self.growth is None:
            return
        if not isinstance(self.growth, Growth):
            raise ValueError(f"growth must be a Growth or None, got {shown(self.growth)}")
        blocks = self.network.topology.blocks
        if self.growth.blocks >= blocks:
            raise ValueError(
                f"growth must begin with fewer blocks than the network's {blocks}, "
                f"got {self.growth!r}"
            )
        if self.training_set:
            raise ValueError(f"training_set must be 0 with growth, got {self.training_set}")
        first = self.growth.task or self.task
        if not _same_units(first, self.task):
            raise ValueError(
                f"growth must have a task of {self.task.inputs} inputs and {self.task.outputs} "
                f"outputs, got {self.growth!r}"
            )

    @property
    def network(self) -> NetworkRecipe:
        """The learner's recipe, where it is that of a network."""
        return network_recipe(self.learner)

    def configuration(self) -> dict[str, object]:
        """All that a reader needs to run this again, as plain JSON values."""
        plain = {name: getattr(self, name) for name in ("sequences", "check_every", "scored")}
        return {
            **configuration_of(self.learner),
            **{name: repr(getattr(self, name)) for name in ("task", "criterion")},
            **plain,
            **{
                field.name: getattr(self, field.name)
                for field in fields(self)
                if field.name in ("training_set", "test_sequences", "dtype")
            },
            "test_task": None if self.test_task is None else repr(self.test_task),
            # What a trial does not have is not part of it.
            **({"passes": True} if self.passes else {}),
            **({"growth": repr(self.growth)} if self.growth else {}),
        }

    def run(self, seed: int, on_progress: OnProgress | None = None) -> SequenceResult:
        """Run the trial.

        Parameters
        ----------
        seed : int
            At least 0. Weights, training and tests each have a generator of their own that follows
            from it.
        on_progress : callable, optional
            Told with each piece of training how far it is, see `lethe.trials.progress`.

        Returns
        -------
        SequenceResult
        """
        return self.train(seed, on_progress)[0]

    def train(
        self, seed: int, on_progress: OnProgress | None = None
    ) -> tuple[SequenceResult, Learner]:
        """Run the trial, and return its last network too."""
        for_weights, for_training, for_tests, for_result = (
            np.random.default_rng(sequence)
            for sequence in np.random.SeedSequence(check_seed(seed)).spawn(4)
        )
        built = Construction(self.learner, self.growth, for_weights, self.dtype)
        training_set = _drawn(self.task, for_training, self.training_set)
        judge = self._judge(training_set, for_tests)
        done = steps = diverged = 0
        solved = False
        while done < self.sequences and not solved:
            net, task = built.learner, self._training_task(built)
            piece = self._training_piece(task, training_set, for_training)
            done += self.check_every
            if on_progress is not None:
                on_progress(min(done, self.sequences), self.sequences, "sequences")
            try:
                presented = self._present(net, piece, task, learn=True)
            except NotFiniteError:
                diverged += 1
                continue
            except DivergedError:
                return SequenceResult(False, done, steps, 1.0, None, diverged + 1), net
            steps += len(piece.starts)
            if built.complete:
                solved = judge(net, presented)
            else:
                built.look(float(presented.errors().mean.mean()))
        net = built.learner
        wrong, mean = 0, 0.0
        for tested in self._tests(for_result, self.test_sequences):
            errors = self._present(net, tested, self._test_task, learn=False).errors()
            wrong += errors.wrong(self.criterion.bound)
            mean += float(errors.mean.sum()) / self.test_sequences
        share = wrong / self.test_sequences
        return SequenceResult(solved, done, steps, share, mean, diverged), net

    def _judge(
        self, training_set: list[Steps], for_tests: np.random.Generator
    ) -> Callable[[Learner, Presented], bool]:
        """Whether the criterion is met, asked after each piece of training."""
        criterion = self.criterion
        if isinstance(criterion, Recent):
            recent = Errors(np.empty(0), np.empty(0))

            def judge_recent(net: Learner, presented: Presented) -> bool:
                nonlocal recent
                recent = Errors(
                    *(
                        np.append(old, new)[-criterion.sequences :]
                        for old, new in zip(recent, presented.errors(), strict=True)
                    )
                )
                enough = len(recent.mean) == criterion.sequences
                return enough and self._met(recent.wrong(criterion.bound), recent.mean.mean())

            return judge_recent
        held = list(self._tests(for_tests, criterion.sequences)) if criterion.fixed else None
        # Where no sequence may be wrong, the one that was wrong last says most soon.
        missed: list[Steps] = []

        def judge_tested(net: Learner, presented: Presented) -> bool:
            if held and missed and criterion.wrong == 0:
                shown = self._present(net, missed[0], self._test_task, learn=False)
                if shown.errors().wrong(criterion.bound):
                    return False
            sets = [held or self._tests(for_tests, criterion.sequences)]
            sets += [_pieces(training_set)] if training_set else []
            return all(self._passes(net, pieces, missed) for pieces in sets)

        return judge_tested

    def _passes(self, net: Learner, pieces: Iterable[Steps], missed: list[Steps]) -> bool:
        """Whether the frozen network passes a test, which ends when it no longer can."""
        wrong, means = 0, []
        for piece in pieces:
            errors = self._present(net, piece, self._test_task, learn=False).errors()
            wrong += errors.wrong(self.criterion.bound)
            if wrong > self.criterion.wrong:
                missed[:] = [_single(piece, int(errors.greatest.argmax()))]
                return False
            means.append(errors.mean)
        return self._met(wrong, float(np.concatenate(means).mean()))

    def _met(self, wrong: int, mean: float) -> bool:
        return wrong <= self.criterion.wrong and bool(mean < self.criterion.mean_error)

    @property
    def _test_task(self) -> SequenceTask:
        return self.test_task or self.task

    def _training_task(self, built: Construction) -> SequenceTask:
        if built.complete or self.growth is None:
            return self.task
        return self.growth.task or self.task

    def _training_piece(
        self, task: SequenceTask, training_set: list[Steps], generator: np.random.Generator
    ) -> Steps:
        if not training_set:
            return task.sequences(generator, self.check_every)
        if self.passes:
            return joined(
                [training_set[index] for index in generator.permutation(len(training_set))]
            )
        drawn = generator.integers(len(training_set), size=self.check_every)
        return joined([training_set[index] for index in drawn])

    def _tests(self, generator: np.random.Generator, n: int) -> Iterator[Steps]:
        """New test sequences, in pieces that grow."""
        size = _FIRST_PIECE
        while n:
            size = min(size, n)
            yield self._test_task.sequences(generator, size)
            n -= size
            size = min(4 * size, _LAST_PIECE)

    def _present(self, net: Learner, steps: Steps, task: SequenceTask, *, learn: bool) -> Presented:
        """Present sequences of a task, with a reset before each."""
        run = net.run(
            steps.inputs,
            steps.targets,
            target_table=task.target_table,
            has_target=steps.has_target,
            starts=steps.starts,
            reset_at_starts=True,
            learn=learn,
        )
        if not learn:
            net.reset()  # after frozen steps the partials belong to another past
        return Presented(steps, run["output"], task.target_table, self.scored)


def _same_units(one: SequenceTask, other: SequenceTask) -> bool:
    return (one.inputs, one.outputs) == (other.inputs, other.outputs)


def _drawn(task: SequenceTask, generator: np.random.Generator, n: int) -> list[Steps]:
    """`n` new sequences, one by one."""
    if n == 0:
        return []
    steps = task.sequences(generator, n)
    return [_single(steps, index) for index in range(n)]


def _single(steps: Steps, index: int) -> Steps:
    """One of some sequences."""
    bounds = np.append(np.flatnonzero(steps.starts), len(steps.starts))
    return steps.piece(int(bounds[index]), int(bounds[index + 1]))


def _pieces(sequences: list[Steps]) -> Iterator[Steps]:
    """Sequences joined into pieces that grow."""
    at, size = 0, _FIRST_PIECE
    while at < len(sequences):
        yield joined(sequences[at : at + size])
        at, size = at + size, min(4 * size, _LAST_PIECE)
