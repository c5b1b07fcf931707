"""What was found by those who tried to break a model."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from support.models import bits_of, small

import lethe
from lethe.storage.fields import parse_json


class Twice(Mapping[str, float]):
    """A mapping that yields a key twice, as dicts of several values do."""

    def __getitem__(self, key: str) -> float:
        return 1.0

    def __iter__(self) -> Iterator[str]:
        return iter(("a", "a", "y"))

    def __len__(self) -> int:
        return 3


class Unhashable(str):
    """A name that cannot be looked up any more, once it was."""

    armed = False

    def __hash__(self) -> int:
        if Unhashable.armed:
            raise RuntimeError("no")
        return super().__hash__()


def test_a_mapping_that_yields_a_key_twice() -> None:
    model = small("y")
    for _ in range(3):
        model.learn(Twice())
    assert model.events == 3
    lethe.Model.from_checkpoint(*model.to_checkpoint())


def test_names_and_ids_that_are_more_than_strings() -> None:
    model = small("y")
    model.learn({Unhashable("a"): 1.0, "y": 1.0})
    model.learn({"a": 1.0}, id=Unhashable("one"))
    Unhashable.armed = True
    try:
        model.learn({"a": 2.0, "y": 2.0})
        model.learn_target("one", 1.0)
    finally:
        Unhashable.armed = False
    assert model.waiting == 0
    lethe.Model.from_checkpoint(*model.to_checkpoint())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_a_signal_handler_is_refused_while_its_thread_is_within_a_call() -> None:
    model = small("y")
    model.learn({"a": 0.0, "y": 0.0})
    said: list[str] = []

    def handler(*_: object) -> None:
        try:
            model.learn({"a": 1.0, "y": 1.0})
            said.append("")
        except RuntimeError as error:
            said.append(f"{error}")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            model.learn({"a": 1.0, "y": 1.0})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert set(said) <= {"", "a model must not be called from within a call of its own"}
    lethe.Model.from_checkpoint(*model.to_checkpoint())


def test_a_value_that_calls_its_model() -> None:
    model = small("y")
    model.learn({"a": 0.0, "y": 0.0})
    before = bits_of(model)

    class Calling(Fraction):
        def __float__(self) -> float:
            model.learn({"a": 1.0, "y": 1.0})
            return 1.0

    with pytest.raises(RuntimeError, match="within a call of its own"):
        model.learn({"a": Calling(1), "y": 1.0})
    assert bits_of(model) == before


@pytest.mark.parametrize("extra", [{"x": 1.0}, {"x": "text"}])
def test_columns_are_those_of_a_first_event_of_floats_alone(extra: dict[str, object]) -> None:
    for target, first in (("y", {"y": 1.0}), (None, {"a": 1.0, "b": 2.0})):
        model = small(target, horizon=1)
        model.learn(first)
        with pytest.raises(ValueError, match="must be one of those of the first event"):
            model.learn(first | extra)


def test_the_first_of_two_times_is_the_time() -> None:
    one, other = small("y", horizon=1), small("y", horizon=1)
    for n in range(40):
        when = f"2026-01-{1 + n // 24:02d}T{n % 24:02d}:00"
        one.learn({"t": when, "again": "2020-01-01T00:00", "y": float(n % 24)})
        other.learn({"t": when, "again": "always", "y": float(n % 24)})
    assert one.predict() == other.predict()


@pytest.mark.parametrize(
    "text",
    ["[" + '"' + "," * 3_000_000 + '"]', '["' + '\\"' * 2_000_000, '{"a":' * 400_000],
    ids=["commas", "escapes", "nested"],
)
def test_hostile_json_is_counted_in_linear_time(text: str) -> None:
    start = time.monotonic()
    with contextlib.suppress(ValueError):
        parse_json(np.frombuffer(text.encode(), np.uint8))
    assert time.monotonic() - start < 20  # quadratic: minutes


STRANGE = {
    "long": 10**5000,
    "signaling": Decimal("sNaN"),
    "span": np.timedelta64(1, "M"),
    "nested": [[1.0]],
}


@pytest.mark.parametrize("kind", STRANGE)
def test_values_of_strange_kinds_are_missing_or_refused(kind: str) -> None:
    model = small("y", bad="skip")
    model.learn({"a": 0.0, "y": 0.0})
    assert model.learn({"a": STRANGE[kind], "y": 1.0}).skipped
    model = small("y", bad="raise")
    model.learn({"a": 0.0, "y": 0.0})
    with pytest.raises(ValueError, match=r"^column .a. must") as caught:
        model.learn({"a": STRANGE[kind], "y": 1.0})
    assert len(f"{caught.value}") < 400


def test_a_generator_that_a_checkpoint_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="seed must be"):
        lethe.Model("y", seed=np.random.Generator(np.random.MT19937(0)))
