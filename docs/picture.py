"""Draw docs/forgetting.png, the README's picture. Needs matplotlib: pip install ".[plot]".

Two networks that differ in their forget gates alone learn the endless stream of section 4. A stream
ends at the first wrong prediction or after 100,000 right ones. The figure shows how long each lasted.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import lethe
from lethe.streams.reber import TARGETS, ReberStream

STREAMS = 20_000
LIMIT = 100_000
PIECE = 2_000
SEED = 1


def lengths(forget_gate: bool) -> np.ndarray:
    """How many predictions were right in a row, in each training stream."""
    topology = lethe.Topology(
        inputs=7, outputs=7, blocks=4, cells_per_block=2, forget_gate=forget_gate
    )
    net = lethe.Network(topology, update=lethe.SGD(0.5, decay=0.99), seed=SEED)
    found = np.zeros(STREAMS, int)
    for n in range(STREAMS):
        stream = ReberStream(seed=np.random.SeedSequence([SEED, n]))
        net.reset()
        while found[n] < LIMIT:
            steps = stream.take(PIECE)
            run = net.run(
                steps.symbols,
                steps.targets,
                target_table=TARGETS,
                stop=lethe.FirstError(0.49),
                record=(),
            )
            found[n] += run.steps - run.stopped
            if run.stopped:
                break
    return found


def main() -> None:
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    window = 100
    for forget_gate, name, colour in (
        (True, "with forget gates", "#0b6e99"),
        (False, "standard LSTM", "#c0392b"),
    ):
        found = lengths(forget_gate)
        print(f"{name}: longest {found.max():,}, mean of the last 1,000 {found[-1000:].mean():,.0f}")
        groups = found.reshape(-1, window)
        at = (np.arange(len(groups)) + 1) * window
        axes.semilogy(at, groups.mean(1), color=colour, label=name, lw=1.2)
        axes.fill_between(at, groups.min(1) + 1, groups.max(1) + 1, color=colour, alpha=0.12, lw=0)
    axes.axhline(LIMIT, color="0.6", lw=0.8, ls="--")
    axes.set_xlabel("training streams")
    axes.set_ylabel("symbols right in a row")
    axes.legend(frameon=False, loc="center right")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(Path(__file__).parent / "forgetting.png", dpi=150)


if __name__ == "__main__":
    main()
