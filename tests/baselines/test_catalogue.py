"""What all baselines share: the catalogue, the face of a learner, and what happens without JAX."""

from __future__ import annotations

import importlib.util
import inspect
import re
import subprocess
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lethe import FirstError
from lethe.baselines import NOT_DONE, SYSTEMS, system
from lethe.experiments import missing
from lethe.tasks import EmbeddedReber, TwoSequence
from lethe.trials.continual import Trial
from lethe.trials.learner import DivergedError
from lethe.trials.sequence import Recent, SequenceTrial

WITHOUT = importlib.util.find_spec("jax") is None or importlib.util.find_spec("optax") is None
needs_jax = pytest.mark.skipif(
    WITHOUT, reason='JAX is not installed: pip install "lethe-ml[baselines]"'
)
TASK = EmbeddedReber("next")
# A step of the greatest rate that still is a number makes weights that are none.
DIVERGING = system("elman", inputs=7, outputs=7, output_units="linear", units=3, rate=1e30)


def strings(n: int, seed: int = 0) -> dict[str, Any]:
    steps = TASK.sequences(np.random.default_rng(seed), n)
    return {
        "inputs": steps.inputs,
        "targets": steps.targets,
        "target_table": TASK.target_table,
        "starts": steps.starts,
        "reset_at_starts": True,
    }


def test_names_and_reasons_are_disjoint() -> None:
    assert not set(SYSTEMS) & set(NOT_DONE)
    with pytest.raises(ValueError, match="name must be one of bptt, rtrl"):
        system("transformer", inputs=1, outputs=1)


def without_jax(code: str) -> subprocess.CompletedProcess[str]:
    """Run a program for which JAX and optax cannot be found."""
    hide = (
        "import sys, importlib.util\n"
        "found = importlib.util.find_spec\n"
        "hidden = ('jax', 'optax', 'jaxlib')\n"
        "importlib.util.find_spec = lambda n, p=None: None if n in hidden else found(n, p)\n"
        "sys.modules.update(dict.fromkeys(hidden))\n"
    )
    return subprocess.run([sys.executable, "-c", hide + code], capture_output=True, text=True)


def test_the_catalogue_needs_no_jax_and_making_names_the_extra() -> None:
    out = without_jax(
        "import lethe.baselines as b\n"
        "recipe = b.system('elman', inputs=7, outputs=7)\n"
        "try:\n    recipe.learner(seed=1)\n"
        "except ModuleNotFoundError as error:\n    print(error)"
    )
    assert out.stdout == 'jax is not installed: pip install "lethe-ml[baselines]"\n', out.stderr


@pytest.mark.parametrize("table", ["baselines", "credit"])
def test_reproduce_without_jax_is_one_line(table: str) -> None:
    out = without_jax(
        f"from lethe.cli import main\nraise SystemExit(main(['reproduce', '{table}']))"
    )
    assert out.returncode == 2
    assert out.stderr == (
        f'lethe reproduce: {table} needs jax and optax: pip install "lethe-ml[baselines]"\n'
    )
    assert out.stdout == ""


@needs_jax
def test_with_jax_nothing_is_missing() -> None:
    assert [missing(name) for name in ("baselines", "credit", "cerg")] == ["", "", ""]


@needs_jax
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_says_where_it_is_from(name: str) -> None:
    module = import_module(f"lethe.baselines.systems.{name}")
    assert re.search(r"\b(19[5-9]\d|20[01]\d)\b", module.__doc__ or ""), "no source with a year"
    given = list(inspect.signature(module.make).parameters.values())
    assert [parameter.name for parameter in given[:3]] == ["inputs", "outputs", "output_units"]
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in given[3:])
    assert given[2].default == "logistic"


@needs_jax
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_has_the_face_of_a_network(name: str) -> None:
    net: Any = system(name, inputs=7, outputs=7).learner(seed=3)
    whole, cut = net.clone(), net.clone()
    pieces = [strings(8, seed) for seed in range(3)]
    for piece in pieces:
        whole.run(**piece)
        # The same strings one by one: a sequence ends where a run does.
        bounds = [*np.flatnonzero(piece["starts"]), len(piece["starts"])]
        for first, last in pairwise(bounds):
            part = {k: piece[k][first:last] for k in ("inputs", "targets", "starts")}
            cut.run(**piece | part)
    probe = strings(4, 9) | {"learn": False}
    answers = [one.run(**probe)["output"] for one in (whole, cut, whole)]
    assert np.array_equal(answers[0], answers[2]), "a frozen run changes something"
    np.testing.assert_allclose(answers[0], answers[1], rtol=2e-4, atol=2e-5)
    assert np.all(np.isfinite(answers[0]))
    whole.reset()
    x = np.eye(7)[0]
    expected = whole.peek(x)
    np.testing.assert_array_equal(whole.step(x, learn=False), expected)
    whole.reset()
    np.testing.assert_array_equal(whole.step(x), expected)
    whole.learn(np.eye(7)[1], ends=True)
    with pytest.raises(ValueError, match="learn must follow a step"):
        whole.learn(np.eye(7)[1])
    other: Any = system(name, inputs=7, outputs=7).learner(seed=4)
    again: Any = system(name, inputs=7, outputs=7).learner(seed=3)
    first = [one.run(**strings(2) | {"learn": False})["output"] for one in (net, again, other)]
    assert np.array_equal(first[0], first[1]), "one seed, one network"
    if name != "ring":  # whose first weights are zeros
        assert not np.array_equal(first[0], first[2]), "another seed, another network"


@needs_jax
def test_a_run_stops_at_the_first_error_and_says_so() -> None:
    net: Any = system("elman", inputs=7, outputs=7, units=4).learner(seed=1)
    run = net.run(**strings(5), stop=FirstError(0.49))
    assert run.stopped
    assert len(run["output"]) == run.steps == 1  # all outputs are near 0.5 at first
    run = net.run(**strings(5) | {"inputs": np.zeros((0, 7)), "targets": None, "starts": None})
    assert (run.steps, run.stopped) == (0, False)


@needs_jax
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": np.zeros((3, 6))}, r"inputs must have shape \(T, 7\)"),
        ({"inputs": 5}, r"inputs must have shape \(T, 7\)"),
        ({"record": ("cell_state",)}, r'record must be \("output",\) or \(\), got'),
        ({"inputs": np.full((3, 7), np.nan)}, "inputs must be finite"),
        ({"inputs": np.array([0, 1, 7])}, "inputs must be .*0 to 6"),
        ({"targets": np.zeros((3, 2))}, r"targets must have shape \(T, 7\)"),
        ({"targets": np.zeros((2, 7))}, "targets must have 3 steps, as inputs have, got 2"),
        ({"starts": np.zeros(2, bool)}, r"starts must be booleans of shape \(3,\)"),
        ({"has_target": np.zeros(4, bool)}, r"has_target must be booleans of shape \(3,\)"),
    ],
)
def test_bad_input_is_one_error_and_changes_nothing(changes: dict[str, Any], message: str) -> None:
    net: Any = system("rtrl", inputs=7, outputs=7).learner(seed=1)
    good: dict[str, Any] = {"inputs": np.eye(7)[:3], "targets": np.eye(7)[1:4]}
    before = net.run(**good, learn=False)["output"]
    net.reset()
    with pytest.raises(ValueError, match=message):
        net.run(**good | changes, reset_at_starts=True)
    net.reset()
    np.testing.assert_array_equal(net.run(**good, learn=False)["output"], before)


@needs_jax
def test_a_refused_target_leaves_the_step_to_be_learned() -> None:
    net: Any = system("elman", inputs=7, outputs=7).learner(seed=1)
    twin = net.clone()
    for one in (net, twin):
        one.step(0)
    with pytest.raises(ValueError, match="targets must have shape"):
        net.learn(np.zeros(6))
    for one in (net, twin):
        one.learn(1)
    np.testing.assert_array_equal(net.step(1), twin.step(1))
    with pytest.raises(ValueError, match="dtype must be float32 or float64"):
        system("elman", inputs=7, outputs=7).learner(seed=1, dtype="int8")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed must be a whole number"):
        system("elman", inputs=7, outputs=7).learner(seed="one")  # type: ignore[arg-type]


@needs_jax
def test_an_unknown_option_is_named() -> None:
    with pytest.raises(ValueError, match=r"options of elman must be among .*units.*, got unit"):
        system("elman", inputs=7, outputs=7, unit=3).learner(seed=1)


@needs_jax
def test_what_diverges_ends_its_trial_and_is_no_success() -> None:
    with pytest.raises(DivergedError, match="no longer finite"):
        DIVERGING.learner(seed=1).run(**strings(20))
    trial = SequenceTrial(
        learner=DIVERGING, task=TASK, criterion=Recent(10, 1e30), sequences=1000, test_sequences=50
    )
    result = trial.run(seed=1)
    assert (result.solved, result.diverged, result.training_sequences) == (False, 1, 100)
    assert (result.test_wrong, result.test_mean_error) == (1.0, None)
    stream = Trial(learner=DIVERGING, training_streams=500, learn_from_error=True)
    ended = stream.run(seed=1)
    assert (ended.perfect, ended.diverged) == (False, 1)
    assert ended.training_streams < 500
    assert ended.final_mean_stream == 0.0


@needs_jax
def test_the_page_names_every_system_and_its_example_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "baselines.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(SYSTEMS)
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(code, "docs/baselines.md", "exec"), {})
    for name in NOT_DONE:
        assert f"**Not done: {name.split(' (')[0]}**" in page


def test_trials_take_a_baseline_as_their_learner() -> None:
    recipe = system("elman", inputs=1, outputs=1)
    trial = SequenceTrial(
        learner=recipe, task=TwoSequence(10, 3), criterion=Recent(10), sequences=10
    )
    with pytest.raises(ValueError, match="learner must be a NetworkRecipe here"):
        _ = trial.network
    with pytest.raises(ValueError, match="zero_at_stream_start must be True"):
        Trial(learner=recipe, zero_at_stream_start=False)
    configuration: Any = trial.configuration()
    assert configuration["system"]["name"] == "elman"
    assert "update" not in configuration
