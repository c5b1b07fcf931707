// What is usual: running means and spreads that follow a stream and are not moved by what is
// absurd.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace lethe {

constexpr double widest = 10.0;       // spreads from the mean that a value counts at most
constexpr double warm = 10.0;         // events before that bound holds
constexpr double standardised = 5.0;  // and a standardised value reaches at most

// Running mean and variance of each column; what is not finite is missing.
inline void observe(const double* values, double* mean, double* variance, double* count,
                    double slowest, int64_t columns) {
  for (int64_t i = 0; i < columns; ++i) {
    if (!std::isfinite(values[i])) continue;
    count[i] += 1;
    const double rate = std::max(1 / count[i], slowest), spread = std::sqrt(variance[i]);
    double d = values[i] - mean[i];
    if (count[i] > warm && spread > 0) d = std::clamp(d, -widest * spread, widest * spread);
    mean[i] += rate * d;
    variance[i] = (1 - rate) * (variance[i] + rate * d * d);
  }
}

// Numbers in units of their spread; 0 where missing or where nothing has varied.
inline void standardise(const double* values, const double* mean, const double* variance,
                        double* out, int64_t columns) {
  for (int64_t i = 0; i < columns; ++i) {
    const double spread = std::sqrt(variance[i]);
    const bool known = std::isfinite(values[i]) && spread > 0;
    out[i] = known ? std::clamp((values[i] - mean[i]) / spread, -standardised, standardised) : 0.0;
  }
}

// A mean that starts as a plain one and later forgets; what is absurd counts as ten times usual.
inline void follow(double& mean, double& count, double value, double slowest) {
  count += 1;
  if (mean > 0 && count > warm) value = std::min(value, widest * mean);
  mean += std::max(1 / count, slowest) * (value - mean);
}

}  // namespace lethe
