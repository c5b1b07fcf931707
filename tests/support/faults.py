"""System calls that fail: runs of a command of which chosen calls on chosen files do not work."""

from __future__ import annotations

import errno
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random
from typing import NamedTuple

from support import command_runs
from support.command_runs import Ended, Run, State

SHORT = 0  # no error: half of what was asked for is read or written

#: What can happen to each call, by the names of `errno`; SHORT for reads and writes.
ERRORS: dict[str, tuple[int, ...]] = {
    "write": (errno.ENOSPC, errno.EIO, errno.EINTR, errno.EDQUOT, errno.EFBIG, SHORT),
    "read": (errno.EIO, errno.EINTR, errno.ESTALE, SHORT),
    "fsync": (errno.EIO, errno.ENOSPC, errno.EDQUOT),
    "open": (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EMFILE, errno.EACCES, errno.EINTR),
    "rename": (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT),
    "link": (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EPERM),
    "unlink": (errno.EIO, errno.EROFS, errno.EBUSY),
    "ftruncate": (errno.EIO, errno.EINTR, errno.EROFS),
    "flock": (errno.ENOLCK, errno.EIO, errno.EINTR),
    "close": (errno.EIO, errno.ENOSPC, errno.EDQUOT),
    "mkdir": (errno.ENOSPC, errno.EROFS, errno.EDQUOT),
    "chmod": (errno.EPERM, errno.EIO),
    "opendir": (errno.EIO, errno.ENOENT, errno.EMFILE),
    "stat": (errno.EIO, errno.ESTALE),
    "fstat": (errno.EIO, errno.ESTALE),
}


class Fault(NamedTuple):
    """Which calls fail, and how.

    Attributes
    ----------
    call : str
        One of `ERRORS`.
    pattern : str
        Of the path in the folder, as `fnmatch` has it.
    first : int
        The number of the first that fails, among the calls of this name on such paths.
    count : int
        How many fail; -1: all from there on, as on a disk that is full.
    error : int
        An errno, or SHORT.
    """

    call: str
    pattern: str
    first: int = 0
    count: int = 1
    error: int = errno.EIO

    def __str__(self) -> str:
        name = errno.errorcode.get(self.error, "half")
        often = "" if self.count == 1 else " and on"
        return f"{self.call} {self.pattern} number {self.first}{often}: {name}"


@functools.cache
def library() -> Path | str:
    """The compiled `faults.c`; or why there is none."""
    if sys.platform != "linux":
        return "calls are made to fail as Linux does"
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return "there is no C compiler"
    folder = Path(tempfile.mkdtemp(prefix="lethe-faults-"))
    source = Path(__file__).with_suffix(".c")
    words = [*compiler.split(), "-shared", "-fPIC", "-O1", "-o", folder / "faults.so", source]
    done = subprocess.run([*words, "-ldl"], capture_output=True, text=True)
    if done.returncode:
        return f"{compiler} does not compile it: {done.stderr[-200:]}"
    return folder / "faults.so"


def run_with(
    run: Run, folder: Path, fault: Fault | None, goal: State | None = None, log: Path | None = None
) -> Ended:
    """Run the command in its folder; `fault` happens to it, and `log` gets its calls."""
    environment = {"LD_PRELOAD": str(library()), "FAULTS_FOLDER": str(folder.resolve())}
    if fault is not None:
        environment["FAULT"] = " ".join(map(str, fault))
    if log is not None:
        environment["FAULTS_LOG"] = str(log)
    until = command_runs.level_with(folder, goal) if run.follows and goal else None
    return command_runs.end(command_runs.start(run.command(), folder, **environment), until)


def counted_calls(log: Path) -> Counter[tuple[str, str]]:
    """How often each call was made on each kind of file, from a log."""
    calls: Counter[tuple[str, str]] = Counter()
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        call, _, path = line.partition("\t")
        # Python itself looks into the present folder for modules.
        if call in ERRORS and not (path == "." and call in ("stat", "opendir")):
            calls[call, pattern_of(path)] += 1
    return calls


def pattern_of(path: str) -> str:
    """The pattern of a path: numbers of checkpoints and the names of temporaries vary."""
    return re.sub(r"\.[0-9a-f]{8}\.tmp$", ".*.tmp", re.sub(r"[0-9]{12}", "*", path))


def draw_fault(calls: Counter[tuple[str, str]], draw: Random) -> Fault:
    """One of the calls, each kind as often as another."""
    call, pattern = draw.choice(sorted(calls))
    first = draw.randrange(calls[call, pattern])
    if draw.random() < 0.3:
        first = min(first, draw.randrange(3))
    error = draw.choice(ERRORS[call])
    # An interrupted call is repeated, and never interrupted for ever; so with a short one.
    once = error in (errno.EINTR, SHORT) or draw.random() < 0.6
    return Fault(call, pattern, first, 1 if once else -1, error)


def has_happened(fault: Fault, log: Path) -> bool:
    """Whether the calls of a log reached the one that fails."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    calls = (line.partition("\t")[::2] for line in lines)
    there = sum(call == fault.call and fnmatchcase(path, fault.pattern) for call, path in calls)
    return there > fault.first


def must_be_told(fault: Fault) -> bool:
    """Whether a run must not go on as if nothing had happened: something is not on the disk."""
    lost = fault.call in ("write", "fsync", "rename") and fault.error not in (errno.EINTR, SHORT)
    # A lock's number and the status are only news; "." has the status in it, too.
    return lost and fault.pattern != "." and not re.search(r"\.lock|status", fault.pattern)


def _level(line: str) -> str:
    """Of a line of the log; `lethe predict` has none, and complains in plain text."""
    return "error" if line.startswith("lethe predict: ") else str(json.loads(line)["level"])


def complaint(ended: Ended) -> str | None:
    """What is wrong with the way a command ended, if anything is."""
    if ended.code is None:
        return "it hangs"
    if "Traceback" in ended.err or "Exception ignored" in ended.err:
        return f"a traceback: {ended.err[-300:]}"
    unnamed = r'("message": "|lethe \w+: )(\[Errno \d+\] [^:"]*("|$)|standard output)'
    if re.search(unnamed, ended.err, re.MULTILINE):
        return f"a line that names no file: {ended.err[-300:]}"
    try:
        levels = [_level(line) for line in ended.err.splitlines()]
    except (ValueError, TypeError, KeyError):
        return f"a line that is not of the log: {ended.err[-400:]!r}"
    errors = levels.count("error")
    if ended.has_finished:
        return (
            f"it finished, with an error: {ended.err[-300:]}" if errors > bool(ended.code) else None
        )
    if ended.code not in (1, 2):
        return f"its exit code is {ended.code}: {ended.err[-300:]}"
    if errors != 1:
        return f"its exit code is {ended.code} after {errors} errors: {ended.err[-400:]!r}"
    return None


class Happened(NamedTuple):
    """How the command ended, whether the fault came, and what is wrong, if anything."""

    ended: Ended
    came: bool
    wrong: str | None


def happen(run: Run, prepared: Path, folder: Path, fault: Fault, goal: State) -> Happened:
    """Let a fault happen, and then the command again, without.

    Parameters
    ----------
    run : Run
    prepared : Path
        A folder as it is before the command.
    folder : Path
        Where to run it; removed where all is right.
    fault : Fault
    goal : State
        What a run leaves to which nothing happens.
    """
    shutil.copytree(prepared, folder)
    names = command_runs.SOURCES[run.source].names
    sources = {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}
    log = folder.with_name(f"{folder.name}.log")
    ended = run_with(run, folder, fault, goal, log)
    wrong = complaint(ended)
    happened = has_happened(fault, log)
    log.unlink()
    if wrong is None and happened and must_be_told(fault) and ended.has_finished:
        wrong = f"it finished with exit code {ended.code}, as if nothing had happened"
    if wrong is None and not run.saves and ended.code:
        there = (folder / "out").read_bytes()
        wrong = None if there in (command_runs.OLD, goal.output) else "half of an output is there"
    again = run_with(run, folder, None, goal)
    if wrong is None and not again.has_finished:
        wrong = f"it is not resumed: {again.code} {again.err[-300:]}"
    found = command_runs.left(folder)
    if wrong is None and (found.checkpoint, found.output) != (goal.checkpoint, goal.output):
        bits = [
            command_runs.different_bits(*pair) for pair in zip(found[1:], goal[1:], strict=True)
        ]
        wrong = f"other bits of checkpoint and output: {bits}"
    over = command_runs.leftovers(folder, run)
    if wrong is None and over:
        wrong = f"left over: {over}"
    if wrong is None and any(
        (folder / name).read_bytes() != data for name, data in sources.items()
    ):
        wrong = "a source has changed"
    if wrong is None:
        shutil.rmtree(folder)
    return Happened(ended, happened, wrong)
