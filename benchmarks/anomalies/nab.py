"""The score of the Numenta Anomaly Benchmark, written from its description.

Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms – the Numenta Anomaly
Benchmark", ICMLA 2015, and what https://github.com/numenta/NAB does where the paper leaves it open:

- nothing counts in the first 15 % of a file, 750 rows at most;
- of the detections in a window the earliest counts, from 1 at the window's left end down the
  sigmoid to nearly 0 at its right end; a window without any costs as much as the profile says;
- every detection outside costs, right after a window little, and all that the profile says from
  three widths on, or where no window came before;
- one threshold for all files, the best for the profile;
- 0 is a detector that detects nothing, 100 is one that detects every window at its left end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from common import Values

__all__ = ["PROFILES", "File", "Profile", "Result", "corpus_score", "file_score", "probation"]


@dataclass(frozen=True)
class Profile:
    """What an application gains by a window that is found, and loses by the two errors."""

    found: float
    false: float
    missed: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP_rate": Profile(1.0, 0.22, 1.0),
    "reward_low_FN_rate": Profile(1.0, 0.11, 2.0),
}


@dataclass(frozen=True)
class File:
    """A file's scores, and the first and the last row of each of its windows."""

    scores: Values
    windows: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Result:
    """The score of a detector over all files.

    Attributes
    ----------
    score : float
        From 0, nothing detected, to 100.
    threshold : float
        A row is a detection if its score is at least this; infinite if none should be.
    total : float
        The sum over the files before it is normalized.
    found, windows : int
        How many windows have a detection, of how many.
    false : int
        Detections outside of the windows.
    """

    score: float
    threshold: float
    total: float
    found: int
    windows: int
    false: int

    def record(self) -> dict[str, float | None]:
        """As it is kept; null where no score was to be a detection, as JSON has no infinity."""
        return {**asdict(self), "threshold": self.threshold if self.false or self.found else None}


def probation(rows: int) -> int:
    """How many rows at the beginning of a file do not count.

    Examples
    --------
    >>> probation(1127), probation(22695)
    (169, 750)
    """
    return int(0.15 * min(rows, 5000))


def sigmoid(position: Values) -> Values:
    """What a detection is worth at a position: -1 is a window's left end, 0 its right end.

    Examples
    --------
    >>> sigmoid(np.array([-1.0, 0.0, 3.0])).round(5).tolist()
    [0.98661, 0.0, -1.0]
    """
    worth: Values = 2 / (1 + np.exp(5 * position)) - 1
    return np.where(position >= 3, -1.0, worth)


def worth(rows: int, windows: Sequence[tuple[int, int]], profile: Profile) -> Values:
    """What a detection in each row adds to the sum, if it is the only one."""
    position = np.full(rows, 3.0)
    for first, last in sorted(windows):
        # Of a window of one row there is no distance in widths; the benchmark has none.
        width = max(last - first, 1)
        position[last + 1 :] = np.arange(1, rows - last) / width
    gains = sigmoid(position) * profile.false
    for first, last in windows:
        inside = -np.arange(last - first + 1, 0, -1) / (last - first + 1)
        gains[first : last + 1] = sigmoid(inside) / sigmoid(np.array(-1.0)) * profile.found
    return gains


@dataclass(frozen=True)
class _Steps:
    """What changes where the threshold comes down to a score."""

    scores: Values
    gains: Values
    found: Values
    false: Values


def _steps(file: File, profile: Profile) -> _Steps:
    rows, start = len(file.scores), probation(len(file.scores))
    gains = worth(rows, file.windows, profile)
    outside = np.arange(rows) >= start
    parts = []
    for first, last in _counted(file):
        outside[first : last + 1] = False
        # As the threshold comes down, the earliest detection moves forward through the rows that
        # have a higher score than all before them in the window.
        inside = file.scores[first : last + 1]
        highest = np.maximum.accumulate(inside)
        records = np.flatnonzero(np.diff(highest, prepend=-math.inf) > 0)[::-1]
        reached = gains[first + records]
        changes = np.diff(reached, prepend=-profile.missed)
        new = np.zeros(len(records))
        new[0] = 1
        parts.append((inside[records], changes, new, np.zeros(len(records))))
    for first, last in file.windows:
        outside[first : last + 1] = False
    places = np.flatnonzero(outside)
    parts.append((file.scores[places], gains[places], np.zeros(len(places)), np.ones(len(places))))
    scores, changes, found, false = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Steps(scores, changes, found, false)


def _counted(file: File) -> list[tuple[int, int]]:
    """The windows, without what of them does not count."""
    start = probation(len(file.scores))
    return [(max(first, start), last) for first, last in file.windows if last >= start]


def file_score(file: File, threshold: float, profile: Profile) -> float:
    """A file's part of the sum, at a threshold, not normalized: what the benchmark records.

    Examples
    --------
    >>> scores = np.zeros(1000)
    >>> scores[500] = 1.0
    >>> file_score(File(scores, [(500, 599)]), 0.5, PROFILES["standard"])
    1.0
    """
    steps = _steps(file, profile)
    reached = float(steps.gains[steps.scores >= threshold].sum())
    return reached - profile.missed * len(_counted(file))


def corpus_score(files: Sequence[File], profile: Profile) -> Result:
    """The score over all files, at the threshold that is the best for them.

    Parameters
    ----------
    files : sequence of File
        The scores of one detector.
    profile : Profile
        One of `PROFILES`.

    Returns
    -------
    Result
        Its score is NaN where no file has a window.

    Examples
    --------
    >>> scores = np.zeros(1000)
    >>> scores[[300, 500]] = 0.5, 1.0
    >>> corpus_score([File(scores, [(500, 599)])], PROFILES["standard"]).score
    100.0
    """
    steps = [_steps(file, profile) for file in files]
    scores = np.concatenate([step.scores for step in steps])
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)

    def sums(columns: list[Values]) -> Values:
        """At each threshold, of which the first detects nothing."""
        return np.concatenate([[0.0], np.cumsum(np.concatenate(columns)[order])[ends]])

    windows = sum(len(_counted(file)) for file in files)
    gained = sums([step.gains for step in steps])
    best = int(np.argmax(gained))
    perfect = windows * (profile.found + profile.missed)
    return Result(
        score=float(100 * gained[best] / perfect) if windows else math.nan,
        threshold=float(scores[ends[best - 1]]) if best else math.inf,
        total=float(gained[best]) - profile.missed * windows,
        found=int(sums([step.found for step in steps])[best]),
        windows=windows,
        false=int(sums([step.false for step in steps])[best]),
    )
