"""A learner on one signal: what its four errors are of."""

import json
from typing import Any

import numpy as np
import pytest

from lethe.core.network import Run
from lethe.core.topology import Topology
from lethe.core.updates import RMSprop
from lethe.tasks import DelayedCopy, Sine
from lethe.trials.learner import DivergedError, NetworkRecipe
from lethe.trials.signal import SignalTrial

Array = np.ndarray[Any, Any]
TOPOLOGY = Topology(inputs=1, outputs=1, blocks=4, output_units="linear")
TRIAL = SignalTrial(learner=NetworkRecipe(TOPOLOGY, RMSprop(0.003)), task=Sine(T=5000))


class Wrong:
    """Predicts the target and something that depends on the step, and on whether it learns."""

    inputs = outputs = 1

    def __init__(self) -> None:
        self.at = 0

    def configuration(self) -> dict[str, Any]:
        return {"name": "wrong"}

    def learner(self, seed: Any, dtype: str = "float64") -> Any:
        return Wrong()

    def clone(self) -> Any:
        other = Wrong()
        other.at = self.at
        return other

    def reset(self) -> None:
        raise AssertionError

    def run(self, inputs: Array, targets: Array, **options: Any) -> Run:
        steps = self.at + np.arange(len(inputs))
        self.at += len(inputs)
        apart = steps / 1000.0 if options["learn"] else np.full(len(inputs), 7.0)
        return Run(len(inputs), False, {"output": targets + apart[:, None]})


def test_errors_are_of_the_tenths_around_the_change_and_at_the_end() -> None:
    trial = SignalTrial(learner=Wrong(), task=Sine(T=5000))
    result = trial.run(seed=3)
    signal = np.random.default_rng(np.random.SeedSequence(3).spawn(2)[1])
    targets = trial.task.sequences(signal, 1).targets

    def expected(start: int, stop: int) -> float:
        squares = (np.arange(start, stop) / 1000.0) ** 2
        return float(squares.mean() / targets[start:stop].var())

    assert result.before == pytest.approx(expected(2000, 2500), rel=1e-12)
    assert result.after == pytest.approx(expected(2500, 3000), rel=1e-12)
    assert result.late == pytest.approx(expected(4500, 5000), rel=1e-12)
    assert result.frozen == pytest.approx(49 / targets[4500:].var(), rel=1e-12)
    assert result.diverged == 0


def test_only_targets_count() -> None:
    task = DelayedCopy(T=5000, lag=5)
    result = SignalTrial(learner=Wrong(), task=task).run(seed=3)
    steps = task.sequences(np.random.default_rng(np.random.SeedSequence(3).spawn(2)[1]), 1)
    assert steps.has_target is not None
    at = np.flatnonzero(steps.has_target)
    at = at[at >= 4500]
    expected = ((at / 1000.0) ** 2).mean() / steps.targets[at].var()
    assert result.late == pytest.approx(expected, rel=1e-12)
    assert (result.before, result.after, result.frozen) == (None, None, None)


def test_targets_that_are_all_the_same_have_no_errors() -> None:
    task = DelayedCopy(T=100, lag=50)  # one target, and none in the last tenth
    result = SignalTrial(learner=Wrong(), task=task).run(seed=3)
    assert result.late is None


def test_it_learns_both_periods() -> None:
    result = TRIAL.run(seed=1)
    assert result == TRIAL.run(seed=1)
    assert result.before is not None
    assert result.late is not None
    assert max(result.before, result.late) < 0.1
    json.dumps(TRIAL.configuration(), allow_nan=False)


class Breaking(Wrong):
    """Has no number left after three thousand steps."""

    def learner(self, seed: Any, dtype: str = "float64") -> Any:
        return Breaking()

    def clone(self) -> Any:
        return self

    def run(self, inputs: Array, targets: Array, **options: Any) -> Run:
        self.at += len(inputs)
        if self.at > 3000:
            raise DivergedError("no longer finite")
        return Run(len(inputs), False, {"output": targets})


def test_a_learner_without_numbers_has_no_errors() -> None:
    result = SignalTrial(learner=Breaking(), task=Sine(T=5000)).run(seed=1)
    assert (result.before, result.late, result.diverged) == (None, None, 1)


def test_learner_and_task_must_fit() -> None:
    topology = Topology(inputs=2, outputs=1)
    with pytest.raises(ValueError, match="learner must have the 1 inputs and 1 outputs"):
        SignalTrial(learner=NetworkRecipe(topology, RMSprop(0.1)), task=Sine())
