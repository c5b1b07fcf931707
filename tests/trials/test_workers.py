"""Workers that are killed cost no piece of work; a cluster that cannot be used is one line."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.dying import die_at_three, die_once, fail_at_three, process, square

from lethe.trials import workers

needs_signals = pytest.mark.skipif(os.name != "posix", reason="needs signals")


def local_cluster(n_workers: int) -> Any:
    """A Dask scheduler, and its workers as processes of one thread each."""
    distributed = pytest.importorskip("distributed")
    return distributed.LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        silence_logs=60,
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a Dask scheduler with two worker processes."""
    pytest.importorskip("distributed")  # which brings the settings, so before they are changed
    dask = pytest.importorskip("dask")
    failures = {"distributed.scheduler.allowed-failures": 1}
    with dask.config.set(failures), local_cluster(2) as here:
        yield here.scheduler_address


@pytest.fixture(params=["processes", "cluster"])
def where(request: pytest.FixtureRequest) -> dict[str, Any]:
    """How `run_all` is told where to run."""
    if request.param == "processes":
        return {"jobs": 2}
    return {"jobs": 1, "scheduler": request.getfixturevalue("cluster")}


def results_of(work: Callable[[Any], Any], tasks: list[Any], where: dict[str, Any]) -> list[Any]:
    got: list[Any] = []
    workers.run_all(work, tasks, on_result=lambda task, result: got.append((task, result)), **where)
    return got


def test_each_task_once_with_its_own_result(where: dict[str, Any]) -> None:
    got = results_of(square, list(range(40)), where)
    assert sorted(got) == [(task, task * task) for task in range(40)]


def test_tasks_start_in_order(where: dict[str, Any]) -> None:
    """So the results of equal work come nearly in order."""
    came = [task for task, _ in results_of(square, list(range(60)), where)]
    assert sum(abs(place - task) for place, task in enumerate(came)) < 5 * 60  # random order: 1200


def test_the_work_is_done_by_others(where: dict[str, Any]) -> None:
    assert os.getpid() not in dict(results_of(process, [1, 2, 3], where)).values()


def test_one_job_is_this_process() -> None:
    assert results_of(process, [1, 2], {"jobs": 1}) == [(1, os.getpid()), (2, os.getpid())]


@needs_signals
def test_a_killed_worker_loses_nothing(where: dict[str, Any], tmp_path: Path) -> None:
    got = results_of(die_once, [(str(tmp_path), number) for number in range(30)], where)
    assert (tmp_path / "died").exists()
    assert sorted(number for _, number in got) == list(range(30))


@needs_signals
def test_work_that_always_kills_is_named(where: dict[str, Any]) -> None:
    got: list[int] = []
    with pytest.raises(workers.WorkerError, match=r"killed.* times at the same work") as error:
        workers.run_all(
            die_at_three, list(range(9)), on_result=lambda task, _: got.append(task), **where
        )
    assert error.value.tasks
    assert 3 not in got
    assert len(got) == len(set(got))
    if "scheduler" not in where:  # the scheduler may blame what was to run there next
        assert 3 in error.value.tasks
        assert {0, 1, 2} <= {*got, *error.value.tasks}


def test_an_error_is_raised_here_and_ends_the_rest(where: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="three"):
        results_of(fail_at_three, list(range(1000)), where)
    assert len(results_of(square, [1, 2, 3], where)) == 3  # and the next start is a clean one


def test_an_error_with_a_result_is_raised_too(where: dict[str, Any]) -> None:
    def full_disk(task: int, result: int) -> None:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        workers.run_all(square, list(range(50)), on_result=full_disk, **where)


PARENT = """
import sys
sys.path[:0] = sys.argv[2:]
from support.dying import note_and_sleep
from lethe.trials.workers import run_all
tasks = [(sys.argv[1], number) for number in range(4)]
run_all(note_and_sleep, tasks, jobs=2, on_result=lambda task, result: None)
"""


@needs_signals
def test_a_killed_parent_leaves_no_workers(tmp_path: Path) -> None:
    paths = [path for path in sys.path if path]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), *paths], stderr=subprocess.DEVNULL
    )
    try:
        children = wait_for(lambda: [p for p in map(psutil.Process, numbers(tmp_path))], 2)
    finally:
        parent.kill()
        parent.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]


def numbers(folder: Path) -> list[int]:
    return [int(file.name) for file in folder.iterdir()]


def wait_for(look: Callable[[], list[Any]], length: int) -> list[Any]:
    last = time.monotonic() + 60
    while len(found := look()) < length:
        assert time.monotonic() < last
        time.sleep(0.02)
    return found


def test_a_cluster_of_another_version_is_refused(
    cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = workers.__version__
    monkeypatch.setattr(workers, "__version__", "9.9")
    with pytest.raises(ValueError, match=rf"worker tcp://.* runs lethe {version}, and here is 9.9"):
        results_of(square, [1], {"jobs": 1, "scheduler": cluster})


def test_a_cluster_without_workers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PATIENCE", 0.5)
    with (
        local_cluster(0) as empty,
        pytest.raises(ValueError, match=r"has no workers \(waited 0.5 seconds\)"),
    ):
        results_of(square, [1], {"jobs": 1, "scheduler": empty.scheduler_address})


def test_one_worker_is_enough() -> None:
    """joblib alone would do the work of a cluster with one worker here."""
    with local_cluster(1) as small:
        got = results_of(process, [1, 2], {"jobs": 1, "scheduler": small.scheduler_address})
    assert len({number for _, number in got} - {os.getpid()}) == 1


@needs_signals
def test_a_lost_cluster_is_named() -> None:
    with local_cluster(1) as small:

        def end_it(task: int, result: int) -> None:
            small.close()

        with pytest.raises(workers.WorkerError, match=r"the cluster at tcp://.* was lost"):
            workers.run_all(
                square,
                list(range(500)),
                jobs=1,
                on_result=end_it,
                scheduler=small.scheduler_address,
            )


@pytest.mark.parametrize("address", ["", "tcp://", "10.0.0.1", "ftp://a:1", "tcp://a:b", "a b"])
def test_a_malformed_address_is_refused(address: str) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ValueError, match=r"is like tcp://10\.0\.0\.1:8786, got '"):
        results_of(square, [1], {"jobs": 1, "scheduler": address})


def test_an_unreachable_scheduler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "PATIENCE", 0.5)
    with socket.socket() as nobody:  # bound and not listening
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(ValueError, match=f"no Dask scheduler answers at {address}: "):
            results_of(square, [1], {"jobs": 1, "scheduler": address})
    assert time.monotonic() - began < 3


def test_what_is_no_scheduler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ValueError, match=f"no Dask scheduler answers at {address}: "):
            results_of(square, [1], {"jobs": 1, "scheduler": address})


def test_a_worker_is_no_scheduler(cluster: str) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.Client(cluster, set_as_default=False) as client:
        worker = next(iter(client.scheduler_info()["workers"]))
    with pytest.raises(ValueError, match=f"what answers at {worker} is no Dask scheduler"):
        results_of(square, [1], {"jobs": 1, "scheduler": worker})


def test_missing_dask_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r'pip install "lethe-ml\[dask\]"'):
        results_of(square, [1], {"jobs": 1, "scheduler": "tcp://127.0.0.1:8786"})
