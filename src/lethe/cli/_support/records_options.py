"""The options of a run on records: those given, and all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict, TypeVar

from lethe.cli._support.learn_options import Bad, LearnArguments
from lethe.cli._support.run_metadata import USUAL, RecordsOptions, usual_rule
from lethe.cli._support.sessions import Saved
from lethe.model import AlarmRule, Model

__all__ = [
    "GivenOptions",
    "filled_later",
    "given_options",
    "kinds_known",
    "model_in",
    "model_of",
    "options_of",
    "resolved",
    "with_output",
]

T = TypeVar("T")


class GivenOptions(TypedDict):
    """The options that are fixed for a run; None is not given."""

    target: list[str] | None
    classify: bool | None
    detect: bool | None
    rate: float | None
    cooldown: int | None
    horizon: int | None
    time: str | None
    period: int | tuple[int, int] | None
    holidays: str | None
    cells: int | None
    layers: int | None
    seed: int | None
    bad: Bad | None
    text: list[str] | None
    missing: list[str] | None
    out: str | None
    format: str | None


def given_options(args: LearnArguments) -> GivenOptions:
    """Return the options that are given, and fixed for a run.

    Raises
    ------
    ValueError
        If a column or word has no name.
    """
    return {
        "target": _words("target", args.target),
        "classify": args.classify or None,
        "detect": args.detect or None,
        "rate": args.rate if args.detect else None,
        "cooldown": args.cooldown,
        "horizon": args.horizon,
        "time": args.time,
        "period": _period(args.period),
        "holidays": args.holidays,
        "cells": args.cells,
        "layers": args.layers,
        "seed": args.seed,
        "bad": args.bad,
        "text": _words("text", args.text),
        "missing": _words("missing", args.missing),
        "out": args.out,
        "format": args.format,
    }


def resolved(given: GivenOptions) -> RecordsOptions:
    """Return every option, with the default for each that was not given.

    Raises
    ------
    ValueError
        If they contradict each other.
    """
    targets = given["target"] or []
    if given["classify"] and len(targets) != 1:
        raise ValueError(
            f"--classify needs one --target, the column of the class, got {len(targets)}"
        )
    if given["format"] and given["out"] is None:
        raise ValueError("--format needs --out, the file that it is of")
    ahead = bool(given["detect"]) or not targets
    return RecordsOptions(
        target=targets,
        classify=_or(given["classify"], False),
        detect=_or(given["detect"], False),
        rate=_or(given["rate"], USUAL.rate),
        cooldown=_or(given["cooldown"], USUAL.cooldown),
        horizon=_or(given["horizon"], 1 if ahead else 0),
        time=given["time"],
        period=given["period"],
        holidays=given["holidays"],
        cells=_or(given["cells"], 32),
        layers=_or(given["layers"], 1),
        seed=_or(given["seed"], 0),
        bad=_or(given["bad"], "raise"),
        text=given["text"] or [],
        missing=given["missing"] or [],
        out=given["out"],
        format=_or(given["format"], "jsonl"),
    )


def model_in(found: Saved) -> Model:
    """The model that a checkpoint holds; a ValueError where it is one of text."""
    if not isinstance(found.model, Model):
        raise ValueError(f"the checkpoint {found.path} is one of symbols, got records")
    return found.model


def model_of(options: RecordsOptions, targets: Sequence[str] = ()) -> Model:
    """A new model for a run with these options; it predicts `targets` where they name none."""
    try:
        rule = AlarmRule(rate=options.rate, cooldown=options.cooldown)
        return Model(
            options.target or targets or None,
            task="classification" if options.classify else "regression",
            horizon=options.horizon,
            time=options.time,
            period=options.period,
            holidays=options.holidays,
            cells=options.cells,
            layers=options.layers,
            bad=options.bad,
            alarms=None if rule == USUAL else rule,
            seed=options.seed,
        )
    except ValueError as error:
        raise ValueError(f"--{error}") from None


def filled_later(
    options: RecordsOptions, event: Mapping[str, object], kinds: Mapping[str, str]
) -> list[str]:
    """The columns of numbers, where none is named and the first event has no value of one of them.

    Parameters
    ----------
    options : RecordsOptions
    event : mapping
        The first.
    kinds : mapping of str to str
        What the columns hold in the part of the source that was read to decide it.
    """
    if options.target:
        return []
    found = [name for name, kind in kinds.items() if kind == "numbers" and name != options.time]
    return found if any(event.get(name) is None for name in found) else []


def options_of(model: Model, given: GivenOptions) -> RecordsOptions:
    """Return the options of a run that continues a model which another program saved.

    Raises
    ------
    ValueError
        If the model is one of symbols.
    """
    if model.task == "symbols":
        raise ValueError("the model in --checkpoint must be one of records, got one of symbols")
    parameters = model.parameters
    return RecordsOptions(
        target=list(model.targets) if parameters.target else [],
        classify=model.task == "classification",
        detect=_or(given["detect"], False),
        rate=usual_rule(parameters).rate,
        cooldown=usual_rule(parameters).cooldown,
        horizon=parameters.horizon,
        time=parameters.time,
        period=parameters.period,
        holidays=parameters.holidays,
        cells=parameters.cells,
        layers=parameters.layers,
        seed=_or(given["seed"], 0),
        bad=parameters.bad,
        text=given["text"] or [],
        missing=given["missing"] or [],
        out=given["out"],
        format=_or(given["format"], "jsonl"),
    )


def kinds_known(model: Model, options: RecordsOptions | None) -> tuple[list[str], list[str]]:
    """The columns that are text, and those that are numbers, as far as options and model know."""
    text = [] if options is None else list(options.text)
    configuration = model.configuration()
    numbers = list(configuration["numbers"])
    if model.events:
        text += configuration["categories"]
    if model.task == "regression":
        numbers += model.targets
    elif any(isinstance(label, str) for label in model.classes):
        text += model.targets
    return list(dict.fromkeys(text)), [name for name in dict.fromkeys(numbers) if name not in text]


def _words(option: str, given: list[str] | None) -> list[str] | None:
    """Words that are given with commas or again."""
    words = [word.strip() for several in given or () for word in several.split(",")]
    if "" in words:
        what = "words" if option == "missing" else "names of columns"
        raise ValueError(f"--{option} must be {what}, got {','.join(given or ())!r}")
    # A target that is named twice is the model's to refuse.
    return words or None if option == "target" else list(dict.fromkeys(words)) or None


def _period(given: list[str] | None) -> int | tuple[int, int] | None:
    """One period, or two that are given with a comma or again, the shorter one first."""
    if given is None:
        return None
    try:
        first, *others = sorted(int(word) for several in given for word in several.split(","))
    except ValueError:
        others, first = [0, 0], 0
    if len(others) > 1:
        raise ValueError(f"--period must be one whole number or two, got {','.join(given)!r}")
    return (first, others[0]) if others else first


def with_output(options: RecordsOptions, out: str | None, path: Path) -> RecordsOptions:
    """Return a checkpoint's options with the output that is given now.

    What a checkpoint says is never opened for writing: it may come from someone else.

    Raises
    ------
    ValueError
        If the run writes an output and none is given, or the other way round.
    """
    if options.out is not None and out is None:
        raise ValueError(
            f"--out must be given again to continue the run in {path}, which wrote "
            f"{options.out}, got none"
        )
    if options.out is None and out is not None:
        raise ValueError(f"--out must be left out as in the checkpoint {path}, got {out}")
    return dataclasses.replace(options, out=out)


def _or(value: T | None, default: T) -> T:
    return default if value is None else value
