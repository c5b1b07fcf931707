"""What a library hands over is understood as a number, a row or a time, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from support.library_values import value_of
from support.models import bits_of, numbers, small

from lethe import Model
from lethe.model.state import checked_category
from lethe.model.values import category_of, label_of


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


# ---- what is understood ----


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("python: decimal", 0.5),
        ("python: fraction", 0.5),
        ("python: duration", 3600.0),
        ("python: whole enum", 1.0),
        ("python: more than a float", 0.5),
        ("python: true", 1.0),
        ("numpy: single", 0.5),
        ("numpy: half", 0.5),
        ("numpy: long double", 0.5),
        ("numpy: no axes", 0.5),
        ("numpy: whole without axes", 1.0),
        ("numpy: boolean", 1.0),
        ("numpy: duration", 3600.0),
        ("numpy: no duration", None),
        ("numpy: masked", None),
        ("numpy: object without axes", None),
        ("pandas: duration", 3600.0),
        ("pandas: NA", None),
        ("pandas: NaT", None),
        ("arrow: float", 0.5),
        ("arrow: whole", 1.0),
        ("arrow: decimal", 0.5),
        ("arrow: duration", 3600.0),
        ("arrow: null", None),
        ("jax: float", 0.5),
        ("jax: whole", 1.0),
        ("jax: bfloat16", 0.5),
        ("torch: float", 0.5),
        ("torch: whole", 1.0),
        ("torch: bfloat16", 0.5),
    ],
)
def test_a_number_of_any_library_is_that_number(name: str, number: float | None) -> None:
    ours, theirs = ready(bad="raise"), ready(bad="raise")
    value = value_of(name)
    ours.learn(event_with(a=value, y=value))
    theirs.learn(event_with(a=number, y=number))
    ours.learn(event_with(), id=1)
    theirs.learn(event_with(), id=1)
    assert ours.learn(event_with(y=None), value) is not None
    theirs.learn(event_with(y=None), number)
    assert bits_of(ours) == bits_of(theirs)


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        (np.timedelta64(2, "W"), 14 * 86_400.0),
        (np.timedelta64(1, "D"), 86_400.0),
        (np.timedelta64(90, "s"), 90.0),
        (np.timedelta64(5, "ns"), 5e-9),
        (np.timedelta64(3, "25ms"), 0.075),
        (np.timedelta64(-7, "as"), -7e-18),
        (timedelta(days=-1, microseconds=1), -86_399.999999),
    ],
)
def test_a_duration_is_a_number_of_seconds(span: Any, seconds: float) -> None:
    ours, theirs = ready(), ready()
    ours.learn(event_with(a=span))
    theirs.learn(event_with(a=seconds))
    assert bits_of(ours) == bits_of(theirs)


@pytest.mark.parametrize("name", ["numpy: months", "numpy: without unit"])
def test_a_duration_without_a_length_is_refused(name: str) -> None:
    message = answer(lambda: ready().learn(event_with(a=value_of(name))))
    assert message.startswith("column 'a' must be a number, got np.timedelta64(")
    assert ready(bad="skip").learn(event_with(a=value_of(name))).skipped


@pytest.mark.parametrize(
    "name",
    [
        *("python: date", "python: datetime", "python: aware", "numpy: day", "pandas: time"),
        *("pandas: time in a zone", "pandas: period", "arrow: date"),
    ],
)
def test_a_time_of_any_library_is_that_time(name: str) -> None:
    ours, theirs = ready(time="t"), ready(time="t")
    ours.learn(event_with(t=value_of(name)))
    theirs.learn(event_with(t=datetime(2024, 1, 1, tzinfo=UTC).timestamp()))
    assert bits_of(ours) == bits_of(theirs)


def test_a_time_beyond_all_clocks_is_refused() -> None:
    message = answer(lambda: ready(time="t").learn(event_with(t=value_of("numpy: far away"))))
    assert message.startswith("column 't' must be a time, but")
    message = answer(lambda: small("y").learn({"t": value_of("numpy: far away"), "y": 1.0}))
    assert message.startswith("column 't' must be a time, but")


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("numpy: three", "012"),
        ("numpy: with masked", "02"),
        ("numpy: record", "xy"),
        ("pandas: row", "xy"),
        ("pandas: numbered row", "012"),
        ("polars: column", "012"),
        ("polars: row", "01"),
        ("polars: named row", "xy"),
        ("arrow: array", "012"),
        ("arrow: chunks", "01"),
        ("arrow: struct", "xy"),
        ("jax: three", "012"),
        ("torch: three", "012"),
        ("torch: three that learn", "012"),
        ("torch: three bfloat16", "012"),
        ("python: row of a database", "xy"),
    ],
)
def test_a_row_of_any_library_is_an_event(name: str, columns: str) -> None:
    model = small(horizon=1)
    model.learn(value_of(name))
    assert model.targets == tuple(columns)
    assert model.learn(value_of(name)).anomaly == model.learn(value_of(name)).anomaly


def test_rows_of_a_frame_are_its_events() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(numbers(30))
    ours, theirs = small("y"), small("y")
    for _, row in frame.iterrows():
        ours.learn(row)
    for event in numbers(30):
        theirs.learn(event)
    assert bits_of(ours) == bits_of(theirs)


@pytest.mark.parametrize(
    "name", ["numpy: three", "jax: three", "torch: three", "polars: column", "arrow: array"]
)
def test_targets_of_any_library_given_apart(name: str) -> None:
    ours, theirs = small(("p", "q", "r")), small(("p", "q", "r"))
    value = value_of(name)
    ours.learn({"a": 1.0}, value)
    theirs.learn({"a": 1.0}, [float(each) for each in np.asarray(value)])
    assert bits_of(ours) == bits_of(theirs)


def test_targets_of_pandas_have_names() -> None:
    pandas = pytest.importorskip("pandas")
    ours, theirs = small(("p", "q")), small(("p", "q"))
    ours.learn({"a": 1.0}, pandas.Series({"q": 2.0, "p": 1.0}))
    theirs.learn({"a": 1.0}, {"p": 1.0, "q": 2.0})
    assert bits_of(ours) == bits_of(theirs)


# ---- classes ----


@pytest.mark.parametrize(
    "label",
    [
        date(2024, 1, 1),
        datetime(2024, 1, 1, 5, 30, 0, 7),
        datetime(2024, 1, 1, 5, tzinfo=UTC),
        datetime.fromisoformat("2024-01-01T05:00+02:00"),
        np.datetime64("2024-01-01"),
        np.datetime64("2024"),
        np.datetime64("2024-01-01T05"),
        np.datetime64("2024-01-01T05:30:00.5"),
        np.datetime64("2024-01-01T05:30:00.000000001"),
        np.datetime64("-0044-03-15"),
        np.datetime64("20000-01-01"),
        Decimal(7),
        np.int64(3),
        "x" * 1000,
        b"x" * 1000,
    ],
    ids=str,
)
def test_a_label_comes_back_as_what_it_was(label: Any) -> None:
    model = small("y", task="classification")
    model.learn({"a": 1.0}, label)
    model.learn({"a": 1.0}, label)
    answered = model.predict({"a": 1.0})
    assert answered.value == label
    assert answered.probabilities[label] > 0
    again = Model.from_checkpoint(*model.to_checkpoint())
    assert again.classes == [label]
    assert type(again.classes[0]) is type(model.classes[0])
    assert category_of("y", label_of(category_of("y", label))) == category_of("y", label)


def test_times_of_pandas_are_labels() -> None:
    pandas = pytest.importorskip("pandas")
    for text in ("2024-01-01", "2024-01-01 05:00:00.000000001", "2024-01-01T05:00+02:00"):
        model = small("y", task="classification")
        model.learn({"a": 1.0}, pandas.Timestamp(text))
        assert model.classes == [pandas.Timestamp(text)]


def test_equal_times_are_one_class() -> None:
    early = datetime.fromisoformat("2024-01-01T05:00+02:00")
    for one, other in (
        (early, early.astimezone(UTC)),
        (np.datetime64("2024-01-01"), np.datetime64("2024-01-01T00:00:00.000000000")),
        (np.datetime64("2024"), np.datetime64("2024-01-01T00")),
    ):
        assert category_of("y", one) == category_of("y", other)
    assert category_of("y", "2024-01-01") != category_of("y", date(2024, 1, 1))


@pytest.mark.parametrize("name", ["numpy: no time", "pandas: NaT", "pandas: NA", "numpy: masked"])
def test_a_class_that_is_missing(name: str) -> None:
    model = small("y", task="classification")
    model.learn({"a": 1.0}, "p")
    model.learn({"a": 1.0}, value_of(name))
    model.learn({"a": 1.0, "y": value_of(name)})
    assert model.classes == ["p"]
    assert "must be" in answer(lambda: small(task="symbols").learn(value_of(name)))


@pytest.mark.parametrize("text", ["now", "today", "NaT", "2024-13-01", "2024-01-01T05:00Z", ""])
@pytest.mark.parametrize("kind", "dtn")
def test_a_checkpoint_with_another_time_is_refused(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match="categories must be names that begin with a type"):
        checked_category(f"{kind}{text}")
