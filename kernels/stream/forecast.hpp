// What a model of numbers does around its networks, for one event: the past of the targets, naive
// and linear predictors, the mixture of all of them, and how wrong it was. Plain loops over small
// arrays of doubles: they are here because, called from Python, each NumPy function would cost more
// than its work. tests/oracles/forecast_oracle.py has the same in NumPy.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "least_squares.hpp"
#include "scales.hpp"

namespace lethe {

// A weighted mean, as a way from the first value: where all are the same it is that, to the bit.
inline double mean(const double* weights, const double* values, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += weights[i] * (values[i] - values[0]);
  return values[0] + sum;
}

constexpr int64_t kept_most = 4096;      // events that are looked back on
constexpr int64_t kept_residuals = 256;  // of each head
constexpr int64_t naive_predictors = 7;  // last, mean, fast, slow, median, two seasons
constexpr int64_t linear_predictors = 2;
constexpr int64_t cyclic_features = 10;
constexpr int64_t season_features = 6;
constexpr int64_t linear_places = 64;  // columns that the linear predictors see: cost is quadratic
constexpr double forgetting[linear_predictors] = {0.9999, 0.995};
constexpr double prior_covariance = 0.1, most_covariance = 10.0;
constexpr double linear_bound = 2.0,
                 network_bound = 3.0;  // errors count at most, in usual distances
constexpr double farthest = 20.0;      // and no prediction is further from the last value than this
constexpr double slowest_level = 0.002, slowest_distance = 0.005;
constexpr double fast_rate = 0.3, slow_rate = 0.05;
constexpr double promise = 3.0;  // usual errors
constexpr double mixture_forgetting = 0.999;
constexpr double least_unit = 1e-100;  // errors beyond this times 1e250 would be infinite
constexpr double rounding = 1e-12;     // predictions that differ by this part are the same
constexpr double most_regret = 1e150;  // of one event: its square is finite
constexpr double day = 86400.0, week = 7 * day, year = 365.2425 * day;

struct ForecastSizes {
  int64_t targets, horizon, lags, period, timed, places, networks;

  bool seasonal() const { return timed || period > 0; }
  int64_t heads() const { return targets * horizon; }
  int64_t predictors() const { return naive_predictors + linear_predictors + networks; }
  // Weights of each head: two mixtures of the predictors, and one of these two.
  int64_t mixing() const { return 2 * predictors() + 2; }
  int64_t lagged() const { return targets * (1 + lags); }
  // Features that come from no column, but for the constant.
  int64_t fixed() const {
    return lagged() + (seasonal() ? season_features * targets : 0) + (timed ? cyclic_features : 0);
  }
  int64_t features() const { return 1 + fixed() + places; }
  int64_t linear() const { return 1 + fixed() + std::min(places, linear_places); }
};

// Where the parts of the block, and of an event's record, begin.
struct ForecastLayout : ForecastSizes {
  // the block
  int64_t kept = 0, gap, values, times, level_mean, level_variance, level_count, change, changes,
          total, counted, fast, slow, median, weights, covariance, mix_weights, regret, squares,
          error, errors, most, residuals, residual_counts, scale, scaled, active, size;
  // a record
  int64_t features_at = 0, gains, anchor, scale_then, base, predictions, both, mixed, usual, seen,
          wanted, record;

  explicit ForecastLayout(const ForecastSizes& sizes) : ForecastSizes(sizes) {
    int64_t next = 0;
    const auto take = [&next](int64_t n) {
      const int64_t at = next;
      next += n;
      return at;
    };
    const int64_t t = targets, m = heads(), k = predictors(), n = linear();
    kept = take(1), gap = take(1);
    values = take(2 * kept_most * t), times = take(2 * kept_most);
    level_mean = take(t), level_variance = take(t), level_count = take(t);
    change = take(t), changes = take(t), total = take(t), counted = take(t);
    fast = take(t), slow = take(t), median = take(t);
    weights = take(linear_predictors * m * n), covariance = take(linear_predictors * n * n);
    mix_weights = take(m * mixing()), regret = take(m * mixing()), squares = take(m * mixing());
    error = take(m), errors = take(m), most = take(3 * m);
    residuals = take(m * kept_residuals), residual_counts = take(m);
    scale = take(m), scaled = take(m), active = take(n);
    size = next;
    next = 0;
    features_at = take(features());
    gains = take(linear_predictors * n);
    anchor = take(t), scale_then = take(m), base = take(m);
    predictions = take(m * k), both = take(2 * m), mixed = take(m), usual = take(m), seen = take(m),
    wanted = take(m);
    record = next;
  }
};

class Forecast {
 public:
  Forecast(const ForecastSizes& sizes, double* block) : l_(sizes), block_(block) {}

  const ForecastLayout& layout() const { return l_; }

  // A new block: all zero but for these.
  void start() {
    std::fill(block_, block_ + l_.size, 0.0);
    const int64_t n = l_.linear(), k = l_.predictors();
    for (int64_t f = 0; f < linear_predictors; ++f)
      for (int64_t i = 0; i < n; ++i) at(l_.covariance)[f * n * n + i * n + i] = prior_covariance;
    // Two naive predictors are believed first; the others have to show what they can do.
    const double sum = 2 + 0.1 * static_cast<double>(k - 2);
    for (int64_t m = 0; m < l_.heads(); ++m) {
      double* const w = at(l_.mix_weights) + m * l_.mixing();
      for (int64_t i = 0; i < 2 * k; ++i) w[i] = (i % k == 0 || i % k == 5 ? 1.0 : 0.1) / sum;
      w[2 * k] = w[2 * k + 1] = 0.5;
    }
  }

  // An event's features into its record, and the networks' input.
  void look(const double* columns, double seconds, double* record, float* x) const {
    double* f = record + l_.features_at;
    const int64_t t = l_.targets;
    *f++ = 1.0;
    standardise(last(), at(l_.level_mean), at(l_.level_variance), f, t);
    f += t;
    for (int64_t lag = 0; lag < l_.lags; ++lag)
      for (int64_t i = 0; i < t; ++i) *f++ = past_change(lag, i);
    if (l_.seasonal()) f = season_inputs(seconds, f);
    if (l_.timed) f = cycles(seconds, f);
    std::copy(columns, columns + l_.places, f);
    const double* from = record + l_.features_at + 1;
    for (int64_t i = 0; i < l_.features() - 1; ++i) x[i] = static_cast<float>(from[i]);
  }

  // What all predictors say, and their mixture, into the record; outputs (networks, heads).
  void answer(double seconds, const float* outputs, double* record) const {
    const int64_t h = l_.horizon, heads = l_.heads(), k = l_.predictors(), n = l_.linear();
    const double* const newest = last();
    for (int64_t i = 0; i < l_.targets; ++i)  // NaN while there is none
      record[l_.anchor + i] =
          at(l_.counted)[i] > 0 ? newest[i] : std::numeric_limits<double>::quiet_NaN();
    std::copy(at(l_.scale), at(l_.scale) + heads, record + l_.scale_then);
    std::copy(at(l_.error), at(l_.error) + heads, record + l_.usual);
    std::copy(at(l_.residual_counts), at(l_.residual_counts) + heads, record + l_.seen);
    std::fill(record + l_.wanted, record + l_.wanted + heads,
              std::numeric_limits<double>::quiet_NaN());
    double periods[2];
    seasons(periods);
    for (int64_t m = 0; m < heads; ++m) {
      const int64_t i = m / h, ahead = 1 + m % h;
      double* const p = record + l_.predictions + m * k;
      const double counted = at(l_.counted)[i];
      p[0] = newest[i];
      p[1] = at(l_.total)[i] / std::max(counted, 1.0);
      p[2] = at(l_.fast)[i];
      p[3] = at(l_.slow)[i];
      p[4] = at(l_.median)[i];
      for (int s = 0; s < 2; ++s)
        p[5 + s] = season(i, static_cast<double>(ahead), periods[s], seconds);
      double* const learned = p + naive_predictors;
      for (int64_t f = 0; f < linear_predictors; ++f)
        learned[f] =
            std::clamp(dot(at(l_.weights) + (f * heads + m) * n, record + l_.features_at, n),
                       -farthest, farthest);
      record[l_.base + m] = learned[0];
      for (int64_t r = 0; r < l_.networks; ++r)
        learned[linear_predictors + r] = std::clamp(
            learned[0] + static_cast<double>(outputs[r * heads + m]), -farthest, farthest);
      for (int64_t r = 0; r < linear_predictors + l_.networks; ++r)
        learned[r] = newest[i] + at(l_.scale)[m] * learned[r];
      const double* const w = at(l_.mix_weights) + m * l_.mixing();
      double* const both = record + l_.both + 2 * m;
      both[0] = mean(w, p, k), both[1] = mean(w + k, p, k);
      record[l_.mixed + m] = mean(w + 2 * k, both, 2);
    }
  }

  // The linear predictors take the event's features in; its gains go into the record.
  void owe(double* record) {
    const int64_t n = l_.linear();
    const double* const phi = record + l_.features_at;
    for (int64_t i = 0; i < n; ++i) at(l_.active)[i] = at(l_.active)[i] != 0 || phi[i] != 0;
    for (int64_t f = 0; f < linear_predictors; ++f)
      linear_gain(at(l_.covariance) + f * n * n, phi, at(l_.active), forgetting[f], most_covariance,
                  record + l_.gains + f * n, n);
  }

  void bring(const double* values, int64_t ahead, double* record) const {
    for (int64_t i = 0; i < l_.targets; ++i)
      record[l_.wanted + i * l_.horizon + ahead - 1] = values[i];
  }

  // Learns from a record whose targets are there (NaN where missing for good). What the networks
  // are to learn goes into `left`, and whether, into `useful`. Returns how many heads are useful.
  int64_t settle(const double* record, float* left, bool* useful) {
    const int64_t heads = l_.heads(), k = l_.predictors(), n = l_.linear();
    int64_t count = 0;
    for (int64_t m = 0; m < heads; ++m) {
      const double target = record[l_.wanted + m];
      useful[m] = false;
      left[m] = 0;
      if (!std::isfinite(target)) continue;
      const double distance = target - record[l_.anchor + m / l_.horizon];
      if (!std::isfinite(distance)) continue;  // nothing was known: there is nothing to learn
      const double scale = record[l_.scale_then + m];
      if (scale > 0) {
        const double z = distance / scale;
        for (int64_t f = 0; f < linear_predictors; ++f) {
          double* const w = at(l_.weights) + (f * heads + m) * n;
          const double* const gain = record + l_.gains + f * n;
          const double e =
              std::clamp(z - dot(w, record + l_.features_at, n), -linear_bound, linear_bound);
          for (int64_t i = 0; i < n; ++i) w[i] += e * gain[i];
        }
        left[m] =
            static_cast<float>(std::clamp(z - record[l_.base + m], -network_bound, network_bound));
        useful[m] = true;
        ++count;
      }
      const double usual = record[l_.usual + m], error = record[l_.mixed + m] - target;
      if (usual > 0) {
        double& seen = at(l_.residual_counts)[m];
        at(l_.residuals)[m * kept_residuals + static_cast<int64_t>(seen) % kept_residuals] =
            -error / usual;
        seen += 1;
      }
      follow(at(l_.error)[m], at(l_.errors)[m], std::abs(error), slowest_distance);
      const double* const both = record + l_.both + 2 * m;
      const double* const p = record + l_.predictions + m * k;
      weigh(m, 0, 0, k, p, both[0], target, at(l_.error)[m]);
      weigh(m, 1, k, k, p, both[1], target, 1.0);
      weigh(m, 2, 2 * k, 2, both, record[l_.mixed + m], target, 1.0);
      follow(at(l_.scale)[m], at(l_.scaled)[m], std::abs(distance), slowest_distance);
    }
    return count;
  }

  // A feature gets another meaning: what was learned of it is forgotten.
  void forget(int64_t feature) {
    const int64_t heads = l_.heads(), n = l_.linear();
    if (feature >= n) return;
    for (int64_t row = 0; row < linear_predictors * heads; ++row)
      at(l_.weights)[row * n + feature] = 0;
    for (int64_t f = 0; f < linear_predictors; ++f) {
      double* const p = at(l_.covariance) + f * n * n;
      for (int64_t i = 0; i < n; ++i) p[feature * n + i] = p[i * n + feature] = 0;
      p[feature * n + feature] = prior_covariance;
    }
    at(l_.active)[feature] = 0;
  }

  // Targets become part of the past; one that is missing (NaN) repeats its last value.
  void note(const double* given, double seconds) {
    const int64_t t = l_.targets;
    int64_t kept = static_cast<int64_t>(block_[l_.kept]);
    if (kept == 2 * kept_most) {
      std::copy(at(l_.values) + kept_most * t, at(l_.values) + 2 * kept_most * t, at(l_.values));
      std::copy(at(l_.times) + kept_most, at(l_.times) + 2 * kept_most, at(l_.times));
      kept = kept_most;
      block_[l_.kept] = static_cast<double>(kept);
    }
    const double* const before = last();
    for (int64_t i = 0; i < t; ++i) {
      const bool missing = !std::isfinite(given[i]);
      const double value = missing ? before[i] : given[i];
      const bool seen = at(l_.counted)[i] > 0;
      if (!missing && seen)
        follow(at(l_.change)[i], at(l_.changes)[i], std::abs(value - before[i]), slowest_distance);
      double &fast = at(l_.fast)[i], &slow = at(l_.slow)[i], &median = at(l_.median)[i];
      fast = seen ? fast + fast_rate * (value - fast) : value;
      slow = seen ? slow + slow_rate * (value - slow) : value;
      const double up = static_cast<double>((value > median) - (value < median));
      median = seen ? median + up * slow_rate * at(l_.change)[i] : value;
      if (!missing) {
        // The mean of what is not absurd: ten spreads at most from where the level is.
        const double level = at(l_.level_mean)[i];
        const double far = widest * std::sqrt(at(l_.level_variance)[i]);
        const bool bounded = at(l_.level_count)[i] > warm && far > 0;
        at(l_.total)[i] += bounded ? std::clamp(value, level - far, level + far) : value;
        at(l_.counted)[i] += 1;
      }
      at(l_.values)[kept * t + i] = value;
    }
    observe(given, at(l_.level_mean), at(l_.level_variance), at(l_.level_count), slowest_level, t);
    const double then = kept ? at(l_.times)[kept - 1] : std::numeric_limits<double>::quiet_NaN();
    double& gap = block_[l_.gap];
    if (seconds - then > 0)  // gaps vary; a long one moves their mean as a doubled one would
      gap = gap > 0 ? gap + 0.05 * (std::min(seconds - then, 2 * gap) - gap) : seconds - then;
    at(l_.times)[kept] = std::isfinite(seconds) ? seconds : then + gap;
    block_[l_.kept] = static_cast<double>(kept + 1);
  }

 private:
  double* at(int64_t part) { return block_ + part; }
  const double* at(int64_t part) const { return block_ + part; }

  // The newest values; before the first event the room for them, which is zero.
  const double* last() const {
    return at(l_.values) +
           std::max(static_cast<int64_t>(block_[l_.kept]) - 1, int64_t(0)) * l_.targets;
  }

  double past_change(int64_t lag, int64_t i) const {
    const int64_t newest = static_cast<int64_t>(block_[l_.kept]) - 1 - lag, t = l_.targets;
    const double usual = at(l_.change)[i];
    if (newest < 1 || !(usual > 0)) return 0.0;
    const double* const v = at(l_.values) + newest * t + i;
    return std::clamp((v[0] - v[-t]) / usual, -standardised, standardised);
  }

  // Two periods to look back over, in events or seconds; 0 is none.
  void seasons(double* periods) const {
    periods[0] = periods[1] = 0;
    const double gap = block_[l_.gap];
    if (l_.period > 0)
      periods[0] = static_cast<double>(l_.period);
    else if (l_.timed && gap > 0) {
      periods[0] = gap <= day / 2 ? day : gap <= week / 2 ? week : year;
      periods[1] = gap <= day / 2 ? week : gap <= week / 2 ? year : 0;
    }
  }

  // What a target was one period before the event so many ahead of the last; the last value where
  // nothing is kept of that time.
  double season(int64_t i, double ahead, double period, double seconds) const {
    const int64_t kept = static_cast<int64_t>(block_[l_.kept]), t = l_.targets;
    if (!(period > 0) || !kept) return last()[i];
    int64_t place = -1;
    if (l_.period > 0) {
      place = kept - 1 + static_cast<int64_t>(ahead) - l_.period;
    } else {
      const double gap = block_[l_.gap];
      const double* const times = at(l_.times);
      // An event whose own target is asked for is later than all that is kept; where events to come
      // are asked about, the last one has been kept already.
      const double newest = times[kept - 1];
      const double now = seconds > newest ? seconds - gap : newest;
      const double then = now + ahead * gap - period;
      // The event nearest in time: the first that is not earlier by more than half a gap.
      place = std::lower_bound(times, times + kept, then - gap / 2) - times;
      if (place < kept && !(std::abs(times[place] - then) <= 1.5 * gap)) place = -1;
    }
    return place < 0 || place >= kept ? last()[i] : at(l_.values)[place * t + i];
  }

  static double in_usual(double distance, double usual) {
    return usual > 0 ? std::clamp(distance / usual, -farthest, farthest) : 0.0;
  }

  // What each season did at this time: its distance from now, its next step and its far one.
  double* season_inputs(double seconds, double* f) const {
    double periods[2];
    seasons(periods);
    for (const double period : periods)
      for (int64_t i = 0; i < l_.targets; ++i) {
        const double newest = last()[i];
        const double zero = season(i, 0, period, seconds), one = season(i, 1, period, seconds);
        const double far = season(i, static_cast<double>(l_.horizon), period, seconds);
        const double* const scale = at(l_.scale) + i * l_.horizon;
        *f++ = in_usual(one - newest, scale[0]);
        *f++ = in_usual(one - zero, scale[0]);
        *f++ = in_usual(far - zero, scale[l_.horizon - 1]);
      }
    return f;
  }

  // The time of day (one and two turns), of the week, and of the year (one and two turns).
  static double* cycles(double seconds, double* f) {
    constexpr double turns[] = {1 / day, 2 / day, 1 / week, 1 / year, 2 / year};
    constexpr double circle = 6.283185307179586;
    for (const double turn : turns) {
      const double angle = seconds * turn * circle;
      const bool known = std::isfinite(angle);
      *f++ = known ? std::sin(angle) : 0.0;
      *f++ = known ? std::cos(angle) : 0.0;
    }
    return f;
  }

  // Polynomially weighted averaging of predictors (Cesa-Bianchi & Lugosi 2003; a rate for each
  // predictor as in Gaillard, Stoltz & van Erven 2014), on the slope of the absolute error: a
  // predictor's regret grows by how much less the error would be with a little more of it. Measured
  // in units of the usual error, what happens every day decides; in the target's own units, what is
  // rare and large does. Nobody knows which a stream wants, so there are both, and a third mixture,
  // in the target's own units too, of these two.
  void weigh(int64_t m, int64_t which, int64_t first, int64_t k, const double* predictions,
             double mixed, double target, double unit) {
    if (!(unit > least_unit)) return;
    const int64_t begin = m * l_.mixing() + first;
    double* const regret = at(l_.regret) + begin;
    double* const squares = at(l_.squares) + begin;
    double& most = at(l_.most)[3 * m + which];
    const double error = mixed - target;
    const double slope = static_cast<double>((error > 0) - (error < 0)) / unit;
    const double usual = at(l_.error)[m];
    most *= mixture_forgetting * mixture_forgetting;
    for (int64_t i = 0; i < k; ++i) {
      // Who says the same as the mixture gains nothing and forgets nothing; at the start, where all
      // do, what is left is rounding and decides nothing.
      const double apart = mixed - predictions[i];
      if (std::abs(apart) <= rounding * std::abs(mixed)) continue;
      // The slope holds nearby only. To a predictor that is far off on the other side it would
      // promise a lot, and half of the time that would be believed: then what counts is the truth.
      const double promised = std::min(slope * apart, promise * usual / unit);
      const double gained = (std::abs(error) - std::abs(predictions[i] - target)) / unit;
      const double r = std::clamp(std::max(promised, gained), -most_regret, most_regret);
      regret[i] = mixture_forgetting * regret[i] + r;
      squares[i] = mixture_forgetting * squares[i] + r * r;
      most = std::max(most, r * r);
    }
    const double least = which >= 1 ? most : 1.0;
    double total = 0;
    for (int64_t i = 0; i < k; ++i) total += std::max(regret[i], 0.0) / (least + squares[i]);
    if (!(total > 0 && total < HUGE_VAL)) return;  // none would have been better: it stays
    double* const weights = at(l_.mix_weights) + begin;
    for (int64_t i = 0; i < k; ++i)
      weights[i] = std::max(regret[i], 0.0) / (least + squares[i]) / total;
  }

  ForecastLayout l_;
  double* block_;
};

}  // namespace lethe
