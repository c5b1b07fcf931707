"""Survive a power cut: kill a learner at a random moment, resume it, and lose nothing.

Run: python examples/resume.py
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

folder = Path(tempfile.mkdtemp())
SERIES = ["steps", "--target", "value", "--horizon", "1", "--limit", "6000", "--every", "500"]


def learn(name: str, *more: str) -> list[str]:
    """The command that learns a bundled series and writes its predictions."""
    files = ["--out", str(folder / f"{name}.jsonl"), "--checkpoint", str(folder / name)]
    return [sys.executable, "-m", "lethe", "learn", *SERIES, *files, *more]


subprocess.run(learn("whole"), check=True, capture_output=True)
process = subprocess.Popen(learn("killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
while not list((folder / "killed").glob("*.safetensors")) and process.poll() is None:
    time.sleep(0.01)
process.kill()  # SIGKILL: no time to tidy up
process.wait()
done = subprocess.run(learn("killed", "--resume"), check=True, capture_output=True, text=True)
print(done.stdout.strip())

whole, killed = ((folder / f"{name}.jsonl").read_bytes() for name in ("whole", "killed"))
print("the same bytes as without the kill:", whole == killed)
