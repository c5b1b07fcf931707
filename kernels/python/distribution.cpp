// The distribution of a number for Python: from what was answered and the residuals since.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "stream/stream.hpp"
#include "stream_block.hpp"

namespace {

using Residuals = nb::ndarray<const double, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using Counts = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

nb::bytes distribution(nb::bytes answer, const Residuals& residuals, const Counts& counts,
                       int64_t targets, int64_t head) {
  lethe::Asked asked = {};
  asked.answer = reinterpret_cast<const double*>(answer.c_str());
  asked.residuals = residuals.data();
  asked.counts = counts.data();
  asked.heads = static_cast<int64_t>(residuals.shape(0));
  asked.kept = static_cast<int64_t>(residuals.shape(1));
  asked.targets = targets;
  asked.head = head;
  if (residuals.shape(2) != lethe::residual_numbers || counts.shape(0) != residuals.shape(0))
    value_error("residuals must have a count for each head, and 5 numbers each");
  check_size("residuals", asked.kept, 1, lethe::most_residuals);
  check_size("head", head, 0, asked.heads - 1);
  check_size("targets", targets, 1, asked.heads);
  if (asked.heads % targets != 0) value_error("heads must be as many for each target");
  const auto numbers = static_cast<size_t>(4 * asked.heads + 3 * targets);
  if (answer.size() != numbers * sizeof(double))
    value_error("answer must have " + std::to_string(numbers) + " numbers");
  double found[lethe::most_distribution_numbers];
  const int64_t n = lethe::number_kernel(true).distribution(asked, found);
  return nb::bytes(found, static_cast<size_t>(n) * sizeof(double));
}

}  // namespace

void bind_distribution(nb::module_& m) {
  m.def("distribution", &distribution, "answer"_a, "residuals"_a, "counts"_a, "targets"_a, "head"_a,
        nb::sig("def distribution(answer: bytes, residuals: " LETHE_FLOATS ", counts: " LETHE_FLOATS
                ", targets: int, head: int) -> bytes"));
}
