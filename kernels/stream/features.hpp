// An event as features: the past of the targets, seasons, the calendar, and the event's columns.
#pragma once

#include <cmath>

#include "columns.hpp"
#include "history.hpp"
#include "layout.hpp"
#include "seasons.hpp"
#include "stream.hpp"

namespace LETHE_ISA {

constexpr double farthest = 20.0;  // usual distances that a feature or a prediction is away at most

struct Features {
  const NumberLayout& l;
  double* b;
  History history = {l, b};
  Seasons seasons = {l, b};
  Columns columns = {l.columns, b};

  // One number for the constant and for each input of the networks.
  void encode(const Event& event, double* f) const {
    *f++ = 1.0;
    const double* const newest = history.newest();
    for (int64_t i = 0; i < l.targets; ++i)
      *f++ = standardised(newest[i], b[l.level_mean + i], b[l.level_variance + i]);
    for (int64_t lag = 0; lag < l.lags; ++lag)
      for (int64_t i = 0; i < l.targets; ++i) *f++ = history.past_change(lag, i);
    if (l.seasonal()) f = encode_seasons(event.seconds, f);
    if (l.timed) f = encode_calendar(event.seconds, f);
    columns.encode(event, f, l.slots);
  }

 private:
  // What each season did at this time: its distance from now, its next step and its far one.
  double* encode_seasons(double seconds, double* f) const {
    const double* const newest = history.newest();
    for (int64_t s = 0; s < lethe::seasons; ++s) {
      const Season season = history.season(s);
      const int64_t n = history.kept() - 1;
      const int64_t zero = history.season_before(n, 0, season, seconds);
      const int64_t one = history.season_before(n, 1, season, seconds);
      const int64_t far = history.season_before(n, l.horizon, season, seconds);
      for (int64_t i = 0; i < l.targets; ++i) {
        const double* const scale = b + l.scale + i * l.horizon;
        const bool known = zero >= 0 && one >= 0 && l.profiled();
        const double z = known ? seasons.profile(s, zero)[i] : 0, o = known ? seasons.profile(s, one)[i] : 0;
        const double g = known && far >= 0 ? seasons.profile(s, far)[i] : z;
        *f++ = known ? in_usual_distances(seasons.fast(s, i) + o - newest[i], scale[0]) : 0.0;
        *f++ = in_usual_distances(o - z, scale[0]);
        *f++ = in_usual_distances(g - z, scale[l.horizon - 1]);
      }
    }
    return f;
  }

  static double in_usual_distances(double distance, double usual) {
    return usual > 0 ? std::clamp(distance / usual, -farthest, farthest) : 0.0;
  }

  // The time of day (one and two turns), of the week, and of the year (one and two turns).
  static double* encode_calendar(double seconds, double* f) {
    constexpr double turns[lethe::calendar_waves] = {1 / day, 2 / day, 1 / week, 1 / year,
                                                     2 / year};
    constexpr double circle = 6.283185307179586;
    for (const double turn : turns) {
      const double angle = seconds * turn * circle;
      const bool known = std::isfinite(angle);
      *f++ = known ? std::sin(angle) : 0.0;
      *f++ = known ? std::cos(angle) : 0.0;
    }
    return f;
  }
};

}  // namespace LETHE_ISA
