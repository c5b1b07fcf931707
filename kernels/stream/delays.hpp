// Columns that act after a long delay: found by cross-correlation, predicted from a few taps.
//
// What the linear predictors leave of a target is correlated with every column so many events ago.
// A lag at which that stands out from noise becomes a tap: a number that a small linear predictor
// of its own uses. So an echo, a transport delay, or an order that fires by itself later is known
// without being declared, for one product of two vectors an event and column.
#pragma once

#include <algorithm>
#include <cmath>

#include "layout.hpp"
#include "linear.hpp"

namespace LETHE_ISA {

using lethe::NumberLayout;

constexpr double correlation_memory = 0.9998;
constexpr double outstanding = 6.0;  // times as large as noise would make it
constexpr double tap_forgetting = 0.9999, tap_variance = 1.0, most_tap_variance = 100.0;
constexpr double most_delayed = 20.0;   // that a column counts
constexpr int64_t lags_looked_at = 32;  // of one column, at each event
constexpr double scarce = 30.0;         // events that a correlation needs

struct Delays {
  const NumberLayout& l;
  double* b;

  int64_t lags() const { return lethe::delay_lags; }
  int64_t ring() const { return 2 * lethe::delay_lags; }
  double* taps(int64_t part, int64_t i) const { return b + part + i * lethe::delay_taps; }

  // The columns of `before` events ago and those before it, the newest first, `lags` of them: the
  // ring is filled from its end and lies twice in memory, so that a window is never broken.
  const double* window(int64_t source, int64_t before) const {
    const auto newest = static_cast<int64_t>(b[l.delay_newest]);
    return b + l.delayed_columns + source * 2 * ring() + (newest + before) % ring();
  }

  // A number for each tap, and what they say together.
  double predict(int64_t i, double* values) const {
    const double *const source = taps(l.tap_source, i), *const lag = taps(l.tap_lag, i);
    const double* const weight = taps(l.tap_weights, i);
    double sum = 0;
    for (int64_t k = 0; k < lethe::delay_taps; ++k) {
      values[k] = lag[k] > 0 ? window(static_cast<int64_t>(source[k]) - 1,
                                      0)[static_cast<int64_t>(lag[k]) - 1]
                             : 0.0;
      sum += weight[k] * values[k];
    }
    return sum;
  }

  // An event's columns become part of the past.
  void observe(const double* slots) const {
    if (!l.delay_sources()) return;
    double& newest = b[l.delay_newest];
    newest = newest > 0 ? newest - 1 : static_cast<double>(ring() - 1);
    const auto at = static_cast<int64_t>(newest);
    for (int64_t j = 0; j < l.delay_sources(); ++j) {
      double* const row = b + l.delayed_columns + j * 2 * ring();
      row[at] = row[at + ring()] = std::clamp(slots[j], -most_delayed, most_delayed);
      double& power = b[l.delay_power + j];
      power += (1 - correlation_memory) * (row[at] * row[at] - power);
    }
  }

  // What was left of a target `before` events ago, in units of large errors; `values` are what the
  // taps were then, and `said` what they had said, in the target's own units.
  void learn(int64_t i, const double* values, double said, double left, double unit,
             int64_t before) const {
    if (!l.delay_sources() || !(unit > 0)) return;
    const double error = std::clamp((left - said) / unit, -most_delayed, most_delayed);
    learn_taps(i, values, error * unit);
    if (before < 0 || before + lags() > ring()) return;
    double& noise = b[l.delay_noise + i];
    noise = correlation_memory * correlation_memory * noise + error * error;
    b[l.delay_events + i] += 1;
    for (int64_t j = 0; j < l.delay_sources(); ++j)
      correlate(b + l.correlation + (i * l.delay_sources() + j) * lags(), window(j, before), error);
    look_for_taps(i);
  }

  // A slot gets another meaning: its past, what was correlated with it, and its taps.
  void forget(int64_t slot) const {
    if (slot >= l.delay_sources()) return;
    std::fill_n(b + l.delayed_columns + slot * 2 * ring(), 2 * ring(), 0.0);
    b[l.delay_power + slot] = 0;
    for (int64_t i = 0; i < l.targets; ++i) {
      std::fill_n(b + l.correlation + (i * l.delay_sources() + slot) * lags(), lags(), 0.0);
      for (int64_t k = 0; k < lethe::delay_taps; ++k) {
        if (taps(l.tap_source, i)[k] != static_cast<double>(slot + 1)) continue;
        taps(l.tap_source, i)[k] = taps(l.tap_lag, i)[k] = taps(l.tap_weights, i)[k] = 0;
        forget_feature(b + l.tap_covariance + i * lethe::tap_packed, k, tap_variance,
                       lethe::delay_taps);
      }
    }
  }

 private:
  void correlate(double* correlation, const double* past, double error) const {
    constexpr int W = double_lanes;
    for (int64_t k = 0; k < lags(); k += W)
      store<W>(correlation + k,
               correlation_memory * load<W>(correlation + k) + error * load<W>(past + k));
  }

  void learn_taps(int64_t i, const double* values, double error) const {
    double active[lethe::delay_taps], gain[lethe::delay_taps];
    const double* const lag = taps(l.tap_lag, i);
    for (int64_t k = 0; k < lethe::delay_taps; ++k) active[k] = lag[k] > 0;
    linear_gain(b + l.tap_covariance + i * lethe::tap_packed, values, active, tap_forgetting,
                tap_variance, most_tap_variance, gain, lethe::delay_taps);
    double* const weight = taps(l.tap_weights, i);
    for (int64_t k = 0; k < lethe::delay_taps; ++k) weight[k] += active[k] * error * gain[k];
  }

  // How far a correlation stands out.
  double strength(int64_t i, int64_t source, int64_t k) const {
    const double noise = b[l.delay_noise + i] * b[l.delay_power + source];
    const double c = b[l.correlation + (i * l.delay_sources() + source) * lags() + k];
    return noise > 0 ? std::abs(c) / std::sqrt(noise) : 0.0;
  }

  // A few lags an event: the one that stands out the most takes a tap that is free, or that of the
  // tap that says the least.
  void look_for_taps(int64_t i) const {
    const auto events = static_cast<int64_t>(b[l.delay_events + i]);
    if (events < scarce) return;
    const int64_t parts = lags() / lags_looked_at, turn = events % (parts * l.delay_sources());
    const int64_t source = turn / parts, first = turn % parts * lags_looked_at;
    int64_t best = -1;
    double most = outstanding;
    for (int64_t k = first; k < first + lags_looked_at; ++k) {
      const double found = strength(i, source, k);
      if (found > most) most = found, best = k;
    }
    if (best < 0) return;
    double *const sources = taps(l.tap_source, i), *const lag = taps(l.tap_lag, i);
    double* const weight = taps(l.tap_weights, i);
    int64_t place = -1;
    double least = HUGE_VAL;
    for (int64_t k = 0; k < lethe::delay_taps; ++k) {
      if (lag[k] == static_cast<double>(best + 1) && sources[k] == static_cast<double>(source + 1))
        return;
      const double size =
          lag[k] > 0 ? std::abs(weight[k]) *
                           std::sqrt(b[l.delay_power + static_cast<int64_t>(sources[k]) - 1])
                     : -1.0;
      if (size < least) least = size, place = k;
    }
    // One that has been given up takes a while before it is looked at again: it stands out less by
    // now.
    sources[place] = static_cast<double>(source + 1);
    lag[place] = static_cast<double>(best + 1);
    weight[place] = 0;
    forget_feature(b + l.tap_covariance + i * lethe::tap_packed, place, tap_variance,
                   lethe::delay_taps);
  }
};

}  // namespace LETHE_ISA
