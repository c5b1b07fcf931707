// Naive Bayes: features fall into bins, each of which is counted with each class.
#pragma once

#include <algorithm>
#include <cmath>

#include "layout.hpp"
#include "probabilities.hpp"

namespace LETHE_ISA {

using lethe::BayesParts;
using lethe::bins;

constexpr double bayes_fading = 0.999;
constexpr double most_event_weight = 1e6;  // there all counts are scaled down
constexpr double marginal_count = 1.0;     // of all classes together, added to each one's own
constexpr double bin_count = 1e-3;         // of a bin that never came
constexpr double class_count = 0.5;
constexpr double bin_edges[bins - 1] = {-1.2, -0.7, -0.3, 0.0, 0.3, 0.7, 1.2};
constexpr int64_t zero_bin = 3;
constexpr int64_t factors_at_once = 8;  // their product is far from the least number

struct Bayes {
  const BayesParts& at;
  double* b;
  int64_t features, classes;  // that there is room for

  double* counts(int64_t f, int64_t bin) const {
    return b + at.counts + (f * bins + bin) * classes;
  }
  static int64_t bin_of(double x) {
    int64_t bin = 0;
    for (const double edge : bin_edges) bin += edge < x;
    return bin;
  }

  void start() const { b[at.weight] = 1; }

  void observe(const double* x, int64_t n, int64_t place) const {
    b[at.weight] /= bayes_fading;
    if (place < classes) {
      add(b[at.classes + place]);
      for (int64_t f = 0; f < n; ++f) add(counts(f, bin_of(x[f]))[place]);
    }
    if (b[at.weight] > most_event_weight) scale_down();
  }

  // The probability of each class below `known`, but for class 0; false where none came.
  bool predict(const double* x, int64_t n, int64_t known, double* p) const {
    const double one = b[at.weight];
    const double* const came = b + at.classes;
    double total = 0;
    for (int64_t c = 1; c < known; ++c) total += came[c];
    if (!(total > 0)) return false;
    double product[lethe::most_expert_classes], scale[lethe::most_expert_classes];
    for (int64_t c = 1; c < known; ++c) {
      p[c] = std::log(came[c] / one + class_count);
      product[c] = 1;
      scale[c] = 1 / (came[c] + (marginal_count + bin_count) * one);
    }
    for (int64_t f = 0; f < n; ++f) {
      const double* const row = counts(f, bin_of(x[f]));
      double sum = 0;
      for (int64_t c = 1; c < known; ++c) sum += row[c];
      const double more = (marginal_count * sum / total + bin_count) * one;
      for (int64_t c = 1; c < known; ++c) product[c] *= (row[c] + more) * scale[c];
      if (f % factors_at_once != factors_at_once - 1 && f != n - 1) continue;
      for (int64_t c = 1; c < known; ++c) {
        p[c] += std::log(product[c]);
        product[c] = 1;
      }
    }
    normalise_logarithms(p, known);
    return true;
  }

  // A feature that had always been 0.
  void forget_feature(int64_t f) const {
    std::fill_n(counts(f, 0), bins * classes, 0.0);
    std::copy_n(b + at.classes, classes, counts(f, zero_bin));
  }
  void forget_class(int64_t place) const {
    if (place >= classes) return;
    b[at.classes + place] = 0;
    for (int64_t row = 0; row < features * bins; ++row) b[at.counts + row * classes + place] = 0;
  }

 private:
  void add(double& count) const {
    count = std::min(count + b[at.weight], lethe::holds::event_weights.most);
  }
  void scale_down() const {
    const double scale = 1 / b[at.weight];
    b[at.weight] = 1;
    for (int64_t c = 0; c < classes; ++c) b[at.classes + c] *= scale;
    for (int64_t i = 0; i < features * bins * classes; ++i) b[at.counts + i] *= scale;
  }
};

}  // namespace LETHE_ISA
