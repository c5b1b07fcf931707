"""The one rule for text that others wrote: column names, values, paths, what a file says.

Whatever shows such text passes it through here, so that it is read and never obeyed: `printable`
for terminals and logs, `html_text` for pages, `csv_text` for spreadsheets, `json_text` for lines of
JSON. Every module may import this one, and it imports none.
"""

from __future__ import annotations

import json
import re
import unicodedata
from html import escape

__all__ = ["csv_text", "html_text", "json_text", "printable"]

# What a spreadsheet takes for the beginning of a formula; the last four are their wide forms.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_AFTER_SEMICOLON = re.compile(r"(;\s*)(?=[=+\-@＝＋－＠])")


def printable(text: str, keep: str = "") -> str:
    r"""Text for a terminal or a log: what could steer or mislead is escaped.

    These are control characters (C0, DEL, C1), what turns the direction of writing, what is
    invisible, line and paragraph separators, halves of surrogate pairs, and what Unicode has not
    assigned.

    Parameters
    ----------
    text : str
    keep : str
        Characters that stay all the same.

    Examples
    --------
    >>> printable("flow\x1b[2J\u202e"), printable("one\ntwo", keep="\n")
    ('flow\\x1b[2J\\u202e', 'one\ntwo')
    """
    if text.isprintable():
        return text
    return "".join(
        one
        if one.isprintable() or one in keep or unicodedata.category(one) == "Zs"
        else ascii(one)[1:-1]
        for one in text
    )


def html_text(text: str) -> str:
    r"""Text for an HTML page: no markup, and line feeds stay.

    Examples
    --------
    >>> html_text("<b>\x07")
    '&lt;b&gt;\\x07'
    """
    return escape(printable(text, keep="\n"))


def csv_text(text: str) -> str:
    r"""Text for a cell of CSV: printable, and no formula of a spreadsheet.

    What begins like a formula gets an apostrophe before it, as spreadsheets mark text; so does what
    follows a semicolon, at which the spreadsheets of many countries begin another cell.

    Examples
    --------
    >>> csv_text("=1+1"), csv_text("open"), csv_text("\t@x"), csv_text("a; =1")
    ("'=1+1", 'open', "'\\t@x", "a; '=1")
    """
    formula = text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA)
    text = _AFTER_SEMICOLON.sub(r"\1'", text)
    return f"'{printable(text)}" if formula else printable(text)


def json_text(value: object) -> str:
    r"""A value as one line of JSON that is printable, and exact; what JSON lacks becomes text.

    Examples
    --------
    >>> json_text({"é\x9b": 1})
    '{"é\\u009b": 1}'
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one == " " else json.dumps(one)[1:-1] for one in text
    )
