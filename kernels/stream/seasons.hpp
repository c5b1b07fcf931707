// Seasons of the targets: a profile that follows what each time of a season brings, and the level
// without it (the additive Holt-Winters method). The profile lies beside the ring of past values,
// so what is one season ago in the one is in the other, too.
#pragma once

#include <algorithm>
#include <cmath>

#include "history.hpp"
#include "layout.hpp"
#include "scales.hpp"

namespace LETHE_ISA {

constexpr double profile_rate = 0.2;  // the least: some five seasons
constexpr double drift_rate = 0.005;
constexpr double season_fast_rate = 0.3, season_slow_rate = 0.05;
constexpr double most_season_error = 10.0;  // usual errors that a profile follows at most

struct Seasons {
  const NumberLayout& l;
  double* b;
  History history = {l, b};

  // After the history has taken an event in.
  void observe(const double* given) const {
    if (!l.profiled()) return;
    for (int64_t s = 0; s < lethe::seasons; ++s) {
      const Season season = history.season(s);
      const int64_t last = history.kept() - 1;
      const int64_t length = in_events(season);
      const bool second = length > 0 && last + 1 == 2 * length;
      if (b[l.profile_length + s] == season.length && !second) {
        if (season.length > 0) fold(s, season, last, 0, given);
        continue;
      }
      b[l.profile_length + s] = season.length;
      std::fill(b + l.folded + s * l.targets, b + l.folded + (s + 1) * l.targets, 0.0);
      std::fill(b + l.season_error + s * l.targets, b + l.season_error + (s + 1) * l.targets, 0.0);
      std::fill(b + l.drift + s * l.targets, b + l.drift + (s + 1) * l.targets, 0.0);
      const bool two = length > 0 && last + 1 >= 2 * length;
      if (season.length > 0)
        for (int64_t nth = 0; nth <= last; ++nth) fold(s, season, nth, two ? length : 0, nullptr);
    }
  }

  double* profile(int64_t s, int64_t place) const {
    return b + l.profile + (s * l.depth() + place) * l.targets;
  }
  double& fast(int64_t s, int64_t i) const { return b[l.season_fast + s * l.targets + i]; }
  double& slow(int64_t s, int64_t i) const { return b[l.season_slow + s * l.targets + i]; }

  int64_t in_events(const Season& season) const {
    if (!(season.length > 0)) return 0;
    if (season.in_events) return static_cast<int64_t>(season.length);
    return static_cast<int64_t>(std::min(season.length / b[l.gap], 1e6) + 0.5);
  }

 private:
  double bounded(double came, int64_t i) const {
    const double level = b[l.level_mean + i];
    const double far = most_spreads * std::sqrt(b[l.level_variance + i]);
    return b[l.level_count + i] > warm_up && far > 0 ? std::clamp(came, level - far, level + far) : came;
  }
  double first_slope(int64_t length, int64_t i) const {
    double sum = 0;
    for (int64_t nth = 0; nth < length; ++nth)
      sum += bounded(b[l.values + history.place(nth + length) * l.targets + i], i) -
             bounded(b[l.values + history.place(nth) * l.targets + i], i);
    return sum / static_cast<double>(length) / static_cast<double>(length);
  }

  void fold(int64_t s, const Season& season, int64_t nth, int64_t length,
            const double* given) const {
    const int64_t t = l.targets, place = history.place(nth);
    const int64_t before = history.season_before(nth, 0, season, history.time_of(nth));
    const double gap = season.in_events ? 1.0 : b[l.gap];
    for (int64_t i = 0; i < t; ++i) {
      const double level = b[l.level_mean + i];
      const double far = most_spreads * std::sqrt(b[l.level_variance + i]);
      const double came = b[l.values + place * t + i];
      const bool bounded = b[l.level_count + i] > warm_up && far > 0;
      const double value = bounded ? std::clamp(came, level - far, level + far) : came;
      double& now = profile(s, place)[i];
      if (before < 0) {  // the level stays until there is a season to compare with
        if (nth == 0) fast(s, i) = slow(s, i) = b[l.profile_level + s * t + i] = value;
        else if (length > 0) {
          const double slope = first_slope(length, i);
          fast(s, i) += slope;
          slow(s, i) += slope;
        }
        now = value - fast(s, i);
        continue;
      }
      const double then = profile(s, before)[i];
      now = then;
      if (given && !std::isfinite(given[i])) continue;
      double &error = b[l.season_error + s * t + i], &folded = b[l.folded + s * t + i];
      const double off = value - then - fast(s, i);
      fast(s, i) += season_fast_rate * off;
      double& drift = b[l.drift + s * t + i];
      drift += std::max(1 / (folded + 1), drift_rate) * (season_fast_rate * off - drift);
      slow(s, i) += season_slow_rate * (value - then - slow(s, i));
      const double seen = std::floor(folded * gap / season.length);
      follow_mean(error, folded, std::abs(off));
      const double most = most_season_error * error;
      double& with = b[l.profile_level + s * t + i];
      with += std::max(1 / (2 + seen), profile_rate) * gap / season.length * (fast(s, i) - with);
      now += std::max(1 / (2 + seen), profile_rate) *
             std::clamp(value - then - fast(s, i), -most, most);
    }
  }
};

}  // namespace LETHE_ISA
