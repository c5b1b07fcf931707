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
    int64_t then[lethe::seasons];
    for (int64_t s = 0; s < lethe::seasons; ++s) {
      found[s] = history.season(s);
      then[s] = -2;
    }
    for (int64_t ahead = 1; ahead <= l.horizon; ++ahead) {
      for (int64_t s = 0; s < lethe::seasons; ++s)
        then[s] = history.season_before(history.kept() - 1, ahead, found[s], seconds, then[s] + 1);
      for (int64_t i = 0; i < l.targets; ++i) {
        double* const p = predictions + (i * l.horizon + ahead - 1) * l.predictors();
        p[lethe::last] = newest[i];
        p[lethe::overall_mean] = b[l.total + i] / std::max(b[l.counted + i], 1.0);
        p[lethe::smoothed_fast] = b[l.fast + i];
        p[lethe::smoothed_slow] = b[l.slow + i];
        p[lethe::median] = b[l.median + i];
        for (int64_t s = 0; s < lethe::seasons; ++s) predict_season(s, then[s], i, p);
        predict_drift(then[0], i, static_cast<double>(ahead), p);
      }
    }
  }

 private:
  void predict_season(int64_t s, int64_t then, int64_t i, double* p) const {
    const int64_t place = then < 0 ? -1 : history.place(then);
    const double value = then < 0 ? p[lethe::last] : history.bounded(place, i);
    const bool known = then >= 0 && l.profiled();
    const double brings = known ? seasons.profile(s, place)[i] : 0;
    p[lethe::season + s] = value;
    p[lethe::season_and_level + s] = known ? seasons.fast(s, i) + brings : value;
    p[lethe::season_and_slow_level + s] = known ? seasons.slow(s, i) + brings : value;
  }

  // The first season once more: with the level's drift, and grown with the level.
  void predict_drift(int64_t then, int64_t i, double ahead, double* p) const {
    p[lethe::season_and_drift] = p[lethe::scaled_season] = p[lethe::season_and_level];
    if (then < 0 || !l.profiled()) return;
    const double drift = ahead * seasons.drift(0, i), level = seasons.fast(0, i) + drift;
    const double brings = seasons.profile(0, history.place(then))[i];
    p[lethe::season_and_drift] += drift;
    p[lethe::scaled_season] = level + brings * seasons.scaled(0, i, level);
  }
};

}  // namespace LETHE_ISA
