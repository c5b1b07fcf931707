"""A grammar of command lines, for files that a grammar wrote, and what each must keep to."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

from support.fuzz_files import CELLS, NAMES, write_source

import lethe
from lethe.cli import main

SECONDS = 20.0  # a command that takes longer hangs
WAITS = 1.0  # before a command that waits for more gets SIGTERM
MOST_BYTES = 200 << 20  # above what the process has when it starts
CODES = {0, 1, 2, 128 + signal.SIGHUP, 128 + signal.SIGINT, 128 + signal.SIGTERM}
MODELS = ("numbers", "classes", "text", "ahead")

BAD_NUMBERS = ("-1", "0", "x", "", "1.5", "1e3", "9" * 25, "٣", "1_000", "nan", "inf", " 3", "0x10")


class Command(NamedTuple):
    """One execution: its words, what standard input brings, and whether it may wait for more."""

    words: list[str]
    stdin: bytes | None
    waits: bool


# ---- options ----


def _number(*good: str) -> Callable[[Random], str]:
    return lambda draw: draw.choice(good if draw.random() < 0.85 else BAD_NUMBERS)


def _choice(*good: str) -> Callable[[Random], str]:
    return lambda draw: draw.choice(good if draw.random() < 0.9 else ("", "x", good[0].upper()))


def _column(draw: Random) -> str:
    how = draw.random()
    if how < 0.65:
        return draw.choice(("value", "load", "value,load", "state"))
    if how < 0.95:
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
    "--period": _number("2", "7", "24"),
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
    "--resume-from": _choice("start", "end", "0", "10"),
}
PREDICT = ("--form", "--format", "--limit", "--skip", "--json")


def _options(draw: Random, names: Iterator[str] | list[str], most: int) -> list[str]:
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
    names = [name for name in {**LEARN, **NEWER} if name in known]
    words = ["learn", *_options(draw, names, 6)]
    if "--cells" not in words:
        words += ["--cells", "2"]
    if draw.random() < 0.4:
        words += ["--out", _output(draw, folder, source)]
    if draw.random() < 0.35:
        words += ["--checkpoint", draw.choice(("state", "state", "models/numbers", source, ""))]
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
    if not given:
        words += ["--limit", "20"]
    if words[0] == "learn" or draw.random() < 0.9:
        words[1 + (words[0] == "predict") : 1 + (words[0] == "predict")] = given
    if draw.random() < 0.03:
        words.append("--follow")
        waits = True
    fifo = any(
        (folder / word).is_fifo() for word in words if 0 < len(word) < 200 and "\x00" not in word
    )
    return Command(words, stdin, waits or fifo)


# ---- one execution ----


class Execution(NamedTuple):
    """What became of a command: its code, None where it hung; bytes more than at its start."""

    code: int | None
    out: bytes
    err: bytes
    more_bytes: int
    seconds: float


def make_models(folder: Path) -> None:
    """Checkpoints for the commands that read one."""
    table = "time,value,load,state\n" + "".join(
        f"2024-01-01 {n // 12:02}:{n % 12 * 5:02},{n % 7},{n % 5},{'low' if n % 3 else 'high'}\n"
        for n in range(60)
    )
    with _within(folder):
        Path("table.csv").write_text(table)
        Path("book.txt").write_bytes(b"to forget " * 20)
        small = ["--cells", "2", "--checkpoint"]
        for name, words in {
            "numbers": ["table.csv", "--target", "value"],
            "classes": ["table.csv", "--target", "state", "--classify"],
            "text": ["book.txt", "--layers", "1"],
            "ahead": ["table.csv", "--horizon", "3", "--detect"],
        }.items():
            if main(["learn", *words, *small, name]):
                raise RuntimeError(f"no model {name}")


@contextmanager
def _within(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _child(command: Command, folder: Path, files: tuple[int, int, int]) -> None:
    """The command in this process, which ends; what Python would do at its end is done."""
    os.chdir(folder)
    for target, file in enumerate(files):
        os.dup2(file, target)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (2 << 30), size + (2 << 30)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    code: object = 99
    try:
        code = main(command.words)
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 98)


def execute(command: Command, folder: Path, outside: Path) -> Execution:
    """Run the command in a copy of this process, in the folder; `outside` is for what it prints."""
    paths = [outside / name for name in ("stdin", "stdout", "stderr")]
    paths[0].write_bytes(command.stdin or b"")
    files = [
        os.open(path, os.O_RDWR | os.O_CREAT | (os.O_TRUNC if n else 0))
        for n, path in enumerate(paths)
    ]
    begin = resident()
    began = time.monotonic()
    pid = os.fork()
    if not pid:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _child(command, folder, (files[0], files[1], files[2]))
        finally:
            os._exit(97)
    told = False
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        seconds = time.monotonic() - began
        if ended:
            break
        if seconds > WAITS and command.waits and not told:
            os.kill(pid, signal.SIGTERM)
            told = True
        if seconds > SECONDS:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            break
        time.sleep(0.002)
    for file in files:
        os.close(file)
    code = os.waitstatus_to_exitcode(status) if ended else None
    if command.waits and code == -signal.SIGTERM:
        code = 128 + signal.SIGTERM  # before there was anything to save
    out, err = (path.read_bytes() for path in paths[1:])
    return Execution(code, out, err, usage.ru_maxrss * 1024 - begin if ended else 0, seconds)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


# ---- what is asked of it ----

#: Control characters, and those that turn lines round; line feeds are ours.
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
OURS = re.compile(r"(lethe( \w+)?: |usage: )")


def snapshot(folder: Path) -> dict[str, str]:
    """The digest of every file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o600 if path.name == "unreadable" else path.stat().st_mode)
            found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _is_ours(line: str) -> bool:
    if OURS.match(line):
        return True
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _of_text(command: Command, done: Execution) -> str | None:
    err = done.err.decode(errors="backslashreplace")
    out = done.out.decode(errors="backslashreplace")
    if "Traceback" in err or "Exception ignored" in err:
        return "a traceback"
    strange = [line for line in err.splitlines() if not _is_ours(line)]
    if strange and "--json" not in command.words:
        return f"a line on standard error that is not ours: {strange[0][:200]!r}"
    raw = "sample" in command.words or "-" in command.words
    if CONTROL.search(err) or (not raw and CONTROL.search(out)):
        return "a control character"
    if done.code == 2 and err.count("\n") > 1 + err.count(": warning: ") and "usage" not in err:
        return "more than one line of complaint"
    if done.code in (1, 2) and not err.strip():
        return "silence"
    return None


def _of_files(command: Command, before: dict[str, str], folder: Path) -> str | None:
    after = snapshot(folder)
    words = command.words
    outputs = {words[n + 1] for n, word in enumerate(words[:-1]) if word in ("--out", "--status")}
    checkpoints = {words[n + 1] for n, word in enumerate(words[:-1]) if word == "--checkpoint"}
    for name, digest in before.items():
        is_new = name in outputs and not name.startswith("other ") and words.count(name) == 1
        if after.get(name) == digest or is_new:
            continue
        if any(name.startswith(f"{one}/") for one in checkpoints if one):
            continue
        if name in outputs and name.startswith("other "):
            linked = [one for one, value in before.items() if value == digest and one != name]
            if not linked:
                continue
        return f"a file that it was not to write has changed: {name!r}"
    made = set(after) - set(before)
    wrong = {
        name
        for name in made
        if name.endswith(".tmp")
        or not (
            name in outputs
            or name in ("report.html", "status.json")
            or any(name.startswith(f"{one}/") for one in checkpoints)
        )
    }
    return f"left over: {sorted(wrong)}" if wrong else None


def complaint(
    command: Command, done: Execution, before: dict[str, str], folder: Path
) -> str | None:
    """What is wrong with an execution, if anything is."""
    if done.code is None:
        return "it hangs"
    wrong = _of_text(command, done)
    if wrong is None and done.code not in CODES:
        wrong = f"its exit code is {done.code}"
    if wrong is None and done.more_bytes > MOST_BYTES:
        wrong = f"it takes {done.more_bytes >> 20} MB"
    return wrong or _of_files(command, before, folder)


def fuzz(number: int, seed: int, work: Path, models: Path, known: set[str]) -> dict[str, object]:
    """One execution, in a folder of its own that is removed where all is right."""
    draw = Random(f"fuzz {seed} {number}")
    folder, outside = work / f"run {number}", work / f"outside {number}"
    folder.mkdir()
    outside.mkdir()
    shutil.copytree(models, folder / "models")
    command = draw_command(draw, folder, known)
    before = snapshot(folder)
    done = execute(command, folder, outside)
    wrong = complaint(command, done, before, folder)
    if wrong is None:
        shutil.rmtree(folder)
        shutil.rmtree(outside)
    return {
        "number": number,
        "words": command.words,
        "exit": done.code,
        "megabytes": done.more_bytes >> 20,
        "seconds": round(done.seconds, 3),
        "err": done.err.decode(errors="backslashreplace")[-300:],
        "wrong": wrong,
    }


__all__ = ["fuzz", "known_options", "lethe", "make_models"]
