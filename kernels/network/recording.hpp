// What a run keeps of a step: its loss, and the activations that were asked for.
#pragma once

#include <cmath>
#include <cstring>

#include "layout.hpp"
#include "output_units.hpp"

namespace LETHE_ISA {

using lethe::RunArguments;

// Eq. 12, or the cross-entropy in nats. An output that has rounded to 0 counts as the smallest
// normal number of single precision, so that a loss is finite in either dtype.
template <class T>
double loss(const Layout& l, const char* block, const Target<T>& target) {
  const T* const y = as_span<T>(block, l.output_y);
  const auto log_of = [](double x) { return std::log(x > 1.2e-38 ? x : 1.2e-38); };
  double total = 0;
  for (int k = 0; k < l.outputs; ++k) {
    const double t = target[k], p = y[k];
    switch (l.output_units) {
      case lethe::OutputUnits::softmax:
        if (t != 0) total -= t * log_of(p);
        break;
      case lethe::OutputUnits::logistic_cross_entropy:
        total -= t * log_of(p) + (1 - t) * log_of(1 - p);
        break;
      default:
        total += 0.5 * (t - p) * (t - p);
    }
  }
  return total;
}

template <class T>
void record(const Layout& l, char* block, const RunArguments<T>& a) {
  const int64_t t = a.done;
  if (a.record_output)
    std::memcpy(a.record_output + t * l.outputs, block + l.output_y, l.outputs * sizeof(T));
  const auto rows = [&](T* to, int64_t offset, int layer, int n) {
    const T* from = as_span<T>(block, offset);
    to += (t * l.layers + layer) * n * l.blocks;
    for (int v = 0; v < n; ++v)
      std::memcpy(to + v * l.blocks, from + v * l.padded_blocks, l.blocks * sizeof(T));
  };
  for (int layer = 0; layer < l.layers; ++layer) {
    const LayerLayout& at = l.layer[layer];
    for (int kind = 0; kind < 3; ++kind)
      if (a.record_gate[kind]) rows(a.record_gate[kind], at.gate[kind], layer, 1);
    if (a.record_cell_state) rows(a.record_cell_state, at.cell_state, layer, l.cells);
    if (a.record_cell_output) rows(a.record_cell_output, at.cell_output, layer, l.cells);
  }
}

}  // namespace LETHE_ISA
