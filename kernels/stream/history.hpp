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

// In events, or in seconds; a length of 0 is none.
struct Season {
  double length;
  bool in_events;
};

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

  // Where the nth event lies of those that are kept, from the oldest.
  int64_t place(int64_t nth) const {
    const int64_t n = events(), depth = l.depth(), at = nth + (n > depth ? n % depth : 0);
    return at < depth ? at : at - depth;
  }
  double time_of(int64_t nth) const { return l.timed ? b[l.times + place(nth)] : not_a_number; }

  // A value that is kept, ten spreads at most from where its level is.
  double bounded(int64_t place, int64_t i) const {
    const double came = b[l.values + place * l.targets + i];
    const double d = came - b[l.level_mean + i], variance = b[l.level_variance + i];
    const bool absurd = d * d > most_spreads * most_spreads * variance;
    if (!absurd || !(b[l.level_count + i] > warm_up && variance > 0)) return came;
    const double far = most_spreads * std::sqrt(variance);
    return b[l.level_mean + i] + std::clamp(d, -far, far);
  }

  // Two seasons to look back over: those that are given; a day, a week or a year where there are
  // times; and those that were found.
  Season season(int64_t s) const {
    if (l.period > 0) return {static_cast<double>(s ? l.long_period : l.period), true};
    const double gap = b[l.gap];
    double lengths[lethe::seasons] = {0, 0};
    if (l.timed && gap > 0) {
      lengths[0] = gap <= day / 2 ? day : gap <= week / 2 ? week : year;
      lengths[1] = gap <= day / 2 ? week : gap <= week / 2 ? year : 0;
    }
    // A season that the ring is too short for leaves its place to one that was found.
    int64_t found = 0;
    for (int64_t n = 0; n <= s; ++n) {
      const bool looked_up = lengths[n] > 0 && lengths[n] < gap * static_cast<double>(l.depth());
      if (looked_up) {
        if (n == s) return {lengths[n], false};
        continue;
      }
      while (found < lethe::seasons && is_known(b[l.periods + found] * gap, lengths, gap)) ++found;
      if (found == lethe::seasons) return {0, true};
      if (n == s) return {b[l.periods + found], true};
      ++found;
    }
    return {0, true};
  }

  // Whether a season is none, or a multiple of one that is looked up by times.
  bool is_known(double length, const double* lengths, double gap) const {
    if (!l.timed) return false;
    if (!(length > 0)) return true;
    for (int64_t n = 0; n < lethe::seasons; ++n) {
      if (!(lengths[n] > 0 && lengths[n] < gap * static_cast<double>(l.depth()))) continue;
      const double times = length / lengths[n];
      if (times > 0.9 && std::abs(times - std::round(times)) < 0.05) return true;
    }
    return false;
  }

  // The same in events. A season that is not whole has as many as fit between where it and the
  // next one begin.
  int64_t events_before(int64_t nth, int64_t ahead, double length) const {
    const double first = static_cast<double>(events() - kept());
    const double at = first + static_cast<double>(nth + ahead);
    const double season = std::floor((at + 0.5) / length);
    const auto begin = [&](double s) { return std::floor(s * length + 0.5); };
    double back = 1 + std::floor(static_cast<double>(std::max<int64_t>(ahead - 1, 0)) / length);
    const double beyond = at - begin(season) - first;
    if (begin(season - back) + beyond > static_cast<double>(nth)) back += 1;
    return static_cast<int64_t>(std::max(begin(season - back) + beyond, -1.0));
  }

  // Which of those that are kept lies a season, or as few as can be, before the event so many ahead
  // of the nth; -1 where nothing is kept of that time. `likely`: which it may be.
  int64_t season_before(int64_t nth, int64_t ahead, const Season& season, double seconds,
                        int64_t likely = -1) const {
    if (!(season.length > 0) || nth < 0) return -1;
    if (season.in_events) return events_before(nth, ahead, season.length);
    const double gap = b[l.gap];
    const double* const times = b + l.times;
    const int64_t depth = l.depth(), oldest = place(0);
    const auto time = [&](int64_t i) {
      return times[oldest + i - (oldest + i < depth ? 0 : depth)];
    };
    // An event whose own target is asked for is later than all that is kept; where events to come
    // are asked about, the last one has been kept already.
    const double last = time(nth);
    const double now = seconds > last ? seconds - gap : last;
    const double on = static_cast<double>(ahead) * gap;
    const double then = now + on - season.length * std::max(std::ceil(on / season.length), 1.0);
    // The event nearest in time: the first that is not earlier by more than half a gap.
    const auto is_before = [&](int64_t i) { return time(i) < then - gap / 2; };
    int64_t first = likely;
    if (likely < 1 || likely > nth || is_before(likely) || !is_before(likely - 1)) {
      first = 0;
      for (int64_t left = nth + 1; left > 0;) {
        const int64_t half = left / 2;
        if (is_before(first + half)) {
          first += half + 1;
          left -= half + 1;
        } else {
          left = half;
        }
      }
    }
    return first <= nth && std::abs(time(first) - then) <= 1.5 * gap ? first : -1;
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
