"""How a run on records went: as text, as one JSON object, and for the status file."""

from __future__ import annotations

from collections.abc import Sequence

from lethe.cli._support.alarm_log import alarms_text
from lethe.cli._support.anomaly_log import SCORES, AnomalyLog
from lethe.cli._support.printable import printable
from lethe.cli._support.run_metadata import RecordsOptions
from lethe.cli._support.tables import scores_record, scores_text
from lethe.core.network import instruction_set
from lethe.evaluate.naive import ClassScores, NumberScores
from lethe.model import Model
from lethe.version import __version__

__all__ = ["RecordsSummary"]


class RecordsSummary:
    """The results of a run on records, as text and as JSON.

    Parameters
    ----------
    model : Model
    options : RecordsOptions
    scores : NumberScores, ClassScores or None
    anomalies : AnomalyLog
    source : str
        The name of the source.
    unreadable : int
        Lines of it that were skipped.
    reasons : sequence of str
        Why the first lines and events were skipped.
    """

    def __init__(
        self,
        model: Model,
        options: RecordsOptions,
        scores: NumberScores | ClassScores | None,
        anomalies: AnomalyLog,
        *,
        source: str,
        unreadable: int,
        reasons: Sequence[str],
    ) -> None:
        self._model = model
        self._options = options
        self._scores = scores
        self._anomalies = anomalies
        self._source = source
        self._unreadable = unreadable
        self._reasons = list(reasons)

    def text(self, microseconds: float | None, kept: str | None) -> str:
        """The summary for people; µs for each event, and the newest checkpoint."""
        parts = [self._heading()]
        if self._scores is not None:
            parts.append(scores_text(self._scores))
        if self._options.detect:
            parts.append(alarms_text(self._anomalies.alarms, self._model.alarms))
            parts.append(self._anomalies_text())
        if microseconds is not None:
            parts.append(f"microseconds per event  {microseconds:.1f}")
        if kept is not None:
            parts.append(f"checkpoint              {printable(kept)}")
        return "\n".join(parts)

    def record(self, microseconds: float | None, kept: str | None) -> dict[str, object]:
        """The same as plain JSON values."""
        model, options = self._model, self._options
        record: dict[str, object] = {
            "source": self._source,
            "events": model.events,
            "skipped": model.skipped,
            "unreadable": self._unreadable,
            "reasons": self._reasons,
            "task": model.task,
            "target": options.target,
            "time": options.time,
            "period": options.period,
            "holidays": options.holidays,
            "bad": options.bad,
            "seed": options.seed,
            "targets": list(model.targets),
            "horizon": model.horizon,
            "cells": options.cells,
            "layers": options.layers,
            **scores_record(self._scores),
            "microseconds_per_event": microseconds,
            "out": options.out,
            "checkpoint": kept,
            "version": __version__,
            "instruction_set": instruction_set(),
        }
        if options.detect:
            record["most_anomalous"] = [
                {"line": one.line, "anomaly": one.score, "explanation": one.explanation}
                for one in self._anomalies.most_anomalous()
            ]
            record["anomalous"] = self._counts()
            alarms, going_on = self._anomalies.alarms, self._model.alarms
            record |= {"rate": options.rate, "cooldown": options.cooldown}
            record["alarm_kinds"] = alarms.counts(going_on)
            record["alarms"] = alarms.objects(going_on)
        return record

    def status(self) -> dict[str, object]:
        """What changes while the run goes on."""
        record: dict[str, object] = {
            "source": self._source,
            "skipped": self._model.skipped,
            "unreadable": self._unreadable,
            "reasons": self._reasons,
            **scores_record(self._scores),
        }
        if self._options.detect:
            record["anomalous"] = self._counts()
            record["alarm_kinds"] = self._anomalies.alarms.counts(self._model.alarms)
        return record

    def _counts(self) -> dict[str, int]:
        return dict(zip(map(str, SCORES), self._anomalies.counts, strict=True))

    def _heading(self) -> str:
        left = [
            (self._model.skipped, "events skipped"),
            (self._unreadable, "unreadable lines skipped"),
        ]
        words = "".join(f", {count:,} {what}" for count, what in left if count)
        reasons = "".join(f"\n  {printable(reason)}" for reason in self._reasons)
        return f"{self._model.events:,} events of {printable(self._source)}{words}{reasons}"

    def _anomalies_text(self) -> str:
        events = self._model.events
        lines = [
            f"{count:,} events with an anomaly score of {score} or more "
            f"(about {events * (1 - score):,.0f} are expected where nothing is anomalous)"
            for score, count in zip(SCORES, self._anomalies.counts, strict=True)
        ]
        lines += [
            f"  line {one.line}: {one.score:.6f}  {printable(one.explanation)}"
            for one in self._anomalies.most_anomalous()
        ]
        return "\n".join(lines)
