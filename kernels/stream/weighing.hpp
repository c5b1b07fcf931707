// Residuals of a head as they count now: how much the state of the stream at each was like it is
// now, in which units they are measured, how many of them are independent; and their order.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "../network/lanes.hpp"
#include "layout.hpp"

namespace LETHE_ISA {

// Where the state of the stream is this much different, in units of the mean absolute error or as a
// logarithm, a residual counts a quarter of one in the same state.
constexpr double error_width = 0.4, level_width = 2.8, change_width = 4.2, spread_width = 1.4;
// A forecast far from the last value is one of a jump: levels and changes are then as much
// different as they are in parts of it.
constexpr double jump_width = 0.05;
// So are they where predictors are far apart, in parts of how far.
constexpr double doubt_width = 0.3;
// Residuals in quite another state count together as much as so many in the same state.
constexpr double other_states = 1.0;
// Errors count at most as so many mean ones.
constexpr double farthest_residual = 1e12;
// The share of residuals that overlap of which a tail knows less: the power of their run.
constexpr double run_power = 2.0 / 3;

// What was answered about one head, and the state of the stream at that time.
struct HeadState {
  double predicted, usual, spread, last, low, high;
  int64_t ahead;
};

// The last residuals of a head in a ring, in the order of time.
struct Ring {
  const double* rows;
  int64_t kept, first, count;

  const double* row(int64_t i) const { return rows + (first + i) % kept * lethe::residual_numbers; }
  // Calls with each residual's number and row.
  template <class Call>
  void each(Call&& call) const {
    const double* at = row(0);
    const double* const end = rows + kept * lethe::residual_numbers;
    for (int64_t i = 0; i < count; ++i) {
      call(i, at);
      at += lethe::residual_numbers;
      if (at == end) at = rows;
    }
  }
};

// The natural logarithm of normal numbers: x = 2^k m with m between sqrt(1/2) and sqrt(2), and the
// series of log m = 2 artanh(s) in s = (m - 1) / (m + 1). Its relative error is below 1e-15.
template <int W>
LETHE_INLINE Lanes<double, W> logarithm(Lanes<double, W> x) {
  using V = Lanes<double, W>;
  typedef uint64_t U __attribute__((vector_size(W * 8), may_alias));
  const U bits = reinterpret_cast<U>(x);
  // Of sqrt(1/2), and 1024 more in the exponent, so that it is never below 0.
  const U raised = (bits - 0x3FE6A09E667F3BCDu + (uint64_t(1024) << 52)) >> 52;
  const V m = reinterpret_cast<V>(bits - ((raised - 1024) << 52));
  // A whole number below 2^52 as the last bits of 2^52 and itself.
  const V k = reinterpret_cast<V>(raised | 0x4330000000000000u) - (4503599627370496.0 + 1024);
  const V s = (m - 1) / (m + 1), s2 = s * s, s4 = s2 * s2;
  const V low = (1.0 / 3 + s2 * (1.0 / 5)) + s4 * (1.0 / 7 + s2 * (1.0 / 9));
  const V high = (1.0 / 11 + s2 * (1.0 / 13)) + s4 * (1.0 / 15 + s2 * (1.0 / 17)) +
                 (s4 * s4) * (1.0 / 19 + s2 * (1.0 / 21));
  return k * 0.693147180559945309 + 2 * (s + s * s2 * (low + (s4 * s4) * high));
}

struct Weighed {
  static constexpr int64_t most = lethe::most_residuals;
  int64_t n = 0;
  double z[most];        // residuals in units of the mean absolute error at their time
  double share[most];    // how much each counts by the state it was in, of 1
  double all[most];      // how much it counts whatever the state was, but for how large errors were
  double run = 1;        // residuals in a row that say about the same
  double effective = 0;  // as many as count
  double mean = 0, variance = 0;

  void weigh(const HeadState& state, const Ring& ring) {
    n = ring.count;
    const double now = state.usual, ahead_of_last = state.predicted - state.last;
    const double jump = jump_width * std::abs(ahead_of_last) + doubt_width * state.spread;
    const double level = 1 / (level_width * now + jump), change = 1 / (change_width * now + jump);
    const double per_spread = 1 / std::clamp(state.spread / now, 1e-2, 1e200);
    ring.each([&](int64_t i, const double* row) {
      const double usual = std::max(row[lethe::was_usual], 1e-9 * now);
      const double predicted = row[lethe::was_predicted];
      const double b = (predicted - state.predicted) * level;
      const double c = (predicted - row[lethe::was_last] - ahead_of_last) * change;
      larger[i] = std::min(usual / now, 1e300);
      share[i] = (1 + b * b) * (1 + c * c);
      all[i] = std::clamp(row[lethe::was_spread] / usual, 1e-2, 1e200) * per_spread;
      const double unit = row[lethe::was_usual] > 0 ? row[lethe::was_usual] : now;
      const double residual = (row[lethe::was_actual] - predicted) / unit;
      z[i] = residual == residual ? std::clamp(residual, -farthest_residual, farthest_residual) : 0;
    });
    const double sum = multiply_kernels();
    const double scale = 1 / sum;
    for (int64_t i = 0; i < n; ++i) share[i] *= scale, all[i] *= scale;
    run = run_of(state.ahead);
    const auto first = [&](double all_, double share_, double z_) { return (all_ + share_) * z_; };
    mean = sum_of(first);
    variance = sum_of([&](double all_, double share_, double z_) {
      return (all_ + share_) * (z_ - mean) * (z_ - mean);
    });
  }

  // Over all residuals, in four sums that do not wait for each other.
  template <class Term>
  double sum_of(Term&& term) const {
    double sums[4] = {};
    for (int64_t i = 0; i < n; ++i) sums[i % 4] += term(all[i], share[i], z[i]);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

 private:
  double larger[most];  // errors at each residual than now

  // From parts of the distances to both weights; returns the sum of these.
  double multiply_kernels() {
    constexpr int W = native_lanes<double>;
    using V = Lanes<double, W>;
    const double few = other_states / static_cast<double>(std::max<int64_t>(n, 1024));
    const int64_t whole = (n + W - 1) / W * W;
    for (int64_t i = n; i < whole; ++i) larger[i] = share[i] = all[i] = 1;
    V sum = {}, squares = {};
    for (int64_t i = 0; i < whole; i += W) {
      const V a = logarithm<W>(load<W>(larger + i)) * (1 / error_width);
      const V d = logarithm<W>(load<W>(all + i)) * (1 / spread_width);
      const V far = 1 + a * a, product = far * load<W>(share + i) * (1 + d * d);
      V similar = 1 / (product * product);
      similar = similar == similar ? similar : V{};
      V other = few / far + 1e-100;
      if (i + W > n)
        for (int lane = 0; lane < W; ++lane)
          if (i + lane >= n) similar[lane] = other[lane] = 0;
      store<W>(share + i, similar);
      store<W>(all + i, other);
      sum += similar + other;
      squares += (similar + other) * (similar + other);
    }
    const double all_together = LETHE_ISA::sum<double, W>(sum);
    effective = all_together * all_together / LETHE_ISA::sum<double, W>(squares);
    return all_together;
  }

  // How many residuals in a row say about the same: those of one head overlap.
  double run_of(int64_t ahead) const {
    if (ahead == 1) return 1;
    const int64_t length = std::min(ahead, std::max<int64_t>(n / 2, 1)), blocks = n / length;
    const auto within = [&](int64_t i) { return std::clamp(z[i], -20.0, 20.0); };
    double sum = 0, squares = 0, sum_of_means = 0, squares_of_means = 0;
    for (int64_t i = 0; i < n; ++i) sum += within(i);
    const double centre = sum / static_cast<double>(n);
    for (int64_t i = 0; i < n; ++i) squares += (within(i) - centre) * (within(i) - centre);
    const auto mean_of = [&](int64_t block) {
      double of_block = 0;
      for (int64_t i = 0; i < length; ++i)
        of_block += within(n - blocks * length + block * length + i);
      return of_block / static_cast<double>(length);
    };
    for (int64_t block = 0; block < blocks; ++block) sum_of_means += mean_of(block);
    const double middle = sum_of_means / static_cast<double>(blocks);
    for (int64_t block = 0; block < blocks; ++block) {
      const double apart = mean_of(block) - middle;
      squares_of_means += apart * apart;
    }
    const double spread = squares / static_cast<double>(n);
    auto found = static_cast<double>(ahead);
    if (blocks > 1 && spread > 0) {
      const double of_means = squares_of_means / static_cast<double>(blocks - 1);
      found = std::clamp(static_cast<double>(length) * of_means / spread, 1.0,
                         static_cast<double>(length));
    }
    const double early = 0.5 * static_cast<double>(ahead);
    return found + (static_cast<double>(ahead) - found) * early / (static_cast<double>(n) + early);
  }
};

// Sorts numbers, and what belongs to each, by the upper halves of their bits, and then those few
// that have the same. Four passes: a third of the time that comparisons take.
class Sorted {
 public:
  static constexpr int64_t most = lethe::most_residuals;
  struct Pair {
    double z, share;
  };

  Sorted(const double* z, const double* share, int64_t n) : n_(n) {
    uint32_t counts[passes][256] = {};
    for (int64_t i = 0; i < n; ++i) {
      keys_[0][i] = {key_of(z[i]), static_cast<uint32_t>(i)};
      for (int pass = 0; pass < passes; ++pass) ++counts[pass][keys_[0][i].bits >> 8 * pass & 255];
    }
    int from = 0;
    for (int pass = 0; pass < passes; ++pass) {
      uint32_t* const count = counts[pass];
      if (count[keys_[from][0].bits >> 8 * pass & 255] == n) continue;  // all have the same
      for (uint32_t begin = 0, digit = 0; digit < 256; ++digit)
        std::swap(begin, count[digit]), begin += count[digit];
      for (int64_t i = 0; i < n; ++i) {
        const Key key = keys_[from][i];
        keys_[1 - from][count[key.bits >> 8 * pass & 255]++] = key;
      }
      from = 1 - from;
    }
    for (int64_t i = 0; i < n; ++i) {
      const uint32_t at = keys_[from][i].at;
      pairs_[i] = {z[at], share[at]};
    }
    const auto is_less = [](const Pair& a, const Pair& b) { return a.z < b.z; };
    for (int64_t begin = 0; begin < n;) {
      int64_t end = begin + 1;
      while (end < n && keys_[from][end].bits == keys_[from][begin].bits) ++end;
      if (end - begin > 1 && !std::is_sorted(pairs_ + begin, pairs_ + end, is_less))
        std::stable_sort(pairs_ + begin, pairs_ + end, is_less);
      begin = end;
    }
  }

  // The first number up to which the shares have so much.
  double quantile(double share) const {
    double up_to = 0;
    int64_t at = 0;
    while (at < n_ - 1 && (up_to += pairs_[at].share) < share) ++at;
    return pairs_[at].z;
  }
  const Pair& operator[](int64_t i) const { return pairs_[i]; }
  int64_t size() const { return n_; }

 private:
  static constexpr int passes = 4;
  struct Key {
    uint32_t bits, at;
  };
  // In the order of numbers.
  static uint32_t key_of(double z) {
    z += 0.0;  // -0 is 0
    uint64_t bits;
    std::memcpy(&bits, &z, sizeof bits);
    bits ^= bits >> 63 ? ~uint64_t(0) : uint64_t(1) << 63;
    return static_cast<uint32_t>(bits >> 32);
  }
  int64_t n_;
  Key keys_[2][most];
  Pair pairs_[most];
};

}  // namespace LETHE_ISA
