"""Draw docs/forgetting.png, the README's picture. Needs matplotlib: pip install ".[plot]".

Two networks that differ in their forget gates alone learn the endless stream of the report's
section 4, as in its Table 2 with decay of the learning rate. A training stream ends at the first
wrong prediction or after 10,000 right ones; training ends after ten such streams in a row.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import lethe
from lethe.tasks.reber import TARGETS, ReberStream

STREAMS = 15_000
LIMIT = 10_000
SEED = 0
WINDOW = 50


def trained(forget_gate: bool) -> tuple[lethe.Network, np.ndarray]:
    """A network, and how many predictions were right in a row in each training stream."""
    topology = lethe.Topology(
        inputs=7, outputs=7, blocks=4, cells_per_block=2, forget_gate=forget_gate
    )
    net = lethe.Network(topology, update=lethe.SGD(0.5, decay=0.99), seed=SEED)
    stream = ReberStream(seed=SEED)
    found: list[int] = []
    while len(found) < STREAMS and found[-10:] != [LIMIT] * 10:
        net.reset()
        stream.next_string()
        right, wrong = 0, False
        while right < LIMIT and not wrong:
            steps = stream.look(min(1000, LIMIT - right))
            run = net.run(
                steps.inputs,
                steps.targets,
                target_table=TARGETS,
                stop=lethe.FirstError(0.49),
                record=(),
            )
            stream.advance(run.steps)
            wrong = run.stopped
            right += run.steps - wrong
        found.append(right)
    return net, np.array(found)


def main() -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    symbols = ReberStream(seed=12345).take(2000).inputs
    for forget_gate, name, colour in (
        (False, "standard LSTM", "#c0392b"),
        (True, "forget gates", "#0b6e99"),
    ):
        net, found = trained(forget_gate)
        print(f"{name}: {len(found):,} streams, the longest {found.max():,}", flush=True)
        means = [found[n : n + WINDOW].mean() for n in range(0, len(found), WINDOW)]
        left.semilogy(np.arange(len(means)) * WINDOW, means, color=colour, label=name, lw=1.2)
        net.reset()
        states = net.run(symbols, learn=False, record=("cell_state",))["cell_state"]
        lines = right.plot(states[:, 0].reshape(len(symbols), -1), color=colour, lw=0.7)
        lines[0].set_label(name)
    left.set_xlabel("training streams")
    left.set_title(f"symbols right in a row, mean of {WINDOW} streams", fontsize=10)
    left.axhline(LIMIT, color="0.6", lw=0.8, ls="--")
    right.set_xlabel("symbols of a new stream")
    right.set_title("cell states of the trained network", fontsize=10)
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(Path(__file__).parent / "forgetting.png", dpi=150)


if __name__ == "__main__":
    main()
