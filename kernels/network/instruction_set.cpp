// Compiled once for each instruction set and dtype: LETHE_ISA names the set, LETHE_DTYPE the dtype.
#include "network.hpp"

namespace LETHE_ISA {

const lethe::Kernel<LETHE_DTYPE>* choose_kernel(const lethe::Layout& layout, LETHE_DTYPE) {
  return choose<LETHE_DTYPE>(layout);
}

namespace {

template <class T>
void exponentials(const T* x, T* y, int64_t n) {
  constexpr int W = native_lanes<T>;
  for (int64_t i = 0; i + W <= n; i += W) {
    Lanes<T, W> lanes;
    std::memcpy(&lanes, x + i, sizeof lanes);
    lanes = exponential<W>(lanes);
    std::memcpy(y + i, &lanes, sizeof lanes);
  }
}

}  // namespace

void exponential_of(const LETHE_DTYPE* x, LETHE_DTYPE* y, int64_t n) { exponentials(x, y, n); }

}  // namespace LETHE_ISA
