"""The report: one self-contained HTML page of all tables and figures, and how they were made.

`loaded` reads results files, `strips` draws a row's trials, `tables` and `measured` show results,
`verdict` says what they come to, `pictures` finds and draws the figures, and `page` assembles the
page. ``lethe report`` writes it.
"""

from __future__ import annotations

from lethe.report.loaded import LoadedTable, read_table
from lethe.report.measured import MEASURED, Measured, read_measured
from lethe.report.page import html_page
from lethe.report.pictures import Picture, can_draw, draw, find

__all__ = [
    "MEASURED",
    "LoadedTable",
    "Measured",
    "Picture",
    "can_draw",
    "draw",
    "find",
    "html_page",
    "read_measured",
    "read_table",
]
