"""What kernels/stream/heads.hpp computes, a second time: slowly, in plain Python and NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from oracles.anchors import ERROR_REACH_FADING, MOST_WEIGHT, REACH_GROWTH
from oracles.delays import Delays
from oracles.deviants import Deviants
from oracles.events import Values
from oracles.history import History
from oracles.mixture import SEASON, Blend, first_weights
from oracles.naive import naive_predictions
from oracles.number_records import Record
from oracles.residuals import Range, kept, spread
from oracles.scales import SLOWEST_UNIT, WARM_UP, Distance, FallingDistance, clamp
from oracles.seasons import Seasons

NAIVE, LINEAR = 14, 3  # the last of the naive ones is linear, of what seasons leave
SEASON_AND_LEVEL = 7
SLOW, FAST, OPEN = range(LINEAR)
FARTHEST, MOST_DISTANCE = 20.0, 1e170
LINEAR_BOUND, NETWORK_BOUND = 2.0, 3.0
MOST_OPEN_REACH, LARGEST_STEP = 1e100, 1e150
UNIT_MEMORY = 0.9995
MOST_SURPRISE, MOST_REMEMBERED, MOST_COUNTED_ERROR, MOST_ERROR = 3.0, 10.0, 30.0, 1e150

Outputs = NDArray[np.float32]


@dataclass
class Head:
    """One target, so many events ahead."""

    blends: list[Blend]
    deviants: Deviants
    error: FallingDistance = field(default_factory=FallingDistance)
    slow_unit: Distance = field(default_factory=lambda: Distance(SLOWEST_UNIT))
    scale: Distance = field(default_factory=Distance)
    residuals: list[Values] = field(default_factory=list)
    reach: float = 0.0


class Heads:
    """What is predicted of each head, and learned from it as soon as its own target is there."""

    def __init__(
        self, history: History, horizon: int, networks: int, linear: int, slots: int
    ) -> None:
        self.history, self.targets, targets = history, history.targets, history.targets
        self.horizon, self.networks = horizon, networks
        k = self.predictors
        self.head = [
            Head(
                [Blend(first_weights(k)), Blend(first_weights(k)), Blend(np.full(2, 0.5))],
                Deviants(k),
            )
            for _ in range(targets * horizon)
        ]
        self.weights = np.zeros((LINEAR, targets * horizon, linear))
        self.season_weights = np.zeros((targets * horizon, linear))
        self.delays = Delays(targets, slots)
        self.ranges = [Range() for _ in range(targets)]
        self.error_sum, self.error_squares, self.surprise = np.zeros((3, targets))

    @property
    def predictors(self) -> int:
        return NAIVE + LINEAR + self.networks + 2

    @property
    def linear(self) -> int:
        return self.weights.shape[-1]

    # ---- predicting ----

    def make_room(self, linear: int, slots: int) -> None:
        more = linear - self.linear
        self.weights = np.pad(self.weights, ((0, 0), (0, 0), (0, more)))
        self.season_weights = np.pad(self.season_weights, ((0, 0), (0, more)))
        self.delays.make_room(slots)

    def forget_feature(self, feature: int) -> None:
        self.weights[..., feature] = self.season_weights[..., feature] = 0

    def predict(self, record: Record, seasons: Seasons, outputs: list[Outputs]) -> None:
        """What all predictors say, and their blends."""
        history, newest = seasons.history, seasons.history.newest()
        naive = naive_predictions(seasons, self.horizon, record.seconds)
        record.last_value = np.where(history.counted > 0, newest, math.nan)
        record.scale = np.array([head.scale.mean for head in self.head])
        record.mean_abs_error = np.array([head.error.mean for head in self.head])
        record.residuals_seen = np.array([float(len(head.residuals)) for head in self.head])
        for m, head in enumerate(self.head):
            last, p = naive[m][0], np.array(naive[m])
            record.predictions[m, : len(p)] = p
            learned = self._learned(record, m, outputs)
            record.predictions[m] = [*p, *(last + far for far in learned)]
            self._blend_all(record, m, head)
        record.bounds = np.array([each.bounds() for each in self.ranges])
        record.spread = np.zeros(len(self.head))
        for m in range(len(self.head)):
            record.spread[m] = spread(record.predictions[m], NAIVE, float(record.blended[m]))
            least, most = record.bounds[m // self.horizon]
            record.blended[m] = min(max(record.blended[m], least), most)

    def _learned(self, record: Record, m: int, outputs: list[Outputs]) -> list[float]:
        """How far from the last value the target will be, by all predictors that learn."""
        (i, ahead), scale = divmod(m, self.horizon), self.head[m].scale.mean
        phi, bound = record.features[: self.linear], FARTHEST * self.head[m].scale.mean
        said = [float(self.weights[f, m] @ phi) for f in range(LINEAR)]
        base = clamp(said[SLOW], bound)
        seasonal = clamp(float(self.season_weights[m] @ phi), bound)
        found = [self._brought(record, m, bound) + seasonal]
        found += [base, clamp(said[FAST], bound), clamp(said[OPEN], MOST_DISTANCE)]
        record.base[m] = base
        of_networks = outputs[2][:, m] if ahead else outputs[0][:, i]
        found += [clamp(base + scale * float(y), bound) for y in of_networks]
        remembered = 0.0 if ahead else clamp(float(outputs[1][0, i]), MOST_REMEMBERED)
        late = 0.0
        if not ahead and self.delays.targets:
            record.taps[i], late = self.delays.predict(i)
            record.delayed[i] = late = clamp(late, MOST_DISTANCE)
        return [*found, base + self.error_unit(i) * remembered, base + late]

    @staticmethod
    def _brought(record: Record, m: int, bound: float) -> float:
        """The first season with its level, as a distance from the last value."""
        distance = record.predictions[m, SEASON_AND_LEVEL] - record.predictions[m, 0]
        return clamp(float(distance), bound)

    def _blend_all(self, record: Record, m: int, head: Head) -> None:
        predictions = record.predictions[m]
        for n in range(2):
            record.blends[m, n] = head.blends[n].of(predictions)
        plain = head.blends[2].of(record.blends[m])
        record.plain[m] = record.blended[m] = plain
        if m % self.horizon == 0:
            record.blended[m] = head.deviants.corrected(predictions, plain, head.error.mean)

    # ---- learning ----

    def learn(self, record: Record, m: int, counted: float, events: int) -> None:
        """Learns one head's target; `counted` values of it were seen, in so many events."""
        head, target, scale = self.head[m], float(record.targets[m]), float(record.scale[m])
        i, ahead = divmod(m, self.horizon)
        distance = target - float(record.last_value[i])
        if not math.isfinite(distance):
            return
        left = distance - float(record.base[m])
        if scale > 0:
            self._learn_linear(record, m, distance, scale)
            record.remainder[m] = clamp(left / scale, NETWORK_BOUND)
        if not ahead:
            if self.delays.targets:
                said, unit = float(record.delayed[i]), self.error_unit(i)
                before = events - record.number + 1
                self.delays.learn(i, record.taps[i], said, left, unit, before)
            self._observe_error(i, left, counted)
        self._learn_blends(record, m, target)
        head.scale.follow(abs(distance))
        record.useful[m] = scale > 0

    def error_unit(self, i: int) -> float:
        """The unit of a target's large errors; 0 before there was any."""
        total = float(self.error_sum[i])
        return min(float(self.error_squares[i]) / total, MOST_ERROR) if total > 0 else 0.0

    def left_over(self, record: Record, i: int, target: float, most: float) -> float:
        """What the slow linear predictor left of what came next, in the unit of large errors."""
        unit = self.error_unit(i)
        left = target - float(record.last_value[i]) - float(record.base[i * self.horizon])
        return clamp(left / unit, most) if unit > 0 and math.isfinite(left) else 0.0

    def _learn_linear(self, record: Record, m: int, distance: float, scale: float) -> None:
        phi, head = record.features[: self.linear], self.head[m]
        for f in range(LINEAR):
            w = self.weights[f, m]
            e, bound = distance - float(w @ phi), LINEAR_BOUND
            if f == OPEN:
                head.reach = bound = max(head.reach * ERROR_REACH_FADING, LINEAR_BOUND)
                size = abs(e) / scale
                if size > head.reach:
                    head.reach = min(size, REACH_GROWTH * head.reach, MOST_OPEN_REACH)
            e = clamp(e, bound * scale)
            w += e * record.gains[int(f == FAST)]
            if abs(e) > LARGEST_STEP:
                np.clip(w, -MOST_WEIGHT, MOST_WEIGHT, out=w)
        w = self.season_weights[m]
        left = distance - self._brought(record, m, FARTHEST * scale)
        w += clamp(left - float(w @ phi), LINEAR_BOUND * scale) * record.gains[0]

    def _observe_error(self, i: int, left: float, counted: float) -> None:
        unit, size = self.error_unit(i), abs(left)
        self.surprise[i] = clamp(left / unit, MOST_SURPRISE) if unit > 0 else 0.0
        if unit > 0 and counted > WARM_UP:
            size = min(size, MOST_COUNTED_ERROR * unit)
        size = min(size, MOST_ERROR)
        self.error_sum[i] = UNIT_MEMORY * self.error_sum[i] + size
        self.error_squares[i] = UNIT_MEMORY * self.error_squares[i] + size * size

    def _says(self, ahead: int) -> Values:
        """Which predictors say something of their own: seasons where there are any."""
        says = np.ones(self.predictors)
        first, second = (self.history.season(s).length > 0 for s in range(2))
        says[SEASON : NAIVE - 2 : 2] = says[NAIVE - 2 : NAIVE] = first
        says[SEASON + 1 : NAIVE - 2 : 2] = second
        if ahead:
            says[-2:] = 0  # memory, and what acts after a delay
        return says

    def _learn_blends(self, record: Record, m: int, target: float) -> None:
        head, predictions, blends = self.head[m], record.predictions[m], record.blends[m]
        error, usual_then = float(record.blended[m]) - target, float(record.mean_abs_error[m])
        i, ahead = divmod(m, self.horizon)
        state = (usual_then, record.last_value[i], record.spread[m])
        head.residuals.append(np.array([target, record.blended[m], *state]))
        if not ahead:
            self.ranges[i].observe(target, float(record.last_value[i]))
        head.error.follow(abs(error))
        head.slow_unit.follow(abs(error))
        usual, plain = head.error.mean, float(record.plain[m])
        slow_unit, says = head.slow_unit.mean, self._says(ahead)
        head.blends[0].learn(predictions, float(blends[0]), target, usual, says=says)
        head.blends[1].learn(predictions, float(blends[1]), target, usual, slow_unit, says)
        head.blends[2].learn(blends, plain, target, usual)
        if not ahead:
            head.deviants.learn(predictions, plain, target, usual_then, head.error.count - 1)

    # ---- what it holds, by the names of the block's parts ----

    def parts(self) -> dict[str, Values]:
        def of_blends(name: str) -> Values:
            return np.array(
                [np.concatenate([getattr(b, name) for b in head.blends]) for head in self.head]
            )

        most = kept(len(self.head))
        residuals = np.zeros((len(self.head), most, 5))
        for m, head in enumerate(self.head):
            for n, residual in enumerate(head.residuals):
                residuals[m, n % most] = residual
        return {
            "weights": self.weights,
            "season weights": self.season_weights,
            "blend weights": of_blends("weights"),
            "regret": of_blends("regret"),
            "squares": of_blends("squares"),
            "most": np.array([[blend.most for blend in head.blends] for head in self.head]),
            "slow unit": np.array([head.slow_unit.mean for head in self.head]),
            "mean absolute error": np.array([head.error.mean for head in self.head]),
            "errors": np.array([head.error.count for head in self.head]),
            "residuals": residuals,
            "residual count": np.array([len(head.residuals) for head in self.head]),
            "scale": np.array([head.scale.mean for head in self.head]),
            "distances": np.array([head.scale.count for head in self.head]),
            "reach": np.array([head.reach for head in self.head]),
            "apart": np.array([head.deviants.apart for head in self.head[:: self.horizon]]),
            "trust": np.array([head.deviants.trust for head in self.head[:: self.horizon]]),
            "trusted": np.array([head.deviants.trusted for head in self.head[:: self.horizon]]),
            "benefit": np.array([head.deviants.benefit for head in self.head[:: self.horizon]]),
            "error sum": self.error_sum,
            "error squares": self.error_squares,
            "surprise": self.surprise,
            "calm": np.array([head.error.calm for head in self.head]),
            "declared range": np.array([each.declared for each in self.ranges]),
            "range": np.array([(each.low, each.high) for each in self.ranges]),
            "range reached": np.array([(r.low_reached, r.high_reached) for r in self.ranges]),
            "range count": np.array([each.count for each in self.ranges]),
            **self.delays.parts(),
        }
