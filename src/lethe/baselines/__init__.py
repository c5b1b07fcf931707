"""The other systems in the papers, in JAX: one file each, with its equations and its source.

A system is a cell (what the state does) and a rule (how weights change); most rules go by a credit
(how errors reach weights), and any cell goes with any credit. `Learner` runs them with the face of
a `lethe.Network`. The catalogue here needs no JAX; making a learner does (``lethe-ml[baselines]``).
"""

from lethe.baselines.catalogue import NOT_DONE, SYSTEMS, Baseline, Entry, system

__all__ = ["NOT_DONE", "SYSTEMS", "Baseline", "Entry", "system"]
