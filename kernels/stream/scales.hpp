// What is usual: running means and spreads that follow a stream and are hardly moved by one absurd
// value.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "../network/lanes.hpp"

namespace LETHE_ISA {

constexpr double most_spreads = 10.0;      // from the mean that a value counts at most
constexpr double warm_up = 10.0;           // events before that bound holds
constexpr double most_standardised = 5.0;  // that a standardised value reaches
constexpr double slowest_level = 0.002;    // the least rate of a running level: some 500 events
constexpr double slowest_distance = 0.005;
constexpr double slowest_unit = 0.002;
constexpr double far_below = 8.0, calm_events = 50.0, falling_rate = 0.05;

// Running mean and variance of each column; what is not finite is missing.
inline void observe_levels(const double* values, double* mean, double* variance, double* count,
                           int64_t columns) {
  for (int64_t i = 0; i < columns; ++i) {
    if (!std::isfinite(values[i])) continue;
    count[i] += 1;
    const double rate = std::max(1 / count[i], slowest_level), spread = std::sqrt(variance[i]);
    double d = values[i] - mean[i];
    if (count[i] > warm_up && spread > 0)
      d = std::clamp(d, -most_spreads * spread, most_spreads * spread);
    mean[i] += rate * d;
    variance[i] = (1 - rate) * (variance[i] + rate * d * d);
  }
}

// A number in units of its spread; 0 where it is missing or where nothing has varied.
inline double standardised(double value, double mean, double variance) {
  const double spread = std::sqrt(variance);
  if (!std::isfinite(value) || !(spread > 0)) return 0.0;
  return std::clamp((value - mean) / spread, -most_standardised, most_standardised);
}

// A mean that starts as a plain one and later forgets; what is absurd counts as ten times usual.
inline void follow_mean(double& mean, double& count, double value,
                        double slowest = slowest_distance) {
  count += 1;
  if (mean > 0 && count > warm_up) value = std::min(value, most_spreads * mean);
  mean += std::max(1 / count, slowest) * (value - mean);
}

// The same, but what is far below the mean for many events in a row, as after a change of units,
// brings it down quickly. `calm` counts them.
inline void follow_falling_mean(double& mean, double& count, double& calm, double value) {
  calm = value < mean / far_below ? calm + 1 : 0;
  follow_mean(mean, count, value, calm > calm_events ? falling_rate : slowest_distance);
}

}  // namespace LETHE_ISA
