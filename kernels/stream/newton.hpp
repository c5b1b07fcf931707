// Softmax regression again, by Newton's method online: all classes share the inverse of the
// features' second moments, so that features that go together are told apart.
#pragma once

#include <algorithm>

#include "linear.hpp"
#include "probabilities.hpp"

namespace LETHE_ISA {

using lethe::NewtonParts;

constexpr double newton_forgetting = 0.998;
constexpr double newton_prior = 1.0;  // and the most that a variance grows to
constexpr double newton_step = 4.0;   // a probability's curvature is a quarter at most

struct Newton {
  const NewtonParts& at;
  double* b;
  int64_t features, classes;  // that there is room for

  double* weights(int64_t c) const { return b + at.weights + c * (1 + features); }

  void start() const {
    double* row = b + at.covariance;
    for (int64_t i = 0; i <= features; row += ++i) row[i] = newton_prior;
  }

  // The probability of each class below `known`, but for class 0.
  void predict(const double* x, int64_t n, int64_t known, double* p) const {
    for (int64_t c = 1; c < known; ++c) p[c] = weights(c)[0] + dot(weights(c) + 1, x, n);
    normalise_logarithms(p, known);
  }

  void learn(const double* x, int64_t n, int64_t known, int64_t place) const {
    double phi[1 + lethe::most_local_features] = {1}, gain[1 + lethe::most_local_features];
    std::copy(x, x + n, phi + 1);
    double* const active = b + at.active;
    for (int64_t i = 0; i <= n; ++i)
      if (phi[i] != 0) active[i] = 1;
    if (place >= classes) return;
    double p[lethe::most_expert_classes];
    std::fill_n(p, known, 0.0);
    predict(x, n, known, p);
    linear_gain(b + at.covariance, phi, active, newton_forgetting, newton_prior, newton_prior, gain,
                1 + n);
    for (int64_t c = 1; c < known; ++c) {
      const double step = newton_step * ((c == place) - p[c]);
      double* const w = weights(c);
      for (int64_t i = 0; i <= n; ++i) w[i] += step * gain[i];
    }
  }

  void forget_feature(int64_t f) const {
    LETHE_ISA::forget_feature(b + at.covariance, 1 + f, newton_prior, 1 + features);
    for (int64_t c = 0; c < classes; ++c) weights(c)[1 + f] = 0;
  }
  void forget_class(int64_t place) const {
    if (place < classes) std::fill_n(weights(place), 1 + features, 0.0);
  }
};

}  // namespace LETHE_ISA
