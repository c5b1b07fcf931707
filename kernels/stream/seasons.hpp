// Seasons of the targets: a profile that follows what each time of a season brings, and the level
// without it (Holt 1957, Winters 1960: additive). The profile lies beside the ring of past values,
// so where one season ago is in the one it is in the other, too, and times need not be regular.
#pragma once

#include <algorithm>
#include <cmath>

#include "history.hpp"
#include "layout.hpp"
#include "scales.hpp"

namespace LETHE_ISA {

constexpr double profile_rate = 0.2;  // the least: some five seasons
constexpr double season_fast_rate = 0.3, season_slow_rate = 0.05;
constexpr double drift_rate = 0.005;
constexpr double most_scaled = 2.0;  // times that a season grows or shrinks with the level

struct Seasons {
  const NumberLayout& l;
  double* b;
  History history = {l, b};

  // After the history has taken an event in.
  void observe(const double* given) const {
    if (!l.profiled()) return;
    for (int64_t s = 0; s < lethe::seasons; ++s) {
      const Season season = history.season(s);
      const bool known = season.length > 0;
      const bool two_are_there = known && history.events() == 2 * in_events(season);
      if (b[l.profile_length + s] != season.length || two_are_there)
        begin(s, season);
      else if (known)
        fold(s, season, history.kept() - 1, given);
    }
  }

  double* profile(int64_t s, int64_t place) const {
    return b + l.profile + (s * l.depth() + place) * l.targets;
  }
  double& fast(int64_t s, int64_t i) const { return b[l.season_fast + s * l.targets + i]; }
  double& slow(int64_t s, int64_t i) const { return b[l.season_slow + s * l.targets + i]; }

  // How far the level drifts with each event, as far as that is more than chance.
  double drift(int64_t s, int64_t i) const {
    const double mean = b[l.drift + s * l.targets + i];
    const double n = std::min(b[l.folded + s * l.targets + i], 2 / drift_rate);
    const double spread = 1.25 * season_fast_rate * b[l.season_error + s * l.targets + i];
    const double chance = spread * spread / n;
    return mean * mean > chance ? mean - chance / mean : 0.0;
  }

  // How much a season grows because its level has grown since, where all is above zero.
  double scaled(int64_t s, int64_t i, double level) const {
    const double then = b[l.profile_level + s * l.targets + i];
    if (!(level > 0 && then > 0)) return 1.0;
    return std::clamp(level / then, 1 / most_scaled, most_scaled);
  }

 private:
  // At least one: events may be further apart than a year.
  int64_t in_events(const Season& season) const {
    const double events = season.in_events ? season.length : season.length / b[l.gap];
    return static_cast<int64_t>(std::clamp(events, 1.0, 1e6) + 0.5);
  }

  double value(int64_t nth, int64_t i) const { return history.bounded(history.place(nth), i); }

  // A season that is new, or of which two are there: all that is kept is folded once more. Where
  // two are there, what they differ by is the drift of the first.
  void begin(int64_t s, const Season& season) const {
    const int64_t t = l.targets, kept = history.kept();
    b[l.profile_length + s] = season.length;
    for (const int64_t part : {l.folded, l.season_error, l.drift})
      std::fill(b + part + s * t, b + part + (s + 1) * t, 0.0);
    if (!(season.length > 0)) return;
    const int64_t length = in_events(season);
    for (int64_t i = 0; i < t && 2 * length <= kept; ++i) {
      double differ = 0;
      for (int64_t nth = 0; nth < length; ++nth) differ += value(nth + length, i) - value(nth, i);
      b[l.drift + s * t + i] = differ / static_cast<double>(length) / static_cast<double>(length);
    }
    for (int64_t nth = 0; nth < kept; ++nth) fold(s, season, nth, nullptr);
  }

  void fold(int64_t s, const Season& season, int64_t nth, const double* given) const {
    const int64_t before = history.season_before(nth, 0, season, history.time_of(nth));
    const double events = season.in_events ? season.length : season.length / b[l.gap];
    for (int64_t i = 0; i < l.targets; ++i) {
      const double came = value(nth, i);
      double& now = profile(s, history.place(nth))[i];
      if (before < 0) {
        begin_profile(s, i, nth, came, now);
        continue;
      }
      const double then = profile(s, history.place(before))[i];
      now = then;
      if (!given || std::isfinite(given[i])) follow(s, i, came, then, events, now);
    }
  }

  // Until there is a season to compare with, the level does no more than drift.
  void begin_profile(int64_t s, int64_t i, int64_t nth, double value, double& now) const {
    if (nth == 0) {
      fast(s, i) = slow(s, i) = b[l.profile_level + s * l.targets + i] = value;
    } else {
      fast(s, i) += b[l.drift + s * l.targets + i];
      slow(s, i) += b[l.drift + s * l.targets + i];
    }
    now = value - fast(s, i);
  }

  void follow(int64_t s, int64_t i, double value, double then, double events, double& now) const {
    const int64_t at = s * l.targets + i;
    double &error = b[l.season_error + at], &folded = b[l.folded + at], &drift = b[l.drift + at];
    const double seen = std::floor(folded / events), off = value - then - fast(s, i);
    drift += std::max(1 / (folded + 1), drift_rate) * (season_fast_rate * off - drift);
    fast(s, i) += season_fast_rate * off;
    slow(s, i) += season_slow_rate * (value - then - slow(s, i));
    follow_mean(error, folded, std::abs(off));
    const double rate = std::max(1 / (2 + seen), profile_rate);
    double& level = b[l.profile_level + at];
    level += std::min(rate / events, 1.0) * (fast(s, i) - level);
    const double most = most_spreads * error;
    now += rate * std::clamp(value - then - fast(s, i), -most, most);
  }
};

}  // namespace LETHE_ISA
