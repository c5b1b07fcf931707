#pragma once

#include <algorithm>
#include <cmath>

#include "layout.hpp"
#include "linear.hpp"

namespace LETHE_ISA {

struct SeasonRegression {
  const NumberLayout& l;
  double* b;

  void start() const {}

  double distance(const double* record, int64_t head) const {
    const double* const p = record + l.record.predictions + head * l.predictors();
    const double scale = record[l.record.scale + head];
    return scale > 0 ? std::clamp((p[lethe::season_fast] - p[lethe::last]) / scale, -20.0, 20.0) : 0.0;
  }
  double predict(const double* record, int64_t head, double most) const {
    return distance(record, head) + std::clamp(dot(weights(head), record + l.record.features, l.linear()), -most, most);
  }

  void learn(const double* record, int64_t head, double z, double bound, double) const {
    const int64_t n = l.linear();
    double* const w = weights(head);
    const double* const gain = record + l.record.gains;
    const double e = std::clamp(z - distance(record, head) - dot(w, record + l.record.features, n), -bound, bound);
    for (int64_t i = 0; i < n; ++i) w[i] += e * gain[i];
  }

 private:
  double* weights(int64_t head) const { return b + l.season_weights + head * l.linear(); }
};

}  // namespace LETHE_ISA
