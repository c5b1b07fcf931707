"""Files and command lines from a grammar: each ends with results or one line, and harms nothing.

`benchmarks/fuzz_inputs.py` has thousands.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.tables import ENVIRONMENT

pytest.importorskip("fcntl", reason="an execution is a process that was forked for it")

EXECUTIONS = 150


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux has it")
def test_files_and_commands_from_a_grammar() -> None:
    # In a process of its own: this one may have threads, which a fork would lack.
    tests = str(Path(__file__).parents[1])
    path = os.pathsep.join([ENVIRONMENT["PYTHONPATH"], tests])
    words = [sys.executable, "-m", "support.fuzz_runs", "0", str(EXECUTIONS)]
    done = subprocess.run(
        words, env={**ENVIRONMENT, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == ""
