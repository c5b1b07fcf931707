"""``lethe reproduce`` in processes and on a cluster: the same records, ends that leave no trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.tiny_table import objects, same

from lethe.cli import main
from lethe.experiments.results import read
from lethe.experiments.tables import cerg
from lethe.trials import workers


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A Dask cluster here, of two worker processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        silence_logs=60,
    ) as here:
        yield here


def kill_one(of: Callable[[], list[int]], path: Path, finished: list[int]) -> None:
    """Kill one of these processes once the file holds a trial, and note how many it holds."""
    waited = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < waited
        time.sleep(0.002)
    os.kill(of()[0], signal.SIGKILL)
    finished.append(len(read(path)))


def local_workers() -> list[int]:
    children = psutil.Process().children()
    return [child.pid for child in children if any("LokyProcess" in w for w in child.cmdline())]


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("kill", [False, True], ids=["", "one_killed"])
@pytest.mark.parametrize("place", ["processes", "cluster"])
def test_the_same_records_wherever_they_are_made(
    place: str,
    kill: bool,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Each once, though a worker is killed in the middle."""
    limits = {"training_streams": 60, "stream_length": 10_000}
    monkeypatch.setattr(cerg, "SHORT", replace(cerg.SHORT, trials=20, limits=limits))
    command = ["reproduce", "cerg", "--json", "--out"]
    assert main([*command, str(tmp_path / "here"), "--jobs", "1"]) == 0
    where, processes = ["--jobs", "2"], local_workers
    if place == "cluster":
        dask = request.getfixturevalue("cluster")
        where = ["--scheduler", dask.scheduler_address]

        def processes() -> list[int]:
            return [nanny.pid for nanny in dask.workers.values()]

    file = tmp_path / "there" / "cerg.jsonl"
    finished: list[int] = []
    killer = threading.Thread(target=kill_one, args=(processes, file, finished))
    if kill:
        killer.start()
    assert main([*command, str(file.parent), *where]) == 0
    if kill:
        killer.join()
        assert 1 <= finished[0] < 40
    out, err = capsys.readouterr()
    expected = read(tmp_path / "here" / "cerg.jsonl")
    assert sorted(map(same, read(file))) == sorted(map(same, expected))
    assert len(objects(out)) == 2 * len(expected) == 80
    assert err == ""


@pytest.mark.usefixtures("tiny")
def test_an_unreachable_scheduler_is_one_line_and_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "PATIENCE", 0.5)
    assert main(["reproduce", "cerg", "--scheduler", "tcp://127.0.0.1:1"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in err


LONG = """
from dataclasses import replace
from lethe.cli import main
from lethe.experiments import Task
from lethe.experiments.tables import cerg

cerg.SHORT = replace(cerg.SHORT, limits={"training_streams": 100, "stream_length": 10_000})
if __name__ == "__main__":
    raise SystemExit(main(["reproduce", "cerg", "--trials", "2000", *__import__("sys").argv[1:]]))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_signal_ends_it_within_a_second_and_keeps_what_is_finished(
    jobs: str, number: signal.Signals, tmp_path: Path
) -> None:
    path = tmp_path / "cerg.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", LONG, "--out", str(tmp_path), "--jobs", jobs],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        waited = time.monotonic() + 60
        while not (path.exists() and read(path)):
            assert time.monotonic() < waited
            assert process.poll() is None
            time.sleep(0.02)
        began = time.monotonic()
        os.killpg(process.pid, number)  # As a terminal does: to all processes.
        out, err = process.communicate(timeout=30)
        seconds = time.monotonic() - began
    finally:
        process.kill()
    assert process.returncode == 128 + number
    finished = len(read(path))
    ended = "interrupted" if number == signal.SIGINT else "ended by SIGTERM"
    was, is_in = ("was", "is") if finished == 1 else ("were", "are")
    assert err == (
        f"lethe reproduce: {ended}; {finished} of 4000 trials {was} finished and {is_in} in {path};"
        " --resume continues\n"
    )
    assert seconds < 1.0
    assert "4000 trials" in out
