"""The systems of the side-by-side table, with their options, for all tasks and for some.

The options come from a few short probes on seeds from 1000 up, which the table does not use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["CONTESTANTS", "Contestant", "Options"]

Options = dict[str, Any]


@dataclass(frozen=True)
class Contestant:
    """A line: its title, its system, and its options, for all tasks and for some.

    A system whose steps take very long gets one in `share` of the sequences. `parts` replaces
    fields of its trials of some tasks.
    """

    title: str
    name: str
    options: Options = field(default_factory=dict)
    of_task: dict[str, Options] = field(default_factory=dict)
    share: int = 1
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)


# Options of the networks that read all of themselves: for real inputs, for symbols, for sums.
_WIDE: Options = {"hidden": 10, "rate": 0.3, "initial_range": 2.0, "biased": True}
_NARROW: Options = {"hidden": 12, "rate": 0.1, "initial_range": 0.5, "biased": False}
_WIDE_SUM: Options = {"output_units": "logistic", "rate": 3.0}
_THREE_BLOCKS: Options = {"blocks": 3, "cells_per_block": 1, "forget_gate_bias": 5.0}
_KALMAN_SUM: Options = {
    "topology": {"blocks": 2, "cells_per_block": 2, "forget_gate_bias": 5.0},
    "annealed": 3000,
    "last_measurement_noise": 0.1,
    "last_process_noise": 1e-4,
}
_LOGISTIC_3 = {"output_units": "logistic", "units": 3}

#: By the name that rows have.
CONTESTANTS: dict[str, Contestant] = {
    "bptt": Contestant(
        "BPTT, full",
        "bptt",
        _WIDE,
        {"erg": _NARROW, "adding_10": _WIDE_SUM, "adding_100": _WIDE_SUM},
    ),
    "bptt_window": Contestant(
        "BPTT, window of 10",
        "bptt",
        {"h": 10} | _WIDE,
        {"erg": _NARROW, "adding_10": _WIDE_SUM, "adding_100": _WIDE_SUM},
    ),
    "rtrl_3": Contestant(
        "RTRL, 3 hidden units",
        "rtrl",
        _WIDE | {"hidden": 3},
        {
            "erg": _NARROW | {"hidden": 3, "rate": 0.05},
            "adding_10": _WIDE_SUM | {"hidden": 3},
            "adding_100": _WIDE_SUM | {"hidden": 3},
        },
    ),
    "rtrl_12": Contestant(
        "RTRL, 12 hidden units",
        "rtrl",
        _WIDE | {"hidden": 12},
        {
            "erg": _NARROW,
            "adding_10": _WIDE_SUM | {"hidden": 12},
            "adding_100": _WIDE_SUM | {"hidden": 12},
        },
    ),
    "hybrid": Contestant(
        "O(n³) hybrid",
        "hybrid",
        _WIDE,
        {"erg": _NARROW, "adding_10": _WIDE_SUM, "adding_100": _WIDE_SUM},
    ),
    "chunker": Contestant(
        "Sequence chunker",
        "chunker",
        {"h": 10, "rate": 1.0},
        {
            "erg": {"automatizer": 12, "chunker": 12, "rate": 0.2},
            "adding_10": {"output_units": "logistic"},
            "adding_100": {"output_units": "logistic"},
        },
        share=4,
    ),
    "elman": Contestant("Elman network", "elman"),
    # It learns by epochs of one training set.
    "cascade": Contestant(
        "Recurrent cascade-corr.",
        "cascade",
        {"epoch": 100, "candidate_rate": 100.0},
        {"erg": {"epoch": 256, "candidate_rate": 1.0}},
        parts={"erg": {"passes": True, "check_every": 256}},
    ),
    "time_constants": Contestant(
        "Adaptable time constants",
        "time_constants",
        {"constants": [2, 200]},
        {"erg": {"units": 15, "constants": [2, 4]}, "two_10": {"constants": [2, 4]}},
    ),
    "multiscale": Contestant(
        "Fixed time constants",
        "time_constants",
        {"taus": [0] * 5 + [0.9] * 2 + [0.99] * 3},
        {
            "erg": {"taus": [0] * 8 + [0.8] * 3 + [0.9] * 2 + [0.95] * 2},
            "two_10": {"taus": [0] * 4 + [0.5] * 2 + [0.9] * 2 + [0.99] * 2},
            "adding_10": {"rate": 0.003},
            "adding_100": {"rate": 0.003},
        },
    ),
    "focused": Contestant("Focused back-propagation", "focused"),
    "tdnn": Contestant(
        "Time-delay, 15 steps", "tdnn", {}, {"erg": {"units": 10, "output_units": "softmax"}}
    ),
    "tdnn_whole": Contestant(
        "Time-delay, sees it all",
        "tdnn",
        {"hidden_taps": 110},
        {
            "erg": {"units": 10, "input_taps": 12, "hidden_taps": 40, "output_units": "softmax"},
            "two_10": {"hidden_taps": 12},
            "two_50": {"hidden_taps": 54},
            "adding_10": {"hidden_taps": 12, "units": 16},
        },
    ),
    "narx": Contestant(
        "NARX network",
        "narx",
        {"delays": 12},
        {
            "erg": {
                "hidden": 15,
                "delays": 10,
                "input_taps": 10,
                "rate": 0.001,
                "output_units": "softmax",
            },
            "two_10": {"delays": 6},
            "adding_10": {"hidden": 16, "rate": 0.001},
        },
    ),
    "weighted_sums": Contestant(
        "Holographic (Plate)",
        "weighted_sums",
        {},
        {"erg": {"units": 16, "output_units": "softmax"}},
    ),
    "gamma": Contestant(
        "Gamma memory",
        "gamma",
        {"taps": 20, "mu": 0.2},
        {
            "erg": {"hidden": 10, "taps": 12, "mu": 0.8, "output_units": "softmax"},
            "two_10": {"taps": 4, "mu": 0.5},
            "two_50": {"taps": 10, "mu": 0.2},
            "adding_10": {"hidden": 16, "taps": 12, "mu": 1.0, "rate": 0.001},
        },
    ),
    "sun": Contestant("Old activation plus net", "sun"),
    "ring": Contestant("Higher orders (Ring)", "ring", {"output_units": "linear"}),
    "second_order": Contestant(
        "Second-order network",
        "second_order",
        {"hidden": 20, "biased": True, "rate": 0.3},
        {
            "erg": {"hidden": 12, "biased": False, "rate": 0.5},
            "adding_10": {"rate": 0.1, "momentum": 0.9, "output_units": "logistic"},
            "adding_100": {"rate": 0.1, "momentum": 0.9, "output_units": "logistic"},
        },
    ),
    "annealing": Contestant(
        "Simulated annealing",
        "annealing",
        {},
        {"erg": {"units": 5}, "adding_10": _LOGISTIC_3, "adding_100": _LOGISTIC_3},
    ),
    "grid_search": Contestant(
        "Multi-grid random search",
        "grid_search",
        {},
        {"erg": {"units": 5}, "adding_10": _LOGISTIC_3, "adding_100": _LOGISTIC_3},
    ),
    "pseudo_newton": Contestant(
        "Pseudo-Newton", "pseudo_newton", {}, {"erg": {"units": 5}}, share=10
    ),
    "iohmm": Contestant(
        "State networks, EM",
        "iohmm",
        {},
        {"erg": {"states": 24, "stay": 0, "initial_range": 3, "sequences": 256, "capacity": 3600}},
    ),
    "kalman": Contestant(
        "Kalman, global", "kalman", {"decoupled": False}, {"erg": {"hidden": 12}}, share=10
    ),
    "kalman_decoupled": Contestant(
        "Kalman, decoupled", "kalman", {"decoupled": True}, {"erg": {"hidden": 12}}, share=10
    ),
    "kalman_lstm": Contestant(
        "Kalman of LSTM",
        "kalman",
        {"decoupled": True, "network": "lstm", "annealed": 1000, "topology": _THREE_BLOCKS},
        {
            "erg": {"annealed": 3000, "topology": {}},
            "adding_10": _KALMAN_SUM,
            "adding_100": _KALMAN_SUM,
        },
        share=10,
    ),
    "guessing": Contestant(
        "Random weight guessing", "guessing", {}, {"latch": {"bound": 0.2}, "erg": {"hidden": 3}}
    ),
}
