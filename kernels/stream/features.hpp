// An event as features: the past of the targets, seasons, the calendar, and the event's columns.
#pragma once

#include <cmath>

#include "anchors.hpp"
#include "columns.hpp"
#include "history.hpp"
#include "layout.hpp"
#include "seasons.hpp"
#include "stream.hpp"

namespace LETHE_ISA {

constexpr double farthest = 20.0;  // usual distances that a feature or a prediction is away at most
constexpr double most_distance = 1e170;  // that any prediction is away at most

struct Features {
  const NumberLayout& l;
  double* b;
  History history = {l, b};
  Seasons seasons = {l, b};
  Anchors anchors = {l, b};

  // One number for the constant and for each input of the networks.
  void encode(const Event& event, double* f) const {
    *f++ = 1.0;
    const double* const newest = history.newest();
    for (int64_t i = 0; i < l.targets; ++i) *f++ = anchors.encode(i, newest[i]);
    for (int64_t lag = 0; lag < l.lags; ++lag)
      for (int64_t i = 0; i < l.targets; ++i) *f++ = history.past_change(lag, i);
    if (l.seasonal()) f = encode_seasons(event.seconds, f);
    if (l.timed) f = encode_calendar(event.seconds, f);
    for (int64_t i = 0; i < l.targets; ++i) *f++ = b[l.surprise + i];
    encode_columns(event, f);
  }

 private:
  // One number for each slot: columns of numbers by their anchors, categories and what is missing
  // as ones.
  void encode_columns(const Event& event, double* out) const {
    std::fill(out, out + l.slots, 0.0);
    const lethe::ColumnParts& at = l.columns;
    const auto count = static_cast<int64_t>(b[at.columns]);
    for (int64_t i = 0; i < count; ++i) {
      const double value = event.numbers[i];
      const auto slot = static_cast<int64_t>(b[at.slot + i]);
      const auto missing = static_cast<int64_t>(b[at.missing_slot + i]);
      out[slot] = anchors.encode(l.targets + slot, value);
      if (missing > 0) out[missing - 1] = value == value ? 0.0 : 1.0;
    }
    for (int64_t i = 0; i < event.slot_count; ++i) out[event.slots[i]] = 1.0;
  }

  // What a season brought then, beside its level; with it where there are no profiles.
  double brought(int64_t s, int64_t nth, int64_t i) const {
    const int64_t place = history.place(nth);
    return l.profiled() ? seasons.profile(s, place)[i] : b[l.values + place * l.targets + i];
  }

  // What each season brings at this time: its distance from now, its next step and its far one.
  double* encode_seasons(double seconds, double* f) const {
    const int64_t t = l.targets, newest = history.kept() - 1;
    const double* const now = history.newest();
    for (int64_t s = 0; s < lethe::seasons; ++s) {
      const Season season = history.season(s);
      const auto then = [&](int64_t ahead) {
        return history.season_before(newest, ahead, season, seconds);
      };
      const int64_t zero = then(0), one = then(1), far = then(l.horizon);
      const bool known = zero >= 0 && one >= 0;
      for (int64_t i = 0; i < t; ++i) {
        const double* const scale = b + l.scale + i * l.horizon;
        const double before = known ? brought(s, zero, i) : 0,
                     next = known ? brought(s, one, i) : 0;
        const double later = known && far >= 0 ? brought(s, far, i) : before;
        const double level = l.profiled() ? seasons.fast(s, i) : 0;
        *f++ = known ? in_usual_distances(level + next - now[i], scale[0]) : 0.0;
        *f++ = in_usual_distances(next - before, scale[0]);
        *f++ = in_usual_distances(later - before, scale[l.horizon - 1]);
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
