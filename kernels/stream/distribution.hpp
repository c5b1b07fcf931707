// The distribution of a number to come, from what came after earlier predictions.
//
// The last residuals of a head, each in units of the mean absolute error at its time, are weighed
// by how much the state of the stream then is like its state now (a kernel regression of the
// residuals' distribution; Nadaraya 1964, Hall, Wolff & Yao 1999). What comes again to the bit (a
// repeated value, zero, an end of the range) has a probability of its own; a lattice, such as whole
// numbers, and a range that the data keep to are kept.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>

#include "lattice.hpp"
#include "stream.hpp"
#include "table.hpp"
#include "weighing.hpp"

namespace LETHE_ISA {

// Independent residuals by which their skewness and their median are believed by half.
constexpr double trusted = 10.0;
// Standard errors that the mean must lie off the forecast for any of it to be believed.
constexpr double doubted_errors = 2.0;
// Cumulative probabilities at which a distribution is kept; of a tail that is cut off, parts of it.
constexpr double kept_levels[] = {0.001, 0.0025, 0.005, 0.01,  0.02,   0.035, 0.05, 0.075, 0.1,
                                  0.15,  0.2,    0.25,  0.3,   0.35,   0.4,   0.45, 0.5,   0.55,
                                  0.6,   0.65,   0.7,   0.75,  0.8,    0.85,  0.9,  0.925, 0.95,
                                  0.965, 0.98,   0.99,  0.995, 0.9975, 0.999};
constexpr double parts_of_tail[] = {0.001, 0.01, 0.05, 0.1, 0.25, 0.5};
// How far out in a tail, in four times its scale, places are that keep it short where an end is
// far.
constexpr double far_in_tail[] = {3e1, 2e2, 1e3, 1e4};
constexpr int64_t most_levels = std::size(kept_levels) + 2;

using Pair = Sorted::Pair;

// Two sorted rows of the same length, from both ends at once: which comes next no processor can
// guess, so that branches would cost more than all else. They lie one behind the other.
inline void merge(const Pair* pairs, int64_t n, Pair* merged) {
  int64_t a = 0, a_end = n - 1, b = n, b_end = 2 * n - 1;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t is_a = pairs[a].z <= pairs[b].z, is_b_end = pairs[a_end].z <= pairs[b_end].z;
    merged[i] = pairs[b ^ ((a ^ b) & -is_a)];
    merged[2 * n - 1 - i] = pairs[a_end ^ ((a_end ^ b_end) & -is_b_end)];
    a += is_a, b += 1 - is_a, b_end -= is_b_end, a_end -= 1 - is_b_end;
  }
}

class HeadDistribution {
 public:
  Table table;
  double step = 0, doubt = 0, scale = 1;
  double believed = 1;  // how much of what the mean is off the forecast

  // `near`: the state in which the head was whose residuals these are; `state`: what is asked.
  HeadDistribution(const HeadState& asked, HeadState near, const Ring& ring) : ring_(ring) {
    if (!(near.usual > 0) || !ring.count) {
      if (ring.count < enough_values)
        table.set_unknown(asked.predicted, asked.low, asked.high);
      else
        table.set_point(asked.predicted);
      return;
    }
    state_ = asked;
    moderate(state_), moderate(near);
    sample_.weigh(near, ring);
    step = lattice_step(ring);
    doubt = 1 / static_cast<double>(ring.count + 2);
    scale = state_.usual;
    find_points();
    double rest = 1;
    for (int64_t i = 0; i < points_; ++i) rest -= share_[i];
    for (int64_t i = 0; i < sample_.n; ++i) sample_.all[i] += sample_.share[i];
    believed = believed_mean();
    if (rest > 1e-12) {
      find_pieces();
      join(rest);
    } else {
      join(0);
    }
  }

 private:
  // With numbers that can be computed with, as those of a stream are.
  static void moderate(HeadState& state) {
    state.usual = std::clamp(state.usual, 1e-290, 1e150);
    state.predicted = std::min({std::max({state.predicted, state.low, -1e160}), state.high, 1e160});
  }

  // Values that came to the bit and their probabilities, which no other residuals have then.
  void find_points() {
    const double values[] = {state_.low, state_.high, 0.0, state_.last};
    int64_t counts[std::size(values)] = {};
    ring_.each([&](int64_t, const double* row) {
      const double actual = row[lethe::was_actual];
      counts[0] += actual == values[0];
      counts[1] += actual == values[1];
      counts[2] += actual == 0;
      counts[3] += actual == row[lethe::was_last];
    });
    for (size_t which = 0; which < std::size(values); ++which) {
      if (!std::isfinite(values[which]) || counts[which] < 2) continue;
      double sum = 0;
      ring_.each([&](int64_t i, const double* row) {
        const double same = which == 3 ? row[lethe::was_last] : values[which];
        if (row[lethe::was_actual] != same) return;
        sum += sample_.share[i];
        sample_.share[i] = 0;
      });
      add_point(std::min(std::max(values[which], state_.low), state_.high), sum);
    }
  }
  void add_point(double value, double share) {
    int64_t at = 0;
    while (at < points_ && value_[at] != value) ++at;
    if (at == points_) value_[points_] = value, share_[points_++] = 0;
    share_[at] += share;
  }

  double independent() const { return std::max(sample_.effective / sample_.run, 0.25); }

  // Of how far the mean lies off the forecast: what is beyond chance.
  double believed_mean() const {
    const double error = sample_.variance * sample_.run / sample_.effective;
    const double square = sample_.mean * sample_.mean;
    if (!(square > 0)) return 0;
    return std::max(1 - doubted_errors * doubted_errors * error / square, 0.0);
  }

  // Residuals, as little skewed and as little off zero as so few independent ones can say, at the
  // levels that are kept: each once as it is, and once mirrored at their median.
  void find_quantiles(double trust, double sum, double* z_at) const {
    const Sorted sorted(sample_.z, sample_.all, sample_.n);
    const int64_t n = sorted.size();
    const double median = sorted.quantile(half_ * sum), middle = trust * median;
    const double as_is = (1 + trust) / (2 * sum), mirrored = (1 - trust) / (2 * sum);
    Pair both[2 * Weighed::most], merged[2 * Weighed::most];
    for (int64_t i = 0; i < n; ++i) {
      const double apart = sorted[i].z - median;
      both[i] = {middle + apart, as_is * sorted[i].share};
      both[2 * n - 1 - i] = {middle - apart, mirrored * sorted[i].share};
    }
    merge(both, n, merged);
    double cumulated = 0, before = 0, place_before = 0;
    int64_t level = 0;
    for (int64_t i = 0; i < 2 * n && level < levels_; ++i) {
      const Pair next = merged[i];
      cumulated += next.share;
      const double here = cumulated - 0.5 * next.share;
      for (; level < levels_ && level_[level] < here; ++level) {
        const double share = i ? (level_[level] - before) / (here - before) : 1;
        z_at[level] = place_before + share * (next.z - place_before);
      }
      before = here, place_before = next.z;
    }
    for (; level < levels_; ++level) z_at[level] = place_before;
  }

  // Places, the probabilities of less than them, and the scales of the tails beyond.
  void find_pieces() {
    const double trust = independent() / (independent() + trusted);
    const double sum = sample_.sum_of([](double all, double, double) { return all; });
    const double squares = sample_.sum_of([](double all, double, double) { return all * all; });
    const double least = std::max(0.25 * (1 + trust * trust) * squares / (sum * sum), 1e-4);
    levels_ = 0;
    if (least < 0.5) level_[levels_++] = least;
    for (const double level : kept_levels)
      if (least < level && level < 1 - least) level_[levels_++] = level;
    if (least < 0.5) level_[levels_++] = 1 - least;
    if (!levels_) level_[levels_++] = 0.5;
    double z_at[most_levels];
    find_quantiles(trust, sum, z_at);
    // One of n + 1 lies beyond n independent ones.
    const double n = std::max(sample_.effective / std::pow(sample_.run, run_power), 0.25);
    for (int64_t i = 0; i < levels_; ++i) level_[i] = (n * level_[i] + 0.5) / (n + 1);
    double left = 1, right = 1;
    if (level_[0] < 0.1) {
      const double inner = std::min(4 * level_[0], 0.25), slope = std::log(inner / level_[0]);
      left = (at_level(inner, z_at) - z_at[0]) / slope;
      right = (z_at[levels_ - 1] - at_level(1 - inner, z_at)) / slope;
    }
    smooth_.left = std::max(left, 1e-3) * state_.usual;
    smooth_.right = std::max(right, 1e-3) * state_.usual;
    smooth_.n = 0;
    for (int64_t i = 0; i < levels_; ++i) {
      const double x = state_.predicted + state_.usual * z_at[i];
      int64_t& n = smooth_.n;
      if (!n || x > smooth_.x[n - 1]) smooth_.x[n] = x, smooth_.below[n++] = level_[i];
      smooth_.up_to[n - 1] = level_[i];
    }
  }

  double at_level(double level, const double* z_at) const {
    const int64_t next = std::upper_bound(level_, level_ + levels_, level) - level_;
    if (next == 0) return z_at[0];
    if (next == levels_) return z_at[levels_ - 1];
    const double share = (level - level_[next - 1]) / (level_[next] - level_[next - 1]);
    return z_at[next - 1] + share * (z_at[next] - z_at[next - 1]);
  }

  // One table of points and pieces, within the range.
  void join(double rest) {
    double x[most_places];
    int64_t n = 0;
    const auto add = [&](double place) { x[n++] = place; };
    const auto fix = [&](auto&& call) {
      for (int64_t i = 0; i < points_; ++i) call(value_[i]);
      if (std::isfinite(state_.low)) call(state_.low);
      if (std::isfinite(state_.high)) call(state_.high);
    };
    double least = HUGE_VAL, most = -HUGE_VAL;
    fix([&](double place) { least = std::min(least, place), most = std::max(most, place); });
    fix(add);
    if (rest > 0) {
      const int64_t last = smooth_.n - 1;
      std::for_each(smooth_.x, smooth_.x + smooth_.n, add);
      // Uniform pieces in the place of tails that are cut off.
      for (const double part : parts_of_tail) {
        if (least < smooth_.x[0]) add(smooth_.quantile(level_[0] * part));
        if (most > smooth_.x[last]) add(smooth_.quantile(1 - (1 - level_[levels_ - 1]) * part));
      }
      for (const double far : far_in_tail) {
        if (least < smooth_.x[0]) add(smooth_.x[0] - far * tail_power * smooth_.left);
        if (most > smooth_.x[last]) add(smooth_.x[last] + far * tail_power * smooth_.right);
      }
    }
    for (int64_t i = 0; i < n; ++i) x[i] = std::min(std::max(x[i], state_.low), state_.high);
    std::sort(x, x + n);
    table.n = std::unique(x, x + n) - x;
    std::copy(x, x + table.n, table.x);
    fill(rest);
  }

  void fill(double rest) {
    const int64_t last = table.n - 1;
    for (int64_t i = 0; i <= last; ++i) {
      table.up_to[i] = rest > 0 ? rest * smooth_.cdf(table.x[i]) : 0;
      table.below[i] = rest > 0 ? rest * smooth_.less(table.x[i]) : 0;
    }
    if (table.x[0] == state_.low) table.below[0] = 0;
    if (table.x[last] == state_.high) table.up_to[last] = rest;
    for (int64_t i = 0; i < points_; ++i) table.add_point(value_[i], share_[i]);
    if (rest > 0) {  // beyond the first place and the last: what is left of the tails
      table.left = smooth_.left + std::max(smooth_.x[0] - table.x[0], 0.0) / tail_power;
      table.right =
          smooth_.right + std::max(table.x[last] - smooth_.x[smooth_.n - 1], 0.0) / tail_power;
    }
    if (table.up_to[last] > 1 - 1e-12) table.up_to[last] = 1;
  }

  // A little below, so that rounding does not decide between two in the middle.
  static constexpr double half_ = 0.5 * (1 - 1e-12);
  const Ring& ring_;
  HeadState state_;
  Weighed sample_;
  Table smooth_;
  double value_[4], share_[4];
  int64_t points_ = 0;
  double level_[most_levels];
  int64_t levels_ = 0;
};

// What was answered about heads, and the residuals of a model that has gone on since.
class AskedHeads {
 public:
  explicit AskedHeads(const lethe::Asked& asked)
      : asked_(asked), horizon_(asked.heads / asked.targets) {}

  HeadState state(int64_t head) const {
    const int64_t heads = asked_.heads, target = head / horizon_;
    const double* const of_targets = asked_.answer + 4 * heads;
    const double* const bounds = of_targets + asked_.targets + 2 * target;
    return {asked_.answer[head],
            asked_.answer[heads + head],
            asked_.answer[3 * heads + head],
            of_targets[target],
            bounds[0],
            bounds[1],
            1 + head % horizon_};
  }

  // The residuals that there had been, while they have not been overwritten; else those there are.
  Ring ring(int64_t head) const {
    const int64_t kept = asked_.kept, now = counted(asked_.counts[head]);
    int64_t then = counted(asked_.answer[2 * asked_.heads + head]);
    int64_t first = std::max<int64_t>(0, now - kept);
    if (first >= then && then > 0) first = now - kept, then = now;
    return {asked_.residuals + head * kept * lethe::residual_numbers, kept, first,
            std::clamp<int64_t>(then - first, 0, kept)};
  }

  // The head itself, or the nearest one before it of which something is known by now.
  int64_t known(int64_t head) const {
    for (int64_t near = head; near >= head - head % horizon_; --near)
      if (const int64_t count = ring(near).count;
          count >= (state(near).usual > 0 ? 1 : enough_values))
        return near;
    return head;
  }

 private:
  static int64_t counted(double count) {
    return count >= 0 && count <= lethe::holds::most_count ? static_cast<int64_t>(count) : 0;
  }

  const lethe::Asked& asked_;
  int64_t horizon_;
};

// Writes the tails' scales, the lattice's step, how far it and the range are doubted, the scale,
// how much of the mean is believed; then the places, then the probabilities of less than each and
// of at most it. Returns how many numbers these are.
inline int64_t distribution(const lethe::Asked& asked, double* answer) {
  const AskedHeads heads(asked);
  const int64_t near = heads.known(asked.head);
  HeadState state = heads.state(asked.head);
  const HeadState before = heads.state(near);
  // Further ahead errors are larger: at most as those of a random walk, for all that is known.
  if (near != asked.head)
    state.usual = before.usual *
                  std::sqrt(static_cast<double>(state.ahead) / static_cast<double>(before.ahead));
  const Ring ring = heads.ring(near);
  const HeadDistribution found(state, before, ring);
  const Table& table = found.table;
  for (const double number :
       {table.left, table.right, found.step, found.doubt, found.scale, found.believed})
    *answer++ = number;
  answer = std::copy(table.x, table.x + table.n, answer);
  for (int64_t i = 0; i < table.n; ++i) *answer++ = table.below[i], *answer++ = table.up_to[i];
  return 6 + 3 * table.n;
}

}  // namespace LETHE_ISA
