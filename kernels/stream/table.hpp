// The table that a distribution is kept as: places, points and uniform pieces between them, tails.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace LETHE_ISA {

// The power of tails, F(x) ~ |x|^-tail_power, beyond all residuals.
constexpr double tail_power = 4.0;
constexpr int64_t most_places = 72;

// The part of a tail that lies so far beyond its beginning.
inline double tail_beyond(double beyond, double scale) {
  if (scale == 0) return beyond <= 0;
  const double root = 1 + std::max(beyond, 0.0) / (tail_power * scale);
  return 1 / (root * root * root * root);
}

// How far out in a tail of probability `all` the place is that so much lies beyond.
inline double tail_place(double probability, double all, double scale) {
  return tail_power * scale * (1 / std::sqrt(std::sqrt(probability / all)) - 1);
}

struct Table {
  int64_t n = 0;
  double x[most_places], below[most_places], up_to[most_places];
  double left = 0, right = 0;  // the scales of the tails

  // Of at most v.
  double cdf(double v) const {
    const int64_t at = (std::upper_bound(x, x + n, v) - x) - 1;
    double found;
    if (at < 0) {
      found = below[0] * tail_beyond(x[0] - v, left);
    } else if (at >= n - 1) {
      found = 1 - (1 - up_to[n - 1]) * tail_beyond(v - x[n - 1], right);
    } else {
      const double share = (v - x[at]) / (x[at + 1] - x[at]);
      found = up_to[at] + share * (below[at + 1] - up_to[at]);
    }
    return std::clamp(found, 0.0, 1.0);
  }

  // Of less than v.
  double less(double v) const {
    const int64_t at = std::min<int64_t>(std::lower_bound(x, x + n, v) - x, n - 1);
    return x[at] == v ? below[at] : cdf(v);
  }

  // The least place with a probability of at least q of at most it.
  double quantile(double q) const {
    if (q < below[0]) return x[0] - tail_place(q, below[0], left);
    if (q > up_to[n - 1]) return x[n - 1] + tail_place(1 - q, 1 - up_to[n - 1], right);
    int64_t at = 0;
    while (at < n - 1 && below[at + 1] <= q) ++at;
    if (at == n - 1 || q <= up_to[at]) return x[at];
    return x[at] + (x[at + 1] - x[at]) / (below[at + 1] - up_to[at]) * (q - up_to[at]);
  }

  // Points with probabilities of their own, at places that are there.
  void add_point(double value, double share) {
    const int64_t at = std::lower_bound(x, x + n, value) - x;
    for (int64_t i = at; i < n; ++i) up_to[i] += share;
    for (int64_t i = at + 1; i < n; ++i) below[i] += share;
  }

  // Nothing is known but the range: uniform in it, or, where it is open, half of the probability on
  // each side of the value.
  void set_unknown(double value, double low, double high) {
    if (low == high) return set_point(low);
    n = 0;
    left = right = 0;
    if (low > -HUGE_VAL) add(low, 0.0);
    if (!(low > -HUGE_VAL && high < HUGE_VAL)) add(std::min(std::max(value, low), high), 0.5);
    if (high < HUGE_VAL) add(high, 1.0);
    if (!(low > -HUGE_VAL)) left = HUGE_VAL;
    if (!(high < HUGE_VAL)) right = HUGE_VAL;
  }
  void add(double place, double probability) {
    const bool is_new = !n || x[n - 1] != place;
    n += is_new;
    x[n - 1] = place;
    up_to[n - 1] = probability;
    if (is_new) below[n - 1] = probability;
  }
  void set_point(double value) {
    n = 1;
    x[0] = value;
    below[0] = left = right = 0;
    up_to[0] = 1;
  }
};

}  // namespace LETHE_ISA
