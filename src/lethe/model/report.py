"""What a model noticed when it took an event in."""

from __future__ import annotations

from dataclasses import dataclass

from lethe.model.alarms import Alarm, short
from lethe.model.prediction import Prediction

__all__ = ["Report"]


@dataclass(slots=True)
class Report:
    """What a model noticed when it learned from an event.

    Attributes
    ----------
    prediction : Prediction or None
        What it had expected of this event before it saw its target.
    anomaly : float
        From 0, usual, to 1, never seen before; NaN where there is no score.
    column : str or None
        The target that was the most anomalous.
    expected, actual : object
        What was predicted of it, and what came.
    skipped : bool
        Whether the event was left out as bad, by policy ``bad="skip"``.
    reason : str
        Why it was left out.
    seen : str
        In what the column was anomalous, where it is not this event's error alone: in a run of
        errors, in its range, its level ...
    alarm : Alarm or None
        An alarm that begins, goes on or ends with this event.
    """

    prediction: Prediction | None
    anomaly: float = float("nan")
    column: str | None = None
    expected: object = None
    actual: object = None
    skipped: bool = False
    reason: str = ""
    seen: str = ""
    alarm: Alarm | None = None

    @property
    def explanation(self) -> str:
        """The anomaly in a sentence.

        Examples
        --------
        >>> Report(None, 0.999, "flow", 4.25, 93.0).explanation
        'flow: expected 4.25, got 93'
        """
        if self.column is None:
            return ""
        seen = f"{self.seen}; " if self.seen else ""
        return f"{self.column}: {seen}expected {short(self.expected)}, got {short(self.actual)}"
