"""The other systems in the papers, in JAX: one file each in `systems`.

A system is a cell (how the state evolves) and a rule (how weights change). Most rules use a credit
(how errors reach weights, in `credits`), and any cell works with any credit. `engine.Learner` runs
them with the interface of `lethe.Network`. The catalogue needs no JAX; making a learner does
(``lethe-ml[baselines]``).
"""

from lethe.baselines.catalogue import NOT_DONE, SYSTEMS, Baseline, Entry, system

__all__ = ["NOT_DONE", "SYSTEMS", "Baseline", "Entry", "system"]
