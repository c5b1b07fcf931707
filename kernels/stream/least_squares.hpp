// Recursive least squares, one event at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace lethe {

// The gain of recursive least squares for the features phi, and the covariance p after them:
// k = P phi / (forgetting + phi' P phi),  P <- (P - k phi' P) / forgetting.
// Features that never were anything but zero are not `active`: their rows of P are as at the start
// and need no visit. A feature that stays at zero later would let its variance grow without end;
// none grows beyond `most`.
inline void linear_gain(double* p, const double* phi, const double* active, double forgetting,
                        double most, double* gain, int64_t n) {
  double inner = forgetting;
  std::fill(gain, gain + n, 0.0);    // P phi first
  for (int64_t i = 0; i < n; ++i) {  // P is symmetric: whole rows are added, so lanes serve
    if (phi[i] == 0) continue;
    const double* row = p + i * n;
    for (int64_t j = 0; j < n; ++j) gain[j] += phi[i] * row[j];
  }
  for (int64_t i = 0; i < n; ++i) inner += phi[i] * gain[i];
  const double inverse = 1 / inner, grown = 1 / forgetting;
  for (int64_t i = 0; i < n; ++i) {
    if (active[i] == 0) continue;
    double* row = p + i * n;
    // gain[i] * gain[j] is the same from both sides, so P stays symmetric to the bit.
    for (int64_t j = 0; j < n; ++j) row[j] = (row[j] - gain[i] * gain[j] * inverse) * grown;
  }
  for (int64_t i = 0; i < n; ++i) {
    const double variance = p[i * n + i];
    gain[i] *= inverse;
    if (variance <= most) continue;
    const double back = std::sqrt(most / variance);  // from both sides, so P stays a covariance
    for (int64_t j = 0; j < n; ++j) p[i * n + j] *= back, p[j * n + i] *= back;
  }
}

inline double dot(const double* a, const double* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace lethe
