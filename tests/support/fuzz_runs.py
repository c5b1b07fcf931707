"""Executions of command lines from a grammar, each in a process forked for it, and their flaws.

As a program: ``python -m support.fuzz_runs FIRST NUMBER`` prints those that are wrong.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from random import Random
from typing import NamedTuple

from support.fuzz_commands import Command, draw_command, known_options

from lethe.cli import main

SECONDS = 20.0  # a command that takes longer hangs
WAITS = 0.3  # before a command that waits for more gets SIGTERM
MOST_BYTES = 200 << 20  # above what the process has when it starts
CODES = {0, 1, 2, 128 + signal.SIGHUP, 128 + signal.SIGINT, 128 + signal.SIGTERM}

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
            for path in sorted(Path(name).glob("*.safetensors"))[:-1]:
                path.unlink()  # each execution has a copy


@contextmanager
def _within(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _child(command: Command, folder: Path, files: tuple[int, int, int], begin: Path) -> None:
    """The command in this process, which ends; `begin` gets what memory it has before."""
    begin.write_text(str(_resident()))
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
    began = time.monotonic()
    pid = os.fork()
    if not pid:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _child(command, folder, (files[0], files[1], files[2]), outside / "begin")
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
    begin = int((outside / "begin").read_text())
    return Execution(code, out, err, usage.ru_maxrss * 1024 - begin, seconds)


def _resident() -> int:
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
    to_stdout = "-" in command.words or "predict" in command.words
    reports = "--json" in command.words or (to_stdout and done.code in (0, 143))
    if strange and not reports:
        return f"a line on standard error that is not ours: {strange[0][:200]!r}"
    raw = "sample" in command.words or to_stdout
    if CONTROL.search(err) or (not raw and CONTROL.search(out)):
        return "a control character"
    quiet = "--log-level" in command.words and "error" in command.words
    if done.code == 2 and quiet and err.count("\n") != 1:
        return "not one line of complaint"
    if done.code in (1, 2) and not err.strip():
        return "silence"
    return None


def _given(words: list[str], *options: str) -> set[str]:
    """The values of options."""
    return {words[n + 1] for n, word in enumerate(words[:-1]) if word in options}


def _of_files(command: Command, before: dict[str, str], folder: Path) -> str | None:
    after, words = snapshot(folder), command.words
    outputs = _given(words, "--out", "--status")
    checkpoints = _given(words, "--checkpoint") - {""}
    reads = {word for n, word in enumerate(words) if words[n - 1] not in ("--out", "--status")}
    # A link of the user's own leads to a file that this command may not read.
    has_link = any(name.startswith("other ") for name in outputs)
    for name, digest in before.items():
        if after.get(name) == digest or any(name.startswith(f"{one}/") for one in checkpoints):
            continue
        is_read = name in reads or name.startswith(("results/", "models/"))
        if is_read or not (name in outputs or has_link):
            return f"a file that it was not to write has changed: {name!r}"
    may = outputs | {"report.html"}
    made = [name for name in after if name not in before]
    wrong = [
        name
        for name in made
        if name.endswith(".tmp")
        or not (name in may or any(name.startswith(f"{one}/") for one in checkpoints))
    ]
    return f"left over: {wrong}" if wrong else None


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


def preload() -> None:
    """Import what the executions do, so that each is a fork that has it."""
    for name in ("info", "learn", "predict", "report", "reproduce", "sample"):
        import_module(f"lethe.cli.{name}")
    for name in ("pyarrow.parquet", "rich.progress"):
        if importlib.util.find_spec(name.partition(".")[0]):
            import_module(name)


def executions(
    first: int, number: int, seed: int, keep: Path | None
) -> Iterator[dict[str, object]]:
    """Many executions; the folders of those that are wrong are in `keep`."""
    preload()
    known = known_options()
    with tempfile.TemporaryDirectory() as name:
        models = Path(name).resolve() / "models"
        models.mkdir()
        with redirect_stdout(None), redirect_stderr(None):
            make_models(models)
        for one in range(first, first + number):
            yield fuzz(one, seed, keep or models.parent, models, known)


if __name__ == "__main__":
    first, number = map(int, sys.argv[1:])
    for found in executions(first, number, 0, None):
        if found["wrong"]:
            print(json.dumps(found))
