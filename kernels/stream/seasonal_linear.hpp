// A linear predictor of what the season leaves: what all heads share is learned as the distance
// from what each head's own season brings.
#pragma once

#include <algorithm>

#include "layout.hpp"
#include "linear.hpp"

namespace LETHE_ISA {

struct SeasonalLinear {
  const NumberLayout& l;
  double* b;

  // The distance from the last value; neither part of it is further than `most`.
  double predict(const double* record, int64_t head, double most) const {
    const double left = dot(weights(head), record + l.record.features, l.linear());
    return brought(record, head, most) + std::clamp(left, -most, most);
  }

  // With the gain of the slow linear predictor; an error counts for `bound` at most.
  void learn(const double* record, int64_t head, double distance, double bound, double most) const {
    const int64_t n = l.linear();
    double* const w = weights(head);
    const double* const gain = record + l.record.gains;
    const double left = distance - brought(record, head, most);
    const double e = std::clamp(left - dot(w, record + l.record.features, n), -bound, bound);
    for (int64_t i = 0; i < n; ++i) w[i] += e * gain[i];
  }

  void forget(int64_t feature) const {
    for (int64_t head = 0; head < l.heads(); ++head) weights(head)[feature] = 0;
  }

 private:
  double brought(const double* record, int64_t head, double most) const {
    const double* const p = record + l.record.predictions + head * l.predictors();
    return std::clamp(p[lethe::season_and_level] - p[lethe::last], -most, most);
  }
  double* weights(int64_t head) const { return b + l.season_weights + head * l.linear(); }
};

}  // namespace LETHE_ISA
