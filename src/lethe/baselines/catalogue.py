"""The catalogue: every system by name, with its title and source. It needs no JAX."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np

from lethe.trials.learner import Learner

if TYPE_CHECKING:
    from lethe.baselines.cell import Cell
    from lethe.baselines.rule import Rule

__all__ = ["NOT_DONE", "SYSTEMS", "Baseline", "Entry", "system"]


class Entry(NamedTuple):
    """A system: its title and its source. Its name is its module's in `systems`."""

    title: str
    source: str


SYSTEMS: dict[str, Entry] = {
    "bptt": Entry(
        "Back-propagation through time, full and windowed", "Werbos 1988; Williams & Peng 1990"
    ),
    "rtrl": Entry(
        "Real-time recurrent learning, teacher forcing",
        "Robinson & Fallside 1987; Williams & Zipser 1989, 1992",
    ),
    "hybrid": Entry("The O(n³) hybrid of the two", "Schmidhuber 1992"),
    "chunker": Entry("Neural sequence chunker", "Schmidhuber 1992"),
    "elman": Entry("Elman network, one-step procedure", "Elman 1988; Cleeremans et al. 1989"),
    "cascade": Entry("Recurrent cascade-correlation", "Fahlman 1991"),
    "time_constants": Entry("Adaptable time constants", "Pearlmutter 1989; Mozer 1992"),
    "focused": Entry("Focused back-propagation, decay units", "Mozer 1989"),
    "tdnn": Entry("Time-delay network", "Waibel et al. 1989; Lang et al. 1990"),
    "narx": Entry("NARX network", "Lin et al. 1995"),
    "weighted_sums": Entry("Weighted sums of old activations", "Plate 1993"),
    "gamma": Entry("Gamma memory", "de Vries & Principe 1991"),
    "sun": Entry("Net input added to the old activation", "Sun et al. 1993"),
    "ring": Entry("Higher-order units on conflicting errors", "Ring 1993"),
    "annealing": Entry("Simulated annealing", "Bengio et al. 1994"),
    "grid_search": Entry("Multi-grid random search", "Bengio et al. 1994"),
    "pseudo_newton": Entry("Time-weighted pseudo-Newton", "Bengio et al. 1994"),
    "iohmm": Entry("State networks trained by EM", "Bengio & Frasconi 1994"),
    "kalman": Entry("Extended Kalman filter, global, decoupled", "Puskorius & Feldkamp 1994"),
    "second_order": Entry("Second-order network", "Watrous & Kuhn 1992"),
    "guessing": Entry("Random weight guessing", "Hochreiter & Schmidhuber 1996"),
}
"""Every system that is implemented, by name."""

NOT_DONE: dict[str, str] = {
    "discrete error propagation (Bengio et al. 1994)": (
        "only the idea is known to us: threshold units, and desired changes of -2, 0 or 2, drawn "
        "at random from a continuous error; how these become changes of inputs and weights is not "
        "in what we could read"
    ),
}
"""Systems that the papers name and that are not implemented, with the reason."""


@dataclass(frozen=True)
class Baseline:
    """A recipe of one of the systems: a `lethe.trials.Recipe` for trials. `system` makes it.

    Attributes
    ----------
    name : str
        One of `SYSTEMS`.
    inputs, outputs : int
        Numbers of input and output units.
    output_units : str
        "logistic" or "linear" with the squared error, "softmax" or "logistic_cross_entropy".
    options : tuple of (str, value)
        The other arguments of its ``make``, as plain JSON values.
    """

    name: str
    inputs: int
    outputs: int
    output_units: str = "logistic"
    options: tuple[tuple[str, object], ...] = field(default=())

    def configuration(self) -> dict[str, Any]:
        """Everything a reader needs to make it again, as plain JSON values."""
        return {
            "name": self.name,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "output_units": self.output_units,
            "options": dict(self.options),
        }

    def learner(
        self,
        seed: int | np.random.Generator = 0,
        dtype: Literal["float32", "float64"] = "float32",
    ) -> Learner:
        """Make a learner; this imports JAX.

        Raises
        ------
        ModuleNotFoundError
            If JAX or optax is not installed; the message names the extra.
        ValueError
            If the system has no such option.
        """
        try:
            make: _Make = import_module(f"lethe.baselines.systems.{self.name}").make
            from lethe.baselines.engine import Learner as Compiled
        except ModuleNotFoundError as missing:
            if (missing.name or "").startswith("lethe"):
                raise
            raise ModuleNotFoundError(
                f'{missing.name} is not installed: pip install "lethe-ml[baselines]"',
                name=missing.name,
            ) from None
        known = list(inspect.signature(make).parameters)[3:]
        for name, _ in self.options:
            if name not in known:
                raise ValueError(
                    f"options of {self.name} must be among {', '.join(known)}, got {name}"
                )
        cell, rule = make(self.inputs, self.outputs, self.output_units, **dict(self.options))
        return Compiled(cell, rule, seed=seed, dtype=dtype)


class _Make(Protocol):
    """``make`` of every module in `systems`; options are its keyword arguments."""

    def __call__(
        self, inputs: int, outputs: int, output_units: str, /, **options: object
    ) -> tuple[Cell, Rule]:
        """The cell and the rule of a system."""


def system(
    name: str, *, inputs: int, outputs: int, output_units: str = "logistic", **options: object
) -> Baseline:
    """The recipe of a system, for a trial or to make a learner.

    Parameters
    ----------
    name : str
        One of `SYSTEMS`.
    inputs, outputs : int
        Numbers of input and output units.
    output_units : str
        "logistic" or "linear" with the squared error, "softmax" or "logistic_cross_entropy".
    **options
        The system's other options: see ``make`` in its module.

    Returns
    -------
    Baseline

    Raises
    ------
    ValueError
        If there is no such system.

    Examples
    --------
    >>> recipe = system("elman", inputs=7, outputs=7, units=15)
    >>> recipe.configuration()["options"]
    {'units': 15}
    """
    if name not in SYSTEMS:
        raise ValueError(f"name must be one of {', '.join(SYSTEMS)}, got {name!r}")
    return Baseline(name, inputs, outputs, output_units, tuple(sorted(options.items())))
