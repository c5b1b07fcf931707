// Which of the compiled instruction sets runs: the widest that the processor has, or a forced one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layout.hpp"

namespace lethe {

// From the narrowest to the widest, of those that this build and this processor have.
std::vector<std::string> available_instruction_sets();

// The one in use. Chosen at the first call; std::invalid_argument where LETHE_INSTRUCTION_SET names
// one that is not available.
const std::string& instruction_set();

// The compiled body for a layout, in the instruction set in use.
const Kernel<float>* choose_kernel(const Layout& layout, float);
const Kernel<double>* choose_kernel(const Layout& layout, double);

// exp of whole vectors of x, for the tests of its error bound; the rest of y stays as it is.
void exponential(const float* x, float* y, int64_t n);
void exponential(const double* x, double* y, int64_t n);

}  // namespace lethe
