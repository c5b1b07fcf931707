"""What tasks and streams are given: sizes, generators, numbers of sequences and steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lethe import tasks
from lethe.tasks import (
    Adding,
    Continual,
    DelayedCopy,
    EmbeddedReber,
    LastTarget,
    LongLag,
    Lorenz,
    MackeyGlass,
    Periodic,
    PeriodicStream,
    Reber,
    ReberStream,
    SequenceStream,
    SpikeDelays,
    TemporalOrder,
    Tomita,
    Trajectories,
    TwoSequence,
)

TASKS = [
    *(getattr(tasks, name)() for name in (
        "Adding", "DelayedCopy", "Latch", "Latching", "Letters", "LongLag", "LowPass",
        "MackeyGlass", "MemoryChain", "Multiplication", "Sine", "SpikeDelays", "TemporalOrder",
        "Trajectories", "TwoSequence", "VeryLongLag", "Words",
    )),
    EmbeddedReber("next"), LastTarget(LongLag(5)), Lorenz(T=20), Reber("possible"), Tomita(5),
]  # fmt: skip
SIZES = [
    ("Adding", "T"), ("DelayedCopy", "T"), ("DelayedCopy", "lag"), ("Latch", "T"),
    ("Latching", "T"), ("LongLag", "p"), ("Lorenz", "T"), ("Lorenz", "ahead"), ("LowPass", "T"),
    ("MemoryChain", "n"), ("Multiplication", "T"), ("Periodic", "period"), ("Sine", "T"),
    ("Sine", "ahead"), ("SpikeDelays", "interval"), ("Trajectories", "longest"),
    ("TwoSequence", "T"), ("VeryLongLag", "p"), ("VeryLongLag", "q"),
]  # fmt: skip


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_sequences_are_drawn_by_a_generator_and_not_without_end(task: Any) -> None:
    for generator in (None, 1, np.random.RandomState(1), np.random.Generator):
        with pytest.raises(ValueError, match=r"generator must be a numpy\.random\.Generator"):
            task.sequences(generator, 1)
    draw = np.random.default_rng(1)
    for n in (10**30, 10**9, -1, 1.5, True, None):
        with pytest.raises(
            ValueError, match=r"n must be a whole number from 0 to [\d,]+ sequences"
        ):
            task.sequences(draw, n)
    none = task.sequences(draw, 0)
    one = task.sequences(draw, np.int64(1))
    assert len(none.starts) == len(none.inputs) == len(none.targets) == 0
    assert none.inputs.shape[1:] == one.inputs.shape[1:]
    assert np.flatnonzero(one.starts).tolist() == [0]


@pytest.mark.parametrize(("name", "size"), SIZES)
def test_sizes_have_a_bound(name: str, size: str) -> None:
    for value in (2**63 - 1, 10**30, 1_000_001):
        with pytest.raises(ValueError, match=f"{size} must be a whole number from"):
            getattr(tasks, name)(**{size: value})


@pytest.mark.parametrize("stream", [Periodic()(), ReberStream(1), Continual(Adding(20))(1)])
@pytest.mark.parametrize("n", [1.5, True, None, "1", -1])
def test_streams_go_on_by_whole_numbers(stream: Any, n: Any) -> None:
    for method in (stream.look, stream.advance):
        with pytest.raises(ValueError, match="n must be a whole number"):
            method(n)


def test_a_stream_hands_out_what_fits_in_memory() -> None:
    for method in (ReberStream(1).take, ReberStream(1).strings):
        with pytest.raises(ValueError, match="n must be a whole number from"):
            method(10**30)


@pytest.mark.parametrize("seed", [None, "1", -1, 1.5, True])
@pytest.mark.parametrize("make", [ReberStream, Continual(Adding(20))])
def test_a_stream_follows_from_its_seed(make: Any, seed: Any) -> None:
    with pytest.raises(ValueError, match="seed must be a whole number"):
        make(seed)


@pytest.mark.parametrize("task", [None, 1, Adding, Periodic(), LongLag(5).sequences])
@pytest.mark.parametrize("make", [LastTarget, Continual, SequenceStream])
def test_what_is_made_of_a_task_needs_one(make: Any, task: Any) -> None:
    with pytest.raises(
        ValueError, match=r"task must be a task, .* inputs, outputs, target_table, sequences, got"
    ):
        make(task)


def test_a_stream_of_a_wave_needs_one() -> None:
    with pytest.raises(ValueError, match=r"task must be a lethe\.tasks\.Periodic, got 1"):
        PeriodicStream(1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "name", "text"),
    [
        (Periodic, "wave", "cosine"),
        (LongLag, "distractors", "random"),
        (TwoSequence, "kind", "b"),
        (EmbeddedReber, "targets", "next"),
        (Reber, "targets", "next"),
    ],
)
def test_texts_of_numpy_become_plain_ones(make: Any, name: str, text: str) -> None:
    task = make(**{name: np.str_(text)})
    assert type(getattr(task, name)) is str
    assert repr(task) == repr(make(**{name: text}))
    for other in (np.array([text, text]), [text], None, 1):
        with pytest.raises(ValueError, match=f"{name} must be one of .*{text}"):
            make(**{name: other})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tomita([1]), "n must be a whole number from 1 to 7"),  # type: ignore[arg-type]
        (lambda: TemporalOrder(2.0), "marks must be"),  # type: ignore[arg-type]
        (lambda: Trajectories(warp="x"), "warp must be"),  # type: ignore[arg-type]
        (lambda: MackeyGlass(held_out=5), "held_out must be True or False"),  # type: ignore[arg-type]
        (lambda: SpikeDelays(delays=(10**30,)), "delays must be"),
        (lambda: DelayedCopy(T=10, lag=6), "T must be a whole number from 12 to 1,000,000"),
    ],
)
def test_other_parts(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
