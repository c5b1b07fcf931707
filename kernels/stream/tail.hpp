// How often numbers as large as one have come: counts in bins of equal ratio, which know the tail
// of a stream of a hundred thousand events as well as they know its middle.
//
// `at_least[i]` counts the numbers in bin i or above, so that a part of the past is looked up, and
// taking a number in is one pass of vector additions. Counts are halved when there are many: what
// is usual follows a stream that changes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "layout.hpp"

namespace LETHE_ISA {

constexpr double most_in_tail = 131072;  // numbers, before all counts are halved
constexpr double steepest_tail = 0.01;   // Hill's estimate, for numbers that hardly differ
constexpr double unknown_tail = 1.0;     // and where there are too few
constexpr double rarest = 1e-12;         // nothing counts as rarer,
constexpr double rarest_of_few = 10;     // nor than so many over the square of their number
constexpr double fading_most = 0.5;      // of the largest number, when counts are halved
constexpr double natural_logarithm_of_2 = 0.6931471805599453;

struct Tail {
  double* at_least;
  double& most;  // the largest number
  double& base;  // the first bin's logarithm, in bins
  int64_t bins;
  double per_octave;
  double largest;  // how many of the largest numbers say how the tail goes on

  double count() const { return at_least[0]; }

  // The part of the past that was at least as large, the number itself and `own` - 1 neighbours
  // that are much the same included. Beyond all of it, the power law of the largest (Hill 1975).
  // `unit` is what counts as large where nothing was above zero.
  double above(double x, double own = 1, double unit = 0) const {
    const double whole = count() + own;
    const double as_large = at_least[bin(x)];
    double part = (as_large + own) / whole;
    if (count() > 0 && x > 0 && (as_large < 1 || !(most > 0))) {
      const double from = most > 0 ? most : unit;
      part = std::min(part, own / whole);
      if (from > 0 && x > from) part *= std::exp(std::log(from / x) / spread());
    }
    return std::max(part, least_part());
  }

  // What so many numbers can say of how rare something is at most.
  double least_part() const {
    return std::max(rarest_of_few / std::max(count() * count(), rarest_of_few), rarest);
  }

  // The part of the past that was at most as large, the number itself included.
  double below(double x) const {
    const int64_t at = bin(x);
    const double larger = at + 1 < bins ? at_least[at + 1] : 0;
    return (count() - larger + 1) / (count() + 1);
  }

  // The largest number that all but such a part of the past were below.
  double quantile(double part) const {
    const double least = part * count();
    const double* const end =
        std::lower_bound(at_least, at_least + bins, 0.0,
                         [least](double counted, double) { return counted > least; });
    const auto at = static_cast<double>(end - at_least) - 1;
    return at > 0 ? std::exp2((base + at + 1) / per_octave) : 0.0;
  }

  // What came counts only so much any more.
  void forget(double part) const {
    for (int64_t i = 0; i < bins; ++i) at_least[i] *= part;
  }

  // The part of the past that was in this number's bin or above.
  double share(double x) const { return count() > 0 ? at_least[bin(x)] / count() : 0.0; }

  // `anchored`: where the bins lie follows from the numbers, else it is as it was made.
  void add(double x, bool anchored = false) const {
    fade();
    if (anchored && x > 0) anchor(x);
    const int64_t at = bin(x);
    for (int64_t i = 0; i <= at; ++i) at_least[i] += 1;
    most = std::max(most, x);
  }

  // Takes in 1, 2, ... up to a whole number, as a run counts that long.
  void add_run(double length) const {
    fade();
    at_least[0] += length;
    for (int64_t i = 1; i < bins; ++i) {
      const double least = std::ceil(std::exp2((base + static_cast<double>(i)) / per_octave));
      at_least[i] += std::max(length - std::max(least, 1.0) + 1, 0.0);
    }
    most = std::max(most, length);
  }

 private:
  void fade() const {
    if (count() < most_in_tail) return;
    forget(0.5);
    most *= std::exp2(-fading_most / per_octave);
  }

  // Bin 0 holds zero, and what is too small for the others.
  double place(double x) const { return std::floor(std::log2(x) * per_octave) - base; }
  int64_t bin(double x) const {
    return x > 0 ? static_cast<int64_t>(std::clamp(place(x), 0.0, double(bins - 1))) : 0;
  }

  // One over the exponent of the power law.
  double spread() const {
    if (count() < 10 * largest) return unknown_tail;
    int64_t from = bins - 1;
    while (from > 0 && at_least[from] < largest) --from;
    if (!from) return unknown_tail;
    double sum = 0.5 * at_least[from];
    for (int64_t i = from + 1; i < bins; ++i) sum += at_least[i];
    const double octaves = sum / at_least[from] / per_octave;
    return std::max(octaves * natural_logarithm_of_2, steepest_tail);
  }

  // The first number above zero lies three quarters up. Later, one that is too large moves the
  // bins by a quarter, and so does one that is too small where most of the others are, if nothing
  // is lost above.
  void anchor(double x) const {
    const int64_t quarter = bins / 4;
    if (!(most > 0)) {
      base = std::floor(std::log2(x) * per_octave) - static_cast<double>(3 * quarter);
    } else if (place(x) >= static_cast<double>(bins)) {
      for (int64_t i = 1; i < bins; ++i)
        at_least[i] = i + quarter < bins ? at_least[i + quarter] : 0;
      base += static_cast<double>(quarter);
    } else if (place(x) < 0 && at_least[1] < 0.5 * count() && at_least[bins - quarter] < 1) {
      for (int64_t i = bins - 1; i > 0; --i)
        at_least[i] = at_least[std::max(i - quarter, int64_t(1))];
      base -= static_cast<double>(quarter);
    }
  }
};

}  // namespace LETHE_ISA
