// The lattice that all values of a target lie on: whole numbers, steps of 0.5 and so on.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "weighing.hpp"

namespace LETHE_ISA {

// After so many errors of zero, and none else, nothing else is expected; fewer have no lattice.
constexpr int64_t enough_values = 10;
// So few different values have much in common by chance.
constexpr int64_t few_values = 8;

// To a few units in the last place of a value, and of the largest: what is left of sums that
// cancel.
inline bool is_whole(double x, double largest) {
  const double whole = std::nearbyint(x), last = 8 * 2.220446049250313e-16;
  return std::abs(x - whole) <= last * std::abs(x) + std::min(last * largest, 1e-9) &&
         std::abs(whole) < 4503599627370496.0;
}

// The step, or 0 where there is none.
inline double lattice_step(const Ring& ring) {
  if (ring.count < enough_values) return 0;
  double largest = 0;
  ring.each([&](int64_t, const double* row) {
    largest = std::max(largest, std::abs(row[lethe::was_actual]));
  });
  for (const double scale : {1.0, 10.0, 100.0, 1000.0}) {
    int64_t i = 0;
    while (i < ring.count && is_whole(ring.row(i)[lethe::was_actual] * scale, largest * scale)) ++i;
    if (i < ring.count) continue;
    int64_t common = 0, different = 0, before = 0;
    double seen[few_values];
    ring.each([&](int64_t nth, const double* row) {
      const double whole = std::nearbyint(row[lethe::was_actual] * scale);
      const auto value = static_cast<int64_t>(std::abs(whole));
      if (common != 1 && (nth == 0 || value != before)) common = std::gcd(common, value);
      before = value;
      if (different < few_values && std::find(seen, seen + different, whole) == seen + different)
        seen[different++] = whole;
    });
    if (different < few_values) common = common % 5 == 0 && scale > 1 ? 5 : 1;
    return static_cast<double>(std::max<int64_t>(common, 1)) / scale;
  }
  return 0;
}

}  // namespace LETHE_ISA
