"""Values that are missing, absurd or of the wrong kind: skipped, refused or survived."""

import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from support.models import bits_of, encoder_of, mixed, numbers, of_task, small, waiting

from lethe import Model

BAD: list[Any] = [math.nan, math.inf, -math.inf, 1e308, -1e151, np.float32("nan"), 10**400]
NO_NUMBERS: list[Any] = ["text", b"1", [1.0], {"a": 1}, 1j, object(), np.ones(2)]


def ready(**options: Any) -> Model:
    model = small("y", **options)
    for event in numbers(20):
        model.learn(event)
    return model


# ---- policies ----


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("column", ["a", "y"])
def test_bad_numbers_are_missing(column: str, value: Any) -> None:
    ours, theirs = ready(), ready()
    event = numbers(1, seed=5)[0]
    ours.learn(event | {column: value})
    theirs.learn(event | {column: None})
    assert bits_of(ours) == bits_of(theirs)


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("column", ["a", "y"])
def test_bad_numbers_raise(column: str, value: Any) -> None:
    model = ready(bad="raise")
    before = bits_of(model)
    with pytest.raises(ValueError, match=f"^column '{column}' must be [^\n]+$"):
        model.learn(numbers(1)[0] | {column: value})
    if column == "a":
        with pytest.raises(ValueError, match="column 'a'"):
            model.predict({"a": value})
    assert bits_of(model) == before
    model.learn(numbers(1)[0] | {column: None})  # missing is not bad


@pytest.mark.parametrize("value", [*BAD, *NO_NUMBERS])
@pytest.mark.parametrize("column", ["a", "y"])
def test_bad_numbers_are_skipped(column: str, value: Any) -> None:
    model = ready(bad="skip")
    before = bits_of(model, without=("skipped",))
    report = model.learn(numbers(1)[0] | {column: value})
    assert report.skipped
    assert report.prediction is None
    assert (model.skipped, model.events) == (1, 20)
    assert bits_of(model, without=("skipped",)) == before


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("column", ["a", "y"])
def test_what_is_no_number_raises(column: str, value: Any) -> None:
    model = ready()
    before = bits_of(model)
    with pytest.raises(ValueError, match=rf"^column '{column}' must be a number, got [^\n]*$"):
        model.learn(numbers(1)[0] | {column: value})
    assert bits_of(model) == before


@pytest.mark.parametrize(
    "wrong", [5, "text", None, b"ab", {1: 2.0}, {"unknown": 1.0}, [1, 2, 3, 4]]
)
@pytest.mark.parametrize("bad", ["missing", "raise", "skip"])
def test_what_is_no_event(wrong: Any, bad: str) -> None:
    model = ready(bad=bad)
    before = bits_of(model, without=("skipped",))
    if bad == "skip":
        assert model.learn(wrong).skipped
    else:
        with pytest.raises(ValueError, match=r"^(event|columns?)[^\n]*$"):
            model.learn(wrong)
    assert bits_of(model, without=("skipped",)) == before


@pytest.mark.parametrize("first", [{}, {"a": "text"}, {"a": True, "b": "text"}, 5])
@pytest.mark.parametrize("bad", ["missing", "skip"])
def test_a_first_event_without_numbers(first: Any, bad: str) -> None:
    model = small(bad=bad)
    if bad == "skip":
        assert model.learn(first).skipped
    else:
        with pytest.raises(ValueError, match=r"^event must [^\n]*$"):
            model.learn(first)
    clean = small(bad=bad)
    for event in numbers(10):
        model.learn(event)
        clean.learn(event)
    assert bits_of(model, without=("skipped",)) == bits_of(clean, without=("skipped",))


def spoiled(events: list[Any], seed: int) -> Iterator[tuple[Any, bool]]:
    """One event in ten is bad, each in its own way."""
    random = np.random.default_rng(seed)
    for event in events:
        while random.random() < 0.1:
            column = random.choice(["a", "b", "y"])
            value = [*BAD, *NO_NUMBERS][random.integers(len(BAD) + len(NO_NUMBERS))]
            wrong: Any = event | {column: value}
            if random.random() < 0.2:
                wrong = [{"unknown": 1.0}, 7, None, event | {"more": 1}][random.integers(4)]
            yield wrong, True
        yield event, False


@pytest.mark.parametrize("task", ["number", "one ahead", "two numbers", "season"])
def test_what_is_skipped_leaves_no_bit(task: str) -> None:
    ours, events = of_task(task, bad="skip")
    theirs, _ = of_task(task, bad="skip")
    stream, skipped = events(200), 0
    for event, bad in spoiled(stream, 1):
        assert ours.learn(event).skipped == bad
        skipped += bad
    for event in stream:
        theirs.learn(event)
    assert (ours.skipped, ours.events) == (skipped, 200)
    assert bits_of(ours, without=("skipped",)) == bits_of(theirs, without=("skipped",))


def test_a_late_target_is_skipped_by_policy() -> None:
    model = ready(bad="skip")
    model.learn({"a": 1.0}, id=1)
    assert model.learn_target(1, "text").skipped
    assert model.learn_target(1, math.inf).skipped
    assert model.skipped == 2
    model.learn_target(1, 2.0)
    assert waiting(model) == 0


# ---- columns that change ----


def test_a_new_column_is_named() -> None:
    model = ready()
    said = (
        "column 'c' must be one of those of the first event (a, b), got a new one; "
        "new_columns='grow' accepts it"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        model.learn({"a": 1.0, "b": 2.0, "c": 3.0}, 1.0)


def test_a_column_that_changes_its_kind_is_named() -> None:
    model = small("y")
    for event in mixed(30):
        model.learn(event)
    before = bits_of(model)
    changes: dict[str, list[Any]] = {
        "a": ["text", datetime(2024, 1, 1), [1]],
        "kind": [1.5, [1], {"a": 1}, object()],
        "at": ["soon", b"2024", [1], True, object()],
    }
    for name, values in changes.items():
        for value in values:
            with pytest.raises(ValueError, match=rf"^column '{name}' must be a [^\n]*$"):
                model.learn(mixed(1)[0] | {name: value})
    assert bits_of(model) == before


class NAType:
    """As pandas.NA: nothing can be asked of it."""

    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


@pytest.mark.parametrize("missing", [None, "", math.nan, np.float64("nan"), NAType()])
@pytest.mark.parametrize("column", ["a", "kind", "at", "door", "y"])
def test_missing_in_any_form(column: str, missing: Any) -> None:
    ours, theirs = small("y"), small("y")
    for event in mixed(20):
        ours.learn(event)
        theirs.learn(event)
    ours.learn(mixed(1)[0] | {column: missing})
    theirs.learn(mixed(1)[0] | {column: None})
    assert bits_of(ours) == bits_of(theirs)


def test_columns_that_begin_with_missing_values() -> None:
    model = small("y")
    for n, event in enumerate(numbers(30)):
        empty = {"late": None, "never": math.nan, "word": ""}
        model.learn(event | (empty if n < 10 else {"late": 1.0, "never": None, "word": "x"}))
    assert "late" in encoder_of(model).numbers
    assert "word" in encoder_of(model).categories
    assert "never" in encoder_of(model).ignored


# ---- times ----


def test_times_in_any_form() -> None:
    start = datetime(2024, 5, 1, 12, tzinfo=UTC)
    models = [small("y", time="t") for _ in range(5)]
    for n, event in enumerate(numbers(40)):
        when = start + timedelta(hours=n)
        forms: list[Any] = [
            when,
            when.isoformat(),
            when.astimezone(timezone(timedelta(hours=5))),
            np.datetime64(when.replace(tzinfo=None), "us"),
            when.timestamp(),
        ]
        for model, form in zip(models, forms, strict=True):
            model.learn(event | {"t": form})
    assert len({repr(bits_of(model)) for model in models}) == 1


def test_a_second_column_of_times_is_a_category() -> None:
    model = small("y")
    for n, event in enumerate(numbers(20)):
        times = {"t": datetime(2024, 1, 1 + n), "due": date(2024, 2, 1 + n % 3)}
        model.learn(event | times)
    model.learn(numbers(1)[0] | {"t": np.datetime64("NaT"), "due": date(2024, 2, 1)})
    assert encoder_of(model).time == "t"
    assert len(encoder_of(model).categories["due"].slots) == 3


@pytest.mark.parametrize("jump", [-1e6, 0.0, 1e12, math.nan])
def test_clocks_that_jump(jump: float) -> None:
    model = small("y", time="t", horizon=2)
    for n, event in enumerate(numbers(60)):
        model.learn(event | {"t": 1e9 + 3600 * n + (jump if n % 7 == 3 else 0.0)})
    assert all(math.isfinite(value) for value in model.predict().forecast)


# ---- numbers ----


@pytest.mark.parametrize(
    "value", [Fraction(1, 2), Decimal("0.5"), np.float16(0.5), np.longdouble(0.5)]
)
def test_any_real_number_will_do(value: Any) -> None:
    ours, theirs = ready(), ready()
    ours.learn({"a": value, "b": 0.0}, value)
    theirs.learn({"a": 0.5, "b": 0.0}, 0.5)
    assert bits_of(ours) == bits_of(theirs)


# ---- what a stream may throw at it ----


def error_after(model: Model, values: Any, last: int, column: str = "y") -> float:
    """The mean error of the last so many, everything finite on the way."""
    errors = []
    for value in values:
        event = {"a": 1.0} | ({column: value} if np.isscalar(value) else value)
        report = model.learn(event)
        assert report.prediction is not None
        assert math.isfinite(report.prediction.value)
        errors.append(abs(report.prediction.value - event["y"]))
    return float(np.mean(errors[-last:]))


def wave(count: int, first: int = 0) -> np.ndarray:
    random = np.random.default_rng(first)
    return np.sin(np.arange(first, first + count) / 5) + 0.1 * random.normal(size=count)


@pytest.mark.parametrize("horizon", [0, 1])
@pytest.mark.parametrize("size", [1e6, -1e6, 1e12])
def test_a_step_of_the_level_is_taken_over(horizon: int, size: float) -> None:
    usual = error_after(small("y", horizon=horizon), wave(1500), 300)
    model = small("y", horizon=horizon)
    error_after(model, wave(700), 100)
    after = error_after(model, size + wave(800, 700), 300)
    assert after < 2 * usual + 1e-9 * abs(size)


@pytest.mark.parametrize("horizon", [0, 1])
@pytest.mark.parametrize("size", [1e149, -1e149, 1e20, 1e6])
def test_one_absurd_value_is_forgotten(horizon: int, size: float) -> None:
    usual = error_after(small("y", horizon=horizon), wave(1500), 300)
    model = small("y", horizon=horizon)
    error_after(model, wave(700), 100)
    error_after(model, [size], 1)
    assert error_after(model, wave(800, 700), 300) < 2 * usual


@pytest.mark.parametrize("size", [1e308, math.inf, 1e149])
def test_an_absurd_column_is_forgotten(size: float) -> None:
    def events(count: int, first: int = 0) -> list[Any]:
        return [{"a": e["a"], "y": e["y"]} for e in numbers(count, first=first)]

    usual = error_after(small("y"), events(1200), 300)
    model = small("y")
    error_after(model, events(500), 100)
    for value in (size, -size, size):
        error_after(model, [{"a": value, "y": 3.0}], 1)
    assert error_after(model, events(700, 500), 300) < 2 * usual


@pytest.mark.parametrize("value", [0.0, 1.0, -1e149, 1e-300, 5e-324])
@pytest.mark.parametrize("horizon", [0, 1])
def test_a_constant_is_predicted(value: float, horizon: int) -> None:
    model = small("y", horizon=horizon)
    assert error_after(model, [value] * 300, 100) <= 1e-12 * abs(value)
    usual = error_after(small("y", horizon=horizon), wave(900), 300)
    assert error_after(model, value + wave(800), 300) <= 2 * usual + 1e-9 * abs(value)


@pytest.mark.parametrize("scale", [1e-90, 1e-30, 1e30, 1e100])
def test_any_unit_will_do(scale: float) -> None:
    usual = error_after(small("y"), wave(1200), 300)
    assert error_after(small("y"), scale * wave(1200), 300) < 1.2 * scale * usual


def test_a_spread_that_grows_and_shrinks() -> None:
    model = small("y")
    usual = error_after(small("y"), wave(1200), 300)
    for scale in (1.0, 0.01, 100.0, 1.0):
        assert error_after(model, scale * wave(1000), 300) < 1.5 * scale * usual


def test_many_columns_need_a_target() -> None:
    event = {f"c{n}": float(n) for n in range(501)}
    model = Model(cells=1)
    with pytest.raises(ValueError, match="at most 500 columns of numbers where no target is named"):
        model.learn(event)
    assert model.events == 0
    named = Model("c7", cells=1)
    named.learn(event)
    assert named.events == 1


class Bottomless(tzinfo):
    def utcoffset(self, _: object) -> timedelta:
        raise LookupError("no such zone")


@pytest.mark.parametrize(
    "value",
    [Decimal("1e999999999"), datetime(2024, 1, 1, tzinfo=Bottomless())],
    ids=["Decimal", "time zone"],
)
@pytest.mark.parametrize("first", [True, False])
def test_values_whose_own_code_fails(value: object, first: bool) -> None:
    model = Model("y", task="classification", cells=1)
    if not first:
        model.learn({"x": "a", "y": "b"})
    events = [{"x": "a", "y": value}] if first else [{"x": value, "y": "b"}, {"x": "a", "y": value}]
    for event in events:
        with pytest.raises(ValueError, match="must"):
            model.learn(event)
    assert model.events == (not first)


def test_events_that_are_further_apart_than_a_year() -> None:
    random, model = np.random.default_rng(0), small("y", horizon=1, time="t")
    for n in range(60):
        model.learn({"t": 3e8 * n + 1.0, "y": float(n % 5 + random.normal())})
    assert math.isfinite(model.predict().forecast[0])
    Model.from_checkpoint(*model.to_checkpoint())
