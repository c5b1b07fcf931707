"""Ctrl-C, SIGTERM and SIGHUP end a run between two events, and never within one."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from lethe.evaluate.prequential import SymbolStream

__all__ = ["Signals", "Stopped"]

T = TypeVar("T")

Handler: TypeAlias = Callable[[int, FrameType | None], object] | int | signal.Handlers

#: What asks a run to end; Windows has no SIGHUP.
ASKING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

TICK = 1.0  # most seconds between two calls of `idle` while a source is waited for


class Stopped(KeyboardInterrupt):
    """A signal asked the run to end.

    Attributes
    ----------
    signal : signal.Signals
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = signal.Signals(number)

    @property
    def code(self) -> int:
        """The exit code: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
        return 128 + self.signal

    @property
    def reason(self) -> str:
        """What ended the run, in a word or two."""
        return "interrupted" if self.signal == signal.SIGINT else f"ended by {self.signal.name}"


class Signals:
    """Raises `Stopped` only between two events, or while a source is waited for.

    A context manager. A signal that this process was started to ignore, as `nohup` does with
    SIGHUP, is still ignored. A second Ctrl-C raises KeyboardInterrupt at once, wherever it comes.

    Attributes
    ----------
    waited : float
        Seconds that the sources took.
    idle : callable, optional
        Called at least once a second while a source is waited for.
    """

    def __init__(self) -> None:
        self.waited = 0.0
        self.idle: Callable[[], None] | None = None
        self._received: int | None = None
        self._at_once = False
        self._before: dict[int, Handler | None] = {}
        self._wake: tuple[int, int] | None = None
        self._wake_before = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        if os.name != "nt":  # whose select takes sockets alone
            self._wake = os.pipe()
            for end in self._wake:
                os.set_blocking(end, False)
            self._wake_before = signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        for number in ASKING:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}
        if self._wake is not None:
            signal.set_wakeup_fd(self._wake_before)
            for end in self._wake:
                os.close(end)
            self._wake = None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        first, self._received = self._received is None, number
        if self._at_once and first:  # nor is what ends it ended
            raise Stopped(number)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Within it a signal raises `Stopped` wherever it comes: nothing can be lost."""
        self.check()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def check(self) -> None:
        """Raise `Stopped` where a signal has asked for it."""
        if self._received is not None:
            raise Stopped(self._received)

    def wait(self, file: int | None, seconds: float) -> None:
        """Wait until a file can be read, or so many seconds, or for a signal.

        Parameters
        ----------
        file : int or None
            A descriptor of a pipe or terminal; None waits for the time alone.
        seconds : float
            How long at most.

        Raises
        ------
        Stopped
            If a signal has come.
        """
        end = time.monotonic() + seconds
        while True:
            self.check()
            left = min(TICK, end - time.monotonic())
            if left <= 0 or self._is_ready(file, left):
                break
            if self.idle is not None:
                self.idle()
        self.check()

    def _is_ready(self, file: int | None, seconds: float) -> bool:
        """Wait so long; whether the file can be read then."""
        if self._wake is None:
            if file is None:
                time.sleep(seconds)
            return file is not None
        wake = self._wake[0]
        ready, _, _ = select.select([wake] if file is None else [wake, file], [], [], seconds)
        if wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 512)
        return file in ready

    def between(self, source: Iterator[T]) -> Iterator[T]:
        """Yield the same items, and end between two of them where a signal asks for it."""
        clock = time.perf_counter
        while True:
            if self._received is not None:
                raise Stopped(self._received)
            began = clock()
            try:
                item = next(source)
            except StopIteration:
                return
            finally:
                self.waited += clock() - began
            yield item

    def patient(self, stream: SymbolStream) -> SymbolStream:
        """The same symbols, which end between two reads where a signal asks for it."""
        return _Patient(stream, self)


class _Patient:
    """A stream of symbols that a signal can end."""

    def __init__(self, stream: SymbolStream, signals: Signals) -> None:
        self._stream = stream
        self._signals = signals

    def take(self, n: int) -> NDArray[np.integer[Any]]:
        self._signals.check()
        return self._stream.take(n)
