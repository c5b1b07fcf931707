"""A stream's whole block, event by event, the compiled code against its oracles."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles.bayes import BAYES_FADING, MOST_EVENT_WEIGHT
from oracles.events import Arrival, Change, Event
from oracles.experts import MOST_EXPERT_CLASSES
from oracles.forest import TREES
from oracles.heads import NAIVE
from oracles.history import DAY, REMEMBERED_EVENTS, WEEK, History
from oracles.naive import naive_predictions
from oracles.number_records import Sizes
from oracles.residuals import MOST_RESIDUALS
from oracles.seasons import Seasons
from oracles.store import STORED_EVENTS
from support.lockstep import EXACT, ClassLockstep, NumberLockstep, assert_close, changes
from support.number_blocks import record_of

HOUR = 3600.0


class Draw:
    """Events whose columns come and go; what each changes is planned as an encoder would."""

    def __init__(self, sizes: Sizes, seed: int, missing: float, strange: float, used: int) -> None:
        self.sizes, self.missing, self.strange = sizes, missing, strange
        self.random = np.random.default_rng(seed)
        self.seconds = 1e9
        self.step = float(self.random.choice([600.0, 2 * HOUR, DAY, WEEK]))
        self.value = self.random.normal(size=sizes.targets) * 10 ** self.random.uniform(-3, 3)
        self.size = float(np.abs(self.value).max())
        self.columns, self.used = 0, used
        self.has_missed: set[int] = set()
        self.categories: list[int] = []

    def targets(self) -> np.ndarray:
        random = self.random
        self.value = 0.9 * self.value + self.size * random.normal(size=self.sizes.targets)
        given_ = self.value.copy()
        gone = random.random(self.sizes.targets) < self.missing
        given_[gone] = math.nan
        if random.random() < self.strange:
            given_ *= 50
        return given_

    def time(self) -> float:
        random = self.random
        self.seconds += self.step * random.choice([0.9, 1.0, 1.1])
        if random.random() < self.strange:
            self.seconds += random.choice([-5, 7]) * self.step
        return self.seconds if random.random() > self.missing / 2 else math.nan

    def event(self, most: int, grows: float) -> tuple[Event, Change | None]:
        """An event without targets, and what it changes."""
        random, change = self.random, Change(used=self.used)
        while self.columns < 2 or (self.used < most and random.random() < grows):
            if random.random() < 0.5 or self.columns < 2:
                change.column_slots.append(self.used)
                self.columns, change.early = self.columns + 1, True
            else:
                self.categories.append(self.used)
            self.used += 1
        numbers = random.normal(size=self.columns)
        numbers[random.random(self.columns) < self.missing] = math.nan
        for column in np.flatnonzero(np.isnan(numbers)).tolist():
            if column not in self.has_missed:
                self.has_missed.add(column)
                change.missing_columns.append(column)
                change.missing_slots.append(self.used)
                self.used += 1
        slots = []
        if self.categories:
            slots = [int(random.choice(self.categories))]
            if random.random() < 0.1:
                change.forgotten = slots
        is_change = change.used != self.used or change.forgotten
        change.used = self.used
        event = Event(numbers, slots, self.time() if self.sizes.timed else math.nan)
        return event, change if is_change else None


SIZES = st.builds(
    Sizes,
    targets=st.integers(1, 3),
    horizon=st.integers(0, 3),
    lags=st.integers(1, 8),
    period=st.sampled_from([0, 1, 3, 7]),
    timed=st.booleans(),
    long_period=st.sampled_from([0, 5, 9]),
).map(lambda sizes: sizes if sizes.period else sizes._replace(long_period=0))


@settings(max_examples=15, deadline=None)
@given(
    sizes=SIZES,
    seed=st.integers(0, 2**32 - 1),
    missing=st.sampled_from([0.0, 0.2]),
    strange=st.sampled_from([0.0, 0.05]),
    grows=st.sampled_from([0.0, 0.3]),
    late=st.booleans(),
    scored=st.booleans(),
    follows=st.booleans(),
)
@example(Sizes(1, 1, 8, 0, True), 0, 0.0, 0.0, 0.0, False, True, True)
@example(Sizes(1, 3, 8, 5, False), 1, 0.2, 0.0, 0.3, False, True, False)
@example(Sizes(2, 0, 3, 0, True), 2, 0.2, 0.05, 0.3, True, True, False)
@example(Sizes(1, 2, 2, 3, False, 7), 3, 0.0, 0.0, 0.0, False, False, True)
def test_a_stream_of_numbers_is_its_oracle(
    sizes: Sizes, seed: int, missing: float, strange: float, grows: float, late: bool,
    scored: bool, follows: bool,
) -> None:  # fmt: skip
    draw = Draw(sizes, seed, missing, strange, 0)
    pair = NumberLockstep(sizes, 2, scored=scored, layers=1 + seed % 2)
    late = late and sizes.horizon == 0
    waiting: list[int] = []
    for n in range(50):
        event, change = draw.event(9, grows)
        targets = draw.targets()
        if not late or draw.random.random() < 0.3:
            event.targets = targets
        else:
            waiting.append(n)
        pair.learn(event, change, max_delay=6)
        waiting = [k for k in waiting if k >= pair.stream.pending_sequence]
        while waiting and draw.random.random() < 0.5:
            k = waiting.pop(int(draw.random.integers(len(waiting))))
            pair.learn_targets(k, draw.targets())
            waiting = [k for k in waiting if k >= pair.stream.pending_sequence]
    if not follows:
        return
    for _ in range(10):
        event, _ = draw.event(0, 0.0)
        event.slots, event.targets = [], draw.targets()
        pair.follow(event)


@pytest.mark.parametrize("horizon", [0, 1])
def test_more_slots_than_linear_predictors_see(horizon: int) -> None:
    draw = Draw(Sizes(1, horizon, 1, 0, False), 3, 0.1, 0.0, 0)
    pair = NumberLockstep(draw.sizes, 8, scored=False)
    for n in range(40):
        event, change = draw.event(90, 0.95 if n in (3, 12, 13) else 0.0)
        event.targets = draw.targets()
        pair.learn(event, change)
    assert pair.stream.slots == 128
    assert pair.oracle.linear == 1 + pair.oracle.fixed + 64


def test_values_and_residuals_lie_in_rings() -> None:
    draw = Draw(Sizes(17, 1, 2, 0, False), 5, 0.01, 0.0, 0)
    pair = NumberLockstep(draw.sizes, 4, scored=True)
    assert len(pair.stream.view("values")) == 4
    for n in range(MOST_RESIDUALS + 100):
        event, change = draw.event(0, 0.0)
        event.targets = draw.targets()
        if change is not None or n % 20 == 0:
            pair.learn(event, change)
        else:
            pair.stream.learn(pair.encoded(event), None, 1, pair.redraw)
            pair.oracle.learn(event, None)
    pair.check()
    assert pair.stream.view("residual count")[0] > MOST_RESIDUALS


def test_a_column_that_acts_later_is_found() -> None:
    """As soon as its delay stands out it takes a tap, and what the tap says is learned."""
    sizes = Sizes(1, 1, 1, 0, False)
    draw = Draw(sizes, 5, 0.0, 0.0, 0)
    pair, columns = NumberLockstep(sizes, 2, scored=False), []
    for n in range(900):
        event, change = draw.event(0, 0.0)
        columns.append(event.numbers[0] * (draw.random.random() < 0.1))
        event.numbers[0] = columns[-1]
        event.targets = 0.1 * draw.random.normal(size=1)
        event.targets += columns[n - 60] if n >= 60 else 0.0
        pair.stream.learn(pair.encoded(event), changes(change), 1, pair.redraw)
        pair.oracle.learn(event, change)
        pair.check_networks()
    pair.check()
    assert 59 in pair.stream.view("tap lag")  # before the event that is predicted from
    assert np.abs(pair.stream.view("tap weights")).max() > 0.1


def test_a_season_is_looked_up_among_the_last_events() -> None:
    """The ring of events, beyond its end, and what lies one day and one week before in it."""
    sizes = Sizes(2, 2, 3, 0, True)
    draw = Draw(sizes, 5, 0.01, 0.0, 0)
    draw.step = HOUR
    pair, history = NumberLockstep(sizes, 4, scored=False), History(2, 3, 0, 0, True)
    seasons = Seasons(history)
    for n in range(REMEMBERED_EVENTS + 400):
        event, change = draw.event(0, 0.0)
        event.targets = draw.targets() + np.sin(n / 4)
        pair.stream.learn(pair.encoded(event), changes(change), 1, pair.ensemble.redraw)
        history.observe(event.targets, event.seconds)
        seasons.observe(event.targets)
        if n < 200 or n > REMEMBERED_EVENTS - 100:
            newest = int(pair.stream.view("pending first")[0]) + pair.stream.pending_count - 1
            record = record_of(pair.stream, sizes, place=newest % 2)
            said = record["predictions"][:, : NAIVE - 1]
            assert_close("naive", said, naive_predictions(seasons, 2, event.seconds), EXACT)
    assert [history.season(s) for s in range(2)] == [(DAY, False), (WEEK, False)]
    for name, part in {**history.parts(), **seasons.parts()}.items():
        assert_close(name, pair.stream.view(name), part, EXACT)


def planned(keys: dict[Any, int], key: Any, most: int, free: int) -> Arrival:
    """A class that is used now, as a predictor plans it: its place, and whose it was."""
    if key is None:
        return Arrival(missing=True)
    if key in keys:
        keys[key] = place = keys.pop(key)
        return Arrival(place, place, place)
    if len(keys) < most:
        keys[key] = free
        return Arrival(0, free, free)
    oldest = next(iter(keys))
    keys[key] = place = keys.pop(oldest)
    return Arrival(0, place, place, evicts=True)


@settings(max_examples=15, deadline=None)
@given(
    ahead=st.booleans(),
    timed=st.booleans(),
    symbols=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
    missing=st.sampled_from([0.0, 0.2]),
    kinds=st.integers(1, 12),
    most=st.integers(2, 12),
    late=st.booleans(),
    scored=st.booleans(),
    follows=st.booleans(),
)
def test_a_stream_of_classes_is_its_oracle(
    ahead: bool, timed: bool, symbols: bool, seed: int, missing: float, kinds: int, most: int,
    late: bool, scored: bool, follows: bool,
) -> None:  # fmt: skip
    """Class k has place k and slot k; columns have the slots behind those of 12 classes."""
    first = 13
    draw = Draw(Sizes(1, int(ahead), 1, 0, timed), seed, missing, 0.05, first)
    pair = ClassLockstep(ahead=ahead, timed=timed, symbols=symbols, slots=2, room=4, scored=scored)
    random, late = draw.random, late and not ahead
    keys: dict[Any, int] = {}
    complete: dict[int, Any] = {}
    waiting: list[int] = []

    def symbol() -> Any:
        return None if random.random() < missing else int(random.integers(kinds))

    def arrival(key: Any) -> Arrival:
        """While nothing is learned of it."""
        before = keys.get(key, 0)
        return Arrival(before, before or pair.stream.known, 0, False, key is None)

    def learn_complete() -> None:
        while pair.oracle.is_first_complete:
            key = complete.pop(pair.oracle.pending.sequence, None)
            pair.learn_complete(planned(keys, key, most, 1 + len(keys)))

    for n in range(50):
        if symbols:
            event = Event(symbol=int(random.integers(1, kinds + 1)))
            change = Change(used=14) if n == 0 else None
        else:
            event, change = draw.event(20, 0.1)
        key = symbol()
        came: Arrival | None
        if late and random.random() < 0.7:
            came = None
            waiting.append(n)
        elif ahead or not pair.oracle.pending.records:
            came = planned(keys, key, most, 1 + len(keys))
        else:
            came, complete[n] = arrival(key), key
        pair.learn(event, change, came, max_delay=5)
        learn_complete()
        waiting = [k for k in waiting if k >= pair.oracle.pending.sequence]
        while waiting and random.random() < 0.4:
            k = waiting.pop(int(random.integers(len(waiting))))
            complete[k] = symbol()
            pair.set_pending_class(k, arrival(complete[k]))
            learn_complete()
            waiting = [k for k in waiting if k >= pair.oracle.pending.sequence]
    if not follows:
        return
    for _ in range(10):
        event = Event(symbol=1) if symbols else draw.event(0, 0.0)[0]
        event.slots = []
        pair.follow(event, arrival(symbol()))


def take_clouds(pair: ClassLockstep, kinds: int, most: int, events: int, every: int) -> None:
    """Classes lie in clouds; class k has place and slot k, and columns the slots behind.

    What nobody compares is learned as well; rounding in the networks adds up until the next check.
    """
    random = np.random.default_rng(kinds)
    columns, first = 5, most + 1
    middles = random.normal(size=(kinds, columns))
    keys: dict[Any, int] = {}
    for n in range(events):
        key = n % kinds if n < 2 * kinds else int(random.integers(kinds))
        event = Event(middles[key] + random.normal(size=columns))
        slots = [first + column for column in range(columns)]
        change = None if n else Change(column_slots=slots, used=first + columns, early=True)
        came = planned(keys, key, most, 1 + len(keys))
        if n % every == 0:
            pair.learn(event, change, came)
        else:
            pair.stream.learn(
                pair.encoded(event), changes(change), pair.arrival(came), 1000, pair.redraw
            )
            pair.oracle.learn(event, change, came)


def test_experts_remember_the_last_events() -> None:
    """Events in their ring, beyond its end, and trees in theirs."""
    pair = ClassLockstep(ahead=False, timed=False, symbols=False, slots=4, room=4, scored=False)
    take_clouds(pair, 4, 6, STORED_EVENTS + 100, 40)
    assert pair.stream.view("stored count")[0] > STORED_EVENTS
    assert pair.stream.view("trees grown")[0] > TREES
    pair.check()


@pytest.mark.parametrize("most", [10, MOST_EXPERT_CLASSES + 20])
def test_experts_of_many_classes(most: int) -> None:
    """More than naive Bayes and the softmax tell apart, and more than there is room for."""
    pair = ClassLockstep(ahead=True, timed=True, symbols=False, slots=4, room=4, scored=False)
    take_clouds(pair, most + 5, most, 3 * most, 20)
    assert pair.stream.known == most + 1
    pair.check()


def test_counts_of_classes_are_scaled_down() -> None:
    pair = ClassLockstep(ahead=False, timed=False, symbols=False, slots=8, room=4, scored=False)
    take_clouds(pair, 3, 3, 20, 1)
    heavy = MOST_EVENT_WEIGHT * BAYES_FADING**5
    bayes = pair.oracle.experts.bayes
    bayes.weight, bayes.classes, bayes.counts = (
        heavy * part for part in (bayes.weight, bayes.classes, bayes.counts)
    )
    for name, part in bayes.parts().items():
        pair.stream.view(name)[...] = part
    for _ in range(10):
        pair.learn(Event(np.zeros(5)), None, Arrival(1, 1, 1))
    assert pair.stream.view("bayes weight")[0] < 2
