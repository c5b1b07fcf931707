// The past of the targets: a ring of the last events, running levels, and what was one season ago.
#pragma once

#include <cmath>
#include <limits>

#include "layout.hpp"
#include "scales.hpp"

namespace LETHE_ISA {

using lethe::NumberLayout;

constexpr double day = 86400.0, week = 7 * day, year = 365.2425 * day;
constexpr double fast_rate = 0.3, slow_rate = 0.05;
constexpr double gap_rate = 0.05;
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

struct History {
  const NumberLayout& l;
  double* b;

  int64_t events() const { return static_cast<int64_t>(b[l.remembered]); }
  int64_t kept() const { return std::min(events(), l.depth()); }

  // Where the event lies in the ring that came so many before the newest.
  int64_t index(int64_t before) const { return (events() - 1 - before) % l.depth(); }

  // The newest values; before the first event the room for them, which is zero.
  const double* newest() const { return b + l.values + (events() ? index(0) : 0) * l.targets; }

  double past_change(int64_t lag, int64_t i) const {
    const double usual = b[l.mean_change + i];
    if (lag + 1 >= kept() || !(usual > 0)) return 0.0;
    const double now = b[l.values + index(lag) * l.targets + i];
    const double before = b[l.values + index(lag + 1) * l.targets + i];
    return std::clamp((now - before) / usual, -most_standardised, most_standardised);
  }

  // Two seasons to look back over, in events or seconds; 0 is none.
  void season_lengths(double* lengths) const {
    lengths[0] = lengths[1] = 0;
    const double gap = b[l.gap];
    if (l.period > 0) {
      lengths[0] = static_cast<double>(l.period);
    } else if (l.timed && gap > 0) {
      lengths[0] = gap <= day / 2 ? day : gap <= week / 2 ? week : year;
      lengths[1] = gap <= day / 2 ? week : gap <= week / 2 ? year : 0;
    }
  }

  // The values one season before the event so many ahead of the last; the last values where
  // nothing is kept of that time.
  const double* last_season(int64_t ahead, double length, double seconds) const {
    const int64_t n = kept();
    if (!(length > 0) || !n) return newest();
    int64_t nth = -1;  // of those that are kept, from the oldest
    if (l.period > 0) {
      nth = n - 1 + ahead - l.period;
    } else {
      const double gap = b[l.gap];
      const double* const times = b + l.times;
      const int64_t depth = l.depth(), oldest = (events() - n) % depth;
      const auto time = [&](int64_t i) {
        return times[oldest + i - (oldest + i < depth ? 0 : depth)];
      };
      // An event whose own target is asked for is later than all that is kept; where events to come
      // are asked about, the last one has been kept already.
      const double last = time(n - 1);
      const double now = seconds > last ? seconds - gap : last;
      const double then = now + static_cast<double>(ahead) * gap - length;
      // The event nearest in time: the first that is not earlier by more than half a gap.
      nth = 0;
      for (int64_t left = n; left > 0;) {
        const int64_t half = left / 2;
        if (time(nth + half) < then - gap / 2) {
          nth += half + 1;
          left -= half + 1;
        } else {
          left = half;
        }
      }
      if (nth < n && !(std::abs(time(nth) - then) <= 1.5 * gap)) nth = -1;
    }
    return nth < 0 || nth >= n ? newest() : b + l.values + index(n - 1 - nth) * l.targets;
  }

  // Targets become part of the past; one that is missing (NaN) repeats its last value.
  void observe(const double* given, double seconds) const {
    const int64_t t = l.targets, kept_so_far = events();
    const double then = l.timed && kept_so_far ? b[l.times + index(0)] : not_a_number;
    const double* const before = newest();
    const int64_t to = kept_so_far % l.depth();
    for (int64_t i = 0; i < t; ++i) {
      const bool missing = !std::isfinite(given[i]);
      const double value = missing ? before[i] : given[i];
      const bool seen = b[l.counted + i] > 0;
      if (!missing && seen)
        follow_mean(b[l.mean_change + i], b[l.changes + i], std::abs(value - before[i]));
      double &fast = b[l.fast + i], &slow = b[l.slow + i], &median = b[l.median + i];
      fast = seen ? fast + fast_rate * (value - fast) : value;
      slow = seen ? slow + slow_rate * (value - slow) : value;
      const double up = static_cast<double>((value > median) - (value < median));
      median = seen ? median + up * slow_rate * b[l.mean_change + i] : value;
      if (!missing) {
        // The mean of what is not absurd: ten spreads at most from where the level is.
        const double level = b[l.level_mean + i];
        const double far = most_spreads * std::sqrt(b[l.level_variance + i]);
        const bool bounded = b[l.level_count + i] > warm_up && far > 0;
        b[l.total + i] += bounded ? std::clamp(value, level - far, level + far) : value;
        b[l.counted + i] += 1;
      }
      b[l.values + to * t + i] = value;
    }
    observe_levels(given, b + l.level_mean, b + l.level_variance, b + l.level_count, t);
    double& gap = b[l.gap];
    // Gaps vary; a long one moves their mean as a doubled one would.
    if (seconds - then > 0)
      gap = gap > 0 ? gap + gap_rate * (std::min(seconds - then, 2 * gap) - gap) : seconds - then;
    if (l.timed)
      b[l.times + to] =
          std::isfinite(seconds) ? seconds : std::min(then + gap, lethe::holds::most_time);
    b[l.remembered] = static_cast<double>(kept_so_far + 1);
  }
};

}  // namespace LETHE_ISA
