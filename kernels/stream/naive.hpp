// Predictors that need no learning: the last value, means, and what was one season ago.
#pragma once

#include <algorithm>

#include "history.hpp"
#include "layout.hpp"
#include "seasons.hpp"

namespace LETHE_ISA {

struct NaivePredictors {
  const NumberLayout& l;
  double* b;
  History history = {l, b};
  Seasons seasons = {l, b};

  // Of each head, in the order of `lethe::Naive`; heads are `l.predictors()` apart.
  void predict(double seconds, double* predictions) const {
    const double* const newest = history.newest();
    Season found[lethe::seasons];
    for (int64_t s = 0; s < lethe::seasons; ++s) found[s] = history.season(s);
    for (int64_t ahead = 1; ahead <= l.horizon; ++ahead) {
      int64_t then[lethe::seasons];
      for (int64_t s = 0; s < lethe::seasons; ++s)
        then[s] = history.season_before(history.kept() - 1, ahead, found[s], seconds);
      for (int64_t i = 0; i < l.targets; ++i) {
        double* const p = predictions + (i * l.horizon + ahead - 1) * l.predictors();
        p[lethe::last] = newest[i];
        p[lethe::overall_mean] = b[l.total + i] / std::max(b[l.counted + i], 1.0);
        p[lethe::smoothed_fast] = b[l.fast + i];
        p[lethe::smoothed_slow] = b[l.slow + i];
        p[lethe::median] = b[l.median + i];
        for (int64_t s = 0; s < lethe::seasons; ++s) predict_season(s, then[s], i, p);
        predict_first(then[0], i, ahead, p);
      }
    }
  }

 private:
  void predict_first(int64_t then, int64_t i, int64_t ahead, double* p) const {
    const bool known = then >= 0 && l.profiled();
    p[lethe::season_drift] = p[lethe::season_fast];
    p[lethe::season_scaled] = p[lethe::season_fast];
    if (!known) return;
    p[lethe::season_drift] += static_cast<double>(ahead) * b[l.drift + i];
    const double level = seasons.fast(0, i), with = b[l.profile_level + i];
    if (level > 0 && with > 0)
      p[lethe::season_scaled] = level + seasons.profile(0, then)[i] * std::clamp(level / with, 0.5, 2.0);
  }
  void predict_season(int64_t s, int64_t then, int64_t i, double* p) const {
    p[lethe::season + s] = then < 0 ? p[lethe::last] : b[l.values + then * l.targets + i];
    const bool known = then >= 0 && l.profiled();
    const double brings = known ? seasons.profile(s, then)[i] : 0;
    p[lethe::season_fast + s] = known ? seasons.fast(s, i) + brings : p[lethe::season + s];
    p[lethe::season_slow + s] = known ? seasons.slow(s, i) + brings : p[lethe::season + s];
  }
};

}  // namespace LETHE_ISA
