#include "dispatch.hpp"

#include <cstdlib>
#include <stdexcept>

#if defined(_WIN32)
#include <cpuid.h>
#endif

#include "../stream/stream.hpp"
#include "instruction_sets.hpp"

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
LETHE_EACH_SET(LETHE_DECLARE)

namespace lethe {

namespace {

// Whether this machine has a set.
[[maybe_unused]] bool has_baseline() { return true; }
#if defined(_WIN32)
// The linker there does not find what __builtin_cpu_supports reads.
struct Processor {
  bool avx2 = false, avx512 = false;
  Processor() {
    unsigned a, features, extended, saves, d, high;
    if (!__get_cpuid(1, &a, &d, &features, &high)) return;
    const bool fma = features >> 12 & 1, xsave = features >> 27 & 1;
    if (!xsave || !__get_cpuid_count(7, 0, &a, &extended, &d, &high)) return;
    __asm__("xgetbv" : "=a"(saves), "=d"(high) : "c"(0));  // the registers that the system saves
    constexpr unsigned f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    avx2 = fma && (extended >> 5 & 1) && (saves & 0x06) == 0x06;
    avx512 = avx2 && (extended & f_dq_bw_vl) == f_dq_bw_vl && (saves & 0xe6) == 0xe6;
  }
};
[[maybe_unused]] bool has_avx2() { return Processor().avx2; }
[[maybe_unused]] bool has_avx512() { return Processor().avx512; }
#elif defined(__x86_64__) || defined(__i386__)
[[maybe_unused]] bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
[[maybe_unused]] bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
#endif

std::string chosen() {
  const std::vector<std::string> sets = available_instruction_sets();
  if (sets.empty())
    throw std::invalid_argument("LETHE_INSTRUCTION_SETS left out all that this machine has");
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
#define LETHE_CHOOSE(ISA) \
  if (instruction_set() == #ISA) return ISA::choose_kernel(layout, T());
  LETHE_EACH_SET(LETHE_CHOOSE)
  std::abort();  // never reached: instruction_set() is one of them
}

template <class T>
void exponentials(const T* x, T* y, int64_t n) {
#define LETHE_EXPONENTIAL(ISA) \
  if (instruction_set() == #ISA) return ISA::exponential_of(x, y, n);
  LETHE_EACH_SET(LETHE_EXPONENTIAL)
}

}  // namespace

std::vector<std::string> available_instruction_sets() {
  std::vector<std::string> sets;
#define LETHE_LOOK(ISA) \
  if (has_##ISA()) sets.push_back(#ISA);
  LETHE_EACH_SET(LETHE_LOOK)
  return sets;
}

const std::string& instruction_set() {
  static const std::string set = chosen();
  return set;
}

const Kernel<float>* choose_kernel(const Layout& layout, float) { return choose<float>(layout); }
const Kernel<double>* choose_kernel(const Layout& layout, double) { return choose<double>(layout); }

const NumberKernel& number_kernel(bool ahead) {
#define LETHE_NUMBER_KERNEL(ISA) \
  if (instruction_set() == #ISA) return ISA::number_kernel(ahead);
  LETHE_EACH_SET(LETHE_NUMBER_KERNEL)
  std::abort();
}
const ClassKernel& class_kernel(bool ahead) {
#define LETHE_CLASS_KERNEL(ISA) \
  if (instruction_set() == #ISA) return ISA::class_kernel(ahead);
  LETHE_EACH_SET(LETHE_CLASS_KERNEL)
  std::abort();
}

void exponential(const float* x, float* y, int64_t n) { exponentials(x, y, n); }
void exponential(const double* x, double* y, int64_t n) { exponentials(x, y, n); }

}  // namespace lethe
