"""The most anomalous events of a stream, and how many there were, in constant memory."""

from __future__ import annotations

from typing import NamedTuple

from lethe.cli._support.alarm_log import AlarmLog
from lethe.storage.fields import Fields, is_integer, list_of

__all__ = ["SCORES", "Anomaly", "AnomalyLog"]

SCORES = (0.99, 0.999)  # from which events are counted

_MOST = 10  # that are named
_GAP = 20  # anomalous events no further apart are one episode, named by its most anomalous


class Anomaly(NamedTuple):
    """One event.

    Attributes
    ----------
    score : float
        From `SCORES` [0] to 1.
    line : int
        Its line or row in the source.
    explanation : str
    """

    score: float
    line: int
    explanation: str


def _rank(anomaly: Anomaly) -> tuple[float, int, str]:
    return -anomaly.score, anomaly.line, anomaly.explanation


class AnomalyLog:
    """Counts events by their scores, and remembers the most anomalous episodes.

    Attributes
    ----------
    counts : list of int
        Events with at least each of `SCORES`.
    alarms : AlarmLog
        What they were part of.
    """

    def __init__(self) -> None:
        self.counts = [0] * len(SCORES)
        self.alarms = AlarmLog()
        self._episodes: list[Anomaly] = []  # that are over
        self._current: Anomaly | None = None
        self._last_event = 0  # of the current episode

    def add(self, anomaly: Anomaly, event: int) -> None:
        """Take in an event whose score is at least the first of `SCORES`.

        Parameters
        ----------
        anomaly : Anomaly
        event : int
            The number of events so far, this one included.
        """
        self.counts = [
            count + (anomaly.score >= score)
            for count, score in zip(self.counts, SCORES, strict=True)
        ]
        if self._current is not None and event - self._last_event <= _GAP:
            self._current = min(self._current, anomaly, key=_rank)
        else:
            self._episodes = self.most_anomalous()
            self._current = anomaly
        self._last_event = event

    def most_anomalous(self) -> list[Anomaly]:
        """Return the most anomalous event of each of the most anomalous episodes."""
        current = [] if self._current is None else [self._current]
        return sorted([*self._episodes, *current], key=_rank)[:_MOST]

    def to_state(self) -> dict[str, object]:
        """Return all of it as JSON."""
        return {
            "counts": self.counts,
            "episodes": [list(anomaly) for anomaly in self._episodes],
            "current": None if self._current is None else list(self._current),
            "last_event": self._last_event,
            "alarms": self.alarms.to_state(),
        }

    @classmethod
    def from_state(cls, state: object, events: int) -> AnomalyLog:
        """Return the log that `to_state` wrote after so many events.

        Raises
        ------
        ValueError
            If it is none.
        """
        names = ("counts", "episodes", "current", "last_event", "alarms")
        fields = Fields("anomalies", state, names)

        def count(value: object) -> int:
            if type(value) is not int or not is_integer(value, 0, events):
                raise ValueError(f"anomalies: counts must be from 0 to {events}, got {value!r:.40}")
            return value

        log = cls()
        log.counts = list_of("anomalies: counts", fields["counts"], len(SCORES), count)
        log._episodes = list_of("anomalies: episodes", fields["episodes"], None, _anomaly)
        log._current = fields.optional("current", lambda key: _anomaly(fields[key]))
        log.alarms = AlarmLog.from_state(fields["alarms"], events)
        log._last_event = fields.integer("last_event", 0, events)
        known = len(log._episodes) + (log._current is not None)
        if log.counts != sorted(log.counts, reverse=True) or known > log.counts[0]:
            raise ValueError("anomalies: counts must be of the episodes, got others")
        if len(log._episodes) > _MOST or log._episodes != sorted(log._episodes, key=_rank):
            raise ValueError(f"anomalies: episodes must be at most {_MOST} in order, got others")
        if (log._current is None) != (log.counts[0] == 0):
            raise ValueError("anomalies: current must be there where an event was anomalous")
        return log


def _anomaly(value: object) -> Anomaly:
    match value:
        case [float(score), int(line), str(explanation)] if SCORES[0] <= score <= 1 and is_integer(
            line, 1
        ):
            return Anomaly(score, line, explanation)
    raise ValueError(f"anomalies must be score, line and explanation, got {value!r:.40}")
