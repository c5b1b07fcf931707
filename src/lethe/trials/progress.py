"""How far a trial is: what it tells whoever runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["OnProgress"]

#: Is told, again and again, how much a trial has learned from, the most there will be, and what is
#: counted, such as ``(1200, 30_000, "streams")``. It must not change the trial, and return at once.
OnProgress: TypeAlias = Callable[[int, int, str], None]
