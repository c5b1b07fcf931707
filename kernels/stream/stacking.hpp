// All predictors' logarithms, weighed (a product of experts), the weights found by Newton's method
// online: an expert that says too much or too little is put right, and so is the whole.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "layout.hpp"
#include "probabilities.hpp"

namespace LETHE_ISA {

using lethe::StackingParts;

constexpr double least_stacked = 1e-4;  // the least that a predictor can say
constexpr double stack_memory = 0.998;
constexpr double stack_ridge = 10.0;  // how firmly weights stay where they are
constexpr double stack_sharing = 0.01;
constexpr int64_t most_stacked = lethe::naive_classes + lethe::class_experts + 16;

struct Stacking {
  const StackingParts& at;
  double* b;
  int64_t k;  // predictors

  double* weights() const { return b + at.weights; }
  double* curvature() const { return b + at.curvature; }
  double* shares() const { return b + at.shares; }

  void start() const {
    std::fill_n(weights(), k, 1.0 / static_cast<double>(k));
    for (int64_t i = 0; i < k; ++i) curvature()[i * k + i] = stack_ridge;
    shares()[0] = shares()[1] = 0.5;
  }

  // The probability of each class below `known`, but for class 0; `rows` are the predictors'.
  void predict(const double* rows, int64_t stride, int64_t known, double* p) const {
    std::fill(p + 1, p + known, 0.0);
    for (int64_t r = 0; r < k; ++r)
      for (int64_t c = 1; c < known; ++c) p[c] += weights()[r] * said(rows[r * stride + c]);
    normalise_logarithms(p, known);
  }

  // `scratch` has room for a class's probability, and for each predictor's logarithm of each.
  void learn(const double* rows, int64_t stride, int64_t known, int64_t place,
             double* scratch) const {
    double* const p = scratch;
    double* const logs = scratch + stride;
    predict(rows, stride, known, p);
    double mean[most_stacked], gradient[most_stacked];
    for (int64_t r = 0; r < k; ++r) {
      mean[r] = 0;
      for (int64_t c = 1; c < known; ++c) {
        logs[r * stride + c] = said(rows[r * stride + c]);
        mean[r] += p[c] * logs[r * stride + c];
      }
      gradient[r] = mean[r] - logs[r * stride + place];
    }
    double* const h = curvature();
    for (int64_t r = 0; r < k; ++r)
      for (int64_t s = 0; s <= r; ++s) {
        double product = 0;
        for (int64_t c = 1; c < known; ++c)
          product += p[c] * logs[r * stride + c] * logs[s * stride + c];
        const double ridge = r == s ? (1 - stack_memory) * stack_ridge : 0.0;
        h[r * k + s] = h[s * k + r] =
            stack_memory * h[r * k + s] + ridge + (product - mean[r] * mean[s]);
      }
    if (!solve(gradient)) return;
    for (int64_t r = 0; r < k; ++r)
      weights()[r] = std::clamp(weights()[r] - gradient[r], lethe::holds::stack_weight.least,
                                lethe::holds::stack_weight.most);
  }

  // What the stack and Bayes' mixture said of the class that came.
  void learn_shares(double stacked, double mixed) const {
    const double a = shares()[0] * stacked, c = shares()[1] * mixed;
    const double sum = a + c;
    if (!(sum > 0)) return;
    shares()[0] = (1 - stack_sharing) * a / sum + stack_sharing / 2;
    shares()[1] = (1 - stack_sharing) * c / sum + stack_sharing / 2;
  }

 private:
  static double said(double probability) { return std::log(std::max(probability, least_stacked)); }

  // The curvature's inverse times `x`, in its place, by Cholesky's decomposition.
  bool solve(double* x) const {
    double l[most_stacked * most_stacked];
    const double* const h = curvature();
    for (int64_t i = 0; i < k; ++i) {
      for (int64_t j = 0; j <= i; ++j) {
        double rest = h[i * k + j];
        for (int64_t m = 0; m < j; ++m) rest -= l[i * k + m] * l[j * k + m];
        if (i == j && !(rest > 0)) return false;
        l[i * k + j] = i == j ? std::sqrt(rest) : rest / l[j * k + j];
      }
      for (int64_t j = 0; j < i; ++j) x[i] -= l[i * k + j] * x[j];
      x[i] /= l[i * k + i];
    }
    for (int64_t i = k; i-- > 0;) {
      for (int64_t j = i + 1; j < k; ++j) x[i] -= l[j * k + i] * x[j];
      x[i] /= l[i * k + i];
    }
    return std::all_of(x, x + k, [](double step) { return std::isfinite(step); });
  }
};

}  // namespace LETHE_ISA
