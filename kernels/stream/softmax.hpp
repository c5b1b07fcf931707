// Softmax regression on the features, each weight with a step of its own (Duchi, Hazan & Singer
// 2011), whose squares fade so that it goes on learning.
#pragma once

#include <algorithm>
#include <cmath>

#include "layout.hpp"
#include "probabilities.hpp"

namespace LETHE_ISA {

using lethe::SoftmaxParts;

constexpr double softmax_rate = 0.3;
constexpr double softmax_fading = 0.999;
constexpr double first_square = 0.01;

struct Softmax {
  const SoftmaxParts& at;
  double* b;
  int64_t features, classes;  // that there is room for

  double* weights(int64_t c) const { return b + at.weights + c * (1 + features); }
  double* squares(int64_t c) const { return b + at.squares + c * (1 + features); }

  // The probability of each class below `known`, but for class 0.
  void predict(const double* x, int64_t n, int64_t known, double* p) const {
    for (int64_t c = 1; c < known; ++c) {
      const double* const w = weights(c);
      double sum = w[0];
      for (int64_t f = 0; f < n; ++f) sum += w[1 + f] * x[f];
      p[c] = sum;
    }
    normalise_logarithms(p, known);
  }

  void learn(const double* x, int64_t n, int64_t known, int64_t place) const {
    if (place >= classes) return;
    double p[lethe::most_expert_classes];
    predict(x, n, known, p);
    for (int64_t c = 1; c < known; ++c) {
      const double error = p[c] - (c == place);
      double *const w = weights(c), *const s = squares(c);
      step(w[0], s[0], error);
      for (int64_t f = 0; f < n; ++f)
        if (x[f] != 0) step(w[1 + f], s[1 + f], error * x[f]);
    }
  }

  void forget_feature(int64_t f) const {
    for (int64_t c = 0; c < classes; ++c) weights(c)[1 + f] = squares(c)[1 + f] = 0;
  }
  void forget_class(int64_t place) const {
    if (place >= classes) return;
    std::fill_n(weights(place), 1 + features, 0.0);
    std::fill_n(squares(place), 1 + features, 0.0);
  }

 private:
  static void step(double& weight, double& square, double gradient) {
    square = softmax_fading * square + gradient * gradient;
    weight -= softmax_rate * gradient / std::sqrt(square + first_square);
  }
};

}  // namespace LETHE_ISA
