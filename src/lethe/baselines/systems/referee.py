"""The LSTM of both papers with each credit, so that only the credit differs.

    truncated   the report's truncation                     partials        `Partials`
    rtrl        ∂state/∂w in full, forward in time           n·W numbers     `Rtrl`
    bptt        error goes back to a sequence's first step   the sequence    `Bptt`
    window      error propagates back over the last h steps        h steps         `Window`

With the `partial_decay` of a `Topology` partials fade by a constant in place of the forget gate, as
the traces of random-feedback local online learning do (RFLO, Murray 2019; without its random
feedback: errors reach the cells by the weights of the output units). At 0 nothing is left of a
partial one step later, and derivatives are immediate.

A window of 1 has immediate derivatives alone (Elman's procedure), a window of 2 goes one step back.
On a stream whose sequences have no end a window longer than any lag stands for full BPTT.
``lethe reproduce credit`` compares them; docs/credit.md says what each costs.

Checks (tests/baselines/test_referee.py, float64): "truncated" has the numbers of `lethe.Network`;
partials that fade by 0 have the gradient of a window of 1; "rtrl" and "bptt" learn the same where
one target ends each sequence; where nothing lies behind the window, "window" and "rtrl" have the
same gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import jax
import numpy as np

from lethe.baselines.cell import OutputUnits
from lethe.baselines.credit import Credit
from lethe.baselines.credits.bptt import Bptt, Window
from lethe.baselines.credits.partials import Partials
from lethe.baselines.credits.rtrl import Rtrl
from lethe.baselines.engine import Learner
from lethe.baselines.rule import Descent
from lethe.baselines.systems.lstm import Lstm
from lethe.core.topology import Topology

__all__ = ["make", "numbers_kept"]

_EPSILON = 1e-6  # As in `lethe.Adam`.


def make(
    inputs: int,
    outputs: int,
    output_units: OutputUnits = "logistic",
    *,
    topology: Mapping[str, Any] | None = None,
    credit: Literal["truncated", "rtrl", "bptt", "window"] = "truncated",
    h: int = 128,
    rate: float = 0.5,
    optimizer: Literal["sgd", "rmsprop", "adam"] = "sgd",
    smoothing: float = 0.99,
) -> tuple[Lstm, Descent]:
    """An LSTM with one of the credits.

    Parameters
    ----------
    inputs, outputs, output_units
        See `Topology`.
    topology : dict, optional
        The other parts of a `Topology`, as plain values; the report's by default.
    credit : {"truncated", "rtrl", "bptt", "window"}
        How errors reach weights.
    h : int
        Steps of the window, or of the longest sequence that "bptt" stores.
    rate, optimizer, smoothing
        As in `lethe.SGD`, `lethe.RMSprop` and `lethe.Adam`.
    """
    parts = dict(topology or {})
    whole = Topology(inputs=inputs, outputs=outputs, output_units=output_units, **parts)
    credits: dict[str, Credit] = {
        "truncated": Partials(),
        "rtrl": Rtrl(),
        "bptt": Bptt(h),
        "window": Window(h),
    }
    if credit not in credits:
        raise ValueError(f"credit must be one of {', '.join(credits)}, got {credit!r}")
    rule = Descent(
        credits[credit], rate, optimizer=optimizer, epsilon=_EPSILON, smoothing=smoothing
    )
    return Lstm(whole, truncated=credit == "truncated"), rule


def numbers_kept(learner: Learner) -> int:
    """How many numbers the credit of a learner stores from step to step."""
    rule: Any = learner.rule
    with jax.enable_x64(learner.dtype == np.float64):
        kept = jax.eval_shape(lambda: rule.credit.start(learner.cell, learner.weights))
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(kept))
