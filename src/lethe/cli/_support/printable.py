"""What a file says, as text that a terminal can show."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str) -> str:
    r"""Text for a terminal: what is no printable character is escaped.

    Examples
    --------
    >>> printable("flow\x1b[2J")
    'flow\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
