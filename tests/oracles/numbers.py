"""What kernels/stream/numbers.hpp computes, a second time: slowly, in plain Python and NumPy."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from oracles.anomaly import AnomalyScorer
from oracles.columns import Columns
from oracles.ensemble import Ensemble
from oracles.events import Change, Event, Values, doubled
from oracles.history import DAY, WEEK, YEAR, History
from oracles.linear import FORGETTING, PRIOR_COVARIANCE, forget_feature, linear_gain, packed
from oracles.mixture import Blend, first_weights
from oracles.naive import naive_predictions
from oracles.number_records import Head, Outcome, Record, Sizes, parts_of
from oracles.pending import Pending
from oracles.scales import clamp
from oracles.seasons import Seasons

from lethe import Network

MOST_LINEAR_SLOTS, NAIVE, KEPT_RESIDUALS = 64, 14, 256
LINEAR_BOUND, NETWORK_BOUND, FARTHEST = 2.0, 3.0, 20.0
SEASON_AND_LEVEL = 7
CIRCLE = 6.283185307179586
TURNS = (1 / DAY, 2 / DAY, 1 / WEEK, 1 / YEAR, 2 / YEAR)


class NumberStreamOracle:
    """A stream of numbers: the past, naive and linear predictors, networks, and a blend of all."""

    def __init__(self, sizes: Sizes, slots: int, networks: list[Network], *, scored: bool) -> None:
        self.sizes, self.slots = sizes, slots
        self.ahead = sizes.horizon > 0
        self.horizon = max(sizes.horizon, 1)
        t = sizes.targets
        self.history = History(t, sizes.lags, sizes.period, sizes.long_period, sizes.timed)
        self.seasons = Seasons(self.history)
        self.columns = Columns()
        self.ensemble = Ensemble(networks)
        self.pending: Pending[Record] = Pending()
        self.scorer = AnomalyScorer(t) if scored else None
        self.fixed = t * (1 + sizes.lags) + 6 * t * self.history.seasonal + 10 * sizes.timed
        k = NAIVE + 2 + len(networks)
        self.heads = [
            Head(
                [
                    Blend(first_weights(k), own=False),
                    Blend(first_weights(k), own=True),
                    Blend(np.full(2, 0.5), own=True),
                ]
            )
            for _ in range(t * self.horizon)
        ]
        n = self.linear
        self.weights = np.zeros((2, len(self.heads), n))
        self.season_weights = np.zeros((len(self.heads), n))
        self.covariance = [np.eye(n) * PRIOR_COVARIANCE for _ in range(2)]
        self.ever_nonzero = np.zeros(n)

    @property
    def linear(self) -> int:
        return 1 + self.fixed + min(self.slots, MOST_LINEAR_SLOTS)

    # ---- what is called ----

    def learn(self, event: Event, change: Change | None, max_delay: int = 1000) -> Outcome:
        change = change or Change()
        self._make_room(change.used)
        if not self.ahead:
            return self._learn_now(event, change, max_delay)
        assert event.targets is not None
        if change.early:
            self._admit(change)
        outcome = self._compare(self.pending.newest, event.targets, "learn")
        for ahead, record in enumerate(reversed(self.pending.records)):
            record.targets[ahead :: self.horizon] = event.targets
        self._take_in(event.targets, event.seconds)
        if len(self.pending.records) == self.horizon:
            self._learn_first()
        self._take(event, Change() if change.early else change)
        return outcome

    def _learn_now(self, event: Event, change: Change, max_delay: int) -> Outcome:
        record = self._take(event, change)
        outcome = self._compare(record, event.targets, "learn")
        if event.targets is not None:
            record.targets[:], record.complete = event.targets, True
        self._learn_complete()
        if len(self.pending.records) > max_delay:
            self.pending.missed += 1
            self.pending.records[0].complete = True
            self._learn_complete()
        return outcome

    def learn_targets(self, sequence: int, targets: Values) -> Outcome:
        record = self.pending.records[sequence - self.pending.sequence]
        outcome = self._compare(record, targets, "learn")
        record.targets[:], record.complete = targets, True
        self._learn_complete()
        return outcome

    def follow(self, event: Event) -> Outcome:
        assert event.targets is not None
        self.pending.following = True
        self.ensemble.fork()
        if self.ahead:
            outcome = self._compare(self.pending.newest, event.targets, "follow")
            self._take_in(event.targets, event.seconds)
        self.pending.clear()
        record = self._encode(event)
        self._predict(record, self.ensemble.step(record.inputs, ahead=True))
        self.pending.events += 1
        if self.ahead:
            self.pending.records.append(record)
            return outcome
        outcome = self._compare(record, event.targets, "follow")
        self._take_in(event.targets, event.seconds)
        self.pending.sequence += 1
        return outcome

    def score(self, event: Event) -> Outcome:
        record = self.pending.newest if self.ahead else self._look_at(event)
        return self._compare(record, event.targets, "score")

    def predict(self, event: Event | None) -> Values | None:
        record = self._look_at(event) if event is not None else self.pending.newest
        return None if record is None else record.answer

    # ---- an event ----

    def _take_in(self, targets: Values, seconds: float) -> None:
        self.history.observe(targets, seconds)
        self.seasons.observe(targets)

    def _make_room(self, used: int) -> None:
        before, self.slots = self.linear, doubled(self.slots, max(used, 1))
        more = self.linear - before
        features = 1 + self.fixed + self.slots
        for record in self.pending.records:
            record.features = np.pad(record.features, (0, features - len(record.features)))
            record.gains = np.pad(record.gains, ((0, 0), (0, more)))
        self.weights = np.pad(self.weights, ((0, 0), (0, 0), (0, more)))
        self.season_weights = np.pad(self.season_weights, ((0, 0), (0, more)))
        self.ever_nonzero = np.pad(self.ever_nonzero, (0, more))
        for f in range(2):
            self.covariance[f] = np.pad(self.covariance[f], (0, more))
            for feature in range(before, before + more):
                forget_feature(self.covariance[f], feature)

    def _admit(self, change: Change) -> None:
        """Slots that get another meaning are forgotten, and networks see those that are new."""
        self.columns.admit(change)
        inputs = self.fixed + self.slots
        grows = inputs > self.ensemble.training[0].topology.inputs
        if change.forgotten or grows:
            self.ensemble.complete_step()
        if grows:
            self.ensemble.grow(inputs, len(self.heads))
        for slot in change.forgotten:
            feature = 1 + self.fixed + slot
            self.ensemble.forget_input(feature - 1)
            if feature >= self.linear:
                continue
            for f in range(2):
                forget_feature(self.covariance[f], feature)
            self.weights[..., feature] = 0
            self.season_weights[:, feature] = 0
            self.ever_nonzero[feature] = 0

    def _take(self, event: Event, change: Change) -> Record:
        self._admit(change)
        records = self.pending.records
        if self.pending.is_inspection_due and not (records and records[0].stepped):
            self.ensemble.inspect()
        ahead = len(records) > 0
        record = self._encode(event)
        self._predict(record, self.ensemble.step(record.inputs, ahead=ahead))
        record.stepped = not ahead
        records.append(record)
        self._update_covariance(record)
        self.columns.observe(event)
        self.pending.events += 1
        return record

    def _look_at(self, event: Event) -> Record:
        record = self._encode(event)
        self._predict(record, self.ensemble.peek(record.inputs))
        return record

    def _compare(
        self,
        record: Record | None,
        targets: Values | None,
        how: Literal["learn", "follow", "score"],
    ) -> Outcome:
        if record is None:
            return Outcome()
        answer = record.answer.copy()
        if targets is None or self.scorer is None:
            return Outcome(answer)
        predicted = record.blended[:: self.horizon]
        found = self.scorer.score(targets, predicted, how)
        expected, actual = float(predicted[found.target]), float(targets[found.target])
        return Outcome(answer, True, found.score, found.target, expected, actual)

    # ---- features ----

    def _encode(self, event: Event) -> Record:
        history, t = self.history, self.sizes.targets
        newest = history.newest()
        f = [1.0]
        f += [history.level[i].standardised(float(newest[i])) for i in range(t)]
        f += [history.past_change(lag, i) for lag in range(self.sizes.lags) for i in range(t)]
        if history.seasonal:
            f += self._seasons(event.seconds)
        if self.sizes.timed:
            for turn in TURNS:
                angle = event.seconds * turn * CIRCLE
                known = math.isfinite(angle)
                f += [math.sin(angle), math.cos(angle)] if known else [0.0, 0.0]
        m = len(self.heads)
        return Record(
            seconds=event.seconds,
            features=np.concatenate((f, self.columns.encode(event, self.slots))),
            last_value=np.where(history.counted > 0, newest, math.nan),
            scale=np.array([head.scale.mean for head in self.heads]),
            mean_abs_error=np.array([head.error.mean for head in self.heads]),
            residuals_seen=np.array([float(len(head.residuals)) for head in self.heads]),
            targets=np.full(m, math.nan),
            base=np.zeros(m),
            predictions=np.zeros((m, len(self.heads[0].blends[0].weights))),
            blends=np.zeros((m, 2)),
            blended=np.zeros(m),
            gains=np.zeros((2, self.linear)),
        )

    def _seasons(self, seconds: float) -> list[float]:
        """What each season brings now: its distance from now, its next step and its far one."""
        history, seasons, found = self.history, self.seasons, []
        newest = history.newest()
        for s in range(2):
            season = history.season(s)
            zero, one, far = (
                history.season_before(history.kept - 1, ahead, season, seconds)
                for ahead in (0, 1, self.horizon)
            )
            for i in range(self.sizes.targets):
                if zero < 0 or one < 0:
                    found += [0.0, 0.0, 0.0]
                    continue
                before, after = seasons.brought(s, zero, i), seasons.brought(s, one, i)
                later = seasons.brought(s, far, i) if far >= 0 else before
                level = seasons.profiles[s][i].fast if history.profiled else 0.0
                near_scale = self.heads[i * self.horizon].scale.mean
                far_scale = self.heads[(i + 1) * self.horizon - 1].scale.mean
                for step, usual in (
                    (level + after - float(newest[i]), near_scale),
                    (after - before, near_scale),
                    (later - before, far_scale),
                ):
                    found.append(clamp(step / usual, FARTHEST) if usual > 0 else 0.0)
        return found

    # ---- predicting ----

    def _predict(self, record: Record, outputs: NDArray[np.float32]) -> None:
        """What all predictors say, and their blends."""
        newest = self.history.newest()
        phi = record.features[: self.linear]
        naive = naive_predictions(self.seasons, self.horizon, record.seconds)
        for m, head in enumerate(self.heads):
            last = float(newest[m // self.horizon])
            linear = [clamp(float(self.weights[f, m] @ phi), FARTHEST) for f in range(2)]
            record.base[m] = linear[0]
            brought = self._brought(naive[m], head.scale.mean)
            seasonal = brought + clamp(float(self.season_weights[m] @ phi), FARTHEST)
            learned = linear + [clamp(linear[0] + float(y), FARTHEST) for y in outputs[:, m]]
            p = [*naive[m], *(last + head.scale.mean * z for z in [seasonal, *learned])]
            record.predictions[m] = p
            for n in range(2):
                record.blends[m, n] = head.blends[n].of(record.predictions[m])
            record.blended[m] = head.blends[2].of(record.blends[m])

    @staticmethod
    def _brought(predictions: Values | list[float], scale: float) -> float:
        """The first season with its level, in usual distances from the last value."""
        distance = float(predictions[SEASON_AND_LEVEL] - predictions[0])
        return clamp(distance / scale, FARTHEST) if scale > 0 else 0.0

    # ---- learning ----

    def _update_covariance(self, record: Record) -> None:
        phi = record.features[: self.linear]
        self.ever_nonzero = np.where(phi != 0, 1.0, self.ever_nonzero)
        for f in range(2):
            record.gains[f], self.covariance[f] = linear_gain(
                self.covariance[f], phi, self.ever_nonzero, FORGETTING[f]
            )

    def _learn_complete(self) -> None:
        while self.pending.records and self.pending.records[0].complete:
            first = self.pending.records[0]
            self._take_in(first.targets, first.seconds)
            self._learn_first()

    def _learn_first(self) -> None:
        record = self.pending.records[0]
        remainder = np.zeros(len(self.heads), np.float32)
        useful = np.zeros(len(self.heads), bool)
        for m in range(len(self.heads)):
            found = self._learn_head(record, m)
            if found is not None:
                remainder[m], useful[m] = found, True
        target = remainder if useful.any() else None
        self.ensemble.learn(record.inputs, stepped=record.stepped, target=target, useful=useful)
        self.pending.remove_first()
        if not self.pending.records:
            self.ensemble.merge()

    def _learn_head(self, record: Record, m: int) -> float | None:
        """What the networks are to learn of one head's target."""
        head, target, scale = self.heads[m], float(record.targets[m]), float(record.scale[m])
        if not math.isfinite(target):
            return None
        distance = target - float(record.last_value[m // self.horizon])
        if not math.isfinite(distance):
            return None
        remainder = None
        if scale > 0:
            z = distance / scale
            phi = record.features[: self.linear]
            for f in range(2):
                e = clamp(z - float(self.weights[f, m] @ phi), LINEAR_BOUND)
                self.weights[f, m] += e * record.gains[f]
            left = z - self._brought(record.predictions[m], scale)
            e = clamp(left - float(self.season_weights[m] @ phi), LINEAR_BOUND)
            self.season_weights[m] += e * record.gains[0]
            remainder = clamp(z - float(record.base[m]), NETWORK_BOUND)
        error = float(record.blended[m]) - target
        if record.mean_abs_error[m] > 0:
            head.residuals.append(-error / float(record.mean_abs_error[m]))
        head.error.follow(abs(error))
        usual, predictions, blends = head.error.mean, record.predictions[m], record.blends[m]
        head.blends[0].learn(predictions, float(blends[0]), target, usual)
        head.blends[1].learn(predictions, float(blends[1]), target, usual)
        head.blends[2].learn(blends, float(record.blended[m]), target, usual)
        head.scale.follow(abs(distance))
        return remainder

    # ---- what it holds, by the names of the block's parts ----

    def parts(self) -> dict[str, Values]:
        def of_blends(name: str) -> Values:
            return np.array(
                [np.concatenate([getattr(b, name) for b in head.blends]) for head in self.heads]
            )

        residuals = np.zeros((len(self.heads), KEPT_RESIDUALS))
        for m, head in enumerate(self.heads):
            for n, residual in enumerate(head.residuals):
                residuals[m, n % KEPT_RESIDUALS] = residual
        scorer = self.scorer or AnomalyScorer(0)
        return {
            **self.columns.parts(self.slots),
            **self.ensemble.parts(),
            **scorer.parts(),
            **self.pending.parts(),
            **self.history.parts(),
            **self.seasons.parts(),
            "weights": self.weights,
            "season weights": self.season_weights,
            "covariance": np.array([packed(covariance) for covariance in self.covariance]),
            "ever nonzero": self.ever_nonzero,
            "blend weights": of_blends("weights"),
            "regret": of_blends("regret"),
            "squares": of_blends("squares"),
            "most": np.array([[blend.most for blend in head.blends] for head in self.heads]),
            "mean absolute error": np.array([head.error.mean for head in self.heads]),
            "errors": np.array([head.error.count for head in self.heads]),
            "residuals": residuals,
            "residual count": np.array([len(head.residuals) for head in self.heads]),
            "scale": np.array([head.scale.mean for head in self.heads]),
            "distances": np.array([head.scale.count for head in self.heads]),
        }

    def records(self) -> list[dict[str, Values]]:
        """The events that wait."""
        return [parts_of(record) for record in self.pending.records]
