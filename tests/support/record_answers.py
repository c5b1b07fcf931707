"""Record what a model answers on the streams of `answer_streams`.

``python tests/support/record_answers.py [NAME ...]`` writes tests/model/answers/NAME.npz, for all
streams or for those that are named, with the version that is installed. A record is made anew where
answers change on purpose, and nowhere else; those of streams of symbols are still 0.1.0's.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from support.answer_streams import STREAMS
from support.answers import replay

import lethe

FOLDER = Path(__file__).parents[1] / "model" / "answers"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    total = 0
    for name in sys.argv[1:] or STREAMS:
        path = FOLDER / f"{name}.npz"
        np.savez_compressed(
            path,
            allow_pickle=False,
            version=np.array(lethe.__version__),
            instruction_set=np.array(lethe.instruction_set()),
            **replay(STREAMS[name]()),
        )
        total += path.stat().st_size
        print(f"{name}: {path.stat().st_size:,} bytes", flush=True)
    print(f"{total:,} bytes in all, from {lethe.__version__} with {lethe.instruction_set()}")


if __name__ == "__main__":
    main()
