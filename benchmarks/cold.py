"""Cold start: import and help from a new process; install from source; the wheel's size."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lethe.cli.bench import machine

ROOT = Path(__file__).parent.parent
ROUNDS = 7


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def from_new_process(code: str) -> float:
    return statistics.median(seconds([sys.executable, "-c", code]) for _ in range(ROUNDS))


def main() -> None:
    print(machine())
    empty = from_new_process("pass")
    numpy = from_new_process("import numpy")
    ours = from_new_process("import lethe")
    print(f"python alone                 {empty:.3f} s")
    print(f"import numpy, above that     {numpy - empty:.3f} s")
    print(f"import lethe, above that     {ours - empty:.3f} s")
    command = [sys.executable, "-m", "lethe", "--help"]
    print(f"lethe --help, whole process  {statistics.median(map(seconds, [command] * 7)):.3f} s")
    with tempfile.TemporaryDirectory() as folder:
        wheel = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "-w", folder]
        print(f"wheel from source            {seconds(wheel):.1f} s")
        (built,) = Path(folder).glob("*.whl")
        print(f"its size                     {built.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
