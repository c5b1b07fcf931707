"""A worker process that ends too early is an error of its own kind."""

import os
from multiprocessing import Pipe
from types import SimpleNamespace
from typing import Any

import pytest
from dying import die

from lethe import workers


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_killed_worker_is_named() -> None:
    with pytest.raises(workers.WorkerError, match="ended with exit code -9 and without a result"):
        workers.run_all(die, [1, 2], jobs=2, on_result=lambda task, result: None)


def test_nothing_can_be_sent_to_a_dead_worker() -> None:
    here, there = Pipe()
    there.close()
    process: Any = SimpleNamespace(join=lambda: None, exitcode=-9)
    with here, pytest.raises(workers.WorkerError, match="exit code -9"):
        workers._send(here, process, "task")
