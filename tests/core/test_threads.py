"""Threads that share a network: their calls take turns and equal some order of them."""

import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from support.lives import bits

from lethe import Network, Topology

TOPOLOGY = Topology(inputs=4, outputs=4, blocks=8)


def at_once(calls: list[Callable[[], None]]) -> None:
    """All calls, each in a thread; the first error is raised."""
    errors: list[BaseException] = []

    def guarded(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def test_calls_wait_for_a_run() -> None:
    net = Network(Topology(inputs=4, outputs=4, blocks=64), seed=1)
    symbols = np.zeros(50_000, int)
    ended: list[object] = []
    thread = threading.Thread(
        target=lambda: ended.append(net.run(symbols, symbols, record=()).steps)
    )
    thread.start()
    time.sleep(0.1)
    assert net.steps in (0, 50_000)
    net.step(1)
    net.learn(1)
    thread.join()
    assert ended == [50_000]
    assert net.steps == 50_001


def test_every_call_takes_turns() -> None:
    net = Network(TOPOLOGY, seed=1)
    symbols = np.arange(3000) % 4
    calls: list[Callable[[], object]] = [
        lambda: net.step(0), lambda: net.peek(0), lambda: net.run([0], [0]), net.reset_partials,
        net.start_sequence, net.clone, lambda: net.weights("cell"), lambda: net.partials("cell"),
        lambda: net.state("output"), lambda: pickle.dumps(net), lambda: net.rate, lambda: net.steps,
    ]  # fmt: skip

    def run() -> None:
        for _ in range(20):
            net.run(symbols, symbols, record=())

    def call_all() -> None:
        for _ in range(20):
            for call in calls:
                call()

    at_once([run, call_all, call_all])
    assert net.steps == 60_000 + 2 * 20 * 2


def test_runs_equal_some_order() -> None:
    """Runs of one input commute; each counts whole."""
    net, alone = Network(TOPOLOGY, seed=3), Network(TOPOLOGY, seed=3)
    symbols = np.full(2000, 2)

    def run() -> None:
        for _ in range(10):
            net.run(symbols, symbols, record=())

    at_once([run] * 4)
    alone.run(np.full(80_000, 2), np.full(80_000, 2), record=())
    assert bits(net) == bits(alone)


def test_a_step_answers_its_own_outputs() -> None:
    """In another thread a step comes between, but not between a step and its answer."""
    net = Network(TOPOLOGY, seed=5)
    weights = net.weights("output")
    weights[...] = 0
    weights[:, 8:12] = 20 * np.eye(4) - 10  # from the inputs: an output for each
    answers: list[bool] = []
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def step() -> None:
        for n in range(2000):
            answers.append(int(net.step(n % 4).argmax()) == n % 4)

    try:
        at_once([step] * 3)
    finally:
        sys.setswitchinterval(before)
    assert len(answers) == 6000
    assert all(answers)


def test_the_callers_symbols_may_change() -> None:
    """A run reads symbols of its own, whatever another thread writes into the caller's array."""
    net, alone = Network(TOPOLOGY), Network(TOPOLOGY)
    symbols, flags = np.zeros(400_000, np.int64), np.ones(400_000, bool)
    alone.run(symbols, symbols, has_target=flags, record=())
    thread = threading.Thread(target=lambda: net.run(symbols, symbols, has_target=flags, record=()))
    thread.start()
    time.sleep(0.05)
    symbols[:] = 1 << 40
    thread.join()
    assert net.steps == 400_000


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise there")
def test_ctrl_c_ends_waiting() -> None:
    code = (
        "import threading, time, numpy as np, lethe\n"
        "net = lethe.Network(lethe.Topology(inputs=7, outputs=7, blocks=32))\n"
        "symbols = np.zeros(3_000_000, np.int64)\n"
        "thread = threading.Thread(target=lambda: net.run(symbols, symbols, record=()))\n"
        "thread.start()\n"
        "time.sleep(0.3)\n"
        "print('waiting', flush=True)\n"
        "try:\n"
        "    net.step(0)\n"
        "except KeyboardInterrupt:\n"
        "    print('ended', thread.is_alive(), flush=True)\n"
        "    import os; os._exit(0)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "waiting\n"
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "ended True\n"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGUSR1 is not there")
def test_a_signal_handler_is_refused() -> None:
    """It comes in the midst of the run, whose thread cannot wait for itself."""
    code = (
        "import signal, threading, os, time, numpy as np, lethe\n"
        "net = lethe.Network(lethe.Topology(inputs=7, outputs=7, blocks=32))\n"
        "symbols = np.zeros(3_000_000, np.int64)\n"
        "signal.signal(signal.SIGUSR1, lambda *_: net.step(0))\n"
        "kill = lambda: (time.sleep(0.7), os.kill(os.getpid(), signal.SIGUSR1))\n"
        "threading.Thread(target=kill).start()\n"
        "try:\n"
        "    net.run(symbols, symbols, record=())\n"
        "except RuntimeError as error:\n"
        "    print(error, flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "from within a call" in done.stdout, done.stderr
