// Periods found in the past of the targets: running autocorrelations at all lags, and their peaks.
#pragma once

#include <algorithm>
#include <cmath>

#include "layout.hpp"
#include "scales.hpp"

namespace LETHE_ISA {

using lethe::most_lag;
using lethe::NumberLayout;

constexpr double autocorrelation_forgetting = 1 - 1 / 4096.0;
constexpr double most_innovation = 4.0;  // spreads, and mean absolute innovations
constexpr double chance = 0.05;          // of a peak as high somewhere where there is no period
constexpr double confirmed = 0.6;        // of a peak's height, that its multiples reach
constexpr double as_good = 0.7;          // of the highest peak, that a shorter period reaches
constexpr double unconfirmed_strength = 1.3;
constexpr double kept_strength = 0.8;  // of a new peak, with which an old period stays
constexpr int64_t least_heard = 24;

// Peaks among the autocorrelations of `heard` innovations.
struct Peaks {
  int64_t heard, lags;  // lags: below this the autocorrelations are known
  double rho[most_lag], sum[most_lag], squares[most_lag];

  Peaks(const double* products, int64_t heard) : heard(heard), lags(std::min(most_lag, heard - 1)) {
    // Of the n - k pairs at lag k, each counts with its weight.
    const double forgotten = std::pow(autocorrelation_forgetting, double(heard));
    double left = forgotten;
    for (int64_t k = 0; k < lags; ++k) {
      rho[k] = products[k] / products[0] * (1 - forgotten) / (1 - left);
      sum[k] = rho[k] + (k ? sum[k - 1] : 0);
      squares[k] = k ? rho[k] * rho[k] + squares[k - 1] : 0;
      left /= autocorrelation_forgetting;
    }
  }

  bool is_peak(int64_t k) const { return rho[k] >= rho[k - 1] && rho[k] >= rho[k + 1]; }

  // How many independent pairs are as good as those at lag k.
  double pairs(int64_t k) const {
    const double left = std::pow(autocorrelation_forgetting, double(heard - k));
    return (1 - left) / (1 + left) * (1 + autocorrelation_forgetting) /
           (1 - autocorrelation_forgetting);
  }

  // How far a lag stands out from those within half a period.
  double height(int64_t k, int64_t half) const {
    const int64_t from = std::max<int64_t>(k - half, 1), to = std::min(k + half, lags - 1);
    const double others = sum[to] - sum[from - 1] - rho[k];
    return rho[k] - std::max(others / double(to - from), 0.0);
  }

  // The height of a peak that is a period's, else 0: it is more than chance by Bartlett's variance
  // for a memory of half a period, and its multiples stand out, too.
  double strength(int64_t k, double least) const {
    const int64_t half = std::max<int64_t>(k / 2, 1);
    const double found = height(k, half);
    const double spreads = found * std::sqrt(pairs(k) / (1 + 2 * squares[k / 2]));
    if (!(spreads >= least)) return 0;
    bool multiples = false;
    for (int64_t m = 2; m <= 4; ++m) {
      const int64_t wide = k > 8 ? m / 2 : 0;
      if (m * k + wide >= lags || heard - m * k < std::max<int64_t>(k, 8)) break;
      const double* const highest = std::max_element(rho + m * k - wide, rho + m * k + wide + 1);
      if (height(highest - rho, half) < confirmed * found) return 0;
      multiples = true;
    }
    return multiples || spreads >= unconfirmed_strength * least ? found : 0;
  }

  // The period of this peak, from where its multiples lie, as long as they stand out: each is the
  // centre of what is above the least nearby. The peak itself stays if it is as good.
  double refined(int64_t period) const {
    const int64_t half = std::max<int64_t>(period / 2, 1), wide = std::max<int64_t>(period / 8, 1);
    const double least = confirmed * height(period, half);
    double length = static_cast<double>(period), along = 0, square = 0;
    for (int64_t m = 1;; ++m) {
      const int64_t from = std::llround(double(m) * length) - wide, to = from + 2 * wide;
      if (to + 1 >= lags || heard - to < std::max<int64_t>(period, 8)) break;
      const auto [low, high] = std::minmax_element(rho + from, rho + to + 1);
      if (height(high - rho, half) < least) break;
      double weight = 0, moment = 0;
      for (int64_t k = from; k <= to; ++k) {
        weight += rho[k] - *low;
        moment += (rho[k] - *low) * static_cast<double>(k - from);
      }
      if (!(weight > 0 && weight < HUGE_VAL)) break;  // all are the same: there is no centre
      along += double(m) * (double(from) + moment / weight);
      square += double(m) * double(m);
      length = along / square;
    }
    double best = static_cast<double>(period);
    for (const double other : {std::round(length), length})
      if (other >= 2 && is_better(other, best)) best = other;
    return best;
  }

  // Whether the autocorrelations at all multiples are higher by more than chance.
  bool is_better(double length, double than) const {
    double better = 0, count = 0;
    for (int64_t m = 1; std::llround(double(m) * std::max(length, than)) < lags; ++m) {
      better += rho[std::llround(double(m) * length)] - rho[std::llround(double(m) * than)];
      count += 1;
    }
    return better > 2 * std::sqrt(count / pairs(0));
  }
};

struct Periods {
  const NumberLayout& l;
  double* b;

  // Hears what came, before levels follow it.
  void observe(const double* given) const {
    const int64_t listening = l.listening();
    if (!listening) return;
    double& heard = b[l.heard];
    const int64_t at = most_lag - 1 - static_cast<int64_t>(heard) % most_lag;
    double* const products = b + l.autocorrelation;
    for (int64_t k = 0; k < most_lag; ++k) products[k] *= autocorrelation_forgetting;
    for (int64_t i = 0; i < listening; ++i) {
      double* const past = b + l.innovations + i * most_lag;
      const double now = innovation(i, given[i]);
      past[at] = now;
      // The newest first: the ring is written backwards.
      const int64_t until_end = most_lag - at;
      for (int64_t k = 0; k < until_end; ++k) products[k] += now * past[at + k];
      for (int64_t k = until_end; k < most_lag; ++k) products[k] += now * past[k - until_end];
    }
    heard += 1;
    const int64_t n = static_cast<int64_t>(heard), step = n < 256 ? 4 : 64;
    if (n >= least_heard && n % step == 0 && products[0] > 0) find(n);
  }

 private:
  // What is new in a value beside the last one, in usual innovations.
  double innovation(int64_t i, double value) const {
    const double spread = std::sqrt(b[l.level_variance + i]);
    if (!std::isfinite(value) || !(spread > 0)) return 0;
    double &last = b[l.deviation + i], &count = b[l.deviations + i];
    const double z =
        std::clamp((value - b[l.level_mean + i]) / spread, -most_innovation, most_innovation);
    count += 1;
    const double rate = std::max(1 / count, slowest_level);
    double &own = b[l.deviation_square + i], &with_last = b[l.deviation_product + i];
    own += rate * (z * z - own);
    with_last += rate * (z * last - with_last);
    const double kept = own > 0 ? std::clamp(with_last / own, 0.0, 1.0) : 0.0;
    const double fresh = z - kept * last;
    last = z;
    double& usual = b[l.usual_innovation + i];
    const double found =
        usual > 0 ? std::clamp(fresh / usual, -most_innovation, most_innovation) : 0.0;
    usual += rate * (std::abs(fresh) - usual);
    return found;
  }

  void find(int64_t n) const {
    const Peaks peaks(b + l.autocorrelation, n);
    const int64_t longest = std::min(most_lag - 2, n / 3);
    const double least = std::sqrt(2 * std::log(double(longest) / chance));
    int64_t at[most_lag], count = 0;
    double strengths[most_lag], highest = 0;
    for (int64_t k = 2; k <= longest; ++k) {
      if (!peaks.is_peak(k)) continue;
      const double strength = peaks.strength(k, least);
      if (!(strength > 0)) continue;
      at[count] = k;
      strengths[count++] = strength;
      highest = std::max(highest, strength);
    }
    if (!count) return;
    int64_t first = 0;
    while (strengths[first] < as_good * highest) ++first;
    replace(peaks, 0, at[first]);
    // A longer one counts beside it that is better by more than chance.
    const double better = 1.05 * (strengths[first] + 2 / std::sqrt(peaks.pairs(0)));
    double best = 0;
    for (int64_t c = first + 1; c < count; ++c)
      if (strengths[c] > better) best = std::max(best, strengths[c]);
    for (int64_t c = first + 1; c < count && best > 0; ++c) {
      if (strengths[c] < std::max(better, 0.9 * best)) continue;
      replace(peaks, 1, at[c]);
      break;
    }
  }

  // A period gives way to one that is clearly better, or that it is a multiple of; and to its own
  // better estimate where that makes a difference among what is heard.
  void replace(const Peaks& peaks, int64_t nth, int64_t period) const {
    double& known = b[l.periods + nth];
    const double found = peaks.refined(period);
    const int64_t before = std::llround(known);
    const double times = known / found, whole = std::round(times);
    const bool multiple = whole >= 1 && std::abs(times - whole) < 0.02;
    if (multiple && whole == 1) {
      const double slip = std::abs(known - found) * double(peaks.lags) / found;
      if (slip < 1) return;
    } else if (!multiple && before > 0 && before < peaks.lags &&
               peaks.rho[before] >= kept_strength * peaks.rho[period]) {
      return;
    }
    known = found;
  }
};

}  // namespace LETHE_ISA
