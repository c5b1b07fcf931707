// Output units: forward pass (eq. 9), losses, errors (eqs. 12, 14), what they send back, and their pass.
//
// Their weights lie by source, W[source][output]. The forward product adds whole rows; the backward
// product is a dot product of each row with the errors, whose one horizontal sum for each cell costs
// less than a second, transposed copy of the weights and of their moments.
#pragma once

#include "lanes.hpp"
#include "layout.hpp"
#include "memory_blocks.hpp"

namespace LETHE_ISA {

template <class T, int W>
struct OutputLayer {
  using V = Lanes<T, W>;

  static void forward(const Layout& l, char* block, int64_t symbol) {
    const int lanes = l.padded_outputs;
    T* const net = part<T>(block, l.output_net);
    T* const y = part<T>(block, l.output_y);
    const T* const z = part<T>(block, l.output_z);
    const T* const weights = part<T>(block, l.output_weights);
    const int below = l.layers * l.blocks * l.cells;
    for (int k = 0; k < lanes; k += W) store<W>(net + k, V{});
    add_rows<T, W>(net, weights, z, below, lanes);
    if (l.shortcuts)
      add_inputs<T, W>(net, weights + int64_t(below) * lanes, z + below, l.inputs, lanes, symbol);
    add_rows<T, W>(net, weights + int64_t(l.output_sources) * lanes, z + l.output_sources,
                   l.output_rows - l.output_sources, lanes);

    switch (l.output_units) {
      case lethe::OutputUnits::linear:
        for (int k = 0; k < lanes; k += W) store<W>(y + k, load<W>(net + k));
        break;
      case lethe::OutputUnits::softmax:
        softmax(y, net, l.outputs, lanes);
        break;
      default:
        for (int k = 0; k < lanes; k += W) store<W>(y + k, logistic<T, W>(load<W>(net + k)));
    }
  }

  static void softmax(T* __restrict y, T* __restrict net, int outputs, int lanes) {
    for (int k = outputs; k < lanes; ++k) net[k] = net[0];
    V most = load<W>(net);
    for (int k = W; k < lanes; k += W) {
      const V x = load<W>(net + k);
      most = x > most ? x : most;
    }
    const T top = greatest<T, W>(most);
    for (int k = 0; k < lanes; k += W) store<W>(y + k, exponential<W>(load<W>(net + k) - top));
    for (int k = outputs; k < lanes; ++k) y[k] = T(0);
    V total = {};
    for (int k = 0; k < lanes; k += W) total += load<W>(y + k);
    const T scale = T(1) / sum<T, W>(total);
    for (int k = 0; k < lanes; k += W) store<W>(y + k, load<W>(y + k) * scale);
  }

  // delta_k from the target in the block (eqs. 12, 14): f'(net) e for logistic units with the
  // squared error, e itself for the others.
  static void errors_from_target(const Layout& l, char* block) {
    const T squared = l.output_units == lethe::OutputUnits::logistic ? T(1) : T(0);
    for (int k = 0; k < l.padded_outputs; k += W) {
      const V y = load<W>(part<T>(block, l.output_y) + k);
      const V e = load<W>(part<T>(block, l.target) + k) - y;
      const V slope = (T(1) - squared) + (y * (T(1) - y)) * squared;
      store<W>(part<T>(block, l.output_error) + k, slope * e);
    }
  }

  static void bound_errors(const Layout& l, char* block) {
    T* const delta = part<T>(block, l.output_error);
    const T bound = static_cast<T>(l.update.bound_error);
    for (int k = l.outputs; k < l.padded_outputs; ++k) delta[k] = T(0);
    for (int k = 0; k < l.padded_outputs; k += W)
      store<W>(delta + k, clamp<T, W>(load<W>(delta + k), bound));
  }

  template <class Rule>
  static void pass(const Layout& l, char* block, T of_rate, const Coefficients<T>& coefficients) {
    const int lanes = l.padded_outputs;
    const T* const z = part<T>(block, l.output_z);
    const T* const delta = part<T>(block, l.output_error);
    const Rows<Rule, T> rows(block, l.output_weights, l.output_moment1, l.output_moment2);
    const auto* const touched = reinterpret_cast<const uint8_t*>(block + l.touched);
    const int below = l.layers * l.blocks * l.cells;
    for (int m = 0; m < l.output_rows; ++m) {
      const bool is_input = m >= below && m < l.output_sources;
      // Without moments, a source of zero changes nothing; with them, one that was always zero.
      if (is_input && (Rule::moments ? !touched[m - below] : z[m] == T(0))) continue;
      const T scaled = z[m] * of_rate;
      for (int k = 0; k < lanes; k += W)
        Rule::template apply<T, W>(rows.template at<W>(int64_t(m) * lanes + k),
                                   load<W>(delta + k) * scaled, coefficients);
    }
  }
};

// One dot product for each row: what units with these errors send back to the rows' sources.
template <class T, int W>
LETHE_INLINE T dot(const T* __restrict row, const T* __restrict errors, int lanes) {
  using V = Lanes<T, W>;
  V even = load<W>(row) * load<W>(errors), odd = {};
  int u = W;
  for (; u + W < lanes; u += 2 * W) {
    odd += load<W>(row + u) * load<W>(errors + u);
    even += load<W>(row + u + W) * load<W>(errors + u + W);
  }
  if (u < lanes) odd += load<W>(row + u) * load<W>(errors + u);
  return sum<T, W>(even + odd);
}

}  // namespace LETHE_ISA
