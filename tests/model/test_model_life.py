"""A model's life: saved, loaded, copied at any event, it goes on with the same bits."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.lives import bits
from support.models import TASKS, bits_of, mixed, of_task, predictor_of, small

import lethe
from lethe import CheckpointError, Model
from lethe.model import from_checkpoint

WAYS = ("load", "pickle", "deepcopy")


def through(model: Model, way: str, folder: Path) -> Model:
    """A model that is another one's copy."""
    if way == "deepcopy":
        return copy.deepcopy(model)
    if way == "pickle":
        return pickle.loads(pickle.dumps(model))  # type: ignore[no-any-return]
    model.save(folder / "model.safetensors")
    return lethe.load(folder / "model.safetensors")  # type: ignore[no-any-return]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    task=st.sampled_from(sorted(TASKS)),
    way=st.sampled_from(WAYS),
    cuts=st.lists(st.integers(0, 45), max_size=2),
    late=st.booleans(),
    asked=st.booleans(),
    seed=st.integers(0, 9),
)
def test_wherever_a_life_is_cut_it_goes_on(
    tmp_path: Path, task: str, way: str, cuts: list[int], late: bool, asked: bool, seed: int
) -> None:
    options = {"categories": 2, "max_delay": 6}
    ours, events = of_task(task, **options)
    theirs, _ = of_task(task, **options)
    late = late and ours.horizon == 0
    random = np.random.default_rng(seed)
    waiting: list[int] = []
    stream = events(46)
    for n, event in enumerate(stream):
        if asked:
            x = event if isinstance(event, str) else dict(event)
            ours.predict(*(() if ours.horizon else (x,)))
        if n in cuts:
            ours = through(ours, way, tmp_path)
        if not late:
            assert ours.learn(event).anomaly == pytest.approx(
                theirs.learn(event).anomaly, nan_ok=True, abs=0
            )
            continue
        x = {name: value for name, value in event.items() if name not in theirs.targets}
        for model in (ours, theirs):
            model.learn(x, id=n)
        waiting.append(n)
        if random.random() < 0.7:
            id = waiting.pop(random.integers(len(waiting)))
            if id in predictor_of(theirs).waiting.ids:  # it has not waited for too long
                wanted = [stream[id][name] for name in theirs.targets]
                for model in (ours, theirs):
                    model.learn_target(id, wanted if len(wanted) > 1 else wanted[0])
    assert bits_of(ours) == bits_of(theirs)


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_is_another_model(way: str, tmp_path: Path) -> None:
    model = small("y")
    for event in mixed(30):
        model.learn(event)
    before = bits_of(model)
    twin = through(model, way, tmp_path)
    for event in mixed(20, seed=3):
        twin.learn(event)
    assert bits_of(model) == before


def test_a_life_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    model = small("y")
    for event in mixed(30):
        model.learn(event)
    paths = [tmp_path / "one", tmp_path / "two"]
    model.save(paths[0])
    lethe.load(paths[0]).save(paths[1])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_options_survive(tmp_path: Path) -> None:
    model = Model(
        "y", horizon=2, time="at", period=7, cells=3, layers=2, rates=(1e-3,), categories=9,
        max_delay=5, detect=False, bad="skip", new_columns="grow", seed=4,
    )  # fmt: skip
    twin = through(model, "load", tmp_path)
    assert bits_of(twin) == bits_of(model)
    for event in mixed(20):
        model.learn(event)
        twin.learn(event)
    assert bits_of(twin) == bits_of(model)


def test_a_model_that_followed_is_saved(tmp_path: Path) -> None:
    model = small("y", horizon=1)
    for event in mixed(30):
        model.learn(event)
    model.follow(mixed(1)[0])
    twin = through(model, "load", tmp_path)
    assert twin.predict().forecast == model.predict().forecast
    with pytest.raises(RuntimeError, match="follow"):
        twin.learn(mixed(1)[0])


def test_what_is_missing_or_too_much_is_refused(tmp_path: Path) -> None:
    model = small("y")
    model.learn(mixed(1)[0])
    arrays, metadata = model.to_checkpoint()
    kinds: list[Any] = ["Network", "Encoder", None, 5, []]
    for kind in kinds:
        with pytest.raises(CheckpointError, match=r"^[^\n]*$"):
            from_checkpoint(dict(arrays), metadata | {"kind": kind})
    for name in arrays:
        with pytest.raises(
            CheckpointError, match=r"^a checkpoint must hold the whole state[^\n]*$"
        ):
            from_checkpoint({n: a for n, a in arrays.items() if n != name}, metadata)


def test_a_network_life(tmp_path: Path) -> None:
    net = lethe.Network(lethe.Topology(inputs=2, outputs=1))
    net.step([0, 1])
    net.save(tmp_path / "net")
    twin = lethe.load(tmp_path / "net")
    assert bits(twin) == bits(net)
