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

// P phi, into `product`, and phi' P phi.
inline double times_features(const double* p, const double* phi, const double* active,
                             double* product, int64_t n) {
  constexpr int W = double_lanes;
  std::fill(product, product + n, 0.0);
  const double* row = p;
  for (int64_t i = 0; i < n; row += ++i) {
    if (active[i] == 0) continue;
    // The row's numbers are a row and a column of P: they count for product[j] and for product[i].
    const double x = phi[i];
    Lanes<double, W> along = {};
    int64_t j = 0;
    for (; j + W <= i; j += W) {
      const Lanes<double, W> r = load<W>(row + j);
      store<W>(product + j, load<W>(product + j) + x * r);
      along += r * load<W>(phi + j);
    }
    double sum = sum_of_lanes<W>(along);
    for (; j < i; ++j) {
      product[j] += x * row[j];
      sum += row[j] * phi[j];
    }
    product[i] += sum + row[i] * x;
  }
  return dot(phi, product, n);
}

// Whether these two can be a covariance's, whose variances are small. One that rounding, or a file,
// has made something else would grow without end.
inline bool is_of_covariance(double along_phi, const double* product, int64_t n) {
  const double most = 1e6 * (along_phi + 1);
  int64_t wrong = !(along_phi > -0.5);
  for (int64_t i = 0; i < n; ++i) wrong += !(product[i] * product[i] <= most);
  return !wrong;
}

// Row i of P and its column shrink where its variance is above `most`, so P stays a covariance.
inline void bound_variance(double* row, int64_t i, double most, int64_t n) {
  const double variance = row[i];
  if (!(variance > most)) return;
  const double back = std::sqrt(most / variance);
  for (int64_t j = 0; j <= i; ++j) row[j] *= back;
  double* below = row + i;
  for (int64_t j = i; j < n; below += ++j) *below *= back;
}

// The gain of recursive least squares for the features phi, and the covariance p after them:
// k = P phi / (forgetting + phi' P phi),  P <- (P - k phi' P) / forgetting.
// P is symmetric and only its lower triangle is kept, row by row: half the memory traffic, and
// features that are added later lie behind. Features that never were anything but zero are not
// `active`: their rows of P are as at the start and need no visit. A feature that stays at zero
// later would let its variance grow without end; none grows beyond `most`. What is no covariance
// any more starts anew, from the variance `prior`.
inline void linear_gain(double* p, const double* phi, const double* active, double forgetting,
                        double prior, double most, double* gain, int64_t n) {
  double along_phi = times_features(p, phi, active, gain, n);
  if (!is_of_covariance(along_phi, gain, n)) {
    double* row = p;
    for (int64_t i = 0; i < n; row += ++i) {
      std::fill(row, row + i, 0.0);
      row[i] = prior;
    }
    along_phi = times_features(p, phi, active, gain, n);
  }
  const double inverse = 1 / (forgetting + along_phi), grown = 1 / forgetting;
  double* row = p;
  for (int64_t i = 0; i < n; row += ++i) {
    if (active[i] == 0) continue;
    const double k = gain[i] * inverse;
    for (int64_t j = 0; j <= i; ++j) row[j] = (row[j] - k * gain[j]) * grown;
  }
  row = p;
  for (int64_t i = 0; i < n; row += ++i) {
    gain[i] *= inverse;
    bound_variance(row, i, most, n);
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
