"""Workers: independent pieces of work, side by side, in processes here or on a Dask cluster.

joblib starts them and hands out the work. What it leaves open is done here: a worker that was
killed costs no piece of work, Ctrl-C ends everything at once, and nothing outlives a killed parent.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing import resource_tracker
from typing import Any, Protocol, TypeVar

from lethe.version import __version__

__all__ = ["ATTEMPTS", "PATIENCE", "WorkerError", "can_start_processes", "one_thread", "run_all"]

Task = TypeVar("Task")
Result = TypeVar("Result")

#: So often a piece of work is begun, if its worker process is killed each time. On a cluster it is
#: the scheduler that counts (``distributed.scheduler.allowed-failures``).
ATTEMPTS = 3

#: Seconds that a cluster has to answer, and then to show its first worker.
PATIENCE = 5.0

#: The signals that end a run, and that its workers leave to it.
_ENDING = (signal.SIGINT, signal.SIGTERM)


def one_thread() -> None:
    """Hold the libraries that are not yet imported, here and in workers, to a thread each."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if flags not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")


def can_start_processes() -> bool:
    """Whether joblib is installed, and psutil.

    psutil is what joblib ends its processes with; without it, it needs pgrep, or hangs.
    """
    try:
        import joblib  # noqa: F401
        import psutil  # noqa: F401
    except ImportError:
        return False
    return True


class WorkerError(RuntimeError):
    """Workers ended without a result, as when they were killed, more often than can be chance.

    Attributes
    ----------
    tasks : tuple
        What they were at work on, as far as that is known.
    """

    def __init__(self, message: str, tasks: Iterable[Any] = ()) -> None:
        super().__init__(message)
        self.tasks = tuple(tasks)


def run_all(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    jobs: int,
    on_result: Callable[[Task, Result], None],
    scheduler: str | None = None,
) -> None:
    """Run ``work(task)`` for each task, some of them at the same time.

    A task whose worker was killed is run again. Interrupted (Ctrl-C), or when a piece of work
    raises, all processes are ended at once; on a cluster, what has begun there runs to its end and
    is forgotten.

    Parameters
    ----------
    work : callable
        A function at the top of a module.
    tasks : sequence
        Started in this order. Tasks and results must be picklable.
    jobs : int
        Processes; with 1, and where there are no others (`can_start_processes`), everything happens
        in this one. A cluster has its own number.
    on_result : callable
        Called here, in this process, as results come in, once for each task.
    scheduler : str, optional
        The address of a Dask scheduler, such as "tcp://10.0.0.1:8786", whose workers do the work.

    Raises
    ------
    WorkerError
        If the workers of a task were killed `ATTEMPTS` times, or the cluster was lost.
    ValueError
        If the cluster cannot be reached, has no workers or runs another version of this package, or
        if Dask is not installed.
    """
    if scheduler is not None:
        _run_on_cluster(work, tasks, scheduler, on_result)
    elif jobs == 1 or len(tasks) < 2 or not can_start_processes():
        for task in tasks:
            on_result(task, work(task))
    else:
        _run_in_processes(work, tasks, min(jobs, len(tasks)), on_result)


def _numbered(work: Callable[[Task], Result], number: int, task: Task) -> tuple[int, Result]:
    """Do the work, and say which it was: results come in any order."""
    return number, work(task)


class _Client(Protocol):
    """What is used of Dask's client."""

    def wait_for_workers(self, n_workers: int, timeout: float) -> None: ...

    def run(self, function: Callable[[], str], on_error: str) -> dict[str, object]: ...


def _hand_out(
    parallel: Callable[[list[object]], Generator[tuple[int, Result], None, None]],
    work: Callable[[Task], Result],
    waiting: dict[int, Task],
    on_result: Callable[[Task, Result], None],
) -> None:
    """Let joblib do what is waiting; whatever has its result waits no longer."""
    from joblib import delayed

    calls: list[object] = [
        delayed(_numbered)(work, number, task) for number, task in waiting.items()
    ]
    with _interrupts_held():  # it starts its processes here
        results = parallel(calls)
    with closing(results):
        for number, result in results:
            on_result(waiting.pop(number), result)


def _run_in_processes(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    jobs: int,
    on_result: Callable[[Task, Result], None],
) -> None:
    from joblib import Parallel
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    waiting = dict(enumerate(tasks))
    lost: Counter[int] = Counter()
    while waiting:
        parallel = Parallel(
            jobs,
            backend="loky",
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch=jobs,
            initializer=_begin_worker,
            initargs=(os.getpid(),),
        )
        try:
            with _quiet():
                _hand_out(parallel, work, waiting, on_result)
        except TerminatedWorkerError as error:
            running = list(waiting)[:jobs]  # they start in order, so these are the ones
            lost.update(running)
            often = [number for number in running if lost[number] >= ATTEMPTS]
            if often:
                codes = re.search(r"\{(.+)\}", str(error))
                how = f" ({codes[1]})" if codes else ""
                raise WorkerError(
                    f"worker processes were killed{how}, {ATTEMPTS} times at the same work",
                    (waiting[number] for number in often),
                ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep off the terminal what joblib remarks on what we do, or can do nothing about."""
    with warnings.catch_warnings():
        for message in (
            # We ended it before all was done.
            ".*tasks (have been successfully executed|which were still being processed)",
            # It had grown by 300 MB; a new one starts.
            "A worker stopped while some jobs were given",
        ):
            warnings.filterwarnings("ignore", message, UserWarning)
        yield


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back, which processes started meanwhile leave to their parent.

    The mask of signals is for the new process, which inherits it. Here it is not enough, since a
    signal goes to any thread of the process that does not mask it, as those of a BLAS.
    """
    from joblib.externals.loky.backend import resource_tracker as joblib_tracker

    in_main_thread = threading.current_thread() is threading.main_thread()
    if not hasattr(signal, "pthread_sigmask") or not in_main_thread:
        yield
        return
    # These helpers are started with the first process, and let Ctrl-C through when they are.
    resource_tracker.ensure_running()
    joblib_tracker.ensure_running()
    came: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, frame: came.append(number))
        for number in _ENDING
        if callable(signal.getsignal(number))
    }
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if came:
            signal.raise_signal(came[0])


def _begin_worker(parent: int) -> None:
    """What a worker process does first: leave Ctrl-C and SIGTERM to its parent, and watch that."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()


def _end_with_parent(parent: int) -> None:
    """A parent that was killed cannot end its workers."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _run_on_cluster(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    address: str,
    on_result: Callable[[Task, Result], None],
) -> None:
    with _cluster(address) as client, _quiet():
        from distributed import CancelledError, KilledWorker
        from joblib import Parallel

        # All at once: the scheduler keeps their order, and workers that join later find some.
        parallel = Parallel(
            backend=_dask_backend(client),
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch="all",
        )
        try:
            _hand_out(parallel, work, dict(enumerate(tasks)), on_result)
        except KilledWorker as error:
            raise WorkerError(
                f"workers of the cluster at {address} were killed, "
                f"{error.allowed_failures + 1} times at the same work",
                error.tasks,
            ) from None
        except CancelledError:
            raise WorkerError(f"the cluster at {address} was lost") from None


def _dask_backend(client: _Client) -> object:
    """What joblib has for Dask, but for two things."""
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):  # type: ignore[misc]
        def effective_n_jobs(self, n_jobs: int) -> int:
            """At least 2: for one worker, joblib would do the work in this process."""
            return max(2, int(super().effective_n_jobs(n_jobs)))

        def submit(self, func: Any, callback: Callable[[Any], None]) -> Any:
            """Call back after errors too: joblib would wait forever."""

            def call_back(done: Any) -> None:
                error = done.exception()
                if error is not None:
                    error.tasks = [args[-1] for _, args, _ in func.items]
                    callback(error)

            future = super().submit(func, callback)
            future.add_done_callback(call_back)
            return future

    return Backend(client=client)


@contextmanager
def _cluster(address: str) -> Iterator[_Client]:
    """A client of the Dask scheduler at this address, which has workers of this version."""
    try:
        import joblib  # noqa: F401
        from distributed import Client
    except ImportError as missing:
        what = "joblib" if missing.name == "joblib" else "Dask"
        raise ValueError(f'{what} is not installed: pip install "lethe-ml[dask]"') from None
    logs = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)  # what there is to say, we say
    try:
        asyncio.run(_knock(address))
        with Client(address, timeout=PATIENCE, set_as_default=False) as client:
            _check_workers(client, address)
            yield client
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


async def _knock(address: str) -> None:
    """See whether a Dask scheduler answers; a client that finds none takes long to give up."""
    from distributed import Security, connect

    if not re.fullmatch(r"((tcp|tls)://)?[^/]+:\d+", address):
        raise ValueError(
            f"the address of a Dask scheduler is like tcp://10.0.0.1:8786, got {address!r}"
        )
    try:
        async with asyncio.timeout(PATIENCE + 1):
            arguments = Security().get_connection_args("client")
            comm = await connect(address, timeout=PATIENCE, **arguments)
            await comm.write({"op": "identity"})
            answer = await comm.read()
            comm.abort()
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f"no Dask scheduler answers at {address}: {reason}") from None
    if not isinstance(answer, dict) or answer.get("type") != "Scheduler":
        raise ValueError(f"what answers at {address} is no Dask scheduler")


def _check_workers(client: _Client, address: str) -> None:
    """See that the cluster has workers, and that they compute what this process would."""

    def version() -> str:  # a worker may have no module of ours to take this function from
        from importlib import import_module

        return str(import_module("lethe.version").__version__)

    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise ValueError(
            f"the cluster at {address} has no workers (waited {PATIENCE:g} seconds)"
        ) from None
    for worker, found in client.run(version, on_error="return").items():
        if isinstance(found, ImportError):
            raise ValueError(f"the worker {worker} has no lethe: install {__version__} there")
        if found != __version__:
            raise ValueError(f"the worker {worker} runs lethe {found}, and here is {__version__}")
