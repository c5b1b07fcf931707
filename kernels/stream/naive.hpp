// Predictors that need no learning: the last value, means, and what was one season ago.
#pragma once

#include <algorithm>

#include "history.hpp"
#include "layout.hpp"

namespace LETHE_ISA {

struct NaivePredictors {
  const NumberLayout& l;
  double* b;
  History history = {l, b};

  // Of each head, in the order of `lethe::Naive`; heads are `l.predictors()` apart.
  void predict(double seconds, double* predictions) const {
    const double* const newest = history.newest();
    double lengths[lethe::seasons];
    history.season_lengths(lengths);
    for (int64_t ahead = 1; ahead <= l.horizon; ++ahead) {
      const double* past[lethe::seasons];
      for (int64_t s = 0; s < lethe::seasons; ++s)
        past[s] = history.last_season(ahead, lengths[s], seconds);
      for (int64_t i = 0; i < l.targets; ++i) {
        double* const p = predictions + (i * l.horizon + ahead - 1) * l.predictors();
        p[lethe::last] = newest[i];
        p[lethe::overall_mean] = b[l.total + i] / std::max(b[l.counted + i], 1.0);
        p[lethe::smoothed_fast] = b[l.fast + i];
        p[lethe::smoothed_slow] = b[l.slow + i];
        p[lethe::median] = b[l.median + i];
        for (int64_t s = 0; s < lethe::seasons; ++s) p[lethe::season + s] = past[s][i];
      }
    }
  }
};

}  // namespace LETHE_ISA
