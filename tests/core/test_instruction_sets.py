"""Every instruction set that this machine has agrees with the oracle, and no other is taken."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lethe import _kernel

# Widths that fill their vectors and that do not, in both dtypes, by way of every update rule.
AGREEMENT = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {tests!r} + "/core"]
import numpy as np
from test_kernel import assert_close, lockstep, oracle_of
from support.topologies import stream
import lethe
from lethe import SGD, Adam, RMSprop, Topology

rules = (SGD(0.05), SGD(0.02, bound_step=0.01), SGD(0.02, momentum=0.5),
         RMSprop(0.001, epsilon=1e-2), Adam(0.001, epsilon=1e-2))
sizes = ((1, 1, 3), (4, 2, 7), (4, 3, 1), (7, 1, 8), (8, 2, 9), (9, 1, 17), (18, 3, 18))
for number, (blocks, cells, outputs) in enumerate(sizes):
    for units in ("logistic", "softmax"):
        topology = Topology(
            inputs=5, outputs=max(outputs, 2), blocks=blocks, cells_per_block=cells,
            layers=1 + number % 2, output_units=units,
        )
        update = rules[number % len(rules)]
        for dtype, tolerance, least in (("float64", 1e-12, 0.0), ("float32", 1e-4, 0.01)):
            net = lethe.Network(topology, update=update, seed=number, dtype=dtype)
            oracle = oracle_of(net)
            data = stream(topology, 60, number)
            net.run(**data, record=())
            lockstep(oracle, data)
            assert_close(net, oracle, tolerance, least)
print(lethe.instruction_set())
"""


def python(*words: str, instruction_set: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        env=os.environ | {"LETHE_INSTRUCTION_SET": instruction_set},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("name", _kernel.available_instruction_sets())
def test_agrees_with_the_oracle(name: str) -> None:
    tests = str(Path(__file__).parents[1])
    done = python("-c", AGREEMENT.format(tests=tests), instruction_set=name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == name


@pytest.mark.parametrize(
    "use", ["lethe.instruction_set()", "lethe.Network(lethe.Topology(inputs=1, outputs=1))"]
)
def test_unknown_name_is_a_value_error(use: str) -> None:
    code = f"import lethe\ntry:\n    {use}\nexcept ValueError as error:\n    print(error)"
    done = python("-c", code, instruction_set="sse9")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("LETHE_INSTRUCTION_SET must be one of baseline")
    assert done.stdout.rstrip().endswith("got 'sse9'")


@pytest.mark.parametrize("words", [("learn", "--limit", "9"), ("bench",), ("reproduce", "cerg")])
def test_unknown_name_ends_a_command_with_one_line(words: tuple[str, ...]) -> None:
    done = python("-m", "lethe", *words, instruction_set="sse9")
    assert done.returncode == 2
    *before, line = done.stderr.splitlines()
    # Without joblib a command says first how it works then.
    assert not before or (words[0] == "reproduce" and "joblib" in before[0] and len(before) == 1)
    assert "LETHE_INSTRUCTION_SET" in line
    assert "sse9" in line
