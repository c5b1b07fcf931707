"""In a sub-interpreter importing says that it cannot be; it does not hang."""

import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="NumPy itself refuses there")
def test_an_import_error() -> None:
    code = (
        "import _xxsubinterpreters as s, sys\n"
        "i = s.create()\n"
        "run = 'import sys; sys.path[:0]=%r\\n' % sys.path\n"
        "run += 'try:\\n import lethe'\n"
        "run += '\\n lethe.Network(lethe.Topology(inputs=1, outputs=1)).step(0)'\n"
        "run += '\\nexcept ImportError as error: print(error, flush=True)'\n"
        "s.run_string(i, run)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert "main interpreter" in done.stdout, done.stderr
