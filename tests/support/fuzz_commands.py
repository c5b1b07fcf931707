"""A grammar of command lines, for files that a grammar wrote."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import NamedTuple

from support.fuzz_files import CELLS, NAMES, write_source

#: Folders of checkpoints, which the executions have below `models`.
MODELS = ("numbers", "classes", "text", "ahead")

BAD_NUMBERS = ("-1", "0", "x", "", "1.5", "1e3", "9" * 25, "٣", "1_0", "nan", "inf", " 3", "0x10")


class Command(NamedTuple):
    """One execution: its words, what standard input brings, and whether it may wait for more."""

    words: list[str]
    stdin: bytes | None
    waits: bool


# ---- options ----


def _number(*good: str) -> Callable[[Random], str]:
    return lambda draw: draw.choice(good if draw.random() < 0.94 else BAD_NUMBERS)


def _choice(*good: str) -> Callable[[Random], str]:
    return lambda draw: draw.choice(good if draw.random() < 0.95 else ("", "x", good[0].upper()))


def _column(draw: Random) -> str:
    how = draw.random()
    if how < 0.85:
        return draw.choice(("value", "load", "value,load", "state"))
    if how < 0.97:
        return draw.choice(NAMES).replace("\x00", "")
    return draw.choice(CELLS).replace("\x00", "")


def _time_or_number(draw: Random) -> str:
    return draw.choice(
        ("1", "7", "50", "10000", "1s", "30s", "5m", "1h", "0s", "-1s", "x", "1d", "1e9s")
    )


LEARN: dict[str, Callable[[Random], str] | None] = {
    "--target": _column,
    "--horizon": _number("0", "1", "3", "24"),
    "--classify": None,
    "--detect": None,
    "--time": _column,
    "--period": _number("2", "7", "24", "7,24"),
    "--bad": _choice("raise", "missing", "skip"),
    "--form": _choice("csv", "jsonl", "parquet"),
    "--format": _choice("jsonl", "csv"),
    "--symbols": None,
    "--update": _choice("sgd", "momentum", "rmsprop", "adam"),
    "--rate": _number("0.1", "1e-3", "1e300"),
    "--layers": _number("1", "2"),
    "--cells": _number("1", "2", "5"),
    "--seed": _number("0", "7"),
    "--limit": _number("1", "20", "50"),
    "--skip": _number("0", "1", "30", "1000"),
    "--every": _time_or_number,
    "--resume": None,
    "--json": None,
}
#: Options that not every version has are given where the parser knows them.
NEWER: dict[str, Callable[[Random], str] | None] = {
    "--log-format": _choice("text", "json"),
    "--log-level": _choice("error", "warning", "info"),
    "--resume-from": _choice("start", "end"),
    "--text": _column,
    "--missing": lambda draw: draw.choice(CELLS).replace("\x00", ""),
}
RECORDS = (
    "--target", "--horizon", "--detect", "--period", "--bad", "--seed", "--limit", "--skip",
    "--every", "--resume", "--json", "--layers", "--cells", "--log-format", "--text", "--missing",
)  # fmt: skip
TEXT = (
    "--update", "--rate", "--seed", "--limit", "--skip", "--every", "--resume", "--json",
    "--layers", "--cells", "--log-format",
)  # fmt: skip
PREDICT = ("--form", "--format", "--limit", "--skip", "--json")


def _options(draw: Random, names: Iterable[str], most: int) -> list[str]:
    words = []
    for name in draw.sample(sorted(names), draw.randrange(most)):
        make = {**LEARN, **NEWER}[name]
        words.append(name)
        if make is not None:
            words.append(make(draw))
    return words


def known_options() -> set[str]:
    """The options of ``lethe learn`` in this version."""
    import argparse

    from lethe.cli.learn import add_arguments

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return {name for action in parser._actions for name in action.option_strings}


# ---- paths ----


def _strange_path(draw: Random, folder: Path, file: str) -> tuple[str, bool]:
    """A path that is not simply a file, and whether opening it may wait."""
    kind = draw.choice(
        ("folder", "missing", "fifo", "link", "dangling", "loop", "null", "below", "long", "nul",
         "empty", "series", "unreadable", "zero", "twice", "full")
    )  # fmt: skip
    path = folder / kind
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
            return kind, True
        case "link":
            path.symlink_to(file)
        case "dangling":
            path.symlink_to("nowhere")
        case "loop":
            path.symlink_to("loop")
        case "null":
            return "/dev/null", False
        case "zero":
            return "/dev/zero", True
        case "full":
            return "/dev/full", True
        case "below":
            return f"{file}/x", False
        case "long":
            return "x" * 5000, False
        case "nul":
            return "a\x00b", False
        case "empty":
            return "", False
        case "series":
            return draw.choice(("sine", "machine", "steps")), False
        case "unreadable":
            path.write_bytes(b"a,y\n1,2\n")
            path.chmod(0)
        case "twice":
            os.link(folder / file, path)
    return kind, False


def _output(draw: Random, folder: Path, file: str) -> str:
    """Where output may go; most of it is refused."""
    how = draw.random()
    if how < 0.5:
        return draw.choice(("out", "out.csv", "new\nline", "\x1b[2J"))
    if how < 0.6:
        return "-"
    if how < 0.7:
        return file
    if how < 0.8:
        return draw.choice(("/dev/null", "/dev/full", "no/such/folder/out", "models", "/proc/x"))
    name = f"other {draw.randrange(9)}"
    path = folder / name
    if how < 0.85:
        path.symlink_to(file)
    elif how < 0.9:
        os.link(folder / file, path)
    elif how < 0.95:
        path.write_bytes(b"before\n")
    else:
        os.mkfifo(path)
    return name


# ---- commands ----


def _learn(draw: Random, folder: Path, source: str, known: set[str]) -> list[str]:
    how, is_text = draw.random(), Path(source).suffix in (".txt", ".gz")
    names = [*LEARN, *NEWER] if how < 0.15 else TEXT if is_text or how < 0.2 else RECORDS
    words = ["learn", *_options(draw, [name for name in names if name in known], 6)]
    if how > 0.9 and not is_text and "--target" not in words:
        words += ["--target", "state", "--classify"]
    if names is TEXT and not is_text:
        words.append("--symbols")
    if "--cells" not in words:
        words += ["--cells", "2"]
    if "--every" in words and "--limit" not in words:
        words += ["--limit", "60"]
    if "--log-level" in known and "--log-level" not in words and draw.random() < 0.5:
        words += ["--log-level", "error"]
    saves = "--every" in words or "--resume" in words or draw.random() < 0.2
    if saves and draw.random() < 0.97:
        folders = ("models/numbers", source, "other", "")
        words += ["--checkpoint", "state" if draw.random() < 0.9 else draw.choice(folders)]
    if names is not TEXT and draw.random() < 0.4:
        words += ["--out", _output(draw, folder, source)]
    if "--status" in known and draw.random() < 0.2:
        words += ["--status", draw.choice(("status.json", source, "models", "/dev/full", "out"))]
    return words


def _model(draw: Random, folder: Path, source: str) -> str:
    """A checkpoint, a folder of them, or neither."""
    name = f"models/{draw.choice(MODELS)}"
    how = draw.random()
    if how < 0.75:
        return name
    if how < 0.85:
        return draw.choice((source, "models", "missing", "/dev/null", "", "/dev/zero"))
    data = bytearray(max((folder / name).glob("*.safetensors")).read_bytes())
    for _ in range(draw.choice((1, 1, 5))):
        data[draw.randrange(min(len(data), draw.choice((200, 2000, 1 << 30))))] = draw.randrange(
            256
        )
    (folder / "changed").write_bytes(data[: draw.choice((len(data), len(data), len(data) // 2))])
    return "changed"


def _predict(draw: Random, folder: Path, source: str, known: set[str]) -> list[str]:
    words = ["predict", _model(draw, folder, source), *_options(draw, list(PREDICT), 4)]
    if draw.random() < 0.4:
        words += ["--out", _output(draw, folder, source)]
    return words


def _others(draw: Random, folder: Path, source: str) -> list[str]:
    """Commands that read no source."""
    how, model = draw.random(), _model(draw, folder, source)
    json_too = ["--json"] if draw.random() < 0.3 else []
    if how < 0.35:
        return ["info", model, *json_too]
    if how < 0.7:
        words = ["sample", model, *json_too, "--length", _number("1", "30")(draw)]
        words += ["--temperature", _number("0", "0.7", "3")(draw)] if draw.random() < 0.5 else []
        words += ["--prompt", draw.choice(CELLS).replace("\x00", "")] if draw.random() < 0.5 else []
        return words
    if how < 0.85:
        (folder / "results").mkdir()
        for name in ("erg.jsonl", "cerg.jsonl", "credit.jsonl"):
            if draw.random() < 0.6:
                shutil.copy(folder / source, folder / "results" / name)
        results = draw.choice(("results", "results", source, "missing"))
        out = _output(draw, folder, source)
        return ["report", "--no-draw", "--results", results, "--out", out, *json_too]
    words = [
        draw.choice(("", "x", "-", "--", "--version", "--help", "\x1b[2J", "learn\n", "reproduce"))
    ]
    return [*words, *(draw.choice(CELLS).replace("\x00", "") for _ in range(draw.randrange(3)))]


def draw_command(draw: Random, folder: Path, known: set[str]) -> Command:
    """Write the files of an execution into the folder, and draw its command line."""
    source = write_source(draw, folder)
    if draw.random() < 0.18:
        return Command(_others(draw, folder, source), None, False)
    make = _learn if draw.random() < 0.8 else _predict
    words, given, stdin, waits = make(draw, folder, source, known), [source], None, False
    how = draw.random()
    if how < 0.1:
        stdin, given = (folder / source).read_bytes(), ["-"]
    elif how < 0.2:
        path, waits = _strange_path(draw, folder, source)
        given = [path]
    elif how < 0.25:
        given = draw.choice(
            ([source, source], [source, "missing"], [write_source(draw, folder), source])
        )
    elif how < 0.27:
        given = []
    # Much of it may be text, which takes its time.
    if "--limit" not in words and (not given or (folder / source).stat().st_size > 300_000):
        words += ["--limit", "3000" if given else "20"]
    if words[0] == "learn" or draw.random() < 0.9:
        words[1 + (words[0] == "predict") : 1 + (words[0] == "predict")] = given
    if draw.random() < 0.03:
        words.append("--follow")
        waits = True
    fifo = any(
        (folder / word).is_fifo() for word in words if 0 < len(word) < 200 and "\x00" not in word
    )
    return Command(words, stdin, waits or fifo)
