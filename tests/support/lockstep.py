"""A compiled stream and its oracle, taken through the same events and compared at each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from oracles.anomaly import AnomalyScorer
from oracles.classes import ClassStreamOracle
from oracles.events import Arrival, Change, Event
from oracles.numbers import NumberStreamOracle, Sizes
from support.models import training_networks
from support.number_blocks import RATES, groups_of, number_stream

from lethe import Network, _kernel
from lethe.model import classes
from lethe.model.networks import Ensemble, Group

Values = NDArray[np.float64]

#: Both sides sum in float64, each in its own order. A sum of n numbers is wrong by n ulp (2e-16) of
#: the largest at most; recursive least squares amplifies that by the covariance's condition, some
#: 1e4 for hundreds of features and events.
EXACT = 1e-9

#: Networks compute in float32 from these numbers: one that is rounded the other way differs by
#: 6e-8, and what follows from the networks' outputs by about as much.
SINGLE = 1e-6

#: What networks have a say in.
FROM_NETWORKS = {
    "predictions", "blends", "blended", "mean absolute error", "residuals", "blend weights",
    "regret", "squares", "most", "answered",
    "class weights", "spread", "plain", "slow unit", "apart", "trust", "benefit",
    "stack weights", "stack curvature", "stack share",
}  # fmt: skip

#: And what errors say of anomalies.
FROM_NETWORKS |= set(AnomalyScorer(0).parts())

#: Parts without a unit: beside 1e-3, what cancels is rounding.
WITHOUT_UNIT = {"features", "gains", "base", "weights", "covariance", "residuals"}

#: Where the ring of events begins; the records themselves are compared in order.
LEFT_OUT = {"pending first", "records"}


def assert_close(name: str, ours: Values, theirs: Any, tolerance: float) -> None:
    expected = np.asarray(theirs, float)
    assert ours.shape == expected.shape, name
    there = np.isfinite(expected)
    assert np.array_equal(ours[~there], expected[~there], equal_nan=True), name
    least = 1e-3 if name in WITHOUT_UNIT else 1e-300
    largest = np.abs(expected)[there].max(initial=least)
    apart = np.abs(ours[there] - expected[there]).max(initial=0.0)
    assert apart <= tolerance * largest, (name, apart / largest)


class Lockstep:
    """What a stream of numbers and one of classes have in common."""

    stream: Any
    oracle: Any
    ensemble: Ensemble
    inputs: int

    def start(self) -> list[Network]:
        """Draws the first weights; copies of these networks are the oracle's."""
        self.stream.start()
        self.ensemble.draw_first_weights(self.stream)
        return self.ensemble.copies(self.stream)

    def redraw(self, network: int, layer: int, block: int) -> None:
        raise AssertionError("no weights are drawn in short streams")

    def check(self) -> None:
        """Compares all parts of the block, the events that wait, and the networks."""
        parts = self.oracle.parts()
        assert set(parts) == set(self.stream.parts()) - LEFT_OUT
        for name, expected in parts.items():
            known = "class weights" if name == "weights" and self.is_of_classes else name
            tolerance = SINGLE if known in FROM_NETWORKS else EXACT
            ours = self.stream.view(name)
            if name in ("regret", "squares", "blend weights"):  # each blend in its own unit
                k = (ours.shape[-1] - 2) // 2
                for blend in (slice(k), slice(k, 2 * k), slice(2 * k, None)):
                    assert_close(name, ours[:, blend], expected[:, blend], tolerance)
            else:
                assert_close(name, ours, expected, tolerance)
        self.check_records()
        self.check_networks()

    def groups(self) -> list[Any]:
        """The oracle's groups of networks."""
        return self.oracle.groups

    @property
    def is_of_classes(self) -> bool:
        return isinstance(self.oracle, ClassStreamOracle)

    def records(self) -> list[dict[str, Values]]:
        """The events that wait, each part by the name that the oracle's records give it."""
        found = []
        first = int(self.stream.view("pending first")[0])
        for n, parts in enumerate(self.oracle.records()):
            record = self.stream.view("records")[(first + n) % self.stream.pending_capacity]
            ends = np.cumsum([part.size for part in parts.values()])
            assert ends[-1] == len(record)
            pieces = np.split(record, ends[:-1])
            found.append(
                {
                    name: piece.reshape(part.shape)
                    for (name, part), piece in zip(parts.items(), pieces, strict=True)
                }
            )
        return found

    def check_records(self) -> None:
        for ours, theirs in zip(self.records(), self.oracle.records(), strict=True):
            for name, part in theirs.items():
                if self.oracle.pending.following and name in ("stepped", "gains"):
                    continue  # what follows is never learned from
                assert_close(name, ours[name], part, SINGLE if name in FROM_NETWORKS else EXACT)

    def check_networks(self) -> None:
        """And gives the oracle the stream's own, so that rounding does not add up."""
        if self.oracle.pending.following:
            return
        networks = training_networks(self.stream, self.ensemble)
        groups = self.groups()
        every = [net for group in groups for net in group.training]
        for ours, theirs in zip(networks, every, strict=True):
            # Copies: to look at a network's weights ends a step that waits for its target.
            one, other = ours.clone(), theirs.clone()
            assert (one.topology, one.rate) == (other.topology, other.rate)
            for layer in range(one.topology.layers):
                for kind in ("input_gate", "forget_gate", "output_gate", "cell"):
                    found, expected = one.weights(kind, layer), other.weights(kind, layer)  # type: ignore[arg-type]
                    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
                for name in ("cell_state", "cell_output"):
                    found, expected = one.state(name, layer), other.state(name, layer)  # type: ignore[arg-type]
                    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
            found, expected = one.weights("output"), other.weights("output")
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        for group in groups:
            group.training = [networks.pop(0) for _ in group.training]

    def encoded(self, event: Event) -> Any:
        return _kernel.EncodedEvent(
            event.numbers, event.slots, event.seconds, event.targets, event.symbol
        )


def changes(change: Change | None) -> Any:
    if change is None:
        return None
    return _kernel.Changes(
        change.forgotten,
        change.column_slots,
        change.missing_columns,
        change.missing_slots,
        change.used,
        change.early,
        [],
    )


class NumberLockstep(Lockstep):
    def __init__(
        self, sizes: Sizes, slots: int, *, scored: bool, cells: int = 2, layers: int = 1
    ) -> None:
        self.ensemble = Ensemble(groups_of(sizes, slots, cells, layers), np.random.default_rng(0))
        self.stream = number_stream(sizes, slots, self.ensemble, scored=scored)
        networks = self.start()
        groups = [[networks.pop(0) for _ in group.updates] for group in self.ensemble.groups]
        self.oracle = NumberStreamOracle(sizes, slots, groups, scored=scored)

    def learn(self, event: Event, change: Change | None, max_delay: int = 1000) -> None:
        self.ask(event, change)
        ours = self.stream.learn(self.encoded(event), changes(change), max_delay, self.redraw)
        self.compare(ours, self.oracle.learn(event, change, max_delay))
        self.check()

    def learn_targets(self, sequence: int, targets: Values) -> None:
        ours = self.stream.learn_targets(sequence, targets, None)
        self.compare(ours, self.oracle.learn_targets(sequence, targets))
        self.check()

    def follow(self, event: Event) -> None:
        self.compare(self.stream.follow(self.encoded(event)), self.oracle.follow(event))
        self.check()

    def ask(self, event: Event, change: Change | None) -> None:
        """What would be answered, where the event changes no slots."""
        if change is not None:
            return
        self.compare(self.stream.score(self.encoded(event)), self.oracle.score(event))
        for asked in (event, None):
            ours = self.stream.predict(None if asked is None else self.encoded(asked))
            self.compare_answers(ours, self.oracle.predict(asked))

    def compare(self, ours: Any, theirs: Any) -> None:
        self.compare_answers(ours[0], theirs.answer)
        assert ours[1] == theirs.scored
        if not theirs.scored:
            return
        np.testing.assert_allclose(ours[2], theirs.score, rtol=0, atol=1e-5)
        if not math.isnan(theirs.score):
            assert ours[3] == theirs.target
        np.testing.assert_allclose(ours[4], theirs.expected, rtol=SINGLE, atol=1e-300)
        np.testing.assert_array_equal(ours[5], theirs.actual)
        assert ours[7:] == (theirs.alarm, theirs.alarm_target)

    def compare_answers(self, ours: bytes | None, theirs: Values | None) -> None:
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            found = np.frombuffer(ours)
            m, t = len(self.oracle.heads.head), self.oracle.sizes.targets
            # predictions, usual errors, counts, spreads; last values, and bounds
            ends = [m, 2 * m, 3 * m, 4 * m, 4 * m + t]
            for one, other in zip(np.split(found, ends), np.split(theirs, ends), strict=True):
                assert_close("answer", one, other, SINGLE)


class ClassLockstep(Lockstep):
    def __init__(
        self, *, ahead: bool, timed: bool, symbols: bool, slots: int, room: int, scored: bool
    ) -> None:
        inputs = slots + 10 * (timed and not symbols)
        topology = classes.network_topology(inputs, room, 2, 1)
        self.ensemble = Ensemble([Group.of_rates(topology, RATES)], np.random.default_rng(0))
        self.stream = _kernel.ClassStream(
            int(ahead), timed, symbols, slots, room, 1, scored,
            *self.ensemble.groups[0].described(),
        )  # fmt: skip
        self.oracle = ClassStreamOracle(
            ahead=ahead, timed=timed, symbols=symbols, slots=slots, classes=room,
            networks=self.start(), scored=scored,
        )  # fmt: skip

    def groups(self) -> list[Any]:
        return [self.oracle.ensemble]

    @staticmethod
    def arrival(came: Arrival | None) -> Any:
        if came is None:
            return None
        return _kernel.Arrival(came.before, came.place, came.slot, came.evicts, came.missing)

    def answered(self, ours: Any) -> Any:
        """The stream's outcome, whose answer the oracle is to score."""
        self.oracle.scored = None if ours[0] is None else np.frombuffer(ours[0])
        return ours

    def learn(
        self, event: Event, change: Change | None, came: Arrival | None, max_delay: int = 1000
    ) -> None:
        if change is None and came is not None:
            ours = self.answered(self.stream.score(self.encoded(event), self.arrival(came)))
            self.compare(ours, self.oracle.score(event, came))
            answer = self.stream.predict(self.encoded(event))
            np.testing.assert_allclose(
                np.frombuffer(answer), self.oracle.predict(event), rtol=1e-5, atol=1e-9
            )
        ours = self.answered(
            self.stream.learn(
                self.encoded(event), changes(change), self.arrival(came), max_delay, self.redraw
            )
        )
        self.compare(ours, self.oracle.learn(event, change, came, max_delay))
        self.check()

    def set_pending_class(self, sequence: int, came: Arrival) -> None:
        ours = self.answered(self.stream.set_pending_class(sequence, self.arrival(came), None))
        self.compare(ours, self.oracle.set_pending_class(sequence, came))
        self.check()

    def learn_complete(self, came: Arrival) -> None:
        self.stream.learn_complete(self.arrival(came), None, self.redraw)
        self.oracle.learn_complete(came)
        self.check()

    def follow(self, event: Event, came: Arrival) -> None:
        ours = self.answered(self.stream.follow(self.encoded(event), self.arrival(came)))
        self.compare(ours, self.oracle.follow(event, came))
        self.check()

    def compare(self, ours: Any, theirs: Any) -> None:
        answer, best, scored, score, channel, alarm = ours
        assert (answer is None) == (theirs.answer is None)
        if answer is not None:
            np.testing.assert_allclose(np.frombuffer(answer), theirs.answer, rtol=1e-5, atol=1e-9)
            probabilities = theirs.answer
            assert probabilities[best] >= probabilities[theirs.best] - 1e-6
        assert scored == theirs.scored
        if scored:
            np.testing.assert_allclose(score, theirs.score, rtol=0, atol=1e-5)
            assert (channel, alarm) == (theirs.channel, theirs.alarm)
