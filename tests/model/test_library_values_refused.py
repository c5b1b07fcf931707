"""What a library hands over and means nothing here is refused by name, whatever it is."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.library_values import LIBRARIES, value_of
from support.models import bits_of, encoder_of, numbers, small

import lethe
from lethe import Model, Prediction


def ready(**options: Any) -> Model:
    """A model that has learned from a number, a category and a time."""
    model = small("y", **options)
    for n, event in enumerate(numbers(20)):
        model.learn(event | {"k": "ab"[n % 2], "t": 3600.0 * n})
    return model


def event_with(**values: Any) -> dict[str, Any]:
    return numbers(1, seed=5)[0] | {"k": "a", "t": 1e5} | values


def answer(use: Callable[[], object]) -> str:
    """The message of the ValueError that this raises."""
    with pytest.raises(ValueError, match="must") as caught:
        use()
    message = f"{caught.value}"
    assert "\n" not in message
    assert len(message) < 600
    return message


# ---- what is refused, by name ----


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("numpy: table", "got a numpy.ndarray of shape (2, 3); learn from one row at a time"),
        ("numpy: no axes", "got array(0.5)"),
        ("pandas: frame", 'got a pandas.DataFrame of shape (2, 2); .*frame.to_dict("records")'),
        ("polars: frame", "got a polars.DataFrame of shape (2, 2); .*iter_rows(named=True)"),
        ("polars: lazy", "learn from one row at a time: .*collect()"),
        ("arrow: table", "got a pyarrow.Table of shape (1, 2); .*to_pylist()"),
        ("arrow: batch", "got a pyarrow.RecordBatch of shape (1, 1); .*to_pylist()"),
        ("jax: table", "of shape (2, 3)"),
        ("torch: table", "got a torch.Tensor of shape (2, 3)"),
        ("python: set", "got {1.0}"),
        ("python: bytearray", "got bytearray"),
        ("python: memoryview", "got a memoryview of shape (3,)"),
    ],
)
def test_what_is_no_event_is_refused_by_name(name: str, said: str) -> None:
    message = answer(lambda: small("y").learn(value_of(name)))
    assert message.startswith("event must be a mapping (such as a dict) or a row of values, got")
    for part in said.split(".*"):
        assert part in message


@pytest.mark.parametrize("name", ["numpy: one", "jax: one", "torch: one", "torch: one whole"])
def test_an_array_is_no_number(name: str) -> None:
    message = answer(lambda: ready().learn(event_with(a=value_of(name))))
    assert message.startswith("column 'a' must be a number, got a ")
    assert message.endswith(" of shape (1,)")


def test_a_column_twice_and_names_that_are_none() -> None:
    twice = value_of("pandas: row with a name twice")
    message = answer(lambda: small("y").learn(twice))
    assert message == "event must have each column once, got 'x' twice"
    pandas = pytest.importorskip("pandas")
    for name in (5, None, pandas.NA, ("a", "b"), np.datetime64("2024"), b"a"):
        assert "columns must be named by strings" in answer(lambda n=name: ready().learn({n: 1.0}))


def test_a_symbol_is_its_own_target() -> None:
    model = small(task="symbols")
    model.learn("a")
    for use in (model.learn, model.score, model.follow):
        assert "left out for symbols" in answer(lambda use=use: use("a", "b"))


def test_the_time_is_no_target() -> None:
    assert answer(lambda: Model(("a", "t"), time="t")).startswith("time must be another column")
    said = answer(lambda: Model("y", task="classification", horizon=2))
    assert said == "horizon must be 0 or 1 for classes and symbols, got 2"


def test_columns_that_never_had_a_value_are_listed() -> None:
    model = small(("load", "laod"), time="when")
    for n in range(5):
        model.learn({"load": float(n), "x": None})
    assert model.configuration()["never_seen"] == ["x", "laod", "when"]
    model.learn({"load": 1.0, "laod": 2.0, "when": 5.0, "x": 1.0})
    assert model.configuration()["never_seen"] == []
    model = small("clas", task="classification")
    model.learn({"class": "a"})
    assert model.configuration()["never_seen"] == ["clas"]


@pytest.mark.parametrize("path", [5, True, b"model", None, 2.5, ["model"]])
def test_a_file_is_a_path_and_no_number(path: Any) -> None:
    for use in (lethe.load, ready().save, ready().networks[0].save):
        assert answer(lambda use=use: use(path)).startswith("path must be the path of a file")


def test_a_path_of_any_kind(tmp_path: Path) -> None:
    for path in (tmp_path / "model", f"{tmp_path}/other"):
        ready().save(path)
        assert isinstance(lethe.load(path), Model)


@pytest.mark.parametrize("wrong", [None, "0.9", True, math.nan, 1j, [0.9], np.ones(2)])
def test_an_interval_of_something_else(wrong: Any) -> None:
    prediction = ready().predict(event_with())
    assert "level must be" in answer(lambda: prediction.interval(wrong))
    assert "ahead must be" in answer(lambda: prediction.interval(ahead=wrong))
    if wrong is not None:
        assert "target must be" in answer(lambda: prediction.interval(target=wrong))
    assert prediction.interval(np.float32(0.5)) == prediction.interval(Decimal("0.5"))


def test_ids_of_any_library() -> None:
    model = ready()
    for name, number in (("numpy: whole", 1), ("arrow: string", "a")):
        model.learn({"a": 1.0}, id=value_of(name))
        model.learn_target(number, 1.0)
    for wrong in (True, 1.0, np.datetime64("2024"), np.timedelta64(1, "s"), "x" * 1001, ["a"]):
        assert answer(lambda w=wrong: model.learn({"a": 1.0}, id=w)).startswith("id must be")
        assert answer(lambda w=wrong: model.learn_target(w, 1.0)).startswith("id must be that of")


# ---- anything, anywhere ----

NAMES = [
    f"{library}: {kind}"
    for library, kinds in LIBRARIES.items()
    if library in ("python", "numpy")
    for kind in kinds()
]


def names_of(library: str) -> list[str]:
    return [f"{library}: {kind}" for kind in LIBRARIES[library]()]


PARAMETERS = [
    *("target", "task", "horizon", "time", "period", "cells", "layers", "rates", "categories"),
    *("max_delay", "detect", "bad", "new_columns", "seed"),
]

MODELS: dict[str, dict[str, Any]] = {
    "numbers": {},
    "ahead": {"horizon": 1},
    "times": {"time": "t"},
    "strict": {"bad": "raise"},
    "growing": {"new_columns": "grow"},
    "classes": {"task": "classification"},
}
PLACES = ["event", "a", "y", "k", "t", "new", "name", "target", "id", "late"]
READY: dict[str, Model] = {}


def use(model: Model, place: str, value: Any) -> object:
    """Hand a value over to a model, somewhere."""
    if place == "event":
        return model.learn(value)
    if place == "target":
        return model.learn(event_with(), value)
    if place == "id":
        return model.learn({"a": 1.0}, id=value)
    if place == "late":
        return model.learn_target(value, 1.0)
    if place == "name":
        return model.learn({value: 1.0})
    return model.learn(event_with(**{place: value}))


def check_anything(kind: str, place: str, name: str) -> None:
    if kind not in READY:
        READY[kind] = small("y", **MODELS[kind])
        for n, event in enumerate(numbers(4)):
            label = "pq"[n % 2] if kind == "classes" else event["y"]
            READY[kind].learn(event | {"k": "ab"[n % 2], "t": 3600.0 * n, "y": label})
    model, value = copy.deepcopy(READY[kind]), value_of(name)
    before = bits_of(model)
    try:
        use(model, place, value)
    except ValueError as error:
        assert "\n" not in f"{error}"  # noqa: PT017
        assert bits_of(model) == before
    except TypeError as error:
        assert "hash" in f"{error}"  # noqa: PT017  # of the dict that the test itself makes
        assert place == "name"
    else:
        assert bits_of(Model.from_checkpoint(*model.to_checkpoint())) == bits_of(model)


@given(st.sampled_from(sorted(MODELS)), st.sampled_from(PLACES), st.sampled_from(NAMES))
def test_anything_anywhere_works_or_is_refused(kind: str, place: str, name: str) -> None:
    check_anything(kind, place, name)


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow", "jax", "torch"])
@pytest.mark.parametrize("kind", MODELS)
def test_anything_of_a_library_works_or_is_refused(library: str, kind: str) -> None:
    for name in names_of(library):
        for place in PLACES:
            check_anything(kind, place, name)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("parameter", PARAMETERS)
def test_a_parameter_of_any_kind_is_understood_or_refused_by_name(
    library: str, parameter: str
) -> None:
    for name in names_of(library):
        given: dict[str, Any] = {"target": "y", parameter: value_of(name)}
        try:
            made = Model(**given)
        except ValueError as error:
            assert parameter in f"{error}"  # noqa: PT017
            assert "\n" not in f"{error}"  # noqa: PT017
        else:
            assert isinstance(Model.from_checkpoint(*made.to_checkpoint()).predict, Callable)


def test_a_prediction_compares_with_anything() -> None:
    prediction = ready().predict(event_with())
    assert isinstance(prediction, Prediction)
    for name in NAMES:
        if "NumPy" not in name and not isinstance(value_of(name), np.ndarray):
            assert (prediction == value_of(name)) is False


def test_what_a_model_knows_is_named_by_strings() -> None:
    model = small(np.str_("y"), time=np.str_("t"))
    model.learn({np.str_("a"): 1.0, "y": 1.0, "t": 5.0})
    assert type(encoder_of(model).time) is str
    assert [type(name) for name in (*model.targets, *encoder_of(model).numbers)] == [str, str]
