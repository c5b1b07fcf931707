"""Ctrl-C at any line: a model is as before the event, or as after it, to the bit."""

import copy
import sys
import threading
from collections.abc import Callable
from random import Random
from types import FrameType

import pytest
from support.models import bits_of, labelled, mixed, numbers, small, symbols

from lethe import Model
from lethe.model import from_checkpoint


class Interrupt:
    """Raises KeyboardInterrupt at the nth line of lethe.model and lethe.core that is reached."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, frame: FrameType, event: str, arg: object) -> object:
        name = frame.f_code.co_filename
        if "lethe/model" not in name and "lethe/core" not in name:
            return None
        return self.line

    def line(self, frame: FrameType, event: str, arg: object) -> object:
        if event == "line":
            self.left -= 1
            if self.left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self.line


def interrupted(call: Callable[[], object], at: int) -> bool:
    """Whether the call had not ended before that line."""
    before = sys.gettrace()
    sys.settrace(Interrupt(at))
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


Call = Callable[[Model], object]


def late_numbers() -> Model:
    model = small("y")
    for event in numbers(20):
        model.learn(event)
    for n in range(4):
        model.learn({"a": 1.0, "b": float(n)}, id=n)
    model.learn_target(1, 3.0)
    model.learn_target(2, 3.5)
    return model


def late_classes(categories: int = 9) -> Model:
    model = small("y", task="classification", categories=categories)
    for event in labelled(20):
        model.learn(event)
    for n in range(4):
        model.learn({"a": float(n)}, id=n)
    model.learn_target(1, "new")
    model.learn_target(2, "high")
    return model


def learned(events: list[object], **options: object) -> Model:
    model = small(**options)
    for event in events:
        model.learn(event)
    return model


def due_for_inspection() -> Model:
    """The next event draws new weights for two networks."""
    model = learned(numbers(1000)[:1000], target="y")
    model._predictor.stream.view("redraw")[0] = 3
    return model


COLUMNS = {
    "a": 1.0,
    "b": None,
    "y": 2.5,
    "kind": "fresh",
    "door": True,
    "at": "2024-03-01T00:00:00",
}

CASES: dict[str, tuple[Callable[[], Model], Call]] = {
    "first event": (lambda: small("y"), lambda m: m.learn(numbers(1)[0])),
    "first of classes": (
        lambda: small("y", task="classification"),
        lambda m: m.learn(labelled(1)[0]),
    ),
    "first that is skipped": (lambda: small("y", bad="skip"), lambda m: m.learn("none")),
    "numbers": (lambda: learned(numbers(20), target="y"), lambda m: m.learn(numbers(1)[0])),
    "columns": (
        lambda: learned(mixed(20), target="y"),
        lambda m: m.learn(COLUMNS),
    ),
    "new columns": (
        lambda: learned(numbers(20), target="y", new_columns="grow"),
        lambda m: m.learn(COLUMNS | {f"x{n}": "word" for n in range(9)}),
    ),
    "ahead": (
        lambda: learned(mixed(30), target=("y", "b"), horizon=3, max_delay=3),
        lambda m: m.learn(mixed(1)[0]),
    ),
    "weights are drawn": (due_for_inspection, lambda m: m.learn(numbers(1)[0])),
    "an id": (late_numbers, lambda m: m.learn({"a": 1.0, "b": 0.0}, id="x")),
    "an id and its target": (late_numbers, lambda m: m.learn(numbers(1)[0], id="x")),
    "late target": (late_numbers, lambda m: m.learn_target(0, 1.0)),
    "follow": (lambda: learned(mixed(20), target="y"), lambda m: m.follow(mixed(1)[0])),
    "classes": (
        lambda: learned(labelled(20), target="y", task="classification"),
        lambda m: m.learn({"a": 1.0, "y": "new"}),
    ),
    "a class gives way": (
        lambda: learned(labelled(20), target="y", task="classification", categories=3),
        lambda m: m.learn({"a": 1.0, "y": "new"}),
    ),
    "next class": (
        lambda: learned(labelled(20), target="y", task="classification", horizon=1),
        lambda m: m.learn({"a": 1.0, "y": "new"}),
    ),
    "late class": (late_classes, lambda m: m.learn_target(0, "low")),
    "late class gives way": (lambda: late_classes(3), lambda m: m.learn_target(0, "older")),
    "follow classes": (
        lambda: learned(labelled(20), target="y", task="classification"),
        lambda m: m.follow({"a": 1.0, "y": "low"}),
    ),
    "symbols": (lambda: learned(symbols(40), task="symbols"), lambda m: m.learn("!")),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_before_or_after(case: str) -> None:
    make, call = CASES[case]
    model = make()
    before, done = bits_of(model), copy.deepcopy(model)
    call(done)
    after = bits_of(done)
    lines, going = 0, True
    while going:
        lines += 7
        twin = copy.deepcopy(model)
        going = interrupted(lambda twin=twin: call(twin), lines)
    draw, found = Random(case), set()
    for at in sorted(draw.sample(range(lines), min(60, lines))):
        twin = copy.deepcopy(model)
        interrupted(lambda twin=twin: call(twin), at)
        # A tracer, unlike a signal, also interrupts a with block before its exit.
        twin._lock = threading.RLock()
        bits = bits_of(twin)
        assert bits in (before, after), (case, at)
        found.add(bits == after)
        again = from_checkpoint(*twin.to_checkpoint())
        assert bits_of(again) == bits
        if bits == before:  # it goes on
            call(twin)
            assert bits_of(twin) == after
    assert False in found
