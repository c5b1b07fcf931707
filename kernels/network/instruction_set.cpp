// Compiled once for each instruction set and dtype: LETHE_ISA names the set, LETHE_DTYPE the dtype.
#include "network.hpp"

namespace LETHE_ISA {

const lethe::Kernel<LETHE_DTYPE>* choose_kernel(const lethe::Layout& layout, LETHE_DTYPE) {
  return choose<LETHE_DTYPE>(layout);
}

void exponential_of(const LETHE_DTYPE* x, LETHE_DTYPE* y, int64_t n) { exponentials(x, y, n); }

}  // namespace LETHE_ISA
