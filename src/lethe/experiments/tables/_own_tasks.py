"""Each system on the task it is known for, with the figure of its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lethe.baselines import system
from lethe.tasks import (
    Latch,
    Latching,
    Letters,
    LongLag,
    LowPass,
    MackeyGlass,
    Reber,
    SequenceTask,
    Tomita,
    Trajectories,
    TwoSequence,
    Words,
)
from lethe.trials.sequence import Criterion, SequenceTrial, Tested

__all__ = ["OWN", "OwnTask"]


@dataclass(frozen=True)
class OwnTask:
    """A system's own task.

    Attributes
    ----------
    title : str
        The task, in at most 24 characters.
    figure : str
        What its source reports, in at most 23 characters. An asterisk: unverified.
    trial : SequenceTrial
        The system on it.
    """

    title: str
    figure: str
    trial: SequenceTrial


def _trial(
    name: str,
    task: SequenceTask,
    criterion: Criterion,
    sequences: int,
    *,
    units: str = "logistic",
    options: dict[str, Any] | None = None,
    check_every: int = 100,
    scored: Literal["all", "last", "ranks"] = "all",
    training_set: int = 0,
    passes: bool = False,
    test_task: SequenceTask | None = None,
) -> SequenceTrial:
    return SequenceTrial(
        learner=system(
            name, inputs=task.inputs, outputs=task.outputs, output_units=units, **(options or {})
        ),
        task=task,
        criterion=criterion,
        sequences=sequences,
        check_every=check_every,
        scored=scored,
        training_set=training_set,
        passes=passes,
        test_task=test_task,
        test_sequences=256,
        dtype="float32",
    )


_ANY = float("inf")  # No bound for single errors.

#: By system.
OWN: dict[str, OwnTask] = {
    "focused": OwnTask("DEAR, DEAN, BEAR, BEAN", "", _trial(
        "focused", Words(), Tested(64, 0.4), 10_000,
        options={"units": 2, "hidden": 0, "optimizer": "sgd", "rate": 0.1, "momentum": 0.9},
    )),
    "sun": OwnTask("warped trajectories", "100 passes", _trial(
        "sun", Trajectories(), Tested(200, 0.0, wrong=4), 4_000, units="softmax",
        options={"units": 8, "longest": 64}, check_every=200, scored="ranks",
        training_set=40, test_task=Trajectories(10, 60, 239),
    )),
    "tdnn": OwnTask("Mackey-Glass, 6 ahead", "", _trial(
        "tdnn", MackeyGlass(), Tested(500, _ANY, mean_error=0.011), 20_000, units="linear",
        options={"units": 8, "input_taps": 7, "hidden_taps": 13}, check_every=500,
        test_task=MackeyGlass(held_out=True),
    )),
    "narx": OwnTask("latching, 60 steps", "2 or 3 times as far", _trial(
        "narx", Latching(60), Tested(256, 0.4), 10_000,
        options={"hidden": 0, "delays": 6, "optimizer": "sgd", "rate": 0.4},
    )),
    "weighted_sums": OwnTask("8 sequences of letters", "", _trial(
        "weighted_sums", Letters(1000), Tested(64, 0.0), 2_000, units="softmax",
        options={"rate": 0.03, "longest": 20}, check_every=8, scored="ranks",
    )),
    "gamma": OwnTask("elliptic low-pass filter", "", _trial(
        "gamma", LowPass(1000), Tested(20, _ANY, mean_error=0.3), 200, units="linear",
        options={"hidden": 0, "taps": 3, "mu": 1.0, "rate": 0.001}, check_every=5,
    )),
    "elman": OwnTask("Reber grammar", "20,000*", _trial(
        "elman", Reber("next"), Tested(256, 0.0), 60_000, options={"units": 15, "rate": 0.05},
        check_every=500, scored="ranks", test_task=Reber("possible"),
    )),
    "cascade": OwnTask("Reber grammar", "25,000*", _trial(
        "cascade", Reber("next"), Tested(256, 0.0), 60_000, options={"units": 6, "epoch": 128},
        check_every=128, scored="ranks", training_set=128, passes=True,
        test_task=Reber("possible"),
    )),
    "ring": OwnTask("Reber grammar", "206*", _trial(
        "ring", Reber("next"), Tested(128, 0.0), 2_000, units="linear", options={"capacity": 40},
        check_every=4, scored="ranks", test_task=Reber("possible"),
    )),
    "second_order": OwnTask("Tomita's language 5", "any length", _trial(
        "second_order", Tomita(5), Tested(50, 0.5), 20_000,
        options={"rate": 1.0, "longest": 16}, check_every=250, test_task=Tomita(5, longest=1000),
    )),
    "chunker": OwnTask("a lag of 20 steps", "under 5,000, 13 of 17", _trial(
        "chunker", LongLag(20), Tested(100, 0.5), 15_000, scored="last",
    )),
    "time_constants": OwnTask("a gap of 8 symbols", "2,624 (1,312 epochs)*", _trial(
        "time_constants", LongLag(9), Tested(32, 0.0), 20_000,
        options={"taus": [0.0] * 5 + [0.8] * 5, "rate": 0.2, "optimizer": "sgd", "longest": 9},
        scored="ranks",
    )),
    "annealing": OwnTask("latch problem, T = 100", "1,600 (several methods)", _trial(
        "annealing", Latch(100), Tested(256, 0.4, wrong=2), 20_000, training_set=20,
        options={"batch": 20, "temperature": 0.1, "reach": 1.0},
    )),
    "grid_search": OwnTask("latch problem, T = 100", "1,600 (several methods)", _trial(
        "grid_search", Latch(100), Tested(256, 0.4, wrong=2), 20_000,
    )),
    "pseudo_newton": OwnTask("latch problem, T = 20", "1,600 (several methods)", _trial(
        "pseudo_newton", Latch(20), Tested(256, 0.4, wrong=2), 5_000, options={"units": 1},
    )),
    "guessing": OwnTask("latch problem, T = 100", "6 draws, T = 500-600", _trial(
        "guessing", Latch(100), Tested(256, 0.4, wrong=2), 40_000, options={"bound": 0.3},
    )),
    "iohmm": OwnTask("two-sequence, T = 100", "solved*", _trial(
        "iohmm", TwoSequence(100), Tested(256, 0.2), 10_000, check_every=64,
    )),
}  # fmt: skip
