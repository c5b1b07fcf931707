"""What kernels/stream/forecast.hpp computes, a second time: slowly, in plain Python and NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

DAY = 86_400.0
WEEK, YEAR = 7 * DAY, 365.2425 * DAY
KEPT, RESIDUALS, NAIVE, LINEAR_PLACES = 4096, 256, 7, 64
FORGETTING = (0.9999, 0.995)
PRIOR, MOST = 0.1, 10.0
LINEAR_BOUND, NETWORK_BOUND, FARTHEST, STANDARDISED = 2.0, 3.0, 20.0, 5.0
LEVEL, DISTANCE, FAST, SLOW = 0.002, 0.005, 0.3, 0.05
MIXTURE, PROMISE = 0.999, 3.0
WIDEST, WARM = 10.0, 10


def clamp(value: float, bound: float) -> float:
    return min(max(value, -bound), bound)


def observe(value: float, mean: float, variance: float, count: float, slowest: float) -> Any:
    """The running mean and variance of one column, after one more value."""
    if not math.isfinite(value):
        return mean, variance, count
    count += 1
    rate, spread = max(1 / count, slowest), math.sqrt(variance)
    d = value - mean
    if count > WARM and spread > 0:
        d = clamp(d, WIDEST * spread)
    return mean + rate * d, (1 - rate) * (variance + rate * d * d), count


def standardise(value: float, mean: float, variance: float) -> float:
    if not (math.isfinite(value) and variance > 0):
        return 0.0
    return clamp((value - mean) / math.sqrt(variance), STANDARDISED)


def follow(mean: float, count: float, value: float, slowest: float) -> tuple[float, float]:
    """A running mean of distances, and how many there were."""
    count += 1
    if mean > 0 and count > WARM:
        value = min(value, WIDEST * mean)
    return mean + max(1 / count, slowest) * (value - mean), count


def gain_of(covariance: Values, phi: Values, active: Values, forgetting: float) -> Any:
    """Recursive least squares: the gain of an event, and the covariance after it."""
    toward = covariance @ phi
    inner = forgetting + phi @ toward
    after = (covariance - np.outer(toward, toward) / inner) / forgetting
    after = np.where(active[:, None] > 0, after, covariance)
    variances = np.diag(after)
    back = np.where(variances > MOST, np.sqrt(MOST / variances), 1.0)
    return toward / inner, after * np.outer(back, back)


@dataclass
class Mixture:
    """Weights of several predictors, by their regrets."""

    weights: Values
    regret: Values
    squares: Values
    most: float = 0.0

    def weigh(
        self, predictions: Values, mixed: float, target: float, usual: float, *, plain: bool
    ) -> None:
        """Take in what came; `plain` says that regrets are in the target's own units."""
        unit = 1.0 if plain else usual
        if not unit > 1e-100:
            return
        apart = mixed - predictions
        promised = np.minimum(np.sign(mixed - target) / unit * apart, PROMISE * usual / unit)
        gained = (abs(mixed - target) - np.abs(predictions - target)) / unit
        r = np.clip(np.maximum(promised, gained), -1e150, 1e150)
        other = np.abs(apart) > 1e-12 * abs(mixed)
        self.regret = np.where(other, MIXTURE * self.regret + r, self.regret)
        self.squares = np.where(other, MIXTURE * self.squares + r * r, self.squares)
        self.most = max(MIXTURE**2 * self.most, float((r * r)[other].max(initial=0.0)))
        with np.errstate(divide="ignore", invalid="ignore"):
            least = self.most if plain else 1.0
            shares = np.maximum(self.regret, 0.0) / (least + self.squares)
            total = shares.sum()
            if 0 < total < math.inf:
                self.weights = shares / total


class Forecast:
    """One model's past, its naive and linear predictors, and their mixture."""

    def __init__(
        self,
        targets: int,
        horizon: int,
        lags: int,
        period: int,
        timed: bool,
        places: int,
        nets: int,
    ) -> None:
        self.t, self.h, self.lags, self.period, self.timed = targets, horizon, lags, period, timed
        self.heads, self.nets = targets * horizon, nets
        self.values: list[Values] = []
        self.times: list[float] = []
        self.gap = 0.0
        self.level = [(0.0, 0.0, 0.0)] * targets
        self.change = [(0.0, 0.0)] * targets
        self.total, self.counted = np.zeros(targets), np.zeros(targets)
        self.fast, self.slow, self.median = np.zeros(targets), np.zeros(targets), np.zeros(targets)
        seasonal = timed or period > 0
        fixed = targets * (1 + lags) + 6 * targets * seasonal + 10 * timed
        n = 1 + fixed + min(places, LINEAR_PLACES)
        self.n = n
        self.weights = np.zeros((2, self.heads, n))
        self.covariance = np.array([np.eye(n) * PRIOR] * 2)
        self.active = np.zeros(n)
        k = self.k = NAIVE + 2 + nets
        start = np.array([1.0 if i in (0, 5) else 0.1 for i in range(k)])
        start /= 2 + 0.1 * (k - 2)
        self.usual_mix = [Mixture(start, np.zeros(k), np.zeros(k)) for _ in range(self.heads)]
        self.plain_mix = [Mixture(start, np.zeros(k), np.zeros(k)) for _ in range(self.heads)]
        half = np.full(2, 0.5)
        self.both_mix = [Mixture(half, np.zeros(2), np.zeros(2)) for _ in range(self.heads)]
        self.error = [(0.0, 0.0)] * self.heads
        self.scale = [(0.0, 0.0)] * self.heads
        self.residuals: list[list[float]] = [[] for _ in range(self.heads)]

    # ---- the past ----

    def last(self, back: int = 0) -> Values:
        return self.values[-1 - back] if back < len(self.values) else np.zeros(self.t)

    def periods(self) -> tuple[float, float]:
        if self.period:
            return float(self.period), 0.0
        if not (self.timed and self.gap > 0):
            return 0.0, 0.0
        if self.gap <= DAY / 2:
            return DAY, WEEK
        return (WEEK, YEAR) if self.gap <= WEEK / 2 else (YEAR, 0.0)

    def season(self, i: int, ahead: float, period: float, seconds: float) -> float:
        if not period or not self.values:
            return float(self.last()[i])
        place = -1
        if self.period:
            place = len(self.values) - 1 + int(ahead) - self.period
        else:
            now = seconds - self.gap if seconds > self.times[-1] else self.times[-1]
            then = now + ahead * self.gap - period
            # As std::lower_bound finds it, where times are not in order too.
            first, count = 0, len(self.times)
            while count > 0:
                step = count // 2
                if self.times[first + step] < then - self.gap / 2:
                    first, count = first + step + 1, count - step - 1
                else:
                    count = step
            near = first < len(self.times) and abs(self.times[first] - then) <= 1.5 * self.gap
            place = first if near else -1
        inside = 0 <= place < len(self.values)
        return float(self.values[place][i] if inside else self.last()[i])

    def note(self, given: Values, seconds: float) -> None:
        before = self.last()
        value = np.where(np.isfinite(given), given, before)
        for i in range(self.t):
            missing, seen = not math.isfinite(given[i]), self.counted[i] > 0
            if not missing and seen:
                self.change[i] = follow(*self.change[i], abs(value[i] - before[i]), DISTANCE)
            if seen:
                self.fast[i] += FAST * (value[i] - self.fast[i])
                self.slow[i] += SLOW * (value[i] - self.slow[i])
                up = np.sign(value[i] - self.median[i])
                self.median[i] += up * SLOW * self.change[i][0]
            else:
                self.fast[i] = self.slow[i] = self.median[i] = value[i]
            if not missing:
                mean, variance, count = self.level[i]
                bounded = count > WARM and variance > 0
                far = WIDEST * math.sqrt(variance)
                self.total[i] += mean + clamp(value[i] - mean, far) if bounded else value[i]
                self.counted[i] += 1
            self.level[i] = observe(given[i], *self.level[i], LEVEL)
        then = self.times[-1] if self.times else math.nan
        if seconds - then > 0:
            step = seconds - then
            self.gap = self.gap + 0.05 * (min(step, 2 * self.gap) - self.gap) if self.gap else step
        if len(self.values) == 2 * KEPT:
            del self.values[:KEPT], self.times[:KEPT]
        self.values.append(value)
        self.times.append(seconds if math.isfinite(seconds) else then + self.gap)

    # ---- an event ----

    def look(self, columns: Values, seconds: float) -> Values:
        """An event's features."""
        features = [1.0]
        for i in range(self.t):
            mean, variance, _ = self.level[i]
            features.append(standardise(self.last()[i], mean, variance))
        for lag in range(self.lags):
            for i in range(self.t):
                usual, known = self.change[i][0], lag + 1 < len(self.values)
                moved = self.last(lag)[i] - self.last(lag + 1)[i] if known else 0.0
                features.append(clamp(moved / usual, STANDARDISED) if known and usual > 0 else 0.0)
        if self.timed or self.period:
            features += self.season_features(seconds)
        if self.timed:
            for turn in (1 / DAY, 2 / DAY, 1 / WEEK, 1 / YEAR, 2 / YEAR):
                angle = seconds * turn * 6.283185307179586
                known = math.isfinite(angle)
                features += [math.sin(angle), math.cos(angle)] if known else [0.0, 0.0]
        return np.array([*features, *columns])

    def season_features(self, seconds: float) -> list[float]:
        features = []
        for period in self.periods():
            for i in range(self.t):
                newest = self.last()[i]
                zero, one, far = (self.season(i, a, period, seconds) for a in (0, 1, self.h))
                near_scale, far_scale = (
                    self.scale[i * self.h][0],
                    self.scale[(i + 1) * self.h - 1][0],
                )
                for step, usual in (
                    (one - newest, near_scale),
                    (one - zero, near_scale),
                    (far - zero, far_scale),
                ):
                    features.append(clamp(step / usual, FARTHEST) if usual > 0 else 0.0)
        return features

    def answer(self, features: Values, seconds: float, outputs: Values) -> dict[str, Any]:
        """What all predictors say of an event, and their mixtures."""
        phi = features[: self.n]
        record: dict[str, Any] = {
            "features": features,
            "anchor": np.where(np.array(self.counted) > 0, self.last(), math.nan),
            "scale": np.array([scale for scale, _ in self.scale]),
            "usual": np.array([error for error, _ in self.error]),
            "seen": np.array([float(len(r)) for r in self.residuals]),
            "wanted": np.full(self.heads, math.nan),
        }
        rows, base, both, mixed = [], [], [], []
        for m in range(self.heads):
            i, ahead = m // self.h, 1 + m % self.h
            newest = float(self.last()[i])
            mean = self.total[i] / max(self.counted[i], 1)
            p = [newest, mean, self.fast[i], self.slow[i], self.median[i]]
            p += [self.season(i, ahead, period, seconds) for period in self.periods()]
            linear = [clamp(float(self.weights[f, m] @ phi), FARTHEST) for f in range(2)]
            base.append(linear[0])
            learned = linear + [clamp(linear[0] + float(y), FARTHEST) for y in outputs[:, m]]
            p += [newest + self.scale[m][0] * z for z in learned]
            rows.append(np.array(p))
            two = np.array([mix[m].weights @ rows[m] for mix in (self.usual_mix, self.plain_mix)])
            both.append(two)
            mixed.append(self.both_mix[m].weights @ two)
        return record | {
            "base": np.array(base),
            "predictions": np.array(rows),
            "both": np.array(both),
            "mixed": np.array(mixed),
        }

    def owe(self, record: dict[str, Any]) -> None:
        phi = record["features"][: self.n]
        self.active = np.where(phi != 0, 1.0, self.active)
        record["gains"] = np.zeros((2, self.n))
        for f in range(2):
            record["gains"][f], self.covariance[f] = gain_of(
                self.covariance[f], phi, self.active, FORGETTING[f]
            )

    def bring(self, values: Values, ahead: int, record: dict[str, Any]) -> None:
        record["wanted"][ahead - 1 :: self.h] = values

    def settle(self, record: dict[str, Any]) -> tuple[Values, NDArray[np.bool_]]:
        left, useful = np.zeros(self.heads), np.zeros(self.heads, bool)
        phi = record["features"][: self.n]
        for m in range(self.heads):
            target, scale = record["wanted"][m], record["scale"][m]
            if not math.isfinite(target):
                continue
            distance = target - record["anchor"][m // self.h]
            if not math.isfinite(distance):  # nothing was known: there is nothing to learn
                continue
            if scale > 0:
                z = distance / scale
                for f in range(2):
                    e = clamp(z - self.weights[f, m] @ phi, LINEAR_BOUND)
                    self.weights[f, m] += e * record["gains"][f]
                left[m] = clamp(z - record["base"][m], NETWORK_BOUND)
                useful[m] = True
            error = record["mixed"][m] - target
            if record["usual"][m] > 0:
                self.residuals[m].append(-error / record["usual"][m])
            self.error[m] = follow(*self.error[m], abs(error), DISTANCE)
            rows, both, mixed = record["predictions"][m], record["both"][m], record["mixed"][m]
            usual = self.error[m][0]
            self.usual_mix[m].weigh(rows, both[0], target, usual, plain=False)
            self.plain_mix[m].weigh(rows, both[1], target, usual, plain=True)
            self.both_mix[m].weigh(both, mixed, target, usual, plain=True)
            self.scale[m] = follow(*self.scale[m], abs(distance), DISTANCE)
        return left, useful

    def forget(self, feature: int) -> None:
        if feature >= self.n:
            return
        self.weights[:, :, feature] = 0
        self.covariance[:, feature, :] = 0
        self.covariance[:, :, feature] = 0
        self.covariance[:, feature, feature] = PRIOR
        self.active[feature] = 0

    def parts(self) -> dict[str, Any]:
        """What the kernel's block holds, by the kernel's names."""
        mixtures = list(zip(self.usual_mix, self.plain_mix, self.both_mix, strict=True))

        def of_mixtures(name: str) -> Values:
            return np.array(
                [np.concatenate([getattr(m, name) for m in three]) for three in mixtures]
            )

        ring = np.zeros((self.heads, RESIDUALS))
        for m, residuals in enumerate(self.residuals):
            for n, residual in enumerate(residuals):
                ring[m, n % RESIDUALS] = residual
        return {
            "kept": np.array([float(len(self.values))]),
            "gap": np.array([self.gap]),
            "values": np.array(self.values).reshape(-1, self.t),
            "times": np.array(self.times),
            "level_mean": np.array([level[0] for level in self.level]),
            "level_variance": np.array([level[1] for level in self.level]),
            "level_count": np.array([level[2] for level in self.level]),
            "change": np.array([change for change, _ in self.change]),
            "changes": np.array([n for _, n in self.change]),
            "total": self.total,
            "counted": self.counted,
            "fast": self.fast,
            "slow": self.slow,
            "median": self.median,
            "weights": self.weights,
            "covariance": self.covariance,
            "mix_weights": of_mixtures("weights"),
            "regret": of_mixtures("regret"),
            "squares": of_mixtures("squares"),
            "most": np.array([[m.most for m in three] for three in mixtures]),
            "error": np.array([error for error, _ in self.error]),
            "errors": np.array([n for _, n in self.error]),
            "residuals": ring,
            "residual_counts": np.array([float(len(r)) for r in self.residuals]),
            "scale": np.array([scale for scale, _ in self.scale]),
            "scaled": np.array([n for _, n in self.scale]),
            "active": self.active,
        }
