"""The alarm decision and what is held back: the compiled code against its oracle."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import alarms
from oracles.alarms import Held, Rule
from oracles.anomaly import AnomalyScorer
from oracles.history import History
from oracles.watched_column import OF_LEVELS
from support.scorers import PARTS, Scorer, assert_close, same

Values = NDArray[np.float64]

#: What comes back is held, once that was seen three times.
COMES_BACK = ("spike", "burst", "calm")
WHAT_HAPPENS = ("spike", "burst", "shift", "louder", "quiet", "stuck", "gap", "huge", "calm")
#: What the oracle's scorer alone does not know: levels of seasons.
OF_LEVEL_WINDOWS = {"levels so far", "delayed", "delayed count", "largest so far", "first bins"}


class Pair:
    """A compiled scorer and its oracle, with the past from which alarms are held back."""

    def __init__(self, targets: int, rules: list[Rule]) -> None:
        self.ours, self.theirs = Scorer(targets), AnomalyScorer(targets, profiled=True)
        sizes = self.ours.sizes
        self.history = History(targets, sizes.lags, sizes.period, sizes.long_period, sizes.timed)
        self.ours.stream.view("alarm rule")[:] = rules
        for watch, rule in zip(self.theirs.watches, rules, strict=True):
            watch.rule = rule
        self.zeros, self.event = np.zeros(targets), 1
        self.take_in(self.zeros)

    @property
    def held(self) -> Held:
        return self.theirs.held

    def take_in(self, actual: Values) -> None:
        self.history.observe(actual, math.nan)
        self.held.hold(self.history.values)
        self.held.release(self.history.values, actual, self.history.kept)

    def take(self, actual: Values, predicted: Values, how: str) -> None:
        """One event on both sides; before it both say what they would say of it."""
        odds = self.ours.stream.view("level odds").tolist()
        for column, of_level in zip(self.theirs.columns, odds, strict=True):
            column.level_odds = of_level
        told: Any = {"level": self.zeros, "event": self.event + 1}
        before = self.ours.parts()
        looked = self.ours.score(actual, predicted)
        same(before, self.ours.parts())
        self.close(looked, self.theirs.score(actual, predicted, "score", **told))
        one = self.ours.update if how == "learn" else self.ours.follow
        self.close(one(actual, predicted), self.theirs.score(actual, predicted, how, **told))  # type: ignore[arg-type]
        self.event += 1
        self.take_in(actual)
        for c, levels in zip(
            self.theirs.columns, self.ours.stream.view("levels so far"), strict=True
        ):
            c.tails[OF_LEVELS].at_least[:] = levels
        self.check_alarms()

    @staticmethod
    def close(ours: Any, theirs: Any) -> None:
        if math.isnan(theirs.score):
            assert math.isnan(ours[1])
            assert ours[6:] == (theirs.alarm, theirs.alarm_target)
        else:
            assert_close(ours, theirs)

    def check_alarms(self) -> None:
        """The same numbers on both sides, and none that cannot be."""
        numbers = self.ours.stream.view("alarm")
        np.testing.assert_allclose(numbers, self.theirs.parts()["alarm"], 1e-9, 1e-15)
        names = list(vars(self.theirs.watches[0].alarm))
        for row in numbers.tolist():
            alarm = dict(zip(names, row, strict=True))
            if alarm["state"] != alarms.IDLE:
                assert 1 <= alarm["begun"] <= alarm["peak_at"] <= self.event
                assert alarms.NO_ALARM < alarm["kind"] <= alarms.OUT_OF_RANGE
                assert alarm["elapsed"] == self.event - alarm["begun"]
            if alarm["state"] == alarms.ENDS:
                assert alarm["peak_at"] <= alarm["end"] == self.event

    def check(self) -> None:
        theirs, stream = self.theirs.parts(), self.ours.stream
        for name in {*PARTS, "held count"} - OF_LEVEL_WINDOWS:
            np.testing.assert_allclose(stream.view(name), theirs[name], 1e-9, 1e-15, err_msg=name)
        for values, expected, n in zip(
            stream.view("held values"), self.held.values, self.held.count, strict=True
        ):
            np.testing.assert_allclose(values[:n], expected[:n], 1e-12)
        # The oracle keeps the whole past, the block a ring of which this much is full.
        ours = stream.view("values")[: len(self.history.values)]
        np.testing.assert_allclose(ours, self.history.values, 1e-12)

    def save_and_load(self) -> None:
        saved = np.frombuffer(self.ours.stream.save(), np.uint8)
        stream = self.ours.stream.clone()
        self.ours = Scorer(len(self.zeros))
        self.ours.stream.load(saved)
        assert stream.save() == self.ours.stream.save()


def drawn(
    seed: int, targets: int, count: int, missing: float, rounded: bool, happens: tuple[str, ...]
) -> Values:
    """Noise in which one thing after another happens, to one target or to all."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, targets))
    n = 40
    while n < count:
        what, length = str(random.choice(happens)), int(random.integers(2, 40))
        which = slice(None) if random.random() < 0.3 else int(random.integers(targets))
        size = float(random.choice([-1, 1])) * 10 ** random.uniform(0.5, 2)
        part = rows[n : n + length, which]  # a view
        if what == "spike":
            rows[n, which] += size
        elif what == "burst":
            rows[n : n + min(length, 8), which] += size
        elif what == "shift":
            rows[n:, which] += size
        elif what in ("louder", "quiet"):
            part *= 6 if what == "louder" else 1e-2
        elif what == "stuck":
            part[:] = part[:1]
        elif what == "gap":
            part[:] = math.nan
        elif what == "huge":
            rows[n, which] = size * 1e145
        n += length + int(random.integers(5, 40))
    rows[random.random(rows.shape) < missing] = math.nan
    return np.round(rows) if rounded else rows


def after(rows: Values, rate: float) -> Values:
    """What one who follows the level slowly expects of each event."""
    level, expected = np.zeros(rows.shape[1]), np.zeros(rows.shape)
    for n, row in enumerate(rows):
        expected[n] = level
        moved = np.clip(row - level, -1e6, 1e6)
        level = level + rate * np.where(np.isnan(row), 0.0, moved)
    return expected


RULES = st.builds(
    Rule,
    rate=st.sampled_from([1e-3, 0.01, 0.1]),
    direction=st.sampled_from([-1.0, 0.0, 0.0, 1.0]),
    least=st.sampled_from([0.0, 0.0, 4.0]),
    least_relative=st.sampled_from([0.0, 0.0, 0.5]),
    lowest=st.sampled_from([-math.inf, -math.inf, -50.0]),
    highest=st.sampled_from([math.inf, math.inf, 50.0]),
    warm_up=st.sampled_from([0.0, 100.0]),
    cooldown=st.sampled_from([0.0, 30.0]),
)


@settings(max_examples=12, deadline=None)
@given(
    rules=st.lists(RULES, min_size=1, max_size=3),
    seed=st.integers(0, 2**32 - 1),
    count=st.sampled_from([120, 400, 700]),
    missing=st.sampled_from([0.0, 0.0, 0.1]),
    rounded=st.booleans(),
    rate=st.sampled_from([0.02, 0.2, 0.7]),
    happens=st.sampled_from([WHAT_HAPPENS, COMES_BACK]),
)
@example([Rule(0.1, warm_up=0.0)], 1, 700, 0.0, False, 0.2, WHAT_HAPPENS)
@example([Rule()] * 3, 2, 700, 0.0, False, 0.02, WHAT_HAPPENS)
@example([Rule()] * 2, 3, 700, 0.1, False, 0.02, COMES_BACK)
def test_alarms_are_their_oracle(
    rules: list[Rule], seed: int, count: int, missing: float, rounded: bool, rate: float,
    happens: tuple[str, ...],
) -> None:  # fmt: skip
    pair = Pair(len(rules), rules)
    rows = drawn(seed, len(rules), count + 100, missing, rounded, happens)
    expected = after(rows, rate)
    for n in range(count):
        if n == count // 2:
            pair.save_and_load()
        pair.take(rows[n], expected[n], "learn")
        if n % 50 == 0:
            pair.check()
    pair.check()
    for n in range(count, count + 100):
        pair.take(rows[n], expected[n], "follow")
    pair.check()
