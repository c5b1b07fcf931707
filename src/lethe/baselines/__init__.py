"""The other systems in the papers, in JAX: one file each in `systems`.

A system is a cell (what the state does) and a rule (how weights change); most rules go by a credit
(how errors reach weights, in `credits`), and any cell goes with any credit. `engine.Learner` runs
them with the face of a `lethe.Network`. The catalogue here needs no JAX; making a learner does
(``lethe-ml[baselines]``).
"""

from lethe.baselines.catalogue import NOT_DONE, SYSTEMS, Baseline, Entry, system

__all__ = ["NOT_DONE", "SYSTEMS", "Baseline", "Entry", "system"]
