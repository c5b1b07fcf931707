// Logarithms become probabilities.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace LETHE_ISA {

// Of the classes below `known`, but for class 0; there is one at least.
inline void normalise_logarithms(double* p, int64_t known) {
  double most = p[1], sum = 0;
  for (int64_t c = 2; c < known; ++c) most = std::max(most, p[c]);
  for (int64_t c = 1; c < known; ++c) sum += p[c] = std::exp(p[c] - most);
  for (int64_t c = 1; c < known; ++c) p[c] /= sum;
}

}  // namespace LETHE_ISA
