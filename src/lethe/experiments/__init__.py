"""The papers' tables and figures: one file each, with its configurations and its comparison.

A file of `tables` has ``TITLE``, ``ROWS`` (name to `Row`), ``SHORT`` and ``FULL`` (a `Plan` each)
and ``compare(records, rows)``, the table with the paper's figures beside ours; ``RESULT`` is what
it reads of a record, by type. ``lethe reproduce`` runs it. `analyses` has what is measured of
networks besides their errors.
"""

from lethe.experiments.runner import EXTRAS, TABLES, missing, run_task, table_module
from lethe.experiments.table import Plan, Row, RowTrial, Task

__all__ = [
    "EXTRAS",
    "TABLES",
    "Plan",
    "Row",
    "RowTrial",
    "Task",
    "missing",
    "run_task",
    "table_module",
]
