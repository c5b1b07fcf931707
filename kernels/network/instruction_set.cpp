// Compiled once for each instruction set and dtype: LETHE_ISA names the set, LETHE_DTYPE the dtype.
#include "network.hpp"

namespace LETHE_ISA {

namespace {

// The compiled body for a layout. The papers' networks have up to four blocks, which are one
// vector. What few networks have, peepholes and partials of which some do not decay, is compiled
// for any size alone: in every body it would double the library.
template <class T>
const Kernel<T>* choose(const Layout& l) {
  constexpr int native = native_lanes<T>;
  if (l.peepholes || l.kept.any()) {
    if (l.padded_blocks % native) return Network<T, 4, 0, 0, true>::kernel();
    return Network<T, native, 0, 0, true>::kernel();
  }
  if constexpr (native >= 4) {
    if (l.padded_blocks == 4) {
      if (l.cells == 1) return Network<T, 4, 1, 1>::kernel();
      if (l.cells == 2) return Network<T, 4, 2, 1>::kernel();
      return Network<T, 4, 0, 1>::kernel();
    }
  }
  if constexpr (native > 8) {
    if (l.padded_blocks == 8)
      return l.cells == 1 ? Network<T, 8, 1, 0>::kernel() : Network<T, 8, 0, 0>::kernel();
  }
  return l.cells == 1 ? Network<T, native, 1, 0>::kernel() : Network<T, native, 0, 0>::kernel();
}

}  // namespace

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
