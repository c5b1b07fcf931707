// Compiled once for each instruction set, which LETHE_ISA names.
#include "classes.hpp"
#include "distribution.hpp"
#include "numbers.hpp"

namespace LETHE_ISA {

namespace {

using NumberMemory = lethe::Memory<NumberLayout>;
using ClassMemory = lethe::Memory<ClassLayout>;

template <bool ahead>
constexpr lethe::NumberKernel numbers_with_horizon = {
    [](NumberMemory& m) { NumberStream{m}.start(); },
    [](NumberMemory& m, const Services& services, const Event& event, const Change& change,
       const double* targets, int64_t max_delay, const double* looked_at, double* answer,
       Outcome& out) {
      if constexpr (ahead)
        return NumberStream{m}.learn_ahead(services, event, change, targets, answer, out);
      else
        return NumberStream{m}.learn_now(services, event, change, targets, max_delay, looked_at,
                                         answer, out);
    },
    [](NumberMemory& m, int64_t nth, const double* targets, double* answer, Outcome& out) {
      NumberStream{m}.learn_targets(nth, targets, answer, out);
    },
    [](NumberMemory& m, const Event& event, const double* targets, double* answer, Outcome& out) {
      NumberStream{m}.follow(event, targets, ahead, answer, out);
    },
    [](const NumberMemory& m, const Event& event, double* record) {
      return NumberStream{m}.look_at(event, record);
    },
    [](const NumberMemory& m, const double* record, const double* targets, How how, double* answer,
       Outcome& out) { NumberStream{m}.compare(record, targets, how, answer, out); },
    [](const lethe::Asked& asked, double* numbers) { return distribution(asked, numbers); },
};

template <bool ahead>
constexpr lethe::ClassKernel classes_with_horizon = {
    [](ClassMemory& m) { ClassStream{m}.start(); },
    [](ClassMemory& m, const Services& services, const Event& event, const Change& change,
       const ClassChange* came, int64_t max_delay, double* answer, Outcome& out) {
      if constexpr (ahead)
        return ClassStream{m}.learn_ahead(services, event, change, *came, answer, out);
      else
        return ClassStream{m}.learn_now(services, event, change, came, max_delay, answer, out);
    },
    [](ClassMemory& m, int64_t nth, const ClassChange& came, double* answer, Outcome& out) {
      ClassStream{m}.set_pending_class(nth, came, answer, out);
    },
    [](ClassMemory& m, const Services& services, const ClassChange& came) {
      return ClassStream{m}.learn_complete(services, came);
    },
    [](ClassMemory& m, const Event& event, const ClassChange& came, double* answer, Outcome& out) {
      ClassStream{m}.follow(event, came, ahead, answer, out);
    },
    [](const ClassMemory& m, const Event& event, double* record) {
      ClassStream{m}.look_at(event, record);
    },
    [](const ClassMemory& m, const double* record, const ClassChange* came, How how, double* answer,
       Outcome& out) { ClassStream{m}.compare(record, came, how, answer, out); },
};

}  // namespace

const lethe::NumberKernel& number_kernel(bool ahead) {
  return ahead ? numbers_with_horizon<true> : numbers_with_horizon<false>;
}

const lethe::ClassKernel& class_kernel(bool ahead) {
  return ahead ? classes_with_horizon<true> : classes_with_horizon<false>;
}

}  // namespace LETHE_ISA
