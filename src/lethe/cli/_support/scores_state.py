"""Scores as JSON and arrays, and back: for a checkpoint, which anyone can have written."""

from __future__ import annotations

import math
from collections import deque
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lethe.evaluate.naive import KEPT, MOST, PREDICTORS, ClassScores, NumberScores, Season
from lethe.evaluate.prequential import Tally
from lethe.model import Model
from lethe.storage.fields import Fields, array_of, is_integer, list_of

__all__ = ["scores_from_state", "scores_to_state", "tally_from_state"]

Arrays: TypeAlias = dict[str, NDArray[np.generic]]

# Times and gaps beyond this are none: sums and quotients of them must not overflow.
_MOST_SECONDS = 1e150

_NUMBERS = ("kind", "seasonal", "counts", "known", "season")
_SEASON = ("seconds", "kept", "events", "gap", "gaps")
_CLASSES = ("kind", "events", "correct", "losses", "counts", "total", "last", "repeats")


def scores_to_state(scores: NumberScores | ClassScores | None, arrays: Arrays) -> object:
    """Return scores as JSON; numbers go into `arrays`, under names that begin with "scores."."""
    if scores is None:
        return None
    if isinstance(scores, ClassScores):
        return {
            "kind": "classes",
            "events": scores.events,
            "correct": scores.correct,
            "losses": scores.losses,
            "counts": list(scores.counts.items()),  # pairs keep the order, the least recent first
            "total": scores.total,
            "last": scores.last,
            "repeats": scores.repeats,
        }
    season, targets = scores.season, len(scores.targets)
    rows = season.kept if season.period is None else season.period
    arrays["scores.season.values"] = season.values[:rows].reshape(rows, targets).copy()
    arrays["scores.season.times"] = season.times[: season.kept].copy()
    arrays["scores.sums"] = np.array(scores.sums, np.float64)
    arrays["scores.last"] = np.array(scores.last, np.float64)
    arrays["scores.totals"] = np.array(scores.totals, np.float64)
    for n, waiting in enumerate(scores.waiting):
        table = np.array(list(waiting), np.float64)
        arrays[f"scores.waiting.{n}"] = table.reshape(len(waiting), targets, len(PREDICTORS))
    return {
        "kind": "numbers",
        "seasonal": scores.seasonal,
        "counts": scores.counts,
        "known": scores.known,
        "season": {
            "seconds": season.seconds,
            "kept": season.kept,
            "events": season.events,
            "gap": season.gap,
            "gaps": season.gaps,
        },
    }


def scores_from_state(
    state: object, arrays: Arrays, model: Model, events: int
) -> NumberScores | ClassScores | None:
    """Return the scores that `scores_to_state` wrote; arrays that are used leave `arrays`.

    Parameters
    ----------
    state : object
        JSON.
    arrays : dict of str to ndarray
        Those whose names begin with "scores.".
    model : Model
        Whose scores they are.
    events : int
        That were scored.

    Raises
    ------
    ValueError
        If they are none of this model's.
    """
    if state is None:
        if events and (model.targets or model.task != "regression"):
            raise ValueError("scores must be there after the first event, got none")
        return None
    if model.task == "classification":
        return _classes(Fields("scores", state, _CLASSES), events)
    return _numbers(Fields("scores", state, _NUMBERS), arrays, model, events)


def _count(value: object, high: int) -> int:
    if type(value) is not int or not is_integer(value, 0, high):
        raise ValueError(f"scores: counts must be from 0 to {high}, got {value!r:.40}")
    return value


def _numbers(fields: Fields, arrays: Arrays, model: Model, events: int) -> NumberScores:
    fields.one_of("kind", ("numbers",))
    scores = NumberScores(model.targets, model.horizon, model.parameters.periods[0] or None)
    targets, aheads = len(model.targets), len(scores.aheads)

    def counts(value: object) -> list[int]:
        return list_of("scores: counts", value, targets, lambda one: _count(one, events))

    scores.seasonal = fields.boolean("seasonal")
    scores.counts = list_of("scores: counts", fields["counts"], aheads, counts)
    scores.known = counts(fields["known"])
    sums = array_of("scores.sums", arrays, (aheads, targets, len(PREDICTORS)))
    if (sums < 0).any():
        raise ValueError(f"scores.sums must be at least 0, got {sums.min()}")
    scores.sums = sums.tolist()
    last = array_of("scores.last", arrays, (targets,))
    totals = array_of("scores.totals", arrays, (targets,))
    if np.isinf(last).any() or not np.isfinite(totals).all():
        raise ValueError("scores.last and scores.totals must be finite, got others")
    scores.last, scores.totals = last.tolist(), totals.tolist()
    # Fewer than all, where the targets were known late.
    season = Fields("season", fields["season"], _SEASON)
    scored = season.integer("events", 0, events)
    for n, ahead in enumerate(scores.aheads):
        shape = (min(ahead - 1, scored), targets, len(PREDICTORS))
        table = array_of(f"scores.waiting.{n}", arrays, shape)
        scores.waiting[n] = deque([[tuple(row) for row in rows] for rows in table.tolist()])
    _restore_season(scores.season, season, arrays, targets)
    return scores


def _restore_season(season: Season, fields: Fields, arrays: Arrays, targets: int) -> None:
    season.events = fields.integer("events")
    season.gaps = fields.integer("gaps", 0, season.events)
    season.gap = fields.number("gap", 0, 2 * _MOST_SECONDS)
    season.seconds = fields.number("seconds", 0, 1e9)
    most = 0 if season.period is not None else min(2 * KEPT, season.events)
    season.kept = fields.integer("kept", 0, most)
    if season.seconds and (season.seconds < 1 or season.kept < 2):
        raise ValueError("season: seconds must be 0 or the period of known times, got others")
    rows = season.kept if season.period is None else season.period
    values = array_of("scores.season.values", arrays, (rows, targets))
    times = array_of("scores.season.times", arrays, (season.kept,))
    if np.isinf(values).any() or not (np.abs(times) <= _MOST_SECONDS).all():
        raise ValueError("season: values and times must be finite, got others")
    if season.period is not None:
        season.values = values
    elif season.kept:
        season.values = np.full((2 * KEPT, targets), math.nan)
        season.times = np.full(2 * KEPT, math.nan)
        season.values[: season.kept] = values
        season.times[: season.kept] = times


def _classes(fields: Fields, events: int) -> ClassScores:
    fields.one_of("kind", ("classes",))
    scores = ClassScores()
    predictors = len(scores.NAMES)

    def pair(value: object) -> tuple[str, int]:
        match value:
            case [str(name), int(count)] if is_integer(count, 1, events):
                return name, count
        raise ValueError(f"scores: counts must be names and counts, got {value!r:.40}")

    def loss(value: object) -> float:
        if type(value) is not float or not math.isfinite(value):
            raise ValueError(f"scores: losses must be finite, got {value!r:.40}")
        return value

    scores.events = fields.integer("events", 0, max(events - 1, 0))
    scores.correct = list_of(
        "scores: correct", fields["correct"], predictors, lambda one: _count(one, scores.events)
    )
    scores.losses = list_of("scores: losses", fields["losses"], predictors, loss)
    pairs = list_of("scores: counts", fields["counts"], None, pair)
    scores.counts = dict(pairs)
    scores.total = fields.integer("total", 0, events)
    scores.last = fields.optional("last", fields.string)
    scores.repeats = fields.integer("repeats", 0, scores.events)
    if len(scores.counts) < len(pairs) or len(pairs) > MOST:
        raise ValueError(f"scores: counts must be of at most {MOST} different classes, got others")
    if scores.total != sum(scores.counts.values()):
        raise ValueError("scores: total must be the sum of the counts, got another")
    if (scores.last is None) != (not pairs) or (pairs and scores.last not in scores.counts):
        raise ValueError("scores: last must be one of the classes, got another")
    return scores


def tally_from_state(state: object) -> Tally:
    """Return the tally of a text that was written as JSON.

    Raises
    ------
    ValueError
        If it is none.
    """
    fields = Fields("scores", state, ("symbols", "bits", "last", "window"))
    symbols = fields.integer("symbols", 1)

    def chunk(value: object) -> tuple[int, float]:
        match value:
            case [int(count), float(bits)] if (
                is_integer(count, 1, symbols) and math.isfinite(bits) and bits >= 0
            ):
                return count, bits
        raise ValueError(f"scores: window must be of counts and bits, got {value!r:.40}")

    window = list_of("scores: window", fields["window"], None, chunk)
    if not window or sum(count for count, _ in window) > symbols:
        raise ValueError("scores: window must be of the last symbols, got others")
    return Tally(
        symbols=symbols,
        bits=fields.number("bits", 0),
        last=fields.integer("last", 0, 255),
        window=deque(window),
    )
