"""Lethe's detector: a model with its defaults, one event ahead, in one pass."""

from __future__ import annotations

import numpy as np
from common import Scored, Stream

import lethe

__all__ = ["ALARMS", "model_scores"]

#: Three times the default's rate; run.py says what was seen at either.
ALARMS = lethe.AlarmRule(rate=3e-3)


def begun(report: lethe.Report) -> float:
    """The score of an alarm that begins with an event, else 0.

    Examples
    --------
    >>> begun(lethe.Report(None))
    0.0
    """
    alarm = report.alarm
    return alarm.score if alarm is not None and alarm.state == "begin" else 0.0


def model_scores(stream: Stream) -> Scored:
    """Scores and alarms of `lethe.Model`; a score is 0 where it has none.

    Parameters
    ----------
    stream : Stream
        Every column is a target; times, if there are any, are an input.

    Returns
    -------
    Scored
    """
    count = stream.values.shape[1]
    names = ["value"] if count == 1 else [f"value_{n}" for n in range(count)]
    model = lethe.Model(
        names[0] if count == 1 else names,
        horizon=1,
        time="time" if stream.times else None,
        alarms=ALARMS,
    )
    scores, alarms = [], []
    for place, row in enumerate(stream.values.tolist()):
        event: dict[str, float | str] = dict(zip(names, row, strict=True))
        if stream.times:
            event["time"] = stream.times[place]
        report = model.learn(event)
        scores.append(report.anomaly)
        alarms.append(begun(report))
    return Scored(np.nan_to_num(np.array(scores), nan=0.0), np.array(alarms))
