#include "dispatch.hpp"

#include <cstdlib>
#include <stdexcept>

#include "../stream/stream.hpp"

// What instruction_set.cpp defines for each set and dtype.
#define LETHE_DECLARE(ISA)                                                  \
  namespace ISA {                                                           \
  const lethe::Kernel<float>* choose_kernel(const lethe::Layout&, float);   \
  const lethe::Kernel<double>* choose_kernel(const lethe::Layout&, double); \
  void exponential_of(const float*, float*, int64_t);                       \
  void exponential_of(const double*, double*, int64_t);                     \
  const lethe::NumberKernel& number_kernel(bool ahead);                     \
  const lethe::ClassKernel& class_kernel(bool ahead);                       \
  }
LETHE_DECLARE(baseline)
#if defined(LETHE_X86)
LETHE_DECLARE(avx2)
LETHE_DECLARE(avx512)
#endif

namespace lethe {

std::vector<std::string> available_instruction_sets() {
  std::vector<std::string> sets = {"baseline"};
#if defined(LETHE_X86)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back("avx2");
  if (sets.size() == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    sets.push_back("avx512");
#endif
  return sets;
}

namespace {

std::string chosen() {
  const std::vector<std::string> sets = available_instruction_sets();
  const char* forced = std::getenv("LETHE_INSTRUCTION_SET");
  if (!forced || !*forced) return sets.back();
  std::string known;
  for (const std::string& set : sets) {
    if (set == forced) return set;
    known += (known.empty() ? "" : ", ") + set;
  }
  throw std::invalid_argument("LETHE_INSTRUCTION_SET must be one of " + known +
                              " on this machine, got '" + forced + "'");
}

template <class T>
const Kernel<T>* choose(const Layout& layout) {
#if defined(LETHE_X86)
  if (instruction_set() == "avx512") return avx512::choose_kernel(layout, T());
  if (instruction_set() == "avx2") return avx2::choose_kernel(layout, T());
#endif
  return baseline::choose_kernel(layout, T());
}

template <class T>
void exponentials(const T* x, T* y, int64_t n) {
#if defined(LETHE_X86)
  if (instruction_set() == "avx512") return avx512::exponential_of(x, y, n);
  if (instruction_set() == "avx2") return avx2::exponential_of(x, y, n);
#endif
  baseline::exponential_of(x, y, n);
}

}  // namespace

const std::string& instruction_set() {
  static const std::string set = chosen();
  return set;
}

const Kernel<float>* choose_kernel(const Layout& layout, float) { return choose<float>(layout); }
const Kernel<double>* choose_kernel(const Layout& layout, double) { return choose<double>(layout); }

const NumberKernel& number_kernel(bool ahead) {
#if defined(LETHE_X86)
  if (instruction_set() == "avx512") return avx512::number_kernel(ahead);
  if (instruction_set() == "avx2") return avx2::number_kernel(ahead);
#endif
  return baseline::number_kernel(ahead);
}
const ClassKernel& class_kernel(bool ahead) {
#if defined(LETHE_X86)
  if (instruction_set() == "avx512") return avx512::class_kernel(ahead);
  if (instruction_set() == "avx2") return avx2::class_kernel(ahead);
#endif
  return baseline::class_kernel(ahead);
}

void exponential(const float* x, float* y, int64_t n) { exponentials(x, y, n); }
void exponential(const double* x, double* y, int64_t n) { exponentials(x, y, n); }

}  // namespace lethe
