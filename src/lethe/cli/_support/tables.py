"""Scores compared with those of naive predictors: as text, and as JSON."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lethe.cli._support.printable import console, printable
from lethe.cli._support.status_line import plain_line
from lethe.evaluate.naive import ClassScores, NumberScores

__all__ = [
    "Show",
    "aligned",
    "progress",
    "rows_of",
    "running_scores",
    "scores_record",
    "scores_text",
]

#: Takes the number of events so far, and what returns the scores to show with it.
Show = Callable[[int, Callable[[], str]], None]

SECONDS = 0.1  # between two updates of the display

#: What the scores call the model.
US = "model"


@contextmanager
def progress(unit: str, total: int | None, *, shown: bool = True) -> Iterator[Show]:
    """Show the progress of a run on standard error, where that is a terminal.

    Parameters
    ----------
    unit : str
        What is counted.
    total : int or None
        How many there will be, if that is known.
    shown : bool
        False shows nothing, as where standard error holds JSON.
    """
    if not shown or not sys.stderr.isatty():
        yield lambda completed, words: None
        return
    try:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        with plain_line() as line:
            yield _now_and_then(lambda count, words: line(f"{count:,} {unit} {words}"))
        return
    # Without a total there is no bar, and the scores get its width.
    columns = (
        TextColumn("{task.completed:,} " + unit, markup=False),
        *((BarColumn(bar_width=20),) if total else ()),
        TextColumn("{task.description}", markup=False),
        *((TimeElapsedColumn(),) if total else ()),
    )
    with Progress(*columns, console=console(), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield _now_and_then(
            lambda count, words: bar.update(task, completed=count, description=words)
        )


def _now_and_then(show: Callable[[int, str], None]) -> Show:
    """Show the progress at most every `SECONDS`, and only then find the words for it."""
    shown = -math.inf

    def seldom(completed: int, words: Callable[[], str]) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= SECONDS:
            shown = now
            show(completed, words())

    return seldom


def running_scores(scores: NumberScores | ClassScores | None) -> str:
    """The scores so far in one line: those of the first target, one event ahead."""
    if scores is None:
        return ""
    if isinstance(scores, ClassScores):
        figures, words = scores.accuracies(), "accuracy"
    else:
        figures, words = scores.mean_errors(0, 0), f"mean error of {printable(scores.targets[0])}"
    us = figures.pop(US)
    others = ", ".join(
        f"{name.removeprefix('same time ')} {figure:.3g}" for name, figure in figures.items()
    )
    return f"{words} {us:.3g} ({others})"


def rows_of(scores: NumberScores) -> Iterator[tuple[str, int, int, dict[str, float]]]:
    """Target, how many events ahead, how many counted, and mean error by predictor."""
    for target, name in enumerate(scores.targets):
        for n, ahead in enumerate(scores.aheads):
            yield name, ahead, scores.counts[n][target], scores.mean_errors(target, n)


def scores_record(
    scores: NumberScores | ClassScores | None,
) -> dict[str, list[dict[str, object]]]:
    """The scores as JSON."""
    if scores is None:
        return {"scores": []}
    if isinstance(scores, ClassScores):
        figures = {"accuracy": scores.accuracies(), "log_loss": scores.log_losses()}
        return {
            "scores": [
                {
                    "events": scores.events,
                    **{key: _plain(values) for key, values in figures.items()},
                    "ratio_to_naive": _ratio_to_naive(figures["log_loss"]),
                }
            ]
        }
    return {
        "scores": [
            {
                "target": name,
                "ahead": ahead,
                "events": count,
                "mean_absolute_error": _plain(errors),
                "ratio_to_naive": _ratio_to_naive(errors),
            }
            for name, ahead, count, errors in rows_of(scores)
        ]
    }


def scores_text(scores: NumberScores | ClassScores | None) -> str:
    """The scores as a table, and what they mean in a sentence."""
    if scores is None:
        return ""
    if isinstance(scores, ClassScores):
        return _classes_text(scores)
    rows = list(rows_of(scores))
    predictors = list(rows[0][3])
    several = len(scores.aheads) > 1
    head = ["mean absolute error", "Lethe", *predictors[1:]]
    lines = [head]
    words = []
    for name, ahead, count, errors in rows:
        place = f"{printable(name)}, {ahead} ahead" if several else printable(name)
        lines.append([place, *(_short(error) for error in errors.values())])
        words.append(_sentence(place, count, errors, "error"))
    return aligned(lines) + "\n" + "\n".join(words)


def _classes_text(scores: ClassScores) -> str:
    accuracy, loss = scores.accuracies(), scores.log_losses()
    table = [
        ["", "Lethe", *list(accuracy)[1:]],
        ["accuracy", *(f"{100 * part:.2f} %" for part in accuracy.values())],
        ["log-loss (nats)", *(_short(value) for value in loss.values())],
    ]
    return aligned(table) + "\n" + _sentence("the classes", scores.events, loss, "log-loss")


def _sentence(place: str, count: int, errors: dict[str, float], what: str) -> str:
    """Which predictor is better, in words."""
    if not count:
        return f"{place}: nothing to compare yet"
    best = min((name for name in errors if name != US), key=errors.__getitem__)
    us, them = errors[US], errors[best]
    if us < them:
        return f"{place}: Lethe's {what} is {_percent(us, them)} lower than that of the {best}"
    if us == them:
        return f"{place}: Lethe's {what} is that of the {best}"
    return (
        f"{place}: Lethe's {what} is {_percent(them, us, of=them)} HIGHER than that of the {best}, "
        "which is the better prediction here"
    )


def _percent(less: float, more: float, of: float | None = None) -> str:
    of = more if of is None else of
    if not of > 0:
        return "infinitely"
    return f"{100 * (more - less) / of:.3g} %"


def _ratio_to_naive(errors: dict[str, float]) -> float | None:
    """The model's error divided by that of the best naive predictor."""
    best = min(error for name, error in errors.items() if name != US)
    ratio = errors[US] / best if best > 0 else math.nan
    return ratio if math.isfinite(ratio) else None


def _plain(figures: dict[str, float]) -> dict[str, float | None]:
    return {
        name.replace(" ", "_"): figure if math.isfinite(figure) else None
        for name, figure in figures.items()
    }


def _short(figure: float) -> str:
    return f"{figure:.4g}" if figure == figure else "-"


def aligned(lines: list[list[str]]) -> str:
    """A table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
