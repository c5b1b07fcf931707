"""System calls that fail while lethe learn runs: one line, and the same bits after it is resumed.

`benchmarks/faults.py` draws hundreds of them.
"""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest
from support import command_runs, faults
from support.command_runs import RUNS as WITH_CHECKPOINTS
from support.command_runs import WHOLE, State
from support.faults import SHORT, Fault

pytest.importorskip("fcntl", reason="a writer of checkpoints needs a POSIX system")
if isinstance(faults.library(), str):
    pytest.skip(str(faults.library()), allow_module_level=True)

EVENTS = 200
RUNS = WITH_CHECKPOINTS | WHOLE
TEMPORARY = "state/.*.safetensors.*.tmp"

FAULTS = [
    ("csv", Fault("write", "out", 50, -1, errno.ENOSPC)),
    ("csv", Fault("write", "out", 50, 1, SHORT)),
    ("csv", Fault("fsync", "out", 1, 1, errno.EIO)),
    ("csv", Fault("read", "s.csv", 0, 1, errno.EINTR)),
    ("csv", Fault("close", "s.csv", 0, 1, errno.EIO)),
    ("csv", Fault("write", TEMPORARY, 4, 1, errno.EDQUOT)),
    ("csv", Fault("fsync", TEMPORARY, 1, 1, errno.EIO)),
    ("csv", Fault("rename", "state/*.safetensors", 1, 1, errno.EROFS)),
    ("csv", Fault("open", "out", 0, -1, errno.EROFS)),
    ("jsonl", Fault("read", "m.jsonl", 0, 1, SHORT)),
    ("text", Fault("read", "book.txt", 0, 1, SHORT)),
    ("text", Fault("read", "book.txt", 1, -1, errno.EIO)),
    ("csv, no checkpoint", Fault("rename", "out", 0, 1, errno.EDQUOT)),
    ("csv, no checkpoint", Fault("fsync", ".out.*", 0, 1, errno.EIO)),
    ("text", Fault("flock", "state/.lock", 0, 1, errno.ENOLCK)),
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, State]]:
    """The folders of the runs, and what those leave to which nothing happens."""
    found = {}
    for name in {name for name, _ in FAULTS}:
        folder = tmp_path_factory.mktemp("runs") / name
        command_runs.write_sources(RUNS[name], folder, EVENTS)
        done = folder.with_suffix(".done")
        shutil.copytree(folder, done)
        ended = faults.run_with(RUNS[name], done, None)
        assert ended.code == 0, ended.err
        found[name] = folder, command_runs.left(done)
    return found


@pytest.mark.parametrize(("name", "fault"), FAULTS, ids=str)
def test_one_line_and_the_same_bits(
    name: str, fault: Fault, prepared: dict[str, tuple[Path, State]], tmp_path: Path
) -> None:
    folder, goal = prepared[name]
    happened = faults.happen(RUNS[name], folder, tmp_path / "run", fault, goal)
    assert happened.came
    assert happened.wrong is None
    nothing_lost = fault.error in (SHORT, errno.EINTR) or fault.call == "close"
    assert happened.ended.code == 0 or not nothing_lost


def test_what_a_checkpoint_counts_is_on_the_disk_before_it(
    prepared: dict[str, tuple[Path, State]], tmp_path: Path
) -> None:
    """What a power cut leaves: only what was brought to the disk, in the order of the calls."""
    folder, log = tmp_path / "run", tmp_path / "log"
    shutil.copytree(prepared["csv"][0], folder)
    assert faults.run_with(RUNS["csv"], folder, None, log=log).code == 0
    written = durable = checkpoints = 0
    unsynced: set[str] = set()  # what is not on the disk yet; a folder with what it is to name
    for line in log.read_text(encoding="utf-8").splitlines():
        call, _, path = line.partition("\t")
        if call == "fsync":
            unsynced.discard(path)
        if path == "out" and call == "open":
            unsynced.add(".")
        elif path == "out" and call == "write":
            written += 1  # a line for each event
        elif path == "out" and call == "fsync":
            durable = written
        elif path.endswith(".tmp") and call == "write":
            unsynced.add(path)
        elif path.endswith(".safetensors") and call == "rename":
            assert not unsynced, line
            assert durable >= int(Path(path).stem)
            unsynced.add("state")
            checkpoints += 1
        elif path.endswith(".safetensors") and call == "unlink":
            assert not unsynced, line  # the newer one is there first
    assert checkpoints >= 3
    assert not unsynced


@pytest.mark.parametrize("number", range(2, 7))
def test_an_output_that_cannot_be_looked_at_is_not_taken_for_one_that_is_gone(
    number: int, prepared: dict[str, tuple[Path, State]], tmp_path: Path
) -> None:
    folder, goal = prepared["csv"]
    half = tmp_path / "half"
    shutil.copytree(folder, half)
    run = RUNS["csv"]
    first = run._replace(words=(*run.words, "--limit", str(EVENTS // 2)))
    assert faults.run_with(first, half, None).code == 0
    fault = Fault("stat", "out", number, 1, errno.ESTALE)
    assert faults.happen(run, half, tmp_path / "run", fault, goal).wrong is None
