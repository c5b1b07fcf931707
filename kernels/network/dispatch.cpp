#include "dispatch.hpp"

#include <cstdlib>
#include <stdexcept>

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
bool has_baseline() { return true; }
#if defined(__x86_64__) || defined(__i386__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() {
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
