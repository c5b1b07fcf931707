"""What a checkpoint costs a run: the pause in learning, and the writing beside it; and idling.

A default model learns a stream with times; after every so many events a checkpoint is written, as
`lethe learn` does it. The pause is what the learning loop waits for; the writing is done by another
thread, and takes what the disk takes. Then `lethe learn --follow` waits for a file that does not
grow, and its processor time is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import lethe
from lethe.cli._support.anomaly_log import AnomalyLog
from lethe.cli._support.every import Every
from lethe.cli._support.records_options import resolved
from lethe.cli._support.run_metadata import RecordsMetadata
from lethe.cli._support.sessions import CheckpointSession
from lethe.cli.bench import machine
from lethe.data import BundledStream
from lethe.evaluate.prequential import EventScores, predict_events
from lethe.storage import Checkpoints
from lethe.version import __version__

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(lethe.__file__).parent.parent)}

NOTHING_GIVEN = dict.fromkeys(
    ("target", "classify", "detect", "horizon", "time", "period", "cells", "layers", "seed", "bad",
     "text", "missing", "out", "format")
)  # fmt: skip


def milliseconds(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "median": round(1e3 * statistics.median(ordered), 3),
        "99 %": round(1e3 * ordered[int(0.99 * (len(ordered) - 1))], 3),
        "largest": round(1e3 * ordered[-1], 3),
    }


def pauses(folder: str, count: int, apart: int) -> dict[str, Any]:
    """The times of so many checkpoints, that many events apart."""
    model = lethe.Model("value", horizon=1)
    stream = BundledStream("sine", rows=count * apart)
    scores, options = EventScores(model), resolved({**NOTHING_GIVEN, "target": ["value"]})  # type: ignore[typeddict-item]
    paused: list[float] = []
    written: list[float] = []
    save = Checkpoints.save

    def timed(*args: Any) -> Path:
        began = time.perf_counter()
        try:
            return save(*args)
        finally:
            written.append(time.perf_counter() - began)

    Checkpoints.save = timed  # type: ignore[method-assign]
    options_ahead = type(options)(**{**vars(options), "horizon": 1})
    with CheckpointSession(folder, None, False) as session:
        session.every = Every(apart, None)
        for n, _ in enumerate(predict_events(model, stream, scores=scores), 1):
            if n % apart:
                continue
            began = time.perf_counter()
            run = RecordsMetadata(
                events=model.events,
                before=0,
                options=options_ahead,
                position=dict(stream.position),
                several=False,
                output=None,
                time=scores.time,
                scores=scores.scores,
                anomalies=AnomalyLog(),
                unreadable=0,
            )
            session.save(model, run)
            paused.append(time.perf_counter() - began)
            if n == apart * count:
                break
        session.finish()
    Checkpoints.save = save  # type: ignore[method-assign]
    size = max(Path(folder).glob("*.safetensors")).stat().st_size
    # The first one is waited for, so that an output never gets ahead of it.
    return {
        "checkpoints": len(paused),
        "bytes": size,
        "pause_ms": milliseconds(paused[1:]),
        "write_ms": milliseconds(written),
    }


def idle(folder: str, seconds: float) -> dict[str, float]:
    """The share of a processor that following a silent file takes."""
    source = Path(folder) / "s.csv"
    source.write_text("t,value\n" + "".join(f"{n},{n % 7}\n" for n in range(100)))
    words = ["learn", "s.csv", "--target", "value", "--follow", "--checkpoint", "idle"]
    command = [sys.executable, "-m", "lethe", *words, "--status", "status"]
    with subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stderr=subprocess.DEVNULL
    ) as process:
        while not (Path(folder) / "status").exists():
            time.sleep(0.1)
        time.sleep(1.0)
        before = processor_time(process.pid)
        time.sleep(seconds)
        spent = processor_time(process.pid) - before
        process.terminate()
    return {"seconds": seconds, "processor_seconds": spent, "percent": 100 * spent / seconds}


def processor_time(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoints", type=int, default=60, help="that are written (60)")
    parser.add_argument("--apart", type=int, default=5000, help="events between two (5,000)")
    parser.add_argument("--idle", type=float, default=20.0, help="seconds of following (20)")
    parser.add_argument("--folder", help="where to write (by default a temporary one)")
    parser.add_argument("--out", type=Path, help="JSON, such as results/checkpoints.json")
    args = parser.parse_args()
    record: dict[str, Any] = {"machine": machine(), "version": __version__, "apart": args.apart}
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        record |= pauses(f"{folder}/state", args.checkpoints, args.apart)
        record["idle"] = idle(folder, args.idle)
    print(json.dumps(record, indent=1))
    if args.out:
        args.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
