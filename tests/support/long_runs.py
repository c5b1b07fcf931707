"""A run of lethe learn in a process of its own, and what it has written."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lethe import storage


def until(condition: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Wait for something that a process does."""
    for _ in range(2000):
        if condition():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.kill()
    raise AssertionError(process.communicate())


def written(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def newest(folder: Path) -> dict[str, Any]:
    return storage.read(max(folder.glob("*.safetensors")))[1]["learn"]
