"""The papers' tables and figures: one file each, with its configurations and its comparison.

Every file of `tables` is a `Table`, which ``lethe reproduce`` runs. `analyses` measures networks in
other ways than by their errors.
"""

from lethe.experiments.runner import EXTRAS, TABLES, missing, run_task, table_module
from lethe.experiments.table import Plan, Row, RowTrial, Table, Task

__all__ = [
    "EXTRAS",
    "TABLES",
    "Plan",
    "Row",
    "RowTrial",
    "Table",
    "Task",
    "missing",
    "run_task",
    "table_module",
]
