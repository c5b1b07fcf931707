"""The rates of `temporal_credit`, chosen on seeds from 1000 up (docs/credit.md)."""

from __future__ import annotations

__all__ = ["CHAIN_RATES", "SIGNAL_RATES"]

#: By way to learn: the rate on chains of every length.
CHAIN_RATES: dict[str, float] = {
    "truncated": 0.03,
    "exact": 0.03,
    "immediate": 0.01,
    "decay_0.5": 0.003,
    "decay_0.9": 0.1,
    "decay_0.99": 0.01,
    "open_truncated": 0.01,
    "open_immediate": 0.01,
    "plain_exact": 0.03,
    "plain_immediate": 0.01,
}

_TUNED: dict[str, dict[str, float]] = {
    "sine_1": {
        "truncated": 0.001,
        "exact": 0.003,
        "immediate": 0.001,
        "decay_0.5": 0.001,
        "decay_0.9": 0.001,
        "decay_0.99": 0.001,
        "open_truncated": 0.003,
        "open_immediate": 0.003,
        "plain_exact": 0.001,
        "plain_immediate": 0.001,
        "truncated_sgd": 0.1,
        "exact_sgd": 0.1,
        "immediate_sgd": 1.0,
    },
    "sine_50": {
        "truncated": 0.01,
        "exact": 0.001,
        "immediate": 0.001,
        "decay_0.5": 0.001,
        "decay_0.9": 0.001,
        "decay_0.99": 0.001,
        "open_truncated": 0.003,
        "open_immediate": 0.003,
        "plain_exact": 0.001,
        "plain_immediate": 0.001,
        "truncated_sgd": 0.3,
        "exact_sgd": 0.03,
        "immediate_sgd": 1.0,
    },
    "lorenz": {
        "truncated": 0.003,
        "exact": 0.001,
        "immediate": 0.003,
        "decay_0.5": 0.01,
        "decay_0.9": 0.003,
        "decay_0.99": 0.01,
        "open_truncated": 0.003,
        "open_immediate": 0.01,
        "plain_exact": 0.001,
        "plain_immediate": 0.001,
        "truncated_sgd": 0.1,
        "exact_sgd": 0.1,
        "immediate_sgd": 0.03,
    },
    "copy": {
        "truncated": 0.03,
        "exact": 0.01,
        "immediate": 0.001,
        "decay_0.5": 0.001,
        "decay_0.9": 0.03,
        "decay_0.99": 0.01,
        "open_truncated": 0.03,
        "open_immediate": 0.001,
        "plain_immediate": 0.001,
        "truncated_sgd": 0.03,
        "immediate_sgd": 0.03,
    },
}

#: By signal and way to learn. Other smoothing has the rate of 0.99.
SIGNAL_RATES: dict[str, dict[str, float]] = {
    task: rates
    | {
        f"{way}_{smoothing}": rates[way]
        for way in ("truncated", "immediate")
        for smoothing in ("0.9", "0.999")
    }
    for task, rates in _TUNED.items()
}
