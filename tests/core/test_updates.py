"""Update rules check their numbers and say what they are. What they do: test_oracle.py."""

import dataclasses
import math
import pickle
from typing import Any

import numpy as np
import pytest

from lethe.core._objects import shown
from lethe.core.updates import SGD, Adam, RMSprop, Update

RULES = (SGD, RMSprop, Adam)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (SGD(0.5), "SGD(rate=0.5)"),
        (SGD(0.5, decay=0.99), "SGD(rate=0.5, decay=0.99)"),
        (SGD(1, decay_per="sequence"), "SGD(rate=1.0, decay_per='sequence')"),
        (SGD(0.5, momentum=0.9, restart=False), "SGD(rate=0.5, restart=False, momentum=0.9)"),
        (RMSprop(0.002, smoothing=0.999), "RMSprop(rate=0.002, smoothing=0.999)"),
        (Adam(0.001, first=0.5, bound_error=1), "Adam(rate=0.001, first=0.5, bound_error=1.0)"),
    ],
)
def test_a_rule_shows_what_differs_from_the_defaults(rule: Update, text: str) -> None:
    assert repr(rule) == text
    assert eval(text) == rule


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_a_value(rule: type[Update]) -> None:
    one = rule(np.float32(0.5), decay=1)  # type: ignore[arg-type]
    assert one == rule(0.5)
    assert hash(one) == hash(rule(0.5))
    assert type(one.rate) is float
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.rate = 1.0  # type: ignore[misc]


WRONG_FOR_ALL: list[tuple[str, Any, str]] = [
    *[
        ("rate", v, "at least 0 and finite")
        for v in (-0.1, math.nan, math.inf, "1", b"0.5", None, True)
    ],
    ("rate", 10**400, "at least 0 and finite"),
    ("rate", np.array([0.5]), "at least 0 and finite"),
    *[("decay", v, "above 0 and at most 1") for v in (0.0, 1.01, -1.0, math.nan, "x")],
    ("decay_per", "stream", "one of step, sequence"),
    ("restart", 1, "True or False"),
    *[("bound_error", v, "above 0") for v in (0.0, -1.0, math.nan, [1.0])],
    *[("bound_step", v, "above 0") for v in (0.0, -1.0, math.nan)],
]
WRONG: list[tuple[type[Update], str, Any, str]] = [
    *[(rule, *wrong) for rule in RULES for wrong in WRONG_FOR_ALL],
    *[(SGD, "momentum", v, "at least 0 and below 1") for v in (-0.1, 1.0, math.nan)],
    *[(RMSprop, "smoothing", v, "at least 0 and below 1") for v in (-0.1, 1.0)],
    *[(Adam, name, 1.0, "at least 0 and below 1") for name in ("first", "second")],
    *[
        (rule, "epsilon", v, r"at least 1e-15 .*normal number in float32")
        for rule in (RMSprop, Adam)
        for v in (0.0, 9e-16, math.inf)
    ],
]


@pytest.mark.parametrize(("rule", "name", "value", "expected"), WRONG)
def test_what_is_refused(rule: type[Update], name: str, value: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as refusal:
        rule(**({"rate": 0.5} | {name: value}))
    message = str(refusal.value)
    assert message.startswith(f"{name} must be ")
    assert message.endswith(f"got {shown(value)}")


@pytest.mark.parametrize("rule", RULES)
def test_the_edges_are_allowed(rule: type[Update]) -> None:
    assert rule(0.0).rate == 0.0
    assert rule(1.0, bound_error=math.inf, bound_step=math.inf, decay=1.0) == rule(1.0)
