"""Trials: a learner from its recipe and a seed, a task, and how well it is solved.

`run` of a trial is a pure function of its parts and the seed; `workers` has many of them side by
side.
"""

from lethe.trials.continual import Trial
from lethe.trials.learner import DivergedError, Learner, NetworkRecipe, Recipe
from lethe.trials.sequence import SequenceTrial
from lethe.trials.signal import SignalTrial
from lethe.trials.text import TextTrial

__all__ = [
    "DivergedError",
    "Learner",
    "NetworkRecipe",
    "Recipe",
    "SequenceTrial",
    "SignalTrial",
    "TextTrial",
    "Trial",
]
