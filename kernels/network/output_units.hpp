// Output units: forward pass (eq. 9), losses, errors (eqs. 12, 14), what they send back, and their
// pass.
//
// Their weights lie by source, W[source][output]. The forward product adds whole rows; the backward
// product is a dot product of each row with the errors, whose one horizontal sum for each cell
// costs less than a second, transposed copy of the weights and of their moments.
#pragma once

#include "lanes.hpp"
#include "layout.hpp"
#include "memory_blocks.hpp"

namespace LETHE_ISA {

// What the outputs should have been: a row that can be read in whole vectors, or one output at 1.
template <class T>
struct Target {
  const T* row;
  int64_t one_hot;

  template <int W>
  LETHE_INLINE Lanes<T, W> lanes(int k) const {
    if (row) return load<W>(row + k);
    const Lanes<T, W> none = {};
    return Numbers<T, W>::from(k) == static_cast<typename IntegerOf<T>::type>(one_hot) ? none + T(1)
                                                                                       : none;
  }
  LETHE_INLINE T operator[](int k) const { return row ? row[k] : T(k == one_hot); }
};

template <class T, int W>
struct OutputLayer {
  using V = Lanes<T, W>;

  static void forward(const Layout& l, char* block, int64_t symbol) {
    const int lanes = l.padded_outputs;
    T* const net = as_span<T>(block, l.output_net);
    T* const y = as_span<T>(block, l.output_y);
    const T* const z = as_span<T>(block, l.output_z);
    const T* const weights = as_span<T>(block, l.output_weights);
    const int below = l.layers * l.blocks * l.cells;
    // The cells last: they are known last, and everything else is summed while they are worked out.
    const Segment<T> segments[] = {{weights + int64_t(l.output_sources) * lanes,
                                    z + l.output_sources, l.output_rows - l.output_sources},
                                   l.shortcuts ? input_segment(weights + int64_t(below) * lanes,
                                                               z + below, l.inputs, lanes, symbol)
                                               : Segment<T>{weights, z, 0},
                                   {weights, z, below}};
    if (lanes == W)
      net_inputs<T, W, 1>(net, lanes, segments);
    else
      net_inputs<T, W, 0>(net, lanes, segments);

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
    const T top = max_lane<T, W>(most);
    for (int k = 0; k < lanes; k += W) store<W>(y + k, exponential<W>(load<W>(net + k) - top));
    for (int k = outputs; k < lanes; ++k) y[k] = T(0);
    V total = {};
    for (int k = 0; k < lanes; k += W) total += load<W>(y + k);
    const T scale = T(1) / sum<T, W>(total);
    for (int k = 0; k < lanes; k += W) store<W>(y + k, load<W>(y + k) * scale);
  }

  // delta_k from a target (eqs. 12, 14): f'(net) e for logistic units with the squared error, e
  // itself for the others. All in registers: reading a vector back from memory after a part of it
  // was written alone is a store-forwarding stall.
  static void errors_from_target(const Layout& l, char* block, const Target<T>& target) {
    const T squared = l.output_units == lethe::OutputUnits::logistic ? T(1) : T(0);
    for (int k = 0; k < l.padded_outputs; k += W) {
      const V y = load<W>(as_span<T>(block, l.output_y) + k);
      const V e = target.template lanes<W>(k) - y;
      const V slope = (T(1) - squared) + (y * (T(1) - y)) * squared;
      store_bounded(l, block, k, slope * e);
    }
  }

  // delta_k as it comes from outside.
  static void errors_from_outside(const Layout& l, char* block, const T* error) {
    for (int k = 0; k < l.padded_outputs; k += W) store_bounded(l, block, k, load<W>(error + k));
  }

  // Within the bound, and 0 for the lanes that are no output units.
  static LETHE_INLINE void store_bounded(const Layout& l, char* block, int k, V delta) {
    delta = clamp<T, W>(delta, static_cast<T>(l.update.bound_error));
    store<W>(as_span<T>(block, l.output_error) + k,
             Numbers<T, W>::from(k) < l.outputs ? delta : V{});
  }

  // Whether some output is wrong by `bound` or more.
  static LETHE_INLINE bool is_wrong(const Layout& l, const char* block, const Target<T>& target,
                                    double bound) {
    const V least = broadcast<W>(static_cast<T>(bound));
    typename Numbers<T, W>::type wrong = {};
    for (int k = 0; k < l.padded_outputs; k += W) {
      const V e = target.template lanes<W>(k) - load<W>(as_span<T>(block, l.output_y) + k);
      wrong |= ((e >= least) | (-e >= least)) & (Numbers<T, W>::from(k) < l.outputs);
    }
    for (int i = 0; i < W; ++i)
      if (wrong[i]) return true;
    return false;
  }

  template <class Rule>
  static void pass(const Layout& l, char* block, T of_rate, const Coefficients<T>& coefficients) {
    const int lanes = l.padded_outputs;
    const T* const z = as_span<T>(block, l.output_z);
    const T* const delta = as_span<T>(block, l.output_error);
    const Rows<Rule, T> rows(block, l.output_weights, l.output_moment1, l.output_moment2);
    const auto* const ever_nonzero = reinterpret_cast<const uint8_t*>(block + l.ever_nonzero);
    const int below = l.layers * l.blocks * l.cells;
    const auto update = [&](int m) {
      const T scaled = z[m] * of_rate;
      for (int k = 0; k < lanes; k += W)
        Rule::template apply<T, W>(rows.template at<W>(int64_t(m) * lanes + k),
                                   load<W>(delta + k) * scaled, coefficients);
    };
    for (int m = 0; m < below; ++m) update(m);
    if (l.shortcuts) {
      const int64_t symbol = reinterpret_cast<const Header*>(block)->symbol;
      // Without moments, a source of zero changes nothing; with them, one that was always zero.
      if (!Rule::moments && symbol >= 0)
        update(below + static_cast<int>(symbol));
      else
        for (int i = 0; i < l.inputs; ++i)
          if (ever_nonzero[i]) update(below + i);
    }
    if (l.output_rows > l.output_sources) update(l.output_sources);
  }
};

// The products of a row of weights with the errors of its units, vector by vector, not yet summed.
template <class T, int W>
LETHE_INLINE Lanes<T, W> products(const T* __restrict row, const T* __restrict errors, int lanes) {
  using V = Lanes<T, W>;
  V even = load<W>(row) * load<W>(errors), odd = {};
  if (lanes == W) return even;
  int u = W;
  for (; u + W < lanes; u += 2 * W) {
    odd += load<W>(row + u) * load<W>(errors + u);
    even += load<W>(row + u + W) * load<W>(errors + u + W);
  }
  if (u < lanes) odd += load<W>(row + u) * load<W>(errors + u);
  return even + odd;
}

// What units with these errors send back to n sources whose rows follow each other: a dot product
// each. Four at a time, so that they reach memory as one vector: a vector load that spans four
// separate stores is a store-forwarding stall.
template <bool add, class T, int W>
LETHE_INLINE void send_to_sources(T* to, const T* rows, const T* errors, int n, int lanes) {
  int j = 0;
  for (; j + 4 <= n; j += 4, rows += int64_t(4) * lanes) {
    const Lanes<T, 4> four =
        sums<T, W>(products<T, W>(rows, errors, lanes), products<T, W>(rows + lanes, errors, lanes),
                   products<T, W>(rows + int64_t(2) * lanes, errors, lanes),
                   products<T, W>(rows + int64_t(3) * lanes, errors, lanes));
    store<4>(to + j, add ? load<4>(to + j) + four : four);
  }
  for (; j < n; ++j, rows += lanes) {
    const T one = sum<T, W>(products<T, W>(rows, errors, lanes));
    to[j] = add ? to[j] + one : one;
  }
}

}  // namespace LETHE_ISA
