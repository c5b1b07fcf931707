"""Signals end a run between two events, or while it waits; never within an event."""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from lethe.cli._support.signals import ASKING, Signals, Stopped

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends signals as POSIX systems do")


@pytest.mark.parametrize("number", ASKING)
def test_an_event_is_finished_first(number: signal.Signals) -> None:
    finished = []

    def run(signals: Signals) -> None:
        for item in signals.between(iter(range(5))):
            if item == 2:
                os.kill(os.getpid(), number)
            finished.append(item)

    with Signals() as signals, pytest.raises(Stopped) as stopped:
        run(signals)
    assert finished == [0, 1, 2]
    assert stopped.value.signal == number
    assert stopped.value.code == 128 + number


def test_it_ends_a_wait_for_a_pipe() -> None:
    reading, writing = os.pipe()
    timer = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        with Signals() as signals:
            timer.start()
            with pytest.raises(Stopped):
                signals.wait(reading, math.inf)
    finally:
        timer.join()
        os.close(reading)
        os.close(writing)


def test_a_wait_ends_when_there_is_something_to_read() -> None:
    reading, writing = os.pipe()
    with Signals() as signals:
        os.write(writing, b"x")
        signals.wait(reading, math.inf)
        assert os.read(reading, 1) == b"x"
        os.close(writing)
        signals.wait(reading, math.inf)  # the end can be read, too
    os.close(reading)


def test_the_second_ctrl_c_does_not_wait() -> None:
    with Signals():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # this one does
        with pytest.raises(KeyboardInterrupt) as raised:
            os.kill(os.getpid(), signal.SIGINT)
    assert not isinstance(raised.value, Stopped)


def test_it_ends_what_can_lose_nothing_at_once() -> None:
    with Signals() as signals:
        with pytest.raises(Stopped), signals.at_once():
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):  # one that has come before does, too
            signals.at_once().__enter__()


def test_what_was_ignored_is_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            signals.check()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_handlers_are_given_back() -> None:
    before = [signal.getsignal(number) for number in ASKING]
    with Signals():
        assert [signal.getsignal(number) for number in ASKING] != before
    assert [signal.getsignal(number) for number in ASKING] == before


def test_the_source_is_waited_for_apart() -> None:
    clock = threading.Event()

    def slow() -> Iterator[int]:
        clock.wait(0.05)
        yield 1

    with Signals() as signals:
        assert list(signals.between(slow())) == [1]
        assert signals.waited >= 0.04
