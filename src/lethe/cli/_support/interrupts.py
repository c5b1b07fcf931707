"""Ctrl-C ends a run between two events, and never within one."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self, TypeAlias, TypeVar

__all__ = ["Interrupts"]

T = TypeVar("T")

Handler: TypeAlias = Callable[[int, FrameType | None], object] | int | signal.Handlers


class Interrupts:
    """Raises KeyboardInterrupt only while a source is waited for; a context manager.

    An event is processed to its end. A second Ctrl-C does not wait for that.

    Attributes
    ----------
    waited : float
        Seconds that the sources took.
    between_events : bool
        Whether it was raised there, so that no event is half processed.
    """

    def __init__(self) -> None:
        self.waited = 0.0
        self.between_events = False
        self._busy = False
        self._pending = False
        self._before: Handler | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self._busy or self._pending:
            raise KeyboardInterrupt
        self._pending = True

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Here Ctrl-C may interrupt."""
        began = time.perf_counter()
        try:
            self._busy = False
            if self._pending:
                raise KeyboardInterrupt
            yield
        except KeyboardInterrupt:
            self.between_events = True
            raise
        finally:
            self._busy = True
            self.waited += time.perf_counter() - began

    def between(self, source: Iterator[T]) -> Iterator[T]:
        """Yield the same items; while the next is fetched, Ctrl-C may interrupt."""
        while True:
            with self.waiting():
                try:
                    item = next(source)
                except StopIteration:
                    return
            yield item
