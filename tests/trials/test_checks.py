"""What trials are made of: what is no such part is refused when the trial is made."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lethe.core.topology import Topology
from lethe.core.updates import SGD
from lethe.experiments.analyses.error_flow import MemoryBlocks, SimpleRecurrent
from lethe.tasks import (
    Adding,
    Continual,
    EmbeddedReber,
    LongLag,
    Periodic,
    PeriodicStream,
    ReberStream,
    Sine,
    Steps,
)
from lethe.trials.continual import Trial
from lethe.trials.criteria import SCORED, Recent
from lethe.trials.criteria import Tested as OnTests
from lethe.trials.growth import Growth
from lethe.trials.learner import NetworkRecipe
from lethe.trials.sequence import SequenceTrial
from lethe.trials.signal import SignalTrial
from lethe.trials.text import TextTrial


def recipe(inputs: int, outputs: int, blocks: int = 1, **parts: Any) -> NetworkRecipe:
    return NetworkRecipe(Topology(inputs=inputs, outputs=outputs, blocks=blocks, **parts), SGD(0.1))


SEQUENCES = SequenceTrial(
    learner=recipe(2, 1, blocks=2), task=Adding(20), criterion=Recent(10), sequences=20,
    check_every=10, test_sequences=8,
)  # fmt: skip
STREAM = Trial(learner=recipe(7, 7), training_streams=3, stream_length=50, test_streams=1)
SIGNAL = SignalTrial(learner=recipe(1, 1), task=Sine(T=100))
TEXT = TextTrial(learner=recipe(2, 2, output_units="softmax"), text=b"abab")
TRIALS = [SEQUENCES, STREAM, SIGNAL, TEXT]


def refused(trial: Any, message: str, **parts: Any) -> None:
    with pytest.raises(ValueError, match=message) as refusal:
        replace(trial, **parts)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: type(trial).__name__)
def test_what_all_trials_have(trial: Any) -> None:
    for learner in (None, 1, NetworkRecipe, trial.learner.learner(1)):
        refused(trial, "learner must be a NetworkRecipe or", learner=learner)
    for dtype in ("float16", "int8", None, 1):
        refused(trial, "dtype must be float32 or float64", dtype=dtype)
    plain = replace(trial, dtype=np.dtype("float32"))
    assert json.dumps(plain.configuration()) == json.dumps(
        replace(trial, dtype="float32").configuration()
    )


@pytest.mark.parametrize("seed", [None, True, [1, 2], -1, 1.5, "1", np.array([1])])
@pytest.mark.parametrize(
    "trial",
    [*TRIALS, SimpleRecurrent(), MemoryBlocks(topology=Topology(inputs=8, outputs=1))],
    ids=lambda trial: type(trial).__name__,
)
def test_a_seed_is_a_whole_number(trial: Any, seed: Any) -> None:
    with pytest.raises(ValueError, match="seed must be a whole number of at least 0, got"):
        trial.run(seed)


def test_a_seed_of_numpy_is_the_same_seed() -> None:
    assert all(trial.run(np.int64(3)) == trial.run(3) for trial in TRIALS)


@pytest.mark.parametrize("task", [None, 1, Adding, Periodic(), ReberStream(1)])
def test_a_task_is_a_task(task: Any) -> None:
    for trial in (SEQUENCES, SIGNAL):
        refused(trial, "task must be a task", task=task)
    with pytest.raises(ValueError, match="task must be a task"):
        Growth(task=1 if task is None else task)
    if task is not None:
        refused(SEQUENCES, "test_task must be a task", test_task=task)


def test_a_signal_has_a_length_and_a_change() -> None:
    refused(SIGNAL, "task must be a task, .* sequences, T, change, got Adding", task=Adding(20))


def test_tests_are_of_the_tasks_sizes() -> None:
    message = (
        r"test_task must have the 2 inputs and 1 outputs of Adding\(T=20\), "
        r"got LongLag\(p=5, distractors='fixed'\) with 6 and 6"
    )
    refused(SEQUENCES, message, test_task=LongLag(5))
    assert replace(SEQUENCES, test_task=Adding(30)).run(1).training_sequences == 20


@pytest.mark.parametrize("scored", SCORED)
def test_margins_need_outputs_to_be_between(scored: Any) -> None:
    if scored in ("all", "last"):
        assert replace(SEQUENCES, scored=scored).scored == scored
        return
    message = rf'task must have at least 2 outputs where scored is "{scored}", got Adding\(T=20\)'
    refused(SEQUENCES, message, scored=scored)
    many = {"task": EmbeddedReber("next"), "learner": recipe(7, 7)}
    given = replace(SEQUENCES, scored=np.str_(scored), **many)
    assert type(given.scored) is str


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        *[({"criterion": c}, "criterion must be a Recent or a Tested") for c in (None, 1, Recent)],
        ({"passes": 1, "training_set": 10}, "passes must be True or False"),
        *[({"growth": g}, "growth must be a Growth or None") for g in (1, True, Growth)],
        ({"test_sequences": 0}, "test_sequences must be a whole number of at least 1, got 0"),
    ],
)
def test_what_trials_of_sequences_have(parts: dict[str, Any], message: str) -> None:
    refused(SEQUENCES, message, **parts)


FLAGS = ("external_reset", "zero_at_stream_start", "learn_from_error")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        *[({flag: v}, f"{flag} must be True or False") for flag in FLAGS for v in (1, "x", None)],
        *[({"bound": v}, "bound must be") for v in ("x", True, None, np.inf, np.nan, [0.49])],
        *[({"penalty": v}, "penalty must be a WeightDecay") for v in ("x", 0.1, SGD(0.1))],
        *[
            ({"stream": v}, "stream must make a source of events")
            for v in (None, 1, Adding, Adding(20), Continual, Periodic, ReberStream(1), int)
        ],
    ],
)
def test_what_trials_of_streams_have(parts: dict[str, Any], message: str) -> None:
    refused(STREAM, message, **parts)


class Silent(PeriodicStream):
    """Shows nothing, or steps without a target."""

    steps = 0

    def __init__(self, seed: Any) -> None:
        super().__init__(Periodic())

    def look(self, n: int) -> Steps:
        return super().look(5).piece(0, self.steps)._replace(has_target=np.zeros(self.steps, bool))


class Targetless(Silent):
    steps = 5


@pytest.mark.parametrize("stream", [Silent, Targetless])
def test_a_stream_that_has_nothing_to_predict_ends_its_trial(stream: Any) -> None:
    trial = replace(STREAM, learner=recipe(1, 1), stream=stream)
    with pytest.raises(ValueError, match=r"look of stream must .* got \d steps with none"):
        trial.run(1)


@pytest.mark.parametrize("kind", [Recent, OnTests])
@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("sequences", (0, -1, 1.5, "x", None, True), "must be a whole number of at least 1"),
        ("wrong", (-1, 0.5, None, True, 2000, 3000), "must be a whole number from 0 to"),
        ("bound", (-0.1, np.nan, "x", None, True, [0.3]), "must be a number of at least 0"),
        ("mean_error", (0, -1.0, np.nan, "x", None, True), "must be a number above 0"),
    ],
)
def test_the_numbers_of_a_criterion(kind: Any, name: str, values: Any, message: str) -> None:
    for value in values:
        with pytest.raises(ValueError, match=f"^{name} {message}"):
            kind(**{name: value})


def test_a_criterion_is_as_it_was_given() -> None:
    """Its representation is part of configurations."""
    text = "Tested(sequences=64, bound=0, wrong=63, mean_error=1, fixed=True)"
    assert repr(OnTests(64, 0, 63, 1, True)) == text
    given = OnTests(
        np.int64(64), np.float64(0.5), np.int32(3), np.float64(np.inf), np.bool_(True)  # type: ignore[arg-type]
    )  # fmt: skip
    text = "Tested(sequences=64, bound=0.5, wrong=3, mean_error=inf, fixed=True)"
    assert repr(given) == text
    assert (
        repr(Recent(bound=np.inf)) == "Recent(sequences=2000, bound=inf, wrong=0, mean_error=inf)"
    )
    for fixed in (1, "x", None):
        with pytest.raises(ValueError, match="fixed must be True or False"):
            OnTests(fixed=fixed)


def test_the_last_piece_goes_on_and_its_progress_does_not() -> None:
    told: list[Any] = []
    result = replace(SEQUENCES, sequences=15).run(1, on_progress=lambda *at: told.append(at))
    assert result.training_sequences == 20
    assert told == [(10, 15, "sequences"), (15, 15, "sequences")]
