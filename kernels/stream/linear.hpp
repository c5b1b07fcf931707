// Linear predictors by recursive least squares, one event at a time.
#pragma once

#include <cmath>
#include <cstdint>

#include "../network/lanes.hpp"

namespace LETHE_ISA {

constexpr int double_lanes = native_lanes<double>;

// The sum over a vector's lanes, in halves.
template <int W>
LETHE_INLINE double sum_of_lanes(Lanes<double, W> x) {
  double sum = 0;
  for (int i = 0; i < W; ++i) sum += x[i];
  return sum;
}

inline double dot(const double* a, const double* b, int64_t n) {
  constexpr int W = double_lanes;
  Lanes<double, W> first = {}, second = {};  // two sums hide the latency of adding
  int64_t i = 0;
  for (; i + 2 * W <= n; i += 2 * W) {
    first += load<W>(a + i) * load<W>(b + i);
    second += load<W>(a + i + W) * load<W>(b + i + W);
  }
  for (; i + W <= n; i += W) first += load<W>(a + i) * load<W>(b + i);
  double sum = sum_of_lanes<W>(first + second);
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// The gain of recursive least squares for the features phi, and the covariance p after them:
// k = P phi / (forgetting + phi' P phi),  P <- (P - k phi' P) / forgetting.
// P is symmetric and only its lower triangle is kept, row by row: half the memory traffic, and
// features that are added later lie behind. Features that never were anything but zero are not
// `active`: their rows of P are as at the start and need no visit. A feature that stays at zero
// later would let its variance grow without end; none grows beyond `most`.
inline void linear_gain(double* p, const double* phi, const double* active, double forgetting,
                        double most, double* gain, int64_t n) {
  constexpr int W = double_lanes;
  std::fill(gain, gain + n, 0.0);  // P phi first
  double* row = p;
  for (int64_t i = 0; i < n; row += ++i) {
    if (active[i] == 0) continue;
    // The row's numbers are a row and a column of P: they count for gain[j] and for gain[i].
    const double x = phi[i];
    Lanes<double, W> along = {};
    int64_t j = 0;
    for (; j + W <= i; j += W) {
      const Lanes<double, W> r = load<W>(row + j);
      store<W>(gain + j, load<W>(gain + j) + x * r);
      along += r * load<W>(phi + j);
    }
    double sum = sum_of_lanes<W>(along);
    for (; j < i; ++j) {
      gain[j] += x * row[j];
      sum += row[j] * phi[j];
    }
    gain[i] += sum + row[i] * x;
  }
  const double inverse = 1 / (forgetting + dot(phi, gain, n)), grown = 1 / forgetting;
  row = p;
  for (int64_t i = 0; i < n; row += ++i) {
    if (active[i] == 0) continue;
    const double k = gain[i] * inverse;
    for (int64_t j = 0; j <= i; ++j) row[j] = (row[j] - k * gain[j]) * grown;
  }
  row = p;
  for (int64_t i = 0; i < n; row += ++i) {
    gain[i] *= inverse;
    const double variance = row[i];
    if (variance <= most) continue;
    const double back = std::sqrt(most / variance);  // row and column, so P stays a covariance
    for (int64_t j = 0; j <= i; ++j) row[j] *= back;
    double* below = row + i;
    for (int64_t j = i; j < n; below += ++j) *below *= back;
  }
}

// What was learned of a feature is forgotten: its row and column of P are as at the start.
inline void forget_feature(double* p, int64_t feature, double prior, int64_t n) {
  double* row = p;
  for (int64_t i = 0; i < n; row += ++i) {
    if (i == feature) std::fill(row, row + i, 0.0);
    if (i >= feature) row[feature] = i == feature ? prior : 0.0;
  }
}

}  // namespace LETHE_ISA
