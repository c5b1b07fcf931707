// What alarms teaches seasons only as far as it stays: a spike would come back as an alarm one
// season later.
//
// What is far from usual is held: the profile of a season sees it no further away than some usual
// errors. If values come back soon, what was held takes the spike's place in the ring of past
// values, too, where a season later is looked up; if they do not, it is a new level, and all of it
// is left as it came.
#pragma once

#include <cmath>
#include <cstdint>

#include "history.hpp"
#include "layout.hpp"

namespace LETHE_ISA {

struct HeldValues {
  const NumberLayout& l;
  double* b;
  History history = {l, b};

  // The newest values, as seasons are to see them.
  void hold() const {
    for (int64_t i = 0; i < held(); ++i)
      if (b[l.anomaly.held + i] != 0) newest(i) = b[l.anomaly.held_value + i];
  }

  // And as they came; what was held before stays so where values have come back.
  void release(const double* targets) const {
    for (int64_t i = 0; i < held(); ++i) {
      if (!std::isfinite(targets[i])) continue;
      const double seen = newest(i), row = b[l.anomaly.row + i];
      newest(i) = targets[i];
      double& count = b[l.anomaly.held_count + i];
      double* const values = b + l.anomaly.held_values + i * lethe::most_held_values;
      const auto n = static_cast<int64_t>(count);
      if (row == 0) {
        for (int64_t k = 0; k < n; ++k)
          if (n - k < history.kept())
            b[l.values + history.index(n - k) * l.targets + i] = values[k];
        count = 0;
      } else if (n == lethe::most_held_values || (n == 0 && b[l.anomaly.held + i] == 0)) {
        count = 0;
      } else {
        values[n] = seen;
        count += 1;
      }
    }
  }

 private:
  int64_t held() const { return l.profiled() ? l.scored : 0; }
  double& newest(int64_t i) const { return b[l.values + history.index(0) * l.targets + i]; }
};

}  // namespace LETHE_ISA
