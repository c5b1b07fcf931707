"""Texts of any length: what is kept of them has an end, and so have all names together."""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import bits_of, encoder_of, predictor_of, small, waiting

from lethe import Model
from lethe.evaluate.naive import ClassScores
from lethe.model.state import words_of
from lethe.model.values import category_of, label_of

LONG = "A line of a log that never repeats. " * 30_000


def test_of_a_long_text_its_beginning_its_length_and_its_digest_are_kept() -> None:
    label = label_of(category_of("k", "ab" * 1000))
    assert isinstance(label, str)
    assert label.startswith("ab" * 50 + "… (2,000 characters, SHA-256 ")
    digest = hashlib.sha256(b"ab" * 1000).hexdigest()
    assert label.endswith(f" {digest})")
    raw = label_of(category_of("k", b"ab" * 1000))
    assert isinstance(raw, bytes)
    assert raw == b"ab" * 50 + f"... (2,000 bytes, SHA-256 {digest})".encode()


@pytest.mark.parametrize("text", ["x" * 1000, "", "ü" * 1000, b"\0" * 1000])
def test_a_text_of_usual_length_is_kept(text: Any) -> None:
    assert label_of(category_of("k", text)) == text


@given(st.text(), st.text(), st.integers(1001, 3000))
def test_long_texts_are_equal_where_their_names_are(one: str, other: str, length: int) -> None:
    given, more = one + "x" * length, other + "x" * length
    for first, second in ((given, more), (more.encode(errors="replace"), given.encode())):
        assert (category_of("k", first) == category_of("k", second)) == (first == second)
    name = category_of("k", given)
    assert category_of("k", label_of(name)) == name
    assert len(name) < 300


@pytest.mark.parametrize("task", ["regression", "classification", "symbols"])
def test_a_model_learns_long_texts(task: Any) -> None:
    model = small(*([] if task == "symbols" else ["y"]), task=task)
    for n in range(40):
        text = f"{n % 3}{LONG}"
        event: Any = {"k": text, "y": float(n % 3) if task == "regression" else text}
        model.learn(text if task == "symbols" else event)
    assert len(json.dumps(model.configuration())) < 10_000
    again = Model.from_checkpoint(*model.to_checkpoint())
    assert bits_of(again) == bits_of(model)
    if task == "regression":
        assert len(encoder_of(model).categories["k"].slots) == 3
        low, high = (model.predict({"k": f"{n}{LONG}"}).value for n in (0, 2))
        assert low < high
        return
    report = again.learn(text if task == "symbols" else event)
    assert report.actual == label_of(category_of("y", text))
    assert report.actual in again.classes


def test_a_long_text_of_an_earlier_checkpoint_is_cut_short() -> None:
    model = small("y")
    model.learn({"k": "short", "y": 1.0})
    arrays, metadata = model.to_checkpoint()
    text = np.asarray(arrays["state"]).tobytes().replace(b'"sshort"', b'"s' + b"x" * 2000 + b'"')
    again = Model.from_checkpoint({**arrays, "state": np.frombuffer(text, np.uint8)}, metadata)
    again.learn({"k": "x" * 2000, "y": 1.0})
    assert len(encoder_of(again).categories["k"].slots) == 1


def test_scores_of_long_classes() -> None:
    scores = ClassScores()
    for _ in range(3):
        label = label_of(category_of("class", LONG))
        scores.update(label, {label: 0.9}, 0.1, LONG)
    scores.update(label, {}, 0.1, None)
    scores.update(label, {}, 0.1, np.datetime64("NaT"))
    assert scores.accuracies()["model"] == 1.0
    assert scores.log_losses()["model"] == pytest.approx(-np.log(0.9))
    assert max(map(len, scores.counts)) < 300


MEMORY = """
import resource, sys
import lethe
model = lethe.Model("y", cells=1, rates=(1e-2,))
model.learn({"k": "a", "y": 1.0})
def used():
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size // (1024 if sys.platform == "linux" else 1024 * 1024)
before = used()
for n in range(120):
    model.learn({"k": f"{n:06d}" + "x" * 1_000_000, "y": float(n % 5)})
print(used() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no module resource")
def test_long_texts_take_no_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 20


# ---- all names together ----


def checked(model: Model) -> None:
    """What is counted is what there is, and the checkpoint can be written."""
    model._engine.to_arrays()  # an id that was learned from is forgotten here
    predictor = predictor_of(model)
    assert encoder_of(model).words.size == words_of(predictor)
    names = len(np.asarray(model.to_checkpoint()[0]["state"]).tobytes())
    assert names < encoder_of(model).words.size + 10_000


@settings(max_examples=30)
@given(st.data())
def test_names_are_counted_as_they_come_and_go(data: st.DataObject) -> None:
    task = data.draw(st.sampled_from(["regression", "classification", "symbols"]))
    options: dict[str, Any] = {"task": task, "categories": 3, "max_delay": 3}
    model = small(*([] if task == "symbols" else ["y"]), new_columns="grow", **options)
    texts = st.sampled_from(["", "a", "é" * 9, 'q"\n', "x" * 2000, "y" * 999, "z", "w"])
    ids: list[Any] = []
    for n in range(data.draw(st.integers(1, 25))):
        if task == "symbols":
            model.learn(data.draw(texts))
            continue
        event: dict[str, Any] = {"k": data.draw(texts), data.draw(texts) + "-"[:1]: n % 2 + 0.5}
        event = {name[:1000]: value for name, value in event.items()}
        label = 1.0 if task == "regression" else data.draw(texts)
        match data.draw(st.sampled_from(["now", "late", "named", "learn_target"])):
            case "now":
                model.learn(event, label)
            case "late":
                ids.append(data.draw(st.sampled_from([f"{n}é", 10**n])))
                model.learn(event, id=ids[-1])
            case "named":
                model.learn(event, label, id=f"{n}!")
            case "learn_target" if ids:
                waits = ids.pop(data.draw(st.integers(0, len(ids) - 1)))
                if waits in predictor_of(model).waiting.ids:
                    model.learn_target(waits, label)
        if model.events:
            checked(model)
    if model.events:
        checked(Model.from_checkpoint(*model.to_checkpoint()))
        checked(copy.deepcopy(model))


@pytest.mark.parametrize("bad", ["missing", "skip"])
def test_more_names_than_a_checkpoint_holds_are_refused_when_they_come(bad: Any) -> None:
    model = small("y", bad=bad, cells=1, rates=(1e-2,))
    refused = None
    for n in range(30):
        event = {f"c{k}": f"{n} {k} " + "é" * 900 for k in range(100)} | {"y": 1.0}
        before = bits_of(model, without=("skipped",))
        try:
            if model.learn(event).skipped:
                refused = "skipped"
        except ValueError as error:
            refused = f"{error}"
            assert bits_of(model) == before
        if refused:
            assert bits_of(model, without=("skipped",)) == before
            break
    assert refused is not None
    assert refused == "skipped" or "has one text too many" in refused
    model.learn({"y": 2.0})
    checked(Model.from_checkpoint(*model.to_checkpoint()))


def test_classes_that_wait_can_always_be_learned() -> None:
    """What waits was counted with what it becomes, so nothing is refused when its turn comes."""
    model = small("y", task="classification", cells=1, rates=(1e-2,), max_delay=5000)
    model.learn({"a": 1.0}, id="first")
    late = 0
    for n in range(3000):
        try:
            model.learn({"a": 1.0}, f"{n}" + "😀" * 990)
        except ValueError as error:
            assert "has one text too many" in f"{error}"  # noqa: PT017
            break
        late += 1
    assert 200 < late < 3000
    model.learn_target("first", "a")
    assert waiting(model) == 0
    checked(model)


def test_names_have_an_end() -> None:
    model = small("y", new_columns="grow")
    with pytest.raises(ValueError, match="a column's name must be at most 1,000 characters long"):
        model.learn({"x" * 10**6: 1.0, "y": 1.0})
    model.learn({"x" * 1000: 1.0, "y": 1.0})
    for options in ({"target": "y" * 1001}, {"target": "y", "time": "t" * 1001}):
        with pytest.raises(ValueError, match=r"must be at most 1,000 characters long, got '"):
            Model(**options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="target must be at most 10,000 columns"):
        Model([f"{n}" for n in range(10_001)])


def test_large_whole_numbers_are_names() -> None:
    model = small("y", task="classification")
    for number in (2**4095, -(2**4095), 0):
        model.learn({"a": 1.0}, number, id=number)
    assert model.classes == [2**4095, -(2**4095), 0]
    checked(model)
    with pytest.raises(ValueError, match="must be a category"):
        model.learn({"a": 1.0}, 2**4096)
    with pytest.raises(ValueError, match="id must be"):
        model.learn({"a": 1.0}, id=2**4096)
